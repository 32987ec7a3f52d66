/**
 * The adapter: the only weights Phase Two trains, as one small file.
 *
 * The shapes only: `arithmetic.ts` makes and combines adapters, `adapter-file.ts` keeps them. "No adapter" is the value
 * `null`, and equals any vector at scale 0 exactly.
 */

/** What a policy writes with besides its base: numbers at hand, or the name of weights that an engine holds. */
export type Adapter = VectorAdapter | RemoteAdapter;

/** Numbers at hand: a policy adds `scale · values` in the space it names. */
export interface VectorAdapter {
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

/** Weights that an engine holds: a LoRA, or a vector too large or too far away to be carried along. */
export interface RemoteAdapter {
  readonly kind: "remote";
  /** Names the weights: other weights have another revision. */
  readonly revision: string;
  /** What it changes: `weights:<model>` for a LoRA, `residual:<model>@<block>` for a vector. */
  readonly space: string;
  /** Where the engine finds it. */
  readonly uri: string;
  /** `lora`: low-rank matrices. `steer`: a vector of the residual stream. */
  readonly format: "lora" | "steer";
  /** Euclidean norm, or `null` where none is known. */
  readonly norm: number | null;
}

/** A word an adapter cares about. */
export interface AdapterWord {
  /** As it was written, in small letters. */
  readonly word: string;
  /** What it counts more than another word as rare: 0.7 is 70 % more. */
  readonly weight: number;
}
