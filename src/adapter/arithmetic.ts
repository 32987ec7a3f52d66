/**
 * Arithmetic on adapters: made from weights, scaled, brought to a norm, blended.
 *
 * Arithmetic needs vectors: an adapter that an engine holds is refused with `adapter-remote`. A vector adds `scale ·
 * values` and nothing else, so its revision is a hash of exactly that: doubled values at half the scale have the same
 * revision, and every adapter at scale 0 has the revision of the empty one.
 */
import { ConfigError, DataError } from "../errors.ts";
import { sha256 } from "../util/hash.ts";
import type { Adapter, VectorAdapter } from "./adapter.ts";

/** An index in the space, in [0, dimension), and its weight. */
export type Weight = readonly [index: number, value: number];

/**
 * An adapter of these weights at scale 1, ordered by index, with weights of one index added up and zeros left out.
 * @throws DataError `adapter-invalid` for an index outside the space or a weight that is not finite
 */
export function createAdapter(space: string, dimension: number, weights: Iterable<Weight>): VectorAdapter {
  const sums = new Map<number, number>();
  for (const [index, value] of weights) sums.set(index, (sums.get(index) ?? 0) + value);
  const placed = [...sums].filter(([, value]) => value !== 0).sort(([a], [b]) => a - b);
  return withRevision({
    kind: "vector",
    space,
    dimension,
    indices: Int32Array.from(placed, ([index]) => index),
    values: Float32Array.from(placed, ([, value]) => value),
    scale: 1,
  });
}

/** The adapter as a vector. @throws ConfigError `adapter-remote` for one that an engine holds */
export function vectorAdapter(adapter: Adapter): VectorAdapter {
  if (adapter.kind === "vector") return adapter;
  throw new ConfigError(
    "adapter-remote",
    `Expected a vector adapter, got ${adapter.revision} (${adapter.format}) at ${adapter.uri}. Use it with the engine that holds it.`,
  );
}

/**
 * The same values at `factor` times the scale.
 * @throws DataError `adapter-invalid` if the scale is not finite; ConfigError `adapter-remote`
 */
export function scaleAdapter(adapter: Adapter, factor: number): VectorAdapter {
  const vector = vectorAdapter(adapter);
  return withRevision({ ...vector, scale: vector.scale * factor });
}

/**
 * Euclidean norm of what is added, |scale| · ‖values‖. For an adapter that an engine holds, the norm it states, or
 * `null`.
 */
export function adapterNorm(adapter: Pick<VectorAdapter, "values" | "scale">): number;
export function adapterNorm(adapter: Adapter): number | null;
export function adapterNorm(adapter: Adapter | Pick<VectorAdapter, "values" | "scale">): number | null {
  if (!("values" in adapter)) return adapter.norm;
  const { values, scale } = adapter;
  return Math.abs(scale) * Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
}

/**
 * The same direction with another norm.
 * @throws RangeError for a norm below 0 or not finite
 * @throws DataError `adapter-empty` if the adapter adds nothing and so has no direction; ConfigError `adapter-remote`
 */
export function rescaleAdapter(adapter: Adapter, norm: number): VectorAdapter {
  if (!(norm >= 0 && norm < Infinity)) throw new RangeError(`Expected a norm from 0 up, got ${norm}`);
  const now = adapterNorm(vectorAdapter(adapter));
  if (now === 0) {
    throw new DataError(
      "adapter-empty",
      `Expected an adapter with a direction to rescale to norm ${norm}, got one that adds nothing. Train it first.`,
    );
  }
  return scaleAdapter(adapter, norm / now);
}

/**
 * Blends two adapters: `(1 − share) · one + share · other`, at scale 1.
 * @param share weight of the other, 0 to 1; the ends give the adapters themselves
 * @throws RangeError for a share out of range
 * @throws ConfigError `adapter-space` if they belong to different spaces; `adapter-remote`
 */
export function blendAdapters(one: Adapter, other: Adapter, share: number): VectorAdapter {
  if (!(share >= 0 && share <= 1)) throw new RangeError(`Expected a share from 0 to 1, got ${share}`);
  const [first, second] = [vectorAdapter(one), vectorAdapter(other)];
  if (first.space !== second.space || first.dimension !== second.dimension) {
    throw new ConfigError(
      "adapter-space",
      `Expected two adapters of one space to blend, got ${first.space} with ${first.dimension} dimensions and ${second.space} with ${second.dimension}`,
    );
  }
  if (share === 0) return first;
  if (share === 1) return second;
  return createAdapter(first.space, first.dimension, [
    ...weightsOf(first).map(([index, value]): Weight => [index, (1 - share) * value]),
    ...weightsOf(second).map(([index, value]): Weight => [index, share * value]),
  ]);
}

/** What the adapter adds: `scale · value` at each index. @throws ConfigError `adapter-remote` */
export function weightsOf(adapter: Adapter): Weight[] {
  const { indices, values, scale } = vectorAdapter(adapter);
  return Array.from(indices, (index, k) => [index, scale * values[k]!]);
}

/**
 * Checks an adapter and gives it the revision of what it adds.
 * @throws DataError `adapter-invalid` unless every value is finite and has its own index in the space, ascending
 */
export function withRevision(parts: Omit<VectorAdapter, "revision">): VectorAdapter {
  const adapter = { ...parts, revision: "" };
  checkAdapter(adapter);
  const effect = weightsOf(adapter).filter(([, weight]) => weight !== 0);
  return {
    ...adapter,
    revision: sha256(JSON.stringify([parts.space, parts.dimension, effect])).slice(0, 12),
  };
}

function checkAdapter({ space, dimension, indices, values, scale }: VectorAdapter): void {
  const problem = problemOf(dimension, indices, values, scale);
  if (problem === null) return;
  throw new DataError(
    "adapter-invalid",
    `Expected an adapter of ${space} with a finite number at each index, got ${problem}. Train it again, or load an earlier one.`,
  );
}

function problemOf(
  dimension: number,
  indices: Int32Array,
  values: Float32Array,
  scale: number,
): string | null {
  if (!(Number.isInteger(dimension) && dimension > 0)) return `dimension ${dimension}`;
  if (!Number.isFinite(scale)) return `scale ${scale}`;
  if (indices.length !== values.length) return `${indices.length} indices for ${values.length} values`;
  const stray = indices.findIndex((index, k) => index >= dimension || index <= (indices[k - 1] ?? -1));
  if (stray >= 0)
    return `index ${indices[stray]} of ${dimension} at position ${stray}, out of range or order`;
  const bad = values.findIndex((value) => !Number.isFinite(value));
  return bad >= 0 ? `${values[bad]} at index ${indices[bad]}` : null;
}
