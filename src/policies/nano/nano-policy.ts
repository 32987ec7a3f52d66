/** Nano as a policy in training: all its weights in Phase One, the adapter in Phase Two. */

import type { Adapter, VectorAdapter } from "../../adapter/adapter.ts";
import type { Sampling } from "../../engine.ts";
import { NanoModel, nanoPrograms, readNano } from "../../engines/nano/nano-model.ts";
import { nanoConfig } from "../../engines/nano/network.ts";
import type { Context, Policy } from "../../policy/policy.ts";
import { memoryPrompt } from "../../policy/prompts.ts";
import type { PhaseOnePolicy, TrainablePolicy } from "../../training/trainable-policy.ts";
import { shortId } from "../../util/hash.ts";
import { modelPolicy } from "../model/model-policy.ts";
import type { NanoSample } from "./sample-arrays.ts";
import { nanoVectorTrainer } from "./vector-trainer.ts";
import { NanoWeightsTrainer } from "./weights-trainer.ts";

/** Counts the memory tokens of a text. */
export type CountTokens = (text: string) => number;

/**
 * Nano reads its own prompt alone: no correction, and no request for a free sentence, where it would not see the questions.
 * What it repeats is a figure of the household.
 */
const household = { mayRepeat: true, readsCorrections: false };
/** A rollout is a plain sample: its log-probabilities are those of the draw. */
const rolloutSampling: Sampling = { temperature: 1, topP: 1 };
/** Acting keeps some variety: the most likely memory is always of the same kind. */
const actingSampling: Sampling = { temperature: 0.7 };

/**
 * Nano in Phase One: trains all weights, starting from those of a file.
 * @param snapshotPath where the trained weights are written
 * @throws DataError when the file is broken or of another network
 */
export async function nanoPhaseOnePolicy(
  weightsPath: string,
  snapshotPath: string,
  countTokens: CountTokens,
): Promise<PhaseOnePolicy<NanoSample>> {
  const { weights, checksum } = await readNano(weightsPath);
  const programs = nanoPrograms(weights);
  const trainer = new NanoWeightsTrainer(nanoConfig, weights, snapshotPath);
  const current = () =>
    new NanoModel(trainer.weights, shortId("", checksum, trainer.steps).slice(1), programs);
  return {
    id: `nano:${checksum.slice(0, 12)}`,
    trainer,
    policy: async () =>
      modelPolicy({ ...household, model: current(), countTokens, sampling: rolloutSampling, attempts: 0 }),
    sampleOf: samplesOf(new NanoModel(weights, checksum, programs), countTokens),
    reference: (samples) => trainer.reference(samples),
  };
}

/** The policy that acts with nano's weights, and with an adapter if one is given. */
export function nanoPolicy(model: NanoModel, adapter: Adapter | null, countTokens: CountTokens): Policy {
  return {
    ...modelPolicy({ ...household, model, countTokens, adapter, sampling: actingSampling }),
    id: "nano",
  };
}

/** Nano in Phase Two: trains an adapter from zero over frozen weights; `policy` is the one without an adapter. */
export function trainableNano(
  model: NanoModel,
  countTokens: CountTokens,
): TrainablePolicy<NanoSample, VectorAdapter> {
  return {
    trainer: nanoVectorTrainer(model),
    policy: async () =>
      modelPolicy({ ...household, model, countTokens, sampling: rolloutSampling, attempts: 0 }),
    sampleOf: samplesOf(model, countTokens),
  };
}

/**
 * Turns actions into samples. The pictures of a context are read once for all its actions: only the frozen patch MLP
 * reads them.
 */
function samplesOf(model: NanoModel, countTokens: CountTokens): TrainablePolicy<NanoSample>["sampleOf"] {
  const shown = new WeakMap<Context, ReturnType<NanoModel["read"]>>();
  return async (context, { logprobs }) => {
    const reading = shown.get(context) ?? model.read(memoryPrompt(context, { semantic: false, countTokens }));
    shown.set(context, reading);
    return { ...(await reading), tokens: [...(logprobs?.ids ?? [])] };
  };
}
