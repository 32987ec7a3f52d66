/** The part of the senses' thread that hears words: Whisper, whose weights it reads once. It answers sound with what is said. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { loadRuntime, type RuntimeFiles, type RuntimeTensor } from "../onnx-runtime.ts";
import type { OpenSense } from "../sense-program.ts";
import { frameSamples, framesOf } from "../spectrogram.ts";
import { readTensors } from "./ctranslate-file.ts";
import { type Written, write } from "./whisper-decode.ts";
import { encoderGraph, layerNames, stepGraph, valuesOf, whisperWeights } from "./whisper-graph.ts";
import { whisperTokens } from "./whisper-tokens.ts";

/** What it is opened with. */
export interface SpeechSetup {
  /** Folder with `model.bin`, `vocabulary.txt` and `config.json`. */
  readonly folder: string;
  readonly runtime: RuntimeFiles;
}

/** Up to 30 s of mono sound at 16 kHz. */
export interface SpokenSound {
  readonly samples: Int16Array;
  /** BCP 47 tag; `null` where it is not known. */
  readonly language: string | null;
}

/** What it says; the language is `null` where the model did not tell it. */
export interface HeardWords extends Written {
  readonly language: string | null;
}

/** The longest that the model hears at once, in samples. */
const mostSamples = 30 * 16_000;
/** Silence behind a sound: the models were taught with sound of 30 s, most of which ends in it. Samples. */
const silenceBehind = 2 * 16_000;

/** Reads the weights and loads the nets. */
export const open: OpenSense<SpeechSetup, SpokenSound, HeardWords> = async ({ folder, runtime }) => {
  const ort = await loadRuntime(runtime);
  const weights = whisperWeights(readTensors(readFileSync(join(folder, "model.bin"))));
  const tokens = whisperTokens(readFileSync(join(folder, "vocabulary.txt"), "utf8"));
  const configured = join(folder, "config.json");
  const config = (existsSync(configured) ? JSON.parse(readFileSync(configured, "utf8")) : {}) as {
    suppress_ids?: number[];
    suppress_ids_begin?: number[];
  };
  const encoder = await ort.InferenceSession.create(encoderGraph(weights));
  const decoder = await ort.InferenceSession.create(stepGraph(weights));
  const { width, heads, decoderLayers, mostSound, mostText } = weights;
  const layers = Array.from({ length: decoderLayers }, (_, layer) => layerNames(layer));
  const [places, textPlaces] = ["encoder", "decoder"].map((part) =>
    valuesOf(weights.tensor(`${part}/position_encodings/encodings`)),
  ) as [Float32Array, Float32Array];
  const words = weights.tensor("decoder/embeddings/weight");
  const tensor = (data: Float32Array, shape: readonly number[]) => new ort.Tensor("float32", data, shape);

  const encode = async (samples: Int16Array): Promise<Record<string, RuntimeTensor>> => {
    const padded = new Float32Array(Math.min(mostSamples, samples.length + silenceBehind));
    for (let i = 0; i < Math.min(samples.length, padded.length); i++) padded[i] = samples[i]! / 32_768;
    const frames = framesOf(padded);
    const count = frames.length / frameSamples;
    const steps = Math.min(mostSound, count / 2);
    return encoder.run({
      frames: tensor(frames.subarray(0, 2 * steps * frameSamples), [2 * steps, frameSamples]),
      places: tensor(places.subarray(0, steps * width), [steps, width]),
    });
  };

  /** The steps of one text over a sound. */
  const stepsOver = (sound: Record<string, RuntimeTensor>) => {
    const empty = () => tensor(new Float32Array(), [heads, 0, width / heads]);
    let state: Record<string, unknown> = Object.fromEntries(
      layers.flatMap(({ keys, values }) => [
        [keys, empty()],
        [values, empty()],
      ]),
    );
    let place = 0;
    return async (token: number): Promise<Float32Array> => {
      const word = valuesOf(words, token * width, (token + 1) * width);
      for (let i = 0; i < width; i++) word[i]! += textPlaces[place * width + i]!;
      place += 1;
      const answer = await decoder.run({ token: tensor(word, [1, width]), ...state, ...sound });
      state = Object.fromEntries(
        layers.flatMap(({ keys, values, nextKeys, nextValues }) => [
          [keys, answer[nextKeys]],
          [values, answer[nextValues]],
        ]),
      );
      return answer.scores!.data;
    };
  };

  return async ({ samples, language }: SpokenSound): Promise<HeardWords> => {
    const sound = await encode(samples);
    let spoken = language;
    if (tokens.multilingual && spoken === null) {
      const scores = await stepsOver(sound)(tokens.start("en")[0]!);
      [spoken] = [...tokens.languages].reduce((a, b) => (scores[b[1]]! > scores[a[1]]! ? b : a));
    }
    const written = await write(stepsOver(sound), {
      ...{ tokens, language: spoken, seconds: samples.length / 16_000 },
      suppressed: config.suppress_ids ?? [],
      suppressedFirst: config.suppress_ids_begin ?? [],
      mostTokens: Math.floor(mostText / 2),
    });
    return { ...written, language: tokens.multilingual ? spoken : "en" };
  };
};
