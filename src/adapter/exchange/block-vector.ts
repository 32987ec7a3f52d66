/** A vector adapter as other programs have it: numbers that are added to the output of one block of a model. */
import { ConfigError, DataError } from "../../errors.ts";
import type { Adapter, VectorAdapter } from "../adapter.ts";
import { createAdapter, vectorAdapter, type Weight, weightsOf } from "../arithmetic.ts";

/** What is added to the residual stream after one block, at every token. */
export interface BlockVector {
  /** Which block, counted from 0. */
  readonly block: number;
  /** Scale included, shape [width]. */
  readonly values: Float32Array;
}

/** The model and block of a residual space, `residual:<model>@<block>`; `null` for another space. */
export function residualSpace(space: string): { readonly model: string; readonly block: number } | null {
  const [, model, block] = /^residual:(.+)@(\d+)$/.exec(space) ?? [];
  return model === undefined ? null : { model, block: Number(block) };
}

/** The model of a residual space of one block or, `residual:<model>@any`, of all; `null` for another space. */
export function residualModel(space: string): string | null {
  return /^residual:(.+)@(?:\d+|any)$/.exec(space)?.[1] ?? null;
}

/**
 * An adapter as a vector of its block.
 * @throws ConfigError `adapter-space` for one that is not added to a block; `adapter-remote`
 */
export function blockVectorOf(adapter: Adapter): BlockVector {
  const vector = vectorAdapter(adapter);
  const space = residualSpace(vector.space);
  if (space === null) {
    throw new ConfigError(
      "adapter-space",
      `Expected an adapter of a model's residual stream, got one of ${vector.space}: no other program can use it.`,
    );
  }
  const values = new Float32Array(vector.dimension);
  for (const [index, value] of weightsOf(vector)) values[index] = value;
  return { block: space.block, values };
}

/** The adapter that adds such a vector to a model. @throws DataError `adapter-invalid` for numbers that are not finite */
export function adapterOf({ block, values }: BlockVector, model: string): VectorAdapter {
  return createAdapter(
    `residual:${model}@${block}`,
    values.length,
    Array.from(values, (value, index): Weight => [index, value]),
  );
}

/** A file that is not what its format says. */
export function brokenAdapter(format: string, what: string): DataError {
  return new DataError("adapter-invalid", `The file is not an adapter in the format ${format}: ${what}.`);
}
