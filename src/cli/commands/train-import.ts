/** `taskmem train import`: what a trainer elsewhere made of a job, tried, and made active if it does better. */
import { judgeFlags } from "../flags.ts";
import type { Invocation } from "../invocation.ts";
import { adaptEnd, printResult } from "../learn.ts";
import { openFor } from "../open.ts";
import { showTraining } from "../progress.ts";

interface ImportFlags {
  readonly block?: number;
  readonly servedAs?: string;
}

export async function run(invocation: Invocation, path: string): Promise<void> {
  const { output, signal, options } = invocation;
  const { block, servedAs } = options as ImportFlags;
  await using memory = await openFor(invocation, { mustExist: true });
  const result = await memory.importJob(path, {
    ...{ block, servedAs, signal },
    ...judgeFlags({ ...options }),
    onTraining: showTraining(output),
  });
  output.progress("");
  if ("weights" in result) {
    output.object({ event: "train-imported", ...result });
    output.text(`${output.bold(result.passes ? "passed" : "not passed")}: ${result.reason}`);
    return;
  }
  output.object({ ...adaptEnd(result), event: "train-imported" });
  printResult(output, result);
}
