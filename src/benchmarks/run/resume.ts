/**
 * What a resumed run does again: it writes memories with a hole again, from the start where something was written after
 * the hole, answers again what was answered without those clips, asks again where no answer came, and grades what was
 * not graded. What stands is left alone.
 */
import { constants, existsSync } from "node:fs";
import { cp, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { differs } from "./identity.ts";
import type { RunOptions } from "./options.ts";
import { type PlannedMemory, type PlannedTask, type RunPlan, untilOf } from "./plan.ts";
import { type Result, retriedFor } from "./results.ts";
import { canGoOn } from "./watching.ts";

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

export const placeOf = ({ directory }: RunOptions, { id }: PlannedMemory) => join(directory, "memories", id);

/**
 * Where a memory is kept as it was when an engine failed at a question, and it was to be watched further: that question
 * can be asked again without writing the memory again.
 */
export const keptFor = (options: RunOptions, { scheduled, memory }: PlannedTask) =>
  `${placeOf(options, memory)}-at-${scheduled.memory.untilSeconds}`;

/** Takes away a memory that would become another one if it were continued, or whose material could not be read. */
export async function discardUnlessSound(
  options: RunOptions,
  planned: PlannedMemory,
  left: PlannedTask,
  isUnreadable: boolean,
): Promise<void> {
  const place = placeOf(options, planned);
  if (!existsSync(place)) return;
  const memory = await options.openMemory(place);
  const { windowClips } = options;
  const isSound = await canGoOn(memory, {
    ...{ stream: planned.stream, untilSeconds: untilOf(left), windowClips },
  }).finally(() => memory.close());
  if (!isSound || isUnreadable) await rm(place, { recursive: true });
}

/** A copy that a kill cuts short has another name. */
export async function copyMemory(from: string, to: string): Promise<void> {
  const unfinished = `${to}.part`;
  await rm(unfinished, { recursive: true, force: true });
  await cp(from, unfinished, { recursive: true, mode: constants.COPYFILE_FICLONE });
  await rename(unfinished, to);
}
