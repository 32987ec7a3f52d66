/** What the answer to one question is worth: the vote of its samples, or a judge's grade of an open answer. */
import type { Answered } from "./answerers.ts";
import { spending } from "./cost.ts";
import { isDown, type Running } from "./options.ts";
import type { PlannedTask } from "./plan.ts";
import type { Result } from "./results.ts";
import { type Choice, majorityVote, type Outcome } from "./scoring.ts";

/** What an answer is worth. */
export type Scoring = Pick<Result, "outcome" | "answer" | "problem" | "failed" | "judgement" | "judgeRaw">;

export const unscored = (problem: string, answer: string | null = null): Scoring => ({
  ...{ outcome: "error", answer, problem, failed: null, judgement: null, judgeRaw: [] },
});

export async function scoreAnswer(
  running: Running,
  item: PlannedTask,
  samples: readonly Answered[],
): Promise<Scoring> {
  const { task } = item.scheduled;
  const choices = samples.map(({ choice }) => choice);
  const scored = (outcome: Outcome, answer: string | null): Scoring => ({
    ...{ outcome, answer, problem: null, failed: null, judgement: null, judgeRaw: [] },
  });
  if (task.options) {
    const chosen = majorityVote(choices.filter((choice): choice is Choice => choice.kind !== "text"));
    if (chosen.kind === "unreadable") return unscored(chosen.problem);
    if (chosen.kind === "abstained") return scored("abstained", null);
    return scored(chosen.letter === task.answer ? "right" : "wrong", chosen.letter);
  }
  const [said] = choices;
  if (said?.kind === "abstained") return scored("abstained", null);
  if (said?.kind !== "text")
    return unscored(said?.kind === "unreadable" ? said.problem : "it names an option of an open question");
  return grade(running, item, said.text);
}

/** An open answer, graded. */
async function grade(running: Running, item: PlannedTask, answer: string): Promise<Scoring> {
  const { judge, directory, signal, worked, failed } = running;
  const { question, answer: truth, id } = item.scheduled.task;
  const onCost = spending(directory, { row: item.row.name, on: "judge", task: id });
  try {
    const graded = await judge.grade({ question, truth, answer, onCost, signal });
    worked("judge");
    if (!graded.ok) return { ...unscored(graded.problem, answer), judgeRaw: graded.raw };
    const { verdict, raw } = graded;
    const outcome = verdict.correct ? "right" : "wrong";
    return { outcome, answer, problem: null, failed: null, judgement: verdict, judgeRaw: raw };
  } catch (error) {
    if (!isDown(error)) throw error;
    failed("judge", id, error);
    return { ...unscored(`the judge failed: ${error.message}`, answer), failed: "judge" };
  }
}

/** A result whose answer was not graded, with its grade. */
export async function gradeAgain(running: Running, item: PlannedTask, result: Result): Promise<Result> {
  return { ...result, ...(await grade(running, item, result.answer!)) };
}
