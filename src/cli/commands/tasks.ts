/**
 * `taskmem tasks`: the questions a memory learns from. Lists them, adds one without answering it, records feedback.
 */
import { ConfigError } from "../../errors.ts";
import type { TaskMem } from "../../taskmem.ts";
import { notAnswered, type Task } from "../../tasks/task.ts";
import type { Invocation } from "../invocation.ts";
import { openFor } from "../open.ts";
import type { Output } from "../output.ts";
import { questionFlag } from "../question.ts";

interface TaskFlags {
  readonly task?: string;
  readonly right?: boolean;
  readonly wrong?: boolean;
  readonly correction?: string;
  readonly limit?: number;
  readonly option?: string[];
}

type Action = (memory: TaskMem, output: Output, flags: TaskFlags, question: string) => Promise<void>;

/** What `taskmem tasks` does, by name. */
export const actions = { list, add, feedback } satisfies Record<string, Action>;

export async function run(invocation: Invocation, name: keyof typeof actions, question = ""): Promise<void> {
  // Adding many questions does not train after every fifth: `ask` and `adapt run` do that.
  await using memory = await openFor(invocation, {
    mustExist: true,
    readOnly: name === "list" ? "if-needed" : false,
    adapt: { auto: false },
  });
  await actions[name](memory, invocation.output, invocation.options as TaskFlags, question);
}

async function list({ store }: TaskMem, output: Output, { limit }: TaskFlags): Promise<void> {
  const tasks = await store.tasks(limit === undefined ? {} : { limit, newest: true });
  for (const task of tasks) {
    output.object(task);
    const verdict = task.feedback ? `, ${task.feedback.verdict}` : "";
    output.text(
      `${output.dim(task.id)}  ${task.question.text}  ${output.dim(`${outcomeOf(task)}${verdict}`)}`,
    );
  }
  if (tasks.length === 0) output.note("no questions yet");
}

function outcomeOf({ reader, abstained, answer }: Task): string {
  if (reader === notAnswered) return "not answered";
  return abstained ? "not in memory" : answer;
}

async function add(
  memory: TaskMem,
  output: Output,
  { option = [] }: TaskFlags,
  given: string,
): Promise<void> {
  const { id } = await memory.recordTask({ question: await questionFlag(given, option) });
  output.object({ event: "task-end", task: id });
  output.text(`noted: ${id}; \`taskmem adapt run\` learns from it`);
}

async function feedback(
  memory: TaskMem,
  output: Output,
  { task, right, wrong, correction }: TaskFlags,
): Promise<void> {
  if (task === undefined || (right === true) === (wrong === true || correction !== undefined)) {
    throw new ConfigError(
      "feedback-invalid",
      "Expected --task with --right, or with --wrong and optionally --correction",
    );
  }
  await memory.feedback(task, right ? "right" : "wrong", correction);
  output.object({ event: "feedback-end", task });
  output.text(`noted: ${task} was ${right ? "right" : "wrong"}`);
}
