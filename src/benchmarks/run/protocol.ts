/**
 * The streaming protocol, as data: which task comes when, which policy writes the memory it is answered from, and what
 * that policy may have been trained on.
 *
 * Tasks of one type, or of one stream, are an environment of their own. Inside it they arrive one after the other; after given counts the
 * policy learns from all that came before. The memory of a video is written when its first question comes, by the
 * policy that is active then, and stays: questions about the same video that come after an update read the old memory.
 *
 * Departures from the released code:
 * 1. A question with a time sees the stream up to it; what lies between two questions is written by the policy that is active
 *    while it is watched, as a running agent would. The code cuts such streams into pieces of its own.
 * 2. Questions shown as a hint are drawn once per policy, seeded; the code draws again for every task, without a seed.
 */
import { seededRandom, shuffle } from "../../util/random.ts";
import type { BenchmarkTask, Span } from "../task.ts";

/** The order of tasks within an environment: the benchmark's own, or drawn. */
export type Order = "official" | { readonly seed: number };

/** How tasks arrive and when the policy learns. */
export interface ProtocolOptions {
  /** What tasks arrive one after the other and share a policy: those of a type, or all of a stream. @default "type" */
  readonly environment?: "type" | "stream";
  /** @default "official" */
  readonly order?: Order;
  /** Counts of tasks after which the policy learns, ascending, from 1 up; none for a policy that does not. @default none */
  readonly updates?: readonly number[];
  /** Past questions drawn as a hint for the policy's prompt. @default 5 */
  readonly hints?: number;
  /** Of the draw of hints. @default 1 */
  readonly seed?: number;
  /** Watch only the spans around evidence and question. @default false */
  readonly oracle?: OracleOptions | false;
}

/** How much is watched around the evidence. */
export interface OracleOptions {
  /** Length of stream watched around each place of evidence, and before the question. */
  readonly seconds: number;
}

/** A policy that is active for a while: the untouched one, or one trained on the first tasks of an environment. */
export interface PolicyVersion {
  /** `base`, or `<environment>/<number of tasks>`. */
  readonly name: string;
  /** Ids of the tasks it was trained on, in order; empty for the base. */
  readonly examples: readonly string[];
  /** Ids of those whose questions are shown as a hint. */
  readonly hints: readonly string[];
}

export const basePolicy: PolicyVersion = { name: "base", examples: [], hints: [] };

/** How the memory behind one task comes about. */
export interface MemoryPlan {
  readonly stream: string;
  /** Who writes from when, in order; the first from 0. */
  readonly parts: readonly { readonly policy: PolicyVersion; readonly fromSeconds: number }[];
  /** Only these spans are watched, in order and apart; `null` for all. */
  readonly spans: readonly Span[] | null;
  /** Nothing after this moment may be watched for the task. */
  readonly untilSeconds: number | "end";
}

export interface ScheduledTask {
  readonly task: BenchmarkTask;
  /** From 0 within its environment. */
  readonly place: number;
  /** Active when the task arrives; its memory may have been written by an earlier one. */
  readonly policy: PolicyVersion;
  readonly memory: MemoryPlan;
}

/** How many of the tasks before the i-th (from 0) a policy was trained on, with updates after these counts. */
export function examplesAvailable(i: number, updates: readonly number[]): number {
  return updates.findLast((count) => count <= i) ?? 0;
}

/**
 * All tasks, one environment after the other, each in its order.
 * @throws RangeError for updates that do not ascend from 1, and for a span that is not positive
 */
export function schedule(tasks: readonly BenchmarkTask[], options: ProtocolOptions = {}): ScheduledTask[] {
  const { environment = "type", updates = [], oracle = false } = options;
  const ascend = updates.every((count, k) => Number.isInteger(count) && count > (updates[k - 1] ?? 0));
  if (!ascend) {
    throw new RangeError(`Expected \`updates\` to be whole numbers that ascend from 1, got [${updates}]`);
  }
  if (oracle && !(oracle.seconds > 0))
    throw new RangeError(`Expected the oracle's \`seconds\` above 0, got ${oracle.seconds}`);
  return [...Map.groupBy(tasks, (task) => task[environment])].flatMap(([name, ofOne]) =>
    scheduleOne(name, ofOne, options),
  );
}

/** @param name of the environment */
function scheduleOne(
  name: string,
  ofOne: readonly BenchmarkTask[],
  options: ProtocolOptions,
): ScheduledTask[] {
  const { order = "official", updates = [], oracle = false } = options;
  const ordered = inOrder(name, ofOne, order);
  const versions = new Map<number, PolicyVersion>([[0, basePolicy]]);
  const written = new Map<string, MemoryPlan>();
  return ordered.map((task, place) => {
    const count = examplesAvailable(place, updates);
    let policy = versions.get(count);
    if (!policy) {
      policy = trainedVersion(name, ordered.slice(0, count), options);
      versions.set(count, policy);
    }
    const memory =
      oracle && task.evidence ? aroundEvidence(task, policy, oracle) : grown(task, policy, written);
    return { task, place, policy, memory };
  });
}

function trainedVersion(
  name: string,
  past: readonly BenchmarkTask[],
  { hints = 5, seed = 1 }: ProtocolOptions,
): PolicyVersion {
  const drawn = new Set(shuffle(seededRandom(`hints ${seed} ${name} ${past.length}`), past).slice(0, hints));
  return {
    name: `${name}/${past.length}`,
    examples: past.map(({ id }) => id),
    hints: past.filter((task) => drawn.has(task)).map(({ id }) => id),
  };
}

/** A stream's memory continues where its last question left it; what is written stays. */
function grown(task: BenchmarkTask, policy: PolicyVersion, written: Map<string, MemoryPlan>): MemoryPlan {
  const { stream, askTime } = task;
  const earlier = written.get(stream);
  const isNewPart = earlier !== undefined && earlier.parts.at(-1)!.policy.name !== policy.name;
  const parts =
    earlier === undefined
      ? [{ policy, fromSeconds: 0 }]
      : isNewPart && isLater(askTime, earlier.untilSeconds)
        ? [...earlier.parts, { policy, fromSeconds: earlier.untilSeconds as number }]
        : earlier.parts;
  const until = earlier && !isLater(askTime, earlier.untilSeconds) ? earlier.untilSeconds : askTime;
  const plan = { stream, parts, spans: null, untilSeconds: askTime };
  written.set(stream, { ...plan, untilSeconds: until });
  return plan;
}

function isLater(a: number | "end", b: number | "end"): boolean {
  return b !== "end" && (a === "end" || a > b);
}

function aroundEvidence(task: BenchmarkTask, policy: PolicyVersion, oracle: OracleOptions): MemoryPlan {
  const { stream, askTime: untilSeconds } = task;
  return { stream, parts: [{ policy, fromSeconds: 0 }], spans: oracleSpans(task, oracle), untilSeconds };
}

/**
 * The spans around a task's evidence and before its question, joined where they meet, none past the question. The
 * released code takes groups of clips whose lengths were not published; ours are of one given length.
 */
export function oracleSpans({ evidence = [], askTime }: BenchmarkTask, { seconds }: OracleOptions): Span[] {
  const limit = askTime === "end" ? Number.POSITIVE_INFINITY : askTime;
  const around = evidence.map(({ startSeconds, endSeconds }) => {
    const margin = Math.max(0, (seconds - (endSeconds - startSeconds)) / 2);
    return {
      startSeconds: Math.max(0, startSeconds - margin),
      endSeconds: Math.min(limit, endSeconds + margin),
    };
  });
  const current =
    askTime === "end" ? [] : [{ startSeconds: Math.max(0, askTime - seconds), endSeconds: askTime }];
  const joined: Span[] = [];
  for (const span of [...around, ...current].sort((a, b) => a.startSeconds - b.startSeconds)) {
    const last = joined.at(-1);
    if (last && span.startSeconds <= last.endSeconds) {
      joined[joined.length - 1] = { ...last, endSeconds: Math.max(last.endSeconds, span.endSeconds) };
    } else joined.push(span);
  }
  return joined;
}

/**
 * Tasks in their own order or shuffled. Questions with times about one stream stay in the order of their times: they
 * take the places the shuffle gave them all.
 */
function inOrder(name: string, tasks: readonly BenchmarkTask[], order: Order): BenchmarkTask[] {
  const drawn =
    order === "official" ? [...tasks] : shuffle(seededRandom(`order ${order.seed} ${name}`), tasks);
  const moment = ({ askTime }: BenchmarkTask) => (askTime === "end" ? Number.POSITIVE_INFINITY : askTime);
  for (const ofStream of Map.groupBy([...drawn.keys()], (i) => drawn[i]!.stream).values()) {
    if (ofStream.every((i) => drawn[i]!.askTime === "end")) continue;
    const inTime = ofStream
      .map((i) => drawn[i]!)
      .sort((a, b) => (moment(a) === moment(b) ? 0 : moment(a) - moment(b)));
    for (const [k, i] of ofStream.entries()) drawn[i] = inTime[k]!;
  }
  return drawn;
}

/** `official` or `seeded:<n>`, or `null`. */
export function parseOrder(text: string): Order | null {
  if (text === "official") return "official";
  const seed = /^seeded:(\d+)$/.exec(text)?.[1];
  return seed === undefined ? null : { seed: Number(seed) };
}

/** `none`, or counts such as `10,30,50`, or `null` where they do not ascend. */
export function parseUpdates(text: string): number[] | null {
  if (text === "none" || text.trim() === "") return [];
  const counts = text.split(",").map((count) => (/^\s*\d+\s*$/.test(count) ? Number(count) : Number.NaN));
  return counts.every((count, k) => count > (counts[k - 1] ?? 0)) ? counts : null;
}
