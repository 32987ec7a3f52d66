/** What a user does by hand: questions added without an answer, adapters blended, promoted and rolled back. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { adapterText, parseAdapter } from "../src/adapter/adapter-file.ts";
import { blendAdapters, createAdapter, weightsOf } from "../src/adapter/arithmetic.ts";
import { wordSpace } from "../src/engines/local/index.ts";
import {
  askAbout,
  captionsOf,
  createEpisode,
  episodeSeed,
  type FactKind,
  type HouseholdQuestion,
} from "../src/household/index.ts";
import { seededRandom } from "../src/util/random.ts";
import { addAll } from "./support/asked.ts";
import { type Row, taskmem, temporaryFolder } from "./support/cli.ts";
import { openTestMemory } from "./support/memory.ts";

const folder = temporaryFolder();
const memory = join(folder, "memory");
const film = createEpisode(episodeSeed("validation", 1), 30);

async function ok(...args: string[]): Promise<readonly Row[]> {
  const run = await taskmem([...args, "--json", "--memory", memory]);
  assert.equal(run.code, 0, run.stderr);
  return run.rows;
}

async function refused(code: number, says: RegExp, ...args: string[]): Promise<void> {
  const run = await taskmem([...args, "--memory", memory]);
  assert.equal(run.code, code, `${args.join(" ")}: ${run.stderr}`);
  assert.match(run.stderr, says);
  assert.doesNotMatch(run.stderr, /\n\s+at /);
}

const texts = (name: string, n: number) => {
  const path = join(folder, `${name}.descriptions.srt`);
  writeFileSync(path, captionsOf(createEpisode(episodeSeed("validation", n), 30)));
  return path;
};

const questionsAbout = (kind: FactKind, perKind: number) =>
  askAbout(film, seededRandom(`by hand ${kind}`), { perKind, kinds: [kind] });

async function add(kind: FactKind, perKind: number): Promise<void> {
  const [{ text, options }, ...others] = questionsAbout(kind, perKind) as [
    HouseholdQuestion,
    ...HouseholdQuestion[],
  ];
  await ok("tasks", "add", text, ...options.flatMap((option) => ["--option", option.text]));
  await addAll(memory, others);
}

before(async () => {
  await ok("watch", texts("first", 1));
});

test("questions that were only added train as those that were asked", async () => {
  await add("wear", 14);
  const tasks = await ok("tasks");
  const [asked] = questionsAbout("wear", 14);
  assert.equal(tasks.length, 14);
  assert.deepEqual(tasks[0]!.question, { text: asked!.text, options: asked!.options });
  assert.deepEqual([tasks[0]!.reader, tasks[0]!.answer, tasks[0]!.citations], ["nobody", "", []]);
  const shown = await taskmem(["tasks", "--memory", memory]);
  assert.match(shown.stdout, /not answered/);
  const [report] = await ok("adapt", "run");
  assert.equal(report!.questions, 14);
  assert.equal(report!.activated, true, JSON.stringify(report));
  const words = (report!.learnt as { word: string }[]).map(({ word }) => word);
  assert.ok(words.includes("colour"), words.join(" "));
});

test("a question without a text, or with one option, is not added", async () => {
  await refused(2, /Expected a question/, "tasks", "add", " ");
  await refused(2, /missing required argument .question./, "tasks", "add");
  await refused(2, /at least two --option/, "tasks", "add", "Which?", "--option", "this");
  await refused(2, /unknown command .wat.|too many arguments/, "tasks", "wat");
  assert.equal((await ok("tasks")).length, 14);
});

/** Ids of the adapters, in the order they were made. */
async function ids(): Promise<string[]> {
  const opened = await openTestMemory(memory);
  const kept = await opened.adapters();
  await opened.close();
  return kept.map(({ id }) => id);
}

test("a blend of two adapters is a candidate, and active once promoted", async () => {
  await add("place", 10);
  await ok("adapt", "run");
  const [first, second] = await ids();
  const before = (await ok("adapt"))[0]!.active;
  const [blended] = await ok("adapt", "blend", "--adapter", first!, "--with", second!, "--share", "0.25");
  assert.equal(blended!.event, "adapter-blended");
  const [status] = await ok("adapt");
  assert.equal(status!.active, before, "it is not tried yet");
  const kept = (status!.adapters as Row[]).at(-1)!;
  assert.deepEqual([kept.id, kept.state, kept.revision], [blended!.adapter, "candidate", blended!.revision]);

  const opened = await openTestMemory(memory);
  const target = { space: wordSpace.id, dimension: wordSpace.dimension, base: "choice@1" };
  const records = (await opened.adapters()).map(({ file, id }) => parseAdapter(file, id, target));
  await opened.close();
  const [one, two, both] = records;
  const expected = blendAdapters(one!.adapter, two!.adapter, 0.25);
  assert.equal(both!.adapter.revision, expected.revision);
  assert.deepEqual(weightsOf(both!.adapter), weightsOf(expected));
  assert.equal(both!.provenance.method, "blend");
  assert.deepEqual(both!.provenance.parents, [one!.adapter.revision, two!.adapter.revision]);
  assert.equal(both!.provenance.tasks.length, 24);

  await ok("adapt", "promote", "--adapter", String(blended!.adapter));
  const written = await ok("watch", texts("second", 2));
  assert.equal(written.find(({ event }) => event === "clip-end")!.revision, `choice@1+${blended!.revision}`);
  const [back] = await ok("adapt", "rollback");
  assert.equal(back!.adapter, before);
});

test("a wrong share and unknown adapters are refused and change nothing", async () => {
  const [first, second] = await ids();
  const known = await ids();
  for (const share of ["1", "-0.5", "half"])
    await refused(
      2,
      /--share between 0 and 1/,
      ...["adapt", "blend", "--adapter", first!, "--with", second!, `--share=${share}`],
    );
  await refused(
    2,
    /There is no adapter adapter_none/,
    "adapt",
    "blend",
    "--adapter",
    first!,
    "--with",
    "adapter_none",
  );
  await refused(2, /--with .* got nothing/, "adapt", "blend", "--adapter", first!);
  await refused(2, /--adapter .* got nothing/, "adapt", "blend", "--with", second!);
  assert.deepEqual(await ids(), known);
});

test("a blend goes when a question of either of its parents is forgotten", async () => {
  const [wear] = await ids();
  await ok("forget", "--query", questionsAbout("place", 10)[0]!.text);
  assert.deepEqual(await ids(), [wear]);
});

test("an adapter that does not fit is neither promoted nor hidden", async () => {
  const opened = await openTestMemory(memory);
  const [kept] = await opened.adapters();
  const target = { space: wordSpace.id, dimension: wordSpace.dimension, base: "choice@1" };
  const record = parseAdapter(kept!.file, kept!.id, target);
  const adapter = createAdapter("words@other", wordSpace.dimension, weightsOf(record.adapter));
  const file = adapterText({ ...record, adapter }, "an adapter of other words");
  await opened.addAdapter({
    ...{ ...kept!, id: "adapter_unfit", state: "candidate", file, reason: "of another word space" },
    history: [],
  });
  await opened.close();
  const active = (await ok("adapt"))[0]!.active;
  await refused(2, /words@other/, "adapt", "promote", "--adapter", "adapter_unfit");
  assert.equal((await ok("adapt"))[0]!.active, active);

  // As after an update of the words: it is active, is shown with its problem, and can be rolled back.
  const again = await openTestMemory(memory);
  await again.activateAdapter("choice", "adapter_unfit", "as if it had fitted");
  await again.close();
  const [status] = await ok("adapt");
  assert.equal(status!.active, "adapter_unfit");
  assert.match(String(status!.problem), /words@other/);
  assert.notEqual((await ok("adapt", "rollback"))[0]!.adapter, "adapter_unfit");
  assert.equal((await ok("adapt"))[0]!.problem, null);
});
