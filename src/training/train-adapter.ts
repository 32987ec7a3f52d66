/**
 * The life of an adapter: it is trained on recent tasks, tried on what did not train it, and a gate decides. The result is
 * one row of the memory, written in one transaction: an adapter is active or it is not.
 *
 * Each policy trains and tries adapters in its own way (`AdapterTrainer`). An adapter that does not pass is kept as
 * refused, with the reason.
 */
import type { Adapter, AdapterWord } from "../adapter/adapter.ts";
import { adapterText, type Provenance } from "../adapter/adapter-file.ts";
import { adapterNorm } from "../adapter/arithmetic.ts";
import { askedOfWhole } from "../answer/asked.ts";
import type { Adapters, Journal, Tasks } from "../memory/memory.ts";
import type { Observation } from "../perception/observation.ts";
import type { Task } from "../tasks/task.ts";
import { shortId } from "../util/hash.ts";
import type { TrainingResult } from "./phase-two.ts";
import type { PairStep } from "./phase-two-run.ts";
import { type GateMargins, refusalOf, type Validation } from "./validation.ts";

/** Where a training is kept, and how it is stopped. */
export interface TrainOptions {
  /**
   * Directory in which the run is kept and from which it is resumed; a trainer without steps makes none. A run of
   * other tasks in it is replaced. @default nowhere
   */
  readonly run?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How a policy's adapter is trained and tried. */
export interface AdapterTrainer {
  /** Id of the policy, under which the memory keeps its adapters. */
  readonly policy: string;
  /** Its revision without an adapter. */
  readonly base: string;
  /** The base that an adapter fits; `null` where it fits any, as one made of words does. */
  readonly fitsBase: string | null;
  readonly method: Provenance["method"];
  /** What its validation compares: answers to the questions, or memories of clips. */
  readonly triedOn: "questions" | "clips";
  /**
   * Trains an adapter.
   * @param tasks with different questions, in the order they were asked
   * @param streams recent observations, in order; only policies that learn from them need any
   */
  train(
    tasks: readonly Task[],
    streams: readonly (readonly Observation[])[],
    options?: TrainOptions,
  ): Promise<TrainingResult>;
  validate(
    tasks: readonly Task[],
    streams: readonly (readonly Observation[])[],
    adapter: Adapter,
    signal?: AbortSignal,
  ): Promise<Validation>;
  /** The words an adapter weighs, the heaviest first; none where it holds no words. */
  adapterWords(adapter: Adapter, texts: readonly string[]): AdapterWord[];
  /** What the gate allows. @default gateMargins, for shares of statements */
  readonly margins?: GateMargins;
  /** Whether training and trying need nothing that was watched. @default false */
  readonly needsNoStream?: boolean;
}

/** Options of `trainAdapter`. */
export interface TrainAdapterOptions extends TrainOptions {
  readonly memory: Pick<Journal, "streams" | "observations"> & Tasks & Adapters;
  readonly trainer: AdapterTrainer;
  /** Wall clock in milliseconds. */
  readonly now: () => number;
  /** Tasks to learn from, in the order they were asked. @default the latest of the memory */
  readonly tasks?: readonly Task[] | undefined;
  /** Observations to learn on, a list for each stream, in order. @default those of the memory's latest streams */
  readonly streams?: readonly (readonly Observation[])[] | undefined;
  /** How many of the memory's latest tasks count. @default 200 */
  readonly recentTasks?: number;
  /** Least number of distinct questions to train on. @default 5 */
  readonly leastQuestions?: number;
}

/** What training and its gate report. */
export interface AdapterResult extends Required<Omit<Validation, "n">> {
  /** Revision of the adapter, or `null` where none was trained. */
  readonly adapter: string | null;
  /** Its id in the memory. */
  readonly id: string | null;
  /** Distinct questions it was trained on. */
  readonly questions: number;
  /** Preference pairs and steps; 0 in closed form. */
  readonly pairs: number;
  readonly steps: number;
  /** Comparisons that the judge failed to make, in training and in trying. */
  readonly failedVerdicts: number;
  /** One row per step; left out where there were none. */
  readonly curve?: readonly PairStep[];
  /** Euclidean norm of the adapter; `null` where none is known. */
  readonly norm: number | null;
  /** What the training found out for itself, by name; left out where that is nothing. */
  readonly found?: Readonly<Record<string, number | string>>;
  /** Number of held-out comparisons, and what they compare. */
  readonly heldOut: number;
  readonly triedOn: AdapterTrainer["triedOn"];
  readonly activated: boolean;
  readonly reason: string;
  /** The words it weighs, the heaviest first. */
  readonly words: readonly AdapterWord[];
  readonly ms: number;
}

/** Two hours in clips of 10 s. */
const mostClips = 720;

/** Trains and validates an adapter, and activates it if the gate allows. An error activates nothing. */
export async function trainAdapter(options: TrainAdapterOptions): Promise<AdapterResult> {
  const { memory, trainer, now, recentTasks = 200, leastQuestions = 5, run, signal } = options;
  const beganMs = now();
  const tasks = options.tasks ? lessonsOf(options.tasks) : await recentLessons(memory, recentTasks);
  const refused = (reason: string, parts: Partial<AdapterResult> = {}): AdapterResult => ({
    ...untested,
    ...{ questions: tasks.length, triedOn: trainer.triedOn },
    ...parts,
    reason,
    ms: now() - beganMs,
  });
  if (tasks.length < leastQuestions)
    return refused(`nothing learned yet: ${tasks.length} of ${leastQuestions} distinct questions`);
  const streams = options.streams ?? (await recentObservations(memory));
  if (!trainer.needsNoStream && streams.every((observations) => observations.length === 0))
    return refused("nothing learned yet: no stream was watched to try it on");

  const result = await trainer.train(tasks, streams, { run, signal });
  const { adapter, problem, pairs, failedVerdicts, curve, refusedClips = 0, found } = result;
  const steps = curve.length;
  const texts = tasks.flatMap(({ question }) => [question.text, ...question.options.map(({ text }) => text)]);
  const trained = {
    ...{ pairs, steps, failedVerdicts, refusedClips, norm: adapterNorm(adapter) },
    ...(steps > 0 && { curve }),
    ...(found && { found }),
    words: trainer.adapterWords(adapter, texts),
  };
  if (problem !== null)
    return refused(`nothing to learn from these questions: ${problemText(problem, failedVerdicts)}`, trained);
  const { n: heldOut, ...tried } = await trainer.validate(tasks, streams, adapter, signal);
  const validation = { ...tried, failedVerdicts: failedVerdicts + (tried.failedVerdicts ?? 0) };
  const refusal = refusalOf({ n: heldOut, ...validation }, trainer.margins, trainer.triedOn);
  signal?.throwIfAborted();
  const outcome = { ...validation, heldOut, adapter: adapter.revision };
  const [active] = await memory.adapters({ policy: trainer.policy, state: "active" });
  if (refusal === null && active?.revision === adapter.revision) {
    const same = refused("it is already active: these questions teach nothing new", trained);
    return { ...same, ...outcome, id: active.id, activated: true };
  }
  const createdAtMs = now();
  const id = shortId("adapter", adapter.revision, createdAtMs);
  const reason =
    refusal ??
    `it is significantly better on held-out ${trainer.triedOn} (${percent(validation.winRate)} won, ${percent(validation.lossRate)} lost)`;
  const provenance: Provenance = {
    method: trainer.method,
    parents: [],
    tasks: tasks.map((task) => task.id),
    createdAtMs,
    report: { ...validation, ...found, heldOut, pairs, steps, base: trainer.base },
  };
  await memory.addAdapter({
    id,
    policy: trainer.policy,
    revision: adapter.revision,
    state: refusal === null ? "active" : "refused",
    reason,
    atMs: createdAtMs,
    tasks: tasks.map((task) => task.id),
    file: adapterText({ adapter, base: trainer.fitsBase, provenance }, "the trained adapter"),
  });
  return {
    ...refused(reason, trained),
    ...outcome,
    ...{ id, activated: refusal === null },
  };
}

const untested: Omit<AdapterResult, "triedOn" | "questions" | "reason" | "ms"> = {
  adapter: null,
  id: null,
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
  evidenceBefore: 0,
  evidenceAfter: 0,
  toGrade: 0,
  graded: 0,
  fidelityBefore: 0,
  fidelityAfter: 0,
  redundancyBefore: 0,
  redundancyAfter: 0,
  tokenRatio: 1,
  refusedClips: 0,
  activated: false,
  words: [],
};

function problemText(problem: NonNullable<TrainingResult["problem"]>, failedVerdicts: number): string {
  const failures = failedVerdicts === 0 ? "" : ` (it failed at ${failedVerdicts} comparisons)`;
  switch (problem) {
    case "no-tasks":
      return "there are none";
    case "one-question":
      return "they are all the same";
    case "no-words":
      return "none of them holds a content word";
    case "no-pairs":
      return `the judge found no consistent preference between memories of similar length${failures}`;
    case "no-direction":
      return "preferred and rejected memories differ in nothing that can be learned";
    case "no-strength":
      return "at no strength of its adapter are memories more often relevant and true";
  }
}

/** The latest tasks with distinct questions that name something, in the order they were asked. */
export async function recentLessons(memory: Tasks, limit = 200): Promise<Task[]> {
  return lessonsOf(await memory.tasks({ limit, newest: true }));
}

/** Distinct tasks that name something: "What happened?" names nothing that could be remembered. */
function lessonsOf(asked: readonly Task[]): Task[] {
  return distinct(asked.filter(({ question }) => askedOfWhole(question) === null));
}

/** Observations of the latest streams, whole streams, until there are enough to tell policies apart. */
export async function recentObservations(
  memory: Pick<Journal, "streams" | "observations">,
): Promise<Observation[][]> {
  const streams: Observation[][] = [];
  let clips = 0;
  for (const { id } of (await memory.streams()).toReversed()) {
    if (clips >= mostClips) break;
    const observations = await memory.observations(id);
    // A stream of remembered facts alone has nothing to show a policy.
    if (observations.every(isBlank)) continue;
    streams.push(observations);
    clips += observations.length;
  }
  return streams;
}

function isBlank({ frames, speech, captions, screen }: Observation): boolean {
  return [frames, speech, captions, screen].every(({ length }) => length === 0);
}

/** Tasks with distinct questions, the latest of each kept, in the order they were asked. */
function distinct(tasks: readonly Task[]): Task[] {
  const plain = (text: string) => text.toLowerCase().replace(/\s+/g, " ").trim();
  return [...new Map(tasks.map((task) => [plain(task.question.text), task])).values()];
}

const percent = (share: number) => `${Math.round(100 * share)} %`;
