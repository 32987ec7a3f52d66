import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { observationOf } from "../../../test/support/memory.ts";
import type { Adapter } from "../../adapter/adapter.ts";
import { createAdapter, scaleAdapter } from "../../adapter/arithmetic.ts";
import type { Cost } from "../../engine.ts";
import { wordSpace } from "../../engines/local/words.ts";
import { ConfigError } from "../../errors.ts";
import type { PolicyState, PolicyStateChange } from "../../memory/memory.ts";
import type { Observation } from "../../perception/observation.ts";
import type { Action, Context, DecideOptions, Policy } from "../../policy/policy.ts";
import { pick, type Random, randomInt, seededRandom } from "../../util/random.ts";
import { choicePolicy } from "../choice/choice.ts";
import { nearStem } from "../choice/near-words.ts";
import { bestOfNPolicy, type PickedAction } from "./best-of-n.ts";

const noState: PolicyState = { value: null, documents: 0, words: new Map() };
const cost: Cost = { calls: 1, promptTokens: 100, completionTokens: 8, usd: 0.5 };

const clip = (index: number, parts: Partial<Observation> = {}) =>
  observationOf("home", index, { tiers: {}, ...parts });

const about = (state = noState, index = 0): Context => ({
  observations: [clip(index)],
  recent: { observations: [], entries: [] },
  state,
});

/** An action that keeps a text; nothing where it is empty, and with an issue where it is `{{`. */
function written(text: string): Action {
  const issues = text === "{{" ? [{ code: "not-json", message: "the answer was not JSON" }] : [];
  const statement = {
    clip: 0,
    kind: "episodic" as const,
    startSeconds: 0,
    endSeconds: 10,
    text,
    speakers: [],
    sources: [],
    frameSeconds: [],
  };
  const statements = text === "" || issues.length > 0 ? [] : [statement];
  return { text, statements, logprobs: null, revision: "writer@1", issues };
}

/** A policy that writes what `write` draws, and keeps no state; `calls` are the options it was called with. */
function writer(write: (random: Random, i: number) => string): Policy & { readonly calls: DecideOptions[] } {
  const calls: DecideOptions[] = [];
  return {
    id: "writer",
    revision: "writer@1",
    clipsPerDecision: 1,
    calls,
    decide: async (_, options = {}) => {
      calls.push(options);
      const random = options.random ?? (() => 0);
      return { actions: Array.from({ length: options.n ?? 1 }, (_, i) => written(write(random, i))), cost };
    },
    advance: () => null,
  };
}

const listed = (...texts: string[]) => writer((_, i) => texts[i % texts.length]!);

function weighing(weights: Record<string, number>): Adapter {
  return createAdapter(
    wordSpace.id,
    wordSpace.dimension,
    Object.entries(weights).map(([word, weight]) => {
      const { index, sign } = wordSpace.bucket(wordSpace.stems(word)[0]!);
      return [index, sign * weight];
    }),
  );
}

const bestOf = (inner: Policy, samples: number, adapter: Adapter | null = null) =>
  bestOfNPolicy({ inner, words: wordSpace, samples, adapter });

/** How often each text is picked in so many random draws. */
async function shares(policy: Policy, context: Context, rounds: number): Promise<Map<string, number>> {
  const random = seededRandom("shares");
  const counts = new Map<string, number>();
  for (let i = 0; i < rounds; i++) {
    const { actions } = await policy.decide(context, { random });
    counts.set(actions[0]!.text, (counts.get(actions[0]!.text) ?? 0) + 1);
  }
  return new Map([...counts].map(([text, times]) => [text, times / rounds]));
}

/** Fails where a share is more than 4.5 standard deviations from its probability. */
function assertShare(share: number | undefined, p: number, rounds: number): void {
  const sigma = Math.sqrt((p * (1 - p)) / rounds);
  assert.ok(Math.abs((share ?? 0) - p) < 4.5 * sigma, `${share} against ${p} ± ${sigma}`);
}

function changed(state: PolicyState, change: PolicyStateChange): PolicyState {
  const words = new Map(state.words);
  for (const [word, count] of change.words) words.set(word, (words.get(word) ?? 0) + count);
  return {
    value: JSON.parse(JSON.stringify(change.value)),
    documents: state.documents + change.documents,
    words,
  };
}

const fourTexts = [
  "Ann waves.",
  "The oven shows 07:05.",
  "Bob sleeps.",
  "Cleo sings a long song in the garden.",
];

describe("without an adapter", () => {
  const none = [null, scaleAdapter(weighing({ oven: 3, sleeps: -2 }), 0)];

  test("acts by the first sample of the inner policy, drawn in one call", async () => {
    for (const adapter of none) {
      const inner = listed(...fourTexts);
      const result = await bestOf(inner, 4, adapter).decide(about());
      assert.deepEqual(
        result.actions.map(({ text }) => text),
        ["Ann waves."],
      );
      assert.deepEqual(result.cost, cost);
      assert.deepEqual(
        inner.calls.map(({ n }) => n),
        [4],
      );
    }
  });

  test("draws every sample equally often, and reports that probability", async () => {
    for (const adapter of none) {
      const policy = bestOf(listed(...fourTexts), 4, adapter);
      const drawn = await shares(policy, about(), 4000);
      for (const text of fourTexts) assertShare(drawn.get(text), 0.25, 4000);
      const { actions } = await policy.decide(about(), { n: 8, random: seededRandom("logprobs") });
      for (const { logprobs } of actions)
        assert.deepEqual([...logprobs!.values], [Math.fround(-Math.log(4))]);
    }
  });
});

test("several actions are spread over the samples as their probabilities are", async () => {
  const textsOf = (actions: readonly Action[]) => actions.map(({ text }) => text);
  for (let round = 0; round < 20; round++) {
    const random = seededRandom(round);
    const even = await bestOf(listed(...fourTexts), 4).decide(about(), { n: 4, random });
    assert.deepEqual(textsOf(even.actions).sort(), [...fourTexts].sort());
    const { actions } = await bestOf(listed(...fourTexts), 4, weighing({ oven: 3 })).decide(about(), {
      n: 40,
      random,
    });
    for (const { text, logprobs } of actions) {
      const times = textsOf(actions).filter((other) => other === text).length;
      assert.ok(Math.abs(times - 40 * Math.exp(logprobs!.values[0]!)) <= 1, `${times} times ${text}`);
    }
  }
});

describe("with an adapter", () => {
  test("scores by weighted rare words per power of length, and picks by softmax", async () => {
    // 3 words besides "the", and 2; one text of two holds "oven", so idf = ln(1 + 1.5 / 1.5) = ln 2 and f = 2 ln 2 = 1.386,
    // f̄ = f / 5. The oven: 0.5 · 3^−¾ · (f − 3 f̄) = 0.1216; Ann: 0.5 · 2^−¾ · (0 − 2 f̄) = −0.1649.
    const policy = bestOf(listed("Ann waves.", "The oven shows 07:05."), 2, weighing({ oven: 2 }));
    const p = 1 / (1 + Math.exp(-0.1649 - 0.1216));
    const { actions } = await policy.decide(about());
    assert.equal(actions[0]!.text, "The oven shows 07:05.");
    assert.ok(Math.abs(actions[0]!.logprobs!.values[0]! - Math.log(p)) < 1e-4);
    assert.deepEqual(actions[0]!.logprobs!.tokens, ["The oven shows 07:05."]);
    assertShare((await shares(policy, about(), 4000)).get("The oven shows 07:05."), p, 4000);
  });

  test("tends with n to the inner policy's distribution times exp(score), trusting what comes up often", async () => {
    // Words so rare before that the samples at hand change nothing: idf = ln(1 + 10^9 / 10^3) for both words.
    const counts = new Map(["oven", "sleep"].map((stem) => [stem, 1000]));
    const context = about({ value: null, documents: 1e9, words: counts });
    const inner = writer((random) => {
      const place = random();
      return place < 0.6 ? "Ann waves." : place < 0.9 ? "Bob sleeps." : "Oven ticks.";
    });
    const policy = bestOf(inner, 200, weighing({ sleeps: 0.3, oven: 1.8 }));
    // Two words each: the mean takes the same from each. Ann comes up twice as often as Bob, six times as often as the oven.
    const idf = Math.log(1 + (1e9 - 1000) / 1000);
    const worth = (a: number, agreed: number) => Math.exp((0.5 * agreed * idf * a) / 2 ** 0.75);
    const tilted = {
      "Ann waves.": 0.6,
      "Bob sleeps.": 0.3 * worth(0.3, 1 / 2),
      "Oven ticks.": 0.1 * worth(1.8, 1 / 6),
    };
    const total = Object.values(tilted).reduce((a, b) => a + b);
    assert.ok(tilted["Oven ticks."] / total > 0.2, "the adapter changes much");
    const drawn = await shares(policy, context, 3000);
    for (const [text, mass] of Object.entries(tilted)) assertShare(drawn.get(text), mass / total, 3000);
  });

  test("leaves out unusable samples, and returns them with their issues where none is usable", async () => {
    const { actions } = await bestOf(listed("{{", "Ann waves.", "{{"), 3, weighing({ oven: 1 })).decide(
      about(),
      { n: 5, random: seededRandom("unusable") },
    );
    assert.deepEqual(
      actions.map(({ text, logprobs }) => [text, logprobs!.values[0]]),
      Array.from({ length: 5 }, () => ["Ann waves.", 0]),
    );
    const policy = bestOf(listed("{{"), 3);
    const none = await policy.decide(about());
    assert.deepEqual(
      none.actions.map(({ issues, logprobs, revision }) => [issues[0]!.code, logprobs, revision]),
      [["not-json", null, policy.revision]],
    );
    assert.deepEqual(none.cost, cost);
  });

  test("takes equal samples, one sample and empty ones as they come", async () => {
    const adapter = weighing({ oven: 1, wave: -1 });
    const equal = await bestOf(listed("The oven is on."), 4, adapter).decide(about());
    assert.ok(Math.abs(equal.actions[0]!.logprobs!.values[0]! + Math.log(4)) < 1e-6);
    const one = await bestOf(listed("Ann waves."), 1, adapter).decide(about());
    assert.deepEqual([one.actions[0]!.text, one.actions[0]!.logprobs!.values[0]], ["Ann waves.", 0]);
    const empty = await bestOf(listed(""), 4, adapter).decide(about());
    assert.deepEqual([empty.actions[0]!.statements, empty.actions[0]!.issues], [[], []]);
    // With a negative weight on its words, a text can lose to an empty one.
    const silent = await bestOf(listed("Ann waves.", ""), 2, adapter).decide(about());
    assert.equal(silent.actions[0]!.text, "");
  });

  test("prefers the rarer of two words, and a new one to one just kept", async () => {
    const texts = ["The oven is on.", "The radio is on."];
    const policy = bestOf(listed(...texts), 2, weighing({ oven: 1, radio: 1 }));
    const seen = (words: Record<string, number>, kept: string[][] = []): Context =>
      about({
        value: { inner: null, kept },
        documents: 100,
        words: new Map(Object.entries(words)),
      });
    const picked = async (context: Context) => (await policy.decide(context)).actions[0]!.text;
    assert.equal(await picked(seen({ oven: 60, radio: 2 })), texts[1]);
    assert.equal(await picked(seen({ oven: 2, radio: 60 })), texts[0]);
    assert.equal(await picked(seen({ oven: 5, radio: 5 }, [["oven"]])), texts[1]);
  });

  test("prefers a text with a word near the questions", async () => {
    const { index, sign } = wordSpace.bucket(nearStem(wordSpace.stems("kettle")[0]!));
    const near = createAdapter(wordSpace.id, wordSpace.dimension, [[index, 2 * sign]]);
    const inner = listed("The sofa is green", "The kettle is green");
    for (const [adapter, expected] of [
      [null, "The sofa is green"],
      [near, "The kettle is green"],
    ] as const) {
      const { actions } = await bestOf(inner, 2, adapter).decide(about());
      assert.equal(actions[0]!.text, expected);
    }
  });

  test("of texts it wants alike, prefers what most samples say", async () => {
    const texts = ["The oven shows 19:59.", "The oven shows 07:05.", "Right now the oven shows 07:05."];
    const policy = bestOf(listed(...texts), 3, weighing({ oven: 1, shows: 1 }));
    // Words known from long before, so that being rare among three samples adds nothing.
    const words = new Map(["oven", "show", "7:05", "19:59"].map((stem) => [stem, 1000]));
    const { actions } = await policy.decide(about({ value: null, documents: 1e6, words }));
    assert.equal(actions[0]!.text, texts[1]);
  });

  test("a text that no other sample agrees with is trusted less, though it comes first", async () => {
    const policy = bestOf(
      listed("The clock ticks.", "Ann waves.", "Ann waves."),
      ...([3, weighing({ tick: 1, wave: 1 })] as const),
    );
    const words = new Map(["clock", "tick", "ann", "wave"].map((stem) => [stem, 1000]));
    const { actions } = await policy.decide(about({ value: null, documents: 1e6, words }));
    assert.equal(actions[0]!.text, "Ann waves.");
  });

  test("does not repeat itself, however much the same is asked for", async () => {
    const texts = ["The oven shows 07:05.", "The oven shows 09:40.", "Ann waves."];
    const policy = bestOf(listed(...texts), 3, weighing({ oven: 2, show: 2, "07:05": 2 }));
    const value = { inner: null, kept: [["oven", "show", "7:05"], ["bob"]] };
    const { actions } = await policy.decide(about({ value, documents: 0, words: new Map() }));
    assert.equal(actions[0]!.text, texts[1]);
    const fresh = await policy.decide(about());
    assert.equal(fresh.actions[0]!.text, texts[0]);
  });

  test("picks texts as long as the samples are, whether it weighs few of their words or many", async () => {
    const vocabulary = Array.from({ length: 60 }, (_, i) => `word${String.fromCharCode(97 + (i % 26))}${i}`);
    const text = (random: Random) =>
      Array.from({ length: 8 + randomInt(random, 17) }, () => pick(random, vocabulary)).join(" ");
    for (const every of [2, 6, 30]) {
      const weights = Object.fromEntries(
        vocabulary.filter((_, i) => i % every === 0).map((word) => [word, 1]),
      );
      const policy = bestOf(writer(text), 8, weighing(weights));
      const tokens = { kept: 0, offered: 0 };
      for (let index = 0; index < 1500; index++) {
        const { actions } = await policy.decide(about(noState, index));
        const { offered, text: picked } = actions[0] as PickedAction;
        tokens.kept += wordSpace.countTokens(picked);
        tokens.offered += offered.reduce((sum, { text }) => sum + wordSpace.countTokens(text), 0) / 8;
      }
      const ratio = tokens.kept / tokens.offered;
      assert.ok(ratio > 0.95 && ratio < 1.05, `${ratio} times as long, one word of ${every} weighed`);
    }
  });
});

describe("state", () => {
  test("counts everything offered, remembers the last two kept texts, and leaves its input unchanged", async () => {
    const policy = bestOf(
      writer((random, i) => (i === 2 ? `The oven shows ${randomInt(random, 1e6)}.` : fourTexts[i]!)),
      4,
      weighing({ oven: 1 }),
    );
    let state = noState;
    const kept: string[] = [];
    for (let index = 0; index < 3; index++) {
      const context = about(state, index);
      const before = structuredClone(state);
      const { actions } = await policy.decide(context);
      const change = policy.advance(context, actions[0]!)!;
      assert.deepEqual(policy.advance(context, actions[0]!), change);
      assert.deepEqual(context.state, before);
      state = changed(state, change);
      kept.push(actions[0]!.text);
    }
    // Four texts a clip; two of them are about the oven, one has a song.
    assert.deepEqual([state.documents, state.words.get("oven"), state.words.get("song")], [12, 6, 3]);
    const last = kept.slice(-2).map((text) => wordSpace.stems(text));
    assert.deepEqual((state.value as { kept: unknown }).kept, last);
  });

  test("an inner policy with its own state decides as it does alone", async () => {
    const inner = choicePolicy({ words: wordSpace, budget: { tokensPerWindow: 8 } });
    const outer = bestOf(inner, 1);
    const random = seededRandom("inner");
    const vocabulary = ["garden", "kettle", "bicycle", "ticket", "window", "violin", "letter", "ladder"];
    let [own, wrapped] = [noState, noState];
    for (let window = 0; window < 12; window++) {
      const speech = Array.from({ length: 4 }, (_, i) => ({
        startSeconds: window * 30 + i,
        endSeconds: window * 30 + i + 1,
        text: Array.from({ length: 1 + randomInt(random, 4) }, () => pick(random, vocabulary)).join(" "),
        speaker: null,
      }));
      const at = (state: PolicyState): Context => ({
        ...about(state),
        observations: [clip(window * 3, { speech })],
      });
      const alone = (await inner.decide(at(own), { random: seededRandom(window) })).actions[0]!;
      const picked = (await outer.decide(at(wrapped), { random: seededRandom(window) })).actions[0]!;
      assert.deepEqual(picked.statements, alone.statements);
      own = changed(own, inner.advance(at(own), alone)!);
      wrapped = changed(wrapped, outer.advance(at(wrapped), picked)!);
      assert.deepEqual([wrapped.documents, wrapped.words], [own.documents, own.words]);
    }
  });

  test("a repeated decision is the same", async () => {
    const policy = bestOf(
      writer((random) => `Ann counts to ${randomInt(random, 1e6)}.`),
      4,
      weighing({ oven: 1 }),
    );
    const [first, again] = [await policy.decide(about(noState, 3)), await policy.decide(about(noState, 3))];
    assert.deepEqual(first, again);
    const { offered } = first.actions[0] as PickedAction;
    assert.equal(new Set(offered.map(({ text }) => text)).size, 4);
    const other = await policy.decide(about(noState, 4));
    assert.notEqual(other.actions[0]!.text, first.actions[0]!.text);
  });
});

test("the revision names n, the inner policy's and the adapter's; entries carry it", async () => {
  const adapter = weighing({ oven: 1 });
  const policy = bestOf(listed("Ann waves."), 4, adapter);
  assert.equal(policy.revision, `best-of-4@1:writer@1+${adapter.revision}`);
  assert.equal(bestOf(listed("Ann waves."), 4).revision, "best-of-4@1:writer@1");
  assert.equal((await policy.decide(about())).actions[0]!.revision, policy.revision);
});

test("refuses an adapter of another space, and a number of samples out of range", () => {
  const other = createAdapter("residual:nano@1", 8, [[1, 1]]);
  assert.throws(() => bestOf(listed(""), 4, other), ConfigError);
  for (const samples of [0, 1.5, Number.NaN]) assert.throws(() => bestOf(listed(""), samples), RangeError);
});
