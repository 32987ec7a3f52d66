/** Spectrograms as parts of a graph: sound becomes bands of Slaney's mel scale by two products of matrices. */
import type { OnnxGraph } from "./onnx-file.ts";

/** Samples of a frame, and from one frame to the next, at 16 kHz: 25 ms every 10 ms. */
export const frameSamples = 400;
export const hopSamples = 160;
const bins = frameSamples / 2 + 1;
const samplesPerSecond = 16_000;

/** Power in each band of `frames` [N, 400], samples from −1 to 1, under a Hann window: [N, bands]. */
export function bandPower(graph: OnnxGraph, frames: string, bands: number): string {
  const waves = graph.node("MatMul", [frames, graph.constant(fourier(), [frameSamples, 2 * bins])]);
  const squares = graph.node("Mul", [waves, waves]);
  const whole = (value: number) => graph.constant(BigInt64Array.of(BigInt(value)), [1]);
  const half = (part: number) =>
    graph.node("Slice", [squares, whole(part * bins), whole((part + 1) * bins), whole(1)]);
  const power = graph.node("Add", [half(0), half(1)]);
  return graph.node("MatMul", [power, graph.constant(melBands(bands), [bins, bands])]);
}

/** A frame times this is its Fourier transform under a Hann window: cosines, then sines, shape [400, 2 · 201]. */
function fourier(): Float32Array {
  const table = new Float32Array(frameSamples * 2 * bins);
  for (let i = 0; i < frameSamples; i++) {
    const hann = 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / frameSamples);
    for (let bin = 0; bin < bins; bin++) {
      const angle = (2 * Math.PI * ((i * bin) % frameSamples)) / frameSamples;
      table[i * 2 * bins + bin] = hann * Math.cos(angle);
      table[i * 2 * bins + bins + bin] = hann * Math.sin(angle);
    }
  }
  return table;
}

/** Weights of each frequency in each band of Slaney's mel scale up to 8 kHz, of equal area, shape [201, count]. */
export function melBands(count: number): Float32Array {
  // Linear up to 1 kHz, a third of a semitone or so a step above (Slaney's Auditory Toolbox, as librosa has it).
  const [step, knee, growth] = [200 / 3, 15, Math.log(6.4) / 27];
  const toHz = (mel: number) => (mel < knee ? mel * step : 1000 * Math.exp(growth * (mel - knee)));
  const top = knee + Math.log(samplesPerSecond / 2 / 1000) / growth;
  const edges = Array.from({ length: count + 2 }, (_, i) => toHz((top * i) / (count + 1)));
  const table = new Float32Array(bins * count);
  for (let bin = 0; bin < bins; bin++) {
    const hz = (bin * samplesPerSecond) / frameSamples;
    for (let band = 0; band < count; band++) {
      const [low, middle, high] = edges.slice(band, band + 3) as [number, number, number];
      const weight = Math.min((hz - low) / (middle - low), (high - hz) / (high - middle));
      table[bin * count + band] = (Math.max(0, weight) * 2) / (high - low);
    }
  }
  return table;
}

/** Frames of a sound: as many as begin within it, an even number, its edges mirrored; shape [N, 400]. */
export function framesOf(samples: Float32Array): Float32Array {
  const count = 2 * Math.max(1, Math.floor(samples.length / hopSamples / 2));
  const frames = new Float32Array(count * frameSamples);
  const half = frameSamples / 2;
  for (let frame = 0; frame < count; frame++) {
    const from = frame * hopSamples - half;
    for (let i = 0; i < frameSamples; i++) {
      const at = Math.abs(from + i);
      frames[frame * frameSamples + i] = samples[at < samples.length ? at : 2 * samples.length - 2 - at] ?? 0;
    }
  }
  return frames;
}
