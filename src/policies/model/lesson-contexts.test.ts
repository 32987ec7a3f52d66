/** Which contexts of what was watched a lesson is trained, scaled and tried on. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { observationOf } from "../../../test/support/memory.ts";
import { noCost } from "../../engine.ts";
import type { Policy } from "../../policy/policy.ts";
import { refusedIssue } from "../best-of-n/rollout-cache.ts";
import { lessonContexts } from "./lesson-contexts.ts";
import { statementOf } from "./model-action.ts";

/** Writes about each clip that it is told to; refuses those with no caption. */
const policy: Policy = {
  ...{ id: "plain", revision: "plain", clipsPerDecision: 1 },
  advance: () => null,
  async decide(context) {
    const { captions, clip } = context.observations[0]!;
    const [told] = captions;
    const action = { text: "", logprobs: null, revision: "plain" };
    if (!told) {
      const issues = [{ code: refusedIssue, message: "too long" }];
      return { actions: [{ ...action, statements: [], issues }], cost: noCost };
    }
    const statements = told.text === "quiet" ? [] : [statementOf(`Clip ${clip}.`, "episodic", context)];
    return { actions: [{ ...action, statements, issues: [] }], cost: noCost };
  },
};

const streamOf = (name: string, clips: number, captionOf: (clip: number) => string | null = () => "told") =>
  Array.from({ length: clips }, (_, clip) => {
    const text = captionOf(clip);
    const caption = { startSeconds: clip * 10, endSeconds: clip * 10 + 1, text: text!, speaker: null };
    return observationOf(name, clip, { captions: text === null ? [] : [caption] });
  });
const ids = (contexts: readonly { readonly id: string }[]) => contexts.map(({ id }) => id);
const most = { contexts: 100, heldOut: 100 };

test("the earlier two thirds of each stream train, the rest tries the adapter", async () => {
  const streams = [streamOf("kitchen", 6), streamOf("garden", 3)];
  const { earlier, between, later, refusedClips } = await lessonContexts(policy, streams, most);
  assert.deepEqual(ids(earlier), ["0-0", "0-1", "0-2", "0-3", "1-0", "1-1"]);
  assert.deepEqual(ids(later), ["0-4", "0-5", "1-2"]);
  assert.deepEqual([between, refusedClips], [[], 0]);
  const [first, second] = earlier;
  assert.deepEqual(first!.context.recent.entries, []);
  assert.deepEqual(
    second!.context.recent.entries.map(({ text }) => text),
    ["Clip 0."],
    "the history that the policy itself gives it",
  );
});

test("a part of a clip is trained on rather than tried", async () => {
  // Two thirds of 4 are 2.67, of 2 are 1.33.
  const { earlier, later } = await lessonContexts(
    policy,
    [streamOf("kitchen", 4), streamOf("garden", 2)],
    most,
  );
  assert.deepEqual([ids(earlier), ids(later)], [["0-0", "0-1", "0-2", "1-0", "1-1"], ["0-3"]]);
});

test("where a strength is chosen, the last quarter of the earlier part is for that", async () => {
  const streams = [streamOf("kitchen", 12)];
  const { earlier, between, later } = await lessonContexts(policy, streams, { ...most, tried: 1 });
  assert.deepEqual([ids(earlier).length, ids(between).length, ids(later).length], [6, 1, 4]);
  assert.deepEqual(ids(earlier).at(-1), "0-5");
  assert.ok(["0-6", "0-7"].includes(between[0]!.id));
  assert.deepEqual(ids(later)[0], "0-8");
});

test("no part holds more than it may, evenly spaced over what was watched", async () => {
  const streams = [streamOf("kitchen", 30)];
  const { earlier, later } = await lessonContexts(policy, streams, { contexts: 4, heldOut: 2 });
  assert.deepEqual([earlier.length, later.length], [4, 2]);
  const clips = earlier.map(({ id }) => Number(id.slice(2)));
  assert.ok(clips[0]! < 5 && clips[3]! >= 15 && clips[3]! < 20, String(clips));
});

test("a clip that nothing is written about is no context, nor is one that the engine refused", async () => {
  const captions = ["told", "quiet", null, "told", "told"];
  const streams = [streamOf("kitchen", 5, (clip) => captions[clip]!)];
  const { earlier, later, refusedClips } = await lessonContexts(policy, streams, most);
  assert.deepEqual([ids(earlier), ids(later), refusedClips], [["0-0", "0-3"], ["0-4"], 1]);
});

test("a stream of which pictures are left is tried on the clips that have them", async () => {
  const frames = [{ atSeconds: 0, width: 4, height: 2, jpeg: Uint8Array.of(1) }];
  const stream = streamOf("kitchen", 6).map((one, i) => (i < 3 ? one : { ...one, frames }));
  const { earlier, later } = await lessonContexts(policy, [stream], most);
  assert.deepEqual([ids(earlier), ids(later)], [["0-3", "0-4"], ["0-5"]]);
});
