/**
 * The one loop of every benchmark: memories are watched from question to question, asked sealed, and each answer is
 * scored and written down.
 *
 * A dataset gives the plan (its tasks, and the rows that write), and how its memories are opened and watched. The loop
 * does the rest: several memories at once, one that begins as a copy after the one before, resume, and an end where an
 * engine is down. An engine that fails at a clip, or at a question, costs just that, and the run continues; one that
 * fails again and again stops it. `resume.ts` says what a resumed run does again.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import PQueue from "p-queue";
import { FailuresInARow } from "../../util/failures-in-a-row.ts";
import { answerFrom, answerFromKept } from "./answering.ts";
import { gradeAgain } from "./grading.ts";
import type { LoopOptions, Running } from "./options.ts";
import { type PlannedMemory, type PlannedTask, untilOf } from "./plan.ts";
import { addResult, countRetried, openResults, orderResults, type Result, retriedFor } from "./results.ts";
import { keptFor, placeOf, type Standing, standingOf } from "./resume.ts";

/**
 * Finds what is left of the results of a run, each written as it is found; returns all, in the order of the plan.
 * @throws ConfigError `run-differs` where the folder holds results of another run
 * @throws EngineError where a model is down or a budget spent; the run can be resumed
 */
export async function runLoop(options: LoopOptions): Promise<Result[]> {
  const { directory, plan, results = "results.jsonl" } = options;
  const path = join(directory, results);
  const before = openResults(path);
  const standing = standingOf(directory, plan, before);
  if (before.length > 0) {
    const again = before.length - standing.done.size;
    options.onResume?.({ done: standing.done.size, again, reasons: countRetried(before) });
  }
  await finish(options, standing, path);
  const order = plan.items.map(({ row, scheduled }) => ({ row: row.name, task: scheduled.task.id }));
  return orderResults(path, order);
}

/** Watches and asks what is left, several memories at once; one that begins as a copy waits for the one before. */
async function finish(options: LoopOptions, { done, again }: Standing, path: string): Promise<void> {
  const { plan, concurrency, onProgress } = options;
  const { items, memories } = plan;
  let count = done.size;
  const stopped = new AbortController();
  let failure: unknown;
  const stop = (error: unknown) => {
    failure ??= error;
    stopped.abort();
  };
  const inARow = {
    answerer: new FailuresInARow(),
    judge: new FailuresInARow(),
    transcriber: new FailuresInARow(),
  };
  const running: Running = {
    ...options,
    signal: options.signal ? AbortSignal.any([options.signal, stopped.signal]) : stopped.signal,
    worked: (engine) => inARow[engine].worked(),
    failed: (engine, at, error) => {
      if (inARow[engine].failed(at)) stop(error);
    },
    write: (result) => {
      addResult(path, result);
      count += 1;
      onProgress?.({ row: result.row, done: count, total: items.length, outcome: result.outcome });
    },
  };
  const queue = new PQueue({ concurrency });
  const work = (task: () => Promise<void>) =>
    void queue.add(async () => {
      if (!running.signal.aborted) await task().catch(stop);
    });
  const started = new Set<PlannedMemory>();
  const copies = Map.groupBy(memories, ({ before }) => before);
  const leftOf = ({ tasks }: PlannedMemory) => tasks.filter(({ index }) => !done.has(index));
  /** Answers that only lack their grade. */
  const ungraded = (item: PlannedTask) => {
    const result = again.get(item.index);
    return result && retriedFor(result) === "judge" ? result : null;
  };
  const start = (memory: PlannedMemory) => {
    if (started.has(memory)) return;
    started.add(memory);
    work(async () => {
      const left = leftOf(memory).filter((item) => ungraded(item) === null);
      const after = copies.get(memory) ?? [];
      const [kept, unkept] = [true, false].map((isKept) =>
        left.filter((item) => existsSync(keptFor(running, item)) === isKept),
      );
      await answerFromKept(running, kept!);
      if (unkept!.length > 0) await answerFrom(running, { memory, left: unkept!, after, start });
      after.forEach(start);
    });
  };
  try {
    for (const memory of memories) {
      const left = leftOf(memory).filter(
        (item) => ungraded(item) === null && !existsSync(keptFor(running, item)),
      );
      if (left.length === 0) continue;
      const isUnreadable = left.some(({ index }) => again.get(index)?.memory === null);
      await options.memories.discard?.(memory, placeOf(running, memory), {
        until: untilOf(left[0]!),
        isUnreadable,
      });
    }
    for (const item of items) {
      const result = ungraded(item);
      if (result) work(async () => running.write(await gradeAgain(running, item, result)));
    }
    (copies.get(null) ?? []).forEach(start);
  } finally {
    await queue.onIdle();
  }
  options.signal?.throwIfAborted();
  if (failure !== undefined) throw failure;
}
