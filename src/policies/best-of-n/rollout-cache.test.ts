import assert from "node:assert/strict";
import { test } from "node:test";
import { noCost } from "../../engine.ts";
import { EngineError } from "../../errors.ts";
import type { Observation } from "../../perception/observation.ts";
import type { Action, Context, DecideOptions, Policy } from "../../policy/policy.ts";
import { randomInt, seededRandom } from "../../util/random.ts";
import { rolloutCache } from "./rollout-cache.ts";

const cost = { calls: 1, promptTokens: 10, completionTokens: 1, usd: 0 };

/** A policy that writes a random number for each sample; its calls are kept, and fail while `down` says so. */
function numbers(down: () => Error | boolean = () => false): Policy & { readonly calls: DecideOptions[] } {
  const calls: DecideOptions[] = [];
  const action = (text: string): Action => ({
    text,
    statements: [],
    logprobs: null,
    revision: "numbers@1",
    issues: [],
  });
  return {
    id: "numbers",
    revision: "numbers@1",
    clipsPerDecision: 1,
    calls,
    decide: async (_, options = {}) => {
      calls.push(options);
      const fault = down();
      if (fault) throw fault === true ? new Error("down") : fault;
      const { n = 1, random } = options;
      const seed = random ? String(randomInt(random, 2 ** 31)) : "greedy";
      return { actions: Array.from({ length: n }, (_, i) => action(`${seed} ${i}`)), cost };
    },
    advance: () => null,
  };
}

function about(clip: number, entry = ""): Context {
  const observation: Observation = {
    ...{ stream: "home", clip, startSeconds: clip * 10, endSeconds: clip * 10 + 10 },
    ...{ frames: [], speech: [], captions: [], screen: [], shots: [], people: [], tiers: {}, problems: [] },
  };
  const entries = entry === "" ? [] : [{ clip: clip - 1, kind: "episodic" as const, text: entry }];
  return {
    observations: [observation],
    recent: { observations: [], entries },
    state: { value: null, documents: 0, words: new Map() },
  };
}

const textsOf = ({ actions }: { actions: readonly Action[] }) => actions.map(({ text }) => text);

test("a context is drawn once; anything else that is shown, or another clip, makes another context", async () => {
  const inner = numbers();
  const policy = rolloutCache(inner);
  const random = seededRandom("cache");
  const first = await policy.decide(about(0), { n: 4, random });
  const again = await policy.decide(about(0), { n: 4, random });
  assert.deepEqual([textsOf(again), again.cost], [textsOf(first), noCost]);
  assert.deepEqual(first.cost, cost);
  assert.deepEqual(textsOf(await policy.decide(about(0), { n: 2, random })), textsOf(first).slice(0, 2));
  assert.equal(inner.calls.length, 1);
  for (const other of [about(1), about(0, "Ann waves."), { ...about(0), supplement: "wear" }]) {
    assert.notDeepEqual(textsOf(await policy.decide(other, { n: 4, random })), textsOf(first));
  }
  assert.deepEqual(textsOf(await policy.decide(about(0))), ["greedy 0"]);
  assert.equal(inner.calls.length, 5);
});

test("the pictures of the window belong to the context: other clips or other frames are drawn again", async () => {
  const inner = numbers();
  const policy = rolloutCache(inner, { oncePerClip: true });
  const after = (clip: number, atSeconds: number): Context => {
    const [observation] = about(clip).observations;
    const frames = [{ atSeconds, width: 4, height: 2, jpeg: new Uint8Array() }];
    return { ...about(2), recent: { observations: [{ ...observation!, frames }], entries: [] } };
  };
  for (const context of [after(1, 10), after(1, 11), after(0, 10), about(2)]) await policy.decide(context);
  assert.equal(inner.calls.length, 4);
  await policy.decide(after(1, 10));
  assert.equal(inner.calls.length, 4);
});

test("samples beyond the kept ones are drawn in addition, without repeating those", async () => {
  const inner = numbers();
  const policy = rolloutCache(inner);
  const two = await policy.decide(about(0), { n: 2, random: seededRandom("same") });
  const five = await policy.decide(about(0), { n: 5, random: seededRandom("same") });
  assert.deepEqual(textsOf(five).slice(0, 2), textsOf(two));
  assert.equal(new Set(textsOf(five)).size, 5);
  assert.deepEqual(
    inner.calls.map(({ n }) => n),
    [2, 3],
  );
});

test("draws as many as configured at the first call, and asks once for simultaneous calls", async () => {
  const inner = numbers();
  const policy = rolloutCache(inner, { samples: 8 });
  const random = seededRandom("once");
  const [one, eight] = await Promise.all([
    policy.decide(about(0), { n: 1, random }),
    policy.decide(about(0), { n: 8, random }),
  ]);
  assert.deepEqual([one!.actions.length, eight!.actions.length, inner.calls.length], [1, 8, 1]);
  assert.deepEqual(textsOf(eight!).slice(0, 1), textsOf(one!));
  assert.throws(() => rolloutCache(inner, { samples: 0 }), RangeError);
});

test("once per clip, the samples serve any history", async () => {
  const inner = numbers();
  const policy = rolloutCache(inner, { oncePerClip: true });
  const random = seededRandom("clip");
  const first = await policy.decide(about(0), { n: 4, random });
  const other = await policy.decide(about(0, "Ann waves."), { n: 4, random });
  assert.deepEqual([textsOf(other), other.cost, inner.calls.length], [textsOf(first), noCost, 1]);
  assert.notDeepEqual(textsOf(await policy.decide(about(1), { n: 4, random })), textsOf(first));
});

test("a call that fails is passed on and keeps nothing", async () => {
  let isDown = true;
  const policy = rolloutCache(numbers(() => isDown));
  await assert.rejects(policy.decide(about(0)), /down/);
  isDown = false;
  assert.deepEqual(textsOf(await policy.decide(about(0))), ["greedy 0"]);
});

test("stored draws serve the next process, which asks only for missing ones", async () => {
  const store = new Map<string, string>();
  const first = rolloutCache(numbers(), { samples: 4, store });
  const random = () => seededRandom("stored");
  const one = await first.decide(about(0), { n: 1, random: random() });
  const inner = numbers();
  const next = rolloutCache(inner, { samples: 4, store });
  const again = await next.decide(about(0), { n: 4, random: random() });
  assert.deepEqual([textsOf(again).slice(0, 1), again.cost, inner.calls.length], [textsOf(one), noCost, 0]);
  await next.decide(about(1), { n: 1, random: random() });
  const five = await next.decide(about(0), { n: 5, random: random() });
  assert.deepEqual(textsOf(five).slice(0, 4), textsOf(again));
  assert.deepEqual(
    inner.calls.map(({ n }) => n),
    [4, 1],
  );
});

test("an action survives the store unchanged", async () => {
  const action: Action = {
    ...{ text: "Ann waves.", revision: "writer@1", issues: [] },
    statements: [
      {
        ...{ clip: 0, kind: "episodic", startSeconds: 0, endSeconds: 10, text: "Ann waves." },
        ...{ speakers: ["Ann"], sources: [], frameSeconds: [0.1] },
      },
    ],
    logprobs: { tokens: ["Ann", " waves."], values: Float32Array.of(-0.1, -2.3) },
  };
  const store = new Map<string, string>();
  const inner: Policy = { ...numbers(), decide: async () => ({ actions: [action], cost }) };
  await rolloutCache(inner, { store }).decide(about(0));
  const silent = numbers(() => true);
  assert.deepEqual((await rolloutCache(silent, { store }).decide(about(0))).actions, [action]);
});

test("draws of which some are usable are stored whole; of none, not at all", async () => {
  const issues = [{ code: "not-json", message: "the answer was not JSON" }];
  const drawn = (...bad: readonly boolean[]): Policy => ({
    ...numbers(),
    decide: async () => ({
      actions: bad.map((isBad, i) => ({
        ...{ text: String(i), statements: [], logprobs: null, revision: "numbers@1" },
        issues: isBad ? issues : [],
      })),
      cost,
    }),
  });
  for (const [bad, kept] of [
    [[true, false], 1],
    [[true, true], 0],
  ] as const) {
    const store = new Map<string, string>();
    const { actions } = await rolloutCache(drawn(...bad), { store }).decide(about(0), { n: 2 });
    assert.deepEqual([actions.length, store.size], [2, kept]);
  }
});

test("a refused request is an action that says so, asked for once, and again by the next process", async () => {
  const store = new Map<string, string>();
  const refusal = new EngineError("bad-request", "the clip is too long", { status: 400 });
  const inner = numbers(() => refusal);
  const policy = rolloutCache(inner, { samples: 4, store });
  const issues = [{ code: "refused", message: "the clip is too long" }];
  for (let time = 0; time < 2; time++) {
    const { actions } = await policy.decide(about(0), { n: 4, random: seededRandom("refused") });
    assert.equal(actions.length, 4);
    for (const action of actions) assert.deepEqual([action.statements, action.issues], [[], issues]);
  }
  assert.deepEqual([inner.calls.length, store.size], [1, 0]);
  for (const code of ["unknown-model", "unauthorized", "unreachable"]) {
    const fault = new EngineError(code, code);
    await assert.rejects(rolloutCache(numbers(() => fault)).decide(about(0)), { code });
  }
});
