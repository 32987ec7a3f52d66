import assert from "node:assert/strict";
import { test } from "node:test";
import type { Clip } from "../stream/clip.ts";
import { lookAt } from "./look.ts";

const bare: Clip = {
  ...{ kind: "clip", stream: "pond", index: 0, startSeconds: 0, endSeconds: 10 },
  ...{ frames: [], largeFrames: [], audio: null, cues: [], shots: [] },
};
const lines = { said: 0, captions: 0, read: 2 };

test("a clip of texts has no look", () => {
  assert.equal(lookAt(bare, { lines, problems: [] }), null);
});

test("a look holds the means of the pictures, the sound, and what perception found and failed at", () => {
  const clip: Clip = {
    ...bare,
    shots: [4],
    looks: [
      { atSeconds: 0, brightness: 0.2, changed: null },
      { atSeconds: 1, brightness: 0.4, changed: 0.1 },
      { atSeconds: 2, brightness: 0.6, changed: 0.2 },
    ],
    recording: { width: 640, height: 360, recordedAtMs: 1000 },
    audio: { startSeconds: 0, samples: new Int16Array(32_000) },
  };
  assert.deepEqual(lookAt(clip, { lines, problems: ["speech: the endpoint is down"] }), {
    recordedAtMs: 1000,
    picture: { width: 640, height: 360, brightness: 0.4, changed: 0.15, cuts: 1 },
    sound: { seconds: 2, levelDb: -100, speechSeconds: 0 },
    lines,
    problems: ["speech: the endpoint is down"],
  });
});

test("a clip of a film in which the last picture stays has a look", () => {
  const recording = { width: 640, height: 360, recordedAtMs: null };
  assert.equal(lookAt({ ...bare, recording }, { lines, problems: [] })?.picture?.width, 640);
  const sound = { width: null, height: null, recordedAtMs: null };
  assert.equal(lookAt({ ...bare, recording: sound }, { lines, problems: [] }), null);
});

test("pushed pictures are known without a look at them", () => {
  const jpeg = new Uint8Array();
  const clip = { ...bare, frames: [{ atSeconds: 0, width: 4, height: 3, jpeg }] };
  assert.deepEqual(lookAt(clip, { lines, problems: [] })?.picture, {
    ...{ width: null, height: null, brightness: null, changed: null },
    cuts: 0,
  });
});
