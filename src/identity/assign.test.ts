import assert from "node:assert/strict";
import { test } from "node:test";
import { assign, type Candidate, type KnownPerson } from "./assign.ts";
import { chooseExemplars } from "./exemplars.ts";

/** A track at a place of a line, so that distances can be read off. */
const track = (at: number, atSeconds: readonly number[] = [0], good = 2): Candidate => ({
  ...{ atSeconds, vector: Float32Array.of(at, 0), good },
});
const person = (id: string, ...at: number[]): KnownPerson => ({
  id,
  exemplars: at.map((x) => Float32Array.of(x, 0)),
});
const kindsOf = (tracks: readonly Candidate[], known: readonly KnownPerson[]) =>
  assign(tracks, known).tracks.map((one) => ("id" in one ? `${one.kind} ${one.id}` : one.kind));

test("below 0.5 it is the person, up to 0.6 it is unsure, beyond it is someone new", () => {
  const known = [person("a", -0.1, -0.05, 0, 0.05, 0.1)];
  assert.deepEqual(kindsOf([track(0.49)], known), ["person a"]);
  assert.deepEqual(kindsOf([track(0.55)], known), ["unsure a"]);
  assert.deepEqual(kindsOf([track(0.65)], known), ["new"]);
  // Whom few faces stand for: below 0.4.
  assert.deepEqual(kindsOf([track(0.39)], [person("a", 0)]), ["person a"]);
  assert.deepEqual(kindsOf([track(0.45)], [person("a", 0)]), ["new"]);
  assert.deepEqual(kindsOf([track(0.45, [0], 1)], [person("a", 0)]), ["unsure a"]);
  assert.deepEqual(kindsOf([track(0.35, [0], 1)], [person("a", 0)]), ["unsure a"]);
});

test("two faces of one frame are never one person: the nearer has it, the other is unsure", () => {
  const known = [person("a", 0)];
  assert.deepEqual(kindsOf([track(0.3, [1, 2]), track(-0.1, [2, 3])], known), ["unsure a", "person a"]);
  assert.deepEqual(kindsOf([track(0.3, [1]), track(-0.1, [2])], known), ["person a", "person a"]);
});

test("all tracks are decided about at once: three in a chain of meetings lose the one in the middle", () => {
  // The middle track is the nearest, but leaving it out lets two others be the person: 0.2 + 0.2 + 0.5 < 0.1 + 0.5 + 0.5.
  const known = [person("a", 0)];
  const tracks = [track(0.2, [0, 1]), track(0.1, [1, 2]), track(-0.2, [2, 3])];
  assert.deepEqual(kindsOf(tracks, known), ["person a", "unsure a", "person a"]);
});

test("a face between two people is neither", () => {
  assert.deepEqual(kindsOf([track(0.4)], [person("a", -0.1, -0.05, 0, 0.05, 0.1), person("b", 0.85)]), [
    "unsure a",
  ]);
});

test("only a face that was followed makes a person, and takes single ones along, also of earlier clips", () => {
  assert.deepEqual(kindsOf([track(0, [0], 1)], []), ["unknown"]);
  assert.deepEqual(kindsOf([track(0, [0], 1), track(0.1, [1], 1)], []), ["unknown", "unknown"]);
  assert.deepEqual(kindsOf([track(0, [0, 1], 2), track(0.3, [2], 1)], []), ["new", "new"]);
  assert.deepEqual(kindsOf([track(0, [0, 1], 2), track(0.45, [2], 1)], []), ["new", "unknown"]);
  assert.deepEqual(kindsOf([track(0, [0, 1], 2), track(0.3, [1], 1)], []), ["new", "unknown"]);
  const { tracks, joined } = assign([track(0, [10, 11])], [], [track(0.9, [0], 1), track(0.3, [1], 1)]);
  assert.deepEqual(tracks, [{ kind: "new", group: 0 }]);
  assert.deepEqual([...joined], [[1, 0]]);
});

test("new people keep apart those who were seen together", () => {
  const { tracks } = assign([track(0, [0, 1]), track(0.2, [1, 2]), track(0.1, [5])], []);
  assert.equal(new Set(tracks.map((one) => one.kind === "new" && one.group)).size, 2);
});

test("exemplars are the middle one, then those that differ most, and no outlier", () => {
  const vectors = [0, 0.125, 0.25, 0.375, 2].map((x) => Float32Array.of(x));
  // Sums of distances: 2.75, 2.375, 2.25, 2.375, 7.25. Then 0 (0.25 away), then 1 and 3 are as far: the first.
  assert.deepEqual(chooseExemplars(vectors, 3), [2, 0, 1]);
  assert.ok(!chooseExemplars(vectors).includes(4));
  assert.deepEqual(chooseExemplars([]), []);
});
