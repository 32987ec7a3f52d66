/**
 * `taskmem tasks`: the questions that were asked, which are what the memory learns from, feedback on them, and questions
 * to learn from that nobody needs an answer to.
 */
import { randomUUID } from "node:crypto";
import { openConfiguredMemory } from "../../assembly.ts";
import { loadConfig } from "../../config.ts";
import { ConfigError } from "../../errors.ts";
import type { Memory } from "../../memory/memory.ts";
import type { Task } from "../../tasks/task.ts";
import type { Invocation } from "../invocation.ts";
import type { Output } from "../output.ts";
import { readQuestion } from "../question.ts";

interface TaskFlags {
  readonly task?: string;
  readonly right?: boolean;
  readonly wrong?: boolean;
  readonly correction?: string;
  readonly limit?: number;
  readonly option?: string[];
}

type Action = (output: Output, memory: Memory, flags: TaskFlags, question: string) => Promise<void>;

const actions: Readonly<Record<string, Action>> = { list, add, feedback };

export async function run(
  { output, flags, configFile, options }: Invocation,
  name = "list",
  question = "",
): Promise<void> {
  const action = actions[name];
  if (!action) {
    throw new ConfigError("action-unknown", `Expected \`tasks list\`, \`add\` or \`feedback\`, got ${name}`);
  }
  const config = await loadConfig(flags, { file: configFile });
  const memory = await openConfiguredMemory(config, { mustExist: true });
  try {
    await action(output, memory, options as TaskFlags, question);
  } finally {
    await memory.close();
  }
}

async function list(output: Output, memory: Memory, { limit }: TaskFlags): Promise<void> {
  const tasks = await memory.tasks(limit === undefined ? {} : { limit, newest: true });
  for (const task of tasks) {
    output.object(task);
    const verdict = task.feedback ? `, ${task.feedback.verdict}` : "";
    output.text(
      `${output.dim(task.id)}  ${task.question.text}  ${output.dim(`${outcomeOf(task)}${verdict}`)}`,
    );
  }
  if (tasks.length === 0) output.note("nobody has asked anything yet");
}

/** Who answered a question that was only added. */
const nobody = "nobody";

function outcomeOf({ reader, abstained, answer }: Task): string {
  if (reader === nobody) return "not answered";
  return abstained ? "not in memory" : answer;
}

async function add(output: Output, memory: Memory, { option = [] }: TaskFlags, given: string): Promise<void> {
  const question = await readQuestion(given, option);
  const id = `task_${randomUUID().slice(0, 13)}`;
  await memory.addTask({
    ...{ id, askedAtMs: Date.now(), asOfSeconds: null, stream: null, question },
    ...{ answer: "", option: null, abstained: true, citations: [], reader: nobody },
  });
  output.object({ event: "task-end", task: id });
  output.text(`noted: ${id}; \`taskmem adapt run\` learns from it`);
}

async function feedback(
  output: Output,
  memory: Memory,
  { task, right, wrong, correction }: TaskFlags,
): Promise<void> {
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
}
