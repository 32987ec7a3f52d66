/**
 * A process that watches streams of many spaces, watches recordings and learns, as jobs of a queue.
 *
 * The job says whose a stream is, the memory's lease who may write it. A worker takes the lease from whoever has it,
 * asks the queue once more whether the stream is its own, and only then writes. So a worker that fell silent and woke
 * up is refused by the memory at its next write, or finds here that it has lost the stream before it wrote anything.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { StreamEnd, WatchEvent } from "../agent.ts";
import { learnedOf } from "../contract/learning.ts";
import { ConfigError, DataError, EngineError, isTaskMemError } from "../errors.ts";
import { openRoot, type Root } from "../memory/root.ts";
import type { Source } from "../stream/clip.ts";
import type { TaskMem } from "../taskmem.ts";
import { Memories, type MemoryOptions } from "./memories.ts";
import {
  type JobOutcome,
  type LearnJob,
  longestJobSeconds,
  type QueueKind,
  queueKinds,
  type StreamJob,
  type TakenJob,
  WorkQueue,
} from "./queue.ts";

/** How a worker works. */
export interface WorkerOptions {
  /** Address of the queue's Postgres: `postgres://user:password@host/database`. */
  readonly queue: string;
  /** Directory of the spaces, as `serve` has it, or `postgres://user@host/database`, each space a memory of it. */
  readonly root: string;
  /** What memories are opened with. */
  readonly memories?: MemoryOptions;
  /** Most streams that are watched at once. @default 8 */
  readonly streams?: number;
  /** Most recordings that are watched at once. @default 1 */
  readonly files?: number;
  /** Most spaces that learn at once. @default 1 */
  readonly learning?: number;
  /** Time between two looks at files that are followed, in milliseconds. @default 5000 */
  readonly followMs?: number;
  /** Longest time that a clip may take to be decided once the worker is to end, in milliseconds. @default 6000 */
  readonly drainMs?: number;
  /** Opens a source of your own in place of one that `taskmem watch` knows. @default by its address */
  readonly openSource?: (job: StreamJob) => Promise<Source>;
  /** Called with what happens. @default nothing */
  readonly onEvent?: (event: WorkerEvent) => void;
}

/** What happens in a worker. */
export type WorkerEvent =
  | {
      readonly event: "job-start";
      readonly kind: QueueKind;
      readonly space: string;
      readonly stream?: string;
    }
  | {
      readonly event: "job-end";
      readonly kind: QueueKind;
      readonly space: string;
      readonly stream?: string;
      /** `lost`: paused, taken out, or given to another worker. */
      readonly how: "done" | "failed" | "handed-over" | "lost";
      readonly message?: string;
    }
  | {
      readonly event: "job-trouble";
      readonly space: string;
      readonly stream: string;
      readonly message: string;
    }
  | { readonly event: "queue-trouble"; readonly message: string }
  | ({ readonly space: string } & WatchEvent);

const mostStreams = 8;
/** Time between two looks at an empty queue. */
const lookMs = 1000;
/** What each job in hand adds to the time before the next is taken, so that who has less takes more. */
const restMs = 20;
/** Time between two signs of life; five fit in what the queue waits for. */
const heartbeatMs = 2000;
/** Pauses before a stream that failed is tried again: the first and the longest, doubled after each. */
const retryMs = { first: 1000, most: 60_000 };
/** A job is handed over so long before it would be taken away. */
const handOverSeconds = 3600;

interface Running {
  readonly job: TakenJob<unknown>;
  readonly lost: AbortController;
  /** Gives it to another worker, after its clip. */
  readonly leave: AbortController;
  readonly ended: Promise<void>;
}

/** What became of a job. */
type End =
  | { readonly how: "done"; readonly outcome: JobOutcome }
  | { readonly how: "handed-over" }
  | { readonly how: "lost" };

/** A worker that takes jobs until it is drained. */
export class Worker {
  readonly #queue: WorkQueue;
  readonly #root: Root;
  readonly #memories: Memories;
  readonly #options: WorkerOptions;
  readonly #running = new Set<Running>();
  readonly #drain = new AbortController();
  /** Aborted where draining took too long. */
  readonly #stop = new AbortController();
  readonly #most: Readonly<Record<QueueKind, number>>;
  /** How many of its streams are its part of all. */
  #share: number;
  readonly #beats: NodeJS.Timeout;
  readonly #taking: Promise<unknown>;

  private constructor(queue: WorkQueue, root: Root, options: WorkerOptions) {
    this.#queue = queue;
    this.#options = options;
    this.#root = root;
    this.#memories = new Memories(root, options.memories);
    const { streams = mostStreams, files = 1, learning = 1 } = options;
    this.#most = { watch: streams, file: files, learn: learning };
    this.#share = streams;
    this.#taking = Promise.all(queueKinds.map((kind) => this.#take(kind)));
    this.#beats = setInterval(() => void this.#beat(), heartbeatMs);
  }

  /** Starts a worker. @throws ConfigError `package-missing`; StoreError `queue-unreachable`, `store-unreachable` */
  static async start(options: WorkerOptions): Promise<Worker> {
    const { queue: url, root: place, streams = mostStreams, onEvent = () => {} } = options;
    const onError = (error: Error) => onEvent({ event: "queue-trouble", message: error.message });
    const root = await openRoot(place);
    try {
      const queue = await WorkQueue.open({ url, root: place, name: "worker", streams, onError });
      return new Worker(queue, root, options);
    } catch (error) {
      await root.close();
      throw error;
    }
  }

  /** Jobs in hand. */
  get jobs(): number {
    return this.#running.size;
  }

  /** Takes no more, ends each stream after the clip it is at, and gives everything back for other workers to take. */
  async drain(): Promise<void> {
    this.#drain.abort();
    await this.#queue.drain().catch((error) => this.#trouble(error));
    await this.#taking;
    const cut = setTimeout(() => this.#stop.abort(), this.#options.drainMs ?? 6000);
    await Promise.all([...this.#running].map(({ ended }) => ended));
    clearTimeout(cut);
    clearInterval(this.#beats);
    await this.#queue.close();
    await this.#root.close();
  }

  async #take(kind: QueueKind): Promise<void> {
    const { signal } = this.#drain;
    const own = () => this.#own(kind).length;
    const most = () => (kind === "watch" ? this.#share : this.#most[kind]);
    while (!signal.aborted) {
      const job = own() < most() ? await this.#next(kind) : null;
      if (job) await this.#begin(job);
      await sleep(job ? restMs * own() : lookMs, undefined, { signal }).catch(() => {});
    }
  }

  /** The jobs in hand of a kind, the last taken last. */
  #own(kind: QueueKind): Running[] {
    return [...this.#running].filter(({ job }) => job.kind === kind);
  }

  async #next(kind: QueueKind): Promise<TakenJob<unknown> | null> {
    try {
      return await this.#queue.take(kind);
    } catch (error) {
      this.#trouble(error);
      return null;
    }
  }

  /** Begins a job. An earlier taking of the same stream by this worker ends first, for it writes by the same lease. */
  async #begin(job: TakenJob<unknown>): Promise<void> {
    const same = [...this.#running].filter(
      (one) => one.job.attempt.id === job.attempt.id || isSame(one.job, job),
    );
    for (const { lost } of same) lost.abort();
    await Promise.all(same.map(({ ended }) => ended));
    const [lost, leave] = [new AbortController(), new AbortController()];
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const running: Running = { job, lost, leave, ended };
    this.#running.add(running);
    void this.#run(running).finally(() => {
      this.#running.delete(running);
      resolve();
    });
  }

  async #run({ job, lost, leave }: Running): Promise<void> {
    const { kind } = job;
    const { space, stream } = job.data as StreamJob;
    const about = { kind, space, ...(stream !== undefined && { stream }) };
    this.#tell({ event: "job-start", ...about });
    const late = AbortSignal.timeout((longestJobSeconds - handOverSeconds) * 1000);
    const drain = AbortSignal.any([this.#drain.signal, leave.signal, late]);
    const signal = AbortSignal.any([this.#stop.signal, lost.signal]);
    const end =
      kind === "learn"
        ? await this.#learn(job as TakenJob<LearnJob>, AbortSignal.any([signal, drain]), lost.signal)
        : await this.#watch(job as TakenJob<StreamJob>, { drain, signal, lost: lost.signal });
    const problem = end.how === "done" ? end.outcome.problem : undefined;
    await this.#settle(job, end);
    const message = problem && { message: problem.message };
    this.#tell({ event: "job-end", ...about, how: problem ? "failed" : end.how, ...message });
  }

  /** Tells the queue; where it cannot be reached, it finds out by the heartbeat that no more comes. */
  async #settle(job: TakenJob<unknown>, end: End): Promise<void> {
    try {
      if (end.how === "done") await this.#queue.finish(job, end.outcome);
      if (end.how === "handed-over") await this.#queue.handOver(job);
    } catch (error) {
      this.#trouble(error);
    }
    await this.#queue.letGo(job).catch((error) => this.#trouble(error));
  }

  async #watch(job: TakenJob<StreamJob>, signals: Signals): Promise<End> {
    const { space, stream } = job.data;
    const stopped = AbortSignal.any([signals.drain, signals.signal]);
    let pauseMs = retryMs.first;
    const onStored = () => {
      pauseMs = retryMs.first;
    };
    const watchOn = async (memory: TaskMem): Promise<End> => {
      for (;;) {
        const end = await this.#watchOnce(memory, job, signals, onStored);
        if (end !== null) return end;
        await sleep(this.#options.followMs ?? 5000, undefined, { signal: stopped }).catch(() => {});
        if (stopped.aborted) return stoppedBy(signals);
      }
    };
    for (;;) {
      try {
        return await this.#memories.with(space, watchOn);
      } catch (error) {
        if (signals.lost.aborted || error instanceof LostJob) return { how: "lost" };
        if (stopped.aborted) return { how: "handed-over" };
        const { message } = error as Error;
        const code = isTaskMemError(error) ? error.code : "internal";
        if (isFinal(error, job.data)) return { how: "done", outcome: { problem: { code, message } } };
        this.#tell({ event: "job-trouble", space, stream, message });
        await sleep(pauseMs, undefined, { signal: stopped }).catch(() => {});
        pauseMs = Math.min(retryMs.most, 2 * pauseMs);
        if (stopped.aborted) return stoppedBy(signals);
      }
    }
  }

  /** Watches a stream to the end of its source. @returns `null` where files are followed and there may be more */
  async #watchOnce(
    memory: TaskMem,
    job: TakenJob<StreamJob>,
    signals: Signals,
    onStored: () => void,
  ): Promise<End | null> {
    const { space, stream, source, follow, subtitles, textKind } = job.data;
    const opened = (await this.#options.openSource?.(job.data)) ?? source;
    const confirm = async () => {
      const lost = await this.#queue.heartbeat([job]);
      if (lost.length > 0) throw new LostJob();
    };
    const request = {
      ...{ stream, takeOver: true, confirm, signal: signals.signal, drain: signals.drain },
      ...(subtitles !== undefined && { subtitles }),
      ...(textKind !== undefined && { textKind }),
    };
    let end: StreamEnd | undefined;
    for await (const event of memory.watch(opened, request)) {
      this.#tell({ space, ...event });
      if (event.event === "clip-end") onStored();
      if (event.event === "stream-end") end = event;
    }
    const { reason, message, clips, entries, failed } = end!;
    if (reason === "interrupted") return stoppedBy(signals);
    if (reason === "engine-down") throw new EngineError(reason, message ?? "The engine stopped answering");
    if (reason === "budget-spent")
      return {
        how: "done",
        outcome: { problem: { code: reason, message: message ?? "The budget is spent" } },
      };
    return follow ? null : { how: "done", outcome: { clips, entries, failed } };
  }

  async #learn(job: TakenJob<LearnJob>, signal: AbortSignal, lost: AbortSignal): Promise<End> {
    try {
      const result = await this.#memories.with(job.data.space, async (memory) => {
        return await memory.learn({ signal, apart: true }).catch((error: unknown) => {
          // Parts that only this process has stay in it.
          if (isTaskMemError(error, "apart-impossible")) return memory.learn({ signal });
          throw error;
        });
      });
      // The queue outlives what is forgotten, so it is told no words.
      return { how: "done", outcome: { ...learnedOf(result), words: [] } };
    } catch (error) {
      if (lost.aborted) return { how: "lost" };
      if (signal.aborted) return { how: "handed-over" };
      const code = isTaskMemError(error) ? error.code : "internal";
      return { how: "done", outcome: { problem: { code, message: (error as Error).message } } };
    }
  }

  async #beat(): Promise<void> {
    try {
      const held = [...this.#running].filter(({ lost }) => !lost.signal.aborted);
      const lost = new Set(await this.#queue.heartbeat(held.map(({ job }) => job)));
      for (const { job, lost: stop } of held) if (lost.has(job)) stop.abort();
      if (this.#drain.signal.aborted) return;
      this.#looking ??= this.#look().finally(() => {
        this.#looking = null;
      });
      await this.#looking;
    } catch (error) {
      this.#trouble(error);
    }
  }

  /** Gives others' jobs back whose worker died, and own streams where others have fewer. */
  async #look(): Promise<void> {
    await this.#queue.giveBackLost();
    this.#share = await this.#queue.share(this.#most.watch);
    const streams = this.#own("watch");
    // One after the other, so that others take them meanwhile.
    if (streams.length > this.#share && !streams.some(({ leave }) => leave.signal.aborted))
      streams.at(-1)!.leave.abort();
  }
  #looking: Promise<void> | null = null;

  #tell(event: WorkerEvent): void {
    this.#options.onEvent?.(event);
  }

  #trouble(error: unknown): void {
    this.#tell({ event: "queue-trouble", message: (error as Error).message });
  }
}

interface Signals {
  /** Ends it after the clip. */
  readonly drain: AbortSignal;
  /** Ends it at once. */
  readonly signal: AbortSignal;
  /** It is another's, paused or taken out. */
  readonly lost: AbortSignal;
}

/** The queue gave the job to another, or to no one. */
class LostJob extends Error {}

const stoppedBy = ({ lost }: Signals): End => ({ how: lost.aborted ? "lost" : "handed-over" });

const isSame = (a: TakenJob<unknown>, b: TakenJob<unknown>) => {
  const [one, other] = [a.data, b.data] as StreamJob[];
  return (
    a.kind !== "learn" && b.kind !== "learn" && one!.space === other!.space && one!.stream === other!.stream
  );
};

/** Store errors that another try does not change. */
const lasting: readonly string[] = [
  ...[
    "stream-changed",
    "stream-id-invalid",
    "stream-watched",
    "space-mismatch",
    "store-foreign",
    "store-newer",
  ],
];

/** Whether another try would fail alike. A file that is followed may still come. */
function isFinal(error: unknown, { follow }: StreamJob): boolean {
  if (error instanceof ConfigError) return true;
  if (error instanceof DataError) return !follow || error.code === "space-unknown";
  return isTaskMemError(error) && lasting.includes(error.code);
}
