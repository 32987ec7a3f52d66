/**
 * Speech to text by sherpa-onnx (moonshine, whisper, transducers such as parakeet) in a process of its own: the native code
 * may crash, which costs the words of a clip. Nothing is started before somebody speaks.
 */
import type { Transcriber } from "../../engine.ts";
import { EngineError } from "../../errors.ts";
import { AskedProcess } from "../../util/asked-process.ts";
import { asSentences } from "../speech/sentences.ts";
import type { SherpaSetup, SherpaSound, SherpaWords } from "./program.ts";

/** How a transcriber is opened. */
export interface SherpaOptions extends Omit<SherpaSetup, "threads"> {
  /** Its name, for provenance. */
  readonly name: string;
  /** Threads of the recogniser. @default 1 */
  readonly threads?: number;
  /** A process without a sound for this long ends, in milliseconds. @default 60000 */
  readonly idleMs?: number;
}

const samplesPerSecond = 16_000;
/** Moonshine and whisper hear no more at once. */
const mostSeconds = 29;
/** How long the last word of a text may take, in seconds. */
const lastWordSeconds = 0.5;

/** A transcriber over a folder of sherpa-onnx. Its process starts with the first sound. */
export function sherpaTranscriber({ name, idleMs, threads = 1, ...setup }: SherpaOptions): Transcriber {
  const failed = (why: string) =>
    new EngineError("speech-failed", `What hears words failed: ${why}`, { isRetryable: true });
  const program = new URL("./program", import.meta.url);
  const child = new AskedProcess<SherpaSound, SherpaWords>({
    ...{ program, setup: { ...setup, threads } satisfies SherpaSetup, idleMs, failed },
  });
  return {
    id: `local:${name}`,
    mostSeconds,
    transcribe: async ({ startSeconds, samples }, { signal }) => {
      const { text, timestamps, language } = await child.ask({ samples });
      signal?.throwIfAborted();
      if (text === "") return [];
      const seconds = samples.length / samplesPerSecond;
      const last = timestamps.at(-1);
      const span = {
        startSeconds: timestamps[0] ?? 0,
        endSeconds: last === undefined ? seconds : Math.min(seconds, last + lastWordSeconds),
      };
      return asSentences([{ ...span, text }]).map((sentence) => ({
        startSeconds: startSeconds + sentence.startSeconds,
        endSeconds: startSeconds + sentence.endSeconds,
        ...{ text: sentence.text, speaker: null, language },
      }));
    },
    close: () => child.end(),
  };
}
