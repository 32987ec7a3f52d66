/**
 * Finds where somebody speaks, by Silero v5 in the thread of the senses. Nothing is loaded before the first sound that is
 * no silence. A crash costs the voices of a clip.
 */
import type { VoiceFinder } from "../../engine.ts";
import { EngineError } from "../../errors.ts";
import { openSense, type SenseThread } from "../sense-thread.ts";
import { speechStretches } from "./segments.ts";
import type { Chances, Sound, VoiceSetup } from "./voice-thread.ts";

/** How a finder is opened. */
export interface VoiceFinderOptions extends VoiceSetup {
  /** Where it runs. @default the thread that all senses of this process share */
  readonly thread?: SenseThread;
}

const samplesPerSecond = 16_000;
/** Sound that never rises above this is silence, in steps of 16 bits: 60 dB below full scale. */
const silenceStep = 33;

/** A finder over pulled nets. Its thread starts with the first sound. */
export function voiceFinder({ thread, ...setup }: VoiceFinderOptions): VoiceFinder {
  const failed = (why: string) =>
    new EngineError("voice-finder-failed", `What finds voices failed: ${why}`, { isRetryable: true });
  const module = new URL("./voice-thread", import.meta.url);
  const sense = openSense<Sound, Chances>({ module, setup, failed, thread });
  return {
    id: "silero-v5",
    find: async ({ startSeconds, samples }, signal) => {
      if (samples.every((sample) => Math.abs(sample) < silenceStep)) return [];
      const { chances } = await sense.ask({ samples });
      signal?.throwIfAborted();
      return speechStretches(chances, samples.length / samplesPerSecond).map((stretch) => ({
        startSeconds: startSeconds + stretch.startSeconds,
        endSeconds: startSeconds + stretch.endSeconds,
      }));
    },
    close: () => sense.close(),
  };
}
