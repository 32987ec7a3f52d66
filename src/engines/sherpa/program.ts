/** The process that runs sherpa-onnx: one recogniser, one sound at a time. */
import { createRequire } from "node:module";
import { answerInProcess } from "../../util/asked-process.ts";
import type { SherpaModel } from "./files.ts";

/** What the process starts with. */
export interface SherpaSetup {
  /** Path of sherpa-onnx-node. */
  readonly module: string;
  readonly model: SherpaModel;
  /** BCP 47 tag, for models that are told it. */
  readonly language: string | null;
  readonly threads: number;
}

/** Mono sound at 16 kHz. */
export interface SherpaSound {
  readonly samples: Int16Array;
}

/** What was heard. */
export interface SherpaWords {
  readonly text: string;
  /** When each token begins, in seconds; empty where the model does not tell. */
  readonly timestamps: readonly number[];
  readonly language: string | null;
}

/** The part of sherpa-onnx-node that is used. */
interface Sherpa {
  readonly OfflineRecognizer: new (
    config: object,
  ) => {
    createStream(): Stream;
    decode(stream: Stream): void;
    getResult(stream: Stream): { text: string; timestamps?: readonly number[]; lang?: string };
  };
}

interface Stream {
  acceptWaveform(wave: { readonly samples: Float32Array; readonly sampleRate: number }): void;
}

const sampleRate = 16_000;

answerInProcess<SherpaSetup, SherpaSound, SherpaWords>(({ module, model, language, threads }) => {
  const { OfflineRecognizer } = createRequire(import.meta.url)(module) as Sherpa;
  const { tokens, ...files } = model;
  const spoken = language?.toLowerCase().split("-")[0] ?? "";
  const recognizer = new OfflineRecognizer({
    featConfig: { sampleRate, featureDim: 80 },
    modelConfig: {
      ...("whisper" in files
        ? { whisper: { ...files.whisper, language: spoken, task: "transcribe" } }
        : files),
      ...{ tokens, numThreads: threads, provider: "cpu", debug: 0 },
    },
  });
  return async ({ samples }) => {
    const stream = recognizer.createStream();
    stream.acceptWaveform({ samples: Float32Array.from(samples, (sample) => sample / 32_768), sampleRate });
    recognizer.decode(stream);
    const { text, timestamps = [], lang = "" } = recognizer.getResult(stream);
    return { text: text.trim(), timestamps, language: lang.replace(/[<|>]/g, "") || null };
  };
});
