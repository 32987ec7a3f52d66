/** `taskmem bench report`: draws runs as one page and as Markdown. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
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
  const { html, markdown } = reportOf(paths.map(readRun));
  const folder = resolve(typeof options.out === "string" ? options.out : first);
  mkdirSync(folder, { recursive: true });
  const files = { html: join(folder, "report.html"), markdown: join(folder, "report.md") };
  writeFileSync(files.html, html);
  writeFileSync(files.markdown, markdown);
  output.object({ event: "bench-report", ...files });
  output.text(files.html, files.markdown);
}
