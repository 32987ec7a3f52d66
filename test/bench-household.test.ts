/** `bench household` as people run it: the demo's table in the form of the other benchmarks. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { after, before, test } from "node:test";
import { householdPolicies } from "../src/benchmarks/datasets/household/policies.ts";
import { shippedWeights } from "../src/engines/nano/shipped.ts";
import { readWeights } from "../src/engines/nano/weights-file.ts";
import { type CliOptions, type CliRun, type Row, taskmem, temporaryFolder } from "./support/cli.ts";

const folder = temporaryFolder();
const bench = (runs: string, more: readonly string[] = [], options: CliOptions = {}) => {
  const flags = ["--policy", "choice", "--limit", "2", "--json", "--runs", join(folder, runs), ...more];
  return taskmem(["bench", "household", ...flags], options);
};
after(() => rmSync(folder, { recursive: true, force: true }));
/** A run from its start to its end. */
let whole: CliRun;
before(async () => {
  whole = await bench("whole");
  assert.equal(whole.code, 0, whole.stderr);
});

test("killed and resumed it leaves the bytes of a run that was not", async () => {
  let seen = 0;
  const killed = await bench("killed", [], {
    onLine: (line, child) => {
      if (line.includes('"bench-answer"') && ++seen === 60) child.kill("SIGKILL");
    },
  });
  assert.equal(killed.code, null);
  const resumed = await bench("killed", ["--resume"]);
  assert.equal(resumed.code, 0, resumed.stderr);
  assert.match(resumed.stderr, /resumed: \d+ results kept/);
  const [first, second] = [whole, resumed].map(({ rows }) => String(rows.at(-1)!.run)) as [string, string];
  const filesIn = (place: string) =>
    readdirSync(place, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(place, join(entry.parentPath, entry.name)))
      .sort();
  assert.ok(filesIn(first).includes("swap.jsonl") && filesIn(first).includes("adapters.json"));
  assert.deepEqual(filesIn(second), filesIn(first));
  for (const name of filesIn(first))
    assert.equal(readFileSync(join(second, name), "utf8"), readFileSync(join(first, name), "utf8"), name);
});

test("ends in one object with rows and pairs like the other benchmarks", () => {
  const end = whole.rows.at(-1)!;
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

test("a run is drawn as one self-contained page", async () => {
  const directory = String(whole.rows.at(-1)!.run);
  const own = readFileSync(join(directory, "report.md"), "utf8");
  const out = join(folder, "drawn");
  const drawn = await taskmem(["bench", "report", directory, "--out", out, "--json"]);
  assert.equal(drawn.code, 0, drawn.stderr);
  const html = readFileSync(String(drawn.rows[0]!.html), "utf8");
  assert.equal(html.match(/<svg /g)!.length, 3);
  assert.equal(html.match(/<table>/g)!.length, own.match(/^\| ---/gm)!.length);
  assert.match(html, /<h2>The household: choice, 2 films/);
  assert.match(html, /TaskMem − Phase One: [+−][\d.]+ points/);
  assert.doesNotMatch(html, /<script|<link|<img|@import|url\(|https?:|NaN|undefined/);
  assert.equal(readFileSync(String(drawn.rows[0]!.markdown), "utf8"), own);
  // The table is that of the rows, intervals included.
  const all = (whole.rows.at(-1)!.rows as Record<string, number>[]).filter(
    (row) => (row.type as unknown) === "all",
  );
  for (const row of all) {
    const [accuracy, low, high] = [row.accuracy!, row.low!, row.high!].map((x) => (100 * x).toFixed(1));
    assert.match(own, new RegExp(`\\| ${row.policy} \\| ${accuracy} \\| ${low} to ${high} \\|`));
  }
});

test("nano's rows are written by the weights before and after Phase One", async () => {
  const { base, phaseOne } = await householdPolicies("nano");
  for (const [policy, name] of [
    [base!, "nano-base"],
    [phaseOne, "nano"],
  ] as const) {
    const { checksum } = readWeights(shippedWeights(name));
    assert.ok(policy.revision.includes(checksum.slice(0, 12)), `${policy.revision} of ${name}`);
  }
  assert.notEqual(base!.revision, phaseOne.revision);
});

test("refuses zero films and unknown policies", async () => {
  const none = await taskmem(["bench", "household", "--limit", "0"]);
  assert.equal(none.code, 2);
  assert.match(none.stderr, /--limit to be a number of films from 1 up/);
  const other = await taskmem(["bench", "household", "--policy", "engine"]);
  assert.equal(other.code, 2);
  assert.match(other.stderr, /--policy to be nano or choice, got engine/);
});
