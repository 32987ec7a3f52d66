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
  assert.deepEqual(trials[0], {
    scale: 1,
    gain: (2 - 6) / 8,
    fidelity: 2 / 8,
    tokenRatio: 1,
    tooLong: false,
    n: 8,
  });
  assert.deepEqual(trials[1], { scale: 0.5, gain: 4 / 8, fidelity: 1, tokenRatio: 1, tooLong: false, n: 8 });
});

test("longer memories win nothing, and of equal gains the smaller strength is taken", async () => {
  const long = (scale: number) => writing(() => (scale === 1 ? "the keys are here" : "keys here"));
  assert.equal((await tried(long)).scale, 0.5);
  assert.equal((await tried(() => writing(() => "keys here"), [1, 0.25, 0.5])).scale, 0.25);
});

test("a strength is not refused for a length that eight memories have by chance", async () => {
  // 18 words for 16 are more than 1.1 times as many, and six of the eight memories are as long as before.
  const uneven = () => writing((clip) => (clip < 2 ? "the keys here" : "keys here"));
  const { scale, trials } = await tried(uneven, [1]);
  assert.deepEqual([scale, trials[0]!.tokenRatio, trials[0]!.tooLong], [1, 18 / 16, false]);
  const longer = () => writing((clip) => (clip < 7 ? "the keys here" : "keys here"));
  assert.deepEqual(
    [(await tried(longer, [1])).scale, (await tried(longer, [1])).trials[0]!.tooLong],
    [0, true],
  );
});

test("at no gain the strength is 0", async () => {
  const { scale, trials } = await tried(() => writing(() => "It rains."));
  assert.deepEqual([scale, ...trials.map(({ gain }) => gain)], [0, 0, 0]);
});

test("what a judge failed at counts for no gain, and what was false before is no loss", async () => {
  const doubtful = (over: Partial<Judge>) => (adapted: (scale: number) => Policy) =>
    tryStrengths(
      writing((clip) => (clip < 4 ? "A dragon came." : "It rains.")),
      adapted,
      contexts,
      tasks,
      {
        ...{ judge: { ...judge, ...over }, score: { countTokens, form: "statements" } },
        scales: [1],
        tokenRatio: 2,
      },
    );
  const failure = { ok: false, reason: "timed-out", message: "no answer" } as const;
  // Four dragons stay dragons, two memories gain the keys, one turns false, one stays.
  const adapted = () =>
    writing((clip) =>
      clip < 4 ? "The dragon left." : clip < 6 ? "keys here" : clip < 7 ? "A dragon." : "It rains.",
    );
  const { scale, trials } = await doubtful({})(adapted);
  assert.deepEqual(trials[0], {
    scale: 1,
    gain: (2 - 1) / 8,
    fidelity: 3 / 8,
    tokenRatio: 20 / 20,
    tooLong: false,
    n: 8,
  });
  assert.equal(scale, 1);
  // A comparison that fails in both orders, or a grade that fails, leaves its context out.
  const deaf = await doubtful({
    relevance: async (request) =>
      request.context.observations[0]!.clip === 4 ? failure : judge.relevance(request),
    quality: async (request) =>
      request.context.observations[0]!.clip === 6 ? failure : judge.quality(request),
  })(adapted);
  assert.deepEqual(deaf.trials[0], {
    scale: 1,
    gain: 1 / 6,
    fidelity: 2 / 6,
    tokenRatio: 16 / 16,
    tooLong: false,
    n: 6,
  });
  const silent = await doubtful({ quality: async () => failure })(adapted);
  assert.deepEqual(silent, {
    scale: 0,
    trials: [{ scale: 1, gain: 0, fidelity: 0, tokenRatio: 0, tooLong: false, n: 0 }],
  });
});

test("a strength at the longest allowed length counts, and each context has a few questions of its own", async () => {
  const asked: string[] = [];
  const listening: Judge = {
    ...judge,
    relevance: async (request) => {
      asked.push(request.questions.map(({ text }) => text).join(" "));
      return judge.relevance(request);
    },
  };
  const many = Array.from({ length: 8 }, (_, i) => ({ question: { text: `Where is ${i}?`, options: [] } }));
  const { scale } = await tryStrengths(
    writing(() => "It rains."),
    () => writing(() => "the keys here"),
    contexts,
    many,
    { ...{ judge: listening, score: { countTokens, form: "statements" } }, scales: [2], tokenRatio: 1.5 },
  );
  assert.equal(scale, 2, "3 words for 2");
  assert.equal(asked.length, 2 * contexts.length);
  assert.ok(asked.every((questions) => new Set(questions.match(/\d/g)).size === 5));
  assert.ok(new Set(asked).size > contexts.length / 2);
});
