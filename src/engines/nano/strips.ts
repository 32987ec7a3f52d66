/**
 * What nano sees of a clip: twelve strips, three from each of four frames, as decoded by the codec.
 *
 * A frame is decoded, scaled to 448 × 252 and averaged down to 96 × 54; each third of it is a strip of 96 × 18 pixels.
 */

import { frameSize } from "../../household/draw.ts";
import { stripsPerScene } from "../../household/world.ts";
import { createCanvas, loadImage } from "../../util/canvas.ts";
import { scenesSeen, stripsSeen } from "./layout.ts";

/** Size of a strip in pixels. */
export const stripSize = { width: 96, height: 18 };
/** Values of a strip: rows, columns, red, green and blue. */
export const stripValues = stripSize.width * stripSize.height * 3;

/** The three strips of a frame, shape [3, 18, 96, 3], 0 to 255. `shift` moves the picture, in pixels of 448 × 252. */
export async function frameStrips(
  jpeg: Uint8Array,
  shift: { readonly x: number; readonly y: number } = { x: 0, y: 0 },
): Promise<Uint8Array> {
  const { width, height } = frameSize;
  const context = createCanvas(width, height).getContext("2d");
  const picture = await loadImage(jpeg);
  context.drawImage(picture, 0, 0, width, height);
  if (shift.x !== 0 || shift.y !== 0) context.drawImage(picture, shift.x, shift.y, width, height);
  return averaged(context.getImageData(0, 0, width, height).data);
}

/** Strips by frame: a lesson, a gate or a measurement shows the same frames under many policies. */
const read = new WeakMap<Uint8Array, Promise<Uint8Array>>();

function stripsOf(jpeg: Uint8Array): Promise<Uint8Array> {
  const known = read.get(jpeg);
  if (known) return known;
  const strips = frameStrips(jpeg);
  read.set(jpeg, strips);
  return strips;
}

/** A clip's strips as network inputs, shape [12, X], from the frame in the middle of each quarter. */
export async function clipStrips(
  frames: readonly { readonly jpeg: Uint8Array }[],
): Promise<Float32Array<ArrayBuffer>> {
  const inputs = new Float32Array(stripsSeen * stripValues);
  if (frames.length === 0) return inputs;
  for (let scene = 0; scene < scenesSeen; scene++) {
    const frame = frames[Math.floor(((scene + 0.5) / scenesSeen) * frames.length)]!;
    const strips = await stripsOf(frame.jpeg);
    for (let i = 0; i < strips.length; i++) inputs[scene * strips.length + i] = inputOf(strips[i]!);
  }
  return inputs;
}

/** A colour value, 0 to 255, as the network takes it: -1 to 1. */
export function inputOf(value: number): number {
  return value / 127.5 - 1;
}

/** RGBA of 448 × 252 as RGB of 96 × 54: means over the pixels covered, parts of pixels counted in part. */
function averaged(pixels: Uint8ClampedArray): Uint8Array {
  const rows = stripSize.height * stripsPerScene;
  const columns = stripSize.width;
  const across = new Float32Array(frameSize.height * columns * 3);
  const xWeights = covers(frameSize.width, columns);
  for (let y = 0; y < frameSize.height; y++)
    for (let x = 0; x < columns; x++)
      for (const { from, weight } of xWeights[x]!)
        for (let c = 0; c < 3; c++)
          across[(y * columns + x) * 3 + c]! += weight * pixels[(y * frameSize.width + from) * 4 + c]!;
  const sums = new Float32Array(rows * columns * 3);
  for (const [y, parts] of covers(frameSize.height, rows).entries())
    for (const { from, weight } of parts)
      for (let i = 0; i < columns * 3; i++)
        sums[y * columns * 3 + i]! += weight * across[from * columns * 3 + i]!;
  return Uint8Array.from(sums, Math.round);
}

/** For each of `to` cells, which of `from` pixels it covers and by what share of the cell. */
function covers(from: number, to: number): { from: number; weight: number }[][] {
  const size = from / to;
  return Array.from({ length: to }, (_, cell) => {
    const parts: { from: number; weight: number }[] = [];
    for (let pixel = Math.floor(cell * size); pixel < Math.min(from, (cell + 1) * size); pixel++) {
      const weight = (Math.min(pixel + 1, (cell + 1) * size) - Math.max(pixel, cell * size)) / size;
      if (weight > 1e-9) parts.push({ from: pixel, weight });
    }
    return parts;
  });
}
