/** The questions of a kind, answered by a reader from what was written: it sees text and options, never the answer. */
import type { Reader } from "../../../answer/reader.ts";
import type { FactKind } from "../../../household/index.ts";
import type { Entry, RecalledEntry, Statement } from "../../../memory/memory.ts";
import { measureOf, type Result, scoredOf, wholeMemory, withoutModel } from "../../run/results.ts";
import { figures } from "../../run/scoring.ts";
import { type Interval, mean } from "../../statistics.ts";
import { type BenchmarkTask, questionOf } from "../../task.ts";
import type { HouseholdFilm } from "./films.ts";
import type { Written } from "./memories.ts";

/** Shares of all questions; precision of those answered. */
export interface AnswerFigures extends Interval {
  readonly accuracy: number;
  readonly coverage: number;
  readonly precision: number;
  /** 95 % interval of the accuracy, bootstrapped over films. */
  readonly low: number;
  readonly high: number;
  /** Questions. */
  readonly n: number;
}

/** Random seed of the intervals. */
export const intervalSeed = "household intervals";

/** The stream that a film is; names sort as the films come. */
export const streamOf = (film: number) => `film ${String(film + 1).padStart(3, "0")}`;

/** The questions of a kind, film after film. */
export function tasksOf(films: readonly HouseholdFilm[], kind: FactKind): BenchmarkTask[] {
  return films.flatMap(({ questions }, film) =>
    questions
      .filter((question) => question.kind === kind)
      .map(({ text, options, answer }, n) => ({
        ...{ id: `${streamOf(film)} ${kind} ${n + 1}`, stream: streamOf(film), type: kind, askTime: "end" },
        ...{ question: text, options, answer },
      })),
  );
}

/** The answers to questions from what was written of each film. */
export async function answersOf(
  row: string,
  tasks: readonly BenchmarkTask[],
  written: readonly Written[],
  {
    reader,
    countTokens,
    signal,
  }: {
    readonly reader: Reader;
    readonly countTokens: (text: string) => number;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<Result[]> {
  const memoryOf = new Map(written.map((memory, film) => [streamOf(film), memory.statements]));
  const results: Result[] = [];
  for (const [place, task] of tasks.entries()) {
    const { id, stream, type, askTime, answer } = task;
    const statements = memoryOf.get(stream)!;
    const { option, abstained } = await reader.read({
      ...{ question: questionOf(task), recalled: statements.map(recalledOf), rendered: "", gaps: [] },
      ...(signal && { signal }),
    });
    const tokens = statements.reduce((sum, { text }) => sum + countTokens(text), 0);
    results.push({
      ...{ row, task: id, stream, askTime, types: [type], place, policy: row, revisions: [] },
      memory: { id: `${row}, ${stream}`, entries: statements.length, tokens, ...wholeMemory },
      outcome: abstained ? "abstained" : option === answer ? "right" : "wrong",
      ...{ answer: option, problem: null, ...withoutModel },
    });
  }
  return results;
}

/** As a sealed memory gives it: without what it was written from. */
function recalledOf(statement: Statement, i: number): RecalledEntry {
  const { clip, startSeconds, endSeconds } = statement;
  const entry: Entry = {
    ...statement,
    ...{ id: `entry-${i}`, stream: "film", writtenAtMs: 0, policy: "", revision: "", closed: null },
    evidence: { clips: [clip], startSeconds, endSeconds, frames: [], sources: [], tiers: {} },
  };
  return { entry, score: { total: 1 } };
}

/** Share of right answers; abstaining is wrong. */
export const accuracy = (answers: readonly Result[]): number =>
  mean(answers.map((answer) => measureOf(answer, "accuracy")));

export function scores(answers: readonly Result[]): AnswerFigures {
  const { tasks: n, coverage, precision, accuracyInterval } = figures(answers.map(scoredOf), intervalSeed);
  const share = accuracy(answers);
  const { low, high } = accuracyInterval ?? { low: share, high: share };
  return { accuracy: share, coverage: coverage ?? 0, precision: precision ?? 0, low, high, n };
}
