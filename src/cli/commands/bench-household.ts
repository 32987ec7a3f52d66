/** `taskmem bench household`: the simulated household as a streaming benchmark, by the demo's code. */
import { ConfigError } from "../../errors.ts";
import { householdEvent, printHousehold, runHousehold, wholeHousehold } from "../household.ts";
import type { Invocation } from "../invocation.ts";

export async function run({ output, signal, options }: Invocation): Promise<void> {
  const { policy = "nano", limit = wholeHousehold.films } = options as { policy?: string; limit?: number };
  if (policy !== "nano" && policy !== "choice")
    throw new ConfigError("policy-unknown", `Expected --policy to be nano or choice, got ${policy}`);
  const size = { ...wholeHousehold, films: limit };
  const { result, filmed } = await runHousehold(output, policy, size, signal);
  printHousehold(output, result);
  output.object({
    event: "bench-end",
    benchmark: "household",
    tasks: filmed.reduce((sum, { questions }) => sum + questions.length, 0),
    skipped: 0,
    ...householdEvent(result),
    config: { policy, ...size, split: "held-out", updateAfter: 5 },
  });
}
