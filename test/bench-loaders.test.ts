/**
 * Benchmarks as people have them: the real annotations where they are, and made-up trees with the real names and
 * layouts for everything that can be different or wrong.
 */
import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { before, test } from "node:test";
import { openStream } from "../src/benchmarks/datasets/files/open-stream.ts";
import { loadBenchmark } from "../src/benchmarks/datasets/load.ts";
import { type BenchmarkName, type LoadedBenchmark, withMaterial } from "../src/benchmarks/task.ts";
import { DataError } from "../src/errors.ts";
import { probeMedia } from "../src/stream/ffmpeg.ts";
import { temporaryFolder } from "./support/cli.ts";
import { inventedVideo } from "./support/media.ts";
import { sharedData } from "./support/shared-data.ts";
import { writeZip } from "./support/zip.ts";

/** The made-up rows below as pyarrow 25 writes them: snappy with dictionaries; pages of version 2 and large lists; brotli. */
const fixtures = join(import.meta.dirname, "../src/benchmarks/datasets/files/__fixtures__");

function tree(files: Record<string, string | Uint8Array>): string {
  const root = temporaryFolder();
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), content);
  }
  return root;
}

/** Loads and checks that no row is lost. */
async function load(name: BenchmarkName, root: string, annotations?: string): Promise<LoadedBenchmark> {
  const loaded = await loadBenchmark(name, root, annotations);
  assert.equal(loaded.tasks.length + loaded.skipped.length, loaded.rows, "rows add up");
  assert.equal(new Set(loaded.tasks.map(({ id }) => id)).size, loaded.tasks.length, "ids are unique");
  return loaded;
}

const countBy = <T>(items: readonly T[], key: (item: T) => string) =>
  Object.fromEntries([...Map.groupBy(items, key)].map(([name, of]) => [name, of.length]).sort());

const reasons = ({ skipped }: LoadedBenchmark) =>
  Object.fromEntries(skipped.map(({ row, reason }) => [row, reason]));

// The real annotations, with the counts of their SOURCES.md.

const realEgoLife = sharedData("benchmarks/egolife");
test("EgoLife: the real questions load", { skip: realEgoLife.skip }, async () => {
  const loaded = await load("egolife", realEgoLife.path);
  assert.equal(loaded.rows, 374);
  assert.deepEqual(loaded.skipped, []);
  const types = { EntityLog: 90, EventRecall: 102, HabitInsight: 54, RelationMap: 84, TaskMaster: 44 };
  assert.deepEqual(
    countBy(loaded.tasks, ({ type }) => type),
    types,
  );
  const days = { 1: 86, 2: 24, 3: 43, 4: 78, 5: 70, 6: 57, 7: 16 };
  assert.deepEqual(
    countBy(loaded.tasks, ({ askTime }) => String(Math.floor(Number(askTime) / 86_400) + 1)),
    days,
  );
  assert.equal(loaded.tasks.filter(({ evidence }) => evidence!.length > 1).length, 41);
  assert.ok(loaded.tasks.every(({ evidence, askTime }) => evidence!.at(-1)!.endSeconds <= Number(askTime)));
  assert.deepEqual(loaded.missing, ["A1_JAKE"]);
});

const realEgoTempo = sharedData("benchmarks/egotempo");
test("EgoTempo: the real questions load", { skip: realEgoTempo.skip }, async () => {
  const loaded = await load("egotempo", realEgoTempo.path);
  assert.equal(loaded.rows, 356);
  assert.deepEqual(loaded.skipped, []);
  assert.equal(new Set(loaded.tasks.map(({ stream }) => stream)).size, 268);
  assert.deepEqual(
    countBy(loaded.tasks, ({ type }) => type),
    {
      "action sequence": 38,
      "action-specific object": 32,
      "counting actions": 34,
      "counting objects": 29,
      "future action prediction": 40,
      "locating object": 30,
      "object sequence": 38,
      "object-specific action": 34,
      "spatial relationship": 42,
      "temporal event ordering": 39,
    },
  );
  assert.equal(loaded.missing.length, 268);
});

const realM3 = sharedData("benchmarks/m3bench");
test("M3-Bench: the real questions load", { skip: realM3.skip }, async () => {
  const loaded = await load("m3bench", realM3.path);
  assert.equal(loaded.rows, 955 + 2275);
  assert.deepEqual(loaded.skipped, []);
  assert.equal(new Set(loaded.tasks.map(({ stream }) => stream)).size, 75 + 654);
  const typesOf = (group: string) =>
    countBy(
      loaded.tasks
        .filter((task) => task.group === group)
        .flatMap(({ type, otherTypes = [] }) => [type, ...otherTypes]),
      (type) => type.replace(/ Reasoning$/, ""),
    );
  assert.deepEqual(typesOf("robot"), {
    "Cross-Modal": 328,
    "General Knowledge Extraction": 257,
    "Multi-Evidence": 614,
    "Multi-Hop": 59,
    "Person Understanding": 407,
  });
  assert.deepEqual(typesOf("web"), {
    "Cross-Modal": 290,
    "General Knowledge Extraction": 674,
    "Multi-Evidence": 670,
    "Multi-Hop": 329,
    "Person Understanding": 940,
  });
  for (const [stream, tasks] of Map.groupBy(loaded.tasks, (task) => task.stream)) {
    const times = tasks.map(({ askTime }) => askTime);
    if (tasks[0]!.group === "web") assert.ok(times.every((time) => time === "end"));
    else
      assert.deepEqual(
        times,
        [...times].sort((a, b) => Number(a) - Number(b)),
        stream,
      );
  }
});

// Video-MME in made-up rows: three videos of three questions, as the official table has them.

interface OfficialRow {
  video_id: string;
  duration: string;
  domain: string;
  sub_category: string;
  url: string;
  videoID: string;
  question_id: string;
  task_type: string;
  question: string;
  options: string[];
  answer: string;
}

const videos = ["aaaaaaaaaa1", "-bbbbbbbb_2", "ccccccccc-3"];
const classes = ["short", "medium", "long"];
const taskTypes = ["Counting Problem", "Object Reasoning", "OCR Problems"];

function officialRows(): OfficialRow[] {
  return videos.flatMap((videoID, v) =>
    taskTypes.map((task_type, q) => ({
      video_id: `00${v + 1}`,
      duration: classes[v]!,
      domain: "Knowledge",
      sub_category: "Astronomy",
      url: `https://www.youtube.com/watch?v=${videoID}`,
      videoID,
      question_id: `00${v + 1}-${q + 1}`,
      task_type,
      question: `Made-up question ${q + 1} of video 00${v + 1}?\nIt has two lines.`,
      options: [`A. kettle ${q + 1}.`, `B. A. Ladder, the ${q + 1}`, "C. D. lamp", `D. none of ${q + 1}.`],
      answer: "ABCD"[(v + 1 + q + 1) % 4]!,
    })),
  );
}

const pythonList = (items: readonly string[]) =>
  `[${items.map((item) => `'${item.replace(/'/g, "\\'")}'`).join(", ")}]`;

/** Every layout of the same nine rows. */
function layouts(): Record<string, [file: string, content: string | Uint8Array]> {
  const rows = officialRows();
  const byVideo = [...Map.groupBy(rows, ({ videoID }) => videoID).values()];
  const plain = (option: string) => option.slice(3);
  const template = byVideo.map(([first, ...rest]) => ({
    video_id: first!.video_id,
    duration: first!.duration,
    domain: first!.domain,
    sub_category: first!.sub_category,
    url: first!.url,
    questions: [first!, ...rest].map(({ question_id, task_type, question, options, answer }) => ({
      ...{ question_id, task_type, question, options, answer },
      response: "",
    })),
  }));
  const prompts = rows.map((row) => ({
    question_id: row.question_id,
    duration: row.duration,
    category: row.domain,
    sub_category: row.sub_category,
    task_category: row.task_type,
    answer: row.answer,
    videoID: row.videoID,
    input: ["Pick the best option.", row.question, ...row.options, "Only the letter:"].join("\n"),
  }));
  const conversations = byVideo.map((ofVideo) => ({
    video_id: ofVideo[0]!.videoID,
    video_path: `/home/somebody/videos/${ofVideo[0]!.videoID}.mp4`,
    duration: 61.5,
    duration_category: ofVideo[0]!.duration,
    conversations: ofVideo.map((row) => ({
      question: row.question,
      choices: row.options.map(plain),
      answer: plain(row.options["ABCD".indexOf(row.answer)]!),
      question_type: row.task_type,
    })),
  }));
  const table = [
    "index\tvideo\tvideo_path\tduration\tdomain\tcandidates\tsub_category\ttask_type\tsubtitle_path\tquestion\tanswer",
    ...rows.map((row, i) =>
      [
        i,
        row.videoID,
        `./video/${row.videoID}.mp4`,
        row.duration,
        row.domain,
        pythonList(row.options),
        row.sub_category,
        row.task_type,
        `./subtitle/${row.videoID}.srt`,
        `"${row.question}"`,
        row.answer,
      ].join("\t"),
    ),
  ];
  const typed = {
    all: rows,
    ...Object.fromEntries(Map.groupBy(rows, ({ task_type }) => task_type)),
  };
  return {
    "official (parquet)": [
      "videomme/test-00000-of-00001.parquet",
      readFileSync(join(fixtures, "official-list.parquet")),
    ],
    "official (parquet, large lists)": [
      "videomme/test-00000-of-00001.parquet",
      readFileSync(join(fixtures, "official-large-list.parquet")),
    ],
    "official (json)": ["videomme.json", JSON.stringify(rows)],
    "official (jsonl)": ["videomme.jsonl", rows.map((row) => JSON.stringify(row)).join("\n")],
    "result template (json)": ["output_test_template.json", JSON.stringify(template).replaceAll("}]", "},]")],
    "prompts (jsonl)": ["videomme_prompts.jsonl", prompts.map((row) => JSON.stringify(row)).join("\n")],
    "per video (json)": ["videomme.json", JSON.stringify(conversations)],
    "table (tsv)": ["Video-MME.tsv", table.join("\n")],
    "by task type (json)": ["video_info_short.json", JSON.stringify(typed)],
  };
}

test("Video-MME: every layout gives the same tasks", async (t) => {
  const expected = officialRows();
  for (const [layout, [file, content]] of Object.entries(layouts())) {
    await t.test(layout, async () => {
      const loaded = await load("videomme", tree({ [file]: content, "readme.json": "{}" }));
      assert.equal(loaded.layout, layout.replace(", large lists", ""));
      assert.deepEqual(loaded.skipped, []);
      assert.equal(loaded.rows, 9);
      const byQuestion = (a: { question: string }, b: { question: string }) =>
        a.question < b.question ? -1 : 1;
      const tasks = [...loaded.tasks].sort(byQuestion);
      for (const [i, row] of [...expected].sort(byQuestion).entries()) {
        const task = tasks[i]!;
        assert.equal(task.stream, row.videoID);
        assert.equal(task.type, row.task_type);
        assert.equal(task.question, row.question);
        assert.equal(task.answer, row.answer);
        assert.equal(task.askTime, "end");
        assert.equal(task.group, row.duration);
        assert.deepEqual(
          task.options,
          row.options.map((option) => ({ letter: option[0], text: option.slice(3) })),
        );
      }
      assert.deepEqual([...loaded.missing].sort(), [...videos].sort());
    });
  }
});

test("Video-MME: three files by task type are one benchmark, with their class names", async () => {
  const rows = officialRows();
  const part = (name: string) =>
    JSON.stringify({
      all: [],
      ...Object.fromEntries(
        Map.groupBy(
          rows.filter((r) => r.duration === name).map(({ duration: _, ...row }) => row),
          (r) => r.task_type,
        ),
      ),
    });
  const files = Object.fromEntries(classes.map((name) => [`video_info_${name}.json`, part(name)]));
  const loaded = await load("videomme", tree(files));
  assert.equal(loaded.files.length, 3);
  assert.deepEqual(
    loaded.tasks.map(({ group }) => group),
    classes.flatMap((name) => [name, name, name]),
  );
  assert.match(loaded.notes.join(), /`all` holds 0 rows, the types 3/);
});

test("Video-MME: rows that cannot be used are listed with their number and reason", async () => {
  const [row] = officialRows() as [OfficialRow];
  const { answer: _, ...unanswered } = row;
  const rows: unknown[] = [
    row,
    { ...unanswered, question_id: "n-1" },
    { ...row, question_id: "n-2", options: [...row.options, "E. more"] },
    { ...row, question_id: "n-3", answer: "F" },
    row,
    { ...row, question_id: "n-5", question: "" },
    { ...row, question_id: "n-6", videoID: null },
    "not a row",
    { ...row, question_id: "n-8", options: "['a', 'b'" },
  ];
  const loaded = await load("videomme", tree({ "videomme.json": JSON.stringify(rows) }));
  assert.equal(loaded.tasks.length, 1);
  assert.deepEqual(reasons(loaded), {
    2: "its answer is missing",
    3: "expected 4 options, got 5",
    4: 'expected its answer to be one of A, B, C, D or an option\'s text, got "F"',
    5: "its id 001-1 stands in row 1 already",
    6: "expected `question` to be text, got none",
    7: "expected `videoID` to be text, got none",
    8: 'expected an object, got "not a row"',
    9: `expected a list of options, got "['a', 'b'"`,
  });
});

test("Video-MME: an unknown layout, no file and no folder are refused with the way out", async () => {
  const missing = (error: unknown) =>
    error instanceof DataError && /name the file with --annotations/.test(error.message);
  await assert.rejects(load("videomme", tree({ "a.json": '{"x": 1}' })), missing);
  await assert.rejects(load("videomme", tree({})), missing);
  await assert.rejects(load("videomme", join(tree({}), "nowhere")), /Expected --root to be a folder/);
  const root = tree({ "test-0.parquet": readFileSync(join(fixtures, "official-brotli.parquet")) });
  await assert.rejects(load("videomme", root, join(root, "test-0.parquet")), /plain or snappy/);
  await assert.rejects(load("videomme", root, join(root, "none.json")), /could not read them: ENOENT/);
});

test("Video-MME: --annotations takes precedence over what is found", async () => {
  const root = tree({ "videomme.json": "[]", "other/mine.json": JSON.stringify(officialRows().slice(0, 2)) });
  const loaded = await load("videomme", root, join(root, "other/mine.json"));
  assert.equal(loaded.rows, 2);
});

// Videos and subtitles, unpacked or not.

const media = temporaryFolder();
let short: string;
before(() => {
  short = inventedVideo(media, 4, { name: "short", subtitles: false });
});

const fontCues =
  '1\n00:00:00,500 --> 00:00:02,000\n<font color="white" size=".72c">Mira: the kettle is\nin the cellar</font>\n';

test("Video-MME: videos are found in every folder, in zips, through links, with any extension", async () => {
  const rows = officialRows();
  const bytes = readFileSync(short);
  for (const folder of ["data", "data/data", "video", "videos", "."]) {
    const root = tree({ "v.json": JSON.stringify(rows), [`${folder}/${videos[0]}.mp4`]: bytes });
    const loaded = await load("videomme", root);
    assert.deepEqual(loaded.missing, videos.slice(1), folder);
  }
  const root = tree({
    "v.json": JSON.stringify(rows),
    [`data/${videos[0]}.MP4`]: bytes,
    "broken.zip": "no zip",
  });
  symlinkSync(short, join(root, `${videos[1]}.mkv`));
  symlinkSync("..", join(root, "data", "up"));
  symlinkSync("self", join(root, "self"));
  writeZip(join(root, "videos_chunked_01.zip"), [
    { name: `data/${videos[0]}.mp4`, bytes: Buffer.from("not taken: it lies unpacked") },
    { name: `__MACOSX/data/._${videos[2]}.mp4`, bytes: Buffer.from("no video") },
    { name: `data/${videos[2]}.mp4`, bytes, deflated: true },
  ]);
  writeZip(join(root, "subtitle.zip"), [{ name: `subtitle/${videos[2]}.srt`, bytes: Buffer.from(fontCues) }]);
  const loaded = await load("videomme", root);
  assert.deepEqual(loaded.missing, []);
  assert.match(loaded.notes.join(), /Expected a zip at .*broken\.zip/);
  assert.ok(loaded.notes.includes("self cannot be opened"));
  const zipped = loaded.streams.get(videos[2]!)!;
  assert.deepEqual(zipped.media[0]!.entry, `data/${videos[2]}.mp4`);
  assert.deepEqual(zipped.subtitles!.entry, `subtitle/${videos[2]}.srt`);
  assert.equal(loaded.streams.get(videos[0]!)!.subtitles, null);

  const folders = { scratch: join(root, "scratch"), cuts: join(root, "cuts") };
  const opened = await openStream(zipped, folders);
  const cues: string[] = [];
  let frames = 0;
  for await (const clip of opened.source.open()) {
    if (clip.kind === "gap") continue;
    cues.push(...clip.cues.map(({ speaker, text }) => `${speaker}: ${text}`));
    frames += clip.frames.length;
  }
  assert.deepEqual(cues, ["Mira: the kettle is in the cellar"], "font markup is gone");
  assert.ok(frames >= 4);
  await opened.close();
  assert.deepEqual((await load("videomme", root)).streams.get(videos[2]!), zipped, "the copy is gone again");
});

test("a damaged entry of a zip is an error that names the zip", async () => {
  const root = tree({ "v.json": JSON.stringify(officialRows()) });
  const zip = join(root, "videos_chunked_01.zip");
  writeZip(zip, [{ name: `data/${videos[0]}.mp4`, bytes: Buffer.alloc(5000, 7), deflated: true }]);
  const bytes = readFileSync(zip);
  bytes.fill(0xff, 51, 60);
  writeFileSync(zip, bytes);
  const { streams } = await load("videomme", root);
  const folders = { scratch: join(root, "scratch"), cuts: join(root, "cuts") };
  await assert.rejects(
    openStream(streams.get(videos[0]!)!, folders),
    /Expected a zip at .*videos_chunked_01\.zip/,
  );
});

test("a file that is cut short is refused whole; one that is nearly JSON is read with a note", async () => {
  const row = { ...{ clip_id: "aaaa_0_9", question_type: "t", question: "Which [one]?" }, answer: "It." };
  const annotations = [0, 1, 2].map((n) => ({ ...row, question_id: `q${n}` }));
  const whole = JSON.stringify({ annotations });
  const file = (content: string) => tree({ "egotempo_openQA.json": content });
  // In a string, behind a row, inside a row, behind all rows.
  for (const end of [
    whole.indexOf("Which") + 8,
    whole.indexOf("},{") + 1,
    whole.length - 20,
    whole.length - 1,
  ])
    await assert.rejects(
      load("egotempo", file(whole.slice(0, end))),
      (error) => error instanceof DataError && /ends in the middle of a value: fetch/.test(error.message),
    );
  const sloppy = await load("egotempo", file(`${whole.slice(0, -2)},]}`));
  assert.equal(sloppy.tasks.length, 3);
  assert.deepEqual(sloppy.notes, [
    "egotempo_openQA.json is not quite JSON and was read as what it must mean",
  ]);
});

// EgoLife, made up.

const egoLifeRow = (ID: string, time: string, rest: Record<string, unknown> = {}) => ({
  ID,
  query_time: { date: "DAY2", time },
  type: "EntityLog",
  need_audio: false,
  question: "Where is the kettle?",
  choice_a: "cellar",
  choice_b: "attic",
  choice_c: "garage",
  choice_d: "pantry",
  answer: "B",
  target_time: { date: "DAY1", time: "09000000" },
  ...rest,
});
const day2 = 86_400;
const hour = 3600;

test("EgoLife: clocks, all forms of targets, and both layouts", async () => {
  const targets: [unknown, number[]][] = [
    [{ date: "DAY1", time: "09153410" }, [9 * hour + 15 * 60 + 34.5]],
    [{ date: "Day1", time_list: ["11000000", "09000000", "10000000"] }, [9 * hour, 10 * hour, 11 * hour]],
    [{ date: "DAY1", time: "09000000DAY1_10000000" }, [9 * hour, 10 * hour]],
    [
      { date: "DAY1", time: "09000000DAY2_08000000DAY2_07000000" },
      [9 * hour, day2 + 7 * hour, day2 + 8 * hour],
    ],
    [{ date: "DAY1", time: 9000000 }, [9 * hour]],
  ];
  const rows = targets.map(([target_time], i) => egoLifeRow(String(i + 1), "10000056", { target_time }));
  const grouped = {
    results: rows.map(({ ID, query_time, target_time, answer, ...raw }) => ({
      ID,
      qa: { query_time, target_time, answer },
      qa_raw: raw,
      current_groups: [{ output: `current_${ID}_DAY2_A1_JAKE_09593000__DAY2_A1_JAKE_10000000` }],
      target_groups: [],
    })),
  };
  const files: [string, unknown][] = [
    ["EgoLifeQA/EgoLifeQA_A1_JAKE.json", rows],
    ["egolife_qa.json", grouped],
  ];
  for (const [name, content] of files) {
    const loaded = await load("egolife", tree({ [name]: JSON.stringify(content) }));
    assert.deepEqual(loaded.skipped, [], name);
    assert.deepEqual(
      loaded.tasks.map(({ evidence }) => evidence!.map(({ startSeconds }) => startSeconds)),
      targets.map(([, moments]) => moments),
    );
    // Frame 56 of 20 is clamped to 19: 0.95 s.
    assert.ok(loaded.tasks.every(({ askTime }) => askTime === day2 + 10 * hour + 0.95));
    assert.match(loaded.notes.join(), /5 times with a frame past 19/);
    assert.equal(loaded.tasks[0]!.stream, "A1_JAKE");
  }
});

test("EgoLife: rows out of order are asked in order; unusable ones are listed", async () => {
  const rows = [
    egoLifeRow("1", "12000000"),
    egoLifeRow("2", "10000000"),
    egoLifeRow("3", "10000000", { target_time: { date: "DAY2", time: "10000001" } }),
    egoLifeRow("4", "10000000", { target_time: { date: "DAY1", time: "10000000DAY3_09000000" } }),
    egoLifeRow("5", "25000000"),
    egoLifeRow("6", "10000000", { answer: "E" }),
    egoLifeRow("7", "10000000", { choice_e: "roof" }),
    egoLifeRow("8", "10000000", { target_time: { date: "DAY1", time: "soon" } }),
    egoLifeRow("9", "10000000", { query_time: undefined }),
    egoLifeRow("2", "11000000"),
  ];
  const loaded = await load("egolife", tree({ "EgoLifeQA/EgoLifeQA_A2_ALICE.json": JSON.stringify(rows) }));
  assert.deepEqual(
    loaded.tasks.map(({ id }) => id),
    ["A2_ALICE-2", "A2_ALICE-1"],
  );
  const found = reasons(loaded);
  assert.match(found[3]!, /target DAY2 10:00:00 lies after the question at DAY2 10:00:00/);
  assert.match(found[4]!, /target DAY3 09:00:00 lies after/);
  assert.match(found[5]!, /`query_time`.*25000000/);
  assert.match(found[6]!, /one of A, B, C, D/);
  assert.equal(found[7], "expected 4 options, got 5");
  assert.match(found[8]!, /`target_time`.*soon/);
  assert.match(found[9]!, /`query_time`.*nothing/);
  assert.match(found[10]!, /stands in row 2 already/);
});

test("EgoLife: recordings named by day and clock are one stream, unpacked under train/ or not", async () => {
  const bytes = readFileSync(short);
  for (const prefix of ["", "train/"]) {
    const root = tree({
      "EgoLifeQA/EgoLifeQA_A1_JAKE.json": JSON.stringify([
        egoLifeRow("1", "10000000", { target_time: { date: "DAY1", time: "09000200" } }),
        egoLifeRow("2", "10000000", { target_time: { date: "DAY1", time_list: ["09000200", "08595900"] } }),
        egoLifeRow("3", "10000000", { target_time: { date: "DAY2", time: "09300000" } }),
        egoLifeRow("4", "10000000", { target_time: { date: "DAY2", time: "09300100" } }),
      ]),
      [`${prefix}A1_JAKE/DAY1/DAY1_A1_JAKE_11094208.mp4`]: bytes,
      [`${prefix}A1_JAKE/DAY1/DAY1_A1_JAKE_09000000.mp4`]: bytes,
      [`${prefix}A1_JAKE/DAY1/DAY1_A1_JAKE_10000000.mp4`]: "",
      [`${prefix}A2_ALICE/DAY1/DAY1_A2_ALICE_09000000.mp4`]: bytes,
    });
    const loaded = await load("egolife", root);
    assert.deepEqual(loaded.missing, []);
    assert.deepEqual(loaded.notes, [
      "1 videos are empty, such as DAY1_A1_JAKE_10000000.mp4",
      "A1_JAKE: no recording of DAY1 at 8, which 1 questions are about: left out",
      "A1_JAKE: no recording of DAY2 at 9, which 2 questions are about: left out",
    ]);
    assert.deepEqual(
      withMaterial(loaded).map(({ id }) => id),
      ["1"],
    );
    const opened = await openStream(loaded.streams.get("A1_JAKE")!, {
      scratch: join(root, "s"),
      cuts: join(root, "c"),
    });
    assert.deepEqual(opened.source.clock, { kind: "day" });
    const items: [string, number, number][] = [];
    for await (const { kind, startSeconds, endSeconds } of opened.source.open())
      items.push([kind, startSeconds, endSeconds]);
    const second = 11 * hour + 9 * 60 + 42.4;
    const [first, gap] = items as [[string, number, number], [string, number, number]];
    assert.deepEqual(first.slice(0, 2), ["clip", 9 * hour]);
    assert.ok(first[2] >= 9 * hour + 4 && first[2] < 9 * hour + 4.1);
    assert.deepEqual(gap, ["gap", first[2], second]);
    assert.ok(items.slice(2).every(([kind]) => kind === "clip"));
    await opened.close();
  }
});

test("EgoLife: speech comes from the hours' transcripts, unless recordings have subtitles", async () => {
  const cue = (at: string, ...lines: string[]) => [`${at}00 --> ${at}90`, ...lines].join("\n");
  const files = {
    "EgoLifeQA/EgoLifeQA_A1_JAKE.json": JSON.stringify([egoLifeRow("1", "10000000")]),
    "A1_JAKE/DAY1/DAY1_A1_JAKE_09000000.mp4": readFileSync(short),
    "A1_JAKE/DAY1/DAY1_A1_JAKE_09300200.mp4": readFileSync(short),
    "EgoLifeCap/Transcript/A1_JAKE/DAY1/A1_JAKE_DAY1_09000000.srt": [
      cue("00:00:01,0", "你好", "Ann: hello there"),
      cue("00:00:02,0", "只有中文"),
      cue("00:10:00,0", "你好", "Ann: nobody filmed this"),
      cue("00:30:03,0", "你好", "Ben: and later"),
    ]
      .map((text, i) => `${i + 1}\n${text}\n`)
      .join("\n"),
    "EgoLifeCap/Transcript/A2_ALICE/DAY1/A2_ALICE_DAY1_09000000.srt": `1\n${cue("00:00:01,0", "你", "Al: no")}\n`,
  };
  const saidIn = async (root: string) => {
    const { streams } = await load("egolife", root);
    const folders = { scratch: join(root, "s"), cuts: join(root, "c") };
    const { source, close } = await openStream(streams.get("A1_JAKE")!, folders);
    const said: unknown[] = [];
    for await (const item of source.open())
      if (item.kind === "clip")
        said.push(...item.cues.map(({ text, speaker, startSeconds }) => [text, speaker, startSeconds]));
    await close();
    return said;
  };
  const root = tree(files);
  assert.deepEqual(await saidIn(root), [
    ["hello there", "Ann", 9 * hour + 1],
    ["and later", "Ben", 9 * hour + 30 * 60 + 3],
  ]);
  assert.deepEqual(await saidIn(root), await saidIn(root), "again, with what was left of the first time");
  const own = `1\n${cue("00:00:01,0", "its own line")}\n`;
  assert.deepEqual(await saidIn(tree({ ...files, "A1_JAKE/DAY1/DAY1_A1_JAKE_09000000.srt": own })), [
    ["its own line", null, 9 * hour + 1],
  ]);
});

// EgoTempo and M3-Bench, made up.

test("EgoTempo: clips are found cut, flat or in Ego4D's tree, and each is cut once", async () => {
  const recording = "0a1b2c3d-1111-2222";
  const clips = [
    `${recording}_1_3.0000000000000004`,
    `${recording}_0.5_1.5`,
    "ffff-0_0_2",
    `${recording}_3_90`,
  ];
  const rows = clips.map((clip_id, i) => ({
    question_id: i === 0 ? clip_id : `${clip_id}_${i}`,
    clip_id,
    question_type: "action-specific object",
    question: "Which made-up object is it?",
    answer: "A ladle.",
  }));
  const odd = [
    { ...rows[0], question_id: "x", clip_id: "nameless" },
    { ...rows[0], question_id: "y", answer: "" },
  ];
  const json = JSON.stringify({
    info: { "release date": "never", version: "1" },
    annotations: [...rows, ...odd],
  });
  const whole = inventedVideo(media, 6, { name: "whole", subtitles: false });
  const root = tree({ "egotempo_openQA.json": json });
  mkdirSync(join(root, "v2/full_scale"), { recursive: true });
  copyFileSync(whole, join(root, `v2/full_scale/${recording}.mp4`));
  copyFileSync(short, join(root, `${clips[1]}.mp4`));
  const loaded = await load("egotempo", root);
  assert.deepEqual(
    loaded.tasks.map(({ stream }) => stream),
    clips,
  );
  assert.match(reasons(loaded)[5]!, /<recording>_<start seconds>_<end seconds>, got "nameless"/);
  assert.equal(reasons(loaded)[6], "its answer is missing");
  assert.deepEqual(loaded.missing, ["ffff-0_0_2"]);
  assert.equal(loaded.streams.get(clips[1]!)!.cut, null, "cut already");

  const folders = { scratch: join(root, "scratch"), cuts: join(root, "cuts") };
  const first = await openStream(loaded.streams.get(clips[0]!)!, folders);
  const cut = join(folders.cuts, `${clips[0]}.mp4`);
  const { durationSeconds } = await probeMedia({ url: cut, args: [], name: cut });
  assert.ok(Math.abs(durationSeconds! - 2) < 0.25, `${durationSeconds} s`);
  assert.equal(first.source.id, clips[0]);
  const made = readFileSync(cut);
  await openStream(loaded.streams.get(clips[0]!)!, folders);
  assert.deepEqual(readFileSync(cut), made);
  const atOnce = ["one", "two", "three"].map((name) => ({
    cuts: join(root, "others"),
    scratch: join(root, name),
  }));
  await Promise.all(atOnce.map((each) => openStream(loaded.streams.get(clips[0]!)!, each)));
  assert.deepEqual(readdirSync(join(root, "others")), [`${clips[0]}.mp4`], "by several memories at once");
  await assert.rejects(
    openStream(loaded.streams.get(clips[3]!)!, folders),
    /Expected .* to last 90 s, it lasts/,
  );
});

test("M3-Bench: robots are asked at their time, in order; web after the video; types are one list", async () => {
  const qa = (question_id: string, rest: Record<string, unknown>) => ({
    question: "What is on the table?",
    answer: "Tea.",
    question_id,
    reasoning: "",
    type: ["Cross-Modal Reasoning"],
    ...rest,
  });
  const robot = {
    kitchen_99: {
      video_path: "data/videos/robot/kitchen_99.mp4",
      mem_path: "x.pkl",
      qa_list: [
        qa("r-1", { timestamp: "02:10", before_clip: 3 }),
        qa("r-2", {
          timestamp: "00:43",
          before_clip: 0,
          type: ["Multi-Detail Reasoning", "Multi-Hop Reasoning"],
        }),
        qa("r-3", { before_clip: 1 }),
        qa("r-4", { timestamp: "late", before_clip: 1 }),
        qa("r-5", { timestamp: "00:10", type: [] }),
        qa("r-6", { timestamp: "00:10", answer: null }),
      ],
    },
    empty_room: { video_path: "x.mp4" },
  };
  const web = {
    wwww4: {
      video_url: "https://example.org",
      video_path: "data/videos/web/wwww4.mp4",
      qa_list: [qa("w-1", {}), qa("r-1", {})],
    },
  };
  const root = tree({
    "data/annotations/robot.json": JSON.stringify(robot),
    "data/annotations/web.json": JSON.stringify(web),
    "data/videos/robot/kitchen_99.mp4": readFileSync(short),
  });
  const loaded = await load("m3bench", root);
  assert.deepEqual(
    loaded.tasks.map(({ id, askTime }) => [id, askTime]),
    [
      ["r-2", 43],
      ["r-3", 60],
      ["r-1", 130],
      ["w-1", "end"],
    ],
  );
  assert.deepEqual(
    [loaded.tasks[0]!.type, loaded.tasks[0]!.otherTypes],
    ["Multi-Evidence Reasoning", ["Multi-Hop Reasoning"]],
  );
  assert.equal(loaded.skipped.length, 5);
  assert.match(
    loaded.skipped.map(({ reason }) => reason).join(),
    /`timestamp` as MM:SS.*`type`.*answer is missing.*`qa_list` of empty_room.*stands in row 1/s,
  );
  assert.deepEqual(loaded.missing, ["wwww4"]);
});
