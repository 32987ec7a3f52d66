/** The part of the senses' thread that tells voices apart: it answers sound and its stretches of speech with who speaks when. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { loadRuntime, type RuntimeFiles } from "../onnx-runtime.ts";
import type { OpenSense } from "../sense-program.ts";
import { frameSamples, framesOf } from "../spectrogram.ts";
import { bands, bandsGraph, speakerGraph, voiceLength, windowFrames } from "./speaker-net.ts";
import {
  found,
  looked,
  momentsOf,
  type Span,
  turnsOf,
  unit,
  type VoiceTurn,
  voicesOf,
  windowsOf,
} from "./turns.ts";

/** What it is opened with. */
export interface SpeakerSetup {
  /** Folder with `pretrained.pt`. */
  readonly folder: string;
  readonly runtime: RuntimeFiles;
}

/** Mono sound at 16 kHz, and where somebody speaks in it, in seconds from its start. */
export interface SpokenStretches {
  readonly samples: Int16Array;
  readonly stretches: readonly Span[];
}

/** Who speaks when, in seconds from the start. */
export interface SpokenTurns {
  readonly turns: readonly VoiceTurn[];
  /** What each voice is compared by, of unit length, in the order of their numbers. */
  readonly voices: readonly Float32Array[];
}

/** Quieter sound is made louder to this, in dB below full scale, as the net was taught. */
const levelDb = -30;
const framesPerSecond = 100;

async function load({ folder, runtime }: SpeakerSetup) {
  const ort = await loadRuntime(runtime);
  const spectrum = await ort.InferenceSession.create(bandsGraph());
  const net = await ort.InferenceSession.create(speakerGraph(readFileSync(join(folder, "pretrained.pt"))));
  const tensor = (data: Float32Array, shape: readonly number[]) => new ort.Tensor("float32", data, shape);

  /** The voice of each window, of unit length. */
  const voicesIn = async (mel: Float32Array, windows: readonly Span[]): Promise<Float32Array[]> => {
    const shown = new Float32Array(windowFrames * windows.length * bands);
    const frames = mel.length / bands;
    for (const [i, { startSeconds, endSeconds }] of windows.entries()) {
      const from = Math.min(frames - 1, Math.round(startSeconds * framesPerSecond));
      const count = Math.max(
        1,
        Math.min(frames - from, Math.round((endSeconds - startSeconds) * framesPerSecond)),
      );
      // A short window is shown again until it fills the net's.
      for (let frame = 0; frame < windowFrames; frame++) {
        const at = (from + (frame % count)) * bands;
        shown.set(mel.subarray(at, at + bands), (frame * windows.length + i) * bands);
      }
    }
    const shape = [windowFrames, windows.length, bands];
    const { data } = (await net.run({ windows: tensor(shown, shape) })).voices!;
    return windows.map((_, i) => unit(data.slice(i * voiceLength, (i + 1) * voiceLength)));
  };

  return async ({ samples, stretches }: SpokenStretches): Promise<SpokenTurns> => {
    if (stretches.length === 0) return { turns: [], voices: [] };
    const frames = framesOf(levelled(samples));
    const shape = [frames.length / frameSamples, frameSamples];
    const mel = (await spectrum.run({ frames: tensor(frames, shape) })).bands!.data;
    const windows = windowsOf(stretches, found);
    const vectors = await voicesIn(mel, windows);
    const voices = voicesOf(vectors);
    const told = (turns: readonly VoiceTurn[]) => ({ turns, voices: toldVoices(turns, windows, vectors) });
    if (voices.length < 2) return told(stretches.map((stretch) => ({ ...stretch, voice: 0 })));
    const moments = momentsOf(stretches, looked);
    const around = await voicesIn(
      mel,
      moments.map((one) => one.around),
    );
    return told(
      turnsOf(
        moments.map(({ moment }) => moment),
        around,
        voices,
      ),
    );
  };
}

/** The mean of each voice's windows: those whose middle lies in one of its turns, or, without one, that are nearest. */
function toldVoices(
  turns: readonly VoiceTurn[],
  windows: readonly Span[],
  vectors: readonly Float32Array[],
): Float32Array[] {
  const middles = windows.map(({ startSeconds, endSeconds }) => (startSeconds + endSeconds) / 2);
  const apart = (middle: number, { startSeconds, endSeconds }: Span) =>
    Math.max(0, startSeconds - middle, middle - endSeconds);
  return Array.from({ length: 1 + Math.max(-1, ...turns.map(({ voice }) => voice)) }, (_, voice) => {
    const own = turns.filter((turn) => turn.voice === voice);
    const far = middles.map((middle) => Math.min(...own.map((turn) => apart(middle, turn))));
    const nearest = Math.min(...far);
    const chosen = vectors.filter((_, i) => far[i] === nearest);
    const sum = new Float32Array(voiceLength);
    for (const vector of chosen) for (let i = 0; i < sum.length; i++) sum[i]! += vector[i]!;
    return unit(sum);
  });
}

/** Samples from −1 to 1, made louder where they are quiet on average. */
function levelled(samples: Int16Array): Float32Array {
  let power = 0;
  for (const sample of samples) power += (sample / 32_768) ** 2;
  const db = 10 * Math.log10(power / Math.max(1, samples.length) || 1e-10);
  const factor = (db < levelDb ? 10 ** ((levelDb - db) / 20) : 1) / 32_768;
  return Float32Array.from(samples, (sample) => sample * factor);
}

/** Loads the nets. */
export const open: OpenSense<SpeakerSetup, SpokenStretches, SpokenTurns> = load;
