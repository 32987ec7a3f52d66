/**
 * The streaming benchmarks: their datasets, the protocol, and the statistics and reports of their runs.
 *
 * `loadBenchmark` reads one of four video benchmarks, `benchmarkRows` says what writes its memories, `runBenchmark`
 * watches, asks and scores, `readRun` and `reportOf` tell what came of it. A dataset of your own is a
 * `LoadedBenchmark`: tasks, and where the video of each stream lies. The household and EgoLife's week as texts
 * have a function each.
 */
import { whenCalled } from "../util/when-called.ts";

export type { Option, Question } from "../tasks/task.ts";
export type { Random } from "../util/random.ts";
export type { EgoLifeTask } from "./datasets/egolife.ts";
export type { EvidenceMeasures } from "./datasets/egolife-text/evidence.ts";
export { type WeekDifference, weekDifferences, weekRows } from "./datasets/egolife-text/figures.ts";
export {
  type EgoLifeTextOptions,
  egoLifeTextDefaults,
  type PolicyName,
  policyNames,
} from "./datasets/egolife-text/policies.ts";
export { runEgoLifeText, type WeekResults } from "./datasets/egolife-text/run.ts";
export {
  type EgoLifeText,
  type ForeignQuestions,
  loadEgoLifeText,
  readForeignQuestions,
  type WeekTask,
} from "./datasets/egolife-text/week.ts";
export type { Language, TextEntry } from "./datasets/files/transcripts.ts";
export type { AnswerFigures } from "./datasets/household/answers.ts";
export type { FilmOptions, HouseholdFilm } from "./datasets/household/films.ts";
export type {
  Gain,
  HouseholdOptions,
  HouseholdPolicies,
  HouseholdResult,
  HouseholdRow,
  HouseholdRowName,
} from "./datasets/household/household.ts";
export type { EntryFigures } from "./datasets/household/memories.ts";
export { loadBenchmark } from "./datasets/load.ts";
export { type PaperRow, paperRows } from "./report/paper.ts";
export { type ReportedRun, readRun, type VideoRun } from "./report/read-run.ts";
export { reportOf } from "./report/report.ts";
export {
  type AnswerJudge,
  type AnswerVerdict,
  type Graded,
  type GradeRequest,
  modelAnswerJudge,
  wordingJudge,
} from "./run/answer-judge.ts";
export {
  type Answered,
  type Answerer,
  type AnswererOptions,
  type AskedOptions,
  modelAnswerer,
  type OpenAnswer,
  type RecallMode,
  readerAnswerer,
} from "./run/answerers.ts";
export type { RunCounts } from "./run/identity.ts";
export type { Following, RunOptions, RunProgress } from "./run/options.ts";
export type { OwnRow } from "./run/own-report.ts";
export type { OracleOptions, Order, PolicyVersion, ProtocolOptions } from "./run/protocol.ts";
export type { ClipCounts, HeldMemory, Result, Retried } from "./run/results.ts";
export { runBenchmark } from "./run/run.ts";
export {
  type Choice,
  type Comparison,
  compare,
  type Figures,
  type Outcome,
  type Scored,
  type Summary,
  summarise,
} from "./run/scoring.ts";
export type { RunSummary } from "./run/summary.ts";
export {
  type BenchmarkRow,
  benchmarkRows,
  type LearntPolicies,
  type RowName,
  type RowOptions,
  rowNames,
} from "./run/writers.ts";
export {
  type BootstrapOptions,
  clusterBootstrap,
  type Interval,
  mcnemarTest,
  mean,
  signFlipTest,
} from "./statistics.ts";
export {
  type BenchmarkName,
  type BenchmarkTask,
  benchmarkNames,
  type FileReference,
  type LoadedBenchmark,
  type LoadedTasks,
  type SkippedRow,
  type Span,
  type StreamFiles,
  withMaterial,
} from "./task.ts";

// The household draws its films, so it needs the optional canvas: it is loaded when it is called.

/** Films of the household, drawn, coded as video and perceived. @throws ConfigError `package-missing` without canvas */
export const filmHousehold = whenCalled(
  async () => (await import("./datasets/household/films.ts")).filmHousehold,
);

/**
 * The household benchmark: what five questions of a kind teach, on films that nothing was trained on.
 * @throws ConfigError `package-missing` without canvas
 */
export const householdBenchmark = whenCalled(
  async () => (await import("./datasets/household/household.ts")).householdBenchmark,
);
