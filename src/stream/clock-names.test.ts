import assert from "node:assert/strict";
import { test } from "node:test";
import { clockOfName, placeByNames } from "./clock-names.ts";

test("day clocks count from midnight of day 1, frames as twentieths of a second", () => {
  assert.deepEqual(clockOfName("/x/DAY1_A1_JAKE_11094208.mp4"), {
    kind: "day",
    seconds: 11 * 3600 + 9 * 60 + 42 + 0.4,
  });
  assert.deepEqual(clockOfName("A1_JAKE_DAY2_11000000.srt"), { kind: "day", seconds: 86_400 + 11 * 3600 });
  assert.equal(clockOfName("DAY1_A1_JAKE_11094299.mp4")!.seconds, 11 * 3600 + 9 * 60 + 42 + 0.95);
});

test("dates and times as cameras write them are read as UTC", () => {
  const seconds = Date.UTC(2026, 10, 23, 8, 39, 38) / 1000;
  for (const name of [
    "2026-11-23_08-39-38.mkv",
    "VID_20261123_083938.mp4",
    "20261123083938.ts",
    "cam 2026-11-23 08.39.38.mp4",
  ])
    assert.deepEqual(clockOfName(name), { kind: "wall", seconds }, name);
});

test("names without a clock, and impossible ones, give none", () => {
  for (const name of [
    "talk.mp4",
    "DAY1.mp4",
    "DAY1_A1_25000000.mp4",
    "20261323_083938.mp4",
    "timecode-300s.mp4",
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
