/**
 * Tells voices apart within a sound, by a net in a thread of this process. Voices have no names and are not kept: those of
 * two sounds are not compared.
 */
import type { SpeakerFinder } from "../../engine.ts";
import { EngineError } from "../../errors.ts";
import { AskedThread } from "../../util/asked-thread.ts";
import type { SpeakerSetup, SpokenStretches, SpokenTurns } from "./speaker-thread.ts";

/** How a finder is opened. */
export interface SpeakerFinderOptions extends SpeakerSetup {
  /** A thread without a sound for this long ends, in milliseconds. @default 60000 */
  readonly idleMs?: number;
}

/** A finder over pulled weights. Its thread starts with the first sound in which somebody speaks. */
export function speakerFinder({ idleMs, ...setup }: SpeakerFinderOptions): SpeakerFinder {
  const failed = (why: string) =>
    new EngineError("speaker-finder-failed", `What tells voices apart failed: ${why}`, { isRetryable: true });
  const program = new URL("./speaker-thread", import.meta.url);
  const thread = new AskedThread<SpokenStretches, SpokenTurns>({ program, setup, idleMs, failed });
  return {
    id: "resemblyzer",
    turns: async ({ startSeconds: origin, samples }, stretches, signal) => {
      if (stretches.length === 0) return [];
      const moved =
        (by: number) => (one: { readonly startSeconds: number; readonly endSeconds: number }) => ({
          ...one,
          ...{ startSeconds: one.startSeconds + by, endSeconds: one.endSeconds + by },
        });
      const { turns } = await thread.ask({ samples, stretches: stretches.map(moved(-origin)) });
      signal?.throwIfAborted();
      return turns.map((turn) => ({ ...moved(origin)(turn), voice: turn.voice }));
    },
    close: () => thread.end(),
  };
}
