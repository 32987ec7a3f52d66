/**
 * What a run does: every question of every row, and the memories they are answered from.
 *
 * A memory is known by who writes it from when, so rows and types whose policies have the same revisions share it, and each
 * policy watches a stream once. Its questions come in the order of their times, in any order of the tasks: none
 * finds it watched further than itself. Where a trained policy continues, its memory begins as a copy of the one
 * before at that moment.
 */
import type { Policy } from "../../policy/policy.ts";
import { shortId } from "../../util/hash.ts";
import type { BenchmarkTask } from "../task.ts";
import { type MemoryPlan, type ProtocolOptions, type ScheduledTask, schedule } from "./protocol.ts";
import type { WritingPart, WritingPlan } from "./watching.ts";
import type { BenchmarkRow } from "./writers.ts";

/** A task of one row. */
export interface PlannedTask {
  /** Its place among the results of the run, from 0. */
  readonly index: number;
  readonly row: BenchmarkRow<string>;
  readonly scheduled: ScheduledTask;
  readonly memory: PlannedMemory;
}

export interface PlannedMemory extends WritingPlan {
  /** Name of its folder. */
  readonly id: string;
  readonly stream: string;
  /** Answered from it, in the order of their times. */
  readonly tasks: readonly PlannedTask[];
  /** It begins as this one is where its own last part begins; `null` where it is written from the start. */
  readonly before: PlannedMemory | null;
}

export interface RunPlan {
  /** Row by row, each in the order of the schedule. */
  readonly items: readonly PlannedTask[];
  readonly memories: readonly PlannedMemory[];
}

type Growing = PlannedMemory & { readonly tasks: PlannedTask[] };

/** @throws RangeError as `schedule` */
export function planRun(
  rows: readonly BenchmarkRow<string>[],
  tasks: readonly BenchmarkTask[],
  protocol: ProtocolOptions,
): RunPlan {
  const { updates: _, ...fixed } = protocol;
  const memories = new Map<string, Growing>();
  const items: PlannedTask[] = [];
  for (const row of rows) {
    const policies = new Map<string, Policy>();
    for (const scheduled of schedule(tasks, row.learns ? protocol : fixed)) {
      const parts = partsOf(scheduled.memory, row, policies);
      const id = idOf(scheduled.memory, parts);
      const memory = memories.get(id) ?? {
        ...{ id, parts, tasks: [], before: memories.get(idOf(scheduled.memory, parts.slice(0, -1))) ?? null },
        ...{ stream: scheduled.memory.stream, spans: scheduled.memory.spans },
      };
      memories.set(id, memory);
      const item = { index: items.length, row, scheduled, memory };
      items.push(item);
      memory.tasks.push(item);
    }
  }
  for (const { tasks: ofMemory } of memories.values())
    ofMemory.sort((a, b) => order(untilOf(a), untilOf(b)) || a.index - b.index);
  return { items, memories: [...memories.values()] };
}

/** Who writes from when; a version that was trained on nothing writes as the one before. */
function partsOf(
  { parts }: MemoryPlan,
  row: BenchmarkRow<string>,
  policies: Map<string, Policy>,
): WritingPart[] {
  const written: WritingPart[] = [];
  for (const { policy: version, fromSeconds } of parts) {
    const policy = policies.get(version.name) ?? row.policyOf(version);
    policies.set(version.name, policy);
    if (written.at(-1)?.policy.revision !== policy.revision) written.push({ policy, fromSeconds });
  }
  return written;
}

function idOf({ stream, spans }: MemoryPlan, parts: readonly WritingPart[]): string {
  const writers = parts.map(({ policy, fromSeconds }) => [policy.revision, fromSeconds]);
  return shortId("memory", JSON.stringify([stream, writers, spans]));
}

/** The moment up to which its memory is watched for a task. */
export const untilOf = ({ scheduled }: PlannedTask): number | "end" => scheduled.memory.untilSeconds;

const order = (a: number | "end", b: number | "end") =>
  a === b ? 0 : a === "end" ? 1 : b === "end" ? -1 : a - b;

/**
 * The moments at which a memory stops being watched for a while, in order: those of its questions, and those of the memories
 * it continues.
 */
export function stopsOf({ tasks, before, parts }: PlannedMemory): (number | "end")[] {
  const from = parts.at(-1)!.fromSeconds;
  const earlier = before === null ? [] : stopsOf(before).filter((stop) => order(stop, from) <= 0);
  return [...new Set([...earlier, ...tasks.map(untilOf)])];
}
