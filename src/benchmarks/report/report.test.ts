import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryFolder } from "../../../test/support/memory.ts";
import { planePlot, pointsPlot } from "../../util/plots.ts";
import type { Result } from "../run/results.ts";
import { readRun } from "./read-run.ts";
import { reportOf } from "./report.ts";

const folder = temporaryFolder("report");
const hostile = '<script>alert("a|b")</script>';

function madeRun(
  id: string,
  benchmark: string,
  results: readonly Partial<Result>[],
  used: number,
  order: "official" | { seed: number } = { seed: 3 },
): string {
  const directory = join(folder, id);
  mkdirSync(directory, { recursive: true });
  const run = {
    ...{ format: 1, hash: "0123456789abcdef", benchmark, layout: "made up" },
    annotations: [{ name: "x.json", sha256: "ab".repeat(32) }],
    counts: { rows: used + 3, skipped: 1, withoutMaterial: 2, used },
    protocol: { order, updates: [2], hints: 5, seed: 1, oracle: { seconds: 300 } },
    rows: [
      { name: "base", label: "base", revision: "b@1" },
      { name: "taskmem", label: hostile, revision: "b@1" },
    ],
    missingRows: { "task-prompt": "no prompt" },
    answerer: { id: "model@1:x", prompt: "cd".repeat(32), recall: "the whole memory", votes: 3 },
    judge: { id: "model@1:y", prompt: "ef".repeat(32) },
    command: "taskmem bench x --root 'a b'",
    config: { policy: "model", model: { writes: "openai:w" } },
    skipped: [{ file: "x.json", row: 4, id: null, reason: "its answer is missing" }],
    notes: ["a note"],
  };
  writeFileSync(join(directory, "run.json"), JSON.stringify(run));
  const facts = {
    ...{ policy: "base", revisions: [], answer: null, problem: null, raw: [], prompts: [], judgement: null },
    ...{
      judgeRaw: [],
      accesses: [],
      leftOut: 0,
      memory: { id: "m", entries: 1, tokens: 100, missed: 2, unheard: 3, lost: 1 },
    },
  };
  writeFileSync(
    join(directory, "results.jsonl"),
    results.map((result) => `${JSON.stringify({ ...facts, ...result })}\n`).join(""),
  );
  return directory;
}

const result = (row: string, n: number, outcome: Result["outcome"]): Partial<Result> => ({
  ...{
    row,
    task: `q${n}`,
    stream: `v${n}`,
    askTime: "end",
    types: [hostile],
    place: n,
    outcome,
    group: "robot",
  },
});
const outcomes = ["right", "wrong", "abstained", "error"] as const;
const base = outcomes.map((outcome, n) => result("base", n, outcome));
const better = [0, 1, 2, 3].map((n) => ({
  ...result("taskmem", n, n < 3 ? "right" : "wrong"),
  leftOut: n === 3 ? 7 : 0,
}));

test("says what there is, what is missing and what differs, nothing of it as markup", () => {
  const directory = madeRun("finished", "egolife", [...base, ...better], 4);
  const spent = { row: "base", on: "watch", calls: 3, promptTokens: 70, completionTokens: 7, usd: 0.5 };
  const lines = [spent, spent].map((line) => JSON.stringify(line));
  writeFileSync(join(directory, "cost.jsonl"), `${lines.join("\n")}\n{"row":"base","ca`);
  const run = readRun(directory);
  assert.equal(run.finished, true);
  const { html, markdown } = reportOf([run]);
  assert.ok(!html.includes("<script"));
  for (const text of [html, markdown]) {
    assert.match(text, /not all of it in 1 of 8 answers/);
    for (const said of [
      "25.0",
      "75.0",
      "+50.0",
      "less each other row",
      "By class",
      "robot",
      "task-prompt: no prompt",
      "x.json row 4",
      "a note",
      "4 questions; the paper has 500",
      "6 calls, 154 tokens, $1.0000, repeated work included",
      "2 that the engine failed at: --resume writes them; 1 for good",
      "3 that the transcriber failed at",
    ])
      assert.ok(text.replaceAll("\\", "").includes(said), said);
    assert.match(text, /Only spans of one given length around the evidence/);
    assert.match(text, /majority of 3; the paper asks GPT-4o/);
    assert.match(text, /shuffled \(seed 3\) order/);
  }
  // Every line of a table has as many cells as its head, also with a bar in a name.
  for (const table of markdown.split("\n\n").filter((part) => part.startsWith("|"))) {
    const cells = table.split("\n").map((line) => line.replaceAll("\\|", "").split("|").length);
    assert.equal(new Set(cells).size, 1, table);
  }
});

test("curves and points stand where their figures are", () => {
  const directory = madeRun("curves", "videomme", [...base, ...better], 4);
  const { html } = reportOf([readRun(directory)]);
  // The axes go from 0 at 316 to 1 at 16. Base is right in the first of four, TaskMem in the first three.
  const heightOf = (y: string | undefined) => Math.round((100 * (316 - Number(y))) / 300);
  const curve = (colour: number) =>
    [
      ...new RegExp(`<path class="line c${colour} d0" d="([^"]*)"`).exec(html)![1]!.matchAll(/,([\d.]+)/g),
    ].map(([, y]) => heightOf(y));
  assert.deepEqual(curve(0), [100, 50, 33, 25]);
  assert.deepEqual(curve(1), [100, 100, 100, 75]);
  const [, tokens] = html.split("<figure>").slice(1);
  const point = (colour: number) =>
    new RegExp(`<circle class="dot c${colour}" cx="[\\d.]+" cy="([\\d.]+)"`).exec(tokens!)![1];
  assert.ok(heightOf(point(1)) - heightOf(point(0)) > 40);
});

test("an unfinished run, one without answers and a benchmark the paper lacks are drawn too", () => {
  const unfinished = readRun(madeRun("unfinished", "m3bench", base.slice(0, 2), 4));
  assert.equal(unfinished.finished, false);
  const { html, markdown } = reportOf([unfinished]);
  assert.match(markdown, /unfinished: 2 results so far/);
  assert.match(markdown, /The paper does not report this benchmark/);
  assert.ok(!markdown.includes("Beside the paper"));
  assert.ok(!html.includes("NaN") && !html.includes("undefined"));
  const empty = reportOf([
    readRun(madeRun("empty", "egotempo", [], 4)),
    readRun(madeRun("empty-too", "m3bench", [], 4)),
  ]);
  assert.ok(!empty.html.includes("NaN") && !empty.html.includes("Infinity"));
});

test("several runs stand together, each benchmark apart", () => {
  const runs = [
    readRun(madeRun("one", "videomme", [...base, ...better], 4)),
    readRun(madeRun("two", "videomme", [...base, ...better], 4)),
    readRun(madeRun("three", "egotempo", [...base, ...better], 4)),
  ];
  const { html } = reportOf(runs);
  assert.equal(html.match(/<h2>/g)!.length, 2);
  assert.equal(html.match(/<svg /g)!.length, 6);
  assert.ok(html.includes("base · two") && !html.includes("base · three"));
});

test("runs in several orders have their mean and spread, other runs do not", () => {
  const none = [0, 1, 2, 3].map((n) => result("taskmem", n, "wrong"));
  const orders = [
    madeRun("official", "videomme", [...base, ...better], 4, "official"),
    madeRun("seeded", "videomme", [...base, ...none], 4, { seed: 5 }),
  ].map(readRun);
  const { html, markdown } = reportOf(orders);
  assert.match(html, /Over several orders/);
  // Base is right in 1 of 4 both times, TaskMem in 3 and in none.
  assert.ok(markdown.includes("| base | 2 | 25.0 | 25.0 | 25.0 |  |  |  |"), markdown);
  assert.ok(
    markdown
      .replaceAll("\\", "")
      .includes(`| ${hostile} | 2 | 37.5 | 0.0 | 75.0 | +12.5 | −25.0 | +50.0 |`.replace("|b", "|b")),
    markdown,
  );
  const same = [orders[0]!, readRun(madeRun("same", "videomme", [...base, ...better], 4, "official"))];
  assert.doesNotMatch(reportOf(same).markdown, /Over several orders/);
  const unfinished = readRun(madeRun("half", "videomme", base.slice(0, 2), 4, { seed: 6 }));
  assert.doesNotMatch(reportOf([orders[0]!, unfinished]).markdown, /Over several orders/);
});

test("a folder of something else is refused", () => {
  const other = join(folder, "other");
  mkdirSync(other);
  assert.throws(() => readRun(other), /found no run\.json/);
  writeFileSync(join(other, "results.jsonl"), "");
  for (const content of ["{}", "no json", '{"format": 2}']) {
    writeFileSync(join(other, "run.json"), content);
    assert.throws(() => readRun(other), /its run\.json is another's/);
  }
});

test("all marks lie inside their plot", () => {
  const point = (x: number, y: number) => ({ x, y, low: y / 2, high: Math.min(1, y * 1.5) });
  const series = [0, 0.5, 1].map((y, colour) => ({
    label: `row ${y}`,
    colour,
    points: [point(1 + 999 * y, y)],
  }));
  const plots = [
    pointsPlot(series, { x: "x", y: "y", logarithmic: true }),
    pointsPlot(series, { x: "x", y: "y" }),
    planePlot(series.map((one) => ({ ...one, points: one.points.map(({ y }) => ({ x: y, y })) }))),
  ];
  for (const plot of plots) {
    const circles = [...plot.matchAll(/cx="([-\d.]+)" cy="([-\d.]+)"/g)];
    assert.equal(circles.length, 3);
    for (const [, x, y] of circles)
      assert.ok(Number(x) >= 52 && Number(x) <= 636 && Number(y) >= 16 && Number(y) <= 316);
  }
});
