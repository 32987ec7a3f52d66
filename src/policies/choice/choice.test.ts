import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { observationOf } from "../../../test/support/memory.ts";
import type { Adapter, VectorAdapter } from "../../adapter/adapter.ts";
import { wordSpace } from "../../engines/local/words.ts";
import { ConfigError, DataError } from "../../errors.ts";
import type { PolicyState, PolicyStateChange } from "../../memory/memory.ts";
import type { Observation } from "../../perception/observation.ts";
import type { Action, Context, Policy } from "../../policy/policy.ts";
import { pick, type Random, randomInt, seededRandom } from "../../util/random.ts";
import { choicePolicy, replayOf } from "./choice.ts";
import type { ChoiceBudget } from "./choice-budget.ts";

const noState: PolicyState = { value: null, documents: 0, words: new Map() };

const observation = (clip: number, parts: Partial<Observation> = {}) =>
  observationOf("kitchen", clip, { tiers: {}, ...parts });

function said(clip: number, ...lines: string[]): Observation {
  const speech = lines.map((text, i) => ({
    startSeconds: clip * 10 + i,
    endSeconds: clip * 10 + i + 1,
    text,
    speaker: null,
  }));
  return observation(clip, { speech });
}

const context = (observations: Observation[], state = noState): Context => ({
  observations,
  recent: { observations: [], entries: [] },
  state,
});

/** As the store applies it, through JSON as it would be on disk. */
function changed(state: PolicyState, change: PolicyStateChange): PolicyState {
  const words = new Map(state.words);
  for (const [word, count] of change.words) words.set(word, (words.get(word) ?? 0) + count);
  return {
    value: JSON.parse(JSON.stringify(change.value)),
    documents: state.documents + change.documents,
    words,
  };
}

async function stateAfterAll(policy: Policy, windows: Observation[][]): Promise<PolicyState> {
  let state = noState;
  for (const window of windows) {
    const given = context(window, state);
    state = changed(state, policy.advance(given, (await policy.decide(given)).actions[0]!)!);
  }
  return state;
}

async function watch(policy: Policy, windows: Observation[][], random?: Random): Promise<Action[]> {
  let state = noState;
  const actions: Action[] = [];
  for (const window of windows) {
    const given = context(window, state);
    const { actions: decided } = await policy.decide(given, random ? { random } : {});
    actions.push(decided[0]!);
    state = changed(state, policy.advance(given, decided[0]!)!);
  }
  return actions;
}

const topics = [
  "garden",
  "kettle",
  "bicycle",
  "ticket",
  "window",
  "violin",
  "letter",
  "ladder",
  "carpet",
  "lemon",
];

/** A stream of random lines: 0 to 5 a clip, 1 to 14 words each, with repeats, captions and on-screen text. */
function randomWindows(seed: string, count: number): Observation[][] {
  const random = seededRandom(seed);
  const line = () => Array.from({ length: 1 + randomInt(random, 14) }, () => pick(random, topics)).join(" ");
  return Array.from({ length: count }, (_, w) =>
    [0, 1, 2].map((i) => {
      const clip = w * 3 + i;
      const lines = Array.from({ length: randomInt(random, 6) }, line);
      const screen =
        random() < 0.3
          ? [
              {
                startSeconds: clip * 10,
                endSeconds: clip * 10 + 3,
                text: line(),
                confidence: 50 + randomInt(random, 50),
              },
            ]
          : [];
      return { ...said(clip, ...lines), screen };
    }),
  );
}

const tokensOf = (action: Action) =>
  action.statements.reduce((sum, { text }) => sum + Math.max(3, wordSpace.countTokens(text)), 0);

function adapter(weights: Record<string, number>, change: Partial<VectorAdapter> = {}): VectorAdapter {
  const buckets = Object.entries(weights)
    .map(([word, weight]) => ({ ...wordSpace.bucket(wordSpace.stems(word)[0]!), weight }))
    .sort((a, b) => a.index - b.index);
  return {
    kind: "vector",
    revision: "a1",
    space: wordSpace.id,
    dimension: wordSpace.dimension,
    indices: Int32Array.from(buckets, ({ index }) => index),
    values: Float32Array.from(buckets, ({ sign, weight }) => sign * weight),
    scale: 1,
    ...change,
  };
}

describe("choice policy", () => {
  const policy = choicePolicy({ words: wordSpace });

  test("keeps the only line of a short clip with its moment, speaker and source", async () => {
    const clip = observation(0, {
      endSeconds: 1.4,
      speech: [{ startSeconds: 0.2, endSeconds: 1.2, text: "The keys are\non the desk.", speaker: "Ann" }],
      frames: [0, 1].map((atSeconds) => ({ atSeconds, width: 1, height: 1, jpeg: new Uint8Array() })),
    });
    for (const budget of [undefined, { fraction: 0.05 }]) {
      const { actions } = await choicePolicy({ words: wordSpace, ...(budget && { budget }) }).decide(
        context([clip]),
      );
      assert.deepEqual(actions[0]!.statements, [
        {
          clip: 0,
          kind: "episodic",
          startSeconds: 0.2,
          endSeconds: 1.2,
          text: "Ann: The keys are on the desk.",
          speakers: ["Ann"],
          sources: [
            {
              kind: "speech",
              startSeconds: 0.2,
              endSeconds: 1.2,
              text: "The keys are on the desk.",
              speaker: "Ann",
              confidence: null,
            },
          ],
          frameSeconds: [1], // the line's middle is 0.7 s
        },
      ]);
    }
  });

  test("answers a window without candidates with an action that keeps nothing", async () => {
    const quiet = context([observation(0), said(1, "Yeah, okay.", "Hmm")]);
    const { actions } = await policy.decide(quiet, { n: 2 });
    assert.equal(actions.length, 2);
    assert.deepEqual(actions[0]!.statements, []);
    assert.deepEqual(actions[0]!.issues, []);
    assert.equal(actions[0]!.text, "");
    assert.equal(policy.advance(quiet, actions[0]!)!.documents, 0);
  });

  test("decides per 30 s at any clip length", () => {
    const clips = (clipSeconds: number) => choicePolicy({ words: wordSpace, clipSeconds }).clipsPerDecision;
    assert.deepEqual([10, 30, 60, 7, 1].map(clips), [3, 1, 1, 5, 30]);
    assert.equal(policy.clipsPerDecision, 3);
    for (const wrong of [0, -1, Number.NaN]) assert.throws(() => clips(wrong), RangeError);
  });

  test("sees no pictures, and takes one action unless more are wanted", async () => {
    assert.equal(policy.seesPictures, false);
    assert.equal((await policy.decide(context([said(0, "The garden gate is open")]))).actions.length, 1);
  });

  test("prefers words that the last two windows did not keep, and forgets those before", async () => {
    const chooser = choicePolicy({ words: wordSpace, budget: { tokensPerWindow: 7 } });
    // Five words, 7 tokens: one line fits. The first wins a tie.
    const lines = ["The garden gate is open", "The violin case is old"];
    const keptAfter = async (windows: string[][]) =>
      (
        await chooser.decide(
          context([said(0, ...lines)], { ...noState, value: { spare: 0, windows, standing: [] } }),
        )
      ).actions[0]!.text;
    assert.equal(await keptAfter([]), lines[0]);
    const gate = wordSpace.stems(lines[0]!);
    assert.equal(await keptAfter([gate, []]), lines[1]);
    assert.equal(await keptAfter([[], gate]), lines[1]);
    const windows = [said(0, lines[0]!), said(3, lines[1]!), said(6, "The lemon tree is tall")].map((one) => [
      one,
    ]);
    const state = await stateAfterAll(chooser, windows);
    assert.deepEqual((state.value as { windows: unknown }).windows, [
      wordSpace.stems(lines[1]!),
      wordSpace.stems("The lemon tree is tall"),
    ]);
  });

  test("prefers telling lines over repeated and empty talk", async () => {
    const windows = [
      [
        said(
          0,
          "I turn left.",
          "I turn left again.",
          "The passport is in the blue drawer.",
          "So I turn left then.",
          "I turn right.",
          "And I turn left.",
          "We turn right, we turn left.",
          "I turn left, I turn.",
        ),
      ],
    ];
    const [action] = await watch(
      choicePolicy({ words: wordSpace, budget: { tokensPerWindow: 10 } }),
      windows,
    );
    assert.ok(
      action!.statements.some(({ text }) => text.includes("passport")),
      action!.text,
    );
  });

  test("never spends more than its allowances and the carry-over budget", async () => {
    const budgets: ChoiceBudget[] = [
      { fraction: 0.05 },
      { fraction: 0.2 },
      { fraction: 0.2, floorTokens: 40 },
      { fraction: 1 },
      { tokensPerWindow: 3 },
      { tokensPerWindow: 30 },
    ];
    for (const budget of budgets) {
      const most = "fraction" in budget ? 120 * budget.fraction + 12 : (budget.tokensPerWindow * 5) / 7 + 12;
      for (const seed of ["a", "b", "c"]) {
        const windows = randomWindows(seed, 40);
        const chooser = choicePolicy({ words: wordSpace, budget });
        const all = await watch(choicePolicy({ words: wordSpace, budget: { fraction: 1 } }), windows);
        const actions = await watch(chooser, windows, seed === "c" ? seededRandom(seed) : undefined);
        let allowed = most;
        let spent = 0;
        actions.forEach((action, w) => {
          // `all` keeps every candidate but text standing on the screen, which this run may still be offered.
          const offered =
            tokensOf(all[w]!) +
            windows[w]!.flatMap(({ screen }) => screen).reduce(
              (sum, { text }) => sum + wordSpace.countTokens(`On screen: ${text}`),
              0,
            );
          const allowance =
            "fraction" in budget
              ? Math.max(budget.fraction * offered, Math.min(budget.floorTokens ?? 0, offered))
              : budget.tokensPerWindow;
          allowed += allowance;
          spent += tokensOf(action);
          // One line on credit at a time: the longest is 14 + 2 words, ceil(1.3 · 16) = 21 tokens.
          assert.ok(
            spent <= allowed + 21 + 1e-9,
            `${JSON.stringify(budget)} ${seed} window ${w}: ${spent} of ${allowed}`,
          );
          assert.ok(tokensOf(action) <= Math.max(21, allowance + most) + 1e-9);
        });
      }
    }
  });

  test("spends about the fraction it was given on a long dense stream", async () => {
    const windows = randomWindows("dense", 300);
    const offered = (
      await watch(choicePolicy({ words: wordSpace, budget: { fraction: 1 } }), windows)
    ).reduce((sum, action) => sum + tokensOf(action), 0);
    const kept = (await watch(choicePolicy({ words: wordSpace, budget: { fraction: 0.2 } }), windows)).reduce(
      (sum, action) => sum + tokensOf(action),
      0,
    );
    assert.ok(Math.abs(kept / offered - 0.2) < 0.02, `${kept / offered}`);
  });

  test("keeps a line longer than any budget once the carry-over budget is full, and pays it back", async () => {
    const paragraph = topics.join(" ").repeat(8); // 73 words, 95 tokens
    const windows = Array.from({ length: 12 }, (_, w) => [said(3 * w, `Part ${w}: ${paragraph}`)]);
    const actions = await watch(choicePolicy({ words: wordSpace, budget: { fraction: 0.2 } }), windows);
    const kept = actions.map(({ statements }) => statements.length);
    assert.equal(kept[0], 1);
    assert.ok(kept.reduce((a, b) => a + b) >= 2 && kept.reduce((a, b) => a + b) <= 4, kept.join());
  });

  test("keeps the line that just fits, and none on credit, where another is longer than the budget", async () => {
    // A first window has its 7 tokens and 5 · 7 / 7 + 12 carried over: 24. Eighteen words are ceil(1.3 · 18) = 24 tokens.
    const fits = Array(18).fill("garden").join(" ");
    const tooLong = Array.from({ length: 20 }, (_, i) => `${topics[i % 10]}${i}`).join(" ");
    assert.deepEqual([fits, tooLong].map(wordSpace.countTokens), [24, 26]);
    const [action] = await watch(choicePolicy({ words: wordSpace, budget: { tokensPerWindow: 7 } }), [
      [said(0, tooLong, fits)],
    ]);
    assert.deepEqual(
      action!.statements.map(({ text }) => text),
      [fits],
    );
  });

  test("keeps lines in the order of time, whichever it picks first", async () => {
    const lines = ["We turn left.", "I turn left.", "The passport is in the blue drawer."];
    const { actions } = await policy.decide(context([said(0, ...lines)]));
    const { statements, logprobs } = actions[0]!;
    assert.equal(logprobs!.tokens[0], lines[2]);
    assert.deepEqual(
      statements.map(({ text }) => text),
      lines.filter((line) => logprobs!.tokens.includes(line)),
    );
    assert.ok(statements.length > 1);
  });

  test("gives the same actions every time, greedy or from the same seed", async () => {
    const windows = randomWindows("same", 25);
    assert.deepEqual(await watch(policy, windows), await watch(policy, windows));
    assert.deepEqual(
      await watch(policy, windows, seededRandom(7)),
      await watch(policy, windows, seededRandom(7)),
    );
  });

  test("continues from stored state as if it had never stopped", async () => {
    const windows = randomWindows("resume", 30);
    const unbroken = await watch(policy, windows);
    for (const cut of [1, 7, 29]) {
      let state = noState;
      for (const [w, window] of windows.entries()) {
        // After the cut everything in the process is new; only the JSON state continues.
        const process = w < cut ? policy : choicePolicy({ words: wordSpace });
        if (w === cut)
          state = {
            ...state,
            value: JSON.parse(JSON.stringify(state.value)),
            words: new Map(JSON.parse(JSON.stringify([...state.words]))),
          };
        const given = context(window, state);
        const { actions } = await process.decide(given);
        assert.deepEqual(actions[0], unbroken[w]);
        state = changed(state, process.advance(given, actions[0]!)!);
      }
    }
  });

  test("remembers what was kept of a stream of any name", async () => {
    const [window] = randomWindows("streams", 1);
    const changeIn = async (stream: string) => {
      const given = context(window!.map((one) => ({ ...one, stream })));
      return policy.advance(given, (await policy.decide(given)).actions[0]!)!;
    };
    const change = await changeIn("kitchen");
    assert.deepEqual(await changeIn("hall"), change);
    assert.equal((change.value as { windows: unknown[] }).windows.length, 1);
  });

  test("counts each word once per candidate it was offered in", async () => {
    const given = context([said(0, "The red kettle, the red one", "A red door")]);
    const { actions } = await policy.decide(given);
    const change = policy.advance(given, actions[0]!)!;
    assert.equal(change.documents, 2);
    assert.deepEqual(
      [...change.words].sort(),
      [
        ["door", 1],
        ["kettl", 1],
        ["red", 2],
      ]
        .concat([["one", 1]])
        .sort(),
    );
  });

  test("returns one log-probability per pick that a sampled draw had", async () => {
    const { actions } = await policy.decide(context(randomWindows("logs", 1)[0]!), {
      n: 4,
      random: seededRandom(3),
    });
    for (const { logprobs, statements } of actions) {
      assert.deepEqual([...logprobs!.tokens].sort(), statements.map(({ text }) => text).sort());
      assert.ok(logprobs!.values.every((value) => value <= 0 && Number.isFinite(value)));
    }
  });
});

describe("choice policy on on-screen text", () => {
  const policy = choicePolicy({ words: wordSpace });
  const screen = (clip: number, text: string, confidence: number) => ({
    startSeconds: clip * 10 + 1,
    endSeconds: clip * 10 + 4,
    text,
    confidence,
  });

  test("marks it as read from the screen and lets it last over the clips of a decision", async () => {
    const clips = [0, 1].map((clip) => observation(clip, { screen: [screen(clip, "LONDON", 95)] }));
    const { actions } = await policy.decide(context(clips));
    const [sign, ...others] = actions[0]!.statements;
    assert.equal(others.length, 0);
    assert.equal(sign!.text, "On screen: LONDON");
    assert.deepEqual([sign!.clip, sign!.startSeconds, sign!.endSeconds], [0, 1, 14]);
    assert.equal(sign!.sources.length, 2);
  });

  test("leaves out what was read with little confidence or has no word in it", async () => {
    for (const [text, confidence] of [
      ["LONDON", 40],
      ["|~ i; —", 90],
      ["a1 =;", 90],
      ["ii", 95],
    ] as const) {
      const { actions } = await policy.decide(
        context([observation(0, { screen: [screen(0, text, confidence)] })]),
      );
      assert.deepEqual(actions[0]!.statements, [], text);
    }
    for (const text of ["17:05", "会议室", "EXIT", "Gate 42"]) {
      const { actions } = await policy.decide(context([observation(0, { screen: [screen(0, text, 90)] })]));
      assert.equal(actions[0]!.statements.length, 1, text);
    }
  });

  test("does not let garbled words win by being rare", async () => {
    const clip = {
      ...said(0, "The dentist is at four"),
      screen: [screen(0, "xqzv ebnwt plakr gfudh", 72)],
    };
    const state: PolicyState = {
      ...noState,
      documents: 500,
      words: new Map([
        ["dentist", 20],
        ["four", 40],
      ]),
    };
    // Speech: 5 words, 7 tokens; screen: 6 words, 8 tokens. Only one fits 8 − 3.
    const spare = { spare: 0, windows: [], standing: [] };
    const chooser = choicePolicy({ words: wordSpace, budget: { tokensPerWindow: 8 } });
    const { actions } = await chooser.decide(context([clip], { ...state, value: spare }));
    assert.deepEqual(
      actions[0]!.statements.map(({ text }) => text),
      ["The dentist is at four"],
    );
  });

  test("offers a sign whose words were only said before", async () => {
    const spoken = { ...said(0, "The museum opens"), screen: [screen(0, "Museum", 60)] };
    const windows = [[spoken], [observation(3, { screen: [screen(3, "Museum", 93)] })]];
    const [first, second] = await watch(policy, windows);
    assert.deepEqual([first!.text, second!.text], ["The museum opens", "On screen: Museum"]);
  });

  test("writes a sign down once while it stays, and again when it comes back", async () => {
    const sign = (clip: number) => observation(clip, { screen: [screen(clip, "Software Museum", 93)] });
    const windows = [[sign(0)], [sign(3)], [sign(6)], [observation(9)], [sign(12)]];
    const actions = await watch(policy, windows);
    assert.deepEqual(
      actions.map(({ statements }) => statements.length),
      [1, 0, 0, 0, 1],
    );
  });
});

describe("choice policy with an adapter", () => {
  const lines = [
    "The garden gate is open",
    "The violin case is open",
    "The carpet shop is open",
    "The lemon tree is open",
  ];
  const budget: ChoiceBudget = { tokensPerWindow: 8 };
  const spent = { spare: 0, windows: [], standing: [] };
  const given = context([said(0, ...lines)], { ...noState, value: spent });
  const choose = async (a: Adapter | null) =>
    (await choicePolicy({ words: wordSpace, budget, adapter: a }).decide(given)).actions[0]!;

  test("keeps the line its words are in", async () => {
    for (const [word, line] of [
      ["violins", lines[1]],
      ["carpet", lines[2]],
      ["lemon", lines[3]],
    ] as const) {
      assert.equal((await choose(adapter({ [word]: 2 }))).text, line);
    }
  });

  test("is exactly the policy without one at weight zero or scale zero", async () => {
    const plain = await choose(null);
    for (const nothing of [adapter({}), adapter({ violin: 0 }), adapter({ violin: 3 }, { scale: 0 })]) {
      const { statements, logprobs } = await choose(nothing);
      assert.deepEqual({ statements, logprobs }, { statements: plain.statements, logprobs: plain.logprobs });
    }
  });

  test("names its adapter and its settings in the revision", () => {
    const revision = (options: object) => choicePolicy({ words: wordSpace, ...options }).revision;
    assert.equal(revision({}), "choice@1");
    assert.equal(revision({ adapter: adapter({ violin: 1 }) }), "choice@1+a1");
    assert.match(revision({ budget: { fraction: 0.1 } }), /^choice@1-[0-9a-f]{6}$/);
    assert.match(revision({ parameters: { repeatDiscount: 1 } }), /^choice@1-[0-9a-f]{6}$/);
    assert.notEqual(revision({ budget: { fraction: 0.1 } }), revision({ budget: { fraction: 0.3 } }));
  });

  test("refuses an adapter of another space and values that are not numbers", () => {
    const make = (a: Adapter) => () => choicePolicy({ words: wordSpace, adapter: a });
    assert.throws(make(adapter({ violin: 1 }, { space: "words:000000000000" })), ConfigError);
    assert.throws(make(adapter({ violin: 1 }, { dimension: 128 })), ConfigError);
    assert.throws(make(adapter({ violin: Number.NaN })), DataError);
    assert.throws(make(adapter({ violin: 1 }, { scale: Number.POSITIVE_INFINITY })), DataError);
    for (const wrong of [-1, wordSpace.dimension, 70_000])
      assert.throws(make(adapter({ violin: 1 }, { indices: Int32Array.of(wrong) })), DataError);
    for (const right of [0, wordSpace.dimension - 1])
      make(adapter({ violin: 1 }, { indices: Int32Array.of(right) }))();
  });

  test("refuses a budget out of range", () => {
    for (const wrong of [
      { fraction: 0 },
      { fraction: 1.1 },
      { fraction: Number.NaN },
      { tokensPerWindow: -1 },
      { fraction: 0.2, floorTokens: -1 },
    ]) {
      assert.throws(() => choicePolicy({ words: wordSpace, budget: wrong }), RangeError);
    }
  });
});

describe("a draw that is replayed", () => {
  const lines = ["The garden gate is open", "The violin case is old", "The lemon tree is tall"];
  const given = context([said(0, ...lines)]);
  const options = { words: wordSpace };
  const action = async (n = 1) =>
    (await choicePolicy(options).decide(given, { n, random: seededRandom("replay") })).actions.at(-1)!;

  test("has the candidates in the order they were picked, and the stem of each word", async () => {
    for (const n of [1, 2, 3]) {
      const drawn = await action(n);
      const { picks, stems, input } = replayOf(given, drawn, options);
      assert.deepEqual(
        picks.map((i) => lines[i]),
        drawn.logprobs!.tokens,
      );
      assert.deepEqual(stems, lines.flatMap(wordSpace.stems));
      assert.equal(input.items.length, 3);
    }
    const nothing = {
      ...(await action()),
      statements: [],
      logprobs: { tokens: [], values: new Float32Array() },
    };
    assert.deepEqual(replayOf(given, nothing, options).picks, []);
  });

  test("is refused where the action holds a line that was not on offer, or says not how it was drawn", async () => {
    const drawn = await action();
    const { values } = drawn.logprobs!;
    const foreign = { ...drawn, logprobs: { tokens: [...drawn.logprobs!.tokens, "A bell rings."], values } };
    const short = { ...drawn, logprobs: { tokens: drawn.logprobs!.tokens.slice(1), values } };
    for (const wrong of [foreign, short, { ...drawn, logprobs: null }])
      assert.throws(() => replayOf(given, wrong, options), RangeError);
  });
});

describe("a budget by time", () => {
  const budget = { fraction: 0.2, floorTokens: 40, burstTokens: 100 };
  const line = (i: number) => `Parcel ${i} has the number ${1000 + i} and lies in room ${i} of the depot`;
  /** Shows one line a decision, one every `everySeconds`. @returns how many are kept */
  async function keptOf(count: number, everySeconds: number): Promise<number> {
    const policy = choicePolicy({ words: wordSpace, clipSeconds: 1, budget });
    let state = noState;
    let kept = 0;
    for (let i = 0; i < count; i++) {
      const span = { startSeconds: i * everySeconds, endSeconds: i * everySeconds + 1 };
      const shown = context(
        [observation(i, { ...span, speech: [{ ...span, text: line(i), speaker: null }] })],
        state,
      );
      const [action] = (await policy.decide(shown)).actions;
      kept += action!.statements.length;
      state = changed(state, policy.advance(shown, action!)!);
    }
    return kept;
  }

  test("keeps a rush after a quiet time until the burst is spent, then what the floor earns", async () => {
    // A line is 19 tokens (14 words, 1.3 each, rounded up). The first is paid by the time before it. Then a fifth of each line,
    // 3.8, is more than the floor earns in a second, 1.3: 29 lines earn 110, and 100 of the burst make 210, which is 11 lines.
    assert.equal(await keptOf(30, 1), 12);
  });

  test("counts from the last decision, and for material that comes late its own length", async () => {
    const policy = choicePolicy({ words: wordSpace, clipSeconds: 1, budget });
    // 19 tokens each; nothing is carried over, and a decision at second 100 was the last.
    const kept = async (startSeconds: number, endSeconds: number, until: number | undefined) => {
      const span = { startSeconds, endSeconds };
      const value = { spare: 0, windows: [], standing: [], ...(until !== undefined && { until }) };
      const shown = context(
        [observation(0, { ...span, speech: [{ ...span, text: line(1), speaker: null }] })],
        { ...noState, value },
      );
      const [action] = (await policy.decide(shown)).actions;
      const after = policy.advance(shown, action!)!.value as { until: number };
      return [action!.statements.length, after.until];
    };
    // 40 tokens in 30 s: 14 s earn 18.7, 15 s earn 20.
    assert.deepEqual(await kept(113, 114, 100), [0, 114]);
    assert.deepEqual(await kept(114, 115, 100), [1, 115]);
    assert.deepEqual(await kept(80, 95, 100), [1, 100], "late, 15 s long");
    assert.deepEqual(await kept(86, 100, 100), [0, 100], "late, 14 s long");
    assert.deepEqual(await kept(85, 100, 100), [1, 100], "late, 15 s long");
    assert.deepEqual(await kept(0, 1, undefined), [1, 1], "30 s before the first decision");
  });

  test("keeps everything of a slow conversation", async () => {
    // 19 tokens every 15 s: the floor earns 20 in that time.
    assert.equal(await keptOf(30, 15), 30);
  });
});
