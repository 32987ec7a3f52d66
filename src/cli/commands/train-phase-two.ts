/** `taskmem train phase-two`: an adapter from questions, over what a memory has watched or over recorded sources. */
import { loadConfig } from "../../config.ts";
import type { TaskMem } from "../../taskmem.ts";
import type { Task } from "../../tasks/task.ts";
import type { Invocation } from "../invocation.ts";
import { learnAndTell, lessonOf } from "../learn.ts";
import { perceiveSpecs } from "../material.ts";
import { openConfigured } from "../open.ts";
import { questionsFile } from "../questions-file.ts";

export async function run(invocation: Invocation, specs: string[] = []): Promise<void> {
  const { output, flags, configFile, signal, options } = invocation;
  const { questions } = options as { readonly questions?: string };
  const config = await loadConfig(flags, { file: configFile });
  const lesson = lessonOf(invocation, config);
  const tasks = questions === undefined ? undefined : questionsFile(questions, Date.now());
  // Before the memory: a source that cannot be read leaves none behind.
  const material = specs.length === 0 ? undefined : await perceiveSpecs(config, specs, { output, signal });
  await using memory = await openConfigured(invocation, config, { mustExist: material === undefined });
  if (tasks) await addTasks(memory, tasks);
  await learnAndTell(memory, output, { ...lesson, tasks, material });
}

/** Adds the tasks of a file that the memory does not know yet: what an adapter was trained on, a memory holds. */
async function addTasks({ store }: TaskMem, tasks: readonly Task[]): Promise<void> {
  const known = new Set((await store.tasks()).map(({ id }) => id));
  for (const task of new Map(tasks.map((task) => [task.id, task])).values())
    if (!known.has(task.id)) await store.addTask(task);
}
