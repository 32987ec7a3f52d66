/** Shared by `bench household` and `bench egolife --text`: a run's folder, and its report. */
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type ReportedRun, readRun } from "../benchmarks/report/read-run.ts";
import { reportOf } from "../benchmarks/report/report.ts";
import { type OwnFindings, openOwnRun, writeOwnRun } from "../benchmarks/run/own-report.ts";
import { noCost } from "../engine.ts";
import type { Invocation } from "./invocation.ts";

/** A run with figures of its own. */
export interface OwnRun {
  readonly directory: string;
  /** First part of its name. */
  readonly name: string;
  readonly config: object;
}

/** Opens the folder of a run below `--runs`; with `--resume` what is there stands. */
export function startOwnRun({ options }: Invocation, name: string, config: object): OwnRun {
  const runs = resolve(typeof options.runs === "string" ? options.runs : "runs");
  return { directory: openOwnRun({ runs, name, config, resume: options.resume === true }), name, config };
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
  { output }: Invocation,
  run: OwnRun,
  found: Omit<OwnFindings, "files"> & OwnFigures & { readonly files?: OwnFindings["files"] },
  end: Readonly<Record<string, unknown>>,
  print: (run: ReportedRun) => void,
): void {
  const { directory, config } = run;
  const { rows, paired, files, ...findings } = found;
  writeOwnRun(directory, run, {
    ...findings,
    files: { "rows.jsonl": rows, "paired.jsonl": paired, ...files },
  });
  const reported = readRun(directory);
  writeFileSync(join(directory, "report.md"), reportOf([reported]).markdown);
  print(reported);
  output.text("", output.dim(directory));
  output.object({ event: "bench-end", ...end, rows, paired, config, cost: noCost, run: directory });
}
