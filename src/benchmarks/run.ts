/**
 * A benchmark, run: videos are watched into memories, questions answered from them sealed, answers scored and kept raw.
 *
 * A run is a folder: `run.json` (what was run, with every id and hash), `results.jsonl` (one line for each row and task,
 * in the order of the schedule), `summary.json`, `cost.jsonl`, what was perceived, and the memories. Results hold no
 * times and no costs that depend on a kill, so that a run that was killed and resumed ends with the same bytes as one
 * that was not. Questions are not copied: their ids are enough with the annotations at hand.
 */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import PQueue from "p-queue";
import { addCost, type Cost, noCost, type WordSpace } from "../engine.ts";
import { ConfigError, DataError, EngineError } from "../errors.ts";
import type { JsonValue, Memory } from "../memory/memory.ts";
import type { Perceptors } from "../perception/perceive.ts";
import type { Policy } from "../policy/policy.ts";
import type { SourceOptions } from "../stream/open-source.ts";
import { sha256, shortId } from "../util/hash.ts";
import type { AnswerJudge, Graded } from "./answer-judge.ts";
import type { Answered, Answerer } from "./answerers.ts";
import { openStream } from "./loaders/open-stream.ts";
import { rememberingPerceptors } from "./perceived.ts";
import { basePolicy, type ProtocolOptions, type ScheduledTask, schedule } from "./protocol.ts";
import type { BenchmarkRow } from "./rows.ts";
import { type Choice, compare, majorityVote, type Outcome, type Scored, summarise } from "./scoring.ts";
import { sealMemory } from "./sealed.ts";
import { type BenchmarkTask, type LoadedBenchmark, questionOf } from "./task.ts";
import { watchUntil } from "./watching.ts";

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
  readonly onProgress?: (progress: RunProgress) => void;
  readonly signal?: AbortSignal | undefined;
}

export interface RunProgress {
  readonly row: string;
  readonly done: number;
  readonly total: number;
  readonly outcome: Outcome;
}

/** One line of `results.jsonl`. */
export interface Result {
  readonly row: string;
  readonly task: string;
  readonly stream: string;
  readonly types: readonly string[];
  readonly group?: string;
  /** From 0 within its type. */
  readonly place: number;
  /** The protocol's policy when the task arrived. */
  readonly policy: string;
  /** Revisions of the policies that wrote its memory, in order. */
  readonly revisions: readonly string[];
  readonly memory: { readonly entries: number; readonly tokens: number } | null;
  readonly outcome: Outcome;
  /** Letter or text, `null` where there is none. */
  readonly answer: string | null;
  readonly problem: string | null;
  readonly raw: readonly string[];
  readonly prompts: readonly string[];
  readonly judgement: { readonly correct: boolean; readonly mark: number; readonly reason: string } | null;
  readonly judgeRaw: readonly string[];
  /** What the answerer did with its memory: `recall 12`, `refused blob`. */
  readonly accesses: readonly string[];
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
    Record<string, ReturnType<typeof summarise> & { readonly label: string; readonly tokens: number }>
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
  const plans = rows.map((row) => ({ row, items: plannedRow(row, tasks, protocol) }));
  const description = describe(options, plans);
  const results = openResults(directory, description, options.resume);
  const items = plans.flatMap(({ items: ofRow }) => ofRow);
  results.done.forEach((result, i) => {
    const expected = items[i];
    if (expected?.row.name !== result.row || expected.scheduled.task.id !== result.task)
      throw differs(directory, `its result ${i + 1} is of ${result.row} and task ${result.task}`);
  });
  try {
    await finish(options, items, results);
  } finally {
    rmSync(join(directory, "scratch"), { recursive: true, force: true });
  }
  const all = readResults(results.path).results;
  const summary = summaryOf(options, description.id, all);
  writeFileSync(join(directory, "summary.json"), `${JSON.stringify(summary, null, 1)}\n`);
  return { summary, cost: totalCost(directory) };
}

/** A task of one row, with the memory it is answered from. */
interface PlannedTask {
  readonly row: BenchmarkRow;
  readonly scheduled: ScheduledTask;
  /** Name of the memory's folder; tasks with the same share it. */
  readonly folder: string;
  readonly parts: readonly { readonly policy: Policy; readonly fromSeconds: number }[];
}

/**
 * Rows whose policies have the same revisions share memories. Not where questions have times: there a row must not find
 * a memory that another has watched further.
 */
function plannedRow(
  row: BenchmarkRow,
  tasks: readonly BenchmarkTask[],
  protocol: ProtocolOptions,
): PlannedTask[] {
  const { updates: _, ...fixed } = protocol;
  const policies = new Map<string, Policy>();
  return schedule(tasks, row.learns ? protocol : fixed).map((scheduled) => {
    const { memory, task } = scheduled;
    const parts = memory.parts.map(({ policy: version, fromSeconds }) => {
      const policy = policies.get(version.name) ?? row.policyOf(version);
      policies.set(version.name, policy);
      return { policy, fromSeconds };
    });
    const grows = task.askTime !== "end" && memory.spans === null;
    const facts = grows
      ? [row.name, memory.key]
      : [memory.stream, parts.map(({ policy, fromSeconds }) => [policy.revision, fromSeconds]), memory.spans];
    return { row, scheduled, folder: shortId("memory", JSON.stringify(facts)), parts };
  });
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
  plans: readonly { items: readonly PlannedTask[] }[],
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
    memories: plans.map(({ items }) => new Set(items.map(({ folder }) => folder)).size),
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

interface OpenResults {
  readonly path: string;
  readonly done: readonly Result[];
}

/** The results there are, a line that was cut short taken off. */
function openResults(directory: string, { hash, file }: Description, resume: boolean): OpenResults {
  const path = join(directory, "results.jsonl");
  const described = join(directory, "run.json");
  if (!existsSync(described)) {
    mkdirSync(directory, { recursive: true });
    writeFileSync(described, `${JSON.stringify(file, null, 1)}\n`);
    writeFileSync(path, "");
    return { path, done: [] };
  }
  if (!resume) {
    throw new ConfigError(
      "run-exists",
      `Expected ${directory} to hold no run: go on with it by --resume, or name another with --run`,
    );
  }
  const before = JSON.parse(readFileSync(described, "utf8")) as { hash?: string };
  if (before.hash !== hash) throw differs(directory, "its settings, annotations or policies are others");
  if (!existsSync(path)) writeFileSync(path, "");
  const { results, bytes } = readResults(path);
  truncateSync(path, bytes);
  return { path, done: results };
}

function differs(directory: string, how: string): ConfigError {
  return new ConfigError(
    "run-differs",
    `Expected ${directory} to hold this run to resume, but ${how}: name another with --run`,
  );
}

/** Results of a run's folder. @throws DataError for a line in the middle that is none */
export function readResults(path: string): { results: Result[]; bytes: number } {
  const text = readFileSync(path, "utf8");
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  const lines = whole.split("\n").slice(0, -1);
  const results = lines.map((line, i) => {
    try {
      return JSON.parse(line) as Result;
    } catch (cause) {
      throw new DataError(
        "results-damaged",
        `Expected a result in line ${i + 1} of ${path}, got something else`,
        {
          cause,
        },
      );
    }
  });
  return { results, bytes: Buffer.byteLength(whole) };
}

/** Watches and asks, several memories at once, and writes results in order. */
async function finish(
  options: RunOptions,
  items: readonly PlannedTask[],
  { path, done }: OpenResults,
): Promise<void> {
  const { concurrency, onProgress } = options;
  const waiting = new Map<number, Result>();
  let next = done.length;
  const write = (index: number, result: Result) => {
    waiting.set(index, result);
    for (let ready = waiting.get(next); ready; ready = waiting.get(next)) {
      appendFileSync(path, `${JSON.stringify(ready)}\n`);
      waiting.delete(next);
      next += 1;
      onProgress?.({ row: ready.row, done: next, total: items.length, outcome: ready.outcome });
    }
  };
  const left = [...items.entries()].slice(done.length);
  const failed = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, failed.signal]) : failed.signal;
  const queue = new PQueue({ concurrency });
  let failure: unknown;
  const runs = [...Map.groupBy(left, ([, { folder }]) => folder).values()].map((group) =>
    queue.add(async () => {
      if (signal.aborted) return;
      try {
        await answerGroup({ ...options, signal }, group, write);
      } catch (error) {
        failure ??= error;
        failed.abort();
      }
    }),
  );
  await Promise.all(runs);
  options.signal?.throwIfAborted();
  if (failure !== undefined) throw failure;
}

/** All tasks of one memory, in order. */
async function answerGroup(
  options: RunOptions & { readonly signal: AbortSignal },
  group: readonly (readonly [number, PlannedTask])[],
  write: (index: number, result: Result) => void,
): Promise<void> {
  const { directory, loaded, source, windowClips, signal } = options;
  const perceptors = rememberingPerceptors(options.perceptors, join(directory, "perceived"));
  const [, { folder, scheduled }] = group[0]!;
  const { stream } = scheduled.task;
  const place = join(directory, "memories", folder);
  mkdirSync(place, { recursive: true });
  const memory = await options.openMemory(place);
  const left = new Map(group);
  try {
    const opened = await openStream(
      loaded.streams.get(stream)!,
      { scratch: join(directory, "scratch", folder), cuts: join(directory, "cuts") },
      { ...source, signal },
    );
    try {
      for (const [index, item] of group) {
        signal.throwIfAborted();
        const { spans, untilSeconds } = item.scheduled.memory;
        const watched = await watchUntil(
          memory,
          opened.source,
          { parts: item.parts, spans, untilSeconds },
          { perceptors, windowClips, signal },
        );
        spend(directory, item.row.name, "watch", watched.cost, {
          memory: folder,
          failedClips: watched.failed,
        });
        write(index, await answerTask(options, item, memory));
        left.delete(index);
      }
    } finally {
      await opened.close();
    }
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    // Material that cannot be read costs its questions a visible error, not the run.
    for (const [index, item] of left) write(index, unreadable(item, error.message));
  } finally {
    await memory.close();
  }
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

function factsOf({ row, scheduled, parts }: PlannedTask) {
  const { task, place, policy } = scheduled;
  return {
    row: row.name,
    task: task.id,
    stream: task.stream,
    types: [task.type, ...(task.otherTypes ?? [])],
    ...(task.group !== undefined && { group: task.group }),
    place,
    policy: policy.name,
    revisions: parts.map((part) => part.policy.revision),
  };
}

async function answerTask(options: RunOptions, item: PlannedTask, memory: Memory): Promise<Result> {
  const { answerer, judge, votes, words, directory, signal } = options;
  const { task } = item.scheduled;
  const question = questionOf(task);
  const known = task.askTime === "end" ? {} : { asOfSeconds: task.askTime };
  const entries = await memory.entries({ streams: [task.stream], ...known });
  const held = {
    entries: entries.length,
    tokens: entries.reduce((sum, { text }) => sum + words.countTokens(text), 0),
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
  if (cost.calls === 0 && !about.failedClips) return;
  appendFileSync(join(directory, "cost.jsonl"), `${JSON.stringify({ row, on, ...about, ...cost })}\n`);
}

/** Everything a run has cost so far, and the clips that no policy could write about. */
export function totalCost(directory: string): Cost & { readonly failedClips: number } {
  const path = join(directory, "cost.jsonl");
  const lines = existsSync(path) ? readFileSync(path, "utf8").split("\n").filter(Boolean) : [];
  const spent = lines.flatMap((line) => {
    try {
      return [JSON.parse(line) as Cost & { failedClips?: number }];
    } catch {
      return []; // cut short by a kill
    }
  });
  const { calls, promptTokens, completionTokens, usd } = sum(spent);
  const failedClips = spent.reduce((clips, line) => clips + (line.failedClips ?? 0), 0);
  return { calls, promptTokens, completionTokens, usd, failedClips };
}

/** A result as scoring wants it. */
export function scoredOf(result: Result): Scored {
  const { task, stream, types, group, outcome, judgement } = result;
  return {
    ...{ id: task, stream, types, outcome },
    ...(group !== undefined && { group }),
    ...(judgement && { mark: judgement.mark }),
  };
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
        return [name, { label, tokens, ...summarise(ofRow(name).map(scoredOf)) }];
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
