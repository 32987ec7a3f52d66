/**
 * The adapter: the only weights Phase Two trains, as one small file.
 *
 * Only the shapes: `arithmetic.ts` makes and combines adapters, `adapter-file.ts` reads and writes them. "No adapter"
 * is `null`, which has exactly the effect of any vector at scale 0.
 */

/**
 * What a policy writes with in addition to its base: a vector in this process, or the name of weights that an engine
 * holds.
 */
export type Adapter = VectorAdapter | RemoteAdapter;

/** A vector in this process: a policy adds `scale · values` in the space it names. */
export interface VectorAdapter {
  readonly kind: "vector";
  /** Hash of what is added, `scale · values` in its space. Entries carry it. */
  readonly revision: string;
  /**
   * What it is added to: `words:<hash>`, `embedding:<embedder>` or `residual:<model>@<block>`, with `:answer` behind it
   * for one that is added at the answer's tokens only.
   */
  readonly space: string;
  readonly dimension: number;
  /** Sparse values, shape [K]: `values[k]` is at `indices[k]`, indices ascending. */
  readonly indices: Int32Array;
  readonly values: Float32Array;
  readonly scale: number;
}

/** Weights that an engine holds: a LoRA, or a vector that stays on another machine. */
export interface RemoteAdapter {
  readonly kind: "remote";
  /** Identifies the weights: other weights have another revision. */
  readonly revision: string;
  /** What it changes: `weights:<model>` for a LoRA, `residual:<model>@<block>` for a vector. */
  readonly space: string;
  /** Where the engine finds it. */
  readonly uri: string;
  /** `lora`: low-rank matrices. `steer`: a vector of the residual stream. */
  readonly format: "lora" | "steer";
  /** Euclidean norm, or `null` if it is unknown. */
  readonly norm: number | null;
}

/** A word that an adapter weighs. */
export interface AdapterWord {
  /** The word as it was written, in lower case. */
  readonly word: string;
  /** How much more it counts than an equally rare word: 0.7 is 70 % more. */
  readonly weight: number;
}
