/**
 * The model policy: a model looks at a clip and the window before it and writes one episodic entry and, where asked,
 * semantic ones.
 *
 * One decision is one call with n samples. Where no sample is usable, the model is told what was wrong and asked
 * again, a few times; after that the actions carry their issues, and the caller journals a visible failure. A
 * clip with nothing to see, hear or read costs no call and has nothing worth remembering.
 */

import type { Adapter } from "../../adapter/adapter.ts";
import {
  addCost,
  type Completion,
  type Cost,
  type GenerateRequest,
  type Model,
  noCost,
  type Sampling,
} from "../../engine.ts";
import { ConfigError } from "../../errors.ts";
import type { EntryKind, Statement } from "../../memory/memory.ts";
import { foldName, mentions } from "../../memory/names.ts";
import type { Observation } from "../../perception/observation.ts";
import { sourceTexts } from "../../perception/observation.ts";
import { knownPeople, taggedIds } from "../../policy/identity-tags.ts";
import { parseLeniently, withoutThinking } from "../../policy/parse-action.ts";
import { checkPictureLimits, evenlySpaced, type PictureLimits } from "../../policy/pictures.ts";
import type { Action, Context, DecideOptions, DecideResult, Policy } from "../../policy/policy.ts";
import type { PromptTemplate } from "../../policy/prompt-template.ts";
import {
  memoryInstructions,
  memoryPrompt,
  memorySchema,
  type PromptOptions,
  promptHash,
  showsPictures,
} from "../../policy/prompts.ts";
import { type Random, randomInt } from "../../util/random.ts";

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
  /** The adapter the engine writes with: a vector of its residual stream, or weights it holds. @default null */
  readonly adapter?: Adapter | null;
}

/** Room for a thinking model's reasoning; the released code allows 8192, more than small servers take. */
const defaultMaxTokens = 4096;
/** Key frames kept as evidence of an entry; all of a clip's would be a gigabyte a day. */
const mostEvidenceFrames = 3;

/**
 * A policy that asks `model`.
 * @throws RangeError for `attempts` or a limit of pictures out of range
 * @throws ConfigError `adapter-space` for an adapter that is not of a model's residual stream
 */
export function modelPolicy(options: ModelPolicyOptions): Policy {
  const { model, countTokens, semantic = false, sampling = {}, attempts = 2, adapter = null } = options;
  const { framesPerClip, pictureTokens, tokensPerFrame, template } = options;
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
      decide({ model, prompts, sampling, attempts, adapter, revision }, context, wanted),
    advance: () => null,
  };
}

interface Setup extends Pick<Required<ModelPolicyOptions>, "model" | "sampling" | "attempts" | "adapter"> {
  readonly prompts: PromptOptions;
  readonly revision: string;
}

async function decide(setup: Setup, context: Context, wanted: DecideOptions): Promise<DecideResult> {
  const { model, prompts, adapter } = setup;
  const { n = 1, random, logprobs = random !== undefined, signal } = wanted;
  if (isBlank(context.observations[0]!)) return nothingToRemember(n, setup.revision);
  const can = await model.capabilities(signal);
  const request: Omit<GenerateRequest, "parts"> = {
    system: memoryInstructions(showsPictures(context), prompts),
    logprobs: logprobs && can.logprobs,
    adapter,
    ...(can.jsonSchema && { schema: memorySchema(prompts.semantic) }),
    ...(signal && { signal }),
  };
  const first = await model.generate({
    ...request,
    parts: memoryPrompt(context, prompts),
    n,
    sampling: samplingFor(random, setup.sampling),
  });
  const actions = first.completions.map((completion) => actionOf(completion, context, setup));
  const [unusable] = actions;
  if (!unusable || actions.some(isUsable)) return { actions, cost: first.cost };
  const { repaired, cost } = await repair(setup, request, context, unusable);
  return {
    actions: repaired ? [repaired, ...actions.slice(1)] : actions,
    cost: addCost(first.cost, cost),
  };
}

/**
 * Asks again until something is usable. The repaired text answers another prompt, so it has no log-probabilities and no
 * handle for this one.
 */
async function repair(
  setup: Setup,
  request: Omit<GenerateRequest, "parts">,
  context: Context,
  unusable: Action,
): Promise<{ repaired: Action | null; cost: Cost }> {
  let last = unusable;
  let cost = noCost;
  for (let attempt = 0; attempt < setup.attempts; attempt++) {
    const problem = last.issues.map(({ message }) => message).join("; ");
    const generation = await setup.model.generate({
      ...request,
      logprobs: false,
      parts: memoryPrompt(context, setup.prompts, { text: withoutThinking(last.text), problem }),
      sampling: { ...rolloutSampling, ...setup.sampling },
    });
    cost = addCost(cost, generation.cost);
    const [completion] = generation.completions;
    if (!completion) continue;
    const { handle: _, ...repaired } = actionOf(completion, context, setup);
    last = { ...repaired, logprobs: null };
    if (isUsable(last)) return { repaired: last, cost };
  }
  return { repaired: null, cost };
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

function actionOf(completion: Completion, context: Context, { prompts, revision }: Setup): Action {
  const { text, tokens, finish } = completion;
  const contract = { ...prompts, known: knownPeople(context) };
  const { description, knowledge, issues } = parseLeniently(text, contract, finish === "length");
  const statement = (kind: EntryKind) => (written: string) => statementOf(written, kind, context);
  return {
    text: withThinking(completion),
    statements:
      issues.length > 0 ? [] : [statement("episodic")(description), ...knowledge.map(statement("semantic"))],
    logprobs: tokens && {
      ...{ tokens: tokens.texts, values: tokens.logprobs },
      ...(tokens.ids && { ids: tokens.ids }),
    },
    ...(completion.handle !== undefined && { handle: completion.handle }),
    revision,
    issues,
  };
}

/** The raw text: reasoning that the engine returned separately stands before the answer again, as the model wrote it. */
function withThinking({ text, thinking }: Completion): string {
  return thinking === null || thinking.trim() === "" ? text : `<think>${thinking}</think>\n\n${text}`;
}

/** A text about the clip, with all that was heard and read in it and a few of its frames as evidence. */
function statementOf(text: string, kind: EntryKind, context: Context): Statement {
  const observation = context.observations[0]!;
  const { clip, startSeconds, endSeconds } = observation;
  return {
    clip,
    kind,
    startSeconds,
    endSeconds,
    text,
    speakers: peopleNamed(text, context),
    sources: sourceTexts(observation),
    frameSeconds: keyFrames(observation),
  };
}

/** Names of the people a text names or tags; the id where a person has no name. */
function peopleNamed(text: string, context: Context): string[] {
  const { observations, recent } = context;
  const people = [...recent.observations, ...observations].flatMap((observation) => observation.people);
  const nameOf = new Map(people.map(({ id, name }) => [id, name ?? id]));
  const known = knownPeople(context);
  const names = new Set([...known.speakers, ...people.flatMap(({ name }) => name ?? [])]);
  return [
    ...new Set([
      ...[...names].filter((name) => mentions(text, foldName(name))),
      ...taggedIds(text, known).map((id) => nameOf.get(id)!),
    ]),
  ];
}

/** Moments of a few frames, evenly spaced over the clip. */
function keyFrames({ frames }: Observation): number[] {
  return evenlySpaced(frames, mostEvidenceFrames).map(({ atSeconds }) => atSeconds);
}
