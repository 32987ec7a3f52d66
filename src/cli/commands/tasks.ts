/** `taskmem tasks`: the questions that were asked, which are what the memory learns from, and feedback on them. */
import { loadConfig } from "../../config.ts";
import { ConfigError } from "../../errors.ts";
import type { Invocation } from "../invocation.ts";
import { openConfiguredMemory } from "../wiring.ts";

interface TaskFlags {
  readonly task?: string;
  readonly right?: boolean;
  readonly wrong?: boolean;
  readonly correction?: string;
  readonly limit?: number;
}

export async function run(
  { output, flags, configFile, options }: Invocation,
  action = "list",
): Promise<void> {
  const { task, right, wrong, correction, limit } = options as TaskFlags;
  const config = await loadConfig(flags, { file: configFile });
  const memory = await openConfiguredMemory(config, { mustExist: true });
  try {
    if (action === "feedback") {
      if (task === undefined || (right === true) === (wrong === true || correction !== undefined)) {
        throw new ConfigError(
          "feedback-invalid",
          "Expected --task with --right, or with --wrong and perhaps --correction",
        );
      }
      await memory.addFeedback(task, {
        atMs: Date.now(),
        verdict: right ? "right" : "wrong",
        correction: correction ?? null,
      });
      output.object({ event: "feedback-end", task });
      output.text(`noted: ${task} was ${right ? "right" : "wrong"}`);
      return;
    }
    if (action !== "list") {
      throw new ConfigError("action-unknown", `Expected \`tasks list\` or \`tasks feedback\`, got ${action}`);
    }
    const tasks = await memory.tasks(limit === undefined ? {} : { limit, newest: true });
    for (const one of tasks) {
      output.object(one);
      const verdict = one.feedback ? `, ${one.feedback.verdict}` : "";
      const outcome = one.abstained ? "not in memory" : one.answer;
      output.text(`${output.dim(one.id)}  ${one.question.text}  ${output.dim(`${outcome}${verdict}`)}`);
    }
    if (tasks.length === 0) output.note("nobody has asked anything yet");
  } finally {
    await memory.close();
  }
}
