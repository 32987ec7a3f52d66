/**
 * The results of a run on disk: one line for each row and task.
 *
 * A line is written when its question is answered, so a kill costs none; the lines are put in the order of the
 * schedule when the run is done. A question that is answered again gets another line, and the later one counts.
 */
import { appendFileSync, existsSync, readFileSync, renameSync, truncateSync, writeFileSync } from "node:fs";
import { DataError } from "../../errors.ts";
import { hourOf } from "../datasets/files/day-clock.ts";
import type { Outcome, Scored } from "./scoring.ts";

/** One line of `results.jsonl`. */
export interface Result {
  readonly row: string;
  readonly task: string;
  readonly stream: string;
  readonly askTime: number | "end";
  readonly types: readonly string[];
  readonly group?: string;
  /** From 0 within its type. */
  readonly place: number;
  /** The protocol's policy when the task arrived. */
  readonly policy: string;
  /** Revisions of the policies that wrote its memory, in order. */
  readonly revisions: readonly string[];
  /** `null` where its material could not be read. */
  readonly memory: HeldMemory | null;
  readonly outcome: Outcome;
  /** Who failed at it, with nothing to say about this question: a resumed run asks, or grades, again. */
  readonly failed: "answerer" | "judge" | null;
  /** Letter or text, `null` where there is none. */
  readonly answer: string | null;
  readonly problem: string | null;
  readonly raw: readonly string[];
  readonly prompts: readonly string[];
  /** Entries that were recalled and did not fit what the answerer is shown. */
  readonly leftOut: number;
  readonly judgement: { readonly correct: boolean; readonly mark: number; readonly reason: string } | null;
  readonly judgeRaw: readonly string[];
  /** What the answerer did with its memory: `recall 12`, `refused blob`. */
  readonly accesses: readonly string[];
  /** By name, 0 to 1: what the dataset measures of it besides, the finest first. @default none */
  readonly measures?: Readonly<Record<string, number>>;
}

/** Of a result that no model had a part in. */
export const withoutModel = {
  ...{ failed: null, raw: [], prompts: [], leftOut: 0, judgement: null, judgeRaw: [], accesses: [] },
} satisfies Partial<Result>;

/** A memory as it was when its question came. */
export interface HeldMemory {
  /** Name of its folder. */
  readonly id: string;
  readonly entries: number;
  readonly tokens: number;
  /** Clips the engine failed at: a resumed run writes the memory again, and answers again. */
  readonly missed: number;
  /** Clips that were written about without what was said in them, for the transcriber failed: resumed likewise. */
  readonly unheard: number;
  /** Clips that stay without a memory: refused as a request, or nothing usable was written. */
  readonly lost: number;
}

/** Of a memory that lacks no clip. */
export const wholeMemory = { missed: 0, unheard: 0, lost: 0 } as const satisfies Partial<HeldMemory>;

/** Clips that lack something, each memory counted once, as it was for the question it lacked most for. */
export type ClipCounts = Pick<HeldMemory, "missed" | "unheard" | "lost">;

export function clipsWithout(results: readonly Result[]): ClipCounts {
  const held = results.flatMap(({ memory }) => memory ?? []);
  const memories = [...Map.groupBy(held, ({ id }) => id).values()];
  const most = (count: keyof ClipCounts) =>
    memories.reduce((sum, ofOne) => sum + Math.max(...ofOne.map((memory) => memory[count] ?? 0)), 0);
  return { missed: most("missed"), unheard: most("unheard"), lost: most("lost") };
}

/** Why a resumed run finds a result again. */
export type Retried = "missed" | "unheard" | "unreadable" | NonNullable<Result["failed"]>;

/** `null` for a result that stands. */
export function retriedFor({ memory, failed }: Result): Retried | null {
  if (memory === null) return "unreadable";
  if (memory.missed > 0) return "missed";
  return memory.unheard > 0 ? "unheard" : (failed ?? null);
}

/** How many of some results a resumed run finds again, and why. */
export function countRetried(results: readonly Result[]): Record<Retried, number> {
  const reasons = results.map(retriedFor);
  const count = (reason: Retried) => reasons.filter((one) => one === reason).length;
  return {
    missed: count("missed"),
    unheard: count("unheard"),
    unreadable: count("unreadable"),
    answerer: count("answerer"),
    judge: count("judge"),
  };
}

/** What a result adds to the mean of a measure, 0 to 1; `accuracy` is one. */
export function measureOf({ outcome, measures }: Result, measure: string): number {
  return measure === "accuracy" ? Number(outcome === "right") : (measures?.[measure] ?? 0);
}

const keyOf = ({ row, task }: Pick<Result, "row" | "task">) => JSON.stringify([row, task]);

/** Results of a run's folder, the last of each row and task. @throws DataError for a line in the middle that is none */
export function readResults(path: string): Result[] {
  const lines = wholeLines(path).split("\n").slice(0, -1);
  const results = lines.map((line, i) => {
    try {
      return JSON.parse(line) as Result;
    } catch (cause) {
      throw new DataError(
        "results-damaged",
        `Expected a result in line ${i + 1} of ${path}, got something else`,
        { cause },
      );
    }
  });
  return [...new Map(results.map((result) => [keyOf(result), result])).values()];
}

/** What a kill cut short left out. */
function wholeLines(path: string): string {
  const text = readFileSync(path, "utf8");
  return text.slice(0, text.lastIndexOf("\n") + 1);
}

/** Results there are, a line that was cut short taken off; none yet in a new file. */
export function openResults(path: string): Result[] {
  if (!existsSync(path)) writeFileSync(path, "");
  truncateSync(path, Buffer.byteLength(wholeLines(path)));
  return readResults(path);
}

export function addResult(path: string, result: Result): void {
  appendFileSync(path, `${JSON.stringify(result)}\n`);
}

/** Each row and task once, in the order given; returns them so. */
export function orderResults(path: string, order: readonly Pick<Result, "row" | "task">[]): Result[] {
  const places = new Map(order.map((one, place) => [keyOf(one), place]));
  const placeOf = (result: Result) => places.get(keyOf(result)) ?? places.size;
  const ordered = readResults(path).sort((a, b) => placeOf(a) - placeOf(b));
  writeFileSync(`${path}.part`, ordered.map((result) => `${JSON.stringify(result)}\n`).join(""));
  renameSync(`${path}.part`, path);
  return ordered;
}

/** A result as scoring wants it. */
export function scoredOf(result: Result): Scored {
  const { task, stream, askTime, types, group, outcome, judgement, measures } = result;
  const cluster = askTime === "end" ? stream : `${stream} ${hourOf(askTime)}`;
  return {
    ...{ id: task, cluster, types, outcome },
    ...(group !== undefined && { group }),
    ...(judgement && { mark: judgement.mark }),
    ...(measures && { measures }),
  };
}
