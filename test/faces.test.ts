/** Faces in pictures, found by the nets that `models pull faces` fetches: who is in a real film, and what fails safely. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { faceFinder } from "../src/engines/faces/face-finder.ts";
import { runtimeFiles } from "../src/engines/onnx-runtime.ts";
import { distance, faceTracks } from "../src/perception/faces.ts";
import { createCanvas } from "../src/util/canvas.ts";
import { faceNets, framesOf } from "./support/faces.ts";
import { sharedData } from "./support/shared-data.ts";

const nets = await faceNets();
const runtime = runtimeFiles();
const skip = "skip" in nets ? nets.skip : runtime === null ? "onnxruntime-web is not installed" : false;
const open = () => faceFinder({ folder: (nets as { folder: string }).folder, runtime: runtime! });

describe("faces in pictures", { skip }, () => {
  const film = sharedData("videos/two-people-office-cam4.webm");
  test("two men side by side are two tracks far apart, with crops", { skip: film.skip }, async () => {
    const found = await open().find(framesOf(film.path, { seconds: 10 }));
    const tracks = faceTracks(found, []);
    const [left, right] = [
      tracks.filter(({ box }) => box.left < 0.4),
      tracks.filter(({ box }) => box.left > 0.4),
    ];
    assert.ok(left.length > 0 && right.length > 0);
    for (const a of left) for (const b of right) assert.ok(distance(a.vector, b.vector) > 0.6);
    for (const a of left) for (const b of left) assert.ok(distance(a.vector, b.vector) < 0.6);
    assert.ok(tracks.every(({ crop }) => crop[0] === 0xff && crop[1] === 0xd8));
  });

  const backs = sharedData("videos/one-by-one-person-detection.mp4");
  test("backs of heads are no faces", { skip: backs.skip }, async () => {
    assert.deepEqual(faceTracks(await open().find(framesOf(backs.path, { seconds: 8 })), []), []);
  });

  test("a picture without a face gives none, and a very large one is made smaller first", async () => {
    const canvas = createCanvas(5000, 3000);
    const context = canvas.getContext("2d");
    context.fillStyle = "#f4f1e8";
    context.fillRect(0, 0, 5000, 3000);
    const jpeg = await canvas.encode("jpeg", 80);
    const [frame] = await open().find([{ atSeconds: 0, width: 5000, height: 3000, jpeg }]);
    assert.deepEqual(frame!.faces, []);
  });

  test("a broken picture and missing nets fail by name", async () => {
    const broken = [{ atSeconds: 0, width: 1, height: 1, jpeg: new Uint8Array([1, 2, 3]) }];
    await assert.rejects(open().find(broken), { code: "face-finder-failed" });
    const folder = mkdtempSync(join(tmpdir(), "no-nets-"));
    await assert.rejects(faceFinder({ folder, runtime: runtime! }).find(broken), {
      code: "face-finder-failed",
    });
    rmSync(folder, { recursive: true });
  });
});
