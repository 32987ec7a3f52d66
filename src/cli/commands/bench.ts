/** `taskmem bench`: a benchmark as a stream, by name; each has a file of its own. */
import { benchmarkNames } from "../../benchmarks/task.ts";
import { ConfigError } from "../../errors.ts";
import type { Invocation } from "../invocation.ts";

type Benchmark = (invocation: Invocation, paths: readonly string[]) => Promise<unknown>;

/** What can be run, by its name and whether it is run on texts alone. */
function load(name: string, isText: boolean): Promise<{ run: Benchmark }> | null {
  if (name === "household") return import("./bench-household.ts");
  if (name === "egolife" && isText) return import("./bench-egolife-text.ts");
  if (name === "report")
    return import("./bench-report.ts").then(({ run }) => ({ run: (call, paths) => run(call, paths) }));
  const onVideo = benchmarkNames.find((known) => known === name);
  if (onVideo && !isText)
    return import("./bench-run.ts").then(({ run }) => ({ run: (call) => run(call, onVideo) }));
  return null;
}

export async function run(invocation: Invocation, name: string, paths: readonly string[]): Promise<unknown> {
  const found = load(name, invocation.options.text === true);
  if (!found) {
    throw new ConfigError(
      "benchmark-unknown",
      `Expected a benchmark such as \`bench egolife --text\` or \`bench videomme\`, got \`bench ${name}${invocation.options.text === true ? " --text" : ""}\``,
    );
  }
  return (await found).run(invocation, paths);
}
