/**
 * A benchmark on videos, run: they are watched into memories, questions answered from them sealed, answers scored and
 * kept raw.
 *
 * A run is a folder: `run.json` (what was run, with every id and hash), `results.jsonl` (one line for each row and task,
 * in the order of the schedule), `summary.json`, `cost.jsonl`, what was perceived, and the memories. Results hold no
 * times and no costs that depend on a kill, so that a run that was killed and resumed ends with the same bytes as one
 * that was not. Questions are not copied: their ids are enough with the annotations at hand.
 */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Cost } from "../../engine.ts";
import { totalCost } from "./cost.ts";
import { describe, openRun } from "./identity.ts";
import { runLoop } from "./loop.ts";
import type { RunOptions } from "./options.ts";
import { planRun } from "./plan.ts";
import { type RunSummary, summaryOf } from "./summary.ts";
import { videoMemories } from "./video-memories.ts";

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
  try {
    const results = await runLoop({ ...options, plan, memories: videoMemories(options) });
    const summary = summaryOf(options, description.id, results);
    writeFileSync(join(directory, "summary.json"), `${JSON.stringify(summary, null, 1)}\n`);
    return { summary, cost: totalCost(directory) };
  } finally {
    rmSync(join(directory, "scratch"), { recursive: true, force: true });
  }
}
