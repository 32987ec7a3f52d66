/**
 * A benchmark, run: videos are watched into memories, questions answered from them sealed, answers scored and kept raw.
 *
 * A run is a folder: `run.json` (what was run, with every id and hash), `results.jsonl` (one line for each row and task,
 * in the order of the schedule), `summary.json`, `cost.jsonl`, what was perceived, and the memories. Results hold no
 * times and no costs that depend on a kill, so that a run that was killed and resumed ends with the same bytes as one
 * that was not. Questions are not copied: their ids are enough with the annotations at hand.
 *
 * An engine that fails at a clip leaves a hole in a memory, and the run goes on. Resumed, it writes such memories again,
 * from the start where something was written after the hole, and answers again what was answered without those clips.
 */
import {
  appendFileSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { cp, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import PQueue from "p-queue";
import { addCost, type Cost, noCost, type WordSpace } from "../engine.ts";
import { ConfigError, DataError, EngineError } from "../errors.ts";
import type { JsonValue, Memory } from "../memory/memory.ts";
import type { Perceptors } from "../perception/perceive.ts";
import type { SourceOptions } from "../stream/open-source.ts";
import { sha256 } from "../util/hash.ts";
import type { AnswerJudge, Graded } from "./answer-judge.ts";
import type { Answered, Answerer } from "./answerers.ts";
import { openStream } from "./loaders/open-stream.ts";
import { rememberingPerceptors } from "./perceived.ts";
import { type PlannedMemory, type PlannedTask, planRun, type RunPlan, stopsOf, untilOf } from "./plan.ts";
import { basePolicy, type ProtocolOptions } from "./protocol.ts";
import {
  addResult,
  clipsWithout,
  type HeldMemory,
  openResults,
  orderResults,
  type Result,
  scoredOf,
} from "./results.ts";
import type { BenchmarkRow } from "./rows.ts";
import { type Choice, compare, majorityVote, type Outcome, summarise } from "./scoring.ts";
import { sealMemory } from "./sealed.ts";
import { type BenchmarkTask, type LoadedBenchmark, questionOf } from "./task.ts";
import { canGoOn, failedClips, isPast, watchUntil } from "./watching.ts";

export interface RunOptions {
  readonly directory: string;
  readonly loaded: LoadedBenchmark;
  /** Tasks to run, all with material. */
  readonly tasks: readonly BenchmarkTask[];
  readonly rows: readonly BenchmarkRow[];
  readonly missingRows: Readonly<Record<string, string>>;
  readonly protocol: ProtocolOptions;
  readonly answerer: Answerer;
  /** Grades open answers. */
  readonly judge: AnswerJudge;
  /** Answers asked for to each question; the majority counts. From 1 up. */
  readonly votes: number;
  readonly openMemory: (directory: string) => Promise<Memory>;
  readonly perceptors: Perceptors;
  readonly source: Omit<SourceOptions, "id" | "subtitles" | "signal">;
  readonly windowClips: number;
  readonly words: WordSpace;
  /** Memories written and asked at once, from 1 up. */
  readonly concurrency: number;
  /** Goes on in a folder that holds results of the same run. */
  readonly resume: boolean;
  /** Whatever else the run depends on, kept with it. */
  readonly config: Readonly<Record<string, JsonValue>>;
  /** Told before a run goes on: how many results stand, and how many questions are answered again. */
  readonly onResume?: (found: { readonly done: number; readonly again: number }) => void;
  readonly onProgress?: (progress: RunProgress) => void;
  readonly signal?: AbortSignal | undefined;
}

export interface RunProgress {
  readonly row: string;
  readonly done: number;
  readonly total: number;
  readonly outcome: Outcome;
}

export interface RunSummary {
  readonly id: string;
  readonly benchmark: string;
  readonly counts: {
    readonly rows: number;
    readonly skipped: number;
    readonly withoutMaterial: number;
    readonly used: number;
  };
  readonly rows: Readonly<
    Record<
      string,
      ReturnType<typeof summarise> & {
        readonly label: string;
        readonly tokens: number;
        /** Without a memory: still to be tried again, and for good. */
        readonly clips: Pick<HeldMemory, "missed" | "lost">;
      }
    >
  >;
  readonly missingRows: Readonly<Record<string, string>>;
  /** Of each row with base. */
  readonly againstBase: Readonly<Record<string, ReturnType<typeof compare>>>;
}

/**
 * Runs what is left of a run and writes its summary.
 * @throws ConfigError `run-exists` for a folder with results where not resuming, `run-differs` for another run's
 * @throws EngineError where a model is down or a budget spent; the run can be resumed
 */
export async function runBenchmark(options: RunOptions): Promise<{ summary: RunSummary; cost: Cost }> {
  const { directory, rows, tasks, protocol } = options;
  for (const name of ["votes", "concurrency"] as const) {
    const value = options[name];
    if (!Number.isInteger(value) || value < 1)
      throw new RangeError(`Expected \`${name}\` to be an integer from 1 up, got ${value}`);
  }
  const plan = planRun(rows, tasks, protocol);
  const description = describe(options, plan);
  openRun(directory, description, options.resume);
  const path = join(directory, "results.jsonl");
  const before = openResults(path);
  const done = standing(directory, plan, before);
  if (before.length > 0) options.onResume?.({ done: done.size, again: before.length - done.size });
  try {
    await finish(options, plan, done, path);
  } finally {
    rmSync(join(directory, "scratch"), { recursive: true, force: true });
  }
  const order = plan.items.map(({ row, scheduled }) => ({ row: row.name, task: scheduled.task.id }));
  const summary = summaryOf(options, description.id, orderResults(path, order));
  writeFileSync(join(directory, "summary.json"), `${JSON.stringify(summary, null, 1)}\n`);
  return { summary, cost: totalCost(directory) };
}

/** Places of the results that need not be found again. @throws ConfigError `run-differs` */
function standing(directory: string, { items }: RunPlan, results: readonly Result[]): Set<number> {
  const indexOf = new Map(
    items.map(({ index, row, scheduled }) => [JSON.stringify([row.name, scheduled.task.id]), index]),
  );
  const done = new Set<number>();
  for (const { row, task, memory } of results) {
    const index = indexOf.get(JSON.stringify([row, task]));
    if (index === undefined) throw differs(directory, `it has a result of ${row} for task ${task}`);
    if (!memory?.missed) done.add(index);
  }
  return done;
}

interface Description {
  readonly id: string;
  readonly hash: string;
  readonly file: Readonly<Record<string, unknown>>;
}

function describe(
  {
    loaded,
    tasks,
    rows,
    missingRows,
    protocol,
    answerer,
    judge,
    votes,
    source,
    windowClips,
    words,
    config,
    directory,
  }: RunOptions,
  { items }: RunPlan,
): Description {
  const { benchmark, layout, files, skipped, missing, notes } = loaded;
  const facts = {
    format: 1,
    benchmark,
    layout,
    annotations: files.map((path) => ({
      name: path.slice(dirname(path).length + 1),
      sha256: sha256(readFileSync(path)),
    })),
    counts: countsOf(loaded, tasks),
    tasks: sha256(JSON.stringify(tasks)),
    protocol: {
      order: protocol.order ?? "official",
      updates: protocol.updates ?? [],
      hints: protocol.hints ?? 5,
      seed: protocol.seed ?? 1,
      oracle: protocol.oracle ?? false,
    },
    rows: rows.map((row) => ({
      name: row.name,
      label: row.label,
      revision: row.policyOf(basePolicy).revision,
    })),
    missingRows,
    memories: rows.map(
      ({ name }) => new Set(items.filter(({ row }) => row.name === name).map(({ memory }) => memory.id)).size,
    ),
    answerer: { id: answerer.id, prompt: answerer.promptHash, votes },
    judge: { id: judge.id, prompt: judge.promptHash },
    source: { ...source },
    windowClips,
    words: words.id,
    config,
  };
  const hash = sha256(JSON.stringify(facts));
  const id = directory.slice(dirname(directory).length + 1);
  return { id, hash, file: { hash, ...facts, notes, missing, skipped } };
}

function countsOf(loaded: LoadedBenchmark, tasks: readonly BenchmarkTask[]): RunSummary["counts"] {
  const missing = new Set(loaded.missing);
  return {
    rows: loaded.rows,
    skipped: loaded.skipped.length,
    withoutMaterial: loaded.tasks.filter(({ stream }) => missing.has(stream)).length,
    used: tasks.length,
  };
}

/** Makes a run's folder, or finds that it holds this run. @throws ConfigError `run-exists`, `run-differs` */
function openRun(directory: string, { hash, file }: Description, resume: boolean): void {
  const described = join(directory, "run.json");
  if (!existsSync(described)) {
    mkdirSync(directory, { recursive: true });
    writeFileSync(described, `${JSON.stringify(file, null, 1)}\n`);
    return;
  }
  if (!resume) {
    throw new ConfigError(
      "run-exists",
      `Expected ${directory} to hold no run: go on with it by --resume, or name another with --run`,
    );
  }
  const before = JSON.parse(readFileSync(described, "utf8")) as { hash?: string };
  if (before.hash !== hash) throw differs(directory, "its settings, annotations or policies are others");
}

function differs(directory: string, how: string): ConfigError {
  return new ConfigError(
    "run-differs",
    `Expected ${directory} to hold this run to resume, but ${how}: name another with --run`,
  );
}

/** Watches and asks what is left, several memories at once; one that begins as a copy waits for the one before. */
async function finish(
  options: RunOptions,
  { items, memories }: RunPlan,
  done: ReadonlySet<number>,
  path: string,
): Promise<void> {
  const { concurrency, onProgress } = options;
  let count = done.size;
  const write = (result: Result) => {
    addResult(path, result);
    count += 1;
    onProgress?.({ row: result.row, done: count, total: items.length, outcome: result.outcome });
  };
  const failed = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, failed.signal]) : failed.signal;
  const queue = new PQueue({ concurrency });
  let failure: unknown;
  const started = new Set<PlannedMemory>();
  const copies = Map.groupBy(memories, ({ before }) => before);
  const start = (memory: PlannedMemory) => {
    if (started.has(memory)) return;
    started.add(memory);
    void queue.add(async () => {
      if (signal.aborted) return;
      const left = memory.tasks.filter(({ index }) => !done.has(index));
      const after = copies.get(memory) ?? [];
      try {
        if (left.length > 0) await answerFrom({ ...options, signal }, { memory, left, after, start, write });
        after.forEach(start);
      } catch (error) {
        failure ??= error;
        failed.abort();
      }
    });
  };
  try {
    for (const memory of memories) {
      const left = memory.tasks.find(({ index }) => !done.has(index));
      if (left) await discardUnlessSound(options, memory, left);
    }
    (copies.get(null) ?? []).forEach(start);
  } finally {
    await queue.onIdle();
  }
  options.signal?.throwIfAborted();
  if (failure !== undefined) throw failure;
}

const placeOf = ({ directory }: RunOptions, { id }: PlannedMemory) => join(directory, "memories", id);

/** Takes away a memory that would become another one if it were gone on with. */
async function discardUnlessSound(
  options: RunOptions,
  planned: PlannedMemory,
  left: PlannedTask,
): Promise<void> {
  const place = placeOf(options, planned);
  if (!existsSync(place)) return;
  const memory = await options.openMemory(place);
  const { windowClips } = options;
  const isSound = await canGoOn(memory, {
    ...{ stream: planned.stream, untilSeconds: untilOf(left), windowClips },
  }).finally(() => memory.close());
  if (!isSound) await rm(place, { recursive: true });
}

interface Answering {
  readonly memory: PlannedMemory;
  /** Its tasks without a result. */
  readonly left: readonly PlannedTask[];
  /** Memories that begin as copies of it. */
  readonly after: readonly PlannedMemory[];
  start(memory: PlannedMemory): void;
  write(result: Result): void;
}

/** Writes a memory from stop to stop, and answers at each. */
async function answerFrom(
  options: RunOptions & { readonly signal: AbortSignal },
  { memory: planned, left, after, start, write }: Answering,
): Promise<void> {
  const { directory, loaded, source, windowClips, signal } = options;
  const { id, stream } = planned;
  const perceptors = rememberingPerceptors(options.perceptors, join(directory, "perceived"));
  const place = placeOf(options, planned);
  mkdirSync(place, { recursive: true });
  let memory = await options.openMemory(place);
  const waiting = new Set(left);
  try {
    const opened = await openStream(
      loaded.streams.get(stream)!,
      { scratch: join(directory, "scratch", id), cuts: join(directory, "cuts") },
      { ...source, signal },
    );
    try {
      for (const stop of stopsOf(planned)) {
        if (waiting.size === 0) break;
        signal.throwIfAborted();
        const plan = { ...planned, untilSeconds: stop };
        const cost = await watchUntil(memory, opened.source, plan, { perceptors, windowClips, signal });
        spend(directory, left[0]!.row.name, "watch", cost, { memory: id });
        for (const copy of after) {
          const target = placeOf(options, copy);
          if (copy.parts.at(-1)!.fromSeconds !== stop || existsSync(target)) continue;
          if (await isPast(memory, stream, stop)) continue;
          await memory.close();
          await copyMemory(place, target);
          memory = await options.openMemory(place);
          start(copy);
        }
        for (const item of left) {
          if (untilOf(item) !== stop) continue;
          write(await answerTask(options, item, memory));
          waiting.delete(item);
        }
      }
    } finally {
      await opened.close();
    }
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    // Material that cannot be read costs its questions a visible error, not the run.
    for (const item of waiting) write(unreadable(item, error.message));
  } finally {
    await memory.close();
  }
}

/** A copy that a kill cuts short has another name. */
async function copyMemory(from: string, to: string): Promise<void> {
  const unfinished = `${to}.part`;
  await rm(unfinished, { recursive: true, force: true });
  await cp(from, unfinished, { recursive: true, mode: constants.COPYFILE_FICLONE });
  await rename(unfinished, to);
}

function unreadable(item: PlannedTask, problem: string): Result {
  return {
    ...factsOf(item),
    memory: null,
    outcome: "error",
    answer: null,
    problem,
    ...{ raw: [], prompts: [], judgement: null, judgeRaw: [], accesses: [] },
  };
}

function factsOf({ row, scheduled, memory }: PlannedTask) {
  const { task, place, policy } = scheduled;
  return {
    row: row.name,
    task: task.id,
    stream: task.stream,
    types: [task.type, ...(task.otherTypes ?? [])],
    ...(task.group !== undefined && { group: task.group }),
    place,
    policy: policy.name,
    revisions: memory.parts.map((part) => part.policy.revision),
  };
}

async function answerTask(options: RunOptions, item: PlannedTask, memory: Memory): Promise<Result> {
  const { answerer, judge, votes, words, directory, signal } = options;
  const { task } = item.scheduled;
  const question = questionOf(task);
  const known = task.askTime === "end" ? {} : { asOfSeconds: task.askTime };
  const entries = await memory.entries({ streams: [task.stream], ...known });
  const { missed, lost } = await failedClips(memory, task.stream);
  const held: HeldMemory = {
    id: item.memory.id,
    entries: entries.length,
    tokens: entries.reduce((sum, { text }) => sum + words.countTokens(text), 0),
    missed: missed.length,
    lost: lost.length,
  };
  const sealed = sealMemory(memory, task.stream, task.askTime);
  const samples: Answered[] = [];
  let problem: string | null = null;
  for (let sample = 0; sample < (question.options.length > 0 ? votes : 1) && problem === null; sample++) {
    try {
      const asked = { askTime: task.askTime, sample, ...(signal && { signal }) };
      samples.push(await answerer.answer(question, sealed.memory, asked));
    } catch (error) {
      problem = ownProblem(error);
    }
  }
  spend(directory, item.row.name, "answer", sum(samples.map(({ cost }) => cost)), { task: task.id });
  const refused = sealed.accesses.find((access) => access.refused);
  if (refused) problem = `the answerer reached for \`${refused.call}\``;
  const scored =
    problem === null
      ? await scoreAnswer(task, samples, judge, signal)
      : { outcome: "error" as const, answer: null, problem, graded: null };
  if (scored.graded) spend(directory, item.row.name, "judge", scored.graded.cost, { task: task.id });
  const { outcome, answer, graded } = scored;
  return {
    ...factsOf(item),
    memory: held,
    outcome,
    answer,
    problem: scored.problem,
    raw: samples.flatMap(({ raw }) => raw),
    prompts: samples.flatMap(({ prompts }) => prompts),
    judgement: graded?.ok ? graded.verdict : null,
    judgeRaw: graded?.raw ?? [],
    accesses: sealed.accesses.map(({ call, refused: no, returned }) =>
      no ? `refused ${call}` : `${call} ${returned}`,
    ),
  };
}

/** A failure of this one question. @throws whatever concerns the whole run */
function ownProblem(error: unknown): string {
  const concernsQuestion =
    (error instanceof EngineError && ["bad-request", "bad-response"].includes(error.code)) ||
    (error instanceof Error && "code" in error && error.code === "sealed");
  if (!concernsQuestion) throw error;
  return (error as Error).message;
}

interface ScoredAnswer {
  readonly outcome: Outcome;
  readonly answer: string | null;
  readonly problem: string | null;
  readonly graded: Graded | null;
}

async function scoreAnswer(
  task: BenchmarkTask,
  samples: readonly Answered[],
  judge: AnswerJudge,
  signal: AbortSignal | undefined,
): Promise<ScoredAnswer> {
  const choices = samples.map(({ choice }) => choice);
  const none = { graded: null, problem: null };
  if (task.options) {
    const chosen = majorityVote(choices.filter((choice): choice is Choice => choice.kind !== "text"));
    if (chosen.kind === "unreadable")
      return { ...none, outcome: "error", answer: null, problem: chosen.problem };
    if (chosen.kind === "abstained") return { ...none, outcome: "abstained", answer: null };
    return { ...none, outcome: chosen.letter === task.answer ? "right" : "wrong", answer: chosen.letter };
  }
  const [said] = choices;
  if (said?.kind === "abstained") return { ...none, outcome: "abstained", answer: null };
  if (said?.kind !== "text") {
    const problem = said?.kind === "unreadable" ? said.problem : "it names an option of an open question";
    return { ...none, outcome: "error", answer: null, problem };
  }
  const request = {
    question: task.question,
    truth: task.answer,
    answer: said.text,
    ...(signal && { signal }),
  };
  const graded = await judge.grade(request);
  if (!graded.ok) return { outcome: "error", answer: said.text, problem: graded.problem, graded };
  return { outcome: graded.verdict.correct ? "right" : "wrong", answer: said.text, problem: null, graded };
}

const sum = (costs: readonly Cost[]) => costs.reduce(addCost, noCost);

/** What was spent, work that had to be done again included. */
function spend(directory: string, row: string, on: string, cost: Cost, about: Record<string, unknown>): void {
  if (cost.calls === 0) return;
  appendFileSync(join(directory, "cost.jsonl"), `${JSON.stringify({ row, on, ...about, ...cost })}\n`);
}

/** Everything a run has cost so far. */
export function totalCost(directory: string): Cost {
  const path = join(directory, "cost.jsonl");
  const lines = existsSync(path) ? readFileSync(path, "utf8").split("\n").filter(Boolean) : [];
  const spent = lines.flatMap((line) => {
    try {
      return [JSON.parse(line) as Cost];
    } catch {
      return []; // cut short by a kill
    }
  });
  const { calls, promptTokens, completionTokens, usd } = sum(spent);
  return { calls, promptTokens, completionTokens, usd };
}

function summaryOf(
  { loaded, tasks, rows, missingRows }: RunOptions,
  id: string,
  results: readonly Result[],
): RunSummary {
  const ofRow = (name: string) => results.filter(({ row }) => row === name);
  const base = ofRow("base").map(scoredOf);
  return {
    id,
    benchmark: loaded.benchmark,
    counts: countsOf(loaded, tasks),
    rows: Object.fromEntries(
      rows.map(({ name, label }) => {
        const held = ofRow(name).flatMap(({ memory }) => memory?.tokens ?? []);
        const tokens = held.length === 0 ? 0 : held.reduce((total, each) => total + each, 0) / held.length;
        const clips = clipsWithout(ofRow(name));
        return [name, { label, tokens, clips, ...summarise(ofRow(name).map(scoredOf)) }];
      }),
    ),
    missingRows,
    againstBase: Object.fromEntries(
      rows
        .filter(({ name }) => name !== "base" && base.length > 0)
        .map(({ name }) => [name, compare(base, ofRow(name).map(scoredOf))]),
    ),
  };
}
