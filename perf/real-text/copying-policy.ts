/**
 * The policies that are measured. Of lines it is the library's (`linePolicy`), all windows at once. Of free memories a small
 * model is shown a clip's lines and copies the one it takes for the most important.
 *
 * The latter stands in for the model policy, whose JSON a model of 135 M parameters does not write: the answer begins with
 * `The most important line is: "`, and the memory ends at the next quotation mark or line. It is shown neither times nor
 * history. Rollouts, pairs, losses and trainer are the library's.
 */
import type { Adapter, VectorAdapter } from "../../src/adapter/adapter.ts";
import type { Completion, Sampling } from "../../src/engine.ts";
import {
  type TorchEngine,
  type TorchHandle,
  type TorchSample,
  torchModel,
  torchPrompt,
} from "../../src/engines/torch/index.ts";
import type { Observation } from "../../src/perception/observation.ts";
import { sourceTexts } from "../../src/perception/observation.ts";
import { chancesOf, lineLogprobs } from "../../src/policies/model/line-policy.ts";
import { TorchVectorTrainer } from "../../src/policies/model/torch-trainer.ts";
import { buildContext } from "../../src/policy/context.ts";
import type { Action, Context, Policy } from "../../src/policy/policy.ts";
import { freshState } from "../../src/policy/state.ts";
import type { TrainablePolicy } from "../../src/training/index.ts";
import { ownLines } from "../../src/training/own-lines.ts";
import { randomInt } from "../../src/util/random.ts";

const prefix = 'The most important line is: "';
export const wording = "Which line is the most important? Copy it.";
const mostTokens = 32;
/** Wide for rollouts, which must differ, narrower for acting. */
export const rolling: Sampling = { temperature: 0.9, topP: 0.95, maxTokens: mostTokens };
export const acting: Sampling = { temperature: 0.7, topP: 0.95, maxTokens: mostTokens };

/** What the policy is shown of a clip. */
export function lineContext(observation: Observation, supplement?: string): Context {
  const history = { observations: [], entries: [], state: freshState() };
  return buildContext([observation], { ...history, ...(supplement !== undefined && { supplement }) });
}

/** The policy, with an adapter if one is given. */
export function copyingPolicy(engine: TorchEngine, adapter: Adapter | null, sampling: Sampling): Policy {
  const model = torchModel(engine, { prefix });
  const revision = `lines:${engine.about.model}${adapter ? `+${adapter.revision}` : ""}`;
  return {
    ...{ id: "lines", revision, clipsPerDecision: 1, advance: () => null },
    async decide(context, { n = 1, random, signal } = {}) {
      const seed = random ? randomInt(random, 2 ** 31) : 0;
      const { completions, cost } = await model.generate({
        ...{ parts: partsOf(context), n, logprobs: true, adapter },
        sampling: random ? { ...sampling, seed } : { temperature: 0, maxTokens: mostTokens },
        ...(signal && { signal }),
      });
      return { actions: completions.map((completion) => actionOf(completion, context, revision)), cost };
    },
  };
}

/** The policy in training. */
export function trainableCopying(engine: TorchEngine): TrainablePolicy<TorchSample, VectorAdapter> {
  const { revision } = copyingPolicy(engine, null, rolling);
  return {
    trainer: new TorchVectorTrainer(engine),
    policy: async () => copyingPolicy(engine, null, rolling),
    sampleOf: async (context, { logprobs }) => ({
      prompt: engine.name(promptOf(context)),
      ids: logprobs?.ids ?? new Int32Array(),
    }),
    async tell(context, texts) {
      const prompt = engine.name(promptOf(context));
      const encoded = await engine.encode(texts.map((text) => `${text}"`));
      const samples = encoded.map(({ ids }) => ({ prompt, ids }));
      const values = await engine.logprobs(samples, null);
      return encoded.map(({ ids, tokens }, i) => {
        const drawn = { texts: tokens, logprobs: values[i]!, ids };
        const text = `${prefix}${texts[i]}"`;
        const completion: Completion = {
          text,
          thinking: null,
          finish: "stop",
          tokens: drawn,
          handle: { prompt },
        };
        return actionOf(completion, context, revision);
      });
    },
  };
}

/** Log-probabilities of lines by themselves, of the one model that a process opens. */
const readAlone = new Map<string, number>();

/** What a line is read for: an adapter, or a kind's questions in the prompt; neither for the model alone, in the clip. */
export interface Taught {
  readonly adapter: Adapter | null;
  readonly supplement?: string;
}

/** The chance of each line of a clip where the memory must be one of them, as `linePolicy` draws it: shape [lines]. */
export async function lineChances(
  engine: TorchEngine,
  contexts: readonly Context[],
  { adapter, supplement }: Taught,
): Promise<{ readonly text: string; readonly tokens: number; readonly chance: number }[][]> {
  const lines = contexts.map(({ observations }) => ownLines(observations[0]!));
  const encoded = await engine.encode(lines.flat().map((line) => `${line}"`));
  const isTaught = adapter !== null || supplement !== undefined;
  const scores = isTaught ? await scoresTaught() : await scoresInClip();
  let at = 0;
  return lines.map((own) => {
    const chances = chancesOf(scores.slice(at, at + own.length), acting.temperature!);
    const found = own.map((text, i) => ({
      ...{ text, tokens: encoded[at + i]!.ids.length },
      chance: chances[i]!,
    }));
    at += own.length;
    return found;
  });

  /** As `taughtScores`; what the model alone makes of a line is asked once. */
  async function scoresTaught(): Promise<number[]> {
    const all = lines.flat();
    const missing = [...new Set(all)].filter((line) => !readAlone.has(line));
    for (const [i, sum] of (await lineLogprobs(engine, missing, null)).entries())
      readAlone.set(missing[i]!, sum);
    const taught = await lineLogprobs(engine, all, adapter, supplement === undefined ? {} : { supplement });
    return taught.map((sum, i) => sum - readAlone.get(all[i]!)!);
  }

  async function scoresInClip(): Promise<number[]> {
    const samples = contexts
      .flatMap((context, i) => lines[i]!.map(() => engine.name(promptOf(context))))
      .map((prompt, k) => ({ prompt, ids: encoded[k]!.ids }));
    const logprobs = await engine.logprobs(samples, null);
    return logprobs.map((values) => values.reduce((sum, value) => sum + value, 0));
  }
}

function promptOf(context: Context) {
  return torchPrompt({ parts: partsOf(context) }, { prefix });
}

function partsOf({ observations, supplement }: Context) {
  const log = `Log:\n${ownLines(observations[0]!).join("\n")}`;
  const text = [log, ...(supplement === undefined ? [] : [supplement]), wording].join("\n\n");
  return [{ type: "text" as const, text }];
}

/** The memory up to the quotation mark or the line's end, and the tokens up to there. */
function actionOf({ text, tokens, finish, handle }: Completion, context: Context, revision: string): Action {
  const { texts, logprobs, ids } = tokens!;
  const last = texts.findIndex((token) => /["\n]/.test(token));
  // What ends an answer right behind the mark belongs to it.
  const isAtEnd = finish === "stop" && last === texts.length - 2;
  const count = last < 0 || isAtEnd ? texts.length : last + 1;
  const memory = text.slice(prefix.length).split(/["\n]/)[0]!.trim();
  const observation = context.observations[0]!;
  const { clip, startSeconds, endSeconds } = observation;
  const isCut = last < 0 && finish === "length";
  const issue = isCut
    ? { code: "cut-off", message: "the memory did not end" }
    : memory === ""
      ? { code: "empty-text", message: "the memory is empty" }
      : null;
  const statement = {
    ...{ clip, kind: "episodic" as const, startSeconds, endSeconds, text: memory, speakers: [] },
    ...{ sources: sourceTexts(observation), frameSeconds: [] },
  };
  return {
    text: memory,
    statements: issue ? [] : [statement],
    logprobs: {
      tokens: texts.slice(0, count),
      values: logprobs.slice(0, count),
      ids: ids!.slice(0, count),
    },
    handle: handle as TorchHandle,
    revision,
    issues: issue ? [issue] : [],
  };
}
