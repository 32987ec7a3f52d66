/** The streaming benchmarks: their protocol, one runner, and its report. */
export { type ReportedRun, readRun } from "./report/read-run.ts";
export type { RunOptions } from "./run/options.ts";
export { runBenchmark } from "./run/run.ts";
export type { RunSummary } from "./run/summary.ts";
