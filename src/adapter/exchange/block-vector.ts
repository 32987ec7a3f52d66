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

/** Where a vector is added: behind a block, at all tokens or at the answer's (and the prompt's last) only. */
export interface SteeredPlace {
  readonly model: string;
  readonly block: number;
  readonly at: "all" | "answer";
}

/** The space of vectors added there: `residual:<model>@<block>`, with `:answer` behind it for the answer's tokens. */
export function spaceOfPlace({ model, block, at }: SteeredPlace): string {
  return `residual:${model}@${block}${at === "answer" ? ":answer" : ""}`;
}

/** The place that a space names; `null` for another space. */
export function placeOfSpace(space: string): SteeredPlace | null {
  const [, model, block, answer] = /^residual:(.+)@(\d+)(:answer)?$/.exec(space) ?? [];
  return model === undefined ? null : { model, block: Number(block), at: answer ? "answer" : "all" };
}

/** The model and block of a space of vectors added at all tokens, as every program has them; `null` for another space. */
export function residualSpace(space: string): { readonly model: string; readonly block: number } | null {
  const place = placeOfSpace(space);
  return place?.at === "all" ? { model: place.model, block: place.block } : null;
}

/** The model of a residual space of one block or, `residual:<model>@any`, of all; `null` for another space. */
export function residualModel(space: string): string | null {
  return /^residual:(.+)@(?:\d+(?::answer)?|any)$/.exec(space)?.[1] ?? null;
}

/**
 * An adapter as a vector of its block.
 * @throws ConfigError `adapter-space` for one that is not added to a block; `adapter-remote`
 */
export function blockVectorOf(adapter: Adapter): BlockVector {
  const vector = vectorAdapter(adapter);
  const space = residualSpace(vector.space);
  if (space === null) {
    const isAtAnswers = placeOfSpace(vector.space) !== null;
    throw new ConfigError(
      "adapter-space",
      isAtAnswers
        ? `Expected an adapter that is added at all tokens, got ${vector.space}, which is added at the answer's only: other programs have no such adapters. Train one at all tokens.`
        : `Expected an adapter of a model's residual stream, got one of ${vector.space}: no other program can use it.`,
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
