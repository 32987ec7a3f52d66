/**
 * A person whose name and words are nowhere else: after each way to forget them no byte of the memory, of an export made
 * over an earlier one, of the log or of what commands print holds any of it. Questions are the asker's: one that names
 * the person goes with the person, not with a stream or a time.
 */
import assert from "node:assert/strict";
import { cpSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { addTask } from "./support/canary.ts";
import { type CliRun, taskmem, temporaryFolder } from "./support/cli.ts";
import { guest, guestWords } from "./support/long-stream.ts";
import { filesHolding, openTestMemory } from "./support/memory.ts";

const folder = temporaryFolder();
const whole = join(folder, "whole");
/** Longer than observations are kept (an hour), so that the guest's first words are counts only. */
const clips = 480;
const words = [guest, ...[...guestWords].flatMap(([clip, said]) => (clip < clips ? said : []))];

const stamp = (seconds: number) => new Date(seconds * 1000).toISOString().slice(11, 23).replace(".", ",");

/** Ann speaks in every clip; the guest in a few. */
function talk(): string {
  const cues: [number, string][] = [];
  for (let clip = 0; clip < clips; clip++) {
    cues.push([clip * 10 + 1, `Ann: the lamp number ${clip} is in the hall`]);
    const rare = guestWords.get(clip);
    if (rare) cues.push([clip * 10 + 5, `${guest}: my ${rare[0]} has no ${rare[1]} here`]);
  }
  return cues.map(([at, line], i) => `${i + 1}\n${stamp(at)} --> ${stamp(at + 3)}\n${line}\n`).join("\n");
}

async function run(args: readonly string[], log?: string): Promise<CliRun> {
  const done = await taskmem(args, { env: { ...(log !== undefined && { TASKMEM_LOG: log }) } });
  assert.equal(done.code, 0, `${args.join(" ")}: ${done.stderr}`);
  return done;
}

before(async () => {
  const source = join(folder, "talk.srt");
  writeFileSync(source, talk());
  await run(["watch", source, "--memory", whole]);
  for (const question of [
    `What did ${guest} say?`,
    `What does the ${words[1]} not have here?`,
    "Where is the lamp number 7?",
  ])
    await run(["ask", question, "--memory", whole, "--no-adapt"]);
  const memory = await openTestMemory(whole);
  for (let i = 0; i < 5; i++) await addTask(memory, `task_${i}`, `What does ${guest} have, number ${i}?`, []);
  await memory.close();
  await run(["adapt", "run", "--method", "preferences", "--memory", whole]);
  await run(["export", join(folder, "whole-export"), "--memory", whole]);
  for (const word of words) assert.ok(filesHolding(whole, word).length > 0, `${word} was there`);
});

/** What is asked for, and which of the words must be gone then. */
const requests: Record<string, [flags: readonly string[], gone: readonly string[]]> = {
  "the person": [["--person", guest], words],
  "the stream": [["--stream", "talk"], words.slice(1)],
  "all of its time": [["--from", "0", "--to", "05:00:00", "--stream", "talk"], words.slice(1)],
  "what they said": [["--query", words[1]!], words.slice(1, 3)],
};

describe("after forgetting", () => {
  for (const [name, [flags, gone]] of Object.entries(requests)) {
    test(`${name}, no byte holds what was said`, async () => {
      const place = join(folder, name.replaceAll(" ", "-"));
      const [memory, exported, log] = ["memory", "export", "log.jsonl"].map((part) => join(place, part)) as [
        string,
        string,
        string,
      ];
      cpSync(whole, memory, { recursive: true });
      cpSync(join(folder, "whole-export"), exported, { recursive: true });
      await run(["forget", ...flags, "--memory", memory], log);
      const printed = [
        await run(["timeline", "--json", "--memory", memory], log),
        await run(["export", exported, "--json", "--memory", memory], log),
        await run(["ask", "Where is the lamp?", "--json", "--memory", memory], log),
        await run(["tasks", "--json", "--memory", memory], log),
        await run(["adapt", "--json", "--memory", memory], log),
      ]
        .map(({ stdout, stderr }) => stdout + stderr)
        .join("\n")
        .toLowerCase();
      const logged = existsSync(log) ? readFileSync(log, "utf8").toLowerCase() : "";
      for (const word of gone) {
        assert.deepEqual(filesHolding(place, word), [], word);
        assert.ok(!printed.includes(word.toLowerCase()), `${word} is printed`);
        assert.ok(!logged.includes(word.toLowerCase()), `${word} is logged`);
      }
    });
  }
});
