/** What Ctrl-C and SIGTERM do to commands that would not come to rest by themselves. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parseRow, taskmem, temporaryFolder } from "./support/cli.ts";
import { openTestMemory } from "./support/memory.ts";

/** Texts of many hours: at a few milliseconds a clip, longer than any test waits. */
function longTexts(folder: string): string {
  const path = join(folder, "talk.jsonl");
  const row = (i: number) =>
    JSON.stringify({
      startSeconds: i * 10 + 1,
      endSeconds: i * 10 + 3,
      text: `Lantern ${i} is in cellar ${i % 97}.`,
    });
  writeFileSync(path, Array.from({ length: 40_000 }, (_, i) => `${row(i)}\n`).join(""));
  return path;
}

for (const signal of ["SIGINT", "SIGTERM"] as const)
  test(`${signal} stops a watch of texts at the next clip, and the same command resumes`, async () => {
    const folder = temporaryFolder();
    const args = ["watch", longTexts(folder), "--json", "--memory", join(folder, "memory")];
    let at: number | null = null;
    const clips = async () => {
      const run = await taskmem(args, {
        onLine: (line, child) => {
          const row = parseRow(line);
          if (row?.event !== "clip-end" || at !== null) return;
          at = Number(row.clip);
          child.kill(signal);
        },
      });
      assert.equal(run.code, 130, run.stderr);
      assert.equal(run.rows.at(-1)?.reason, "interrupted");
      return run.rows.filter(({ event }) => event === "clip-end").map(({ clip }) => Number(clip));
    };
    const first = await clips();
    assert.ok(first.length < 500, `${first.length} clips were decided`);
    at = null;
    const second = await clips();
    assert.equal(second[0], first.at(-1)! + 1);
  });

test("a second Ctrl-C ends a watch at once", async () => {
  const folder = temporaryFolder();
  const memory = join(folder, "memory");
  const run = await taskmem(["watch", longTexts(folder), "--json", "--memory", memory], {
    onLine: (line, child) => {
      if (parseRow(line)?.event === "clip-end") child.kill("SIGINT");
    },
  });
  assert.equal(run.code, 130, run.stderr);
});

test("a command that changes everything or nothing is ended by a signal, whatever it is doing", async () => {
  const folder = temporaryFolder();
  const memory = join(folder, "memory");
  await (await openTestMemory(memory)).close();
  // Nothing is ever written into the pipe.
  const pipe = join(folder, "memory.jsonl");
  execFileSync("mkfifo", [pipe]);
  const ended = Promise.withResolvers<NodeJS.Signals | null>();
  await taskmem(["import", pipe, "--memory", memory], {
    onStart: (child) => {
      child.on("exit", (_, signal) => ended.resolve(signal));
      setTimeout(() => child.kill("SIGTERM"), 1000);
    },
  });
  assert.equal(await ended.promise, "SIGTERM");
  const after = await openTestMemory(memory);
  assert.deepEqual([await after.streams(), await after.check()], [[], []]);
  await after.close();
});
