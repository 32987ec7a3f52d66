/** Faces in pictures, found by the nets that `models pull faces` fetches: who is in a real film, and what fails safely. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { faceFinder } from "../src/engines/faces/face-finder.ts";
import { localEmbedder, wordSpace } from "../src/engines/local/index.ts";
import { runtimeFiles } from "../src/engines/onnx-runtime.ts";
import { inMemoryStore } from "../src/memory/in-memory.ts";
import { type ClipFaces, distance, facesOf, faceTracks } from "../src/perception/faces.ts";
import { createCanvas } from "../src/util/canvas.ts";
import { faceNets, framesOf } from "./support/faces.ts";
import { addTestStream, observationOf } from "./support/memory.ts";
import { sharedData } from "./support/shared-data.ts";
import { rowsOf } from "./support/store.ts";

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

  test("a picture that did not change has the same faces, and they are not compared again", {
    skip: film.skip,
  }, async () => {
    const [frame] = framesOf(film.path, { seconds: 1 });
    const [first, second] = await open().find([frame!, { ...frame!, atSeconds: 1 }]);
    assert.ok(first!.faces.some(({ vector }) => vector !== null));
    assert.deepEqual(
      second!.faces,
      first!.faces.map((face) => ({ ...face, vector: null, crop: null })),
    );
  });

  const other = sharedData("videos/two-people-meeting-room-cam2.webm");
  test("they are the same two people in another room, whichever is watched first", {
    skip: film.skip || other.skip,
  }, async () => {
    const finder = open();
    const seen = new Map<string, ClipFaces[]>();
    for (const { path } of [film, other]) {
      const frames = framesOf(path, { seconds: 20 });
      const clips = [0, 10].map((from) => frames.filter(({ atSeconds: at }) => at >= from && at < from + 10));
      const found: ClipFaces[] = [];
      for (const clip of clips) found.push(await facesOf(finder, clip, []));
      seen.set(path, found);
    }
    for (const order of [
      [film, other],
      [other, film],
    ]) {
      await using memory = inMemoryStore({ words: wordSpace, embedder: localEmbedder, now: Date.now });
      for (const { path } of order) {
        await addTestStream(memory, path);
        for (const [clip, faces] of seen.get(path)!.entries())
          await memory.addObservation(observationOf(path, clip, { faces }));
      }
      // By where they sit, which is the same side in both films.
      const sides = new Map<number, Set<string>>();
      for (const { number } of await memory.people())
        for (const { id } of await memory.faces(number)) {
          const box = (await rowsOf(memory)).find(
            (row) => row.row === "face" && row.id === id && row.person !== null,
          );
          if (box?.row !== "face") continue;
          const side = box.box.left + box.box.width / 2 < 0.5 ? "left" : "right";
          sides.set(number, (sides.get(number) ?? new Set()).add(side));
        }
      assert.ok(
        [...sides.values()].every(({ size }) => size === 1),
        "nobody is taken for another",
      );
      const inBoth = (await memory.people()).filter(({ streams }) => streams.length === 2);
      assert.equal(inBoth.length, 2);
    }
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
