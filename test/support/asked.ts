/** Questions put to a memory in this process, where a command for each would mostly start Node. */
import { openTaskMem } from "../../src/taskmem.ts";
import type { QuestionInput } from "../../src/tasks/task.ts";

/** As `ask --no-adapt` does. */
export async function askAll(directory: string, questions: readonly QuestionInput[]): Promise<void> {
  await using memory = await openTaskMem({ directory, adapt: { auto: false } });
  for (const question of questions) await memory.ask(question);
}

/** As `tasks add` does. */
export async function addAll(directory: string, questions: readonly QuestionInput[]): Promise<void> {
  await using memory = await openTaskMem({ directory, adapt: { auto: false } });
  for (const question of questions) await memory.recordTask({ question });
}
