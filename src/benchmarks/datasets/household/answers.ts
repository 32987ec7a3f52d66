/** The questions of a kind, who answers them, and what the answers are worth. */
import type { Reader } from "../../../answer/reader.ts";
import type { FactKind } from "../../../household/index.ts";
import { sha256 } from "../../../util/hash.ts";
import { type Answerer, choiceOf } from "../../run/answerers.ts";
import { measureOf, type Result, scoredOf } from "../../run/results.ts";
import { figures } from "../../run/scoring.ts";
import { type Interval, mean } from "../../statistics.ts";
import type { BenchmarkTask } from "../../task.ts";
import type { HouseholdFilm } from "./films.ts";

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

/** A reader as an answerer that is shown all of a film's memory, and nothing of the question but text and options. */
export const filmAnswerer = (reader: Reader): Answerer => ({
  ...{ id: reader.id, promptHash: sha256(reader.id), recall: "the whole memory of a film" },
  answer: async (question, memory, { onCost, signal }) => {
    const recalled = (await memory.entries()).map((entry) => ({ entry, score: { total: 1 } }));
    const shown = { question, recalled, rendered: "", gaps: [] };
    const reading = await reader.read({ ...shown, ...(signal && { signal }) });
    onCost?.(reading.cost);
    return { choice: choiceOf(reading), raw: [reading.answer], prompts: [], leftOut: 0 };
  },
});

/** Share of right answers; abstaining is wrong. */
export const accuracy = (answers: readonly Result[]): number =>
  mean(answers.map((answer) => measureOf(answer, "accuracy")));

export function scores(answers: readonly Result[]): AnswerFigures {
  const { tasks: n, coverage, precision, accuracyInterval } = figures(answers.map(scoredOf), intervalSeed);
  const share = accuracy(answers);
  const { low, high } = accuracyInterval ?? { low: share, high: share };
  return { accuracy: share, coverage: coverage ?? 0, precision: precision ?? 0, low, high, n };
}
