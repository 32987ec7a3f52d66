/**
 * A sentence encoder in a thread of this process, by onnxruntime-web: nothing is loaded before the first text, and the
 * thread ends when it is idle. What ends it otherwise fails the texts that wait, and the next ones start another.
 */
import type { Embedder } from "../../engine.ts";
import { ConfigError, EngineError } from "../../errors.ts";
import { AskedThread } from "../../util/asked-thread.ts";
import { installLine } from "../../util/optional.ts";
import { runtimeFiles, runtimePackage } from "../onnx-runtime.ts";
import type { FoundNumbers, LinesToScore, TextsToEmbed, ThreadSetup } from "./encoder-thread.ts";
import { widthOf } from "./encoder-weights.ts";

/** How an encoder is opened. */
export interface SentenceEncoderOptions {
  /** Folder of a BERT encoder, as `encoder-weights.ts` reads it. */
  readonly folder: string;
  /** Names the vectors' space: what it is, which weights, and which adapter. */
  readonly id: string;
  /** File of its adapter for vectors of questions and passages (`encoder-adapter.ts`). @default none */
  readonly vectors?: string;
  /** File of its adapter that scores lines (`line-answers.ts`). @default it scores none */
  readonly answers?: string;
  /** A thread without a text for this long ends. @default 60 s */
  readonly idleMs?: number;
}

/** An encoder whose thread can be ended. */
export interface SentenceEncoder extends Embedder {
  /** Ends the thread; a later text starts another. */
  close(): Promise<void>;
}

/** Texts a message holds, so that an abort is heard between messages. */
const atOnce = 16;

/**
 * Opens an encoder; its thread starts with the first text.
 * @throws ConfigError `package-missing` without onnxruntime-web
 */
export function sentenceEncoder(options: SentenceEncoderOptions): SentenceEncoder {
  const runtime = installedRuntime();
  const dimension = widthOf(options.folder);
  const { vectors = null, answers = null } = options;
  const thread = new AskedThread<TextsToEmbed | LinesToScore, FoundNumbers>({
    program: new URL("./encoder-thread", import.meta.url),
    setup: { folder: options.folder, vectors, answers, runtime } satisfies ThreadSetup,
    idleMs: options.idleMs,
    failed: encoderFailed,
  });
  return {
    id: options.id,
    dimension,
    embed: async (texts, signal, { alike = false } = {}) => {
      const vectors = texts.map(() => new Float32Array(dimension));
      const wanted = [...texts.entries()].filter(([, text]) => text.trim() !== "");
      for (let from = 0; from < wanted.length; from += atOnce) {
        signal?.throwIfAborted();
        const batch = wanted.slice(from, from + atOnce);
        const { numbers: found } = await thread.ask({ texts: batch.map(([, text]) => text), alike });
        for (const [i, [place]] of batch.entries())
          vectors[place] = found.slice(i * dimension, (i + 1) * dimension);
      }
      return vectors;
    },
    ...(answers !== null && {
      scoreLines: async (question, lines, signal) => {
        const scores: number[] = [];
        for (let from = 0; from < lines.length; from += atOnce) {
          signal?.throwIfAborted();
          const { numbers } = await thread.ask({ question, lines: lines.slice(from, from + atOnce) });
          scores.push(...numbers);
        }
        return scores;
      },
    }),
    close: () => thread.end(),
  };
}

/** Whether the runtime is installed. */
export const hasRuntime = (): boolean => runtimeFiles() !== null;

function installedRuntime(): ThreadSetup["runtime"] {
  const runtime = runtimeFiles();
  if (runtime !== null) return runtime;
  const install = installLine(runtimePackage);
  throw new ConfigError(
    "package-missing",
    `${runtimePackage} is needed to compare meanings and is not installed: ${install}`,
    { details: { package: runtimePackage, install } },
  );
}

function encoderFailed(why: string): EngineError {
  return new EngineError("encoder-failed", `The sentence encoder failed: ${why}`, { isRetryable: true });
}
