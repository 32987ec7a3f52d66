/**
 * Memories written for a benchmark: a stream is watched up to where a question needs it, by the policies its plan names.
 *
 * A memory is a directory of its own. How far it was watched is written beside it after each part; what was interrupted
 * goes on where it stopped.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createAgent } from "../agent.ts";
import type { Reader } from "../answer/reader.ts";
import { addCost, type Cost, noCost } from "../engine.ts";
import { EngineError } from "../errors.ts";
import type { Memory } from "../memory/memory.ts";
import type { Perceptors } from "../perception/perceive.ts";
import type { Policy } from "../policy/policy.ts";
import type { Clip, Gap, Source } from "../stream/clip.ts";
import type { Span } from "./task.ts";

/** One part of a memory: who writes from when. */
export interface WritingPart {
  readonly policy: Policy;
  readonly fromSeconds: number;
}

export interface WatchTools {
  readonly perceptors: Perceptors;
  readonly windowClips: number;
  readonly signal?: AbortSignal | undefined;
}

export interface WatchResult {
  readonly clips: number;
  /** Clips that were journaled as failed: they have no entries. */
  readonly failed: number;
  readonly cost: Cost;
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
  plan: {
    readonly parts: readonly WritingPart[];
    readonly spans: readonly Span[] | null;
    readonly untilSeconds: number | "end";
  },
  { perceptors, windowClips, signal }: WatchTools,
): Promise<WatchResult> {
  let result: WatchResult = { clips: 0, failed: 0, cost: noCost };
  for (const [i, { policy }] of plan.parts.entries()) {
    const until = plan.parts[i + 1]?.fromSeconds ?? plan.untilSeconds;
    const done = watchedUntil(memory.directory);
    if (done === "end" || (until !== "end" && until <= done)) continue;
    // One grid for all policies: where one stops, the next goes on, in the middle of nobody's decision.
    const grid = source.clipSeconds * Math.max(...plan.parts.map((part) => part.policy.clipsPerDecision));
    const agent = createAgent({ memory, policy, perceptors, reader: nobody, windowClips });
    for await (const event of agent.watch(
      limited(source, plan.spans, until, grid),
      signal ? { signal } : {},
    )) {
      if (event.event !== "stream-end") continue;
      const { clips, failed, cost, reason, message } = event;
      result = {
        clips: result.clips + clips,
        failed: result.failed + failed,
        cost: addCost(result.cost, cost),
      };
      if (reason === "interrupted") signal?.throwIfAborted();
      if (reason !== "ended") {
        throw new EngineError(reason, message ?? "the engine stopped", {
          isRetryable: reason === "engine-down",
        });
      }
    }
    writeMarker(memory.directory, until);
  }
  return result;
}

function writeMarker(directory: string, until: number | "end"): void {
  const path = join(directory, marker);
  writeFileSync(`${path}.part`, JSON.stringify({ until }));
  renameSync(`${path}.part`, path);
}

/** Watching asks nothing. */
const nobody: Reader = {
  id: "nobody",
  tokenBudget: 0,
  read: () => Promise.reject(new Error("a benchmark asks through its own answerer")),
};

/**
 * A source that ends early, or shows only some spans of its stream. Its edges lie on a grid of seconds: nothing of a
 * decision that ends after `untilSeconds` is shown, and a span is widened to whole decisions before it.
 */
export function limited(
  source: Source,
  spans: readonly Span[] | null,
  untilSeconds: number | "end",
  gridSeconds: number,
): Source {
  if (spans === null && untilSeconds === "end") return source;
  const floor = (seconds: number) => Math.floor(seconds / gridSeconds + 1e-9) * gridSeconds;
  const limit = untilSeconds === "end" ? Number.POSITIVE_INFINITY : floor(untilSeconds);
  const shown = (spans ?? [{ startSeconds: 0, endSeconds: Number.POSITIVE_INFINITY }]).map((span) => ({
    startSeconds: floor(span.startSeconds),
    endSeconds: Math.min(limit, -floor(-span.endSeconds)),
  }));
  return {
    ...source,
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
          // A gap that goes on is told when it is over.
          if (item.kind === "gap" && item.endSeconds > endSeconds) break;
          if (item.kind === "clip" && item.endSeconds > endSeconds + 1e-6) break;
          if (item.endSeconds > from) yield item;
        }
      }
    },
  };
}

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
