/** Strengths of an adapter over policies that write by their strength, so that each gain can be counted. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { observationOf } from "../../test/support/memory.ts";
import { noCost } from "../engine.ts";
import type { Context, Policy } from "../policy/policy.ts";
import type { Judge } from "../reward/judge.ts";
import { tryStrengths } from "./strength.ts";

const contexts = Array.from(
  { length: 8 },
  (_, clip): Context => ({
    observations: [observationOf("film", clip)],
    recent: { observations: [], entries: [] },
    state: { value: null, documents: 0, words: new Map() },
  }),
);

/** Writes the text of a clip. */
const writing = (textOf: (clip: number) => string): Policy => ({
  ...{ id: "writing", revision: "writing@1", clipsPerDecision: 1, advance: () => null },
  decide: async ({ observations }) => {
    const { clip, startSeconds, endSeconds } = observations[0]!;
    const text = textOf(clip);
    const times = { clip, startSeconds, endSeconds, frameSeconds: [] };
    const statement = { ...times, kind: "episodic" as const, text, speakers: [], sources: [] };
    const action = { text, statements: [statement], logprobs: null, revision: "writing@1", issues: [] };
    return { actions: [action], cost: noCost };
  },
});

/** Prefers what tells of keys; what tells of a dragon is not true. */
const judge: Judge = {
  id: "keys",
  async quality({ memory }) {
    return { ok: true, value: { correct: !memory.includes("dragon"), clean: true, rationale: "" } };
  },
  richness: async ({ memories }) => ({ ok: true, value: memories.map(() => 0) }),
  async relevance({ first, second }) {
    const [a, b] = [first, second].map((text) => text.includes("keys"));
    return { ok: true, value: a === b ? "tie" : a ? "first" : "second" };
  },
};
const countTokens = (text: string) => text.split(" ").length;
const tasks = [{ question: { text: "Where are the keys?", options: [] } }];
const tried = (adapted: (scale: number) => Policy, scales = [1, 0.5]) =>
  tryStrengths(
    writing(() => "It rains."),
    adapted,
    contexts,
    tasks,
    { ...{ judge, score: { countTokens, form: "statements" } }, scales, tokenRatio: 1.1 },
  );

test("relevance that costs truth gains nothing: the strength is taken that keeps both", async () => {
  // At full strength every memory tells of keys, and six of eight of a dragon; at half, four tell of keys, all true.
  const adapted = (scale: number) =>
    writing((clip) =>
      scale === 1 ? (clip < 6 ? "dragon keys" : "keys here") : clip < 4 ? "keys here" : "It rains.",
    );
  const { scale, trials } = await tried(adapted);
  assert.equal(scale, 0.5);
  // Two of eight gain, six were true before and are not now.
  assert.deepEqual(trials[0], { scale: 1, gain: (2 - 6) / 8, fidelity: 2 / 8, tokenRatio: 1, n: 8 });
  assert.deepEqual(trials[1], { scale: 0.5, gain: 4 / 8, fidelity: 1, tokenRatio: 1, n: 8 });
});

test("longer memories win nothing, and of equal gains the smaller strength is taken", async () => {
  const long = (scale: number) => writing(() => (scale === 1 ? "the keys are here" : "keys here"));
  assert.equal((await tried(long)).scale, 0.5);
  assert.equal((await tried(() => writing(() => "keys here"), [1, 0.25, 0.5])).scale, 0.25);
});

test("at no gain the strength is 0", async () => {
  const { scale, trials } = await tried(() => writing(() => "It rains."));
  assert.deepEqual([scale, ...trials.map(({ gain }) => gain)], [0, 0, 0]);
});
