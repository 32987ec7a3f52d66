/** `taskmem bench`: a benchmark as a stream, by name; each has a file of its own. */
import { ConfigError } from "../../errors.ts";
import type { Invocation } from "../invocation.ts";

type Benchmark = (invocation: Invocation) => Promise<unknown>;

/** What can be run, by its name and whether it is run on texts alone. */
function load(name: string, isText: boolean): Promise<{ run: Benchmark }> | null {
  if (name === "egolife" && isText) return import("./bench-egolife-text.ts");
  return null;
}

export async function run(invocation: Invocation, name: string): Promise<unknown> {
  const found = load(name, invocation.options.text === true);
  if (!found) {
    throw new ConfigError(
      "benchmark-unknown",
      `Expected a benchmark such as \`bench egolife --text\`, got \`bench ${name}${invocation.options.text === true ? " --text" : ""}\``,
    );
  }
  return (await found).run(invocation);
}
