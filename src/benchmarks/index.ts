/** The streaming benchmarks: their protocol, one runner, and its report. */
export { type ReportedRun, readRun } from "./report.ts";
export { type RunOptions, type RunSummary, runBenchmark } from "./run.ts";
