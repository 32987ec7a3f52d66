/**
 * A stream that an agent pushes: its own texts, pictures and sound, as they arrive.
 *
 * `push` resolves when the items are journaled, with a receipt for each. Items wait in open clips. A clip is closed and
 * decided `decideAfterMs` after its first text, or, with pictures or sound alone, when it is `clipSeconds` long.
 * Nothing is dropped: an item from a time that is already decided goes into the open clip with its true time, and its
 * receipt says `late`. After a crash the next session of the stream decides what was journaled.
 *
 * Clips of a pushed stream begin and end where its items do. A clip's number is the second it begins in, or the next
 * free number.
 */
import { isTaskMemError, StoreError } from "../errors.ts";
import type { Memory, Progress, StreamLease } from "../memory/memory.ts";
import type { Observation } from "../perception/observation.ts";
import { type PacedSenses, pacedSenses } from "../perception/pace.ts";
import type { Perceptors } from "../perception/perceive.ts";
import type { ContextLimits } from "../policy/context.ts";
import type { Policy } from "../policy/policy.ts";
import { type ClipEvent, StreamWriter } from "../stream-writer.ts";
import { Broadcast, SerialQueue } from "../util/async.ts";
import { steadyMs } from "../util/steady-clock.ts";
import { told } from "../util/telemetry.ts";
import type { Clock } from "../util/time.ts";
import { type PushItem, type TimedItem, timedItem } from "./items.ts";
import { clipOf, nothingSeen, withContent } from "./pushed-observation.ts";

/** What happened to a pushed item, which is on disk now. */
export interface PushReceipt {
  /** Number of the clip it belongs to. */
  readonly clip: number;
  /** Whether its own time was already decided: it is then in a later clip, with its true time. */
  readonly late: boolean;
  /** Whether an item with its id is in one of the last 360 clips: this one was then not kept again. */
  readonly duplicate: boolean;
}

/** How a live session is opened. */
export interface LiveOptions {
  /** Stream id. */
  readonly stream: string;
  /** Clock of a new stream; an existing stream keeps its own. @default a wall clock that starts now */
  readonly clock?: Clock;
  /** Longest time from a text's push to the decision about it, in milliseconds. @default 2000 */
  readonly decideAfterMs?: number;
  /** Length of a clip of pictures or sound alone, in seconds. @default 10 */
  readonly clipSeconds?: number;
  /** Whether to take the stream from a process that seems to write it still. @default false */
  readonly takeOver?: boolean;
  /** Ends the session at once. The next session decides what was journaled. */
  readonly signal?: AbortSignal | undefined;
}

/** An open session of one pushed stream. */
export interface LiveSession extends AsyncDisposable {
  readonly stream: string;
  readonly clock: Clock;
  /**
   * Journals items; waits while too many clips are undecided. Items with ids can be pushed again safely after any
   * failure.
   * @throws DataError `item-invalid` for an item that cannot be used; nothing is journaled then
   * @throws the error that ended the session, once one has
   */
  push(item: PushItem): Promise<PushReceipt>;
  push(items: readonly PushItem[]): Promise<PushReceipt[]>;
  /** Decides now about everything pushed. @returns what happened to each clip. @throws as `push` */
  flush(): Promise<ClipEvent[]>;
  /** Events of clips from now on; each caller gets all of them. Ends with the session. */
  events(): AsyncIterable<ClipEvent>;
  /** Decides about what is left and releases the stream. @throws as `push` */
  close(): Promise<void>;
}

/** What a session is made of. */
export interface LiveTools {
  readonly memory: Memory;
  readonly perceptors: Perceptors;
  readonly policy: Policy;
  readonly currentPolicy?: (policy: Policy) => Promise<Policy>;
  readonly limits: ContextLimits;
  /** Wall clock in milliseconds. */
  readonly now: () => number;
  /** By which it is told how long senses take, in milliseconds. @default steadyMs */
  readonly clockMs?: () => number;
}

/** Finest grid of clip numbers, in seconds: the clip length a pushed stream is registered with. */
export const liveGridSeconds = 1;
/** Most open clips: with more, `push` waits until the oldest are decided. */
const mostOpenClips = 12;
/** A longer time without a session is kept as a gap. */
const leastGapSeconds = 60;
/** Length of a clip that holds a single moment, in seconds. */
const leastClipSeconds = 1e-3;
/** The longest timer Node takes, in milliseconds. */
const longestTimerMs = 2 ** 31 - 1;

/** A clip that still takes items. */
interface OpenClip {
  /** What was pushed so far, as it is journaled. */
  readonly raw: Observation;
  /** Its place in stream time, counted in clip lengths. */
  readonly place: number;
  /** Wall time at which it is due to be decided. */
  readonly dueAtMs: number;
}

/**
 * Opens a session: takes the stream's lease and decides what an earlier session left.
 * @throws StoreError, ConfigError
 */
export async function openLive(tools: LiveTools, options: LiveOptions): Promise<LiveSession> {
  const { memory, now, limits, policy, currentPolicy } = tools;
  const { stream, clock: wanted = { kind: "wall", originMs: now() }, signal } = options;
  signal?.throwIfAborted();
  const added = { id: stream, description: `pushed to ${stream}`, clipSeconds: liveGridSeconds };
  const { clock } = await memory.addStream({ ...added, clock: wanted, fingerprint: null });
  const lease = await memory.lease(stream, { takeOver: options.takeOver });
  try {
    const progress = await memory.progress(stream, Math.max(2, limits.windowClips));
    const state = await memory.policyState(policy.id, stream);
    const setting = { memory, stream, policy, currentPolicy, limits, live: true, now, signal };
    const writer = new StreamWriter(setting, state, progress.recent);
    const session = new Session(tools, options, { clock, lease, writer, nextClip: progress.nextClip });
    await session.takeUp(progress);
    return session;
  } catch (error) {
    await lease.release();
    throw error;
  }
}

interface SessionParts {
  readonly clock: Clock;
  readonly lease: StreamLease;
  readonly writer: StreamWriter;
  readonly nextClip: number;
}

class Session implements LiveSession {
  readonly stream: string;
  readonly clock: Clock;
  readonly #tools: LiveTools;
  readonly #senses: PacedSenses;
  readonly #decideAfterMs: number;
  readonly #clipSeconds: number;
  readonly #signal: AbortSignal | undefined;
  readonly #lease: StreamLease;
  readonly #writer: StreamWriter;
  /** All writing runs in this queue, one after the other. */
  readonly #queue = new SerialQueue();
  readonly #events = new Broadcast<ClipEvent>();
  #open: readonly OpenClip[] = [];
  /** Clip of each id that was pushed. */
  readonly #clipOfId = new Map<string, number>();
  /** First unused clip number. */
  #nextClip: number;
  #closedTo = Number.NEGATIVE_INFINITY;
  /** Stream time of the first item that was refused because the stream is paused. */
  #refusedFrom: number | null = null;
  #timer: NodeJS.Timeout | undefined;
  #ended: { readonly error: unknown } | null = null;

  constructor(tools: LiveTools, options: LiveOptions, { clock, lease, writer, nextClip }: SessionParts) {
    const { stream, decideAfterMs = 2000, clipSeconds = 10, signal } = options;
    if (!(decideAfterMs >= 0))
      throw new RangeError(`Expected \`decideAfterMs\` from 0 up, got ${decideAfterMs}`);
    if (!(clipSeconds >= liveGridSeconds))
      throw new RangeError(`Expected \`clipSeconds\` from ${liveGridSeconds} up, got ${clipSeconds}`);
    this.stream = stream;
    this.clock = clock;
    this.#tools = tools;
    this.#senses = pacedSenses(tools.perceptors, tools.clockMs ?? steadyMs);
    this.#decideAfterMs = decideAfterMs;
    this.#clipSeconds = clipSeconds;
    this.#signal = signal;
    this.#lease = lease;
    this.#writer = writer;
    this.#nextClip = nextClip;
    signal?.addEventListener("abort", () => void this.#end(signal.reason), { once: true });
  }

  /** Decides what an earlier session left undecided. */
  async takeUp({ pending, recent }: Progress): Promise<void> {
    const { memory, now } = this.#tools;
    for (const { clip, pushed } of [...(await memory.observations(this.stream)), ...pending])
      for (const id of pushed?.ids ?? []) this.#clipOfId.set(id, clip);
    const before = [...recent, ...pending].map(({ endSeconds }) => endSeconds);
    this.#closedTo = Math.max(this.#closedTo, ...before);
    await this.#noteAbsence(now());
    for (const observation of pending) {
      if (this.#writer.isFailing) break;
      const loaded = await memory.loadFrames(observation);
      await this.#announce(this.#writer.take(await this.#perceived(loaded)));
    }
    await this.#announce(this.#writer.flush());
  }

  push(item: PushItem): Promise<PushReceipt>;
  push(items: readonly PushItem[]): Promise<PushReceipt[]>;
  async push(given: PushItem | readonly PushItem[]): Promise<PushReceipt | PushReceipt[]> {
    const items = Array.isArray(given) ? (given as readonly PushItem[]) : [given as PushItem];
    const nowMs = this.#tools.now();
    const timed = items.map((item, i) => timedItem(item, { nowMs, clock: this.clock, place: i }));
    const receipts = await this.#queue.run(() => this.#journal(timed, nowMs));
    return Array.isArray(given) ? receipts : receipts[0]!;
  }

  flush(): Promise<ClipEvent[]> {
    return this.#queue.run(() => {
      this.#throwIfEnded();
      return this.#decide(this.#open);
    });
  }

  events(): AsyncIterable<ClipEvent> {
    return this.#events.listen();
  }

  async close(): Promise<void> {
    if (this.#ended) return;
    try {
      await this.flush();
      const { memory, perceptors } = this.#tools;
      await memory.keepLeftOut(this.stream, await this.#writer.unsensed(perceptors));
    } catch (error) {
      // Who took the stream over decides what was journaled.
      if (!isTaskMemError(error, "lease-lost")) throw error;
    } finally {
      await this.#end(closedSession(this.stream));
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Puts items into open clips and writes these to disk; closes the oldest if too many are open. */
  async #journal(items: readonly TimedItem[], nowMs: number): Promise<PushReceipt[]> {
    this.#throwIfEnded();
    await this.#assertRunning(items);
    const receipts: PushReceipt[] = [];
    const ids = new Map(this.#clipOfId);
    let open = this.#open;
    const changed = new Set<number>();
    for (const item of items) {
      const known = item.id === null ? undefined : ids.get(item.id);
      if (known !== undefined) {
        receipts.push({ clip: known, late: false, duplicate: true });
        continue;
      }
      const late = item.atSeconds < this.#closedTo;
      const before = this.#clipFor(item, late, open);
      const after = this.#with(before, item, late, nowMs);
      open = [...open.filter((clip) => clip !== before), after];
      changed.add(after.raw.clip);
      if (item.id !== null) ids.set(item.id, after.raw.clip);
      receipts.push({ clip: after.raw.clip, late, duplicate: false });
    }
    for (const { raw } of open) if (changed.has(raw.clip)) await this.#tools.memory.growObservation(raw);
    this.#open = open;
    for (const [id, clip] of ids) this.#clipOfId.set(id, clip);
    const excess = open.length - mostOpenClips;
    if (excess > 0) await this.#decide(open.toSorted((a, b) => a.place - b.place).slice(0, excess));
    this.#schedule();
    return receipts;
  }

  /** Refuses what is pushed to a paused stream, and keeps the time of it as a gap once it runs again. @throws StoreError `stream-paused` */
  async #assertRunning(items: readonly TimedItem[]): Promise<void> {
    const { memory } = this.#tools;
    const { stream } = this;
    const [first] = items;
    if (!first) return;
    if ((await memory.pauses()).some((pause) => pause.stream === stream)) {
      this.#refusedFrom = Math.min(this.#refusedFrom ?? first.atSeconds, first.atSeconds);
      throw new StoreError("stream-paused", `The stream ${stream} is paused. Let it run again, then push.`);
    }
    const startSeconds = this.#refusedFrom;
    this.#refusedFrom = null;
    if (startSeconds === null || startSeconds >= first.atSeconds) return;
    const gap = { stream, startSeconds, endSeconds: first.atSeconds, detail: "watching was paused" };
    await memory.addGap({ kind: "gap", reason: "paused", ...gap });
  }

  /** The open clip an item belongs to, or a new one. A late item goes into the newest. */
  #clipFor({ atSeconds }: TimedItem, late: boolean, open: readonly OpenClip[]): OpenClip {
    const seconds = late ? this.#closedTo : atSeconds;
    const newest = open.toSorted((a, b) => a.place - b.place).at(-1);
    const place = late && newest ? newest.place : Math.floor(seconds / this.#clipSeconds);
    const found = open.find((clip) => clip.place === place);
    if (found) return found;
    let clip = Math.max(Math.floor(seconds / liveGridSeconds), this.#nextClip);
    while (open.some(({ raw }) => raw.clip === clip)) clip += 1;
    const span = { startSeconds: seconds, endSeconds: seconds + leastClipSeconds };
    return {
      raw: { stream: this.stream, clip, ...span, ...nothingSeen },
      place,
      dueAtMs: Number.POSITIVE_INFINITY,
    };
  }

  /** The clip with one more item. A late item does not change its span. */
  #with({ raw, place, dueAtMs }: OpenClip, item: TimedItem, late: boolean, nowMs: number): OpenClip {
    const { atSeconds, endSeconds, id, content } = item;
    const isText = content.kind !== "picture" && content.kind !== "sound";
    const waitMs = isText ? this.#decideAfterMs : this.#clipSeconds * 1000;
    const { ids, sounds } = raw.pushed!;
    const span = late
      ? {}
      : {
          startSeconds: Math.min(raw.startSeconds, atSeconds),
          endSeconds: Math.max(raw.endSeconds, endSeconds),
        };
    return {
      place,
      dueAtMs: Math.min(dueAtMs, nowMs + waitMs),
      raw: {
        ...raw,
        ...span,
        ...withContent(raw, item),
        pushed: {
          perceived: false,
          ids: id === null ? ids : [...ids, id],
          sounds:
            content.kind === "sound"
              ? [...sounds, { startSeconds: atSeconds, samples: content.samples }]
              : sounds,
        },
      },
    };
  }

  /** Sets the timer for the first clip that is due. */
  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#ended || this.#open.length === 0) return;
    const dueAtMs = Math.min(...this.#open.map((clip) => clip.dueAtMs));
    const waitMs = Math.min(Math.max(0, dueAtMs - this.#tools.now()), longestTimerMs);
    this.#timer = setTimeout(() => {
      const work = this.#queue.run(async () => {
        if (this.#ended) return;
        if (this.#open.some((clip) => clip.dueAtMs <= this.#tools.now())) await this.#decide(this.#open);
        this.#schedule();
      });
      work.catch((error: unknown) => this.#end(error));
    }, waitMs);
  }

  /** Closes clips, perceives them, and decides about them. */
  async #decide(clips: readonly OpenClip[]): Promise<ClipEvent[]> {
    const events: ClipEvent[] = [];
    try {
      for (const closing of clips.toSorted((a, b) => a.raw.clip - b.raw.clip)) {
        const observation = await this.#perceived(closing.raw);
        this.#open = this.#open.filter((clip) => clip !== closing);
        this.#nextClip = Math.max(this.#nextClip, observation.clip + 1);
        this.#closedTo = Math.max(this.#closedTo, observation.endSeconds);
        events.push(...(await this.#announce(this.#writer.take(observation))));
      }
      events.push(...(await this.#announce(this.#writer.flush())));
    } catch (error) {
      await this.#end(error);
      throw error;
    }
    return events;
  }

  /** What perception makes of a clip, journaled in place of the pushed items. */
  async #perceived(raw: Observation): Promise<Observation> {
    if (raw.pushed?.perceived !== false) return raw;
    const { memory } = this.#tools;
    const seen = await told("perceive", { stream: raw.stream, clip: raw.clip }, () =>
      this.#senses.perceive(clipOf(raw), this.#signal ? { signal: this.#signal } : {}),
    );
    const observation = { ...seen, pushed: { perceived: true, ids: raw.pushed.ids, sounds: [] } };
    return memory.growObservation(observation);
  }

  async #announce(source: AsyncIterable<ClipEvent>): Promise<ClipEvent[]> {
    const events: ClipEvent[] = [];
    for await (const event of source) {
      events.push(event);
      this.#events.send(event);
    }
    return events;
  }

  /** Keeps a gap if the wall clock shows that no session was open for a while. */
  async #noteAbsence(nowMs: number): Promise<void> {
    if (this.clock.kind !== "wall" || !Number.isFinite(this.#closedTo)) return;
    const [startSeconds, endSeconds] = [this.#closedTo, (nowMs - this.clock.originMs) / 1000];
    if (endSeconds - startSeconds < leastGapSeconds) return;
    const gap = { stream: this.stream, startSeconds, endSeconds, detail: "no session was open" };
    await this.#tools.memory.addGap({ kind: "gap", reason: "not-watched", ...gap });
  }

  #throwIfEnded(): void {
    if (this.#ended) throw this.#ended.error;
  }

  /** Stops writing; every later `push` throws the error. */
  async #end(error: unknown): Promise<void> {
    if (this.#ended) return;
    this.#ended = { error };
    clearTimeout(this.#timer);
    this.#events.end(isTaskMemError(error, "session-closed") ? null : error);
    await this.#lease.release();
  }
}

function closedSession(stream: string): StoreError {
  return new StoreError(
    "session-closed",
    `The session of ${stream} is closed. Open another one with live().`,
  );
}
