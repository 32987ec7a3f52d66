/**
 * A process that learns from a memory's questions by preferences and says how far it is, one line a step:
 * `node adapt-step-by-step.ts <directory> [inside | <step> <times> [<run>]]`.
 *
 * The steps are `rollout` (memories drawn for a context), `verdict` (two memories compared), `step` (of the trainer),
 * `answer` (a held-out question read), `activating`, `activated` and the report as JSON. At a named step it stops, the n-th
 * time, and waits to be killed, or for a line on its standard input. With `inside` it kills itself in the middle of the
 * transaction that activates the adapter: the one before is retired, the new one is not there yet.
 */
import { once } from "node:events";
import { lexicalReader, localEmbedder, wordSpace } from "../../src/engines/local/index.ts";
import { openSqliteMemory } from "../../src/memory/sqlite.ts";
import { choiceFamily } from "../../src/policies/choice/choice-training.ts";
import { wordAdapterTrainer } from "../../src/policies/word-adapter-trainer.ts";
import { localJudge } from "../../src/reward/local-judge.ts";
import { trainAdapter } from "../../src/training/train-adapter.ts";
import { scarce } from "./watched-memory.ts";

const [directory, where, times, run] = process.argv.slice(2) as [string, string?, string?, string?];
const said = new Map<string, number>();

async function say(line: string): Promise<void> {
  await new Promise((written) => process.stdout.write(`${line}\n`, written));
  said.set(line, (said.get(line) ?? 0) + 1);
  if (line !== where || said.get(line) !== Number(times)) return;
  const alive = setInterval(() => {}, 1000);
  await once(process.stdin, "data");
  process.stdin.pause();
  clearInterval(alive);
}

const memory = await openSqliteMemory(directory, {
  words: wordSpace,
  embedder: localEmbedder,
  now: Date.now,
});
const choice = choiceFamily({ words: wordSpace, budget: scarce });
const judge = localJudge({ words: wordSpace });
const reader = lexicalReader({ words: wordSpace });
const trainer = wordAdapterTrainer({
  ...choice,
  method: "preferences",
  trainable: () => {
    const trainable = choice.trainable();
    return {
      ...trainable,
      trainer: {
        ...trainable.trainer,
        step: async (how) => {
          await say("step");
          return trainable.trainer.step(how);
        },
      },
      policy: async () => {
        const policy = await trainable.policy();
        return {
          ...policy,
          decide: async (context, wanted) => {
            await say("rollout");
            return policy.decide(context, wanted);
          },
        };
      },
    };
  },
  judge: {
    ...judge,
    relevance: async (request) => {
      await say("verdict");
      return judge.relevance(request);
    },
  },
  reader: {
    ...reader,
    read: async (request) => {
      await say("answer");
      return reader.read(request);
    },
  },
});
const report = await trainAdapter({
  memory: {
    ...memory,
    addAdapter: async (adapter) => {
      const tasks = [...adapter.tasks];
      // Its tasks are written out when it is inserted: the one before is retired by then.
      const toJSON = () => process.kill(process.pid, "SIGKILL");
      if (where === "inside") Object.assign(tasks, { toJSON });
      await say("activating");
      await memory.addAdapter({ ...adapter, tasks });
      await say("activated");
    },
  },
  ...{ trainer, run, now: Date.now },
});
await say(JSON.stringify(report));
await memory.close();
