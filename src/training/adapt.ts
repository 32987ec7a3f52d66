/**
 * Phase Two of the choice policy: recent tasks become an adapter, the adapter is validated, a gate decides.
 *
 * The adapter is the closed form over all distinct recent questions, or comes from preferences (`phase-two.ts`). It is validated by two-fold cross-validation, so
 * that no question judges an adapter it trained: the last hour's observations are watched again by the policy without
 * an adapter and by the policy with the one of the other fold, and for each held-out question the memory that the
 * reader can answer from wins. The gate wants the lower end of the win rate's 95 % interval above one half, memories no
 * longer than a tenth more, and repetition no more than 5 points up; what does not pass is kept as refused, with the
 * reason. The choice policy copies lines, so fidelity cannot fall and is not tested.
 */
import type { Adapter } from "../adapter/adapter.ts";
import { adapterText } from "../adapter/adapter-file.ts";
import { adapterNorm } from "../adapter/arithmetic.ts";
import type { Reader } from "../answer/reader.ts";
import type { WordSpace } from "../engine.ts";
import type { Entry, Memory, Statement } from "../memory/memory.ts";
import type { Observation } from "../perception/observation.ts";
import { type ChoiceOptions, choicePolicy } from "../policy/choice.ts";
import type { Judge } from "../reward/judge.ts";
import { localJudge } from "../reward/local-judge.ts";
import type { Task } from "../tasks/task.ts";
import { shortId } from "../util/hash.ts";
import { adapterFromTasks, type LearntWord, type Lesson, learntWords } from "./choice-trainer.ts";
import { adapterFromPreferences } from "./phase-two.ts";
import { replay } from "./replay.ts";

export interface AdaptOptions {
  readonly memory: Memory;
  readonly words: WordSpace;
  /** The choice policy that is steered: budget, parameters, clip length. */
  readonly choice: Omit<ChoiceOptions, "adapter">;
  /** `closed-form` counts words of questions; `preferences` lets a judge compare memories. @default "closed-form" */
  readonly method?: "closed-form" | "preferences";
  /** Compares memories for `preferences`. @default localJudge */
  readonly judge?: Pick<Judge, "relevance">;
  /** Says whether a memory answers a question. */
  readonly reader: Reader;
  /** Wall clock in milliseconds. */
  readonly now: () => number;
  /** The latest tasks that count. @default 200 */
  readonly recentTasks?: number;
  /** Distinct questions below which nothing is trained. @default 5 */
  readonly leastQuestions?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface AdaptReport {
  /** Revision of the adapter, or `null` where none was trained. */
  readonly adapter: string | null;
  /** Its id in the memory. */
  readonly id: string | null;
  /** Distinct questions it was trained on. */
  readonly questions: number;
  /** Preference pairs and steps: none in closed form. */
  readonly pairs: number;
  readonly steps: number;
  readonly norm: number;
  /** Shares of the held-out questions that the adapted memory answers alone, both or neither do, the other does alone. */
  readonly winRate: number;
  readonly tieRate: number;
  readonly lossRate: number;
  /** Lower end of the 95 % interval (Wilson) of wins among wins and losses. */
  readonly winRateLow: number;
  /** Share of the held-out questions answered; where feedback tells the answer, answered rightly. */
  readonly accuracyBefore: number;
  readonly accuracyAfter: number;
  /** Tokens kept with the adapter for each kept without. */
  readonly tokenRatio: number;
  /** Share of kept lines that repeat an earlier one. */
  readonly redundancyBefore: number;
  readonly redundancyAfter: number;
  readonly activated: boolean;
  readonly reason: string;
  /** What it weighs most, the heaviest first. */
  readonly learnt: readonly LearntWord[];
  readonly ms: number;
}

/** Two hours in clips of 10 s. */
const mostClips = 720;
const mostTokenRatio = 1.1;
const mostRedundancyRise = 0.05;

/** Trains, validates and, if the gate lets it, activates an adapter. Nothing is activated on an error. */
export async function adapt(options: AdaptOptions): Promise<AdaptReport> {
  const { memory, words, choice, now, recentTasks = 200, leastQuestions = 5, signal } = options;
  const beganMs = now();
  const tasks = distinct(await memory.tasks({ limit: recentTasks, newest: true }));
  const streams = await recentObservations(memory);
  const { adapter, problem, pairs, steps } = await learn(tasks, streams, options);
  const texts = tasks.flatMap(({ question }) => [question.text, ...question.options.map(({ text }) => text)]);
  const trained = {
    ...untested,
    questions: tasks.length,
    pairs,
    steps,
    norm: adapterNorm(adapter),
    learnt: learntWords(adapter, texts, words),
  };
  const report = (parts: Partial<AdaptReport>): AdaptReport => ({
    ...trained,
    ...parts,
    ms: now() - beganMs,
  });
  if (tasks.length < leastQuestions) {
    return report({ reason: `${tasks.length} different questions so far, ${leastQuestions} are needed` });
  }
  if (problem !== null) return report({ reason: `nothing to learn from these questions (${problem})` });
  if (streams.every((observations) => observations.length === 0)) {
    return report({ reason: "nothing was watched yet to try it on" });
  }

  const validation = await validate(tasks, streams, options);
  const refusal = refusalOf(validation);
  signal?.throwIfAborted();
  const createdAtMs = now();
  const id = shortId("adapter", adapter.revision, createdAtMs);
  const base = choicePolicy({ ...choice, adapter: null });
  const reason =
    refusal ??
    `it answers more held-out questions (${percent(validation.winRate)} won, ${percent(validation.lossRate)} lost)`;
  await memory.addAdapter({
    id,
    policy: base.id,
    revision: adapter.revision,
    state: refusal === null ? "active" : "refused",
    reason,
    atMs: createdAtMs,
    tasks: tasks.map((task) => task.id),
    file: fileOf(adapter, tasks, validation, createdAtMs, base.revision, options.method),
  });
  return report({ ...validation, id, adapter: adapter.revision, activated: refusal === null, reason });
}

const untested: AdaptReport = {
  adapter: null,
  id: null,
  questions: 0,
  pairs: 0,
  steps: 0,
  norm: 0,
  winRate: 0,
  tieRate: 0,
  lossRate: 0,
  winRateLow: 0,
  accuracyBefore: 0,
  accuracyAfter: 0,
  tokenRatio: 1,
  redundancyBefore: 0,
  redundancyAfter: 0,
  activated: false,
  reason: "",
  learnt: [],
  ms: 0,
};

/** What the gate looks at. */
export type Validation = Pick<
  AdaptReport,
  | "winRate"
  | "tieRate"
  | "lossRate"
  | "winRateLow"
  | "accuracyBefore"
  | "accuracyAfter"
  | "tokenRatio"
  | "redundancyBefore"
  | "redundancyAfter"
>;

/** Observations of the streams added last, whole streams, until there are enough to tell policies apart. */
async function recentObservations(memory: Memory): Promise<Observation[][]> {
  const streams: Observation[][] = [];
  let clips = 0;
  for (const { id } of (await memory.streams()).toReversed()) {
    if (clips >= mostClips) break;
    const observations = await memory.observations(id);
    streams.push(observations);
    clips += observations.length;
  }
  return streams;
}

/** A lesson from some tasks, by the method asked for. */
async function learn(
  tasks: readonly Task[],
  streams: readonly (readonly Observation[])[],
  { words, choice, method, judge, signal }: AdaptOptions,
): Promise<Lesson & { readonly pairs: number; readonly steps: number }> {
  const closed = adapterFromTasks(tasks, { words });
  if (method !== "preferences" || closed.problem !== null) return { ...closed, pairs: 0, steps: 0 };
  return adapterFromPreferences(tasks, streams, {
    words,
    choice,
    judge: judge ?? localJudge({ words }),
    norm: adapterNorm(closed.adapter),
    signal,
  });
}

/** Two-fold cross-validation over the questions. */
async function validate(
  tasks: readonly Task[],
  streams: readonly (readonly Observation[])[],
  options: AdaptOptions,
): Promise<Validation> {
  const { words, choice, reader, signal } = options;
  const watch = async (adapter: Adapter | null) => {
    const kept: Statement[] = [];
    const policy = choicePolicy({ ...choice, adapter });
    for (const observations of streams) kept.push(...(await replay(policy, observations, signal)));
    return kept;
  };
  const base = await watch(null);
  const answered = { before: 0, after: 0 };
  const verdicts = { win: 0, tie: 0, loss: 0 };
  const adaptedTokens: number[] = [];
  const adaptedRepeats: number[] = [];
  for (const fold of [0, 1]) {
    const heldOut = tasks.filter((_, i) => i % 2 === fold);
    const others = tasks.filter((_, i) => i % 2 !== fold);
    const { adapter } = await learn(others, streams, options);
    const adapted = await watch(adapter);
    adaptedTokens.push(tokensOf(adapted, words));
    adaptedRepeats.push(redundancyOf(adapted, words));
    for (const task of heldOut) {
      const before = await answers(reader, task, base, signal);
      const after = await answers(reader, task, adapted, signal);
      answered.before += Number(before);
      answered.after += Number(after);
      verdicts[before === after ? "tie" : after ? "win" : "loss"] += 1;
    }
  }
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const n = tasks.length;
  return {
    winRate: verdicts.win / n,
    tieRate: verdicts.tie / n,
    lossRate: verdicts.loss / n,
    winRateLow: wilsonLow(verdicts.win, verdicts.win + verdicts.loss),
    accuracyBefore: answered.before / n,
    accuracyAfter: answered.after / n,
    tokenRatio: mean(adaptedTokens) / Math.max(1, tokensOf(base, words)),
    redundancyBefore: redundancyOf(base, words),
    redundancyAfter: mean(adaptedRepeats),
  };
}

/** Why the gate refuses, or `null`. */
export function refusalOf({
  winRateLow,
  winRate,
  lossRate,
  tokenRatio,
  redundancyBefore,
  redundancyAfter,
}: Validation) {
  if (!(winRateLow > 0.5)) {
    return `it does not surely answer more held-out questions (${percent(winRate)} won, ${percent(lossRate)} lost; the win rate may be as low as ${percent(winRateLow)})`;
  }
  if (tokenRatio > mostTokenRatio) return `its memories are ${tokenRatio.toFixed(2)} times as long`;
  if (redundancyAfter - redundancyBefore > mostRedundancyRise) {
    return `it repeats itself more (${percent(redundancyBefore)} of lines before, ${percent(redundancyAfter)} after)`;
  }
  return null;
}

/** Whether a reader answers a task from these lines, and rightly where feedback tells the right answer. */
async function answers(
  reader: Reader,
  { question, option, answer, feedback }: Task,
  lines: readonly Statement[],
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const recalled = lines.map((statement, i) => ({ entry: entryOf(statement, i), score: { total: 1 } }));
  const reading = await reader.read({
    question,
    recalled,
    rendered: "",
    gaps: [],
    ...(signal && { signal }),
  });
  if (reading.abstained) return false;
  if (feedback?.verdict === "wrong" && feedback.correction === null) {
    return option === null ? reading.answer !== answer : reading.option !== option;
  }
  const right = feedback === null ? null : (feedback.correction ?? option ?? answer);
  return right === null || [reading.option, reading.answer].includes(right);
}

function entryOf(statement: Statement, i: number): Entry {
  const { clip, startSeconds, endSeconds, sources } = statement;
  return {
    ...statement,
    id: `line-${i}`,
    stream: "replay",
    writtenAtMs: 0,
    policy: "choice",
    revision: "",
    evidence: { clips: [clip], startSeconds, endSeconds, frames: [], sources, tiers: {} },
    closed: null,
  };
}

const tokensOf = (lines: readonly Statement[], words: WordSpace) =>
  lines.reduce((sum, { text }) => sum + words.countTokens(text), 0);

/** Share of lines whose content words an earlier line holds, all but a fifth of them at the most. */
function redundancyOf(lines: readonly Statement[], words: WordSpace): number {
  const seen: ReadonlySet<string>[] = [];
  let repeats = 0;
  for (const { text } of lines) {
    const stems = new Set(words.stems(text));
    const holds = (earlier: ReadonlySet<string>) => [...stems].filter((stem) => earlier.has(stem)).length;
    if (stems.size > 0 && seen.some((earlier) => holds(earlier) >= 0.8 * stems.size)) repeats += 1;
    seen.push(stems);
  }
  return lines.length === 0 ? 0 : repeats / lines.length;
}

/** Lower end of the 95 % interval of a share (Wilson 1927); 0 where nothing was counted. */
export function wilsonLow(successes: number, n: number): number {
  if (n === 0) return 0;
  const z = 1.96;
  const share = successes / n;
  const centre = share + (z * z) / (2 * n);
  const spread = z * Math.sqrt((share * (1 - share)) / n + (z * z) / (4 * n * n));
  return Math.max(0, (centre - spread) / (1 + (z * z) / n));
}

/** Tasks with different questions, the latest of each kept, in the order they were asked. */
function distinct(tasks: readonly Task[]): Task[] {
  const plain = (text: string) => text.toLowerCase().replace(/\s+/g, " ").trim();
  return [...new Map(tasks.map((task) => [plain(task.question.text), task])).values()];
}

function fileOf(
  adapter: Adapter,
  tasks: readonly Task[],
  validation: Validation,
  createdAtMs: number,
  baseRevision: string,
  method: AdaptOptions["method"],
): string {
  const provenance = {
    method: method === "preferences" ? ("dpo" as const) : ("closed-form" as const),
    parents: [],
    tasks: tasks.map(({ id }) => id),
    createdAtMs,
    report: { ...validation, base: baseRevision },
  };
  return adapterText({ adapter, base: null, provenance }, "the trained adapter");
}

const percent = (share: number) => `${Math.round(100 * share)} %`;
