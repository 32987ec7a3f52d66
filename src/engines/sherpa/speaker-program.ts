/** The process in which sherpa-onnx tells voices apart: a net finds turns in ten seconds, another compares voices. */
import { createRequire } from "node:module";
import { answerInProcess } from "../../util/asked-process.ts";
import type { SherpaSpeakerModel } from "./files.ts";
import type { SherpaSound } from "./program.ts";

/** What the process starts with. */
export interface SherpaSpeakerSetup {
  /** Path of sherpa-onnx-node. */
  readonly module: string;
  readonly model: SherpaSpeakerModel;
  readonly threads: number;
}

/** Who speaks when, in seconds from the start of the sound. */
export interface SherpaTurns {
  readonly turns: readonly { readonly start: number; readonly end: number; readonly speaker: number }[];
}

/** The part of sherpa-onnx-node that is used. */
interface Sherpa {
  readonly OfflineSpeakerDiarization: new (
    config: object,
  ) => {
    process(samples: Float32Array): SherpaTurns["turns"];
  };
}

/** Voices whose cosine distance is below this are one: what sherpa-onnx itself takes. */
const threshold = 0.5;

answerInProcess<SherpaSpeakerSetup, SherpaSound, SherpaTurns>(({ module, model, threads }) => {
  const { OfflineSpeakerDiarization } = createRequire(import.meta.url)(module) as Sherpa;
  const net = { numThreads: threads, provider: "cpu", debug: 0 };
  const diarization = new OfflineSpeakerDiarization({
    segmentation: { pyannote: { model: model.segmentation }, ...net },
    embedding: { model: model.embedding, ...net },
    clustering: { numClusters: -1, threshold },
  });
  return async ({ samples }) => ({
    turns: diarization.process(Float32Array.from(samples, (sample) => sample / 32_768)),
  });
});
