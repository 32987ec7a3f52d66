/** The first thing a newcomer runs: watch, remember, answer with moments, learn from the questions, say the score. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { factKinds } from "../src/household/index.ts";
import { type Row, taskmem, temporaryFolder } from "./support/cli.ts";

test("nano watches, remembers and answers, then prints the table of the four policies", async () => {
  const folder = join(temporaryFolder(), "kept");
  const run = await taskmem(["demo", "--films", "4", "--keep", folder, "--json"]);
  assert.equal(run.code, 0, run.stderr);
  const clips = run.rows.filter(({ event }) => event === "clip-end");
  assert.equal(clips.length, 6);
  const written = clips.flatMap(({ entries }) => entries as { id: string; text: string }[]);
  assert.ok(written.every(({ text }) => /^(On|Dressed|Quote|The|Busy) .*\.$/.test(text)));
  const answers = run.rows.filter(({ event }) => event === "answer");
  assert.deepEqual(answers.map(({ kind }) => kind).sort(), [...factKinds].sort());
  for (const { citations } of answers)
    for (const { entry } of citations as Row[]) assert.ok(written.some(({ id }) => id === entry));

  const end = run.rows.at(-1)! as unknown as {
    event: string;
    rows: {
      policy: string;
      kind: string;
      accuracy: number;
      coverage: number;
      precision: number;
      n: number;
    }[];
    gain: { overall: number; low: number; high: number };
    kindsAboveZero: number;
    swap: Record<string, Record<string, number>>;
  };
  assert.equal(end.event, "demo-end");
  const names = ["base", "base + task prompt", "Phase One", "TaskMem"];
  assert.deepEqual([...new Set(end.rows.map(({ policy }) => policy))], names);
  for (const { accuracy, coverage, precision, n } of end.rows) {
    assert.ok(n > 0);
    assert.ok(Math.abs(accuracy - coverage * precision) < 1e-9, "accuracy is coverage times precision");
  }
  const overall = (name: string) => end.rows.find(({ policy, kind }) => policy === name && kind === "all")!;
  const gain = 100 * (overall("TaskMem").accuracy - overall("Phase One").accuracy);
  assert.ok(Math.abs(gain - end.gain.overall) < 1e-6);
  assert.ok(end.gain.overall > 0, `${end.gain.overall} points`);
  for (const own of ["none", ...factKinds]) assert.deepEqual(Object.keys(end.swap[own]!), [...factKinds]);
  const timeline = await taskmem(["timeline", "--json", "--memory", join(folder, "memory")]);
  assert.equal(timeline.rows.length, written.length);
});

interface Score {
  readonly policy: string;
  readonly tokens: number;
  readonly kinds: readonly { kind: string; right: number; wrong: number; n: number }[];
}

test("without a model the demo watches, answers with moments, learns what its user asks about, and remembers more of it", async () => {
  const run = await taskmem(["demo", "--policy", "choice", "--json"]);
  assert.equal(run.code, 0, run.stderr);
  const written = run.rows
    .filter(({ event }) => event === "clip-end")
    .flatMap(({ entries }) => entries as { id: string; text: string }[]);
  assert.ok(written.length >= 24);
  const answers = run.rows.filter(({ event }) => event === "answer");
  assert.ok(answers.length >= 10);
  for (const { outcome, citations, option, expected } of answers) {
    const cited = citations as Row[];
    assert.equal(outcome === "abstained", cited.length === 0, "an answer cites, an abstention does not");
    if (outcome === "right") assert.equal(option, expected);
    for (const { entry } of cited) assert.ok(written.some(({ id }) => id === entry));
  }
  const result = run.rows.find(({ event }) => event === "adapt-end")!;
  assert.equal(result.activated, true, String(result.reason));
  assert.equal((result.curve as Row[]).length, result.steps);
  const end = run.rows.at(-1)!;
  assert.equal(end.event, "demo-end");
  const [before, after] = end.rows as [Score, Score];
  assert.deepEqual([before.policy, after.policy], ["before", "learnt"]);
  const rightOf = ({ kinds }: Score) => kinds.find(({ kind }) => kind === end.kind)!;
  assert.ok(rightOf(after).right > rightOf(before).right, JSON.stringify(end.rows));
  assert.ok(after.tokens <= 1.1 * before.tokens, "within the same budget");
});

test("the demo without a model prints the same every time, and keeps its files with --keep", async () => {
  const folder = join(temporaryFolder(), "kept");
  const small = ["demo", "--policy", "choice", "--clips", "6", "--kind", "place"];
  const [first, second] = [await taskmem(small), await taskmem([...small, "--keep", folder])];
  assert.equal(second.code, 0, second.stderr);
  const timeline = (stdout: string) => stdout.split("\n").filter((line) => /^\d\d:\d\d:\d\d {2}/.test(line));
  assert.ok(timeline(first.stdout).length >= 6);
  assert.deepEqual(timeline(first.stdout), timeline(second.stdout));
  assert.match(first.stdout, /right answers +place \*/);
  for (const name of ["first.mp4", "first.srt", "first.descriptions.srt", "first.truth.json", "second.mp4"])
    assert.ok(existsSync(join(folder, name)), name);
  const timelineAgain = await taskmem(["timeline", "--json", "--memory", join(folder, "memory")]);
  assert.equal(timelineAgain.code, 0, timelineAgain.stderr);
  assert.deepEqual([...new Set(timelineAgain.rows.map(({ stream }) => stream))].sort(), ["first", "second"]);
  const taken = await taskmem([...small, "--keep", folder]);
  assert.equal(taken.code, 2);
  assert.match(taken.stderr, /kept/);
  assert.equal((await taskmem(["demo", "--policy", "choice", "--kind", "weather"])).code, 2);
  assert.equal((await taskmem(["demo", "--policy", "weather"])).code, 2);
});
