import assert from "node:assert/strict";
import { appendFileSync, globSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { loadBenchmark } from "../load.ts";
import { qaRow, writeEgoLife } from "./__fixtures__/made-up-files.ts";
import { madeUpWeek } from "./__fixtures__/made-up-week.ts";
import { loadEgoLifeText } from "./week.ts";

const week = madeUpWeek({ windows: 130 }); // 65 minutes: two files of an hour each
const row = qaRow(week.questions[0]!);

function written(moreRows: readonly unknown[] = []): string {
  const root = mkdtempSync(join(tmpdir(), "taskmem-egolife-"));
  writeEgoLife(root, week, moreRows);
  return root;
}

test("reads a week in English as it was written, speech and captions in order of time", async () => {
  const loaded = await loadEgoLifeText(written(), "en");
  assert.deepEqual(loaded.skipped, []);
  assert.deepEqual(loaded.entries, week.entries);
  assert.deepEqual(
    loaded.questions,
    week.questions.toSorted((a, b) => a.askTime - b.askTime),
  );
  assert.deepEqual([loaded.wearer, loaded.names], ["A1_ANN", ["Ann"]]);
});

test("reads the Chinese side from the first line of each cue and from the captions themselves", async () => {
  const { entries, questions } = await loadEgoLifeText(written(), "zh");
  assert.equal(entries.length, week.entries.length);
  for (const [i, { kind, text, startSeconds }] of entries.entries()) {
    assert.equal(text, `${kind === "speech" ? "说" : "看"}${week.entries[i]!.text}`);
    assert.equal(startSeconds, week.entries[i]!.startSeconds);
  }
  assert.ok(questions.every(({ question }) => question.startsWith("问")));
});

test("reads every form of target time, days in any case, frames past 19", async () => {
  const at = (ID: string, target_time: unknown, time = "02000056") => ({
    ...row,
    ID,
    query_time: { date: "Day1", time },
    target_time,
  });
  const root = written([
    at("list", { date: "DAY1", time_list: ["01300000", "00100000"] }),
    at("glued", { date: "Day1", time: "00100000DAY1_01300000" }),
    {
      ...at("days", { date: "DAY1", time: "00100000DAY2_00000010" }),
      query_time: { date: "DAY3", time: "00000000" },
    },
  ]);
  const { questions, skipped } = await loadEgoLifeText(root, "en");
  assert.deepEqual(skipped, []);
  const byId = new Map(questions.map((question) => [question.id, question]));
  const targetsOf = (id: string) =>
    byId.get(`A1_ANN-${id}`)!.evidence.map(({ startSeconds }) => startSeconds);
  assert.deepEqual(targetsOf("list"), [600, 5400]);
  assert.equal(byId.get("A1_ANN-list")!.askTime, 7200.95);
  assert.deepEqual(targetsOf("glued"), [600, 5400]);
  assert.deepEqual(targetsOf("days"), [600, 86_400.5]);
});

test("lists rows that cannot be read with their number, and reads the rest", async () => {
  const after = week.questions.length;
  const root = written([
    { ...row, ID: "no-letter", answer: "E" },
    { ...row, ID: "no-time", query_time: { date: "DAY1", time: "99000000" } },
    { ...row, ID: "future", target_time: { date: "DAY7", time: "10000000" } },
    { ...row, ID: "no-choice", choice_c: "" },
    "not a row",
    { ...row, choice_e: "a fifth" },
    { ...row, ID: "four" },
    { ...row, ID: "four" },
    { ...row, ID: 5000, answer: row.answer.toLowerCase() },
  ]);
  const jsonl = join(root, "EgoLifeCap/DenseCaption/translated/A1_ANN_DAY1_01000000.jsonl");
  appendFileSync(jsonl, '\n{"custom_id": "x", "translated_text": "lost"}\nnot json\n');
  appendFileSync(
    join(root, "EgoLifeCap/Transcript/A1_ANN/DAY1/A1_ANN_DAY1_01000000.srt"),
    "\n\n9\n00:00 > 00:01\nAnn: lost\n",
  );
  const { questions, entries, skipped } = await loadEgoLifeText(root, "en");
  assert.equal(questions.length, after + 2);
  assert.deepEqual(entries, week.entries);
  const rows = skipped.filter(({ file }) => file === "EgoLifeQA_A1_ANN.json");
  assert.deepEqual(
    rows.map((one) => [one.row, one.id]),
    [
      [after + 1, "no-letter"],
      [after + 2, "no-time"],
      [after + 3, "future"],
      [after + 4, "no-choice"],
      [after + 5, null],
      [after + 6, row.ID],
      [after + 8, "four"],
    ],
  );
  // The benchmark on video reads the same questions by the same rules.
  const onVideo = await loadBenchmark("egolife", root);
  assert.deepEqual(onVideo.skipped, rows);
  assert.equal(onVideo.tasks.length, questions.length);
  const captions = week.entries.filter(
    ({ kind, startSeconds }) => kind === "caption" && startSeconds >= 3600,
  ).length;
  assert.deepEqual(
    skipped.filter(({ file }) => file.endsWith(".jsonl")).map((one) => one.row),
    [captions + 1, captions + 2],
  );
  assert.equal(skipped.filter(({ file }) => file.endsWith(".srt")).length, 1);
});

test("reads captions or transcript alone, and says what is missing", async () => {
  for (const [path, kind] of [
    ["EgoLifeCap/Transcript", "speech"],
    ["EgoLifeCap/DenseCaption/translated", "caption"],
  ] as const) {
    const root = written();
    const whole = await loadEgoLifeText(root, "en");
    assert.deepEqual(whole.notes, []);
    rmSync(join(root, path), { recursive: true });
    const half = await loadEgoLifeText(root, "en");
    assert.deepEqual(
      half.entries,
      whole.entries.filter((entry) => entry.kind !== kind),
    );
    assert.equal(half.notes.length, 1);
    assert.ok(half.notes[0]!.includes(join(...path.split("/"))), half.notes[0]);
  }
  const root = written();
  const [gone] = globSync("EgoLifeCap/Transcript/*/*/*.srt", { cwd: root }).sort();
  rmSync(join(root, gone!));
  const [hour] = /DAY\d_\d\d/.exec(gone!)!;
  const { notes } = await loadEgoLifeText(root, "en");
  assert.deepEqual(notes, [`no transcript of ${hour.replace("_", " at ")}`]);
});

test("refuses a root where the questions or all texts are missing, naming them", async () => {
  const missing = (path: string) => (error: Error & { code?: string }) =>
    /^(file|annotations)-missing$/.test(error.code!) && error.message.includes(path);
  for (const path of ["EgoLifeQA", "EgoLifeCap"]) {
    const root = written();
    rmSync(join(root, path), { recursive: true });
    await assert.rejects(loadEgoLifeText(root, "en"), missing(path), path);
  }
  const root = written();
  await assert.rejects(loadEgoLifeText(root, "en", join(root, "none.json")), missing("none.json"));
  writeFileSync(join(root, "EgoLifeQA/EgoLifeQA_A1_ANN.json"), "{");
  await assert.rejects(loadEgoLifeText(root, "en"), { code: "annotations-cut" });
});
