/** The learning loop on the command line: questions, an adapter, the gate, the next memory written with it, and back. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import {
  askAbout,
  captionsOf,
  createEpisode,
  episodeSeed,
  type HouseholdQuestion,
} from "../src/household/index.ts";
import { seededRandom } from "../src/util/random.ts";
import { askAll } from "./support/asked.ts";
import { parseRow, type Row, taskmem, temporaryFolder } from "./support/cli.ts";
import { watchedMemory } from "./support/watched-memory.ts";

const folder = temporaryFolder();
const memory = join(folder, "memory");
const film = createEpisode(episodeSeed("validation", 1), 30);
const questions = askAbout(film, seededRandom("adapt"), { perKind: 14, kinds: ["wear"] });

async function ok(...args: string[]): Promise<readonly Row[]> {
  const run = await taskmem([...args, "--json", "--memory", memory]);
  assert.equal(run.code, 0, run.stderr);
  return run.rows;
}
const texts = (name: string, n: number) => {
  const path = join(folder, `${name}.descriptions.srt`);
  writeFileSync(path, captionsOf(createEpisode(episodeSeed("validation", n), 30)));
  return path;
};

before(async () => {
  await ok("watch", texts("first", 1));
});

test("with too few questions nothing is trained, and it says so", async () => {
  const [report] = await ok("adapt", "run");
  assert.equal(report!.activated, false);
  assert.match(String(report!.reason), /0 of 5 distinct questions/);
  await ok("ask", questions[0]!.text, "--no-adapt");
  await askAll(memory, Array(4).fill(questions[0]!.text));
  const [again] = await ok("adapt", "run");
  assert.equal(again!.activated, false);
  assert.match(String(again!.reason), /1 of 5 distinct questions/);
  assert.deepEqual((await ok("adapt", "status"))[0]!.adapters, []);
});

test("questions of one kind become an active adapter, which writes the next memory and can be rolled back", async () => {
  const [{ text, options }, ...others] = questions.slice(1) as [HouseholdQuestion, ...HouseholdQuestion[]];
  await ok("ask", text, "--no-adapt", ...options.flatMap((option) => ["--option", option.text]));
  await askAll(memory, others);
  const [report] = await ok("adapt", "run");
  for (const field of [
    ...["event", "adapter", "pairs", "steps", "norm", "winRate", "tieRate", "lossRate"],
    ...["accuracyBefore", "accuracyAfter", "activated", "reason", "ms"],
  ])
    assert.ok(field in report!, field);
  assert.equal(report!.event, "adapt-end");
  assert.equal(report!.run, null, "the closed form takes no steps");
  assert.equal(report!.activated, true, JSON.stringify(report));
  assert.ok(Number(report!.accuracyAfter) > Number(report!.accuracyBefore));

  const [status] = await ok("adapt", "status");
  assert.equal(status!.active, report!.id);
  assert.ok((status!.learnt as { word: string }[]).some(({ word }) => word === "colour"));

  const second = await ok("watch", texts("second", 2));
  const revision = (rows: readonly Row[]) => String(rows.find(({ event }) => event === "clip-end")!.revision);
  assert.equal(revision(second), `choice@1+${report!.adapter}`);

  const [back] = await ok("adapt", "rollback");
  assert.equal(back!.adapter, null);
  assert.equal(revision(await ok("watch", texts("third", 3))), "choice@1");
  const [promoted] = await ok("adapt", "promote", "--adapter", String(report!.id));
  assert.equal(promoted!.adapter, report!.id);
  assert.equal((await ok("adapt", "status"))[0]!.active, report!.id);
});

test("asking alone trains, after enough new questions, and a refused adapter changes nothing", async () => {
  const alone = join(folder, "alone");
  const run = (...args: string[]) => taskmem([...args, "--json", "--memory", alone]);
  await run("watch", texts("alone", 1));
  const remarks: string[] = [];
  const few = questions.slice(0, 10);
  for (const { text, options } of few) {
    const asked = await run("ask", text, ...options.flatMap((option) => ["--option", option.text]));
    assert.equal(asked.code, 0, asked.stderr);
    assert.equal(asked.rows.length, 1, "one object, with training or without");
    remarks.push(asked.stderr);
  }
  const [status] = (await run("adapt")).rows;
  const adapters = status!.adapters as { id: string; state: string }[];
  assert.ok(adapters.length >= 1 && adapters.length <= few.length / 5, JSON.stringify(adapters));
  assert.ok(adapters.filter(({ state }) => state === "active").length <= 1);
  const said = (words: RegExp) => remarks.filter((remark) => words.test(remark)).length;
  const refused = adapters.filter(({ state }) => state === "refused").length;
  assert.equal(said(/^not learned from your \d+ questions: it is not significantly better/m), refused);
  assert.equal(said(/^learned from your \d+ questions/m), adapters.length - refused);
});

test("an adapter is exported and imported with its memory, and goes when its questions are forgotten", async () => {
  await ok("export", join(folder, "export"));
  const other = join(folder, "other");
  const imported = await taskmem(["import", join(folder, "export"), "--json", "--memory", other]);
  assert.equal(imported.code, 0, imported.stderr);
  const status = await taskmem(["adapt", "--json", "--memory", other]);
  assert.equal(status.rows[0]!.active, (await ok("adapt", "status"))[0]!.active);
  await ok("forget", "--query", questions[0]!.text);
  assert.equal((await ok("adapt", "status"))[0]!.active, null);
});

test("tasks are listed and take feedback; wrong calls are refused", async () => {
  const tasks = await ok("tasks");
  assert.ok(tasks.length >= 10);
  const id = String(tasks.at(-1)!.id);
  await ok("tasks", "feedback", "--task", id, "--wrong", "--correction", "in the attic");
  const again = (await ok("tasks")).at(-1)!;
  assert.deepEqual((again.feedback as Row).correction, "in the attic");
  for (const [args, code] of [
    [["tasks", "feedback", "--task", id], 2],
    [["tasks", "feedback", "--task", "none", "--right"], 5],
    [["tasks", "wat"], 2],
    [["adapt", "wat"], 2],
    [["adapt", "promote"], 2],
    [["adapt", "promote", "--adapter", "none"], 5],
    [["adapt", "rollback"], 2],
  ] as const) {
    const run = await taskmem([...args, "--memory", memory]);
    assert.equal(run.code, code, `${args.join(" ")}: ${run.stderr}`);
    assert.doesNotMatch(run.stderr, /\n\s+at /);
  }
});

test("training by preferences keeps its run beside the memory, or in --run", async () => {
  const watched = join(folder, "watched");
  await (await watchedMemory(watched, ["wear"], 8)).close();
  const learn = async (...args: string[]) => {
    const run = await taskmem([
      "adapt",
      "run",
      "--method",
      "preferences",
      "--json",
      "--memory",
      watched,
      ...args,
    ]);
    assert.equal(run.code, 0, run.stderr);
    return run.rows[0]!;
  };
  const report = await learn();
  assert.equal(report.run, join(watched, "runs", String(report.id)));
  const directory = join(folder, "curve");
  const again = await learn("--run", directory);
  assert.deepEqual([again.run, again.curve], [directory, report.curve]);
  for (const run of [String(report.run), directory]) {
    const lines = readFileSync(join(run, "metrics.jsonl"), "utf8").trimEnd().split("\n");
    assert.deepEqual(lines.map(parseRow), report.curve);
    assert.deepEqual(Object.keys(parseRow(lines[0]!)!), [
      ...["step", "loss", "rewardMargin", "won", "gradientNorm", "adapterNorm"],
    ]);
    assert.equal(lines.length, report.steps);
    const page = readFileSync(join(run, "curves.html"), "utf8");
    for (const name of ["loss", "rewardMargin", "won"])
      assert.ok(page.includes(`>${name}</figcaption>`), name);
  }
});
