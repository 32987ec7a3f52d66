/**
 * The life of an adapter: recent tasks become one, it is tried on what did not train it, a gate decides, and what came of
 * it is one row of the memory, written in one transaction: an adapter is in force or it is not.
 *
 * How a policy learns and how it is tried is its own (`AdapterTrainer`). What does not pass is kept as refused, with the reason.
 */
import type { Adapter, AdapterWord } from "../adapter/adapter.ts";
import { adapterText, type Provenance } from "../adapter/adapter-file.ts";
import { adapterNorm } from "../adapter/arithmetic.ts";
import type { Adapters, Journal, Tasks } from "../memory/memory.ts";
import type { Observation } from "../perception/observation.ts";

import type { Task } from "../tasks/task.ts";
import { shortId } from "../util/hash.ts";
import type { PairStep, TrainedAdapter } from "./phase-two.ts";
import { type GateMargins, refusalOf, type Validation } from "./validation.ts";

/** A lesson with what it was made of: no pairs, steps and verdicts in closed form. */
export interface TrainingResult extends TrainedAdapter {
  readonly pairs: number;
  readonly steps: number;
  /** Comparisons that the judge failed to make. */
  readonly failedVerdicts: number;
  /** How its steps went. @default there were none */
  readonly curve?: readonly PairStep[];
  /** Clips left out because an engine refused to write about them. @default 0 */
  readonly refusedClips?: number;
}

/** How a policy adapts. */
export interface AdapterTrainer {
  /** Id of the policy, by which the memory keeps its adapters. */
  readonly policy: string;
  /** Its revision without an adapter. */
  readonly base: string;
  /** The base that an adapter is good for; `null` where it fits any, as one made of words does. */
  readonly fitsBase: string | null;
  readonly method: Provenance["method"];
  /** What its validation compares: answers to the questions, or memories of clips. */
  readonly triedOn: "questions" | "clips";
  /**
   * @param tasks with different questions, in the order they were asked
   * @param streams what was watched lately, in order; only policies that learn from it need any
   */
  learn(
    tasks: readonly Task[],
    streams: readonly (readonly Observation[])[],
    signal?: AbortSignal,
  ): Promise<TrainingResult>;
  validate(
    tasks: readonly Task[],
    streams: readonly (readonly Observation[])[],
    adapter: Adapter,
    signal?: AbortSignal,
  ): Promise<Validation>;
  /** What an adapter weighs most, the heaviest first; none where it holds no words. */
  adapterWords(adapter: Adapter, texts: readonly string[]): AdapterWord[];
  /** What the gate allows. @default gateMargins, of statements */
  readonly margins?: GateMargins;
  /** Whether it learns and is tried without anything watched. @default false */
  readonly needsNoStream?: boolean;
}

export interface TrainAdapterOptions {
  readonly memory: Pick<Journal, "streams" | "observations"> & Tasks & Adapters;
  readonly adaptation: AdapterTrainer;
  /** Wall clock in milliseconds. */
  readonly now: () => number;
  /** The latest tasks that count. @default 200 */
  readonly recentTasks?: number;
  /** Distinct questions below which nothing is trained. @default 5 */
  readonly leastQuestions?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface AdapterResult extends Required<Omit<Validation, "n">> {
  /** Revision of the adapter, or `null` where none was trained. */
  readonly adapter: string | null;
  /** Its id in the memory. */
  readonly id: string | null;
  /** Distinct questions it was trained on. */
  readonly questions: number;
  /** Preference pairs and steps: none in closed form. */
  readonly pairs: number;
  readonly steps: number;
  /** Comparisons that the judge failed to make, in learning and in trying. */
  readonly failedVerdicts: number;
  /** A row a step; left out where there were none. */
  readonly curve?: readonly PairStep[];
  readonly norm: number;
  /** Held-out comparisons, and of what. */
  readonly heldOut: number;
  readonly triedOn: AdapterTrainer["triedOn"];
  readonly activated: boolean;
  readonly reason: string;
  /** What it weighs most, the heaviest first. */
  readonly learnt: readonly AdapterWord[];
  readonly ms: number;
}

/** Two hours in clips of 10 s. */
const mostClips = 720;

/** Trains, validates and, if the gate lets it, activates an adapter. Nothing is activated on an error. */
export async function trainAdapter(options: TrainAdapterOptions): Promise<AdapterResult> {
  const { memory, adaptation, now, recentTasks = 200, leastQuestions = 5, signal } = options;
  const beganMs = now();
  const tasks = distinct(await memory.tasks({ limit: recentTasks, newest: true }));
  const refused = (reason: string, parts: Partial<AdapterResult> = {}): AdapterResult => ({
    ...untested,
    ...{ questions: tasks.length, triedOn: adaptation.triedOn },
    ...parts,
    reason,
    ms: now() - beganMs,
  });
  if (tasks.length < leastQuestions)
    return refused(`${tasks.length} different questions so far, ${leastQuestions} are needed`);
  const streams = await recentObservations(memory);
  if (!adaptation.needsNoStream && streams.every((observations) => observations.length === 0))
    return refused("nothing was watched yet to try it on");

  const lesson = await adaptation.learn(tasks, streams, signal);
  const { adapter, problem, pairs, steps, failedVerdicts, curve = [], refusedClips = 0 } = lesson;
  const texts = tasks.flatMap(({ question }) => [question.text, ...question.options.map(({ text }) => text)]);
  const trained = {
    ...{ pairs, steps, failedVerdicts, refusedClips, norm: adapterNorm(adapter) },
    ...(curve.length > 0 && { curve }),
    learnt: adaptation.adapterWords(adapter, texts),
  };
  if (problem !== null)
    return refused(`nothing to learn from these questions: ${problemText(problem, failedVerdicts)}`, trained);
  const { n: heldOut, ...tried } = await adaptation.validate(tasks, streams, adapter, signal);
  const validation = { ...tried, failedVerdicts: failedVerdicts + (tried.failedVerdicts ?? 0) };
  const refusal = refusalOf({ n: heldOut, ...validation }, adaptation.margins);
  signal?.throwIfAborted();
  const outcome = { ...validation, heldOut, adapter: adapter.revision };
  const [active] = await memory.adapters({ policy: adaptation.policy, state: "active" });
  if (refusal === null && active?.revision === adapter.revision) {
    const same = refused("it is in force already: these questions teach nothing new", trained);
    return { ...same, ...outcome, id: active.id, activated: true };
  }
  const createdAtMs = now();
  const id = shortId("adapter", adapter.revision, createdAtMs);
  const reason =
    refusal ??
    `it does better on what did not train it (${percent(validation.winRate)} won, ${percent(validation.lossRate)} lost)`;
  const provenance: Provenance = {
    method: adaptation.method,
    parents: [],
    tasks: tasks.map((task) => task.id),
    createdAtMs,
    report: { ...validation, heldOut, pairs, steps, base: adaptation.base },
  };
  await memory.addAdapter({
    id,
    policy: adaptation.policy,
    revision: adapter.revision,
    state: refusal === null ? "active" : "refused",
    reason,
    atMs: createdAtMs,
    tasks: tasks.map((task) => task.id),
    file: adapterText({ adapter, base: adaptation.fitsBase, provenance }, "the trained adapter"),
  });
  return {
    ...refused(reason, trained),
    ...outcome,
    ...{ id, activated: refusal === null },
  };
}

const untested: Omit<AdapterResult, "triedOn"> = {
  adapter: null,
  id: null,
  questions: 0,
  pairs: 0,
  steps: 0,
  failedVerdicts: 0,
  norm: 0,
  heldOut: 0,
  winRate: 0,
  tieRate: 0,
  lossRate: 0,
  winRateLow: 0,
  noiseWinRate: 0,
  noiseLossRate: 0,
  accuracyBefore: 0,
  accuracyAfter: 0,
  toGrade: 0,
  graded: 0,
  fidelityBefore: 0,
  fidelityAfter: 0,
  redundancyBefore: 0,
  redundancyAfter: 0,
  tokenRatio: 1,
  refusedClips: 0,
  activated: false,
  reason: "",
  learnt: [],
  ms: 0,
};

function problemText(problem: NonNullable<TrainedAdapter["problem"]>, failedVerdicts: number): string {
  const failures = failedVerdicts === 0 ? "" : ` (it failed at ${failedVerdicts} comparisons)`;
  switch (problem) {
    case "no-tasks":
      return "there are none";
    case "one-question":
      return "they are all the same one";
    case "no-words":
      return "none of them holds a word that says what it is about";
    case "no-pairs":
      return `the judge surely preferred no memory to another of the same clip and length${failures}`;
    case "no-direction":
      return "the memories that were preferred and those that were not differ in nothing that could be learnt";
  }
}

/** Observations of the streams added last, whole streams, until there are enough to tell policies apart. */
async function recentObservations(
  memory: Pick<Journal, "streams" | "observations">,
): Promise<Observation[][]> {
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

/** Tasks with different questions, the latest of each kept, in the order they were asked. */
function distinct(tasks: readonly Task[]): Task[] {
  const plain = (text: string) => text.toLowerCase().replace(/\s+/g, " ").trim();
  return [...new Map(tasks.map((task) => [plain(task.question.text), task])).values()];
}

const percent = (share: number) => `${Math.round(100 * share)} %`;
