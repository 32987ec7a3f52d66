/**
 * The adapter: the only weights Phase Two trains, as one small file.
 *
 * The shape only: `arithmetic.ts` makes and combines adapters, `adapter-file.ts` keeps them. A policy adds
 * `scale · values` in the space it names; "no adapter" is the value `null`, and equals any adapter at scale 0 exactly.
 */

export interface Adapter {
  readonly kind: "vector";
  /** Hash of what is added, `scale · values` in its space: the revision that entries carry. */
  readonly revision: string;
  /** What it is added to: `words:<hash>`, `embedding:<embedder>` or `residual:<model>@<block>`. */
  readonly space: string;
  readonly dimension: number;
  /** Sparse values, shape [K]: `values[k]` stands at `indices[k]`, indices ascending. */
  readonly indices: Int32Array;
  readonly values: Float32Array;
  readonly scale: number;
}

/** A word an adapter cares about. */
export interface AdapterWord {
  /** As it was written, in small letters. */
  readonly word: string;
  /** What it counts more than another word as rare: 0.7 is 70 % more. */
  readonly weight: number;
}
