/** What is shown while answers of a model, or a training, take long. */
import type { ModelProgress, OnProgress } from "../engine.ts";
import type { OnTraining, TrainingProgress, TrainingStage } from "../training/progress.ts";
import { steadyMs } from "../util/steady-clock.ts";
import { counted, type Output } from "./output.ts";

/** Shows each report: in the progress line of a terminal, elsewhere now and then in a remark. */
export function showProgress(output: Output): OnProgress {
  return (progress) => output.waiting(progressLine(progress));
}

/** `openai:eyes: 420 tokens after 35 s, 12.0 a second`. */
export function progressLine(progress: ModelProgress): string {
  const { model, calls, elapsedMs, prompt, tokens, tokensPerSecond } = progress;
  const who = calls === 1 ? model : `${model}, ${counted(calls, "call")}`;
  const seconds = `${Math.round(elapsedMs / 1000)} s`;
  const read =
    prompt && prompt.processed < prompt.total
      ? `${prompt.processed} of ${counted(prompt.total, "token")} of the prompt read`
      : "";
  const rate = tokensPerSecond === null ? "" : `, ${tokensPerSecond.toFixed(1)} a second`;
  const wrote = tokens > 0 ? `${counted(tokens, "token")} written` : "";
  const did = [wrote, read].filter(Boolean).join(", ") || "no token written";
  return `${who}: ${did} after ${seconds}${rate}`;
}

const stages: Readonly<Record<TrainingStage, readonly [doing: string, counted: string]>> = {
  watching: ["showing again what was watched", "clips"],
  drawing: ["drawing memories", "contexts"],
  comparing: ["comparing memories", "pairs"],
  training: ["training", "steps"],
  trying: ["trying the adapter", "clips it was not trained on"],
};

/** Shows how far a lesson is and how much longer its stage takes. @param now a clock in milliseconds */
export function showTraining(output: Pick<Output, "waiting">, now: () => number = steadyMs): OnTraining {
  let first: (TrainingProgress & { readonly atMs: number }) | null = null;
  return (progress) => {
    if (first?.stage !== progress.stage || progress.done < first.done) first = { ...progress, atMs: now() };
    const { stage, done, total } = progress;
    const [doing, counted] = stages[stage];
    const pace = done > first.done ? (now() - first.atMs) / (done - first.done) : null;
    const left = pace === null || done === total ? "" : `, ${timeText(pace * (total - done))} left`;
    output.waiting(`${doing}: ${done} of ${total} ${counted}${left}`);
  };
}

/** Shows after each step of a run how much longer it takes. @param now a clock in milliseconds */
export function showSteps(
  output: Pick<Output, "waiting">,
  total: number,
  now: () => number = steadyMs,
): (step: number) => void {
  const beganMs = now();
  let before: number | null = null;
  return (step) => {
    before ??= step - 1;
    if (step < total)
      output.waiting(
        `${step} of ${total} steps, ${timeText(((now() - beganMs) / (step - before)) * (total - step))} left`,
      );
  };
}

/** `40 s`, `12 min`, `3 h 5 min`. */
function timeText(ms: number): string {
  const seconds = Math.max(1, Math.round(ms / 1000));
  if (seconds < 90) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
