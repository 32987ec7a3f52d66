/** `bench household` as people run it: the demo's table in the form of the other benchmarks. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Row, taskmem } from "./support/cli.ts";

test("ends in one object with rows and pairs as the other benchmarks have them", async () => {
  const run = await taskmem(["bench", "household", "--policy", "choice", "--limit", "2", "--json"]);
  assert.equal(run.code, 0, run.stderr);
  const end = run.rows.at(-1)!;
  assert.deepEqual([end.event, end.benchmark, end.skipped], ["bench-end", "household", []]);
  const rows = end.rows as Row[];
  const all = rows.filter(({ type }) => type === "all");
  assert.deepEqual(
    all.map(({ policy, budget, n }) => [policy, budget, n]),
    ["Phase One", "TaskMem"].map((policy) => [policy, 0.2, end.tasks]),
  );
  for (const { accuracy, coverage, precision, low, high } of rows as Record<string, number>[]) {
    assert.ok(low! <= accuracy! && accuracy! <= high!);
    assert.ok(Math.abs(accuracy! - coverage! * precision!) < 1e-9);
  }
  const [overall, ...kinds] = end.paired as Record<string, number>[];
  const [before, after] = all as Record<string, number>[];
  assert.ok(Math.abs(overall!.difference! - (after!.accuracy! - before!.accuracy!)) < 1e-9);
  assert.equal(overall!.n, end.tasks);
  assert.equal(kinds.length, new Set(rows.map(({ type }) => type)).size - 1);
  for (const { p } of [overall!, ...kinds]) assert.ok(p! > 0 && p! <= 1);
});

test("refuses no films at all, and policies it does not have", async () => {
  const none = await taskmem(["bench", "household", "--limit", "0"]);
  assert.equal(none.code, 2);
  assert.match(none.stderr, /--limit to be a number of films from 1 up/);
  const other = await taskmem(["bench", "household", "--policy", "engine"]);
  assert.equal(other.code, 2);
  assert.match(other.stderr, /--policy to be nano or choice, got engine/);
});
