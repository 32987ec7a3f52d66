/**
 * A benchmark, run: videos are watched into memories, questions answered from them sealed, answers scored and kept raw.
 *
 * A run is a folder: `run.json` (what was run, with every id and hash), `results.jsonl` (one line for each row and task,
 * in the order of the schedule), `summary.json`, `cost.jsonl`, what was perceived, and the memories. Results hold no
 * times and no costs that depend on a kill, so that a run that was killed and resumed ends with the same bytes as one
 * that was not. Questions are not copied: their ids are enough with the annotations at hand.
 *
 * An engine that fails at a clip, or at a question, costs just that, and the run goes on; one that fails again and again
 * stops it. Resumed, it writes memories with a hole again, from the start where something was written after the hole,
 * answers again what was answered without those clips, asks again where nobody answered, and grades what was not graded.
 * What stands is left alone.
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
import { addCost, type Cost, noCost, type WordSpace } from "../../engine.ts";
import { ConfigError, DataError, EngineError } from "../../errors.ts";
import type { JsonValue, Memory } from "../../memory/memory.ts";
import type { Perceptors } from "../../perception/perceive.ts";
import type { SourceOptions } from "../../stream/open-source.ts";
import { sha256 } from "../../util/hash.ts";
import { openStream } from "../datasets/files/open-stream.ts";
import { rememberingPerceptors } from "../remembered.ts";
import { type BenchmarkTask, type LoadedBenchmark, questionOf, withMaterial } from "../task.ts";
import type { AnswerJudge } from "./answer-judge.ts";
import type { Answered, Answerer } from "./answerers.ts";
import { type PlannedMemory, type PlannedTask, planRun, type RunPlan, stopsOf, untilOf } from "./plan.ts";
import { basePolicy, type ProtocolOptions } from "./protocol.ts";
import {
  addResult,
  type ClipCounts,
  clipsWithout,
  countRetried,
  type HeldMemory,
  openResults,
  orderResults,
  type Result,
  type Retried,
  retriedFor,
  scoredOf,
} from "./results.ts";
import { type Choice, compare, majorityVote, type Outcome, summarise } from "./scoring.ts";
import { sealMemory } from "./sealed.ts";
import { canGoOn, failedClips, isPast, noteUnheard, unheardClips, watchUntil } from "./watching.ts";
import type { BenchmarkRow } from "./writers.ts";

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
  /** How to run it again, kept with it: one run may be written in several ways. */
  readonly command: string;
  /** Told before a run goes on: how many results stand, and how many are found again, for which reason. */
  readonly onResume?: (found: {
    readonly done: number;
    readonly again: number;
    readonly reasons: Readonly<Record<Retried, number>>;
  }) => void;
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
        /** Without a memory or its speech, and still to be tried again; and without a memory for good. */
        readonly clips: ClipCounts;
        /** Results that a resumed run finds again. */
        readonly retried: Readonly<Record<Retried, number>>;
      }
    >
  >;
  readonly missingRows: Readonly<Record<string, string>>;
  /** By stream: why its material could not be read. */
  readonly unreadable: Readonly<Record<string, string>>;
  /** Of each row with base. */
  readonly againstBase: Readonly<Record<string, ReturnType<typeof compare>>>;
  /** Of TaskMem with each other row than base. */
  readonly taskmemAgainst: Readonly<Record<string, ReturnType<typeof compare>>>;
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
  const standing = standingOf(directory, plan, before);
  if (before.length > 0) {
    const again = before.length - standing.done.size;
    options.onResume?.({ done: standing.done.size, again, reasons: countRetried(before) });
  }
  try {
    await finish(options, plan, standing, path);
  } finally {
    rmSync(join(directory, "scratch"), { recursive: true, force: true });
  }
  const order = plan.items.map(({ row, scheduled }) => ({ row: row.name, task: scheduled.task.id }));
  const summary = summaryOf(options, description.id, orderResults(path, order));
  writeFileSync(join(directory, "summary.json"), `${JSON.stringify(summary, null, 1)}\n`);
  return { summary, cost: totalCost(directory) };
}

/** What a run that goes on finds. */
interface Standing {
  /** Places of the results that need not be found again. */
  readonly done: ReadonlySet<number>;
  /** By place: results that are found again. */
  readonly again: ReadonlyMap<number, Result>;
}

/** @throws ConfigError `run-differs` */
function standingOf(directory: string, { items }: RunPlan, results: readonly Result[]): Standing {
  const indexOf = new Map(
    items.map(({ index, row, scheduled }) => [JSON.stringify([row.name, scheduled.task.id]), index]),
  );
  const done = new Set<number>();
  const again = new Map<number, Result>();
  for (const result of results) {
    const index = indexOf.get(JSON.stringify([result.row, result.task]));
    if (index === undefined)
      throw differs(directory, `it has a result of ${result.row} for task ${result.task}`);
    if (retriedFor(result) === null) done.add(index);
    else again.set(index, result);
  }
  return { done, again };
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
    command,
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
    answerer: { id: answerer.id, prompt: answerer.promptHash, recall: answerer.recall, votes },
    judge: { id: judge.id, prompt: judge.promptHash },
    source: { ...source },
    windowClips,
    words: words.id,
    config,
  };
  const hash = sha256(JSON.stringify(facts));
  const id = directory.slice(dirname(directory).length + 1);
  return { id, hash, file: { hash, ...facts, command, notes, missing, skipped } };
}

function countsOf(loaded: LoadedBenchmark, tasks: readonly BenchmarkTask[]): RunSummary["counts"] {
  return {
    rows: loaded.rows,
    skipped: loaded.skipped.length,
    withoutMaterial: loaded.tasks.length - withMaterial(loaded).length,
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
  const before = JSON.parse(readFileSync(described, "utf8")) as Record<string, unknown>;
  if (before.hash === hash) return;
  const other = Object.keys(file).filter(
    (fact) =>
      !["hash", "command"].includes(fact) && JSON.stringify(before[fact]) !== JSON.stringify(file[fact]),
  );
  throw differs(directory, `its ${other.join(", ")} ${other.length === 1 ? "is" : "are"} another's`);
}

function differs(directory: string, how: string): ConfigError {
  return new ConfigError(
    "run-differs",
    `Expected ${directory} to hold this run to resume, but ${how}: name another with --run`,
  );
}

/** After failing at so many questions or clips in a row an engine is down: the run is left for a later one. */
const failuresBeforeStop = 3;

type Engine = "answerer" | "judge" | "transcriber";

/** What all memories of a run share while it is finished. */
interface Running extends RunOptions {
  readonly signal: AbortSignal;
  /** Told how each call of an engine went; stops the run where one is down. */
  worked(engine: Engine): void;
  /** @param at the question or clip: one that fails for every row says nothing of the others */
  failed(engine: Engine, at: string, error: unknown): void;
  write(result: Result): void;
}

/** Watches and asks what is left, several memories at once; one that begins as a copy waits for the one before. */
async function finish(
  options: RunOptions,
  { items, memories }: RunPlan,
  { done, again }: Standing,
  path: string,
): Promise<void> {
  const { concurrency, onProgress } = options;
  let count = done.size;
  const stopped = new AbortController();
  let failure: unknown;
  const stop = (error: unknown) => {
    failure ??= error;
    stopped.abort();
  };
  const inARow = { answerer: new Set<string>(), judge: new Set<string>(), transcriber: new Set<string>() };
  const running: Running = {
    ...options,
    signal: options.signal ? AbortSignal.any([options.signal, stopped.signal]) : stopped.signal,
    worked: (engine) => inARow[engine].clear(),
    failed: (engine, at, error) => {
      if (inARow[engine].add(at).size >= failuresBeforeStop) stop(error);
    },
    write: (result) => {
      addResult(path, result);
      count += 1;
      onProgress?.({ row: result.row, done: count, total: items.length, outcome: result.outcome });
    },
  };
  const queue = new PQueue({ concurrency });
  const work = (task: () => Promise<void>) =>
    void queue.add(async () => {
      if (!running.signal.aborted) await task().catch(stop);
    });
  const started = new Set<PlannedMemory>();
  const copies = Map.groupBy(memories, ({ before }) => before);
  const leftOf = ({ tasks }: PlannedMemory) => tasks.filter(({ index }) => !done.has(index));
  /** Answers that only lack their grade. */
  const ungraded = (item: PlannedTask) => {
    const result = again.get(item.index);
    return result && retriedFor(result) === "judge" ? result : null;
  };
  const start = (memory: PlannedMemory) => {
    if (started.has(memory)) return;
    started.add(memory);
    work(async () => {
      const left = leftOf(memory).filter((item) => ungraded(item) === null);
      const after = copies.get(memory) ?? [];
      const [kept, unkept] = [true, false].map((isKept) =>
        left.filter((item) => existsSync(keptFor(running, item)) === isKept),
      );
      await answerFromKept(running, kept!);
      if (unkept!.length > 0) await answerFrom(running, { memory, left: unkept!, after, start });
      after.forEach(start);
    });
  };
  try {
    for (const memory of memories) {
      const left = leftOf(memory).filter(
        (item) => ungraded(item) === null && !existsSync(keptFor(running, item)),
      );
      if (left.length === 0) continue;
      const isUnreadable = left.some(({ index }) => again.get(index)?.memory === null);
      await discardUnlessSound(options, memory, left[0]!, isUnreadable);
    }
    for (const item of items) {
      const result = ungraded(item);
      if (result) work(async () => running.write(await gradeAgain(running, item, result)));
    }
    (copies.get(null) ?? []).forEach(start);
  } finally {
    await queue.onIdle();
  }
  options.signal?.throwIfAborted();
  if (failure !== undefined) throw failure;
}

const placeOf = ({ directory }: RunOptions, { id }: PlannedMemory) => join(directory, "memories", id);

/**
 * Where a memory is kept as it was when an engine failed at a question, and it was to be watched further: that question
 * can be asked again without writing the memory again.
 */
const keptFor = (options: RunOptions, { scheduled, memory }: PlannedTask) =>
  `${placeOf(options, memory)}-at-${scheduled.memory.untilSeconds}`;

/** Takes away a memory that would become another one if it were gone on with, or whose material could not be read. */
async function discardUnlessSound(
  options: RunOptions,
  planned: PlannedMemory,
  left: PlannedTask,
  isUnreadable: boolean,
): Promise<void> {
  const place = placeOf(options, planned);
  if (!existsSync(place)) return;
  const memory = await options.openMemory(place);
  const { windowClips } = options;
  const isSound = await canGoOn(memory, {
    ...{ stream: planned.stream, untilSeconds: untilOf(left), windowClips },
  }).finally(() => memory.close());
  if (!isSound || isUnreadable) await rm(place, { recursive: true });
}

/** Asks again what was failed at, each from its memory as it was then. */
async function answerFromKept(running: Running, items: readonly PlannedTask[]): Promise<void> {
  for (const [place, asked] of Map.groupBy(items, (item) => keptFor(running, item))) {
    const memory = await running.openMemory(place);
    let failures = 0;
    try {
      for (const item of asked) {
        running.signal.throwIfAborted();
        const result = await answerTask(running, item, memory);
        running.write(result);
        if (result.failed === "answerer") failures += 1;
      }
    } finally {
      await memory.close();
    }
    if (failures === 0) await rm(place, { recursive: true });
  }
}

interface Answering {
  readonly memory: PlannedMemory;
  /** Its tasks without a result. */
  readonly left: readonly PlannedTask[];
  /** Memories that begin as copies of it. */
  readonly after: readonly PlannedMemory[];
  start(memory: PlannedMemory): void;
}

/** Writes a memory from stop to stop, and answers at each. */
async function answerFrom(
  running: Running,
  { memory: planned, left, after, start }: Answering,
): Promise<void> {
  const { directory, loaded, source, windowClips, signal } = running;
  const { id, stream } = planned;
  const place = placeOf(running, planned);
  mkdirSync(place, { recursive: true });
  const perceptors = perceptorsOf(running, stream, place);
  const onCost = spending(directory, { row: left[0]!.row.name, on: "watch", memory: id });
  let memory = await running.openMemory(place);
  const copyTo = async (target: string) => {
    if (existsSync(target)) return;
    await memory.close();
    await copyMemory(place, target);
    memory = await running.openMemory(place);
  };
  const waiting = new Set(left);
  try {
    const opened = await openStream(
      loaded.streams.get(stream)!,
      { scratch: join(directory, "scratch", id), cuts: join(directory, "cuts") },
      { ...source, signal },
    );
    try {
      const stops = stopsOf(planned);
      for (const stop of stops) {
        if (waiting.size === 0) break;
        signal.throwIfAborted();
        const plan = { ...planned, untilSeconds: stop };
        await watchUntil(memory, opened.source, plan, { perceptors, windowClips, onCost, signal });
        for (const copy of after) {
          const target = placeOf(running, copy);
          if (copy.parts.at(-1)!.fromSeconds !== stop || existsSync(target)) continue;
          if (await isPast(memory, stream, stop)) continue;
          await copyTo(target);
          start(copy);
        }
        for (const item of left) {
          if (untilOf(item) !== stop) continue;
          signal.throwIfAborted();
          const result = await answerTask(running, item, memory);
          if (retriedFor(result) === "answerer" && stop !== stops.at(-1))
            await copyTo(keptFor(running, item));
          running.write(result);
          waiting.delete(item);
        }
      }
    } finally {
      await opened.close();
    }
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    // Material that cannot be read costs its questions a visible error, not the run.
    for (const item of waiting) running.write(unreadable(item, error.message));
  } finally {
    await memory.close();
  }
}

/** Senses that remember what they found; clips of a stream that the transcriber fails at are noted beside its memory. */
function perceptorsOf(
  { perceptors, directory, worked, failed }: Running,
  stream: string,
  place: string,
): Perceptors {
  const remembering = rememberingPerceptors(perceptors, join(directory, "perceived"));
  const { transcriber } = remembering;
  return {
    ...remembering,
    transcriber: transcriber && {
      ...transcriber,
      transcribe: async (audio, options) => {
        try {
          const heard = await transcriber.transcribe(audio, options);
          worked("transcriber");
          return heard;
        } catch (error) {
          if (isDown(error)) {
            noteUnheard(place, audio.startSeconds);
            failed("transcriber", `${stream} ${audio.startSeconds}`, error);
          }
          throw error;
        }
      },
    },
  };
}

/** Whether an engine failed that may work later. */
const isDown = (error: unknown): error is EngineError => error instanceof EngineError && error.isRetryable;

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
    ...{ failed: null, raw: [], prompts: [], leftOut: 0, judgement: null, judgeRaw: [], accesses: [] },
  };
}

function factsOf({ row, scheduled, memory }: PlannedTask) {
  const { task, place, policy } = scheduled;
  return {
    row: row.name,
    task: task.id,
    stream: task.stream,
    askTime: task.askTime,
    types: [task.type, ...(task.otherTypes ?? [])],
    ...(task.group !== undefined && { group: task.group }),
    place,
    policy: policy.name,
    revisions: memory.parts.map((part) => part.policy.revision),
  };
}

async function answerTask(running: Running, item: PlannedTask, memory: Memory): Promise<Result> {
  const { answerer, votes, words, directory, signal, worked, failed } = running;
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
    unheard: unheardClips(memory.directory),
    lost: lost.length,
  };
  const sealed = sealMemory(memory, task.stream, task.askTime);
  const onCost = spending(directory, { row: item.row.name, on: "answer", task: task.id });
  const samples: Answered[] = [];
  let scored: Scoring | null = null;
  for (let sample = 0; sample < (question.options.length > 0 ? votes : 1) && scored === null; sample++) {
    try {
      samples.push(
        await answerer.answer(question, sealed.memory, { askTime: task.askTime, sample, onCost, signal }),
      );
      worked("answerer");
    } catch (error) {
      scored = unscored(ownProblem(error));
      if (isDown(error)) {
        scored = { ...scored, failed: "answerer" };
        failed("answerer", task.id, error);
      }
    }
  }
  const refused = sealed.accesses.find((access) => access.refused);
  if (refused) scored = unscored(`the answerer reached for \`${refused.call}\``);
  return {
    ...factsOf(item),
    memory: held,
    ...(scored ?? (await scoreAnswer(running, item, samples))),
    raw: samples.flatMap(({ raw }) => raw),
    prompts: samples.flatMap(({ prompts }) => prompts),
    leftOut: Math.max(0, ...samples.map(({ leftOut }) => leftOut)),
    accesses: sealed.accesses.map(({ call, refused: no, returned }) =>
      no ? `refused ${call}` : `${call} ${returned}`,
    ),
  };
}

/** A failure of this one question. @throws whatever concerns the whole run */
function ownProblem(error: unknown): string {
  const concernsQuestion =
    isDown(error) ||
    (error instanceof EngineError && error.code === "bad-request") ||
    (error instanceof Error && "code" in error && error.code === "sealed");
  if (!concernsQuestion) throw error;
  return (error as Error).message;
}

/** What an answer is worth. */
type Scoring = Pick<Result, "outcome" | "answer" | "problem" | "failed" | "judgement" | "judgeRaw">;

const unscored = (problem: string, answer: string | null = null): Scoring => ({
  ...{ outcome: "error", answer, problem, failed: null, judgement: null, judgeRaw: [] },
});

async function scoreAnswer(
  running: Running,
  item: PlannedTask,
  samples: readonly Answered[],
): Promise<Scoring> {
  const { task } = item.scheduled;
  const choices = samples.map(({ choice }) => choice);
  const scored = (outcome: Outcome, answer: string | null): Scoring => ({
    ...{ outcome, answer, problem: null, failed: null, judgement: null, judgeRaw: [] },
  });
  if (task.options) {
    const chosen = majorityVote(choices.filter((choice): choice is Choice => choice.kind !== "text"));
    if (chosen.kind === "unreadable") return unscored(chosen.problem);
    if (chosen.kind === "abstained") return scored("abstained", null);
    return scored(chosen.letter === task.answer ? "right" : "wrong", chosen.letter);
  }
  const [said] = choices;
  if (said?.kind === "abstained") return scored("abstained", null);
  if (said?.kind !== "text")
    return unscored(said?.kind === "unreadable" ? said.problem : "it names an option of an open question");
  return grade(running, item, said.text);
}

/** An open answer, graded. */
async function grade(running: Running, item: PlannedTask, answer: string): Promise<Scoring> {
  const { judge, directory, signal, worked, failed } = running;
  const { question, answer: truth, id } = item.scheduled.task;
  const onCost = spending(directory, { row: item.row.name, on: "judge", task: id });
  try {
    const graded = await judge.grade({ question, truth, answer, onCost, signal });
    worked("judge");
    if (!graded.ok) return { ...unscored(graded.problem, answer), judgeRaw: graded.raw };
    const { verdict, raw } = graded;
    const outcome = verdict.correct ? "right" : "wrong";
    return { outcome, answer, problem: null, failed: null, judgement: verdict, judgeRaw: raw };
  } catch (error) {
    if (!isDown(error)) throw error;
    failed("judge", id, error);
    return { ...unscored(`the judge failed: ${error.message}`, answer), failed: "judge" };
  }
}

/** A result whose answer was not graded, with its grade. */
async function gradeAgain(running: Running, item: PlannedTask, result: Result): Promise<Result> {
  return { ...result, ...(await grade(running, item, result.answer!)) };
}

/** Books what is paid as it is paid, work that had to be done again included. */
function spending(directory: string, about: Record<string, unknown>): (cost: Cost) => void {
  return (cost) => {
    if (cost.calls === 0) return;
    appendFileSync(join(directory, "cost.jsonl"), `${JSON.stringify({ ...about, ...cost })}\n`);
  };
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
  const { calls, promptTokens, completionTokens, usd } = spent.reduce(addCost, noCost);
  return { calls, promptTokens, completionTokens, usd };
}

function summaryOf(
  { loaded, tasks, rows, missingRows }: RunOptions,
  id: string,
  results: readonly Result[],
): RunSummary {
  const ofRow = (name: string) => results.filter(({ row }) => row === name);
  const scored = (name: string) => ofRow(name).map(scoredOf);
  const names = rows.map(({ name }) => name);
  const others = (than: string) =>
    names.some((name) => name === than) ? names.filter((name) => name !== than) : [];
  return {
    id,
    benchmark: loaded.benchmark,
    counts: countsOf(loaded, tasks),
    rows: Object.fromEntries(
      rows.map(({ name, label }) => {
        const held = ofRow(name).flatMap(({ memory }) => memory?.tokens ?? []);
        const tokens = held.length === 0 ? 0 : held.reduce((total, each) => total + each, 0) / held.length;
        const clips = clipsWithout(ofRow(name));
        const again = countRetried(ofRow(name));
        return [name, { label, tokens, clips, retried: again, ...summarise(scored(name)) }];
      }),
    ),
    missingRows,
    unreadable: Object.fromEntries(
      results.filter(({ memory }) => memory === null).map(({ stream, problem }) => [stream, problem ?? ""]),
    ),
    againstBase: Object.fromEntries(
      others("base").map((name) => [name, compare(scored("base"), scored(name))]),
    ),
    taskmemAgainst: Object.fromEntries(
      others("taskmem")
        .filter((name) => name !== "base")
        .map((name) => [name, compare(scored(name), scored("taskmem"))]),
    ),
  };
}
