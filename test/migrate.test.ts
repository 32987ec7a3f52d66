/** A memory that moves from a directory into a Postgres and back by `taskmem migrate`, and is used there. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { taskmem } from "./support/cli.ts";
import { addTestStream, frameOf, openTestMemory, remember, temporaryFolder } from "./support/memory.ts";
import { testPostgres } from "./support/postgres.ts";
import { rowsOf } from "./support/store.ts";

const server = await testPostgres();

/** Kills a migration with `kill -9` once its export is whole and it begins to read it in. */
async function killedAt(args: readonly string[], temporary: string): Promise<void> {
  const isExported = () =>
    readdirSync(temporary).some((name) => existsSync(join(temporary, name, "memory.jsonl")));
  const run = await taskmem(args, {
    env: { TMPDIR: temporary },
    onStart: (child) => {
      const looking = setInterval(() => isExported() && child.kill("SIGKILL"), 5);
      child.once("exit", () => clearInterval(looking));
    },
  });
  assert.equal(run.code, null, "it was killed");
}

test("a memory moves into a Postgres after a kill -9 and back, with its pictures, is asked there, and doctor finds it sound", {
  skip: "skip" in server && server.skip,
}, async () => {
  if ("skip" in server) return;
  const folder = temporaryFolder("migrate");
  const [from, back, url] = [join(folder, "from"), join(folder, "back"), server.url("moved")];
  const memory = await openTestMemory(from);
  await addTestStream(memory, "kitchen");
  for (let clip = 0; clip < 3; clip++)
    await remember(memory, "kitchen", clip, [`Ann puts the kettle on shelf ${clip}`], {
      frames: [frameOf(clip, `picture ${clip}`)],
    });
  const rows = await rowsOf(memory);
  await memory.close();
  const aside = join(folder, "temporary");
  mkdirSync(aside);
  await killedAt(["migrate", "--from", from, "--to", url], aside);
  assert.equal(readdirSync(aside).length, 1, "a kill leaves its export");
  for (const [a, b] of [
    [from, url],
    [url, back],
  ] as const) {
    const moved = await taskmem(["migrate", "--from", a, "--to", b, "--json"], { env: { TMPDIR: aside } });
    assert.equal(moved.code, 0, moved.stderr);
    assert.match(moved.stdout, /"blobs":3/);
  }
  assert.deepEqual(readdirSync(aside), [], "the next one removes it");
  const again = await openTestMemory(back);
  assert.deepEqual(await rowsOf(again), rows);
  assert.deepEqual(await again.check(), []);
  await again.close();
  const asked = await taskmem(["ask", "Where did Ann put the kettle?", "--memory", url]);
  assert.match(asked.stdout, /kettle/, asked.stderr);
  const doctor = await taskmem(["doctor", "--memory", url, "--json"]);
  const sound = doctor.rows.find(({ check }) => check === "memory");
  assert.match(String(sound?.detail), /3 entries, 1 question, .*sound/);
  const vectors = doctor.rows.find(({ check }) => check === "memory vectors");
  assert.match(String(vectors?.detail), /^3 vectors, compared exactly/);
  const missing = await taskmem(["ask", "Where?", "--memory", server.url("nothing")]);
  assert.match(missing.stderr, /There is no memory in postgres:.*space=nothing/);
});
