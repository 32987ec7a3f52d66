/**
 * Tells voices apart within a sound, by a net in the thread of the senses. Voices have no names here; what compares those
 * of two sounds, and keeps them, is the memory, where that is switched on (`identity/hear.ts`).
 */
import type { SpeakerFinder } from "../../engine.ts";
import { EngineError } from "../../errors.ts";
import { openSense, type SenseThread } from "../sense-thread.ts";
import type { SpeakerSetup, SpokenStretches, SpokenTurns } from "./speaker-thread.ts";
import type { Span } from "./turns.ts";

/** How a finder is opened. */
export interface SpeakerFinderOptions extends SpeakerSetup {
  /** Where it runs. @default the thread that all senses of this process share */
  readonly thread?: SenseThread;
}

/** A finder over pulled weights. Its thread starts with the first sound in which somebody speaks. */
export function speakerFinder({ thread, ...setup }: SpeakerFinderOptions): SpeakerFinder {
  const failed = (why: string) =>
    new EngineError("speaker-finder-failed", `What tells voices apart failed: ${why}`, { isRetryable: true });
  const module = new URL("./speaker-thread", import.meta.url);
  const sense = openSense<SpokenStretches, SpokenTurns>({ module, setup, failed, thread });
  const voices: SpeakerFinder["voices"] = async ({ startSeconds: origin, samples }, stretches, signal) => {
    if (stretches.length === 0) return { turns: [], vectors: [] };
    const moved =
      (by: number) =>
      <T extends Span>(one: T): T => ({
        ...one,
        ...{ startSeconds: one.startSeconds + by, endSeconds: one.endSeconds + by },
      });
    const found = await sense.ask({ samples, stretches: stretches.map(moved(-origin)) });
    signal?.throwIfAborted();
    return { turns: found.turns.map(moved(origin)), vectors: found.voices };
  };
  return {
    id: "resemblyzer",
    voices,
    turns: async (...asked) => [...(await voices(...asked)).turns],
    close: () => sense.close(),
  };
}
