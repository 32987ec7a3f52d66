/** How far a training is, as types only. */

/** What a training does, in this order. */
export type TrainingStage =
  /** What was watched is shown again, for the history of each clip. Counted in clips. */
  | "watching"
  /** Memories are drawn. Counted in contexts. */
  | "drawing"
  /** A judge compares memories. Counted in comparisons. */
  | "comparing"
  /** Counted in steps. */
  | "training"
  /** The adapter is tried on what did not train it. Counted in contexts. */
  | "trying";

/** How far a stage is. */
export interface TrainingProgress {
  readonly stage: TrainingStage;
  readonly done: number;
  readonly total: number;
}

/** Called as a training goes forward. */
export type OnTraining = (progress: TrainingProgress) => void;
