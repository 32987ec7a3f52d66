/** `taskmem bench household`: the simulated household as a streaming benchmark, run by the demo's code. */
import { intervalSeed, tasksOf } from "../../benchmarks/datasets/household/answers.ts";
import {
  type HouseholdJudgeName,
  householdJudgeNames,
  householdPolicies,
  wholeHousehold,
} from "../../benchmarks/datasets/household/policies.ts";
import {
  householdTables,
  householdVerdict,
  memoriesNote,
  swapNote,
  swapTable,
} from "../../benchmarks/datasets/household/report.ts";
import { ConfigError } from "../../errors.ts";
import { factKinds } from "../../household/index.ts";
import { measuredEpisodes } from "../../household/splits.ts";
import { householdEvent, printHousehold, runHousehold } from "../household.ts";
import type { Invocation } from "../invocation.ts";
import { endOwnRun, startOwnRun } from "../own-run.ts";
import { following } from "./bench-print.ts";

const updateAfter = 5;

/** What differs from the paper's protocol. */
const differences = [
  "Films are of a simulated household: a toy, whose truth is known.",
  "Adapters of all kinds come from one frozen cache; a film is asked several questions of a kind.",
  "Which five tasks come first is the order of the films.",
];

export async function run(invocation: Invocation): Promise<void> {
  const { output, signal, options } = invocation;
  const { policy = "nano", limit = wholeHousehold.films } = options as { policy?: string; limit?: number };
  if (policy !== "nano" && policy !== "choice")
    throw new ConfigError("policy-unknown", `Expected --policy to be nano or choice, got ${policy}`);
  if (limit === 0)
    throw new ConfigError("flags-invalid", "Expected --limit to be a number of films from 1 up, got 0");
  const judge = judgeOf(policy, options.judge);
  const size = { ...wholeHousehold, films: limit };
  const policies = await householdPolicies(policy, signal, judge);
  const config = {
    ...{ benchmark: "household", policy, ...size, split: measuredEpisodes.benchmark.split, updateAfter },
    ...(policy === "nano" && { judge }),
    revisions: { base: policies.base?.revision ?? null, phaseOne: policies.phaseOne.revision },
  };
  const kept = startOwnRun(invocation, "household", config);
  const { result, filmed } = await runHousehold({
    ...{ output, name: policy, size, signal, policies, directory: kept.directory },
    following: following(output),
  });
  const budget = policy === "choice" ? 0.2 : null;
  const paired = Object.entries({ all: result.gain.overall, ...result.gain.kinds }).map(([subset, gain]) => ({
    ...{ first: "TaskMem", second: "Phase One", metric: "accuracy", subset, difference: gain.gain / 100 },
    ...{ low: gain.low / 100, high: gain.high / 100, n: gain.n, p: gain.p },
  }));
  const tasks = factKinds.flatMap((kind) => tasksOf(filmed, kind));
  const names = [...new Set(result.rows.map((row) => row.policy))];
  endOwnRun(
    invocation,
    kept,
    {
      ...{ rows: result.rows.map((row) => ({ ...row, type: row.kind, budget })), paired },
      ...{ results: result.results, skipped: [], notes: [memoriesNote, swapNote] },
      rowNames: names.map((name) => ({ name, label: name, policy: name, budget })),
      report: {
        ...{
          title: `The household: ${policy}, ${limit} films${judge === "truth" ? ", by a judge that knows the truth" : ""}`,
          verdict: householdVerdict(result),
        },
        ...{
          tables: [...householdTables(result, ["coverage", "precision"]), swapTable(result)],
          differences,
        },
        ...{ updates: [updateAfter], intervals: intervalSeed },
      },
      files: { "tasks.jsonl": tasks },
    },
    { benchmark: "household", tasks: tasks.length, skipped: [], ...householdEvent(result) },
    () => printHousehold(output, result),
  );
}

/** @throws ConfigError `flags-invalid` for an unknown judge, and for one of a policy that learns without */
function judgeOf(policy: string, given: unknown): HouseholdJudgeName {
  const judge = householdJudgeNames.find((name) => name === (given ?? "words"));
  if (judge === undefined)
    throw new ConfigError("flags-invalid", `Expected --judge to be words or truth, got ${given}`);
  if (policy === "choice" && given !== undefined)
    throw new ConfigError(
      "flags-invalid",
      "--judge compares nano's memories; the choice policy learns from the words of questions. Leave it out.",
    );
  return judge;
}
