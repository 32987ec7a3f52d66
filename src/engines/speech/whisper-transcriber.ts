/**
 * Speech to text by Whisper in the thread of the senses: nothing is loaded before somebody speaks. A crash costs the words of a clip.
 */
import type { TranscribedSegment, Transcriber } from "../../engine.ts";
import { EngineError } from "../../errors.ts";
import { openSense, type SenseThread } from "../sense-thread.ts";
import { asSentences } from "./sentences.ts";
import type { HeardWords, SpeechSetup, SpokenSound } from "./speech-thread.ts";

/** How a transcriber is opened. */
export interface WhisperOptions extends SpeechSetup {
  /** Its name, for provenance. */
  readonly name: string;
  /** Where it runs. @default the thread that all senses of this process share */
  readonly thread?: SenseThread;
}

const samplesPerSecond = 16_000;
/** Longer sound is not heard at once. */
const mostSeconds = 30;
/**
 * What is written with less than this is a guess, and guesses do not belong into memory: the mean log-probability of a
 * token, and the same where the model doubts that anybody speaks (openai/whisper, `transcribe.py`).
 */
const leastLogprob = -1;
const leastLogprobInDoubt = -0.7;
const doubt = 0.6;

/** A transcriber over pulled weights. Its thread starts with the first sound. */
export function whisperTranscriber({ thread, name, ...setup }: WhisperOptions): Transcriber {
  const failed = (why: string) =>
    new EngineError("speech-failed", `What hears words failed: ${why}`, { isRetryable: true });
  const module = new URL("./speech-thread", import.meta.url);
  const sense = openSense<SpokenSound, HeardWords>({ module, setup, failed, thread });
  return {
    id: `local:${name}`,
    mostSeconds,
    transcribe: async ({ startSeconds, samples }, { language = null, signal }) => {
      const found: TranscribedSegment[] = [];
      for (let at = 0; at < samples.length; at += mostSeconds * samplesPerSecond) {
        const part = samples.slice(at, at + mostSeconds * samplesPerSecond);
        const heard = await sense.ask({ samples: part, language });
        signal?.throwIfAborted();
        const { meanLogprob, noSpeech, loops } = heard;
        if (loops || meanLogprob < (noSpeech > doubt ? leastLogprobInDoubt : leastLogprob)) continue;
        const from = startSeconds + at / samplesPerSecond;
        for (const { text, ...span } of asSentences(heard.segments))
          found.push({
            ...{ startSeconds: from + span.startSeconds, endSeconds: from + span.endSeconds },
            ...{ text, speaker: null, language: heard.language },
          });
      }
      return found;
    },
    close: () => sense.close(),
  };
}
