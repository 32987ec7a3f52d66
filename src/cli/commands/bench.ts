/** `taskmem bench`: a benchmark as a stream, by name; each has a file of its own. */
import { benchmarkNames } from "../../benchmarks/task.ts";
import { ConfigError } from "../../errors.ts";
import type { Invocation } from "../invocation.ts";

type Benchmark = (invocation: Invocation, paths: readonly string[]) => Promise<unknown>;

const shared = ["json"];
const configured = ["config", "baseUrl", "model"];
/** Flags each takes; one that would be ignored is refused, for the figures would not be what was asked for. */
const flagsOf: Readonly<Record<"report" | "household" | "text" | "video", readonly string[]>> = {
  report: [...shared, "out"],
  household: [...shared, "policy", "limit", "runs", "resume"],
  text: [
    ...shared,
    ...["text", "root", "annotations", "policies", "budgets", "stream", "updates", "window", "lang"],
    ...["weights", "foreign", "seed", "runs", "variant", "order", "limit", "resume"],
  ],
  video: [
    ...shared,
    ...configured,
    ...["root", "annotations", "policy", "weights", "budget", "rows", "updates", "variant", "order", "group"],
    ...["limit", "seed", "votes", "answerModel", "judgeModel", "screenText", "runs", "run", "resume"],
  ],
};

/** @throws ConfigError naming all flags that mean nothing here */
function checkFlags(name: string, options: Invocation["options"]): void {
  const isText = options.text === true;
  const kind = name === "report" || name === "household" ? name : isText ? "text" : "video";
  const ignored = Object.entries(options)
    .filter(([flag, value]) => !flagsOf[kind].includes(flag) && value !== undefined)
    .filter(([flag, value]) => flag !== "screenText" || value === false)
    .map(([flag]) => `--${flag === "screenText" ? "no-screen-text" : kebab(flag)}`);
  if (ignored.length === 0) return;
  const called = `bench ${name}${isText ? " --text" : ""}`;
  throw new ConfigError(
    "flags-invalid",
    `Expected flags that \`${called}\` takes (${flagsOf[kind].map((flag) => `--${kebab(flag)}`).join(", ")}), got ${ignored.join(", ")}`,
  );
}

const kebab = (flag: string) => flag.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

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
      `Expected \`bench\` of household, ${benchmarkNames.join(", ")}, egolife --text, or report, got \`bench ${name}${invocation.options.text === true ? " --text" : ""}\``,
    );
  }
  checkFlags(name, invocation.options);
  if (name !== "report" && paths.length > 0)
    throw new ConfigError("flags-invalid", `Expected flags after \`bench ${name}\`, got ${paths.join(" ")}`);
  return (await found).run(invocation, paths);
}
