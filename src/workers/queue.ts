/**
 * The work of many processes, as jobs of pg-boss in a Postgres: a stream to be watched is one long job, recordings and
 * learning have queues of their own.
 *
 * pg-boss sees to it that a stream is one job (`exclusive`, by space and stream), that a job whose worker falls silent
 * goes to another, and that a worker can settle only the attempt it took. A worker that died is found sooner, by its
 * session (`sessions.ts`). What was watched already is in the memory and not here. The jobs hold the addresses of sources as they were given, with their passwords.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { JobAttempt, JobWithMetadata, PgBoss, Queue, QueueResult } from "pg-boss";
import { ConfigError, StoreError } from "../errors.ts";
import { isLive } from "../stream/live/open-live.ts";
import { installLine, optionalPackage } from "../util/optional.ts";
import { keepSecretsIn, maskedMessage } from "../util/secrets.ts";
import { rootId } from "./root-id.ts";
import { type Ask, holdersOf, lockKeyOf, OwnSession, type WorkerSession, workersOf } from "./sessions.ts";

/** What waits in which queue: streams that do not end, recordings that do, learning. */
export const queueKinds = ["watch", "file", "learn"] as const;
/** One of `queueKinds`. */
export type QueueKind = (typeof queueKinds)[number];

/** A worker that was not heard from for so long has lost its jobs. pg-boss allows no less. Seconds. */
const heartbeatSeconds = 10;
/** Jobs are looked over this often, by one process at a time. Seconds. */
const superviseSeconds = 1;
/** A job may run for less than a day, so a worker hands a stream over before. Seconds. */
export const longestJobSeconds = 86_000;
/** Waiting jobs are removed after this: ten years, for a stream is watched until it is taken out. Seconds. */
const retentionSeconds = 315_360_000;
/** A job that no session holds is another's after this time without a heartbeat: two of its worker's are then missing. */
const quietMs = 4000;
/** A worker whose connection was lost is back by then. */
const returnMs = 6000;
/** Where a stream waits longer, fair parts do not count. Seconds. */
const mostPatientSeconds = 6;
/** A job goes to another worker this often before it counts as failed. */
const mostTakes = 1_000_000;

const long = {
  ...{ policy: "exclusive", heartbeatSeconds, expireInSeconds: longestJobSeconds, retryDelay: 0 },
  ...{ retentionSeconds, retryLimit: mostTakes, deleteAfterSeconds: 0 },
} satisfies Omit<Queue, "name">;
const settings: Record<QueueKind, Omit<Queue, "name">> = {
  watch: long,
  file: long,
  // What learning was killed three times is not begun again. Its result is asked for within the hour.
  learn: { ...long, retryLimit: 3, deleteAfterSeconds: 3600 },
};

/** A stream to be watched. */
export interface StreamJob {
  readonly space: string;
  readonly stream: string;
  /** A file, a folder, a URL or a device, as `taskmem watch` takes it. */
  readonly source: string;
  /** Whether files are looked at again and again for what was added; a URL of a live source is anyway. */
  readonly follow?: boolean | undefined;
  /** Subtitle file to use instead of those found. */
  readonly subtitles?: string | undefined;
  /** What the lines of a text source are. */
  readonly textKind?: "speech" | "caption" | undefined;
}

/** Learning of a space. */
export interface LearnJob {
  readonly space: string;
}

/** What a job came to: anything that JSON can hold, or why it failed for good. */
export interface JobOutcome {
  readonly problem?: { readonly code: string; readonly message: string };
  readonly [name: string]: unknown;
}

/** A job that a worker took. */
export interface TakenJob<Data> {
  readonly kind: QueueKind;
  readonly data: Data;
  /** How often it was taken before. */
  readonly takenBefore: number;
  /** What tells this taking from every other. */
  readonly attempt: JobAttempt;
}

/** How a stream that is to be watched stands. */
export interface WatchedStream extends StreamJob {
  readonly kind: "watch" | "file";
  /** `waiting` for a worker, `watching`, `paused` by hand, `ended` with its source, or `failed` for good. */
  readonly state: "waiting" | "watching" | "paused" | "ended" | "failed";
  readonly sinceMs: number;
  readonly problem: { readonly code: string; readonly message: string } | null;
  /** Who watches it; `null` where no one does, or the worker's session is lost. */
  readonly worker: { readonly host: string; readonly pid: number } | null;
  /** When its worker said last that it watches it; `null` where none does. */
  readonly heardMs: number | null;
}

/** How a queue stands. */
export interface QueueStanding {
  readonly kind: QueueKind;
  /** Jobs that wait for a worker, and those that have one. */
  readonly waiting: number;
  readonly active: number;
  /** How long the oldest that waits has waited, in seconds; `null` where none does. */
  readonly oldestSeconds: number | null;
}

/** Where the queue is and whose work it holds. */
export interface QueueOptions {
  /** Address of the Postgres: `postgres://user:password@host/database`. */
  readonly url: string;
  /** Directory of the spaces. Each has queues of its own: who has other files must not take its streams. */
  readonly root: string;
  /** What this process is, for lists of those that are there. */
  readonly name: "serve" | "worker" | "command";
  /** Most streams that a worker watches at once. @default 0 */
  readonly streams?: number;
  /** Called with what goes wrong beside a call. @default nothing */
  readonly onError?: ((error: Error) => void) | undefined;
}

/** The queues of the spaces of one root. */
export class WorkQueue {
  readonly #boss: PgBoss;
  readonly #root: string;
  readonly #isBrief: boolean;
  /** Of a worker. */
  readonly #session: OwnSession | null;
  /** The sessions with which every job had a worker. */
  #settledFor: string | null = null;

  private constructor(boss: PgBoss, root: string, isBrief: boolean, session: OwnSession | null) {
    this.#boss = boss;
    this.#root = root;
    this.#isBrief = isBrief;
    this.#session = session;
  }

  /**
   * Opens the queues, and makes them where they are missing.
   * @throws ConfigError `package-missing`; StoreError `queue-unreachable`
   */
  static async open({ url, root, name, streams = 0, onError = () => {} }: QueueOptions): Promise<WorkQueue> {
    keepSecretsIn(url);
    const { PgBoss: Boss } = await optionalPackage("pg-boss", "to share streams among workers");
    const isBrief = name === "command";
    const boss = new Boss({
      ...{ connectionString: url, application_name: `taskmem-${name}`, instanceName: `taskmem-${name}` },
      // A command looks and leaves; what stays supervises.
      ...{ max: 4, schedule: false, supervise: !isBrief, registerInstance: !isBrief },
      ...{ superviseIntervalSeconds: superviseSeconds, monitorIntervalSeconds: superviseSeconds },
      instanceHeartbeatSeconds: heartbeatSeconds,
    });
    boss.on("error", onError);
    const id = rootId(root);
    const session = name === "worker" ? new OwnSession(url, id, streams) : null;
    const queue = new WorkQueue(boss, id, isBrief, session);
    await reached(url, async () => {
      await boss.start();
      for (const kind of queueKinds) await boss.createQueue(queue.#name(kind), settings[kind]);
    });
    return queue;
  }

  #name(kind: QueueKind): string {
    return `taskmem/${this.#root}/${kind}`;
  }

  /**
   * Has a stream watched from now on. One that is watched already from the same source is left as it is, paused or not;
   * from another source it begins again with that.
   * @returns whether anything changed
   */
  async watch(job: StreamJob): Promise<boolean> {
    keepSecretsIn(job.source);
    const data = withoutBlanks(job);
    const kind = kindOf(job);
    const known = await this.#of(job.space, job.stream);
    const isSame = (one: Found) => one.kind === kind && isOpen(one.job) && isEqual(one.job.data, data);
    if (known.some(isSame)) return false;
    for (const one of known) await this.#remove(one);
    const key = keyOf(job);
    return (await this.#boss.send(this.#name(kind), data, { singletonKey: key })) !== null;
  }

  /** Watches a stream no longer; its memory stays. @throws ConfigError `watch-unknown` */
  async unwatch(space: string, stream: string): Promise<void> {
    for (const one of await this.#found(space, stream)) await this.#remove(one);
  }

  /** Lets a stream rest until it is resumed. Who watches it ends within seconds. @throws ConfigError `watch-unknown` */
  async pause(space: string, stream: string): Promise<void> {
    for (const { kind, job } of await this.#found(space, stream))
      if (isTakenOrWaiting(job)) await this.#boss.cancel(this.#name(kind), job.id);
  }

  /** Has a paused stream watched again, and tries one again that failed. @throws ConfigError `watch-unknown` */
  async resume(space: string, stream: string): Promise<void> {
    for (const { kind, job } of await this.#found(space, stream)) {
      if (job.state === "cancelled") await this.#boss.resume(this.#name(kind), job.id);
      if (standing(job) !== "failed") continue;
      await this.#boss.deleteJob(this.#name(kind), job.id);
      await this.#boss.send(this.#name(kind), job.data, { singletonKey: keyOf(job.data) });
    }
  }

  /** The streams that are to be watched, by space and name. */
  async streams(space?: string): Promise<WatchedStream[]> {
    const all = await Promise.all((["watch", "file"] as const).map((kind) => this.#all(kind)));
    const holders = await holdersOf(this.#ask);
    const workers = new Map((await this.workers()).map((worker) => [worker.session, worker]));
    const workerOf = (job: string) => {
      const found = workers.get(holders.get(lockKeyOf(job)) ?? 0);
      return found ? { host: found.host, pid: found.pid } : null;
    };
    return all
      .flat()
      .filter(({ job }) => space === undefined || job.data.space === space)
      .map(({ kind, job }) => ({
        ...job.data,
        ...{ kind, state: standing(job), sinceMs: sinceOf(job).getTime(), problem: problemOf(job) },
        worker: job.state === "active" ? workerOf(job.id) : null,
        heardMs: job.state === "active" ? (job.heartbeatOn?.getTime() ?? null) : null,
      }))
      .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  }

  /** How long jobs have waited, and how many, as a supervising process counted last. */
  async standing(): Promise<QueueStanding[]> {
    // A command may be the only process there is.
    if (this.#isBrief) await this.#boss.supervise();
    const found = await this.#boss.getQueues(queueKinds.map((kind) => this.#name(kind)));
    const byName = new Map(found.map((queue) => [queue.name, queue]));
    return queueKinds.map((kind) => standingOf(kind, byName.get(this.#name(kind))));
  }

  /** The workers of the root, oldest first. */
  workers(): Promise<WorkerSession[]> {
    return workersOf(this.#ask, this.#root);
  }

  /** How many streams a worker should watch, so that each has its part by what it may watch. @param most it may */
  async share(most: number): Promise<number> {
    const workers = (await this.workers()).filter(({ isHeard }) => isHeard);
    const { waiting, active, oldestSeconds } = (await this.standing())[0]!;
    // What none of the others takes is taken.
    const isLeft = waiting > 0 && (oldestSeconds ?? 0) > mostPatientSeconds;
    if (workers.length <= 1 || isLeft) return most;
    const room = workers.reduce((sum, { streams }) => sum + streams, 0);
    return Math.min(most, Math.max(1, Math.ceil(((waiting + active) * most) / Math.max(most, room))));
  }

  /**
   * Gives jobs back whose worker is gone: no session holds them. The worker that leads looks, and while the workers are those
   * of its last look, and every job had one, it looks no further.
   */
  async giveBackLost(): Promise<void> {
    const session = this.#session!;
    // When the server was started again, all need time to come back.
    if (!(await session.leads()) || session.ageMs < returnMs) return;
    const sessions = (await this.workers()).map((worker) => worker.session).join();
    if (sessions === this.#settledFor) return;
    const holders = await holdersOf(this.#ask);
    const { rows } = await session.ask("select extract(epoch from clock_timestamp())::float8 * 1000 as now");
    const { now } = rows[0] as { now: number };
    let isSettled = true;
    for (const kind of queueKinds)
      for (const { id, state, retryCount, heartbeatOn, startedOn } of await this.#jobs<unknown>(kind)) {
        if (state !== "active" || holders.has(lockKeyOf(id))) continue;
        isSettled = false;
        if (now - (heartbeatOn ?? startedOn).getTime() > quietMs)
          await this.#boss.fail(this.#name(kind), { id, retryCount }, { workerLost: true });
      }
    this.#settledFor = isSettled ? sessions : null;
  }

  /** Has a space learn in some worker; one that is to learn already learns once. @returns the job */
  async learn(space: string): Promise<string> {
    const name = this.#name("learn");
    for (;;) {
      const sent = await this.#boss.send(name, { space }, { singletonKey: space });
      if (sent !== null) return sent;
      const beside = (await this.#boss.findJobs<LearnJob>(name, { key: space })).find(isTakenOrWaiting);
      if (beside) return beside.id;
    }
  }

  /** Waits for learning. @returns what the worker says of it @throws the signal's reason */
  async learned(job: string, signal: AbortSignal): Promise<JobOutcome> {
    for (;;) {
      signal.throwIfAborted();
      const [found] = await this.#boss.findJobs<LearnJob>(this.#name("learn"), { id: job });
      if (found === undefined || found.state === "cancelled")
        return problem("cancelled", "The learning was stopped");
      if (found.state === "completed") return (found.output ?? {}) as JobOutcome;
      if (found.state === "failed") return problem("worker-lost", "Its workers were lost, again and again");
      await sleep(500, undefined, { signal }).catch(() => {});
    }
  }

  /** Stops learning. */
  async stopLearning(job: string): Promise<void> {
    await this.#boss.cancel(this.#name("learn"), job);
  }

  /** Takes the job that has waited longest; `null` where none waits. */
  async take<Data>(kind: QueueKind): Promise<TakenJob<Data> | null> {
    const [job] = await this.#boss.fetch<Data>(this.#name(kind));
    if (job === undefined) return null;
    const { id, retryCount, data } = job;
    const attempt = { id, retryCount };
    await this.#session?.hold(attempt);
    return { kind, data, takenBefore: retryCount, attempt };
  }

  /** Says that a job is in hand no more, after it was settled or lost. */
  async letGo({ attempt }: TakenJob<unknown>): Promise<void> {
    await this.#session?.release(attempt);
  }

  /** Takes no more streams, and tells the other workers. */
  async drain(): Promise<void> {
    await this.#session?.drain();
  }

  /** Says that jobs are worked on. @returns those that this taking has no more: paused, removed, or taken by another */
  async heartbeat<Job extends TakenJob<unknown>>(jobs: readonly Job[]): Promise<Job[]> {
    const lost: Job[] = [];
    for (const [kind, own] of Map.groupBy(jobs, (job) => job.kind)) {
      const attempts = own.map(({ attempt }) => attempt);
      const held = new Set(touched(await this.#boss.touch(this.#name(kind), attempts)));
      lost.push(...own.filter(({ attempt }) => !held.has(attempt.id)));
    }
    return lost;
  }

  /** Ends a job. Nothing happens where this taking has it no more. */
  async finish({ kind, attempt }: TakenJob<unknown>, outcome: JobOutcome): Promise<void> {
    await this.#boss.complete(this.#name(kind), attempt, outcome);
  }

  /** Gives a job back for another worker to take at once. */
  async handOver({ kind, attempt }: TakenJob<unknown>): Promise<void> {
    await this.#boss.fail(this.#name(kind), attempt, { handedOver: true });
  }

  /** Removes what is kept of a space. */
  async removeSpace(space: string): Promise<void> {
    for (const kind of ["watch", "file"] as const)
      for (const one of await this.#all(kind)) if (one.job.data.space === space) await this.#remove(one);
  }

  async close(): Promise<void> {
    await this.#boss.stop({ graceful: false });
    await this.#session?.close();
  }

  readonly #ask: Ask = (text, values) =>
    this.#session?.ask(text, values) ?? this.#boss.getDb().executeSql(text, values);

  /** All jobs of streams in a queue. */
  async #all(kind: "watch" | "file"): Promise<Found[]> {
    return (await this.#jobs<StreamJob>(kind)).map((job) => ({ kind, job }));
  }

  /** All jobs of a queue, page by page. */
  async #jobs<Data>(kind: QueueKind): Promise<JobWithMetadata<Data>[]> {
    const jobs: JobWithMetadata<Data>[] = [];
    for (;;) {
      const after = jobs.at(-1)?.id;
      const page = await this.#boss.findJobs<Data>(this.#name(kind), {
        ...{ limit: pageSize, ...(after !== undefined && { after }) },
      });
      jobs.push(...page);
      if (page.length < pageSize) return jobs;
    }
  }

  async #of(space: string, stream: string): Promise<Found[]> {
    const key = keyOf({ space, stream });
    const kinds = ["watch", "file"] as const;
    const found = await Promise.all(
      kinds.map(async (kind) =>
        (await this.#boss.findJobs<StreamJob>(this.#name(kind), { key })).map((job) => ({ kind, job })),
      ),
    );
    return found.flat();
  }

  async #found(space: string, stream: string): Promise<Found[]> {
    const found = await this.#of(space, stream);
    if (found.length === 0)
      throw new ConfigError("watch-unknown", `Expected a stream that is watched in ${space}, got ${stream}`);
    return found;
  }

  async #remove({ kind, job }: Found): Promise<void> {
    // A running job is cancelled first: its worker then learns that it has it no more.
    if (isOpen(job)) await this.#boss.cancel(this.#name(kind), job.id);
    await this.#boss.deleteJob(this.#name(kind), job.id);
  }
}

/** Ids of the jobs that a heartbeat reached. pg-boss's types leave the field out; its own workers go by it. */
function touched(response: object): readonly string[] {
  const { settled } = response as { readonly settled?: readonly string[] };
  if (settled === undefined)
    throw new ConfigError(
      "package-missing",
      `This release of pg-boss does not say which jobs a heartbeat reached: ${installLine("pg-boss")}`,
    );
  return settled;
}

const pageSize = 1000;

interface Found {
  readonly kind: "watch" | "file";
  readonly job: JobWithMetadata<StreamJob>;
}

/** In which queue a stream waits: whether it ends by itself. */
const kindOf = ({ source, follow = false }: StreamJob) => (follow || isLive(source) ? "watch" : "file");

const keyOf = ({ space, stream }: Pick<StreamJob, "space" | "stream">) => `${space}/${stream}`;
const isWaiting = ({ state }: JobWithMetadata<unknown>) => state === "created" || state === "retry";
/** Whether a job is still to be done, now or after a pause. */
const isTakenOrWaiting = (job: JobWithMetadata<unknown>) => isWaiting(job) || job.state === "active";
const isOpen = (job: JobWithMetadata<unknown>) => isTakenOrWaiting(job) || job.state === "cancelled";

function standing(job: JobWithMetadata<StreamJob>): WatchedStream["state"] {
  if (isWaiting(job)) return "waiting";
  if (job.state === "active") return "watching";
  if (job.state === "cancelled") return "paused";
  return job.state === "failed" || problemOf(job) !== null ? "failed" : "ended";
}

function problemOf(job: JobWithMetadata<StreamJob>): WatchedStream["problem"] {
  if (job.state === "failed")
    return { code: "worker-lost", message: "Its workers were lost, again and again" };
  if (job.state !== "completed") return null;
  return (job.output as JobOutcome | null)?.problem ?? null;
}

function sinceOf(job: JobWithMetadata<unknown>): Date {
  if (isWaiting(job)) return job.startAfter;
  return job.completedOn ?? job.startedOn;
}

function standingOf(kind: QueueKind, queue: QueueResult | undefined): QueueStanding {
  const { readyCount = 0, activeCount = 0, readyOldestSeconds = null } = queue ?? {};
  return { kind, waiting: readyCount, active: activeCount, oldestSeconds: readyOldestSeconds };
}

const problem = (code: string, message: string): JobOutcome => ({ problem: { code, message } });

const withoutBlanks = (job: StreamJob): StreamJob =>
  Object.fromEntries(Object.entries(job).filter(([, value]) => value !== undefined)) as unknown as StreamJob;

const isEqual = (a: object, b: object) =>
  JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort());

/** @throws StoreError `queue-unreachable` */
async function reached(url: string, action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (cause) {
    const { host = "the queue" } = URL.parse(url) ?? {};
    throw new StoreError(
      "queue-unreachable",
      `The queue's Postgres at ${host} cannot be used: ${maskedMessage((cause as Error).message)}`,
      { cause },
    );
  }
}
