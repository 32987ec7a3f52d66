/**
 * A policy whose memory is one of the clip's own lines: true by construction, and what it was taught decides which. A clip
 * without lines is written about freely.
 *
 * What was taught is read off each line by itself: how much likelier the line is with the adapter, or with the questions in
 * the prompt, than without. That is the reward that DPO leaves in a policy (Rafailov et al. 2023), and the way texts of a topic
 * are picked by two language models (Moore and Lewis 2010). The prompt shows nothing of the clip: a model that sees the
 * lines copies any of them, and after a word or two each is certain, whatever it tells.
 */
import type { Adapter } from "../../adapter/adapter.ts";
import { noCost } from "../../engine.ts";
import {
  type TorchEngine,
  type TorchModelOptions,
  type TorchSample,
  torchPrompt,
  torchSteering,
} from "../../engines/torch/index.ts";
import type { Action, Context, Policy } from "../../policy/policy.ts";
import { ownLines } from "../../training/own-lines.ts";
import type { TrainablePolicy } from "../../training/trainable-policy.ts";
import type { Random } from "../../util/random.ts";
import { saysTheSame } from "../../util/repetition.ts";
import { statementOf } from "./model-action.ts";
import { type TorchPolicyOptions, telling, torchPolicy, trainableTorch } from "./torch-policy.ts";

/** How evenly lines are drawn, where the sampling says nothing: as a temperature of the model's own draws. */
const drawnTemperature = 0.7;

/** What is asked where a line is read by itself, and how the answer begins. */
const asking = { text: "Write one line of the log of a day.", prefix: 'The most important line is: "' };

/**
 * A torch policy that chooses among a clip's lines those that were not written before: those that an adapter or the context's
 * questions make likelier, and with neither those that the model takes for likely in the clip. A greedy decision takes the
 * first of them; a draw takes each in proportion to e^(score / temperature).
 */
export function linePolicy(
  engine: TorchEngine,
  adapter: Adapter | null,
  options: TorchPolicyOptions,
): Policy {
  const free = torchPolicy(engine, adapter, options);
  const revision = `${free.revision}+lines`;
  const tell = telling(engine, options, { steering: null, revision });
  const temperature = options.sampling?.temperature ?? drawnTemperature;

  /** Each line as an action, and its score in nats. */
  async function scored(context: Context, lines: readonly string[]) {
    const { supplement } = context;
    if (adapter === null && supplement === undefined) {
      const actions = await tell(context, lines);
      return { actions, scores: actions.map(({ logprobs }) => sumOf(logprobs?.values ?? [])) };
    }
    const asked = { ...options.prompting, ...(supplement !== undefined && { supplement }) };
    return {
      actions: lines.map((line) => lineAction(context, line, revision)),
      scores: await taughtScores(engine, lines, adapter, asked),
    };
  }

  return {
    ...free,
    revision,
    async decide(context, wanted = {}) {
      const { n = 1, random, signal } = wanted;
      const lines = ownLines(context.observations[0]!);
      if (lines.length === 0) return free.decide(context, wanted);
      const written = context.recent.entries.map(({ text }) => text);
      const fresh = lines.filter((line) => !written.some((text) => saysTheSame(line, text)));
      signal?.throwIfAborted();
      if (fresh.length === 0)
        return { actions: Array.from({ length: n }, () => nothingNew(revision)), cost: noCost };
      const { actions, scores } = await scored(context, fresh);
      const chances = chancesOf(scores, random ? temperature : 0);
      return { actions: Array.from({ length: n }, () => actions[drawFrom(chances, random)]!), cost: noCost };
    },
  };
}

/** The policy that acts with an engine's model: one that chooses among lines where the options say so, or one that writes. */
export function actingPolicy(
  engine: TorchEngine,
  adapter: Adapter | null,
  { ownLines = false, ...options }: TorchPolicyOptions & { readonly ownLines?: boolean },
): Policy {
  return ownLines ? linePolicy(engine, adapter, options) : torchPolicy(engine, adapter, options);
}

/**
 * Phase Two of `linePolicy`: candidates are the clip's single lines, each read by itself. It is drawn from with no samples and
 * told lines alone.
 */
export function trainableLines(
  engine: TorchEngine,
  options: TorchPolicyOptions,
): TrainablePolicy<TorchSample, Adapter> {
  const trainable = trainableTorch(engine, options);
  const prompt = () => engine.name(readingPrompt(options.prompting));
  return {
    ...trainable,
    sampleOf: async (_, { logprobs }) => ({ prompt: prompt(), ids: logprobs?.ids ?? new Int32Array() }),
    async tell(context, texts) {
      const { revision } = await trainable.policy();
      const single = new Set(ownLines(context.observations[0]!));
      const lines = texts.filter((text) => single.has(text));
      const read = await readLines(engine, prompt(), lines, null);
      return lines.map((line, i) => ({ ...lineAction(context, line, revision), logprobs: read[i]! }));
    },
  };
}

/** How lines are read for what was taught. */
export interface ReadingOptions extends Pick<TorchModelOptions, "template"> {
  /** Recent questions, as a prompt words them. @default none */
  readonly supplement?: string;
}

/**
 * How much likelier each line is by itself with an adapter, or with the questions, than without, in nats, shape [lines].
 * Lines that nothing was taught of have 0.
 */
export async function taughtScores(
  engine: TorchEngine,
  lines: readonly string[],
  adapter: Adapter | null,
  options: ReadingOptions = {},
): Promise<number[]> {
  const { supplement: _, ...plain } = options;
  const taught = await lineLogprobs(engine, lines, adapter, options);
  const alone = await lineLogprobs(engine, lines, null, plain);
  return taught.map((sum, i) => sum - alone[i]!);
}

/** The log-probability of each line by itself, in nats, shape [lines]. */
export async function lineLogprobs(
  engine: TorchEngine,
  lines: readonly string[],
  adapter: Adapter | null,
  options: ReadingOptions = {},
): Promise<number[]> {
  const read = await readLines(engine, engine.name(readingPrompt(options)), lines, adapter);
  return read.map(({ values }) => sumOf(values));
}

function readingPrompt({ template, supplement }: ReadingOptions = {}) {
  const text = supplement === undefined ? asking.text : `${supplement}\n\n${asking.text}`;
  return torchPrompt(
    { parts: [{ type: "text", text }] },
    { ...(template && { template }), prefix: asking.prefix },
  );
}

/** The tokens of lines behind a prompt, with their log-probabilities. */
async function readLines(
  engine: TorchEngine,
  prompt: string,
  lines: readonly string[],
  adapter: Adapter | null,
) {
  const encoded = await engine.encode(lines.map((line) => `${line}"`));
  const samples = encoded.map(({ ids }) => ({ prompt, ids }));
  const values = await engine.logprobs(samples, torchSteering(adapter, engine));
  return encoded.map(({ ids, tokens }, i) => ({ tokens, values: values[i]!, ids }));
}

function lineAction(context: Context, line: string, revision: string): Action {
  return {
    ...{ text: line, statements: [statementOf(line, "episodic", context)], logprobs: null },
    ...{ revision, issues: [] },
  };
}

function nothingNew(revision: string): Action {
  return { text: "", statements: [], logprobs: null, revision, issues: [] };
}

/**
 * The chance of each of some texts where one is drawn, in proportion to e^(score / temperature); at temperature 0 the first of
 * the highest score has all of it. Shape [texts].
 * @param scores in nats
 */
export function chancesOf(scores: readonly number[], temperature: number): number[] {
  const most = Math.max(...scores);
  if (temperature === 0) return scores.map((_, i) => Number(i === scores.indexOf(most)));
  const powers = scores.map((score) => Math.exp((score - most) / temperature));
  const total = sumOf(powers);
  return powers.map((power) => power / total);
}

function sumOf(values: Iterable<number>): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}

function drawFrom(chances: readonly number[], random: Random = () => 0): number {
  let left = random();
  const at = chances.findIndex((chance) => {
    left -= chance;
    return left < 0;
  });
  return at < 0 ? chances.lastIndexOf(Math.max(...chances)) : at;
}
