/** `taskmem bench household`: the simulated household as a streaming benchmark, by the demo's code. */
import { noCost } from "../../engine.ts";
import { ConfigError } from "../../errors.ts";
import { householdEvent, printHousehold, runHousehold, wholeHousehold } from "../household.ts";
import type { Invocation } from "../invocation.ts";

export async function run({ output, signal, options }: Invocation): Promise<void> {
  const { policy = "nano", limit = wholeHousehold.films } = options as { policy?: string; limit?: number };
  if (policy !== "nano" && policy !== "choice")
    throw new ConfigError("policy-unknown", `Expected --policy to be nano or choice, got ${policy}`);
  if (limit === 0)
    throw new ConfigError("flags-invalid", "Expected --limit to be a number of films from 1 up, got 0");
  const size = { ...wholeHousehold, films: limit };
  const { result, filmed } = await runHousehold(output, policy, size, signal);
  printHousehold(output, result);
  output.object({
    event: "bench-end",
    benchmark: "household",
    tasks: filmed.reduce((sum, { questions }) => sum + questions.length, 0),
    skipped: [],
    ...householdEvent(result),
    rows: result.rows.map((row) => ({ ...row, type: row.kind, budget: policy === "choice" ? 0.2 : null })),
    paired: Object.entries({ all: result.gain.overall, ...result.gain.kinds }).map(([subset, gain]) => ({
      ...{ first: "TaskMem", second: "Phase One", metric: "accuracy", subset, difference: gain.gain / 100 },
      ...{ low: gain.low / 100, high: gain.high / 100, n: gain.n, p: gain.p },
    })),
    config: { policy, ...size, split: "held-out", updateAfter: 5 },
    cost: noCost,
    run: null,
  });
}
