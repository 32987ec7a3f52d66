import assert from "node:assert/strict";
import { test } from "node:test";
import { distance, type FoundFace, type FrameFaces, faceTracks, overlap } from "./faces.ts";

const crop = new Uint8Array([1]);
/** A face at a place of a 100 × 100 picture; a good one has a vector along one axis. */
const face = (left: number, vector: readonly number[] | null = null): FoundFace => ({
  box: { left, top: 10, width: 20, height: 20 },
  score: vector ? 0.9 : 0.5,
  vector: vector && Float32Array.from(vector),
  crop: vector && crop,
});
const frame = (atSeconds: number, ...faces: FoundFace[]): FrameFaces => ({
  ...{ atSeconds, width: 100, height: 100, faces },
});

test("distance is Euclidean, overlap a share of the area that either box covers", () => {
  assert.equal(distance(Float32Array.of(0, 3), Float32Array.of(4, 0)), 5);
  const box = { left: 0, top: 0, width: 10, height: 10 };
  assert.equal(overlap(box, { ...box, left: 5 }), 50 / 150);
  assert.equal(overlap(box, { ...box, left: 20 }), 0);
});

test("a face that turns away belongs to the track of its place, and a track without a good face is none", () => {
  const frames = [
    frame(0, face(10, [0, 0]), face(70)),
    frame(1, face(12), face(70)),
    frame(2, face(13, [0.1, 0]), face(71)),
  ];
  const [track, ...others] = faceTracks(frames, []);
  assert.deepEqual(others, []);
  assert.deepEqual(track!.atSeconds, [0, 1, 2]);
  assert.equal(track!.vectors.length, 2);
  assert.deepEqual(track!.box, { left: 0.1, top: 0.1, width: 0.2, height: 0.2 });
  assert.deepEqual(
    track!.boxes!.map(({ left }) => left),
    [0.1, 0.12, 0.13],
  );
});

test("a track ends at a cut, at a gap, and where another person takes the place", () => {
  const [a, b] = [face(10, [0, 0]), face(10, [1, 0])];
  assert.equal(faceTracks([frame(0, a), frame(1, a)], []).length, 1);
  assert.equal(faceTracks([frame(0, a), frame(1, a)], [0.6]).length, 2);
  assert.equal(faceTracks([frame(0, a), frame(4, a)], []).length, 2);
  assert.equal(faceTracks([frame(0, a), frame(1, b)], []).length, 2);
});

test("of two faces near a track, the one that shares most of its place continues it", () => {
  const tracks = faceTracks([frame(0, face(10, [0, 0])), frame(1, face(18), face(11))], []);
  assert.deepEqual(
    tracks.map(({ atSeconds }) => atSeconds),
    [[0, 1]],
  );
  const lengths = faceTracks(
    [frame(0, face(10, [0, 0]), face(40, [1, 1])), frame(1, face(41), face(11))],
    [],
  );
  assert.deepEqual(
    lengths.map(({ atSeconds }) => atSeconds.length),
    [2, 2],
  );
});
