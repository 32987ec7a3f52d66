/** Learning in a process of its own: is handed a request as JSON, prints the result as JSON. */
import { apartRequest } from "./taskmem/learning.ts";
import { openTaskMem } from "./taskmem.ts";

const { config, choice } = apartRequest();
const { memory: directory, ...options } = config;
try {
  await using memory = await openTaskMem({ directory, ...options, mustExist: true });
  const result = await memory.learn(choice);
  process.stdout.write(JSON.stringify(result));
} catch (error) {
  process.stderr.write((error as Error).message);
  process.exitCode = 1;
}
