/** The tables of the documents are made by commands that are there, kept while they are made, and written where they belong. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  blocksIn,
  documents,
  type Measurement,
  makeResults,
  measurements,
  withBlocks,
} from "../scripts/results.ts";
import { temporaryFolder } from "./support/cli.ts";

const root = join(import.meta.dirname, "..");
const made = {
  ...{ command: "node a.ts", date: "2026-12-01", commit: "abc" },
  output: "Two films.\n\n| a | b |\n| --- | --: |\n| x | 1 |\n\nAnd:\n\n| c |\n| --- |\n| 2 |",
};

test("every measurement is a program that is there and has a block in docs/results.md, and every block a measurement", () => {
  const names = measurements.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  for (const { name, full, quick } of measurements)
    for (const args of [full({ egolife: "D" }), quick?.({}) ?? full({ egolife: "D" })])
      assert.ok(existsSync(join(root, args[0]!)), `${name}: ${args}`);
  const blocks = new Map(documents.map((path) => [path, blocksIn(readFileSync(join(root, path), "utf8"))]));
  for (const [path, found] of blocks)
    for (const name of found) assert.ok(names.includes(name), `${path}: ${name}`);
  assert.deepEqual([...new Set(blocks.get("docs/results.md"))].sort(), names.toSorted());
});

test("a block gets all that was printed, or one table of it, with command, day and commit; others stay", () => {
  const text =
    "A\n<!-- results: one 2 -->\nold\n<!-- end -->\nB\n<!-- results: other -->\nstays\n<!-- end -->\n<!-- results: one -->\n<!-- end -->\n";
  const written = withBlocks(text, new Map([["one", made]]));
  assert.equal(
    written,
    `A\n<!-- results: one 2 -->\n\n| c |\n| --- |\n| 2 |\n\n\`node a.ts\`, 2026-12-01, abc.\n\n<!-- end -->\nB\n<!-- results: other -->\nstays\n<!-- end -->\n<!-- results: one -->\n\n${made.output}\n\n\`node a.ts\`, 2026-12-01, abc.\n\n<!-- end -->\n`,
  );
  assert.equal(withBlocks(written, new Map([["one", made]])), written, "again it is the same");
  assert.throws(
    () => withBlocks(text.replace("one 2", "one 3"), new Map([["one", made]])),
    /table 3 of one, got 2/,
  );
});

test("what stands is not made again, what fails costs itself, and what is missing is said", async () => {
  const folder = temporaryFolder();
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b", ...args], { cwd: folder });
  git("init", "-q");
  git("commit", "-qm", "first", "--allow-empty");
  writeFileSync(
    join(folder, "count.ts"),
    'import { appendFileSync } from "node:fs";\nappendFileSync("count", "x");\nconsole.log("| made |");',
  );
  writeFileSync(join(folder, "fails.ts"), "process.exit(3);");
  const program = (name: string, more: Partial<Measurement> = {}): Measurement => ({
    ...{ name, hours: 0, full: () => [`${name}.ts`], quick: null },
    ...more,
  });
  const list = [program("fails"), program("count"), program("far", { lacks: () => "no data" })];
  const run = async (more: object = {}) => {
    const options = {
      root: folder,
      list,
      places: {},
      quick: false,
      again: false,
      now: () => new Date(0),
      ...more,
    };
    return (await makeResults(options)).map(({ name, state }) => `${name} ${state}`);
  };
  assert.deepEqual(await run(), ["fails failed", "count made", "far left out"]);
  const kept = JSON.parse(readFileSync(join(folder, "runs/results/full/count.json"), "utf8"));
  assert.deepEqual([kept.command, kept.date, kept.output], ["node count.ts", "1970-01-01", "| made |"]);
  assert.deepEqual(await run(), ["fails failed", "count stands", "far left out"]);
  assert.deepEqual(await run({ quick: true }), ["fails left out", "count left out", "far left out"]);
  await run({ again: true });
  assert.equal(readFileSync(join(folder, "count"), "utf8"), "xx");
});
