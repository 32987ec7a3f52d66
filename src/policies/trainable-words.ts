/** A policy steered in word space, in training: it acts with the adapter as it stands, and is another after each step. */
import type { Adapter } from "../adapter/adapter.ts";
import type { WordSpace } from "../engine.ts";
import type { Policy } from "../policy/policy.ts";
import type { TrainablePolicy } from "../training/trainable-policy.ts";
import { type ChoiceSample, choiceTrainer } from "./choice/word-vector-trainer.ts";

export interface TrainableWordsOptions extends Pick<TrainablePolicy<ChoiceSample>, "sampleOf"> {
  readonly words: WordSpace;
  /** What it starts from; `null` for nothing. */
  readonly adapter: Adapter | null;
  /** The policy that writes with an adapter, or without. */
  readonly policyWith: (adapter: Adapter | null) => Policy;
}

/** @throws what `policyWith` throws, ConfigError and DataError as `choiceTrainer` */
export function trainableWords(options: TrainableWordsOptions): TrainablePolicy<ChoiceSample, Adapter> {
  const { words, adapter, policyWith, sampleOf } = options;
  const trainer = choiceTrainer({ words, adapter });
  let policy = policyWith(adapter);
  return {
    trainer: {
      ...trainer,
      step: async (optimizer) => {
        const report = await trainer.step(optimizer);
        policy = policyWith(await trainer.snapshot());
        return report;
      },
    },
    policy: () => policy,
    sampleOf,
  };
}
