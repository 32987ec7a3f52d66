/**
 * The acting loop on one page: clip → observation → action → entries, and question → answer.
 *
 * `watch` is resumable at any moment. A clip is journaled when it is perceived and again when it is decided, each in
 * one durable step; after a crash the pending clips are decided first and the source opens at the first clip that was
 * never perceived. A model that writes nonsense, or is down, costs the clip a visible `failed` row, never the run's
 * earlier work; failed clips are tried again by the next run.
 */
import { type Answer, type AskOptions, answerQuestion } from "./answer/answer.ts";
import type { Reader } from "./answer/reader.ts";
import { addCost, type Cost, noCost } from "./engine.ts";
import { EngineError } from "./errors.ts";
import type { Entry, Memory } from "./memory/memory.ts";
import type { Observation } from "./perception/observation.ts";
import { type Perceptors, perceive } from "./perception/perceive.ts";
import type { Action, Context, Policy } from "./policy/policy.ts";
import { stateAfter } from "./policy/state.ts";
import { type Clip, defaultWindowClips, type Gap, type Source } from "./stream/clip.ts";
import type { Question } from "./tasks/task.ts";
import { mapAhead } from "./util/async.ts";
import type { Clock } from "./util/time.ts";

export interface AgentOptions {
  readonly memory: Memory;
  readonly policy: Policy;
  /** Asked before each decision: where an adapter came into force meanwhile, the policy that writes with it. */
  readonly currentPolicy?: (policy: Policy) => Promise<Policy>;
  readonly reader: Reader;
  readonly perceptors: Perceptors;
  /** Clips the policy sees at once, the new one included. @default 5 */
  readonly windowClips?: number;
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
      readonly storedClips: number;
      readonly pendingClips: number;
    }
  | {
      readonly event: "clip-end";
      readonly stream: string;
      readonly clip: number;
      readonly startSeconds: number;
      readonly endSeconds: number;
      readonly entries: readonly Entry[];
      readonly problems: readonly string[];
      readonly policy: string;
      readonly revision: string;
      readonly ms: number;
    }
  | {
      readonly event: "clip-failed";
      readonly stream: string;
      readonly clip: number;
      readonly startSeconds: number;
      readonly endSeconds: number;
      readonly code: string;
      readonly message: string;
      readonly retryable: boolean;
    }
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

/** After so many clips in a row without an engine, a recorded source is left for a later run. */
const outagesBeforeStop = 3;

export interface Agent {
  /** Watches a source to its end, an abort, a spent budget or a lasting outage; the last event is `stream-end`. */
  watch(source: Source, options?: WatchOptions): AsyncGenerator<WatchEvent, void>;
  /** Answers from memory alone and records the question as a task. */
  ask(question: Question, options?: AskOptions): Promise<Answer>;
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
  options: WatchOptions = {},
): AsyncGenerator<WatchEvent, void> {
  const { memory, currentPolicy, perceptors, windowClips = defaultWindowClips, now = Date.now } = agent;
  const { signal } = options;
  const stream = options.stream ?? source.id;
  const { clipSeconds, description, fingerprint, endSeconds } = source;
  const startedAtMs = now();
  let { policy } = agent;
  const total = { clips: 0, entries: 0, failed: 0, gaps: 0, seconds: 0, cost: noCost };
  let reason: StreamEnd["reason"] = "ended";
  let message: string | null = null;

  // A live stream keeps the clock of the run that first watched it.
  const { clock } = await memory.addStream({
    id: stream,
    description,
    clipSeconds,
    clock: source.clock,
    fingerprint,
  });
  const lease = await memory.lease(stream);
  try {
    const progress = await memory.progress(stream, windowClips);
    let state = await memory.policyState(policy.id, stream);
    let recent = progress.recent;
    let outages = 0;

    const fromSeconds = progress.nextClip * clipSeconds;
    yield {
      event: "stream-start",
      stream,
      description,
      clock,
      fromSeconds,
      endSeconds,
      storedClips: progress.storedClips,
      pendingClips: progress.pending.length,
    };

    /** Decides about one group of observed clips and commits, or journals why not. */
    async function* decide(group: readonly Observation[]): AsyncGenerator<WatchEvent> {
      if (group.length === 0) return;
      const began = now();
      if (currentPolicy) policy = await currentPolicy(policy);
      const earlier = recent.slice(-Math.max(1, windowClips - group.length));
      const recentEntries =
        earlier.length === 0
          ? []
          : await memory.entries({ streams: [stream], clips: earlier.map((o) => o.clip) });
      const context: Context = {
        observations: group,
        recent: { observations: earlier, entries: shortTerm(recentEntries) },
        state,
      };
      const clips = group.map((observation) => observation.clip);
      let action: Action | undefined;
      try {
        const decided = await policy.decide(context, signal ? { signal } : {});
        total.cost = addCost(total.cost, decided.cost);
        action = decided.actions.find(({ issues }) => issues.length === 0);
        outages = 0;
        if (!action) {
          const issues = decided.actions[0]?.issues ?? [];
          const why = issues.map((issue) => issue.message).join("; ") || "the policy returned no action";
          yield* fail(group, { code: "no-usable-text", message: why, retryable: true });
          return;
        }
      } catch (error) {
        if (!(error instanceof EngineError) || !concernsClip(error)) throw error;
        yield* fail(group, { code: error.code, message: error.message, retryable: error.isRetryable });
        if (error.isRetryable && ++outages >= outagesBeforeStop && !source.live) throw error;
        return;
      }
      const stateChange = policy.advance(context, action);
      const receipt = await memory.commit({
        stream,
        clips,
        policy: policy.id,
        revision: action.revision,
        statements: action.statements,
        stateChange,
      });
      state = stateAfter(state, stateChange);
      recent = [...recent, ...group].slice(-windowClips);
      const ms = now() - began;
      for (const { clip, startSeconds, endSeconds, problems } of group) {
        const entries = receipt.stored.filter((entry) => entry.clip === clip);
        total.clips += 1;
        total.entries += entries.length;
        total.seconds += endSeconds - startSeconds;
        yield {
          event: "clip-end",
          stream,
          clip,
          startSeconds,
          endSeconds,
          entries,
          problems,
          policy: policy.id,
          revision: action.revision,
          ms,
        };
      }
    }

    async function* fail(
      group: readonly Observation[],
      failure: { code: string; message: string; retryable: boolean },
    ): AsyncGenerator<WatchEvent> {
      recent = [...recent, ...group].slice(-windowClips);
      for (const { clip, startSeconds, endSeconds } of group) {
        await memory.failClip(stream, clip, failure);
        total.failed += 1;
        total.seconds += endSeconds - startSeconds;
        yield { event: "clip-failed", stream, clip, startSeconds, endSeconds, ...failure };
      }
    }

    try {
      const groupOf = (observation: Observation) => Math.floor(observation.clip / policy.clipsPerDecision);
      const group: Observation[] = [];
      async function* take(observation: Observation): AsyncGenerator<WatchEvent> {
        if (group.length > 0 && groupOf(group[0]!) !== groupOf(observation)) yield* decide(group.splice(0));
        group.push(observation);
        if ((observation.clip + 1) % policy.clipsPerDecision === 0) yield* decide(group.splice(0));
      }
      for (const observation of progress.pending) yield* take(observation);

      const items = source.open({ fromSeconds, clock, ...(signal && { signal }) });
      const perceived = mapAhead<Clip | Gap, Gap | Observation>(items, 1, (item) =>
        item.kind === "gap"
          ? Promise.resolve(item)
          : perceive({ ...item, stream }, perceptors, signal ? { signal } : {}),
      );
      for await (const item of perceived) {
        if ("kind" in item) {
          const { kind: _, ...gap } = { ...item, stream };
          yield* decide(group.splice(0));
          await memory.addGap(item.stream === stream ? item : { ...item, stream });
          total.gaps += 1;
          yield { event: "gap", ...gap };
        } else {
          await memory.addObservation(item);
          yield* take(item);
        }
      }
      signal?.throwIfAborted();
      yield* decide(group.splice(0));
      await memory.endStream(stream);
    } catch (error) {
      if (signal?.aborted) reason = "interrupted";
      else if (error instanceof EngineError && error.code === "budget-spent") reason = "budget-spent";
      else if (error instanceof EngineError && error.isRetryable) reason = "engine-down";
      else throw error;
      message = signal?.aborted ? null : (error as Error).message;
    }
  } finally {
    await lease.release();
  }
  const wallSeconds = Math.max(1e-3, (now() - startedAtMs) / 1000);
  const { clips, entries, failed, gaps, cost } = total;
  yield {
    event: "stream-end",
    stream,
    clips,
    entries,
    failed,
    gaps,
    realTimeFactor: total.seconds / wallSeconds,
    cost,
    reason,
    message,
  };
}

/** The last episodic entries, as many as the paper shows its policy, and all knowledge noted with the window's clips. */
function shortTerm(entries: readonly Entry[]): Entry[] {
  const firstShown = entries.filter(({ kind }) => kind === "episodic").at(-4);
  const hidden = new Set(firstShown ? entries.slice(0, entries.indexOf(firstShown)) : []);
  return entries.filter((entry) => entry.kind === "semantic" || !hidden.has(entry));
}

/** Whether an engine's failure says something about this clip or this moment, rather than about the whole set-up. */
function concernsClip(error: EngineError): boolean {
  return error.isRetryable || error.code === "bad-response" || error.code === "bad-request";
}
