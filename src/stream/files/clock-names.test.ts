import assert from "node:assert/strict";
import { test } from "node:test";
import { clockOfName, placeByNames } from "./clock-names.ts";

const plain = (name: string) => {
  const clock = clockOfName(name);
  return clock && { kind: clock.kind, seconds: clock.seconds };
};

test("day clocks count from midnight of day 1, frames as twentieths of a second", () => {
  assert.deepEqual(plain("/x/DAY1_A1_JAKE_11094208.mp4"), {
    kind: "day",
    seconds: 11 * 3600 + 9 * 60 + 42 + 0.4,
  });
  assert.deepEqual(plain("A1_JAKE_DAY2_11000000.srt"), { kind: "day", seconds: 86_400 + 11 * 3600 });
  assert.equal(clockOfName("DAY1_A1_JAKE_11094299.mp4")!.seconds, 11 * 3600 + 9 * 60 + 42 + 0.95);
});

test("dates and times as cameras write them are read as UTC", () => {
  const seconds = Date.UTC(2026, 10, 23, 8, 39, 38) / 1000;
  for (const name of [
    "2026-11-23_08-39-38.mkv",
    "VID_20261123_083938.mp4",
    "20261123083938.ts",
    "cam 2026-11-23 08.39.38.mp4",
    "ch01_20261123083938_20261123084938.mp4",
    "20261123083938_000123F.MP4",
    "GMT20261123-083938_Recording.mp4",
  ])
    assert.deepEqual(plain(name), { kind: "wall", seconds }, name);
});

/** Names, each with its moment and what is left of it without the clock. */
const examples: readonly (readonly [string, string])[] = [
  ["PXL_20240305_130203123.TS.mp4", "2024-03-05T13:02:03.123Z"],
  ["Screen Recording 2024-03-05 at 1.02.03 PM.mov", "2024-03-05T13:02:03.000Z"],
  ["Screen Recording 2024-03-05 at 12.02.03\u202fAM.mov", "2024-03-05T00:02:03.000Z"],
  ["Bildschirmaufnahme 2024-03-05 um 13.02.03.mov", "2024-03-05T13:02:03.000Z"],
  ["Grabaci\u00f3n de pantalla 2024-03-05 a la(s) 1.02.03\u202fp.\u00a0m..mov", "2024-03-05T13:02:03.000Z"],
  ["\u5c4f\u5e55\u5f55\u5236 2024-03-05 \u4e0b\u53481.02.03.mov", "2024-03-05T13:02:03.000Z"],
  ["WhatsApp Video 2024-03-05 at 1.02.03 PM (2).mp4", "2024-03-05T13:02:03.000Z"],
  ["20240305T130203+0100.mp4", "2024-03-05T12:02:03.000Z"],
  ["2024-03-05T13-02-03-0500.mp4", "2024-03-05T18:02:03.000Z"],
  ["front-1709643723.5.mp4", "2024-03-05T13:02:03.500Z"],
  ["1709643723250.mp4", "2024-03-05T13:02:03.250Z"],
  ["nvr/2023-10-29/01/front/59.50.mp4", "2023-10-29T01:59:50.000Z"],
  ["nvr/2023-10/29/01/front/59.50.mp4", "2023-10-29T01:59:50.000Z"],
  ["2024/03/05/13-02-03.mp4", "2024-03-05T13:02:03.000Z"],
  ["cam\\20240305\\130203.mp4", "2024-03-05T13:02:03.000Z"],
  ["2024-03-05/001/dav/13/13.02.03-13.12.03[M].mp4", "2024-03-05T13:02:03.000Z"],
  ["2024030513/02M03S.mp4", "2024-03-05T13:02:03.000Z"],
];

test("clocks of phones, screen recorders and NVR folders: 12 hours, other languages, zones, since 1970", () => {
  for (const [name, moment] of examples)
    assert.equal(new Date(Math.round(clockOfName(name)!.seconds * 1000)).toISOString(), moment, name);
});

test("what a name holds besides its clock tells cameras apart", () => {
  const rest = (name: string) =>
    clockOfName(name)!
      .rest.replace(/[^a-z]+/gi, " ")
      .trim();
  assert.equal(rest("2019-02-25_16-45-32-left_repeater.mp4"), "left repeater");
  assert.equal(rest("2023-10-29/01/front/59.50.mp4"), "front");
  assert.equal(rest("DAY1_A1_JAKE_11094208.mp4"), "A JAKE");
});

test("names without a clock, and impossible ones, give none", () => {
  for (const name of [
    "talk.mp4",
    "DAY1.mp4",
    "DAY1_A1_25000000.mp4",
    "20261323_083938.mp4",
    "timecode-300s.mp4",
    "VID-20240305-WA0003.mp4",
    "20240305_clip_000123.mp4",
    "2024-02-30_10-00-00.mp4",
    "2024-03-05 trip/part 01.mp4",
    "2024-03-05/01/02.mp4",
    "movie.2019.1080p.mp4",
  ])
    assert.equal(clockOfName(name), null, name);
});

test("files are placed only if all names carry a clock of one kind", () => {
  assert.equal(placeByNames(["DAY1_A1_JAKE_11000000.mp4", "talk.mp4"]), null);
  assert.equal(placeByNames(["DAY1_A1_JAKE_11000000.mp4", "2026-11-23_08-39-38.mkv"]), null);
  const placed = placeByNames(["2026-11-23_08-39-48.mkv", "2026-11-23_08-39-38.mkv"])!;
  assert.deepEqual(
    placed.placed.map(({ startSeconds }) => startSeconds),
    [0, 10],
  );
  assert.deepEqual(placed.clock, { kind: "wall", originMs: Date.UTC(2026, 10, 23, 8, 39, 38) });
});
