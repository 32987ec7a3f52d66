/** Shared by `bench household` and `bench egolife --text`: a run's folder, from its first step to its report. */
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type ReportedRun, readRun } from "../benchmarks/report/read-run.ts";
import { reportOf } from "../benchmarks/report/report.ts";
import { type OwnFindings, type OwnRun, openOwnRun } from "../benchmarks/run/own-run.ts";
import { noCost } from "../engine.ts";
import type { Invocation } from "./invocation.ts";
import type { Output } from "./output.ts";

/** Opens the folder of a run below `--runs`; with `--resume` its steps stand. */
export function startOwnRun({ output, options }: Invocation, name: string, config: object): OwnRun {
  const kept = openOwnRun({
    ...{ runs: resolve(typeof options.runs === "string" ? options.runs : "runs"), name, config },
    resume: options.resume === true,
    onStep: (step) => output.object({ event: "bench-step", step }),
  });
  if (kept.standing > 0) output.note(`resumed: ${kept.standing} steps kept`);
  return kept;
}

/** The figures of a run, flat. */
export interface OwnFigures {
  readonly rows: readonly object[];
  readonly paired: readonly object[];
}

/**
 * Writes a run with its report, and tells it as one object.
 * @param end facts of the last event
 * @param print the figures, for people
 */
export function endOwnRun(
  output: Output,
  { directory, finish }: OwnRun,
  found: Omit<OwnFindings, "files"> & OwnFigures & { readonly files?: OwnFindings["files"] },
  end: Readonly<Record<string, unknown>>,
  print: (run: ReportedRun) => void,
): void {
  const { rows, paired, files, ...findings } = found;
  finish({ ...findings, files: { "rows.jsonl": rows, "paired.jsonl": paired, ...files } });
  const run = readRun(directory);
  writeFileSync(join(directory, "report.md"), reportOf([run]).markdown);
  print(run);
  output.text("", output.dim(directory));
  output.object({ event: "bench-end", ...end, rows, paired, cost: noCost, run: directory });
}
