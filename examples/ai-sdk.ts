/** An agent of the AI SDK whose memory outlives it. Run: node examples/ai-sdk.ts */
import assert from "node:assert/strict";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateText } from "ai";
import { openTaskMem } from "taskmem";
import { memoryModel, memoryTools } from "taskmem/ai";

const directory = join(await mkdtemp(join(tmpdir(), "taskmem-example-")), "memory");

{
  await using memory = await openTaskMem({ directory });
  // With a model of yours: new ToolLoopAgent({ model, tools: memoryTools(memory), toolApproval: memoryToolApproval }).
  // Here the tool is called as the agent would.
  const { memory_remember } = memoryTools(memory, { only: ["remember"] });
  const call = { toolCallId: "call-1", messages: [], context: {} };
  await memory_remember.execute!({ text: "Mia is allergic to walnuts." }, call);
}

// Later, another process: the memory itself is the model, and needs no key.
await using memory = await openTaskMem({ directory });
const { text, sources } = await generateText({
  model: memoryModel(memory),
  prompt: "What is Mia allergic to?",
});
assert.match(text, /walnuts/);
assert.equal(sources.length, 1);
console.log(`${text} (${sources[0]!.title})`);
