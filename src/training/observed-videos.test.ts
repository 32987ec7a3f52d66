import assert from "node:assert/strict";
import { test } from "node:test";
import { observationOf } from "../../test/support/memory.ts";
import { wordSpace as words } from "../engines/local/index.ts";
import { isTaskMemError } from "../errors.ts";
import type { Observation } from "../perception/observation.ts";
import { choicePolicy } from "../policies/choice/choice.ts";
import { observedVideos } from "./observed-videos.ts";

const writer = choicePolicy({ words });

function said(stream: string, clip: number, text: string): Observation {
  const observation = observationOf(stream, clip);
  const { startSeconds, endSeconds } = observation;
  return { ...observation, frames: [], speech: [{ startSeconds, endSeconds, text, speaker: "Ann" }] };
}

test("streams are videos one after the other, the first again after the last, and empty ones are none", async () => {
  const kitchen = [0, 1, 2].map((clip) => said("kitchen", clip, `The kettle ${clip} boils on the stove.`));
  const hall = [said("hall", 0, "The door is open.")];
  const video = observedVideos([kitchen, [], hall], writer);
  assert.deepEqual(
    [0, 1, 2, 3].map((n) => video(n).clips),
    [3, 1, 3, 1],
  );
  assert.equal((await video(2).observe(1)).speech[0]!.text, kitchen[1]!.speech[0]!.text);
  assert.equal((await video(1).observe(0)).stream, "hall");
});

test("the history that the trained policy did not write is another policy's, clip by clip", async () => {
  const kitchen = [4, 7].map((clip) =>
    said("kitchen", clip, `The kettle number ${clip} boils on the stove.`),
  );
  const video = observedVideos([kitchen], writer)(0);
  // The clips are numbered from 0, because a run counts places.
  assert.deepEqual([(await video.observe(0)).clip, (await video.observe(1)).clip], [0, 1]);
  assert.match(await video.written(0), /kettle number 4/);
  assert.match(await video.written(1), /kettle number 7/);
  const silent = observedVideos([[...kitchen, observationOf("kitchen", 8)]], writer)(0);
  assert.equal(await silent.written(2), "", "of a clip with nothing to keep");
});

test("nothing to train on is an error", () => {
  assert.throws(
    () => observedVideos([[]], writer),
    (error) => isTaskMemError(error, "nothing-watched"),
  );
});
