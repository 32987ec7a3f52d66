/** The questions of a kind, answered by a reader from what was written: it sees text and options, never the answer. */
import type { Reader } from "../../../answer/reader.ts";
import type { FactKind, HouseholdQuestion } from "../../../household/index.ts";
import type { Entry, RecalledEntry, Statement } from "../../../memory/memory.ts";
import type { Question } from "../../../tasks/task.ts";
import { seededRandom } from "../../../util/random.ts";
import { clusterBootstrap, type Interval, mean } from "../../statistics.ts";
import type { HouseholdFilm } from "./films.ts";
import type { Written } from "./memories.ts";

/** The answer to one question from what one policy wrote. */
export interface HouseholdAnswer {
  readonly film: string;
  readonly kind: FactKind;
  readonly question: string;
  readonly options: HouseholdQuestion["options"];
  /** Letters of the right option and of the chosen one. */
  readonly answer: string;
  readonly given: string | null;
  readonly answered: boolean;
  readonly right: boolean;
}

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

/** A question as its asker puts it, without what is true. */
export function askedOf({ text, options }: HouseholdQuestion): Question {
  return { text, options };
}

/** The answers to all questions of a kind, film after film. */
export async function answersOf(
  films: readonly HouseholdFilm[],
  written: readonly Written[],
  kind: FactKind,
  { reader, signal }: { readonly reader: Reader; readonly signal?: AbortSignal | undefined },
): Promise<HouseholdAnswer[]> {
  const answers: HouseholdAnswer[] = [];
  for (const [i, { episode, questions }] of films.entries()) {
    const recalled = written[i]!.statements.map(recalledOf);
    for (const question of questions) {
      if (question.kind !== kind) continue;
      const { option, abstained } = await reader.read({
        ...{ question: askedOf(question), recalled, rendered: "", gaps: [] },
        ...(signal && { signal }),
      });
      answers.push({
        film: episode.seed,
        kind,
        ...{ question: question.text, options: question.options, answer: question.answer, given: option },
        answered: !abstained,
        right: !abstained && option === question.answer,
      });
    }
  }
  return answers;
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
export const accuracy = (answers: readonly HouseholdAnswer[]): number =>
  mean(answers.map(({ right }) => Number(right)));

export function scores(answers: readonly HouseholdAnswer[]): AnswerFigures {
  const { low, high } = clusterBootstrap(
    answers.map(({ right }) => Number(right)),
    answers.map(({ film }) => film),
    seededRandom("household intervals"),
  );
  const answered = answers.filter((answer) => answer.answered);
  return {
    accuracy: accuracy(answers),
    coverage: answered.length / Math.max(1, answers.length),
    precision: accuracy(answered),
    ...{ low, high, n: answers.length },
  };
}
