/** `taskmem bench household`: the simulated household as a streaming benchmark, by the demo's code. */
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { householdMarkdown, householdReport } from "../../benchmarks/datasets/household/report.ts";
import { jsonLines, makeRunDirectory, openSteps } from "../../benchmarks/run/directory.ts";
import { noCost } from "../../engine.ts";
import { ConfigError } from "../../errors.ts";
import { sha256 } from "../../util/hash.ts";
import {
  householdEvent,
  householdPolicies,
  printHousehold,
  runHousehold,
  wholeHousehold,
} from "../household.ts";
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
  const runs = resolve(typeof options.runs === "string" ? options.runs : "runs");
  const directory = join(runs, `household-${sha256(JSON.stringify(config)).slice(0, 12)}`);
  makeRunDirectory(directory);
  const steps = openSteps<unknown>(directory, options.resume === true);
  if (steps.before.size > 0) output.note(`resumed: ${steps.before.size} steps stand`);
  const step = async <T>(name: string, make: () => Promise<T>): Promise<T> => {
    if (steps.before.has(name)) return steps.before.get(name) as T;
    const given = await make();
    steps.add(name, given);
    output.object({ event: "bench-step", step: name });
    return given;
  };
  const { result, filmed } = await runHousehold({
    ...{ output, name: policy, size, signal, policies, step },
  });
  const rows = result.rows.map((row) => ({
    ...row,
    ...{ type: row.kind, budget: policy === "choice" ? 0.2 : null },
  }));
  const paired = Object.entries({ all: result.gain.overall, ...result.gain.kinds }).map(([subset, gain]) => ({
    ...{ first: "TaskMem", second: "Phase One", metric: "accuracy", subset, difference: gain.gain / 100 },
    ...{ low: gain.low / 100, high: gain.high / 100, n: gain.n, p: gain.p },
  }));
  const write = (name: string, content: string) => writeFileSync(join(directory, name), content);
  write("config.json", `${JSON.stringify(config, null, 2)}\n`);
  write("rows.jsonl", jsonLines(rows));
  write("paired.jsonl", jsonLines(paired));
  write("swap.json", `${JSON.stringify(result.swap, null, 2)}\n`);
  write("questions.jsonl", jsonLines(result.answers));
  write("report.md", `${householdMarkdown(householdReport(result)).join("\n")}\n`);
  steps.remove();
  printHousehold(output, result);
  output.text(output.dim(`\n${directory}`));
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
    run: directory,
  });
}
