/**
 * Tells voices of one sound apart by sherpa-onnx (pyannote's segmentation, and a net that compares voices, such as CAM++),
 * in a process of its own. What compares voices across sounds was tuned for other vectors, so these are not given.
 */
import { basename } from "node:path";
import type { SpeakerFinder, SpokenTurn } from "../../engine.ts";
import { EngineError } from "../../errors.ts";
import { AskedProcess } from "../../util/asked-process.ts";
import type { SherpaSound } from "./program.ts";
import type { SherpaSpeakerSetup, SherpaTurns } from "./speaker-program.ts";

/** How a finder is opened. */
export interface SherpaSpeakerOptions extends Omit<SherpaSpeakerSetup, "threads"> {
  /** Threads of the nets. @default 1 */
  readonly threads?: number;
  /** A process without a sound for this long ends, in milliseconds. @default 60000 */
  readonly idleMs?: number;
}

/** A finder over two nets. Its process starts with the first sound in which somebody speaks. */
export function sherpaSpeakerFinder({ idleMs, threads = 1, ...setup }: SherpaSpeakerOptions): SpeakerFinder {
  const failed = (why: string) =>
    new EngineError("speaker-finder-failed", `What tells voices apart failed: ${why}`, { isRetryable: true });
  const program = new URL("./speaker-program", import.meta.url);
  const child = new AskedProcess<SherpaSound, SherpaTurns>({
    ...{ program, setup: { ...setup, threads } satisfies SherpaSpeakerSetup, idleMs, failed },
  });
  return {
    id: `sherpa:${basename(setup.model.embedding, ".onnx")}`,
    turns: async ({ startSeconds: origin, samples }, stretches, signal) => {
      if (stretches.length === 0) return [];
      const { turns } = await child.ask({ samples });
      signal?.throwIfAborted();
      const within = turns
        .flatMap(({ start, end, speaker }) =>
          stretches.map((stretch) => ({
            startSeconds: Math.max(stretch.startSeconds, origin + start),
            endSeconds: Math.min(stretch.endSeconds, origin + end),
            voice: speaker,
          })),
        )
        .filter(({ startSeconds, endSeconds }) => endSeconds > startSeconds)
        .sort((a, b) => a.startSeconds - b.startSeconds);
      const order = [...new Set(within.map(({ voice }) => voice))];
      return within.map((turn): SpokenTurn => ({ ...turn, voice: order.indexOf(turn.voice) }));
    },
    close: () => child.end(),
  };
}
