/** `taskmem train export`: what a memory's model would learn from, as a job for a trainer elsewhere. */
import { resolve } from "node:path";
import { ConfigError } from "../../errors.ts";
import { jobKinds, jobTrainers } from "../../policies/model/jobs/job.ts";
import { judgeFlags } from "../flags.ts";
import type { Invocation } from "../invocation.ts";
import { openFor } from "../open.ts";
import { counted } from "../output.ts";
import { showTraining } from "../progress.ts";

interface ExportFlags {
  readonly for?: string;
  readonly out?: string;
  readonly kind?: string;
  readonly block?: number;
  readonly weights?: string;
  readonly recipe?: string;
  readonly learningRate?: string;
  readonly steps?: number;
  readonly pairsAtOnce?: number;
  readonly seed?: string;
}

export async function run(invocation: Invocation): Promise<void> {
  const { output, signal } = invocation;
  const flags = invocation.options as ExportFlags;
  const { block, weights, recipe, steps, pairsAtOnce, seed } = flags;
  const trainer = oneOf("--for", jobTrainers, flags.for);
  const kind = oneOf("--kind", jobKinds, flags.kind ?? "vector");
  if (flags.out === undefined) throw new ConfigError("flags-invalid", "Name the job's directory with --out.");
  const out = resolve(flags.out);
  await using memory = await openFor(invocation, { mustExist: true });
  const job = await memory.exportJob({
    ...{ for: trainer, out, kind, block, weights, recipe, seed, signal },
    ...{ steps: positive("--steps", steps), pairsAtOnce: positive("--pairs-at-once", pairsAtOnce) },
    learningRate: positive("--learning-rate", flags.learningRate),
    ...judgeFlags({ ...invocation.options }),
    onTraining: showTraining(output),
  });
  output.progress("");
  output.object({ event: "train-exported", for: trainer, ...job });
  output.text(
    `${counted(job.pairs, "pair")} of ${counted(job.contexts, "clip")} for ${trainer}: ${out}`,
    output.dim(`${out}/README.md says how to run it`),
  );
}

function oneOf<Name extends string>(flag: string, names: readonly Name[], given: string | undefined): Name {
  const found = names.find((name) => name === given);
  if (found) return found;
  throw new ConfigError(
    "flags-invalid",
    `Expected ${flag} to be ${names.join(", ")}, got ${given ?? "nothing"}`,
  );
}

function positive(flag: string, given: string | number | undefined): number | undefined {
  if (given === undefined) return undefined;
  const value = Number(given);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new ConfigError("number-invalid", `Expected ${flag} to be a number above 0, got ${given}`);
}
