/** Real files made by ffmpeg, read back: times, tails, gaps, texts beside and inside, starting in the middle. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ConfigError, DataError } from "../errors.ts";
import { requireProgram } from "../util/program.ts";
import type { Clip, Gap, Source } from "./clip.ts";
import { openSource } from "./open-source.ts";

const temporary = () => mkdtempSync(join(tmpdir(), "taskmem-stream-"));
const folder = temporary();
const ffmpeg = (...args: string[]) => execFileSync(requireProgram("ffmpeg"), ["-v", "error", "-y", ...args]);
const pictures = (seconds: number, rate = 10) => [
  "-f",
  "lavfi",
  "-i",
  `testsrc=size=320x180:rate=${rate}:duration=${seconds}`,
];
const tone = (seconds: number) => ["-f", "lavfi", "-i", `sine=frequency=440:duration=${seconds}`];
const coding = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "20", "-pix_fmt", "yuv420p", "-c:a", "aac"];

async function all(source: Source, fromSeconds = 0): Promise<(Clip | Gap)[]> {
  const items: (Clip | Gap)[] = [];
  for await (const item of source.open({ fromSeconds })) items.push(item);
  return items;
}
const clipsOf = (items: readonly (Clip | Gap)[]) => items.filter((item) => item.kind === "clip");
const spans = (items: readonly (Clip | Gap)[]) =>
  items.map(({ kind, startSeconds, endSeconds }) => [
    kind,
    Math.round(startSeconds * 10) / 10,
    Math.round(endSeconds * 10) / 10,
  ]);
const srt = (...cues: [string, string, string][]) =>
  cues.map(([from, to, text], i) => `${i + 1}\n00:00:${from} --> 00:00:${to}\n${text}\n`).join("\n");

test("a file becomes clips with frames at their own times, sound of full length, and its tail", async () => {
  const path = join(folder, "whole.mp4");
  ffmpeg(...pictures(23), ...tone(23), ...coding, path);
  const source = await openSource(path, { largeFrames: true });
  assert.equal(source.id, "whole");
  assert.ok(Math.abs(source.endSeconds! - 23) < 0.1);
  const clips = clipsOf(await all(source));
  assert.deepEqual(
    clips.map(({ index, frames, largeFrames }) => [index, frames.length, largeFrames.length]),
    [
      [0, 10, 10],
      [1, 10, 10],
      [2, 3, 3],
    ],
  );
  for (const clip of clips) {
    for (const [i, frame] of clip.frames.entries()) {
      assert.ok(Math.abs(frame.atSeconds - (clip.startSeconds + i)) < 0.051, `${frame.atSeconds}`);
      assert.deepEqual([...frame.jpeg.subarray(0, 2)], [0xff, 0xd8], "a JPEG");
    }
  }
  const samples = clips.reduce((sum, { audio }) => sum + audio!.samples.length, 0);
  assert.ok(Math.abs(samples / 16_000 - 23) < 0.1, `${samples / 16_000} s of sound`);
});

test("starting in the middle gives the same clips as starting at the beginning", async () => {
  const path = join(folder, "middle.mp4");
  ffmpeg(...pictures(45), ...tone(45), ...coding, path);
  writeFileSync(join(folder, "middle.srt"), srt(["01,000", "02,000", "one"], ["31,000", "32,000", "two"]));
  const source = await openSource(path);
  const whole = clipsOf(await all(source)).slice(3);
  const rest = clipsOf(await all(source, 30));
  const facts = ({ index, startSeconds, endSeconds, frames, cues }: Clip) => ({
    index,
    startSeconds,
    endSeconds,
    frames: frames.map(({ atSeconds }) => atSeconds),
    cues: cues.map(({ text }) => text),
  });
  assert.deepEqual(rest.map(facts), whole.map(facts));
  assert.deepEqual(
    rest[0]!.cues.map(({ text }) => text),
    ["two"],
  );
});

test("variable frame rate and a late start keep the source's own times", async () => {
  const path = join(folder, "variable.mkv");
  // One frame in the first 4 s, then ten a second; the sound starts with the file, the pictures 2.5 s later.
  ffmpeg(
    ...tone(12),
    ...["-itsoffset", "2.5"],
    ...pictures(9),
    ...["-filter:v", "select='lt(n,1)+gt(t,4)'", "-fps_mode", "vfr"],
    ...["-map", "1:v", "-map", "0:a"],
    ...coding,
    path,
  );
  const [first] = clipsOf(await all(await openSource(path)));
  const times = first!.frames.map(({ atSeconds }) => atSeconds);
  assert.ok(Math.abs(times[0]! - 2.5) < 0.05, `first picture at ${times[0]}`);
  assert.ok(times[1]! > 4, `nothing is made up in between: ${times}`);
  assert.ok(first!.audio!.startSeconds < 0.1);
});

test("portrait, silent, sound-only and very short files are watched to their end", async () => {
  const portrait = join(folder, "portrait.mp4");
  ffmpeg("-f", "lavfi", "-i", "testsrc=size=180x320:rate=10:duration=1.3", ...coding.slice(0, 8), portrait);
  const [clip] = clipsOf(await all(await openSource(portrait)));
  assert.deepEqual([clip!.frames[0]!.width, clip!.frames[0]!.height, clip!.audio], [142, 252, null]);
  assert.ok(Math.abs(clip!.endSeconds - 1.3) < 0.05);
  const sound = join(folder, "sound.wav");
  ffmpeg(...tone(12), sound);
  const clips = clipsOf(await all(await openSource(sound)));
  assert.deepEqual(
    clips.map(({ frames, endSeconds }) => [frames.length, Math.round(endSeconds)]),
    [
      [0, 10],
      [0, 12],
    ],
  );
});

test("speech and descriptions come from files beside the medium in the wanted language, otherwise from inside", async () => {
  const path = join(folder, "talk.mkv");
  writeFileSync(join(folder, "inside.srt"), srt(["01,000", "02,000", "said inside"]));
  ffmpeg(
    ...pictures(5),
    "-i",
    join(folder, "inside.srt"),
    "-map",
    "0:v",
    "-map",
    "1",
    ...coding,
    "-c:s",
    "srt",
    path,
  );
  const texts = async (languages: string[] = []) => {
    const [clip] = clipsOf(await all(await openSource(path, { languages })));
    return clip!.cues.map(({ kind, origin, text }) => [kind, origin, text]);
  };
  assert.deepEqual(await texts(), [["speech", "embedded", "said inside"]]);
  writeFileSync(join(folder, "talk.descriptions.srt"), srt(["00,500", "01,500", "a door opens"]));
  // On the web captions are what is said: of several such texts one is taken.
  writeFileSync(join(folder, "talk.captions.srt"), srt(["02,000", "03,000", "[a bell] hello"]));
  writeFileSync(join(folder, "talk.en.srt"), srt(["02,000", "03,000", "hello"]));
  writeFileSync(join(folder, "talk.de.vtt"), "WEBVTT\n\n00:02.000 --> 00:03.000\nhallo\n");
  assert.deepEqual(await texts(["de"]), [
    ["caption", "sidecar", "a door opens"],
    ["speech", "sidecar", "hallo"],
  ]);
  assert.deepEqual(await texts(["en"]), [
    ["caption", "sidecar", "a door opens"],
    ["speech", "sidecar", "hello"],
  ]);
});

test("text inside an mp4 (mov_text) is read with its times and without markup", async () => {
  const path = join(folder, "movtext.mp4");
  writeFileSync(
    join(folder, "mov.srt"),
    srt(["01,000", "02,000", "<i>first</i>"], ["12,250", "13,000", "second"]),
  );
  ffmpeg(
    ...pictures(14),
    "-i",
    join(folder, "mov.srt"),
    "-map",
    "0:v",
    "-map",
    "1",
    ...coding,
    "-c:s",
    "mov_text",
    path,
  );
  const cues = clipsOf(await all(await openSource(path))).flatMap((clip) => clip.cues);
  assert.deepEqual(
    cues.map(({ startSeconds, text }) => [startSeconds, text]),
    [
      [1, "first"],
      [12.25, "second"],
    ],
  );
});

test("a folder is one timeline: by clocks in the names with gaps kept, a broken file as an unreadable gap", async () => {
  const day = temporary();
  ffmpeg(...pictures(14), ...coding.slice(0, 8), join(day, "DAY1_A1_JAKE_11094200.mp4"));
  copyFileSync(join(day, "DAY1_A1_JAKE_11094200.mp4"), join(day, "DAY1_A1_JAKE_11101200.mp4"));
  writeFileSync(join(day, "DAY1_A1_JAKE_11100000.mp4"), "not a video");
  const source = await openSource(day);
  assert.equal(source.clock.kind, "day");
  const start = 11 * 3600 + 9 * 60 + 42;
  assert.deepEqual(spans(await all(source)), [
    ["clip", start, start + 8],
    ["clip", start + 8, start + 14],
    ["gap", start + 14, start + 30],
    ["clip", start + 30, start + 38],
    ["clip", start + 38, start + 44],
  ]);
});

test("a folder without clocks is one file after the other, in natural order, resumable in the middle", async () => {
  const files = temporary();
  for (const [name, seconds] of [
    ["part2.mp4", 6],
    ["part10.mp4", 7],
  ] as const)
    ffmpeg(...pictures(seconds), ...coding.slice(0, 8), join(files, name));
  const source = await openSource(files);
  assert.deepEqual(spans(await all(source)), [
    ["clip", 0, 10],
    ["clip", 10, 13],
  ]);
  assert.deepEqual(spans(await all(source, 10)), [["clip", 10, 13]]);
});

test("texts: layers of one recording start together, hours in the names make a day with its gaps", async () => {
  const texts = temporary();
  writeFileSync(join(texts, "speech.srt"), srt(["01,000", "02,000", "said"]));
  writeFileSync(
    join(texts, "notes.jsonl"),
    '{"startSeconds":12,"endSeconds":13,"text":"seen","kind":"caption","speaker":"Ines"}\n',
  );
  const items = clipsOf(await all(await openSource(texts)));
  assert.deepEqual(
    items.map(({ cues }) => cues.map(({ kind, text, speaker }) => [kind, text, speaker])),
    [[["speech", "said", null]], [["caption", "seen", "Ines"]]],
  );
  const day = temporary();
  mkdirSync(join(day, "DenseCaption"));
  writeFileSync(join(day, "A1_DAY1_11000000.srt"), srt(["09,000", "10,000", "eleven"]));
  writeFileSync(join(day, "DenseCaption", "A1_DAY1_13000000.srt"), srt(["01,000", "02,000", "thirteen"]));
  const both = await all(await openSource(day));
  assert.deepEqual(
    both.map((item) =>
      item.kind === "gap" ? [item.startSeconds, item.endSeconds] : item.cues.map(({ kind }) => kind),
    ),
    [["speech"], [39_610, 46_800], ["caption"]],
  );
});

test("a truncated file gives what can be read and an unreadable gap for the rest", async () => {
  const { readFileSync } = await import("node:fs");
  const sound = ["-f", "lavfi", "-i", "sine=440:d=40"];
  const kinds: [string, string[]][] = [
    ["half.mp4", [...pictures(40), ...coding.slice(0, 8), "-movflags", "+faststart"]],
    ["half.avi", [...pictures(40), "-c:v", "mpeg4"]],
    ["half.wav", sound],
  ];
  for (const [name, args] of kinds) {
    const whole = join(folder, name);
    ffmpeg(...args, whole);
    const bytes = readFileSync(whole);
    const path = join(folder, `cut-${name}`);
    writeFileSync(path, bytes.subarray(0, bytes.length / 2));
    const source = await openSource(path);
    const items = await all(source);
    assert.ok(clipsOf(items).length >= 1, name);
    const last = items.at(-1)!;
    assert.ok(
      last.kind === "gap" && last.reason === "unreadable" && Math.abs(last.endSeconds - 40) < 1.5,
      `${name}: ${JSON.stringify(spans(items))}`,
    );
    assert.ok(
      source.leftOut.some(({ kind }) => kind === "damaged"),
      name,
    );
    const untouched = await openSource(whole);
    await all(untouched);
    assert.deepEqual(
      untouched.leftOut.filter(({ kind }) => kind === "damaged"),
      [],
      name,
    );
  }
});

test("leaving the loop early or aborting stops at once", async () => {
  const path = join(folder, "middle.mp4");
  const source = await openSource(path);
  for await (const item of source.open()) {
    assert.equal(item.kind, "clip");
    break;
  }
  const stop = new AbortController();
  await assert.rejects(async () => {
    for await (const _ of source.open({ signal: stop.signal })) stop.abort();
  }, /abort/i);
});

test("a file of a week's lines is one stream", async () => {
  const path = join(folder, "week.jsonl");
  const lines = Array.from({ length: 200_000 }, (_, i) =>
    JSON.stringify({ startSeconds: i, endSeconds: i + 1, text: `line ${i}` }),
  );
  writeFileSync(path, lines.join("\n"));
  const source = await openSource(path);
  assert.equal(source.endSeconds, 200_000);
  const last = clipsOf(await all(source, 199_990)).at(-1)!;
  assert.deepEqual([last.cues.length, last.cues.at(-1)!.text], [10, "line 199999"]);
});

test("sources that are missing, empty, no media or incompatible are refused by name", async () => {
  const text = join(folder, "text.mp4");
  writeFileSync(text, "this is not a video\n");
  const empty = join(folder, "empty.mp4");
  writeFileSync(empty, "");
  const nothing = temporary();
  for (const path of [join(folder, "nowhere.mp4"), text, empty, nothing])
    await assert.rejects(
      openSource(path),
      (error: DataError) => error instanceof DataError && error.message.includes(path),
    );
  writeFileSync(
    join(folder, "rows.jsonl"),
    '{"startSeconds":0,"endSeconds":1,"text":"ok"}\n{"startSeconds":2}\n',
  );
  await assert.rejects(openSource(join(folder, "rows.jsonl")), /rows\.jsonl:2/);
  await assert.rejects(openSource([]), ConfigError);
  await assert.rejects(openSource(["rtsp://host/a", "rtsp://host/b"]), ConfigError);
});
