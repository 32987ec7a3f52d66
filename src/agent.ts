/**
 * The acting loop on one page: clip → observation → action → entries, and question → answer. How a decision is made and
 * committed is in `stream-writer.ts`.
 *
 * `watch` is resumable at any moment. A clip is journaled when it is perceived and again when it is decided, each in
 * one durable step; after a crash the pending clips are decided first and the source opens at the first clip that was
 * never perceived. A model that writes nonsense, or is down, costs the clip a visible `failed` row, never the run's
 * earlier work; failed clips are tried again by the next run.
 */
import { type Answer, type AskOptions, answerQuestion } from "./answer/answer.ts";
import type { Reader } from "./answer/reader.ts";
import type { Cost } from "./engine.ts";
import { EngineError } from "./errors.ts";
import type { Memory } from "./memory/memory.ts";
import type { Observation } from "./perception/observation.ts";
import { type Perceptors, perceive } from "./perception/perceive.ts";
import { type ContextLimits, contextDefaults } from "./policy/context.ts";
import type { Policy } from "./policy/policy.ts";
import type { Clip, Gap, OpenOptions, Source } from "./stream/clip.ts";
import { type ClipEvent, StreamWriter } from "./stream-writer.ts";
import type { QuestionInput } from "./tasks/task.ts";
import { mapAhead } from "./util/async.ts";
import type { Clock } from "./util/time.ts";

export interface AgentOptions {
  readonly memory: Memory;
  readonly policy: Policy;
  /** Asked before each decision: where an adapter came into force meanwhile, the policy that writes with it. */
  readonly currentPolicy?: (policy: Policy) => Promise<Policy>;
  readonly reader: Reader;
  readonly perceptors: Perceptors;
  /** How much the policy is shown. @default contextDefaults */
  readonly limits?: ContextLimits;
  /** Wall clock in milliseconds. @default Date.now */
  readonly now?: () => number;
}

export interface WatchOptions {
  /** Stream id; the source's own by default. */
  readonly stream?: string;
  readonly signal?: AbortSignal;
}

export type WatchEvent =
  | {
      readonly event: "stream-start";
      readonly stream: string;
      readonly description: string;
      readonly clock: Clock;
      readonly fromSeconds: number;
      readonly endSeconds: number | null;
      /** Whether the source lasts as long as somebody watches. */
      readonly live: boolean;
      /** What of it, or of this machine's senses, is left out, one sentence each. */
      readonly problems: readonly string[];
      readonly storedClips: number;
      readonly pendingClips: number;
    }
  | ClipEvent
  | ({ readonly event: "gap" } & Omit<Gap, "kind">)
  | StreamEnd;

export interface StreamEnd {
  readonly event: "stream-end";
  readonly stream: string;
  /** Clips and entries stored by this run, clips it journaled as failed, gaps it met. */
  readonly clips: number;
  readonly entries: number;
  readonly failed: number;
  readonly gaps: number;
  /** Seconds of stream per second of work. */
  readonly realTimeFactor: number;
  readonly cost: Cost;
  /** `ended` when the source is done; otherwise the run can be resumed. */
  readonly reason: "ended" | "interrupted" | "budget-spent" | "engine-down";
  readonly message: string | null;
}

export interface Agent {
  /** Watches a source to its end, an abort, a spent budget or a lasting outage; the last event is `stream-end`. */
  watch(source: Source, options?: WatchOptions): AsyncGenerator<WatchEvent, void>;
  /** Answers from memory alone and records the question as a task. */
  ask(question: QuestionInput, options?: AskOptions): Promise<Answer>;
}

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
  { stream = source.id, signal }: WatchOptions = {},
): AsyncGenerator<WatchEvent, void> {
  const { memory, policy, currentPolicy, limits = contextDefaults, now = Date.now } = agent;
  const { clipSeconds, description, fingerprint, endSeconds, live } = source;
  const stoppable = signal ? { signal } : {};
  const startedAtMs = now();
  // A live stream keeps the clock of the run that first watched it.
  const added = { id: stream, description, clipSeconds, clock: source.clock, fingerprint };
  const { clock } = await memory.addStream(added);
  const lease = await memory.lease(stream);
  let writer: StreamWriter;
  let gaps = 0;
  let stop: Stop;
  try {
    const { pending, recent, nextClip, storedClips } = await memory.progress(stream, limits.windowClips);
    const state = await memory.policyState(policy.id, stream);
    const setting = { memory, stream, policy, currentPolicy, limits, live, now, signal };
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
      problems: [...source.problems, ...(agent.perceptors.problems ?? [])],
      storedClips,
      pendingClips: pending.length,
    };
    try {
      for (const observation of pending) yield* writer.take(observation);
      for await (const item of perceived(agent, source, { stream, fromSeconds, clock, ...stoppable })) {
        if ("kind" in item) {
          yield* writer.flush();
          await memory.addGap(item);
          gaps += 1;
          const { kind: _, ...gap } = item;
          yield { event: "gap", ...gap };
        } else {
          await memory.addObservation(item);
          yield* writer.take(item);
        }
      }
      signal?.throwIfAborted();
      yield* writer.flush();
      await memory.endStream(stream);
      stop = { reason: "ended", message: null };
    } catch (error) {
      stop = stopOf(error, signal);
    }
  } finally {
    await lease.release();
  }
  const { clips, entries, failed, seconds, cost } = writer.written;
  const realTimeFactor = seconds / Math.max(1e-3, (now() - startedAtMs) / 1000);
  yield { event: "stream-end", stream, clips, entries, failed, gaps, realTimeFactor, cost, ...stop };
}

/** Gaps and observations of a source from a moment on, in order: the next clip is perceived while one is decided about. */
function perceived(
  { perceptors }: AgentOptions,
  source: Source,
  { stream, ...options }: OpenOptions & { readonly stream: string },
): AsyncGenerator<Gap | Observation> {
  const { signal } = options;
  return mapAhead<Clip | Gap, Gap | Observation>(source.open(options), 1, async (item) =>
    item.kind === "gap"
      ? { ...item, stream }
      : perceive({ ...item, stream }, perceptors, signal ? { signal } : {}),
  );
}

type Stop = Pick<StreamEnd, "reason" | "message">;

/** Why a run that can go on stopped. @throws the error where it cannot */
function stopOf(error: unknown, signal: AbortSignal | undefined): Stop {
  if (signal?.aborted) return { reason: "interrupted", message: null };
  if (!(error instanceof EngineError)) throw error;
  const { code, message, isRetryable } = error;
  if (code === "budget-spent") return { reason: "budget-spent", message };
  if (isRetryable) return { reason: "engine-down", message };
  throw error;
}
