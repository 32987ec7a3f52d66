/** What people meet on the command line besides watching and asking: help, logs, facts. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parseRow, taskmem, temporaryFolder } from "./support/cli.ts";

const folder = temporaryFolder();
const talk = join(folder, "talk.srt");
writeFileSync(talk, "1\n00:00:01,000 --> 00:00:03,000\nAnna: The deadline is Friday at noon.\n");

test("help of a subcommand shows what that one takes", async () => {
  const rollback = await taskmem(["adapt", "rollback", "--help"]);
  assert.equal(rollback.code, 0);
  assert.match(rollback.stdout, /--policy/);
  assert.doesNotMatch(rollback.stdout, /--method|--share|--judge/);
  const household = await taskmem(["bench", "household", "--help"]);
  assert.match(household.stdout, /--limit/);
  assert.doesNotMatch(household.stdout, /--votes|--annotations/);
});

test("a flag of another subcommand and an unknown subcommand are wrong usage", async () => {
  for (const [args, named] of [
    [["adapt", "rollback", "--method", "preferences"], /--method/],
    [["train", "phase-two", "--share", "0.3"], /--share/],
    [["bench", "household", "--votes", "3"], /--votes/],
    [["bench", "household", "--base-url", "http://localhost/v1"], /--base-url/],
    [["adapt", "undo"], /undo|too many arguments/],
    [["train", "phase-three"], /phase-three/],
    [["bench", "nothing"], /nothing/],
  ] as const) {
    const { code, stderr } = await taskmem(args);
    assert.equal(code, 2, args.join(" "));
    assert.match(stderr, named);
  }
});

test("adapt alone is its status, tasks alone are listed", async () => {
  const memory = join(folder, "memory");
  await taskmem(["watch", talk, "--memory", memory]);
  await taskmem(["ask", "When is the deadline?", "--memory", memory]);
  const status = await taskmem(["adapt", "--memory", memory, "--json"]);
  assert.equal(status.rows[0]!.event, "adapt-status");
  const tasks = await taskmem(["tasks", "--memory", memory, "--json"]);
  assert.deepEqual(
    tasks.rows.map(({ question }) => (question as { text: string }).text),
    ["When is the deadline?"],
  );
});

test("a misspelt name or stream is named, with the nearest", async () => {
  const at = ["--memory", join(folder, "memory")];
  const shown = await taskmem(["timeline", "--speaker", "Ana", ...at]);
  assert.equal(shown.code, 3);
  assert.match(shown.stderr, /got Ana\. Did you mean Anna\? It knows Anna\./);
  const forgotten = await taskmem(["forget", "--person", "Annna", ...at]);
  assert.equal(forgotten.code, 0);
  assert.match(forgotten.stdout, /forgot 0 entries/);
  assert.match(forgotten.stderr, /names Annna\. Did you mean Anna\?/);
  const stream = await taskmem(["timeline", "--stream", "tlak", ...at]);
  assert.match(stream.stderr, /got tlak\. Did you mean talk\? It holds talk\./);
});

test("--verbose writes decisions to standard error, TASKMEM_LOG appends them to a file as JSON", async () => {
  const log = join(folder, "log.jsonl");
  const run = await taskmem(["watch", talk, "--memory", join(folder, "verbose"), "--verbose"], {
    env: { TASKMEM_LOG: log },
  });
  assert.equal(run.code, 0, run.stderr);
  assert.match(run.stderr, /• talk clips 0 by choice@1, shown 0 earlier clips and 0 entries/);
  assert.match(run.stderr, /The deadline is Friday/);
  const [event] = readFileSync(log, "utf8").trim().split("\n").map(parseRow);
  assert.deepEqual([event!.log, event!.policy, event!.clips], ["decision", "choice", [0]]);
});

test("remember keeps a fact, once for each id", async () => {
  const memory = join(folder, "facts");
  const remember = (...args: string[]) => taskmem(["remember", ...args, "--memory", memory, "--json"]);
  const [first] = (await remember("Mia is allergic to walnuts.", "--id", "allergy")).rows;
  const [again] = (await remember("Mia is allergic to walnuts.", "--id", "allergy")).rows;
  assert.deepEqual(first, { event: "remember-end", entry: first!.entry, duplicate: false });
  assert.deepEqual(again, { ...first, duplicate: true });
  const { stdout } = await taskmem(["ask", "What is Mia allergic to?", "--memory", memory]);
  assert.match(stdout, /walnuts/);
  assert.equal((await remember("Mia is allergic.", "--kind", "rumour")).code, 2);
});
