/** Streams shown to a policy again: its decisions in order, and what an engine refused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { observationOf } from "../../test/support/memory.ts";
import { noCost } from "../engine.ts";
import type { Action, Policy } from "../policy/policy.ts";
import { refusedIssue } from "./best-of-n/rollout-cache.ts";
import { watchAgain } from "./watch-again.ts";

/** Decides about two clips at once, and counts a word for each decision; has an issue where `codeOf` names one. */
const policyWith = (codeOf: (clip: number) => string | null = () => null): Policy => ({
  ...{ id: "plain", revision: "plain", clipsPerDecision: 2 },
  advance: () => ({ value: null, documents: 1, words: new Map([["soup", 1]]) }),
  async decide({ observations: [first] }) {
    const code = codeOf(first!.clip);
    const issues = code === null ? [] : [{ code, message: "It has 9 tokens too many." }];
    const action: Action = { text: "", statements: [], logprobs: null, revision: "plain", issues };
    return { actions: [action], cost: noCost };
  },
});
const streamOf = (name: string, clips: number) =>
  Array.from({ length: clips }, (_, clip) => observationOf(name, clip));
const streams = [streamOf("kitchen", 4), streamOf("garden", 2)];

test("decisions come in the order of the streams, each with the state it was made in", async () => {
  const done: [number, number][] = [];
  const onDone = (...counts: [number, number]) => done.push(counts);
  const { decisions, refusedClips } = await watchAgain(policyWith(), streams, { onDone, concurrency: 1 });
  assert.deepEqual(
    decisions.map(({ stream, context }) => [
      stream,
      context.observations[0]!.clip,
      context.state.words.get("soup"),
    ]),
    [
      [0, 0, undefined],
      [0, 2, 1],
      [1, 0, undefined],
    ],
  );
  assert.equal(refusedClips, 0);
  assert.deepEqual(done, [
    [2, 6],
    [4, 6],
    [6, 6],
  ]);
});

test("a refused decision is left out and its clips are counted; another failure is left out alone", async () => {
  const codes = new Map([
    [0, "not-json"],
    [2, refusedIssue],
  ]);
  const { decisions, refusedClips } = await watchAgain(
    policyWith((clip) => codes.get(clip) ?? null),
    streams,
    {},
  );
  assert.deepEqual([decisions, refusedClips], [[], 2]);
});

test("where more than half of all clips are refused it stops, half is not more", async () => {
  const refusing = policyWith((clip) => (clip === 0 ? refusedIssue : null));
  // Two of each stream's clips.
  assert.equal((await watchAgain(refusing, [streamOf("kitchen", 4)], {})).refusedClips, 2);
  await assert.rejects(watchAgain(refusing, streams, { concurrency: 1 }), {
    code: "bad-request",
    message: /refused 4 of the 6 clips .* It said: It has 9 tokens too many\./,
  });
});
