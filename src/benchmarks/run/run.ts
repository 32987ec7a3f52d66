/**
 * A benchmark, run: videos are watched into memories, questions answered from them sealed, answers scored and kept raw.
 *
 * A run is a folder: `run.json` (what was run, with every id and hash), `results.jsonl` (one line for each row and task,
 * in the order of the schedule), `summary.json`, `cost.jsonl`, what was perceived, and the memories. Results hold no
 * times and no costs that depend on a kill, so that a run that was killed and resumed ends with the same bytes as one
 * that was not. Questions are not copied: their ids are enough with the annotations at hand.
 *
 * An engine that fails at a clip, or at a question, costs just that, and the run continues; one that fails again and
 * again stops it. `resume.ts` says what a resumed run does again.
 */
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import PQueue from "p-queue";
import type { Cost } from "../../engine.ts";
import { folderCache } from "../../engines/cached-model.ts";
import { FailuresInARow } from "../../util/failures-in-a-row.ts";
import { answerFrom, answerFromKept } from "./answering.ts";
import { cachedPerceptors } from "./cached-senses.ts";
import { totalCost } from "./cost.ts";
import { gradeAgain } from "./grading.ts";
import { describe, openRun } from "./identity.ts";
import type { Running, RunOptions } from "./options.ts";
import { type PlannedMemory, type PlannedTask, planRun, type RunPlan } from "./plan.ts";
import { addResult, countRetried, openResults, orderResults, retriedFor } from "./results.ts";
import { discardUnlessSound, keptFor, type Standing, standingOf } from "./resume.ts";
import { type RunSummary, summaryOf } from "./summary.ts";

/**
 * Runs what is left of a run and writes its summary.
 * @throws ConfigError `run-exists` for a folder with results where not resuming, `run-differs` for another run's
 * @throws EngineError where a model is down or a budget spent; the run can be resumed
 */
export async function runBenchmark(options: RunOptions): Promise<{ summary: RunSummary; cost: Cost }> {
  const { directory, rows, tasks, protocol } = options;
  for (const name of ["votes", "concurrency"] as const) {
    const value = options[name];
    if (!Number.isInteger(value) || value < 1)
      throw new RangeError(`Expected \`${name}\` to be an integer from 1 up, got ${value}`);
  }
  const plan = planRun(rows, tasks, protocol);
  const description = describe(options, plan);
  openRun(directory, description, options.resume);
  const path = join(directory, "results.jsonl");
  const before = openResults(path);
  const standing = standingOf(directory, plan, before);
  if (before.length > 0) {
    const again = before.length - standing.done.size;
    options.onResume?.({ done: standing.done.size, again, reasons: countRetried(before) });
  }
  try {
    await finish(options, plan, standing, path);
  } finally {
    rmSync(join(directory, "scratch"), { recursive: true, force: true });
  }
  const order = plan.items.map(({ row, scheduled }) => ({ row: row.name, task: scheduled.task.id }));
  const summary = summaryOf(options, description.id, orderResults(path, order));
  writeFileSync(join(directory, "summary.json"), `${JSON.stringify(summary, null, 1)}\n`);
  return { summary, cost: totalCost(directory) };
}

/** Watches and asks what is left, several memories at once; one that begins as a copy waits for the one before. */
async function finish(
  options: RunOptions,
  { items, memories }: RunPlan,
  { done, again }: Standing,
  path: string,
): Promise<void> {
  const { concurrency, onProgress } = options;
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
    perceptors: cachedPerceptors(options.perceptors, folderCache(join(options.directory, "perceived"))),
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
      await discardUnlessSound(options, memory, left[0]!, isUnreadable);
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
