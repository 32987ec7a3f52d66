/**
 * The acting loop on one page: clip → observation → action → entries, and question → answer. How a decision is made and
 * committed is in `stream-writer.ts`.
 *
 * `watch` can be interrupted and resumed at any moment. A clip is journaled when it is perceived and again when it is
 * decided, each time in one durable step. After a crash the pending clips are decided first, and the source opens at
 * the first clip that was never perceived. If the model is down or writes nonsense, the clip gets a visible `failed`
 * row, nothing written earlier is lost, and the next run tries the clip again.
 */
import { setTimeout } from "node:timers/promises";
import { type Answer, type AskOptions, answerQuestion } from "./answer/answer.ts";
import type { Reader } from "./answer/reader.ts";
import type { Cost } from "./engine.ts";
import { EngineError, isTaskMemError } from "./errors.ts";
import type { LeaseHolder, Memory, RetriedClips } from "./memory/memory.ts";
import type { Observation } from "./perception/observation.ts";
import { pacedSenses } from "./perception/pace.ts";
import type { Perceptors } from "./perception/perceive.ts";
import { withSoundAhead } from "./perception/speech-ahead.ts";
import { type ContextLimits, contextDefaults } from "./policy/context.ts";
import type { Policy } from "./policy/policy.ts";
import type { Clip, Gap, LeftOut, OpenOptions, Source, SourceFile, SourceStatus } from "./stream/clip.ts";
import { holesIn } from "./stream/spans.ts";
import { type ClipEvent, StreamWriter } from "./stream-writer.ts";
import type { QuestionInput } from "./tasks/task.ts";
import { mapAhead, Notices, turn } from "./util/async.ts";
import { steadyMs } from "./util/steady-clock.ts";
import { told } from "./util/telemetry.ts";
import type { Clock } from "./util/time.ts";

/** The parts of an agent. */
export interface AgentOptions {
  readonly memory: Memory;
  readonly policy: Policy;
  /** Called before each decision; returns the policy with the adapter that is active now. */
  readonly currentPolicy?: (policy: Policy) => Promise<Policy>;
  readonly reader: Reader;
  readonly perceptors: Perceptors;
  /** How much the policy is shown. @default contextDefaults */
  readonly limits?: ContextLimits;
  /** Wall clock in milliseconds. @default Date.now */
  readonly now?: () => number;
  /** By which it is told how long senses take, in milliseconds. @default steadyMs */
  readonly clockMs?: () => number;
}

/** Options of `Agent.watch`. */
export interface WatchOptions {
  /** Stream id; the source's own by default. */
  readonly stream?: string;
  /** Whether to take the stream from a process that seems to watch it still. @default false */
  readonly takeOver?: boolean | undefined;
  /** Whether clips that failed for good are tried again, as far as their observation is kept. @default false */
  readonly retryFailed?: boolean | undefined;
  /**
   * Called when this run holds the stream, before it writes: with `takeOver`, whoever gave the stream to this run can still
   * say here that it is another's. What it throws ends the run.
   */
  readonly confirm?: (() => Promise<void>) | undefined;
  /** Ends the run, as `signal` does, but after the clip that is being decided. */
  readonly drain?: AbortSignal | undefined;
  readonly signal?: AbortSignal;
}

/** An event of a watched stream: its start, what happened to each clip, gaps, and its end. */
export type WatchEvent =
  | {
      readonly event: "stream-start";
      readonly stream: string;
      readonly description: string;
      readonly clock: Clock;
      readonly fromSeconds: number;
      readonly endSeconds: number | null;
      /** Whether the source is live: it has no end of its own. */
      readonly live: boolean;
      /** Parts of the source that are skipped and senses this machine lacks, one sentence each. */
      readonly problems: readonly string[];
      readonly storedClips: number;
      readonly pendingClips: number;
      /** Who watched the stream until this run took it over; `null` without `takeOver`. */
      readonly tookOver: LeaseHolder | null;
      /** Clips that had failed for good; `null` without `retryFailed`. */
      readonly retried: RetriedClips | null;
    }
  | ClipEvent
  | ({ readonly event: "gap" } & Omit<Gap, "kind">)
  | SourceStatusEvent
  | PaceEvent
  | StreamEnd;

/** The senses look at one of `every` pictures from now on, as they are late; at each where it is 1. */
export interface PaceEvent {
  readonly event: "pace";
  readonly stream: string;
  readonly atSeconds: number;
  readonly every: number;
}

/** A live source is not connected, or is again: `reason` says why and what to do. */
export type SourceStatusEvent = { readonly event: "source-status" } & SourceStatus;

/** The last event of a watched stream: totals of this run and why it stopped. */
export interface StreamEnd {
  readonly event: "stream-end";
  readonly stream: string;
  /** Clips stored by this run. */
  readonly clips: number;
  /** Entries stored by this run. */
  readonly entries: number;
  /** Clips this run journaled as failed. */
  readonly failed: number;
  /** Gaps this run met. */
  readonly gaps: number;
  /** Seconds of stream per second of work. */
  readonly realTimeFactor: number;
  readonly cost: Cost;
  /** `ended` when the source is done; otherwise the run can be resumed. */
  readonly reason: "ended" | "interrupted" | "budget-spent" | "engine-down";
  readonly message: string | null;
  /** What the source holds that was not remembered. */
  readonly leftOut: readonly LeftOut[];
}

/** Watches streams into memory and answers questions from it. */
export interface Agent {
  /** Watches a source to its end, an abort, a spent budget or a lasting outage; the last event is `stream-end`. */
  watch(source: Source, options?: WatchOptions): AsyncGenerator<WatchEvent, void>;
  /** Answers from memory alone and records the question as a task. */
  ask(question: QuestionInput, options?: AskOptions): Promise<Answer>;
}

/** An agent made of the given memory, policy, reader and perceptors. */
export function createAgent(options: AgentOptions): Agent {
  const { memory, reader, now = Date.now } = options;
  return {
    watch: (source, watchOptions) => watch(options, source, watchOptions),
    ask: (question, askOptions) => answerQuestion(question, { memory, reader, now, ...askOptions }),
  };
}

async function* watch(
  agent: AgentOptions,
  source: Source,
  { stream = source.id, signal, drain, takeOver, retryFailed, confirm }: WatchOptions = {},
): AsyncGenerator<WatchEvent, void> {
  const { memory, policy, currentPolicy, limits = contextDefaults, now = Date.now } = agent;
  const { clipSeconds, description, endSeconds, live } = source;
  const stop = AbortSignal.any([signal ?? [], drain ?? []].flat());
  const startedMs = performance.now();
  const { files, fingerprint } = await knownFiles(memory, source, stream);
  // A stream keeps the clock of the run that first watched it.
  const added = { id: stream, description, clipSeconds, clock: source.clock, fingerprint };
  const { clock } = await memory.addStream(added);
  const lease = await memory.lease(stream, { takeOver });
  let writer: StreamWriter;
  let gaps = 0;
  let end: Stop;
  let leftOut: readonly LeftOut[] = [];
  let outage: LeftOut | null = null;
  let every = 1;
  async function* met(gap: Gap): AsyncGenerator<WatchEvent, void> {
    await memory.addGap(gap);
    gaps += 1;
    const { kind: _, ...span } = gap;
    yield { event: "gap", ...span };
  }
  try {
    await confirm?.();
    const retried = retryFailed ? await memory.retryClips(stream) : null;
    const triedBefore = new Set((await memory.clipFailures(stream)).map(({ clip }) => clip));
    const { pending, recent, nextClip, storedClips } = await memory.progress(stream, limits.windowClips);
    const state = await memory.policyState(policy.id, stream);
    const setting = { memory, stream, policy, currentPolicy, limits, live, triedBefore, now, signal };
    writer = new StreamWriter(setting, state, recent);
    const fromSeconds = nextClip * clipSeconds;
    yield {
      event: "stream-start",
      stream,
      description,
      clock,
      fromSeconds,
      endSeconds,
      live,
      problems: source.leftOut.map(({ reason }) => reason),
      storedClips,
      pendingClips: pending.length,
      tookOver: lease.tookOver,
      retried,
    };
    const unkept = unkeptGaps(stream, files, await memory.gaps({ streams: [stream] }));
    for (const gap of unkept) yield* met(gap);
    try {
      for (const observation of pending) {
        // A live source does not wait for an engine that is down.
        if (live && writer.isFailing) break;
        yield* writer.take(await memory.loadFrames(observation));
        await turn(stop);
      }
      const from = { stream, fromSeconds, clock, files, signal: stop };
      for await (const item of perceived(agent, source, from)) {
        if ("state" in item) {
          outage = item.state === "up" ? null : outageOf(item);
          yield { event: "source-status", ...item };
        } else if ("kind" in item) {
          yield* writer.flush();
          yield* met(item);
        } else {
          yield* writer.take(await memory.addObservation(item.observation, item.files));
          const { every: now = 1, endSeconds: atSeconds } = item.observation;
          if (now !== every) {
            every = now;
            // A live stream may have no end at which this would be said.
            const unseen = await writer.unsensed(agent.perceptors);
            await memory.keepLeftOut(stream, [...source.leftOut, ...unseen]);
            yield { event: "pace", stream, atSeconds, every };
          }
        }
        await turn(stop);
      }
      stop.throwIfAborted();
      yield* writer.flush();
      if (source.files) await memory.keepFiles(stream, source.files);
      await memory.endStream(stream);
      end = { reason: "ended", message: null };
    } catch (error) {
      if (isTaskMemError(error, "source-down"))
        outage = { kind: "source", name: description, reason: error.message };
      end = stopOf(error, stop);
    } finally {
      leftOut = [
        ...source.leftOut,
        ...(outage ? [outage] : []),
        ...(await writer.unsensed(agent.perceptors)),
      ];
      await memory.keepLeftOut(stream, leftOut);
    }
  } finally {
    await lease.release();
  }
  const { clips, entries, failed, seconds, cost } = writer.written;
  const realTimeFactor = seconds / Math.max(1e-3, (performance.now() - startedMs) / 1000);
  yield { event: "stream-end", stream, clips, entries, failed, gaps, realTimeFactor, cost, ...end, leftOut };
}

/** A source that is not connected, as something left out of memory. */
const outageOf = ({ source, reason }: SourceStatus): LeftOut => ({
  kind: "source",
  name: source,
  reason: `${source} was not connected when watching stopped: ${reason}.`,
});

/** The files that a stream is known to be made of, and the fingerprint it has. @throws StoreError `stream-changed` */
async function knownFiles(
  memory: Memory,
  source: Source,
  stream: string,
): Promise<{ readonly files: readonly SourceFile[]; readonly fingerprint: string | null }> {
  const { holds, fingerprint } = source;
  const known = (await memory.streams()).find(({ id }) => id === stream);
  if (known?.fingerprint === null && source.mayFollowLive) return { files: [], fingerprint: null };
  if (!holds || !known) return { files: [], fingerprint };
  const files = await memory.sourceFiles(stream);
  // Files tell a folder; a single file that is another one is another stream.
  const isSame = files.length === 0 ? fingerprint === null : fingerprint === null || holds(files);
  return { files, fingerprint: isSame ? known.fingerprint : fingerprint };
}

/**
 * The gaps after files that were watched whole, up to the next one, which are in no gap that is kept: a run that is killed
 * between the last clip of a file and the gap behind it leaves one, and the file is not read again.
 */
function unkeptGaps(stream: string, files: readonly SourceFile[], kept: readonly Gap[]): Gap[] {
  // A text beside a film has a mark of no length.
  const spans = files
    .filter(({ watchedSeconds }) => watchedSeconds > 0)
    .map(({ startSeconds, watchedSeconds, whole }) => ({
      ...{ startSeconds, endSeconds: startSeconds + watchedSeconds, whole },
    }))
    .sort((a, b) => a.startSeconds - b.startSeconds);
  const covered = [...spans, ...kept];
  return spans
    .filter(({ whole }) => whole)
    .flatMap(({ endSeconds }) => {
      const next = spans.find(({ startSeconds }) => startSeconds > endSeconds);
      return next ? holesIn({ startSeconds: endSeconds, endSeconds: next.startSeconds }, covered) : [];
    })
    .map((hole) => ({
      ...{ kind: "gap", stream, ...hole, reason: "between-files", detail: "nothing was recorded" },
    }));
}

/** What was made of a clip, and the marks of files that hold once it is kept. */
interface Observed {
  readonly observation: Observation;
  readonly files: readonly SourceFile[] | undefined;
}

/**
 * Gaps and observations of a source from a moment on, in order, and between them what becomes of its connection. While
 * one clip is decided, the next is perceived.
 */
async function* perceived(
  { memory, perceptors, clockMs = steadyMs }: AgentOptions,
  source: Source,
  { stream, ...options }: OpenOptions & { readonly stream: string },
): AsyncGenerator<Gap | Observed | SourceStatus> {
  const left = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, left.signal]) : left.signal;
  const statuses = new Notices<SourceStatus>();
  const onStatus = (status: SourceStatus) => statuses.add({ ...status, stream });
  const opened = source.open({ ...options, signal, onStatus });
  const leftOut = whilePaused(memory, source, stream);
  const heard = withSoundAhead(opened, source.live);
  const senses = pacedSenses(perceptors, source.live ? clockMs : null);
  const items = mapAhead(heard, 1, async ({ item, ahead }): Promise<Gap | Observed> => {
    if (item.kind === "gap") return { ...item, stream };
    const gap = await leftOut(item, signal);
    if (gap) return gap;
    const observation = await told("perceive", { stream, clip: item.index }, () =>
      senses.perceive({ ...item, stream }, { signal, ahead }),
    );
    return { observation, files: item.files };
  });
  try {
    for (;;) {
      const next = yield* statuses.until(items.next());
      if (next.done) return;
      yield next.value;
    }
  } finally {
    // Whoever leaves while the source is down need not wait for it.
    left.abort();
    await items.return(undefined).catch(() => {});
  }
}

/** How often a paused recording looks whether it may go on, in milliseconds. */
const pauseLookMs = 500;

/**
 * Of a live source, what came while its stream was paused, at the beginning of a clip or at its end, is a gap and is not
 * perceived. A recording waits, and misses nothing.
 */
function whilePaused(
  memory: Pick<Memory, "pauses">,
  { live }: Source,
  stream: string,
): (clip: Clip, signal: AbortSignal) => Promise<Gap | null> {
  const isPaused = async () => (await memory.pauses()).some((pause) => pause.stream === stream);
  let sinceSeconds: number | null = null;
  return async ({ startSeconds, endSeconds }, signal) => {
    if (!live) {
      while (await isPaused()) await setTimeout(pauseLookMs, undefined, { signal });
      return null;
    }
    const paused = await isPaused();
    if (!paused && sinceSeconds === null) return null;
    // A gap with the same beginning grows, so a long pause is one gap.
    sinceSeconds ??= startSeconds;
    const gap = { stream, startSeconds: sinceSeconds, endSeconds, detail: "watching was paused" };
    if (!paused) sinceSeconds = null;
    return { kind: "gap", reason: "paused", ...gap };
  };
}

type Stop = Pick<StreamEnd, "reason" | "message">;

/** Why a run stopped that can be resumed. @throws the error if it cannot be resumed */
function stopOf(error: unknown, signal: AbortSignal): Stop {
  if (signal.aborted) return { reason: "interrupted", message: null };
  if (!(error instanceof EngineError)) throw error;
  const { code, message, isRetryable } = error;
  if (code === "budget-spent") return { reason: "budget-spent", message };
  if (isRetryable) return { reason: "engine-down", message };
  throw error;
}
