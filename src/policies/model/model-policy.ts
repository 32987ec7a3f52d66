/**
 * The model policy: a model looks at a clip and the window before it and writes one episodic entry and, where asked,
 * semantic ones.
 *
 * One decision is one call with n samples. Where no sample is usable, or none has a word of a clip that is text alone, a
 * made-up clip shows whether the model can fill in the form at all (`form-probe.ts`). One that can is told what was wrong
 * and asked again, a few times, the last time for a free sentence (`one-sentence.ts`). One that cannot is asked for
 * sentences from then on. A clip that is text alone is quoted in the end
 * (`quoted-action.ts`); any other's actions carry their issues, and the caller journals a visible failure. What is
 * sampled with log-probabilities, for training, is neither a sentence nor a quote. A clip with nothing to see, hear or
 * read costs no call and has nothing worth remembering.
 *
 * A text that repeats itself, an earlier memory or the prompt is unusable like any other nonsense. A scene may stay the
 * same, so a model that repeats an earlier memory is told that it may also say that nothing is new: the clip is then
 * decided and has no entry.
 */

import type { Adapter } from "../../adapter/adapter.ts";
import {
  addCost,
  type Cost,
  type GenerateRequest,
  type Generation,
  type Model,
  noCost,
  type Sampling,
  type WordSpace,
} from "../../engine.ts";
import { ConfigError, isTaskMemError } from "../../errors.ts";
import { sourceTexts } from "../../perception/observation.ts";
import { leftOutOf, lessAfter, type Shown, shownWithin, withoutFrames } from "../../policy/fitting.ts";
import { type Asked, repeatsItself, repeatsMemory, withoutThinking } from "../../policy/parse-action.ts";
import { checkPictureLimits, type PictureLimits } from "../../policy/pictures.ts";
import type { Action, Context, DecideOptions, DecideResult, Policy } from "../../policy/policy.ts";
import type { PromptTemplate } from "../../policy/prompt-template.ts";
import {
  type Mistake,
  memoryInstructions,
  memorySchema,
  type PromptOptions,
  promptHash,
  showsPictures,
  windowPrompt,
  wordingOf,
} from "../../policy/prompts.ts";
import { type Random, randomInt } from "../../util/random.ts";
import { fillsForms, probeForms } from "./form-probe.ts";
import { actionOf } from "./model-action.ts";
import { forSentence, namesAnyOf, sentenceAction, sentenceRequest } from "./one-sentence.ts";
import { isTextAlone, quotedAction } from "./quoted-action.ts";

/** Options of `modelPolicy`. */
export interface ModelPolicyOptions extends PictureLimits {
  readonly model: Model;
  /** Length of a text as memory counts it. */
  readonly countTokens: (text: string) => number;
  /** Whether it writes semantic entries too. @default false */
  readonly semantic?: boolean;
  /** The words of the prompt. @default our own, `builtInTemplate` */
  readonly template?: PromptTemplate | undefined;
  /** Whether tags of people and speech are painted on the frames: for a model trained so. @default false */
  readonly overlay?: boolean | undefined;
  /** Overrides the defaults: greedy for acting, temperature 0.6 and top-p 0.95 for rollouts; 4096 tokens at most. */
  readonly sampling?: Sampling;
  /**
   * How often the model is asked again when nothing it wrote is usable, from 0 up; the last time for a free sentence.
   * @default 2
   */
  readonly attempts?: number;
  /**
   * Compares words: a free sentence about a clip that is text alone has to hold the clip's. @default none: it is not
   * compared
   */
  readonly words?: Pick<WordSpace, "stems">;
  /**
   * Whether a text that repeats itself or a memory that was shown is accepted: for a model that reads no correction.
   * @default false
   */
  readonly mayRepeat?: boolean;
  /**
   * Whether it is told its mistake when it is asked again, the last time for a free sentence. A model that knows no other
   * prompt than its own draws another answer to that instead, and where all of them repeat a memory, nothing is new.
   * @default true
   */
  readonly readsCorrections?: boolean;
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
  const { framesPerClip, pictureTokens, tokensPerFrame, template, words, overlay = false } = options;
  const { mayRepeat = false, readsCorrections = true } = options;
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
  const prompts: PromptOptions = { semantic, countTokens, template, ...limits, overlay };
  const revisionOf = (asked: PromptOptions) =>
    `model:${model.id}@${promptHash(asked)}${adapter ? `+${adapter.revision}` : ""}`;
  const revision = revisionOf(prompts);
  const setup: Setup = {
    ...{ model, prompts, sampling, attempts, mayRepeat, readsCorrections, words, adapter },
    ...{ revision, revisionOf },
  };
  return {
    id: "model",
    revision,
    clipsPerDecision: 1,
    decide: (context, wanted = {}) => decide(setup, context, wanted),
    advance: () => null,
  };
}

interface Setup
  extends Pick<
    Required<ModelPolicyOptions>,
    "model" | "sampling" | "attempts" | "mayRepeat" | "readsCorrections" | "adapter"
  > {
  readonly words: ModelPolicyOptions["words"];
  readonly prompts: PromptOptions;
  readonly revision: string;
  /** The revision of what is written with these words of the prompt. */
  readonly revisionOf: (prompts: PromptOptions) => string;
}

async function decide(setup: Setup, context: Context, wanted: DecideOptions): Promise<DecideResult> {
  const { model, prompts, adapter, revision } = setup;
  const { n = 1, random, logprobs = random !== undefined, signal } = wanted;
  const full: Shown = { context, options: prompts };
  if (isBlank(full)) return { actions: Array.from({ length: n }, () => emptyAction(revision)), cost: noCost };
  const can = await model.capabilities(signal);
  const seen = can.images || can.video ? full : withoutFrames(full);
  if (isBlank(seen)) return { actions: Array.from({ length: n }, () => blindAction(setup)), cost: noCost };
  const request: Request = {
    logprobs: logprobs && can.logprobs,
    adapter,
    ...(can.jsonSchema && { schema: memorySchema(prompts.semantic) }),
    ...(signal && { signal }),
  };
  const mayBeFree = setup.attempts > 0 && !logprobs && setup.readsCorrections;
  const isFree = mayBeFree && (await fillsForms(model)) === false;
  const shown = shownWithin(seen, can.contextTokens);
  const sampling = samplingFor(random, setup.sampling);
  const first = await ask(setup, { ...request, n, sampling }, { full, seen, shown, last: null, isFree });
  const [action, ...others] = first.actions;
  const usable = first.actions.filter(isUsable);
  const looksWell = usable.some((one) => isFree || namesAnyOf(one, first.shown.context, setup.words));
  if (!action || looksWell) return first;
  // A scene that stays the same is no question of the form.
  const isStill = action.issues.includes(repeatsMemory) && !isTextAlone(context.observations[0]!);
  const probe = mayBeFree && !isFree && !isStill ? await probeForms(model, prompts, signal) : null;
  const probed = { ...first, cost: addCost(first.cost, probe?.cost ?? noCost) };
  const cannotFill = probe?.fills === false;
  if (usable.length > 0 && !cannotFill) return probed;
  const tries = triesOf(setup.attempts, { mayBeFree, isFree, cannotFill });
  const repair = await repaired(setup, request, { full, seen, shown: first.shown, last: action, tries });
  const cost = addCost(probed.cost, repair.cost);
  const told = cannotFill ? cannotFillForms(model) : "";
  if (isUsable(repair.last)) return { actions: [noted(repair.last, told), ...others], cost };
  if (tries.length > 0 && !setup.readsCorrections && repair.last.issues.includes(repeatsMemory))
    return { actions: [emptyAction(revision), ...others], cost };
  if (!mayBeFree || !isTextAlone(context.observations[0]!)) return { actions: first.actions, cost };
  const why = `${model.id} wrote nothing usable about it (${problemOf(repair.last)})`;
  return { actions: [noted(quotedAction(context, { ...prompts, revision, why }), told), ...others], cost };
}

/**
 * How an unusable answer is asked for again: in the form, for a first free sentence, or for another draw of one. Of sentences
 * two are enough: they are short, and a clip without one is quoted.
 */
type Try = "form" | "sentence" | "draw";

function triesOf(
  attempts: number,
  { mayBeFree, isFree, cannotFill }: Readonly<Record<"mayBeFree" | "isFree" | "cannotFill", boolean>>,
): Try[] {
  const forms = (count: number) => Array.from({ length: count }, (): Try => "form");
  if (!mayBeFree) return forms(attempts);
  if (isFree) return ["draw"];
  return cannotFill
    ? (["sentence", "draw"] as const).slice(0, attempts)
    : [...forms(attempts - 1), "sentence"];
}

type Request = Omit<GenerateRequest, "parts" | "system">;

/** What a request is about, and the unusable action before it. */
interface Asking {
  readonly full: Shown;
  /** All that the model could see of it. */
  readonly seen: Shown;
  /** What its context holds of that. */
  readonly shown: Shown;
  readonly last: Action | null;
  /** Whether it asks for a free sentence about the clip alone, rather than for the form. */
  readonly isFree: boolean;
}

/** One answer about a context, and what was shown for it. */
async function ask(
  setup: Setup,
  request: Request,
  asking: Asking,
): Promise<DecideResult & { readonly shown: Shown }> {
  const { full, last, isFree } = asking;
  const { model, mayRepeat, words } = setup;
  const part = isFree ? forSentence : (shown: Shown) => shown;
  const [whole, seen, given] = [part(full), part(asking.seen), part(asking.shown)];
  const { generation, shown, problem } = isFree
    ? await generate(model, sentenceRequest(request, last !== null && isThought(last)), given, null)
    : await generate(model, request, given, last && mistakeOf(last));
  const window = isFree ? asking.shown : shown;
  const asked: Asked = {
    memories: window.context.recent.entries.map(({ text }) => text),
    wording: wordingOf(shown.context, shown.options),
    mayRepeat,
    mayBeEmpty: last?.issues.includes(repeatsMemory) ?? false,
  };
  const [unseen, unfit] = [leftOutOf(whole, seen), leftOutOf(seen, shown)];
  const leftOut = [
    ...(unseen === null ? [] : [`${model.id} does not see pictures: ${unseen} were not shown.`]),
    ...(unfit === null ? [] : [`The context of ${model.id} is too short: ${unfit} were not shown.`]),
    ...(problem === null ? [] : [problem]),
    ...(generation.leftOut === undefined ? [] : [generation.leftOut]),
  ].join(" ");
  const options = {
    ...shown.options,
    asked,
    revision: setup.revisionOf(whole.options),
  };
  const actions = generation.completions.map((completion) => ({
    ...(isFree
      ? sentenceAction(completion, full.context, { ...options, words, shown: shown.context.observations[0]! })
      : actionOf(completion, full.context, options)),
    ...(leftOut !== "" && { leftOut }),
  }));
  return { actions, cost: generation.cost, shown: window };
}

/** Asks the model, with less in the request where its context does not hold it. */
async function generate(
  model: Model,
  request: Request,
  given: Shown,
  last: Mistake | null,
): Promise<{ readonly generation: Generation; readonly shown: Shown; readonly problem: string | null }> {
  let shown = given;
  let mistake = last;
  for (let overflows = 0; ; overflows++) {
    const { context, options } = shown;
    const system = memoryInstructions(showsPictures(context), options);
    const { parts, problem } = await windowPrompt(context, options, mistake);
    try {
      const generation = await model.generate({ ...request, system, parts });
      return { generation, shown, problem };
    } catch (error) {
      if (overflows === mostOverflows) throw error;
      // What it wrote before is worth less than what it is to write about.
      if (isTaskMemError(error, "context-overflow") && mistake?.text) mistake = { ...mistake, text: "" };
      else shown = lessAfter(error, shown);
    }
  }
}

/** How often a request is sent again with less in it; each step is a half. */
const mostOverflows = 8;

/** An unusable action as its author is told of it. A text that loops is not shown: it would be continued. */
function mistakeOf({ text, issues }: Pick<Action, "text" | "issues">): Mistake {
  return {
    text: issues.includes(repeatsItself) ? "" : withoutThinking(text),
    problem: problemOf({ issues }),
  };
}

function problemOf({ issues }: Pick<Action, "issues">): string {
  return issues.map(({ message }) => message).join("; ");
}

/** Whether its author thought before it wrote. */
function isThought({ text }: Action): boolean {
  return text.trimStart().startsWith("<think>");
}

/**
 * Asks again until something is usable, in each of the ways of `tries`; the last action, usable or not. It answers another
 * prompt, so it has no log-probabilities and no handle for this one.
 */
async function repaired(
  setup: Setup,
  request: Request,
  { tries, ...unusable }: Omit<Asking, "isFree"> & { readonly last: Action; readonly tries: readonly Try[] },
): Promise<{ readonly last: Action; readonly cost: Cost }> {
  let { shown, last } = unusable;
  let cost = noCost;
  for (const [i, planned] of tries.entries()) {
    // Alone it would say the same again; in the form it may say that nothing is new.
    const way = planned === "sentence" && last.issues.includes(repeatsMemory) ? "form" : planned;
    const sampling = way === "sentence" ? samplingFor(undefined, setup.sampling) : drawn(setup, way, i + 1);
    const asking = { ...unusable, shown, last: setup.readsCorrections ? last : null, isFree: way !== "form" };
    const answer = await ask(setup, { ...request, logprobs: false, sampling }, asking);
    cost = addCost(cost, answer.cost);
    shown = answer.shown;
    const [action] = answer.actions;
    if (!action) continue;
    const { handle: _, ...repair } = action;
    last = { ...repair, logprobs: null };
    if (isUsable(last)) break;
  }
  return { last, cost };
}

/** Told once, at the clip where it is found out. */
const cannotFillForms = ({ id }: Model) =>
  `${id} cannot fill in the form of a memory: it is asked for a sentence about each clip instead.`;

function noted(action: Action, note: string): Action {
  const leftOut = [action.leftOut ?? "", note].filter((part) => part !== "").join(" ");
  return leftOut === "" ? action : { ...action, leftOut };
}

/** A draw; where the request stays the same, never a greedy one, and not the one before. */
function drawn({ sampling: own, readsCorrections }: Setup, way: Try, attempt: number): Sampling {
  const isSame = way === "draw" || !readsCorrections;
  const isGreedy = isSame && own.temperature === 0;
  return {
    ...rolloutSampling,
    ...own,
    ...(isGreedy && { temperature: rolloutSampling.temperature! }),
    ...(!readsCorrections && { seed: (own.seed ?? 0) + attempt }),
  };
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

/** Whether there is nothing to see, hear or read in the clip. */
function isBlank({ context }: Shown): boolean {
  const [observation] = context.observations;
  return observation!.frames.length === 0 && sourceTexts(observation!).length === 0;
}

function emptyAction(revision: string): Action {
  return { text: "", statements: [], logprobs: null, revision, issues: [] };
}

/** Of a clip that has nothing but pictures a model without eyes can tell nothing. */
function blindAction({ model, revision }: Setup): Action {
  const message = `${model.id} does not see pictures, and nothing was said or read in the clip: name a model that sees with --model, or use the choice policy`;
  return { ...emptyAction(revision), issues: [{ code: "no-images", message }] };
}
