/**
 * The model policy: a model looks at a clip and the window before it and writes one episodic entry and, where asked,
 * semantic ones.
 *
 * One decision is one call with n samples. Where no sample is usable, the model is told what was wrong and asked
 * again, a few times; after that the actions carry their issues, and the caller journals a visible failure. A
 * clip with nothing to see, hear or read costs no call and has nothing worth remembering.
 *
 * A text that repeats itself, an earlier memory or the prompt is unusable like any other nonsense. A scene may stay the
 * same, so a model that repeats an earlier memory is told that it may also say that nothing is new: the clip is then
 * decided and has no entry.
 */

import type { Adapter } from "../../adapter/adapter.ts";
import { addCost, type Cost, type GenerateRequest, type Model, noCost, type Sampling } from "../../engine.ts";
import { ConfigError } from "../../errors.ts";
import { type Observation, sourceTexts } from "../../perception/observation.ts";
import { type Asked, repeatsItself, repeatsMemory, withoutThinking } from "../../policy/parse-action.ts";
import { checkPictureLimits, type PictureLimits } from "../../policy/pictures.ts";
import type { Action, Context, DecideOptions, DecideResult, Policy } from "../../policy/policy.ts";
import type { PromptTemplate } from "../../policy/prompt-template.ts";
import {
  type Mistake,
  memoryInstructions,
  memoryPrompt,
  memorySchema,
  type PromptOptions,
  promptHash,
  showsPictures,
  wordingOf,
} from "../../policy/prompts.ts";
import { type Random, randomInt } from "../../util/random.ts";
import { actionOf } from "./model-action.ts";

/** Options of `modelPolicy`. */
export interface ModelPolicyOptions extends PictureLimits {
  readonly model: Model;
  /** Length of a text as memory counts it. */
  readonly countTokens: (text: string) => number;
  /** Whether it writes semantic entries too. @default false */
  readonly semantic?: boolean;
  /** The words of the prompt. @default our own, `builtInTemplate` */
  readonly template?: PromptTemplate | undefined;
  /** Overrides the defaults: greedy for acting, temperature 0.6 and top-p 0.95 for rollouts; 4096 tokens at most. */
  readonly sampling?: Sampling;
  /** How often the model is asked again when nothing it wrote is usable, from 0 up. @default 2 */
  readonly attempts?: number;
  /**
   * Whether a text that repeats itself or a memory that was shown is accepted: for a model that reads no correction.
   * @default false
   */
  readonly mayRepeat?: boolean;
  /** The adapter the engine writes with: a vector of its residual stream, or weights it holds. @default null */
  readonly adapter?: Adapter | null;
}

/** Room for a thinking model's reasoning; the released code allows 8192, more than small servers take. */
const defaultMaxTokens = 4096;

/**
 * A policy that asks `model`.
 * @throws RangeError for `attempts` or a limit of pictures out of range
 * @throws ConfigError `adapter-space` for an adapter that is not of a model's residual stream
 */
export function modelPolicy(options: ModelPolicyOptions): Policy {
  const { model, countTokens, semantic = false, sampling = {}, attempts = 2, adapter = null } = options;
  const { framesPerClip, pictureTokens, tokensPerFrame, template, mayRepeat = false } = options;
  if (!Number.isInteger(attempts) || attempts < 0) {
    throw new RangeError(`Expected \`attempts\` to be an integer from 0 up, got ${attempts}`);
  }
  if (adapter?.kind === "vector" && !adapter.space.startsWith("residual:")) {
    throw new ConfigError(
      "adapter-space",
      `Expected an adapter of a model's residual stream (residual:<model>@<block>), got ${adapter.space}: use it with the policy it was trained for`,
    );
  }
  const limits = { framesPerClip, pictureTokens, tokensPerFrame };
  checkPictureLimits(limits);
  const prompts: PromptOptions = { semantic, countTokens, template, ...limits };
  const revision = `model:${model.id}@${promptHash(prompts)}${adapter ? `+${adapter.revision}` : ""}`;
  return {
    id: "model",
    revision,
    clipsPerDecision: 1,
    decide: (context, wanted = {}) =>
      decide({ model, prompts, sampling, attempts, mayRepeat, adapter, revision }, context, wanted),
    advance: () => null,
  };
}

interface Setup
  extends Pick<Required<ModelPolicyOptions>, "model" | "sampling" | "attempts" | "mayRepeat" | "adapter"> {
  readonly prompts: PromptOptions;
  readonly revision: string;
}

async function decide(setup: Setup, context: Context, wanted: DecideOptions): Promise<DecideResult> {
  const { model, prompts, adapter } = setup;
  const { n = 1, random, logprobs = random !== undefined, signal } = wanted;
  if (isBlank(context.observations[0]!)) return nothingToRemember(n, setup.revision);
  const can = await model.capabilities(signal);
  const request: Request = {
    system: memoryInstructions(showsPictures(context), prompts),
    logprobs: logprobs && can.logprobs,
    adapter,
    ...(can.jsonSchema && { schema: memorySchema(prompts.semantic) }),
    ...(signal && { signal }),
  };
  const sampling = samplingFor(random, setup.sampling);
  const { actions, cost } = await ask(setup, { ...request, n, sampling }, context, null);
  const [unusable] = actions;
  if (!unusable || actions.some(isUsable)) return { actions, cost };
  const repair = await repaired(setup, request, context, unusable);
  return {
    actions: repair.action ? [repair.action, ...actions.slice(1)] : actions,
    cost: addCost(cost, repair.cost),
  };
}

type Request = Omit<GenerateRequest, "parts">;

/** One request about a context and the actions it gives. */
async function ask(
  { model, prompts, mayRepeat, revision }: Setup,
  request: Request,
  context: Context,
  last: Action | null,
): Promise<DecideResult> {
  const parts = memoryPrompt(context, prompts, last && mistakeOf(last));
  const { completions, cost } = await model.generate({ ...request, parts });
  const asked: Asked = {
    memories: context.recent.entries.map(({ text }) => text),
    wording: wordingOf(context, prompts),
    mayRepeat,
    mayBeEmpty: last?.issues.includes(repeatsMemory) ?? false,
  };
  const read = { ...prompts, asked, revision };
  return { actions: completions.map((completion) => actionOf(completion, context, read)), cost };
}

/** An unusable action as its author is told of it. A text that loops is not shown: it would be continued. */
function mistakeOf({ text, issues }: Action): Mistake {
  return {
    text: issues.includes(repeatsItself) ? "" : withoutThinking(text),
    problem: issues.map(({ message }) => message).join("; "),
  };
}

/**
 * Asks again until something is usable. The repaired text answers another prompt, so it has no log-probabilities and no
 * handle for this one.
 */
async function repaired(
  setup: Setup,
  request: Request,
  context: Context,
  unusable: Action,
): Promise<{ action: Action | null; cost: Cost }> {
  const sampling = { ...rolloutSampling, ...setup.sampling };
  let last = unusable;
  let cost = noCost;
  for (let attempt = 0; attempt < setup.attempts; attempt++) {
    const answer = await ask(setup, { ...request, logprobs: false, sampling }, context, last);
    cost = addCost(cost, answer.cost);
    const [action] = answer.actions;
    if (!action) continue;
    const { handle: _, ...repair } = action;
    last = { ...repair, logprobs: null };
    if (isUsable(last)) return { action: last, cost };
  }
  return { action: null, cost };
}

const rolloutSampling: Sampling = { temperature: 0.6, topP: 0.95, maxTokens: defaultMaxTokens };

/** A draw has the seed of its own random numbers: with a configured one all draws would be the same. */
function samplingFor(random: Random | undefined, own: Sampling): Sampling {
  if (!random) return { temperature: 0, maxTokens: defaultMaxTokens, ...own };
  return { ...rolloutSampling, ...own, seed: randomInt(random, 2 ** 31) };
}

function isUsable({ issues }: Action): boolean {
  return issues.length === 0;
}

function isBlank(observation: Observation): boolean {
  return observation.frames.length === 0 && sourceTexts(observation).length === 0;
}

function nothingToRemember(n: number, revision: string): DecideResult {
  const action: Action = { text: "", statements: [], logprobs: null, revision, issues: [] };
  return { actions: Array.from({ length: n }, () => action), cost: noCost };
}
