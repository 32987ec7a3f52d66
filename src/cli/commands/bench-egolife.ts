/** `taskmem bench egolife`: on video, or with `--text` on transcript and captions alone. */
import { ConfigError } from "../../errors.ts";
import { flagOf } from "../flags.ts";
import type { Invocation } from "../invocation.ts";

const textOnly = ["policies", "budgets", "window", "lang", "foreign"];
const videoOnly = [
  ...["config", "baseUrl", "model", "policy", "budget", "rows", "framesPerClip", "pictureTokens", "group"],
  ...["votes", "answerModel", "judgeModel", "screenText", "run", "preset", "thinking", "extraBody"],
  ...["temperature", "sampling", "promptTemplate", "variant", "order"],
  ...["phaseOne", "lessonJudge", "recipe"],
];

/** @throws ConfigError `flags-invalid` for flags of the other kind of run */
export async function run(invocation: Invocation): Promise<void> {
  const isText = invocation.options.text === true;
  refuse(invocation.options, isText);
  if (isText) return (await import("./bench-egolife-text.ts")).run(invocation);
  return (await import("./bench-run.ts")).run(invocation, "egolife");
}

/** A flag that is ignored makes figures of something else than was asked for. */
function refuse(options: Invocation["options"], isText: boolean): void {
  const given = (isText ? videoOnly : textOnly)
    // `--no-screen-text` sets an option that is otherwise true.
    .filter((name) => options[name] !== (name === "screenText" ? true : undefined))
    .map((name) => (name === "screenText" ? "--no-screen-text" : flagOf(name)));
  if (given.length === 0) return;
  throw new ConfigError(
    "flags-invalid",
    isText
      ? `Expected flags of runs on texts with --text, got ${given.join(", ")}: those are of runs on video`
      : `Expected --text with ${given.join(", ")}`,
  );
}
