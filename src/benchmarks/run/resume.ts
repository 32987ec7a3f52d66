/**
 * What a resumed run does again: it writes memories with a hole again, from the start where something was written after
 * the hole, answers again what was answered without those clips, asks again where no answer came, and grades what was
 * not graded. What stands is left alone.
 */
import { join } from "node:path";
import { differs } from "./identity.ts";
import type { LoopOptions } from "./options.ts";
import type { PlannedMemory, PlannedTask, RunPlan } from "./plan.ts";
import { type Result, retriedFor } from "./results.ts";

/** What a resumed run finds. */
export interface Standing {
  /** Places of the results that need not be found again. */
  readonly done: ReadonlySet<number>;
  /** By place: results that are found again. */
  readonly again: ReadonlyMap<number, Result>;
}

/** @throws ConfigError `run-differs` */
export function standingOf(directory: string, { items }: RunPlan, results: readonly Result[]): Standing {
  const indexOf = new Map(
    items.map(({ index, row, scheduled }) => [JSON.stringify([row.name, scheduled.task.id]), index]),
  );
  const done = new Set<number>();
  const again = new Map<number, Result>();
  for (const result of results) {
    const index = indexOf.get(JSON.stringify([result.row, result.task]));
    if (index === undefined)
      throw differs(directory, `it has a result of ${result.row} for task ${result.task}`);
    if (retriedFor(result) === null) done.add(index);
    else again.set(index, result);
  }
  return { done, again };
}

type Folder = Pick<LoopOptions, "directory">;

export const placeOf = ({ directory }: Folder, { id }: PlannedMemory) => join(directory, "memories", id);

/**
 * Where a memory is kept as it was when an engine failed at a question, and it was to be watched further: that question
 * can be asked again without writing the memory again.
 */
export const keptFor = (options: Folder, { scheduled, memory }: PlannedTask) =>
  `${placeOf(options, memory)}-at-${scheduled.memory.untilSeconds}`;
