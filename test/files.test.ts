/** A folder is a set of files with identities: late, earlier, growing, mended, renamed, replaced and overlapping ones. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import Database from "better-sqlite3";
import type { StreamEnd } from "../src/agent.ts";
import { openTaskMem } from "../src/taskmem.ts";
import { requireProgram } from "../src/util/program.ts";
import { seededRandom } from "../src/util/random.ts";
import { formatMoment } from "../src/util/time.ts";
import { taskmem } from "./support/cli.ts";

const temporary = () => mkdtempSync(join(tmpdir(), "taskmem-files-"));
const ffmpeg = (...args: string[]) => execFileSync(requireProgram("ffmpeg"), ["-v", "error", "-y", ...args]);
const stamp = (seconds: number) => new Date(seconds * 1000).toISOString().slice(11, 23).replace(".", ",");
const srt = (cues: readonly (readonly [number, string])[]) =>
  cues.map(([at, text], i) => `${i + 1}\n${stamp(at)} --> ${stamp(at + 1.5)}\n${text}.\n`).join("\n");
const coding = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-pix_fmt", "yuv420p"];

/** A small film, and beside it what is said: at one second into it, or at the seconds given. */
function film(
  path: string,
  seconds: number,
  said: string | readonly (readonly [number, string])[],
  picture = "testsrc",
): void {
  mkdirSync(dirname(path), { recursive: true });
  ffmpeg("-f", "lavfi", "-i", `${picture}=size=64x36:rate=5:duration=${seconds}`, ...coding, path);
  writeFileSync(path.replace(/\.\w+$/, ".srt"), srt(typeof said === "string" ? [[1, said]] : said));
}

/** Watches into a memory, and tells what it then holds. */
async function watch(source: string, memory: string, stream?: string) {
  await using opened = await openTaskMem({ directory: memory, screenText: false, choice: { budget: 1 } });
  const end: StreamEnd = await opened.watch(source, stream === undefined ? {} : { stream });
  const { entries, gaps, streams } = await opened.timeline();
  const at = (seconds: number, id: string) =>
    formatMoment(seconds, streams.find((one) => one.id === id)!.clock).slice(-8);
  return {
    end,
    lines: entries.map(({ startSeconds, text, stream: id }) => `${at(startSeconds, id)} ${text}`),
    gaps: gaps.map(
      (gap) => `${at(gap.startSeconds, gap.stream)} to ${at(gap.endSeconds, gap.stream)} ${gap.reason}`,
    ),
    problems: await opened.store.check(),
  };
}

test("files that come later are watched once, at their own time, before, between and after the others", async () => {
  const [folder, memory] = [temporary(), temporary()];
  const add = (time: string, text: string) => film(join(folder, `cam_20260101_${time}.mp4`), 12, text);
  add("100000", "Ten sharp");
  add("100200", "Two past ten");
  assert.deepEqual((await watch(folder, memory)).gaps, ["10:00:12 to 10:02:00 between-files"]);
  add("095900", "One before ten");
  add("100100", "One past ten");
  const second = await watch(folder, memory);
  const all = [
    "09:59:01 One before ten.",
    "10:00:01 Ten sharp.",
    "10:01:01 One past ten.",
    "10:02:01 Two past ten.",
  ];
  assert.deepEqual(second.lines, all);
  assert.deepEqual(second.gaps, [
    "09:59:12 to 10:00:00 between-files",
    "10:00:12 to 10:01:00 between-files",
    "10:01:12 to 10:02:00 between-files",
  ]);
  add("100012", "Right after the first");
  const third = await watch(folder, memory);
  assert.deepEqual(third.lines, all.toSpliced(2, 0, "10:00:13 Right after the first."));
  assert.deepEqual(third.gaps[1], "10:00:24 to 10:01:00 between-files");
  const last = await watch(folder, memory);
  assert.deepEqual([last.end.clips, last.lines.length, last.problems], [0, 5, []]);
});

test("a film that is still written loses nothing between two runs, in any container that can be read meanwhile", async () => {
  const said = [1, 6, 12, 23, 27, 41].map((at) => [at, `Line at ${at}`] as const);
  for (const [extension, how] of [
    ["mkv", []],
    ["ts", []],
    ["mp4", ["-movflags", "frag_keyframe+empty_moov"]],
  ] as const) {
    const [folder, memory] = [temporary(), temporary()];
    const whole = join(folder, `whole.${extension}`);
    const growing = join(folder, "rec", `tower.${extension}`);
    mkdirSync(dirname(growing));
    // As a recorder leaves it while it writes: without the sizes that it fills in at the end.
    const written = ffmpeg(
      ...["-f", "lavfi", "-i", "testsrc2=size=160x90:rate=5:duration=45", ...coding, ...how],
      ...["-f", extension === "mkv" ? "matroska" : extension === "ts" ? "mpegts" : "mp4", "pipe:1"],
    );
    writeFileSync(whole, written);
    writeFileSync(growing, written.subarray(0, written.length * 0.55));
    writeFileSync(growing.replace(/\.\w+$/, ".srt"), srt(said));
    const first = await watch(growing, memory);
    assert.ok(first.lines.length >= 3 && first.lines.length < 6, `${extension}: ${first.lines}`);
    appendFileSync(growing, written.subarray(written.length * 0.55));
    const second = await watch(growing, memory);
    const lines = said.map(([at]) => `00:00:${String(at).padStart(2, "0")} Line at ${at}.`);
    assert.deepEqual(second.lines, lines, extension);
    assert.deepEqual(
      [second.gaps, second.problems, second.end.leftOut.filter(({ kind }) => kind === "damaged")],
      [[], [], []],
    );
    const third = await watch(growing, memory);
    assert.deepEqual([third.end.clips, third.lines], [0, lines], extension);
  }
});

test("a film whose header is rewritten at its end, and that is moved, is the same film", async () => {
  const [folder, memory] = [temporary(), temporary()];
  const path = join(folder, "tower.mkv");
  ffmpeg("-f", "lavfi", "-i", "testsrc2=size=160x90:rate=5:duration=30", ...coding, path);
  const whole = readFileSync(path);
  const live = Buffer.from(whole.subarray(0, whole.length / 2));
  live.fill(0xff, 40, 64); // sizes and places that are filled in at the end
  mkdirSync(join(folder, "rec"));
  writeFileSync(join(folder, "rec", "tower.mkv"), live);
  writeFileSync(
    join(folder, "rec", "tower.srt"),
    srt([
      [2, "Early"],
      [25, "Late"],
    ]),
  );
  await watch(join(folder, "rec"), memory).catch(() => {});
  writeFileSync(join(folder, "rec", "tower.mkv"), whole);
  renameSync(join(folder, "rec", "tower.mkv"), join(folder, "rec", "church.mkv"));
  renameSync(join(folder, "rec", "tower.srt"), join(folder, "rec", "church.srt"));
  const { lines } = await watch(join(folder, "rec"), memory);
  assert.deepEqual(lines, ["00:00:02 Early.", "00:00:25 Late."]);
});

test("texts that are still written lose nothing, whatever the order of their lines", async () => {
  const [folder, memory] = [temporary(), temporary()];
  const row = (startSeconds: number, text: string) =>
    `${JSON.stringify({ startSeconds, endSeconds: startSeconds + 2, text })}\n`;
  const path = join(folder, "talk.jsonl");
  writeFileSync(path, row(1, "first about ferries") + row(3, "cut").slice(0, 20));
  assert.deepEqual((await watch(path, memory)).lines, ["00:00:01 first about ferries"]);
  appendFileSync(
    path,
    row(3, "cut").slice(20) + row(4, "second in the clip") + row(2, "said late") + row(14, "third"),
  );
  const all = [
    "00:00:01 first about ferries",
    "00:00:02 said late",
    "00:00:03 cut",
    "00:00:04 second in the clip",
    "00:00:14 third",
  ];
  assert.deepEqual((await watch(path, memory)).lines, all);
  const again = await watch(path, memory);
  assert.deepEqual([again.lines, again.end.clips], [all, 0]);

  const subtitles = join(folder, "hall.srt");
  writeFileSync(
    subtitles,
    srt([
      [1, "One"],
      [3, "Two"],
    ]),
  );
  await watch(subtitles, memory);
  writeFileSync(
    subtitles,
    srt([
      [1, "One"],
      [3, "Two"],
      [5, "Three"],
      [400, "Four"],
    ]),
  );
  const { lines } = await watch(subtitles, memory);
  assert.deepEqual(lines.slice(0, 4), [
    "00:00:01 One.",
    "00:00:03 Two.",
    "00:00:05 Three.",
    "00:06:40 Four.",
  ]);
});

test("a file that could not be read costs itself, is named, and is read when it is mended", async () => {
  const [folder, memory] = [temporary(), temporary()];
  film(join(folder, "cam_20260101_100000.mp4"), 12, "Ten sharp");
  film(join(folder, "cam_20260101_100200.mp4"), 12, "Two past ten");
  const mended = join(folder, "cam_20260101_100100.mp4");
  film(mended, 12, "One past ten");
  const whole = readFileSync(mended);
  writeFileSync(mended, whole.subarray(0, 900));
  const first = await watch(folder, memory);
  assert.deepEqual(first.gaps, ["10:00:12 to 10:02:00 unreadable"]);
  assert.deepEqual(
    first.end.leftOut.filter(({ kind }) => kind === "damaged").map(({ name }) => name),
    ["cam_20260101_100100.mp4"],
  );
  assert.deepEqual((await watch(folder, memory)).gaps, first.gaps);
  writeFileSync(mended, whole);
  const second = await watch(folder, memory);
  assert.deepEqual(second.lines, ["10:00:01 Ten sharp.", "10:01:01 One past ten.", "10:02:01 Two past ten."]);
  assert.deepEqual(second.gaps, ["10:00:12 to 10:01:00 between-files", "10:01:12 to 10:02:00 between-files"]);
  assert.deepEqual(
    second.end.leftOut.filter(({ kind }) => kind === "damaged"),
    [],
  );
});

test("files without clocks keep their order; new, renamed, copied and replaced ones are told apart", async () => {
  const [folder, memory] = [temporary(), temporary()];
  const at = (name: string) => join(folder, name);
  const move = (from: string, to: string) => {
    for (const end of ["mp4", "srt"]) renameSync(at(`${from}.${end}`), at(`${to}.${end}`));
  };
  film(at("b.mp4"), 12, "Second by name");
  await watch(folder, memory);
  film(at("a.mp4"), 11, "First by name");
  move("b", "renamed");
  for (const end of ["mp4", "srt"]) copyFileSync(at(`renamed.${end}`), at(`z copy.${end}`));
  const second = await watch(folder, memory);
  assert.deepEqual(second.lines, ["00:00:01 Second by name.", "00:00:13 First by name."]);
  assert.ok(second.end.leftOut.some(({ name, reason }) => name === "z copy.mp4" && /copy/.test(reason)));
  rmSync(at("a.srt"));
  film(at("a.mp4"), 13, "Replaced", "testsrc2");
  const third = await watch(folder, memory);
  assert.deepEqual(third.lines, [...second.lines, "00:00:24 Replaced."]);
  assert.equal((await watch(folder, memory)).end.clips, 0);
});

test("two recordings of the same time are both kept; a recorder's own seam is watched once, and named", async () => {
  const [folder, memory] = [temporary(), temporary()];
  film(join(folder, "2026-10-25_02-30-00.mp4"), 20, "Summer time");
  film(join(folder, "2026-10-25_02-30-10 (2).mp4"), 20, "Winter time");
  film(join(folder, "2026-10-25_02-31-00.mp4"), 20, "A minute later");
  film(
    join(folder, "2026-10-25_02-31-18.mp4"),
    20,
    [
      [0.2, "In the seam"],
      [5, "After the seam"],
    ],
    "testsrc2",
  );
  const { lines, gaps, end } = await watch(folder, memory);
  assert.deepEqual(lines, [
    "02:30:01 Summer time.",
    "02:30:11 Winter time.",
    "02:31:01 A minute later.",
    "02:31:23 After the seam.",
  ]);
  assert.deepEqual(gaps, ["02:30:30 to 02:31:00 between-files"]);
  assert.deepEqual(
    end.leftOut.filter(({ kind }) => kind === "overlap").map(({ name }) => name),
    ["2026-10-25_02-31-18.mp4"],
  );
  assert.equal((await watch(folder, memory)).end.clips, 0);
});

test("a file without a clock costs no other its own; it is named and follows", async () => {
  const [folder, memory] = [temporary(), temporary()];
  film(join(folder, "cam_20260101_100000.mp4"), 12, "Ten sharp");
  film(join(folder, "notes.mp4"), 12, "No clock");
  const { lines, end } = await watch(folder, memory);
  assert.deepEqual(lines, ["10:00:01 Ten sharp.", "10:00:13 No clock."]);
  assert.ok(end.leftOut.some(({ name, reason }) => name === "notes.mp4" && /clock/.test(reason)));
});

test("a phone's film is placed by the date in its container", async () => {
  const [folder, memory] = [temporary(), temporary()];
  const dated = (name: string, date: string, text: string) => {
    film(join(folder, name), 11, text);
    const plain = join(folder, "plain.mp4");
    renameSync(join(folder, name), plain);
    ffmpeg("-i", plain, "-c", "copy", "-metadata", `creation_time=${date}`, join(folder, name));
    rmSync(plain);
  };
  dated("IMG_0002.MP4", "2024-03-05T13:02:03Z", "Earlier");
  dated("IMG_0001.MP4", "2024-03-05T14:00:00Z", "Later");
  const { lines } = await watch(folder, memory);
  assert.deepEqual(lines, ["13:02:04 Earlier.", "14:00:01 Later."]);
});

test("cameras of one clock become a stream each, and a camera that was alone keeps the first", async () => {
  const [folder, memory] = [temporary(), temporary()];
  const car = join(folder, "car");
  const add = (camera: string, second = 0) =>
    film(
      join(car, `2019-02-25_16-45-${String(second).padStart(2, "0")}-${camera}.mp4`),
      12,
      `Seen by ${camera}`,
    );
  add("front");
  await watch(car, memory);
  add("front", 30);
  for (const camera of ["back", "left_repeater"]) add(camera);
  await using opened = await openTaskMem({ directory: memory, screenText: false, choice: { budget: 1 } });
  await opened.watch(car);
  const { entries } = await opened.timeline();
  assert.deepEqual(entries.map(({ stream, startSeconds, text }) => [stream, startSeconds, text]).sort(), [
    ["car", 1, "Seen by front."],
    ["car", 31, "Seen by front."],
    ["car-back", 1, "Seen by back."],
    ["car-left_repeater", 1, "Seen by left_repeater."],
  ]);
  const other = await openTaskMem({ directory: temporary(), screenText: false, choice: { budget: 1 } });
  await other.watch(car, { stream: "tesla" });
  const ids = (await other.streams()).map(({ id }) => id);
  assert.deepEqual(ids, ["tesla-back", "tesla-front", "tesla-left_repeater"]);
  await other.close();
});

test("files of one name in two folders are two streams", async () => {
  const [folder, memory] = [temporary(), temporary()];
  film(join(folder, "100APPLE", "IMG_0001.MOV"), 12, "From the first card");
  film(join(folder, "101APPLE", "IMG_0001.MOV"), 12, "From the second card", "testsrc2");
  const watchBoth = async () => {
    for (const card of ["100APPLE", "101APPLE"]) await watch(join(folder, card, "IMG_0001.MOV"), memory);
  };
  await watchBoth();
  await watchBoth();
  await using opened = await openTaskMem({ directory: memory, screenText: false });
  const { entries } = await opened.timeline();
  assert.deepEqual(
    entries.map(({ stream, text }) => [stream, text]),
    [
      ["IMG_0001", "From the first card."],
      ["IMG_0001-101APPLE", "From the second card."],
    ],
  );
});

test("a watch of a folder that is killed again and again, while files come and grow, ends as one that never was", async () => {
  const random = seededRandom("files");
  const [folder, killed, calm] = [temporary(), temporary(), temporary()];
  const minute = (at: number) => `cam_20260101_1000${String(at).padStart(2, "0")}`;
  const lines = (name: string, until: number) =>
    Array.from({ length: until }, (_, i) => [i + 0.2, `Item ${i} of ${name}`] as const);
  /** Adds a film of five seconds, which the one after it may follow at once. */
  const add = (at: number) => film(join(folder, `${minute(at)}.mp4`), 5, lines(`the film at ${at}`, 4));
  for (const at of [10, 15, 20, 40]) add(at);
  // In any order: one between, one before, one after, one after a gap.
  const later = [30, 0, 45, 55];
  const args = (memory: string) => [
    ...[
      "watch",
      folder,
      "--json",
      "--memory",
      memory,
      "--clip-seconds",
      "2",
      "--no-screen-text",
      "--budget",
      "1",
    ],
  ];
  for (let kill = 0; kill < 12; kill++) {
    if (kill % 3 === 2) add(later[(kill - 2) / 3]!);
    let seen = 0;
    const after = kill % 2 === 0 ? 1 : 2 + Math.floor(random() * 3);
    await taskmem(args(killed), {
      onLine: (line, child) => {
        if (/"event":"(clip-end|gap|stream-start)"/.test(line)) seen += 1;
        if (seen === after) setTimeout(() => child.kill("SIGKILL"), random() * 250);
      },
    });
  }
  for (const memory of [killed, calm]) {
    const run = await taskmem(args(memory));
    assert.equal(run.code, 0, run.stderr);
  }
  const content = async (memory: string) => {
    await using opened = await openTaskMem({ directory: memory, mustExist: true });
    const { entries, streams } = await opened.timeline();
    const [{ clock }] = streams as [(typeof streams)[0]];
    assert.deepEqual(await opened.store.check(), []);
    return {
      lines: entries.map(({ startSeconds, text: said }) => `${formatMoment(startSeconds, clock)} ${said}`),
      gaps: (await opened.store.gaps()).map(
        (gap) => `${formatMoment(gap.startSeconds, clock)} to ${formatMoment(gap.endSeconds, clock)}`,
      ),
    };
  };
  const after = await content(killed);
  assert.equal(new Set(after.lines).size, after.lines.length, "nothing twice");
  assert.deepEqual(after, await content(calm));
  assert.equal(after.lines.length, 8 * 4);
});

test("a gap that a killed run did not come to keep is kept by the next one, once", async () => {
  const [folder, memory] = [temporary(), temporary()];
  const add = (time: string) => film(join(folder, `cam_20260101_${time}.mp4`), 4, `At ${time}`);
  for (const time of ["100010", "100020", "100030"]) add(time);
  const whole = await watch(folder, memory);
  assert.equal(whole.gaps.length, 2);
  // As if the kill had come between the last clip of the first film and the gap.
  const db = new Database(join(memory, "memory.db"));
  db.exec("delete from gap where start_seconds = (select min(start_seconds) from gap)");
  db.close();
  const next = await watch(folder, memory);
  assert.deepEqual([next.gaps, next.end.gaps, next.lines], [whole.gaps, 1, whole.lines]);
  assert.equal((await watch(folder, memory)).end.gaps, 0);
});

test("a memory of an earlier version, which kept no marks, resumes where it stopped", async () => {
  const [folder, memory] = [temporary(), temporary()];
  const add = (time: string, text: string) => film(join(folder, `cam_20260101_${time}.mp4`), 12, text);
  add("100000", "Ten sharp");
  add("100200", "Two past ten");
  const first = await watch(folder, memory);
  const db = new Database(join(memory, "memory.db"));
  db.exec("delete from source_file");
  db.close();
  add("100300", "Three past ten");
  const second = await watch(folder, memory);
  assert.deepEqual(second.lines, [...first.lines, "10:03:01 Three past ten."]);
  assert.deepEqual([second.end.clips, second.problems], [2, []]);
  add("095900", "One before ten");
  const third = await watch(folder, memory);
  assert.deepEqual(third.lines, ["09:59:01 One before ten.", ...second.lines]);
});
