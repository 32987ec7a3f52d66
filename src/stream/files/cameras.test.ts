import assert from "node:assert/strict";
import { test } from "node:test";
import { byCamera } from "./cameras.ts";
import { clockOfName } from "./clock-names.ts";

/** Labels of the cameras that names are told apart by, each with how many files it has; every file is a minute long. */
async function cameras(names: readonly string[], seconds = 60): Promise<string[]> {
  const files = names.map((name) => ({ path: `/nas/${name}`, name, bytes: 1, clock: clockOfName(name) }));
  const found = await byCamera(files, async () => seconds);
  return found.map(({ label, files: own }) => `${label}: ${own.length}`);
}

const starts = ["2024-03-05_13-00-00", "2024-03-05_13-01-00"];
const each = (...names: ((start: string) => string)[]) =>
  starts.flatMap((start) => names.map((name) => name(start)));

test("cameras that record at the same time are told apart by names, folders and numbers", async () => {
  assert.deepEqual(
    await cameras(
      each(
        (at) => `${at}-front.mp4`,
        (at) => `${at}-left_repeater.mp4`,
        (at) => `${at}-back.mp4`,
      ),
    ),
    ["back: 2", "front: 2", "left_repeater: 2"],
  );
  assert.deepEqual(
    await cameras(
      each(
        (at) => `Front/${at}.mp4`,
        (at) => `Rear/${at}.mp4`,
      ),
    ),
    ["Front: 2", "Rear: 2"],
  );
  assert.deepEqual(
    await cameras(["20240305130000_000123F.MP4", "20240305130001_000124R.MP4", "20240305130100_000125F.MP4"]),
    ["F: 2", "R: 1"],
  );
  assert.deepEqual(
    await cameras(
      ["2023-10-29/01/front/59.50.mp4", "2023-10-29/01/yard/59.56.mp4", "2023-10-29/02/front/00.00.mp4"],
      20,
    ),
    ["front: 2", "yard: 1"],
  );
  assert.deepEqual(
    await cameras(
      each(
        (at) => `nvr_1_${at}.mp4`,
        (at) => `nvr_2_${at}.mp4`,
      ),
    ),
    ["nvr_1: 2", "nvr_2: 2"],
  );
  assert.deepEqual(
    await cameras([
      "2024-03-04/ch01_20240304130000.mp4",
      "2024-03-05/ch01_20240305130000.mp4",
      "2024-03-05/ch02_20240305130000.mp4",
    ]),
    ["ch01: 2", "ch02: 1"],
  );
});

test("names that follow one another are one stream, however they differ", async () => {
  for (const names of [
    [
      "PXL_20240305_130203123.mp4",
      "Screen Recording 2024-03-05 at 1.10.00 PM.mov",
      "VID_20240305_140000.mp4",
    ],
    ["2024-03-05_13-00-00.mp4", "2024-03-05_13-01-00 (2).mp4", "2024-03-05_13-02-00.mp4"],
    ["day one/20240305_130000.mp4", "day two/20240306_130000.mp4"],
    ["cam_20240305_130000_0001.mp4", "cam_20240305_130058_0002.mp4"],
    ["2024-10-27_02-30-00.mp4", "2024-10-27_02-30-10 (2).mp4"],
  ])
    assert.deepEqual(await cameras(names), [`: ${names.length}`], names[0]);
});

test("files of other names, and without a clock, keep the folder's own stream", async () => {
  assert.deepEqual(await cameras(["20240305_130000_F.mp4", "20240305_130000_R.mp4", "trailer.mp4"]), [
    "F: 1",
    "R: 1",
    ": 1",
  ]);
});
