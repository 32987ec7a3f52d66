/** A policy steered in word space, in training: it acts with the current adapter. */
import type { Adapter, VectorAdapter } from "../adapter/adapter.ts";
import type { WordSpace } from "../engine.ts";
import type { Policy } from "../policy/policy.ts";
import type { TrainablePolicy } from "../training/trainable-policy.ts";
import { type ChoiceSample, choiceTrainer } from "./choice/word-vector-trainer.ts";

/** Options of `trainableWords`. */
export interface TrainableWordsOptions extends Pick<TrainablePolicy<ChoiceSample>, "sampleOf"> {
  readonly words: WordSpace;
  /** The adapter to start from; `null` for none. */
  readonly adapter: Adapter | null;
  /** The policy that writes with an adapter, or without one. */
  readonly policyWith: (adapter: Adapter | null) => Policy;
}

/** The policy in training. @throws what `policyWith` throws, ConfigError and DataError as `choiceTrainer` */
export function trainableWords(options: TrainableWordsOptions): TrainablePolicy<ChoiceSample, VectorAdapter> {
  const { words, adapter, policyWith, sampleOf } = options;
  const trainer = choiceTrainer({ words, adapter });
  const start = policyWith(adapter);
  let hasMoved = false;
  return {
    trainer: {
      ...trainer,
      step: (optimizer) => {
        hasMoved = true;
        return trainer.step(optimizer);
      },
      load: (path) => {
        hasMoved = true;
        return trainer.load(path);
      },
    },
    policy: async () => (hasMoved ? policyWith(await trainer.snapshot()) : start),
    sampleOf,
  };
}
