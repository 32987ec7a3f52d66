/**
 * One object that watches, remembers, answers and learns. Every way in (command line, server, tools) calls it and adds
 * nothing to it.
 *
 * It owns assembly (`taskmem/assembly.ts`), when to learn (`taskmem/learning.ts`) and which adapter is active. Every
 * option but the directory has the command line's default. An option that names a part also takes a part of your own.
 */
import { randomUUID } from "node:crypto";
import { createAgent, type StreamEnd, type WatchEvent } from "./agent.ts";
import { type Answer, type AskOptions, answerQuestion, withoutStale } from "./answer/answer.ts";
import type { Reader } from "./answer/reader.ts";
import { type Config, type ConfigInput, parseConfig } from "./config.ts";
import type { Embedder, Model, OnProgress } from "./engine.ts";
import { type LiveOptions, type LiveSession, openLive } from "./live/live.ts";
import type {
  Change,
  Entry,
  EntryFilter,
  FloorRow,
  ForgetReport,
  ForgetRequest,
  Gap,
  Memory,
  Page,
  Paged,
  PageFilters,
  PageOptions,
  RecalledEntry,
  RecallQuery,
  SpentDay,
  StreamRecord,
} from "./memory/memory.ts";
import type { Perceptors } from "./perception/perceive.ts";
import type { Policy } from "./policy/policy.ts";
import type { Judge } from "./reward/judge.ts";
import type { Source, SourceStatus } from "./stream/clip.ts";
import { AdapterShelf } from "./taskmem/adapter-shelf.ts";
import { chosenStreams, type JudgeName, openConfiguredSources, streamOf } from "./taskmem/assembly.ts";
import type { JobExport, JobExportOptions } from "./taskmem/export-job.ts";
import type { JobImportOptions, TriedWeights } from "./taskmem/import-job.ts";
import {
  Learning,
  type LearningEvent,
  type LearnOptions,
  type LearnResult,
  type LearnWith,
} from "./taskmem/learning.ts";
import type { Log } from "./taskmem/logging.ts";
import type { Miss, MissRequest } from "./taskmem/miss.ts";
import { type CustomPolicy, type OwnParts, openParts, type Parts } from "./taskmem/parts.ts";
import { type Remembered, type RememberRequest, remember } from "./taskmem/remember.ts";
import { type Feedback, notAnswered, type QuestionInput, type Task, toQuestion } from "./tasks/task.ts";
import type { AdapterResult } from "./training/train-adapter.ts";
import { Notices } from "./util/async.ts";
import { told } from "./util/telemetry.ts";

/** Options of `openTaskMem`: those of the configuration file, the directory, and parts of your own. */
export interface TaskMemOptions
  extends Omit<ConfigInput, "memory" | "policy" | "reader" | "model" | "embedder"> {
  /** Directory of the memory; it is created if missing. */
  readonly directory: string;
  /** What writes memories, by name or your own. @default "choice", or "model" where a model is given */
  readonly policy?: ConfigInput["policy"] | Policy | CustomPolicy;
  /** What answers from memory. @default "local", or "model" where a model is given */
  readonly reader?: ConfigInput["reader"] | Reader;
  /** A model at an endpoint, or your own. */
  readonly model?: ConfigInput["model"] | Model;
  /** Text embeddings: an endpoint's, or your own. @default the local spelling embedder */
  readonly embedder?: ConfigInput["embedder"] | Embedder;
  /**
   * The judge that compares and grades memories when the policy learns.
   * @default "local"; "model" for best-of-n; "encoder" for lines of a model (`torch.ownLines`) where one can be had
   */
  readonly judge?: JudgeName | Judge;
  /** The senses. @default those the configuration asks for and this machine has */
  readonly perceptors?: Perceptors;
  /** A store of your own in place of the one in the directory; closed with the object. */
  readonly store?: Memory;
  /**
   * Whether to open it without writing, to read a memory that another process writes. `"if-needed"` does so only where
   * the disk is read-only or full. @default false
   */
  readonly readOnly?: boolean | "if-needed";
  /** Whether the directory must already hold a memory. @default false */
  readonly mustExist?: boolean;
  /** Called with events of learning that questions started. */
  readonly onLearning?: (event: LearningEvent) => void;
  /**
   * Called to run learning that questions started in a process of its own. @default it runs here, or by itself in one, as
   * the policy has it
   */
  readonly learnWith?: LearnWith;
  /** Called every second while answers of the model at the endpoint take more than 10 s. */
  readonly onProgress?: OnProgress;
  /** Called with what models are asked and policies decide, to find out why something was remembered. */
  readonly log?: Log;
  /** Wall clock in milliseconds. @default Date.now */
  readonly now?: () => number;
}

/** How a source is watched. */
export interface WatchRequest {
  /** Stream id; of several cameras in a folder, what their ids begin with. @default the source's own */
  readonly stream?: string;
  /** Subtitle file to use instead of those found. */
  readonly subtitles?: string;
  /** What the lines of a text source are. @default as the file's name says, otherwise speech */
  readonly textKind?: "speech" | "caption";
  /** Whether to take the stream from a process that seems to watch it still. @default false */
  readonly takeOver?: boolean;
  /** Whether clips that failed for good are tried again, as far as their observation is kept. @default false */
  readonly retryFailed?: boolean;
  /**
   * Called when this run holds the stream, before it writes: with `takeOver`, whoever gave the stream to this run can still
   * say here that it is another's. What it throws ends the run.
   */
  readonly confirm?: (() => Promise<void>) | undefined;
  /** Ends the run, as `signal` does, but after the clip that is being decided. */
  readonly drain?: AbortSignal | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A source being watched: iterate over its events, or await its end. Watching starts with either. */
export interface Watching extends AsyncIterable<WatchEvent>, PromiseLike<StreamEnd> {}

/** A question that was asked elsewhere. The memory learns from it as from its own. */
export interface TaskRecord {
  readonly question: QuestionInput;
  /** @default now */
  readonly askedAtMs?: number;
  /** Id of the stream it is about. */
  readonly stream?: string;
  /** The answer that was given. @default not answered */
  readonly answer?: string;
  /** Ids of the entries the answer cites. */
  readonly citations?: readonly string[];
}

/** What is remembered, in time order, with the gaps: times that were not watched. */
export interface Timeline {
  readonly entries: readonly Entry[];
  /** What a cheap look told of the times of which no entry is shown. Empty where entries are chosen by more than time. */
  readonly floor: readonly FloorRow[];
  readonly gaps: readonly Gap[];
  readonly streams: readonly StreamRecord[];
}

/** What part of memory a timeline shows. */
export interface TimelineFilter extends EntryFilter {
  /** At most this many, the newest. @default all */
  readonly limit?: number;
}

/** One memory with everything that works on it: it watches, remembers, answers and learns. */
export interface TaskMem extends AsyncDisposable {
  /** The memory itself: tasks, feedback, export, checks. */
  readonly store: Memory;
  /** The configuration with every default filled in. */
  readonly config: Config;
  /**
   * Watches a file, a folder, a URL, a device, texts or a source of your own, from where it stopped. A folder of several
   * cameras that recorded at the same time becomes a stream for each, one after the other.
   */
  watch(source: string | readonly string[] | Source, request?: WatchRequest): Watching;
  /** Opens a stream that you push to. @throws StoreError `stream-busy` */
  live(options: LiveOptions): Promise<LiveSession>;
  /**
   * Answers from memory alone; the memory learns from the question.
   * @throws DataError for an unknown stream or speaker
   */
  ask(question: QuestionInput, options?: AskOptions): Promise<Answer>;
  /**
   * Which stage lost the answer to a question: perception, the policy, recall or the reader. The question is asked again, and
   * not recorded.
   * @throws ConfigError `expected-missing` where it was not said what the answer is
   */
  explain(request: MissRequest): Promise<Miss>;
  /** Trains an adapter from the questions asked, tries it and, if it does better, makes it active. */
  learn(options?: LearnOptions): Promise<LearnResult>;
  /** Keeps a fact as it is, without asking the policy; once per id. */
  remember(fact: string | RememberRequest): Promise<Remembered>;
  /** Records a question that was answered elsewhere, so that the memory learns from it. */
  recordTask(record: TaskRecord): Promise<Task>;
  /**
   * Keeps what a user says about an answer. @param correction the right answer
   * @throws StoreError `task-unknown`
   */
  feedback(task: string, verdict: Feedback["verdict"], correction?: string | null): Promise<void>;
  /** What is remembered, in time order, and the gaps. */
  timeline(filter?: TimelineFilter): Promise<Timeline>;
  /** The streams with these ids, or all. @throws DataError `stream-unknown` */
  streams(names?: readonly string[]): Promise<StreamRecord[]>;
  /** Entries that fit a text, best first; those that a later one replaced come last, unless the text asks for the past. */
  recall(query: string | RecallQuery): Promise<RecalledEntry[]>;
  /** Removes memories and everything derived from them. */
  forget(request: ForgetRequest, options?: { readonly dryRun?: boolean }): Promise<ForgetReport>;
  /** One page of a list, and the cursor of the next page. */
  page<List extends keyof Paged>(
    list: List,
    filter?: PageFilters[List],
    options?: PageOptions,
  ): Promise<Page<Paged[List]>>;
  /** Changes from now on, or since a cursor, by this process and others. */
  changes(options?: { readonly since?: string; readonly signal?: AbortSignal }): AsyncIterable<Change>;
  /**
   * Writes what the model policy would learn from as a job for a trainer elsewhere: files, settings, and the command to
   * run. @throws ConfigError `policy-untrainable`, `job-impossible`, `job-empty`
   */
  exportJob(options: JobExportOptions): Promise<JobExport>;
  /**
   * Takes back what a trainer made of a job, tries it and, if it does better, makes it active. Whole weights are tried,
   * and stay where they are.
   * @throws ConfigError `job-result-missing`, `adapter-space`, `adapter-unsupported`, `job-empty`
   */
  importJob(path: string, options?: JobImportOptions): Promise<AdapterResult | TriedWeights>;
  /** What was learned: list, promote, roll back, blend. */
  readonly adapters: AdapterShelf;
  /** What models cost since the day of a moment, by day and stream. @param sinceMs wall time @default everything */
  spent(sinceMs?: number): Promise<SpentDay[]>;
  /** Resolves when learning that questions started has ended. */
  settled(): Promise<void>;
  /** Waits for learning, ends live sessions, and closes the memory. */
  close(): Promise<void>;
}

/**
 * Opens the memory of a directory together with the policy, reader, senses and trainer that work on it.
 * @throws ConfigError that names every wrong option; StoreError if the memory cannot be opened
 */
export async function openTaskMem(options: TaskMemOptions): Promise<TaskMem> {
  const { config, parts } = readOptions(options);
  const { onLearning = () => {}, learnWith = null } = options;
  return new OpenTaskMem(await openParts(config, parts), onLearning, learnWith);
}

/** Splits the options into a plain configuration and parts of the caller's own. @throws ConfigError */
function readOptions(options: TaskMemOptions): { config: Config; parts: OwnParts } {
  const { directory, policy, reader, model, embedder, judge, perceptors, store, ...rest } = options;
  const { readOnly, mustExist, now, log, onProgress, onLearning: _, learnWith: __, ...plain } = rest;
  const config = parseConfig({
    ...plain,
    memory: directory,
    ...(typeof policy !== "object" && { policy }),
    ...(typeof reader !== "object" && { reader }),
    ...(model !== undefined && !("generate" in model) && { model }),
    ...(embedder !== undefined && !("embed" in embedder) && { embedder }),
  });
  const parts: OwnParts = {
    ...(typeof policy === "object" && { policy: "decide" in policy ? { policy: () => policy } : policy }),
    ...(typeof reader === "object" && { reader }),
    ...(model !== undefined && "generate" in model && { model }),
    ...(embedder !== undefined && "embed" in embedder && { embedder }),
    ...(judge !== undefined && { judge }),
    ...(perceptors && { perceptors }),
    ...(store && { store }),
    ...(readOnly !== undefined && { readOnly }),
    ...(mustExist !== undefined && { mustExist }),
    ...(now && { now }),
    ...(log && { log }),
    ...(onProgress && { onProgress }),
  };
  return { config, parts };
}

class OpenTaskMem implements TaskMem {
  readonly store: Memory;
  readonly config: Config;
  readonly adapters: AdapterShelf;
  readonly #parts: Parts;
  readonly #learning: Learning;
  readonly #sessions = new Set<LiveSession>();

  constructor(parts: Parts, onLearning: (event: LearningEvent) => void, learnWith: LearnWith | null) {
    this.store = parts.memory;
    this.config = parts.config;
    this.adapters = new AdapterShelf(parts);
    this.#parts = parts;
    this.#learning = new Learning(parts, onLearning, learnWith);
  }

  watch(source: string | readonly string[] | Source, request: WatchRequest = {}): Watching {
    return watching(() => this.#watch(source, request));
  }

  async *#watch(
    spec: string | readonly string[] | Source,
    request: WatchRequest,
  ): AsyncGenerator<WatchEvent, void> {
    const { memory, perceptors, reader, limits, now } = this.#parts;
    const { signal, drain, takeOver, retryFailed, confirm } = request;
    const isSource = typeof spec === "object" && "open" in spec;
    const sources = isSource ? [spec] : yield* openingSources(this.config, spec, request);
    const policy = await this.#decidingPolicy();
    const model = await this.#parts.model();
    await model?.capabilities(signal);
    for (const source of sources) {
      const stream =
        isSource && request.stream !== undefined ? request.stream : await streamOf(memory, source);
      const currentPolicy = () => this.#decidingPolicy({ stream });
      const agent = createAgent({ memory, policy, currentPolicy, perceptors, reader, limits, now });
      const options = { stream, takeOver, retryFailed, confirm, drain, ...(signal && { signal }) };
      let ended = false;
      for await (const event of agent.watch(source, options)) {
        yield event.event === "stream-end" ? { ...event, cost: await this.#parts.spent(event.cost) } : event;
        ended ||= event.event === "stream-end" && event.reason === "ended";
      }
      if (!ended) return;
    }
  }

  async live(options: LiveOptions): Promise<LiveSession> {
    const { memory, perceptors, limits, now } = this.#parts;
    const currentPolicy = () => this.#decidingPolicy({ live: true, stream: options.stream });
    const policy = await currentPolicy();
    const session = await openLive({ memory, perceptors, policy, currentPolicy, limits, now }, options);
    this.#sessions.add(session);
    return session;
  }

  async ask(question: QuestionInput, options: AskOptions = {}): Promise<Answer> {
    const { memory, reader, now, likeness, scoreLines } = this.#parts;
    this.#parts.whySpelling();
    const asked = toQuestion(question);
    const answered = await told("ask", { question: asked.text }, async (tell) => {
      const compared = { ...(likeness && { likeness }), ...(scoreLines && { scoreLines }) };
      const parts = { memory, reader, now, ...options, ...compared };
      const { answer, abstained, citations, task, ...rest } = await answerQuestion(asked, parts);
      tell({ answer, abstained, citations: citations.length, ...(task !== null && { task }) });
      return { answer, abstained, citations, task, ...rest };
    });
    const answer = { ...answered, bySpelling: this.#parts.whySpelling() };
    const about = new Set(options.streams ?? answer.citations.map(({ stream }) => stream));
    const stream = about.size === 1 ? [...about][0]! : null;
    await this.#parts.spending.add({ stream, purpose: "answer", cost: answer.cost });
    if (answer.task !== null) {
      await this.adapters.watchCanary();
      await this.#learning.afterTask(answer.task);
    }
    return answer;
  }

  async explain(request: MissRequest): Promise<Miss> {
    const { memory, reader, now, likeness, scoreLines } = this.#parts;
    const { explainMiss } = await import("./taskmem/miss.ts");
    const compared = { ...(likeness && { likeness }), ...(scoreLines && { scoreLines }) };
    return explainMiss({ memory, reader, now, ...compared }, request);
  }

  async #decidingPolicy(how: { readonly live?: boolean; readonly stream?: string } = {}): Promise<Policy> {
    await this.#learning.beforeDecision();
    await this.adapters.watchCanary();
    return this.#parts.activePolicy(how);
  }

  learn(options: LearnOptions = {}): Promise<LearnResult> {
    return this.#learning.run(options);
  }

  async exportJob(options: JobExportOptions): Promise<JobExport> {
    const { exportJob } = await import("./taskmem/export-job.ts");
    return exportJob(this.#parts, options);
  }

  async importJob(path: string, options: JobImportOptions = {}): Promise<AdapterResult | TriedWeights> {
    const { importJob } = await import("./taskmem/import-job.ts");
    return importJob(this.#parts, path, options);
  }

  remember(fact: string | RememberRequest): Promise<Remembered> {
    return remember(this.store, typeof fact === "string" ? { text: fact } : fact, this.#parts.now());
  }

  async recordTask(record: TaskRecord): Promise<Task> {
    const { askedAtMs = this.#parts.now(), stream = null, answer = "", citations = [] } = record;
    const question = toQuestion(record.question);
    const task = {
      id: `task_${randomUUID().slice(0, 13)}`,
      ...{ askedAtMs, asOfSeconds: null, stream, question, answer, option: null, citations },
      ...{
        abstained: record.answer === undefined,
        reader: record.answer === undefined ? notAnswered : "elsewhere",
      },
    };
    await this.store.addTask(task);
    await this.#learning.afterTask(task.id);
    return { ...task, feedback: null };
  }

  async feedback(
    task: string,
    verdict: Feedback["verdict"],
    correction: string | null = null,
  ): Promise<void> {
    await this.store.addFeedback(task, { atMs: this.#parts.now(), verdict, correction });
    await this.adapters.watchCanary();
  }

  async timeline(filter: TimelineFilter = {}): Promise<Timeline> {
    const { limit, ...which } = filter;
    const entries = await this.store.entries({
      ...which,
      ...(limit !== undefined && { limit, newest: true }),
    });
    const { streams: named, fromSeconds, toSeconds, asOfSeconds } = filter;
    const span = {
      ...(named && { streams: named }),
      ...(fromSeconds !== undefined && { fromSeconds }),
      ...(toSeconds !== undefined && { toSeconds }),
    };
    const isChosen = [which.kinds, which.speakers, which.clips].some((given) => given !== undefined);
    const room = (limit ?? Number.POSITIVE_INFINITY) - entries.length;
    const looked =
      isChosen || room <= 0
        ? []
        : await this.store.floor({ ...span, ...(asOfSeconds !== undefined && { asOfSeconds }) });
    const floor = withoutEntries(looked, entries);
    return {
      ...{ entries, gaps: await this.store.gaps(span), streams: await this.streams(named) },
      floor: floor.slice(Math.max(0, floor.length - room)),
    };
  }

  streams(names?: readonly string[]): Promise<StreamRecord[]> {
    return chosenStreams(this.store, names);
  }

  async recall(given: string | RecallQuery): Promise<RecalledEntry[]> {
    const query = typeof given === "string" ? { text: given } : given;
    const found = await this.store.recall(query);
    if (query.mode === "whole-memory") return found;
    const streams = await this.store.streams();
    const clocks = new Map(streams.map(({ id, clock }) => [id, clock]));
    return withoutStale(found, this.#parts.reader.replaced?.(query.text, found, clocks) ?? []);
  }

  forget(request: ForgetRequest, options?: { readonly dryRun?: boolean }): Promise<ForgetReport> {
    return this.store.forget(request, options);
  }

  page<List extends keyof Paged>(
    list: List,
    filter?: PageFilters[List],
    options?: PageOptions,
  ): Promise<Page<Paged[List]>> {
    return this.store.page(list, filter, options);
  }

  changes(options?: { readonly since?: string; readonly signal?: AbortSignal }): AsyncIterable<Change> {
    return this.store.changes(options);
  }

  async spent(sinceMs?: number): Promise<SpentDay[]> {
    await this.#parts.spending.write();
    return this.store.spent(sinceMs);
  }

  settled(): Promise<void> {
    return this.#learning.settled();
  }

  async close(): Promise<void> {
    try {
      for (const session of this.#sessions) await session.close();
      await this.#learning.settled();
      await this.#parts.spending.write();
    } finally {
      // The store first: it may still wait for vectors.
      await this.store.close().finally(() => this.#parts.closeModel());
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Rows of the floor in whose time there is no entry. Both come by stream, then start. */
function withoutEntries(rows: readonly FloorRow[], entries: readonly Entry[]): FloorRow[] {
  const byStream = Map.groupBy(entries, ({ stream }) => stream);
  const reached = new Map<string, { next: number; endSeconds: number }>();
  return rows.filter(({ stream, startSeconds, endSeconds }) => {
    const own = byStream.get(stream) ?? [];
    const at = reached.get(stream) ?? { next: 0, endSeconds: Number.NEGATIVE_INFINITY };
    reached.set(stream, at);
    for (; at.next < own.length && own[at.next]!.startSeconds < endSeconds; at.next++)
      at.endSeconds = Math.max(at.endSeconds, own[at.next]!.endSeconds);
    return at.endSeconds <= startSeconds;
  });
}

/** Events of a watch, which starts when it is first iterated or awaited. */
function watching(begin: () => AsyncGenerator<WatchEvent, void>): Watching {
  return {
    [Symbol.asyncIterator]: begin,
    // biome-ignore lint/suspicious/noThenProperty: awaiting a watch runs it to its end
    then: (resolve, reject) => lastOf(begin()).then(resolve, reject),
  };
}

async function lastOf(events: AsyncGenerator<WatchEvent, void>): Promise<StreamEnd> {
  let end: StreamEnd | undefined;
  for await (const event of events) if (event.event === "stream-end") end = event;
  return end!;
}

/** Opens a source. What keeps a live one from connecting is yielded meanwhile. */
async function* openingSources(
  config: Config,
  spec: string | readonly string[],
  { stream, subtitles, textKind, signal }: WatchRequest,
): AsyncGenerator<WatchEvent, Source[]> {
  const statuses = new Notices<WatchEvent>();
  const onStatus = (status: SourceStatus) =>
    statuses.add({ event: "source-status", ...status, stream: stream ?? status.stream });
  const options = { ...(stream !== undefined && { id: stream }), subtitles, textKind, signal, onStatus };
  return yield* statuses.until(openConfiguredSources(config, spec, options));
}
