/**
 * Low-rank adapters of a sentence encoder (Hu et al. 2021). Two come with the package, both made by `scripts/line-answers` of
 * invented talk: by one the encoder puts spoken lines near the questions they answer, by the other it reads both at once
 * and scores how well the line answers (`line-answers.ts`).
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { readSafetensors } from "../../adapter/exchange/safetensors.ts";
import type { EncoderWeights } from "./encoder-weights.ts";

const shipped = (name: string) =>
  fileURLToPath(new URL(`../../../weights/${name}.safetensors`, import.meta.url));

/** What the package brings for the encoder `meaning`: files of its adapters for vectors, and for scores. */
export const shippedAdapters = {
  vectors: shipped("line-vectors"),
  answers: shipped("line-answers"),
} as const;

/** A matrix or vector of an adapter. */
export interface AdapterPart {
  readonly values: Float32Array;
  readonly shape: readonly number[];
}

/** An adapter: the weights it makes of an encoder's, and what else its file holds. */
export interface EncoderAdapter {
  /** @throws Error for an encoder that it was not made for */
  readonly adapted: (weights: EncoderWeights) => EncoderWeights;
  /** @throws Error where the file holds none of that name */
  readonly part: (name: string) => AdapterPart;
}

/** Reads an adapter: `NAME.a` [R, in] and `NAME.b` [out, R] of each matrix `NAME.weight` [out, in] that it changes. */
export function readEncoderAdapter(path: string): EncoderAdapter {
  const parts = new Map(readSafetensors(readFileSync(path)).map((part) => [part.name, part]));
  const part = (name: string) => {
    const found = parts.get(name);
    if (!found) throw new Error(`${name} is missing in ${path}`);
    return found;
  };
  const adapted = (weights: EncoderWeights): EncoderWeights => ({
    ...weights,
    tensor: (name) => {
      const own = weights.tensor(name);
      const of = name.replace(/\.weight$/, "");
      if (of === name || !parts.has(`${of}.a`)) return own;
      const [a, b] = [part(`${of}.a`), part(`${of}.b`)];
      if (b.shape[0] !== own.shape[0] || a.shape[1] !== own.shape[1])
        throw new Error(
          `${path} is for a ${of} of ${b.shape[0]} × ${a.shape[1]} numbers, not of ${own.shape.join(" × ")}`,
        );
      return { ...own, values: added(own.values, a, b) };
    },
  });
  return { adapted, part };
}

/** W + B · A. @param b [out, R] @param a [R, in] */
function added(weight: Float32Array, a: AdapterPart, b: AdapterPart): Float32Array {
  const [rank, columns] = a.shape as [number, number];
  const sum = Float32Array.from(weight);
  for (let row = 0; row < b.shape[0]!; row++)
    for (let r = 0; r < rank; r++) {
      const factor = b.values[row * rank + r]!;
      for (let column = 0; column < columns; column++)
        sum[row * columns + column]! += factor * a.values[r * columns + column]!;
    }
  return sum;
}
