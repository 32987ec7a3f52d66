/**
 * The part of the senses' thread that finds voices: Silero v5 answers sound with the chance of speech in each stretch of 32 ms. Every sound
 * begins with a fresh state, so a clip is heard the same in a run that was interrupted.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { loadRuntime, type RuntimeFiles, type RuntimeTensor } from "../onnx-runtime.ts";
import type { OpenSense } from "../sense-program.ts";
import { contextSamples, windowSamples } from "./segments.ts";

/** What it is opened with. */
export interface VoiceSetup {
  /** Folder with `voice.onnx`. */
  readonly folder: string;
  readonly runtime: RuntimeFiles;
}

/** Mono sound at 16 kHz. */
export interface Sound {
  readonly samples: Int16Array;
}

/** The chance of speech, 0 to 1, of each window of 512 samples; the last one is filled up with silence. */
export interface Chances {
  readonly chances: Float32Array<ArrayBuffer>;
}

const stateShape = [2, 1, 128] as const;

async function load({ folder, runtime }: VoiceSetup) {
  const ort = await loadRuntime(runtime);
  const session = await ort.InferenceSession.create(readFileSync(join(folder, "voice.onnx")));
  const rate = new ort.Tensor("int64", BigInt64Array.of(16_000n), []);
  return async (samples: Int16Array): Promise<Float32Array<ArrayBuffer>> => {
    const chances = new Float32Array(Math.ceil(samples.length / windowSamples));
    let state: unknown = new ort.Tensor("float32", new Float32Array(256), stateShape);
    for (let window = 0; window < chances.length; window++) {
      const input = new Float32Array(contextSamples + windowSamples);
      const from = window * windowSamples - contextSamples;
      for (let i = 0; i < input.length; i++) input[i] = (samples[from + i] ?? 0) / 32_768;
      const shape = [1, input.length];
      const answer = await session.run({ input: new ort.Tensor("float32", input, shape), state, sr: rate });
      chances[window] = answer.output!.data[0]!;
      state = answer.stateN satisfies RuntimeTensor | undefined;
    }
    return chances;
  };
}

/** Loads the net. */
export const open: OpenSense<VoiceSetup, Sound, Chances> = async (setup) => {
  const chancesOf = await load(setup);
  return async ({ samples }) => ({ chances: await chancesOf(samples) });
};
