/** The model policy over a torch engine, acting and in training. */
import type { Adapter } from "../../adapter/adapter.ts";
import type { Sampling } from "../../engine.ts";
import {
  type Steering,
  type TorchEngine,
  type TorchModelOptions,
  type TorchSample,
  torchModel,
  torchPrompt,
} from "../../engines/torch/index.ts";
import type { Asked } from "../../policy/parse-action.ts";
import type { Action, Context, Policy } from "../../policy/policy.ts";
import { memoryInstructions, showsPictures, windowPrompt } from "../../policy/prompts.ts";
import type { PhaseOnePolicy, TrainablePolicy } from "../../training/trainable-policy.ts";
import { actionOf } from "./model-action.ts";
import { type ModelPolicyOptions, modelPolicy } from "./model-policy.ts";
import { TorchLoraTrainer, TorchVectorTrainer, TorchWeightsTrainer } from "./torch-trainer.ts";

/** Options of the model policy over a torch engine. */
export interface TorchPolicyOptions extends Omit<ModelPolicyOptions, "model" | "adapter"> {
  /** How prompts are put to the model. */
  readonly prompting?: Omit<TorchModelOptions, "trained">;
}

/** A rollout is a plain sample: its log-probabilities are those of the draw. */
const rolloutSampling: Sampling = { temperature: 1, topP: 1 };

/** The policy that acts with an engine's model, and with an adapter if one is given. */
export function torchPolicy(
  engine: TorchEngine,
  adapter: Adapter | null,
  options: TorchPolicyOptions,
): Policy {
  const { prompting, ...rest } = options;
  return modelPolicy({ ...rest, model: torchModel(engine, prompting), adapter });
}

/** Phase Two: trains what the engine was opened for, over frozen weights; `policy` is the one without an adapter. */
export function trainableTorch(
  engine: TorchEngine,
  options: TorchPolicyOptions,
): TrainablePolicy<TorchSample, Adapter> {
  const policy = torchPolicy(engine, null, rolloutOptions(options));
  return {
    trainer: engine.trains === "vector" ? new TorchVectorTrainer(engine) : new TorchLoraTrainer(engine),
    policy: async () => policy,
    sampleOf: samplesOf(engine, options),
    tell: telling(engine, options, { steering: null, revision: policy.revision }),
  };
}

/**
 * Phase One: trains what the engine was opened for, all weights or low-rank matrices. Only beside the latter the initial
 * weights stay, for a KL penalty.
 * @param folder where snapshots of all weights are written
 */
export function torchPhaseOnePolicy(
  engine: TorchEngine,
  folder: string,
  options: TorchPolicyOptions & { readonly kind?: "all" | "lora" },
): PhaseOnePolicy<TorchSample> {
  const { prompting, kind = "all" } = options;
  return {
    id: `torch:${engine.about.model}`,
    ...(kind === "lora" && { reference: (samples) => engine.logprobs(samples, null) }),
    trainer: new TorchWeightsTrainer(engine, folder),
    policy: async () =>
      modelPolicy({ ...rolloutOptions(options), model: torchModel(engine, { ...prompting, trained: true }) }),
    sampleOf: samplesOf(engine, options),
  };
}

/** Puts texts in the form of the policy's answers, with the log-probabilities that the model gives them. */
export function telling(
  engine: TorchEngine,
  options: TorchPolicyOptions,
  { steering, revision }: { readonly steering: Steering; readonly revision: string },
): NonNullable<TrainablePolicy<TorchSample>["tell"]> {
  const { prompting, semantic = false, countTokens } = options;
  const prefix = prompting?.prefix ?? "";
  const sampleOf = samplesOf(engine, options);
  return async (context, texts) => {
    const answers = texts.map((text) => answerAfter(prefix, text, semantic));
    const encoded = await engine.encode(answers);
    const { prompt } = await sampleOf(context, unwritten(revision));
    const values = await engine.logprobs(
      encoded.map(({ ids }) => ({ prompt, ids })),
      steering,
    );
    const asked: Asked = { memories: [], wording: "", mayRepeat: true, mayBeEmpty: false };
    return encoded.map(({ ids, tokens }, i) => {
      const text = prefix + answers[i]!;
      const drawn = { texts: tokens, logprobs: values[i]!, ids };
      const completion = { text, thinking: null, finish: "stop" as const, tokens: drawn, handle: { prompt } };
      return actionOf(completion, context, { asked, semantic, countTokens, revision });
    });
  };
}

const unwritten = (revision: string): Action => ({
  ...{ text: "", statements: [], logprobs: null, revision, issues: [] },
});

/**
 * The rest of an answer that tells a text, after the prefix that begins it: of the JSON that the prompt asks for where
 * the prefix begins that, otherwise the text alone, with the quotation mark that the prefix opens.
 */
export function answerAfter(prefix: string, text: string, semantic: boolean): string {
  const quoted = JSON.stringify(text);
  const knowledge = semantic ? ', "knowledge": []' : "";
  if (/^\s*$/.test(prefix)) return `{"description": ${quoted}${knowledge}}`;
  const begun = /^\s*\{\s*(?:"description"\s*:\s*(")?)?$/.exec(prefix);
  if (!begun) return prefix.trimEnd().endsWith('"') ? `${text}"` : text;
  if (begun[1]) return `${quoted.slice(1)}${knowledge}}`;
  return prefix.includes(":") ? `${quoted}${knowledge}}` : `"description": ${quoted}${knowledge}}`;
}

function rolloutOptions(options: TorchPolicyOptions): TorchPolicyOptions {
  return { ...options, sampling: { ...options.sampling, ...rolloutSampling }, attempts: 0 };
}

/** Names the prompt of a context again, so that an action kept by an earlier process is a sample too. */
function samplesOf(
  engine: TorchEngine,
  { prompting, semantic = false, countTokens, ...limits }: TorchPolicyOptions,
): TrainablePolicy<TorchSample>["sampleOf"] {
  const names = new WeakMap<Context, string>();
  const nameOf = async (context: Context) => {
    const system = memoryInstructions(showsPictures(context), { semantic, template: limits.template });
    const { parts } = await windowPrompt(context, { semantic, countTokens, ...limits });
    return engine.name(torchPrompt({ system, parts }, prompting));
  };
  return async (context, { logprobs }) => {
    const prompt = names.get(context) ?? (await nameOf(context));
    names.set(context, prompt);
    return { prompt, ids: logprobs?.ids ?? new Int32Array() };
  };
}
