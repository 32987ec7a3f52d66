/**
 * Memories written for a benchmark: a stream is watched up to where a question needs it, by the policies its plan names.
 *
 * A memory is a directory of its own. How far it was watched is written beside it after each part; what was interrupted
 * continues where it stopped. A clip that an engine failed at is tried again while nothing was written after it; later on
 * it stays missed, for a clip written out of its turn would make another memory. So does one that was written about
 * without what was said in it, because the transcriber failed: it is noted.
 */
import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createAgent } from "../../agent.ts";
import type { Reader } from "../../answer/reader.ts";
import type { Cost } from "../../engine.ts";
import { EngineError, isRefusal } from "../../errors.ts";
import type { ClipFailure, Memory } from "../../memory/memory.ts";
import type { Perceptors } from "../../perception/perceive.ts";
import { contextDefaults } from "../../policy/context.ts";
import type { Policy } from "../../policy/policy.ts";
import type { Clip, Gap, Source } from "../../stream/clip.ts";
import type { Span } from "../task.ts";

/** One part of a memory: who writes from when. */
export interface WritingPart {
  readonly policy: Policy;
  readonly fromSeconds: number;
}

/** Who writes a memory, and of what. */
export interface WritingPlan {
  /** In order; the first from 0. */
  readonly parts: readonly WritingPart[];
  /** Only these spans are watched, in order and apart; `null` for all. */
  readonly spans: readonly Span[] | null;
}

export interface WatchTools {
  readonly perceptors: Perceptors;
  readonly windowClips: number;
  /** Called with each decision's cost as it is paid, however the watch ends. */
  readonly onCost?: (cost: Cost) => void;
  readonly signal?: AbortSignal | undefined;
}

const marker = "watched.json";

/** How far the memory in a directory was watched, in seconds. */
export function watchedUntil(directory: string): number | "end" {
  const path = join(directory, marker);
  if (!existsSync(path)) return 0;
  return (JSON.parse(readFileSync(path, "utf8")) as { until: number | "end" }).until;
}

/**
 * Watches on until `untilSeconds`, each part by its policy.
 * @throws EngineError where the engine is down or the budget spent, the signal's reason where it aborted; what was
 * stored until then stays
 */
export async function watchUntil(
  memory: Memory,
  source: Source,
  { parts, spans, untilSeconds }: WritingPlan & { readonly untilSeconds: number | "end" },
  { perceptors, windowClips, onCost, signal }: WatchTools,
): Promise<void> {
  // One grid for all policies: where one stops the next continues, never in the middle of a decision.
  const grid = source.clipSeconds * Math.max(...parts.map(({ policy }) => policy.clipsPerDecision));
  const begun = parts.filter(({ fromSeconds }) => untilSeconds === "end" || fromSeconds < untilSeconds);
  if (begun.length === 0) {
    const { id, description, clipSeconds, clock, fingerprint } = source;
    await memory.addStream({ id, description, clipSeconds, clock, fingerprint });
  }
  for (const [i, { policy }] of begun.entries()) {
    const until = begun[i + 1]?.fromSeconds ?? untilSeconds;
    const done = watchedUntil(memory.directory);
    if (done === "end" || (until !== "end" && until <= done)) continue;
    const writer = paid(policy, onCost);
    const agent = createAgent({
      memory: inTurn(memory),
      policy: writer,
      perceptors,
      reader: noReader,
      limits: { ...contextDefaults, windowClips },
    });
    for await (const event of agent.watch(limited(source, spans, until, grid), signal ? { signal } : {})) {
      if (event.event !== "stream-end") continue;
      const { reason, message } = event;
      if (reason === "interrupted") signal?.throwIfAborted();
      if (reason !== "ended") {
        throw new EngineError(reason, message ?? "the engine stopped", {
          isRetryable: reason === "engine-down",
        });
      }
    }
    await giveUpRefused(memory, source.id);
    const last = await lastStored(memory, source.id);
    const { missed } = await failedClips(memory, source.id);
    if (!missed.some((clip) => clip > last)) writeMarker(memory.directory, until);
  }
}

/** A clip that was refused stays so: had the endpoint refused them all, the run had stopped. */
async function giveUpRefused(memory: Memory, stream: string): Promise<void> {
  const refused = (await memory.clipFailures(stream)).filter(({ failure }) => isRefusal(failure));
  await memory.giveUpClips(
    stream,
    refused.map(({ clip }) => clip),
  );
}

function paid(policy: Policy, onCost: WatchTools["onCost"]): Policy {
  return {
    ...policy,
    decide: async (context, options) => {
      const decided = await policy.decide(context, options);
      onCost?.(decided.cost);
      return decided;
    },
  };
}

/** The memory as an agent sees it that decides clips in their turn only: what was missed before others stays so. */
function inTurn(memory: Memory): Memory {
  return {
    ...memory,
    progress: async (stream, windowClips) => {
      const progress = await memory.progress(stream, windowClips);
      const last = await lastStored(memory, stream);
      return { ...progress, pending: progress.pending.filter(({ clip }) => clip > last) };
    },
  };
}

/** −1 where nothing is stored. */
async function lastStored(memory: Memory, stream: string): Promise<number> {
  return (await memory.progress(stream, 2)).recent.at(-1)?.clip ?? -1;
}

/**
 * Clips without a memory. Missed are those the engine failed at, which another run may write; lost are those it refused,
 * or wrote nothing usable about.
 */
export async function failedClips(
  memory: Memory,
  stream: string,
): Promise<{ readonly missed: readonly number[]; readonly lost: readonly number[] }> {
  const failures = await memory.clipFailures(stream);
  const { missed = [], lost = [] } = Object.groupBy(failures, ({ failure }) =>
    isMissed(failure) ? "missed" : "lost",
  );
  return { missed: missed.map(({ clip }) => clip), lost: lost.map(({ clip }) => clip) };
}

const unheardNote = "unheard.txt";

/** Notes beside a memory, before the clip is written about, that the transcriber failed at the one from this moment. */
export function noteUnheard(directory: string, startSeconds: number): void {
  appendFileSync(join(directory, unheardNote), `${startSeconds}\n`);
}

/** How many clips of the memory in a directory were written about although the transcriber had failed at them. */
export function unheardClips(directory: string): number {
  const path = join(directory, unheardNote);
  if (!existsSync(path)) return 0;
  return new Set(readFileSync(path, "utf8").split("\n").filter(Boolean)).size;
}

/** The journal would try text that cannot be used again too: here it is what the model wrote, and stays. */
const isMissed = ({ retryable, code }: ClipFailure) => retryable && code !== "no-usable-text";

/**
 * Whether a memory can be continued for a question at `untilSeconds` as if its run had never stopped: it was watched
 * no further, all was heard, nothing was written after a missed clip, and no lost clip would be in the window: of those nothing usable
 * was written about, a run that takes up again does not show its policy.
 */
export async function canGoOn(
  memory: Memory,
  {
    stream,
    untilSeconds,
    windowClips,
  }: { stream: string; untilSeconds: number | "end"; windowClips: number },
): Promise<boolean> {
  if (!(await memory.streams()).some(({ id }) => id === stream)) return true;
  if ((await isPast(memory, stream, untilSeconds)) || unheardClips(memory.directory) > 0) return false;
  const { nextClip } = await memory.progress(stream, 2);
  const last = await lastStored(memory, stream);
  const { missed, lost } = await failedClips(memory, stream);
  return !missed.some((clip) => clip < last) && !lost.some((clip) => clip >= nextClip - windowClips);
}

/** Whether a memory was watched further than some moment. */
export async function isPast(memory: Memory, stream: string, seconds: number | "end"): Promise<boolean> {
  const known = (await memory.streams()).find(({ id }) => id === stream);
  if (!known || seconds === "end") return false;
  const { nextClip } = await memory.progress(stream, 2);
  return nextClip * known.clipSeconds > seconds + 1e-6;
}

function writeMarker(directory: string, until: number | "end"): void {
  const path = join(directory, marker);
  writeFileSync(`${path}.part`, JSON.stringify({ until }));
  renameSync(`${path}.part`, path);
}

/** Watching asks nothing. */
const noReader: Reader = {
  id: "none",
  tokenBudget: 0,
  read: () => Promise.reject(new Error("a benchmark asks through its own answerer")),
};

/**
 * A source that ends early, or shows only some spans of its stream. How far it was watched is its caller's to know, not
 * its files'. Its edges lie on a grid of seconds: nothing of a
 * decision that ends after `untilSeconds` is shown, and a span is widened to whole decisions before it.
 */
export function limited(
  source: Source,
  spans: readonly Span[] | null,
  untilSeconds: number | "end",
  gridSeconds: number,
): Source {
  const { files: _, holds: __, ...whole } = source;
  if (spans === null && untilSeconds === "end") return whole;
  const floor = (seconds: number) => Math.floor(seconds / gridSeconds + 1e-9) * gridSeconds;
  const limit = untilSeconds === "end" ? Number.POSITIVE_INFINITY : floor(untilSeconds);
  const shown = (spans ?? [{ startSeconds: 0, endSeconds: Number.POSITIVE_INFINITY }]).map((span) => ({
    startSeconds: floor(span.startSeconds),
    endSeconds: Math.min(limit, -floor(-span.endSeconds)),
  }));
  return {
    ...whole,
    endSeconds: null,
    async *open({ fromSeconds = 0, ...options } = {}): AsyncGenerator<Clip | Gap> {
      let left: number | null = null;
      for (const { startSeconds, endSeconds } of shown) {
        const start = Math.max(startSeconds, left ?? 0);
        if (endSeconds <= start) continue;
        if (left !== null && start > left) yield notWatched(source.id, left, start);
        left = endSeconds;
        if (endSeconds <= fromSeconds) continue;
        const from = Math.max(fromSeconds, start);
        for await (const item of source.open({ ...options, fromSeconds: from })) {
          if (item.startSeconds >= endSeconds - 1e-9) break;
          // A gap that lasts is yielded when it is over.
          if (item.kind === "gap" && item.endSeconds > endSeconds) break;
          if (item.kind === "clip" && item.endSeconds > endSeconds + 1e-6) break;
          if (item.endSeconds > from) yield item.kind === "clip" ? withoutMarks(item) : item;
        }
      }
    },
  };
}

const withoutMarks = ({ files: _, ...clip }: Clip): Clip => clip;

function notWatched(stream: string, startSeconds: number, endSeconds: number): Gap {
  return {
    kind: "gap",
    stream,
    startSeconds,
    endSeconds,
    reason: "not-watched",
    detail: "not part of this question",
  };
}
