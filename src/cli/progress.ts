/** What is shown while answers of a model take long. */
import type { ModelProgress, OnProgress } from "../engine.ts";
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
