/** `taskmem bench report`: draws runs as one page and as Markdown. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { isDrawnRun, readDrawnRun } from "../../benchmarks/report/drawn-run.ts";
import { readRun } from "../../benchmarks/report/read-run.ts";
import { reportOf } from "../../benchmarks/report/report.ts";
import { ConfigError } from "../../errors.ts";
import type { Invocation } from "../invocation.ts";

export async function run({ output, options }: Invocation, paths: readonly string[]): Promise<void> {
  const [first] = paths;
  if (first === undefined)
    throw new ConfigError(
      "run-missing",
      "Expected folders of runs, such as `bench report runs/videomme-…`, got none",
    );
  const drawn = paths.filter(isDrawnRun);
  const others = paths.filter((path) => !drawn.includes(path));
  const { html, markdown } = reportOf(others.map(readRun), drawn.map(readDrawnRun));
  const folder = resolve(typeof options.out === "string" ? options.out : first);
  mkdirSync(folder, { recursive: true });
  // Such a run has a report.md of its own.
  const markdownName = isDrawnRun(folder) ? "runs.md" : "report.md";
  const files = { html: join(folder, "report.html"), markdown: join(folder, markdownName) };
  writeFileSync(files.html, html);
  writeFileSync(files.markdown, markdown);
  output.object({ event: "bench-report", ...files });
  output.text(files.html, files.markdown);
}
