/** The first thing a newcomer runs: it must watch, remember, answer with moments, and say its score honestly. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Row, taskmem, temporaryFolder } from "./support/cli.ts";

test("the demo writes a memory of the film and answers from it, right where it kept the moment", async () => {
  const run = await taskmem(["demo", "--json"]);
  assert.equal(run.code, 0, run.stderr);
  const written = run.rows
    .filter(({ event }) => event === "clip-end")
    .flatMap(({ entries }) => entries as { id: string; text: string }[]);
  assert.ok(written.length >= 12);
  const answers = run.rows.filter(({ event }) => event === "answer");
  const end = run.rows.at(-1)!;
  assert.equal(end.event, "demo-end");
  assert.equal(answers.length, end.questions);
  assert.equal(new Set(answers.map(({ kind }) => kind)).size, 5);
  for (const { outcome, citations, option, expected } of answers) {
    const cited = citations as Row[];
    assert.equal(outcome === "abstained", cited.length === 0, "an answer cites, an abstention does not");
    if (outcome === "right") assert.equal(option, expected);
    for (const { entry } of cited) assert.ok(written.some(({ id }) => id === entry));
  }
  const { right, wrong, abstained, questions } = end as Record<string, number>;
  assert.equal(right! + wrong! + abstained!, questions);
  assert.ok(right! >= 3, `${right} right: memory answers something`);
  assert.ok(abstained! >= 1, "a budget of a fifth cannot hold everything");
});

test("the demo is the same every time, tells people what they see, and keeps what it is asked to keep", async () => {
  const folder = join(temporaryFolder(), "kept");
  const [first, second] = [await taskmem(["demo"]), await taskmem(["demo", "--keep", folder])];
  assert.equal(second.code, 0, second.stderr);
  const timeline = (stdout: string) => stdout.split("\n").filter((line) => /^\d\d:\d\d:\d\d {2}/.test(line));
  assert.ok(timeline(first.stdout).length >= 12);
  assert.deepEqual(timeline(first.stdout), timeline(second.stdout));
  assert.match(first.stdout, /\d+ of \d+ right, \d+ wrong, \d+ not in memory/);
  for (const name of ["household.mp4", "household.srt", "household.captions.srt", "household.truth.json"])
    assert.ok(existsSync(join(folder, name)), name);
  const again = await taskmem([
    "ask",
    "What does the alarm show?",
    "--json",
    "--memory",
    join(folder, "memory"),
  ]);
  assert.equal(again.code, 0, again.stderr);
  const taken = await taskmem(["demo", "--keep", folder]);
  assert.equal(taken.code, 2);
  assert.match(taken.stderr, /kept/);
});
