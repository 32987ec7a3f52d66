/** `taskmem bench household`: the simulated household as a streaming benchmark, run by the demo's code. */
import { resolve } from "node:path";
import { householdPolicies, wholeHousehold } from "../../benchmarks/datasets/household/policies.ts";
import { householdMarkdown, householdReport } from "../../benchmarks/datasets/household/report.ts";
import { openStepRun } from "../../benchmarks/run/directory.ts";
import { noCost } from "../../engine.ts";
import { ConfigError } from "../../errors.ts";
import { householdEvent, printHousehold, runHousehold } from "../household.ts";
import type { Invocation } from "../invocation.ts";

export async function run({ output, signal, options }: Invocation): Promise<void> {
  const { policy = "nano", limit = wholeHousehold.films } = options as { policy?: string; limit?: number };
  if (policy !== "nano" && policy !== "choice")
    throw new ConfigError("policy-unknown", `Expected --policy to be nano or choice, got ${policy}`);
  if (limit === 0)
    throw new ConfigError("flags-invalid", "Expected --limit to be a number of films from 1 up, got 0");
  const size = { ...wholeHousehold, films: limit };
  const policies = await householdPolicies(policy, signal);
  const config = {
    ...{ benchmark: "household", policy, ...size, split: "held-out", updateAfter: 5 },
    revisions: { base: policies.base?.revision ?? null, phaseOne: policies.phaseOne.revision },
  };
  const kept = openStepRun({
    ...{ runs: resolve(typeof options.runs === "string" ? options.runs : "runs"), name: "household", config },
    resume: options.resume === true,
    onStep: (step) => output.object({ event: "bench-step", step }),
  });
  if (kept.standing > 0) output.note(`resumed: ${kept.standing} steps kept`);
  const { result, filmed } = await runHousehold({
    ...{ output, name: policy, size, signal, policies, step: kept.step },
  });
  const rows = result.rows.map((row) => ({
    ...row,
    ...{ type: row.kind, budget: policy === "choice" ? 0.2 : null },
  }));
  const paired = Object.entries({ all: result.gain.overall, ...result.gain.kinds }).map(([subset, gain]) => ({
    ...{ first: "TaskMem", second: "Phase One", metric: "accuracy", subset, difference: gain.gain / 100 },
    ...{ low: gain.low / 100, high: gain.high / 100, n: gain.n, p: gain.p },
  }));
  kept.finish({
    ...{ rows, paired, questions: result.answers, report: householdMarkdown(householdReport(result)) },
    files: { "swap.json": `${JSON.stringify(result.swap, null, 2)}\n` },
  });
  printHousehold(output, result);
  output.text("", output.dim(kept.directory));
  output.object({
    event: "bench-end",
    benchmark: "household",
    tasks: filmed.reduce((sum, { questions }) => sum + questions.length, 0),
    skipped: [],
    ...householdEvent(result),
    rows,
    paired,
    config,
    cost: noCost,
    run: kept.directory,
  });
}
