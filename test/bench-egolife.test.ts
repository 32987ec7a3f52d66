/** `bench egolife --text` as people run it: on a made-up week, and on the real one where it is there. */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { before, describe, test } from "node:test";
import { qaRow, writeEgoLife } from "../src/benchmarks/datasets/egolife-text/__fixtures__/made-up-files.ts";
import { madeUpWeek } from "../src/benchmarks/datasets/egolife-text/__fixtures__/made-up-week.ts";
import { type CliRun, type Row, taskmem, temporaryFolder } from "./support/cli.ts";
import { sharedData } from "./support/shared-data.ts";

const week = madeUpWeek({ windows: 160 });

function bench(root: string, ...more: string[]) {
  return taskmem(["bench", "egolife", "--text", "--root", root, "--runs", join(root, "runs"), ...more]);
}

describe("bench egolife --text", () => {
  const root = temporaryFolder();
  writeEgoLife(root, week, [{ ...qaRow(week.questions[0]!), ID: "broken", answer: "Z" }]);
  const foreign = join(root, "foreign.json");
  writeFileSync(
    foreign,
    JSON.stringify({ rows: madeUpWeek({ asked: [3], seed: "foreign" }).questions.map(qaRow) }),
  );
  const args = ["--budgets", ".25,.25", "--policies", "all,cov,cov+words,cov+foreign", "--foreign", foreign];
  let told: CliRun;
  before(async () => {
    told = await bench(root, ...args, "--json");
    assert.equal(told.code, 0, told.stderr);
  });

  test("ends in one object with rows, differences, configuration and what was skipped", () => {
    const end = told.rows.at(-1)!;
    assert.deepEqual([end.event, end.benchmark, end.tasks], ["bench-end", "egolife", week.questions.length]);
    assert.deepEqual(end.cost, { calls: 0, promptTokens: 0, completionTokens: 0, usd: 0 });
    const [skipped] = end.skipped as Row[];
    assert.equal(skipped!.row, week.questions.length + 1);
    assert.equal(skipped!.id, "broken");
    const rows = end.rows as Row[];
    const s60 = (policy: string) =>
      Number(rows.find((row) => row.policy === policy && row.type === "all")!.s60);
    assert.equal(s60("all"), 1);
    assert.ok(s60("cov+words") > s60("cov") + 0.2);
    assert.ok(s60("cov+foreign(foreign)") <= s60("cov"));
    assert.deepEqual([...new Set(rows.map(({ type }) => type))], ["all", "topic 0", "topic 1"]);
    const paired = end.paired as Row[];
    const gain = paired.find(
      (one) =>
        one.first === "cov+words" && one.second === "cov" && one.metric === "m" && one.subset === "all",
    )!;
    assert.ok(Number(gain.p) < 0.05 && Number(gain.low) > 0 && Number(gain.high) > Number(gain.difference));
    const config = end.config as { budgets: number[]; updates: null };
    assert.deepEqual([config.budgets, config.updates], [[0.25], null]);
  });

  test("prints tables and ends them with one verdict", async () => {
    const run = await bench(root, ...args);
    assert.equal(run.code, 0, run.stderr);
    assert.match(
      run.stderr,
      /skipped EgoLifeQA_A1_ANN\.json row \d+: expected its answer to be one of A, B, C, D/,
    );
    assert.match(
      run.stdout,
      /\| accuracy \| 95 % \| coverage \| precision \| errors \| m \| a60 \| s60 \| r20 \| tokens kept \|/,
    );
    assert.match(run.stdout, /\| 25 % \| cov\+words − cov \| \+/);
    assert.match(run.stdout, /first − second \| m, all \| m, DAY4-7 \| r20, all \| accuracy, all \|/);
    assert.equal(run.stdout.match(/^Verdict, cov\+words against cov: significant on m at 25 %/gm)?.length, 1);
  });

  test("the same run twice writes the same bytes, another seed another run", async () => {
    const kept = (directory: string) =>
      new Map(readdirSync(directory).map((name) => [name, readFileSync(join(directory, name), "utf8")]));
    const directoryOf = async (...more: string[]) => {
      const run = await bench(
        root,
        ...["--budgets", ".25", "--policies", "random,recent,cov+words", "--limit", "40", "--json"],
        ...more,
      );
      assert.equal(run.code, 0, run.stderr);
      return String(run.rows.at(-1)!.run);
    };
    const directory = await directoryOf();
    const first = kept(directory);
    assert.deepEqual([...first.keys()].sort(), [
      "paired.jsonl",
      "report.md",
      "results.jsonl",
      "rows.jsonl",
      "run.json",
      "skipped.jsonl",
    ]);
    assert.equal(first.get("results.jsonl")!.trim().split("\n").length, 3 * 40);
    rmSync(directory, { recursive: true });
    assert.equal(await directoryOf(), directory);
    assert.deepEqual(kept(directory), first);
    assert.notEqual(await directoryOf("--seed", "6"), directory);
  });

  test("killed and resumed it ends with the same bytes, and measures nothing twice", async () => {
    const flags = [...args, "--seed", "7", "--limit", "9", "--updates", "none"];
    const inFolder = (place: string, more: readonly string[], options = {}) =>
      taskmem(
        ["bench", "egolife", "--text", "--root", root, "--runs", join(root, place), ...flags, ...more],
        options,
      );
    const whole = await inFolder("whole", ["--json"]);
    assert.equal(whole.code, 0, whole.stderr);
    assert.equal(whole.rows.at(-1)!.tasks, 9);
    const directory = String(whole.rows.at(-1)!.run);
    const killed = join(root, "killed", basename(directory));
    mkdirSync(killed, { recursive: true });
    // As a run leaves it that was killed in the middle of its second row, and of a line.
    const lines = readFileSync(join(directory, "results.jsonl"), "utf8").split("\n");
    writeFileSync(
      join(killed, "results.jsonl"),
      `${lines.slice(0, 13).join("\n")}\n${lines[13]!.slice(0, 40)}`,
    );
    const resumed = await inFolder("killed", ["--resume", "--json"]);
    assert.equal(resumed.code, 0, resumed.stderr);
    assert.match(resumed.stderr, /resumed: 13 results kept/);
    const answers = resumed.rows.filter(({ event }) => event === "bench-answer");
    assert.equal(answers.length, lines.length - 1 - 13);
    assert.deepEqual(readdirSync(killed).sort(), readdirSync(directory).sort());
    for (const name of readdirSync(directory))
      assert.equal(
        readFileSync(join(killed, name), "utf8"),
        readFileSync(join(directory, name), "utf8"),
        name,
      );
  });

  test("is drawn as one self-contained page, and its Markdown is the run's own", async () => {
    const directory = String(told.rows.at(-1)!.run);
    const written = () => readFileSync(join(directory, "report.md"), "utf8");
    const own = written();
    const drawn = await taskmem(["bench", "report", directory, "--json"]);
    assert.equal(drawn.code, 0, drawn.stderr);
    const html = readFileSync(String(drawn.rows[0]!.html), "utf8");
    assert.equal(html.match(/<svg /g)!.length, 4);
    assert.equal(html.match(/<table>/g)!.length, own.match(/^\| ---/gm)!.length);
    assert.match(html, /<h2>EgoLife as text: A1_ANN<\/h2>/);
    assert.match(html, /Verdict, cov\+words against cov: significant/);
    assert.doesNotMatch(html, /<script|<link|<img|@import|url\(|https?:|NaN|undefined/);
    assert.equal(written(), own);
    assert.equal(drawn.rows[0]!.markdown, join(directory, "report.md"));
    writeFileSync(join(directory, "run.json"), JSON.stringify({ format: 1, own: {} }));
    const damaged = await taskmem(["bench", "report", directory]);
    assert.equal(damaged.code, 3);
    assert.match(damaged.stderr, /Expected a run of `bench` in/);
  });

  test("every flag changes the run", async () => {
    const other = join(root, "other", "EgoLifeQA_A1_ANN.json");
    mkdirSync(join(root, "other"));
    writeFileSync(other, JSON.stringify(week.questions.slice(0, 5).map(qaRow)));
    const endOf = async (...more: string[]) => {
      const few = ["--budgets", ".1", "--policies", "cov+words", "--limit", "30", "--json"];
      const run = await bench(root, ...few, ...more);
      assert.equal(run.code, 0, run.stderr);
      return run.rows.at(-1)!;
    };
    const rowsOf = (end: Row) => JSON.stringify(end.rows);
    const plain = await endOf();
    for (const flags of [
      ["--lang", "zh"],
      ["--window", "60"],
    ]) {
      const end = await endOf(...flags);
      assert.notEqual(rowsOf(end), rowsOf(plain), flags.join(" "));
      assert.notEqual(end.run, plain.run);
      assert.equal(end.tasks, plain.tasks);
    }
    const zh = await endOf("--lang", "zh", "--policies", "all");
    assert.ok(Number((zh.rows as Row[])[0]!.s60) > 0.9, "what is asked in Chinese is found in Chinese");
    assert.equal((await endOf("--annotations", other)).tasks, 5);
  });

  test("refuses what it cannot do and names each flag", async () => {
    const ignored = await bench(root, "--policy", "choice", "--votes", "3", "--no-screen-text");
    assert.equal(ignored.code, 2);
    assert.match(ignored.stderr, /got --policy, --votes, --no-screen-text/);
    const others = await bench(root, "--variant", "oracle", "--order", "seeded:2");
    assert.equal(others.code, 2);
    assert.match(others.stderr, /got --variant, --order/);
    const missing = await bench(join(root, "nowhere"));
    assert.equal(missing.code, 2);
    assert.match(missing.stderr, /Expected --root to be a folder, found none at .*nowhere/);
    mkdirSync(join(root, "empty"));
    const empty = await bench(join(root, "empty"));
    assert.equal(empty.code, 3);
    assert.match(empty.stderr, /Expected EgoLifeQA\/EgoLifeQA_A1_JAKE\.json or egolife_qa\.json below/);
    const none = await bench(root, "--limit", "0", "--updates", "30,10");
    assert.equal(none.code, 2);
    assert.match(
      none.stderr,
      /--updates: expected .*, got 30,10; --limit: expected a whole number from 1 up/,
    );
    const wrong = await bench(
      root,
      "--budgets",
      "2",
      "--policies",
      "best",
      "--updates",
      "5,x",
      "--lang",
      "fr",
    );
    assert.equal(wrong.code, 2);
    for (const flag of ["budgets", "policies", "updates", "lang"])
      assert.match(wrong.stderr, new RegExp(`--${flag}: expected`));
    const unwritable = await taskmem(["bench", "egolife", "--text", "--root", root, "--runs", foreign]);
    assert.equal(unwritable.code, 2);
    assert.match(unwritable.stderr, /give another place with --runs/);
    const unknown = await taskmem(["bench", "chess"]);
    assert.equal(unknown.code, 2);
    assert.match(unknown.stderr, /unknown command 'chess'/);
  });
});

const real = sharedData("benchmarks/egolife");

test("the real week's first hundred questions give the figures measured before", {
  skip: real.skip,
}, async () => {
  const run = await taskmem([
    ...["bench", "egolife", "--text", "--json", "--root", real.path, "--runs", temporaryFolder()],
    ...["--budgets", ".05", "--policies", "cov,cov+words", "--limit", "100"],
  ]);
  assert.equal(run.code, 0, run.stderr);
  const end = run.rows.at(-1)!;
  assert.equal(end.tasks, 100);
  assert.deepEqual(end.skipped, []);
  const twentieth = (policy: string, metric: string) =>
    100 * Number((end.rows as Row[]).find((row) => row.policy === policy && row.type === "all")![metric]);
  const near = (got: number, expected: number, what: string) =>
    assert.ok(Math.abs(got - expected) <= 3, `${what}: ${got} instead of ${expected} ± 3`);
  near(twentieth("cov", "s60"), 34, "cov, s60");
  near(twentieth("cov+words", "s60"), 38, "cov+words, s60");
  assert.ok(twentieth("cov+words", "m") > twentieth("cov", "m"));
  for (const policy of ["cov", "cov+words"]) near(twentieth(policy, "share"), 5, `${policy}, share kept`);
  assert.ok(twentieth("cov", "r20") > 15, "recall finds evidence");
  assert.ok(twentieth("cov", "coverage") < 10, "the reader by rules answers few of these questions");
});
