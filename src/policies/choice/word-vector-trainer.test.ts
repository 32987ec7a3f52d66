import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import type { Adapter } from "../../adapter/adapter.ts";
import { loadAdapter, saveAdapter } from "../../adapter/adapter-file.ts";
import {
  adapterNorm,
  createAdapter,
  scaleAdapter,
  weightsOf,
  withRevision,
} from "../../adapter/arithmetic.ts";
import { wordSpace } from "../../engines/local/words.ts";
import { ConfigError } from "../../errors.ts";
import {
  askAbout,
  captionsOf,
  createEpisode,
  episodeSeed,
  type FactKind,
  factKinds,
} from "../../household/index.ts";
import type { PolicyState } from "../../memory/memory.ts";
import type { Observation } from "../../perception/observation.ts";
import type { Action } from "../../policy/policy.ts";
import { parseSubtitles } from "../../stream/texts/subtitles.ts";
import { letterOptions, type Question } from "../../tasks/task.ts";
import type { SamplePair } from "../../training/phase-two.ts";
import { pick, type Random, randomInt, seededRandom, shuffle } from "../../util/random.ts";
import { choicePolicy } from "./choice.ts";
import { defaultChoiceParameters, drawItems } from "./choice-draw.ts";
import {
  adapterFromPairs,
  adapterFromTasks,
  adapterWords,
  type ChoiceSample,
  choiceTrainer,
} from "./word-vector-trainer.ts";

const words = wordSpace;
const budget = { fraction: 0.2 };

const ask = (...texts: string[]) =>
  texts.map((text): { question: Question } => ({ question: { text, options: [] } }));
const resultOf = (...texts: string[]) => adapterFromTasks(ask(...texts), { words });

function weightOf(adapter: Adapter, word: string): number {
  const { index, sign } = words.bucket(words.stems(word)[0]!);
  return sign * (new Map(weightsOf(adapter)).get(index) ?? 0) + 0; // no −0
}

function closeTo(actual: number, expected: number, tolerance = 1e-6): void {
  assert.ok(Math.abs(actual - expected) < tolerance, `${actual} is not ${expected}`);
}

/** A clip of 10 s with these captions. */
function captioned(clip: number, lines: readonly string[]): Observation {
  const span = { startSeconds: clip * 10, endSeconds: clip * 10 + 10 };
  return {
    stream: "home",
    clip,
    ...span,
    frames: [],
    speech: [],
    captions: lines.map((text) => ({ ...span, text, speaker: null })),
    screen: [],
    shots: [],
    people: [],
    tiers: {},
    problems: [],
  };
}

/** Every action of the choice policy on a stream it has never seen, with one adapter. */
async function watch(observations: readonly Observation[], adapter: Adapter | null): Promise<Action[]> {
  const policy = choicePolicy({ words, budget, adapter });
  const counts = new Map<string, number>();
  let state: PolicyState = { value: null, documents: 0, words: counts };
  const actions: Action[] = [];
  for (let first = 0; first < observations.length; first += policy.clipsPerDecision) {
    const clips = observations.slice(first, first + policy.clipsPerDecision);
    const context = { observations: clips, recent: { observations: [], entries: [] }, state };
    const action = (await policy.decide(context)).actions[0]!;
    const change = policy.advance(context, action)!;
    for (const [stem, count] of change.words) counts.set(stem, (counts.get(stem) ?? 0) + count);
    state = { value: change.value, documents: state.documents + change.documents, words: counts };
    actions.push(action);
  }
  return actions;
}

const linesOf = (actions: readonly Action[]) =>
  actions.flatMap(({ statements }) => statements.map(({ text }) => text));
const tokensOf = (actions: readonly Action[]) =>
  linesOf(actions).reduce((sum, line) => sum + words.countTokens(line), 0);
/** Actions without their revision. */
const withoutRevision = (actions: readonly Action[]) =>
  actions.map(({ statements, logprobs }) => ({ statements, logprobs }));

const topics = {
  music: ["violin", "piano", "trumpet", "drum", "choir"],
  plants: ["fern", "tulip", "cactus", "ivy", "orchid"],
  tools: ["hammer", "pliers", "wrench", "saw", "chisel"],
  dishes: ["soup", "pancake", "omelette", "salad", "stew"],
};
type Topic = keyof typeof topics;
const topicNames = Object.keys(topics) as Topic[];
const verbs = ["moved", "cleaned", "found", "dropped", "ordered", "sold"];
const sentence = (random: Random, topic: Topic) =>
  `Somebody ${pick(random, verbs)} the ${pick(random, topics[topic])} in room ${randomInt(random, 30)}`;
const isAbout = (topic: Topic) => (line: string) => topics[topic].some((word) => line.includes(word));

/** Six lines a clip, all topics equally often. */
function inventedStream(seed: string, clips: number): Observation[] {
  const random = seededRandom(seed);
  return Array.from({ length: clips }, (_, clip) =>
    captioned(
      clip,
      Array.from({ length: 6 }, () => sentence(random, pick(random, topicNames))),
    ),
  );
}

const questionsAbout = (topic: Topic) => topics[topic].map((word) => `Which room is the ${word} in?`);

describe("an adapter in closed form", () => {
  test("weighs a word by the logarithm of the number of questions that hold it", () => {
    const { adapter, problem } = resultOf(
      "Where is the kettle?",
      "Is the kettle in the garden, the old kettle?",
      "Who sold the kettles?",
    );
    assert.equal(problem, null);
    assert.equal(adapter.space, words.id);
    closeTo(weightOf(adapter, "kettle"), Math.log(4));
    closeTo(weightOf(adapter, "garden"), Math.log(2));
    assert.equal(weightOf(adapter, "violin"), 0);
  });

  test("counts words of the options at three tenths", () => {
    const options = letterOptions(["in the attic", "in the cellar"]);
    const tasks = [
      { question: { text: "Where is the attic key?", options } },
      { question: { text: "Where is the lamp?", options } },
    ];
    const { adapter } = adapterFromTasks(tasks, { words });
    closeTo(weightOf(adapter, "cellar"), Math.log(1.6)); // 1 + 0.3 + 0.3
    closeTo(weightOf(adapter, "attic"), Math.log(2.3)); // 1 + 1 + 0.3
  });

  test("counts only the configured number of latest tasks", () => {
    const tasks = ask("The violin?", "The fern?", "The saw?");
    const { adapter } = adapterFromTasks(tasks, { words, recentTasks: 2 });
    assert.deepEqual([weightOf(adapter, "violin"), weightOf(adapter, "saw") > 0], [0, true]);
    assert.equal(adapterFromTasks(tasks, { words, recentTasks: 0 }).problem, "no-tasks");
  });

  test("reports when there is nothing to learn from, and then adds nothing", async () => {
    const stream = inventedStream("nothing", 6);
    for (const [result, problem] of [
      [adapterFromTasks([], { words }), "no-tasks"],
      [resultOf("Where is it?", "Who was that?"), "no-words"],
    ] as const) {
      const { adapter, ...report } = result;
      assert.deepEqual(report, { problem, pairs: 0, curve: [], failedVerdicts: 0 });
      assert.equal(adapterNorm(adapter), 0);
      assert.deepEqual(
        withoutRevision(await watch(stream, result.adapter)),
        withoutRevision(await watch(stream, null)),
      );
    }
  });

  test("counts a question asked five times as one, and reports it", () => {
    const once = resultOf("Where is the kettle?");
    const often = resultOf(...Array(4).fill("Where is the kettle?"), " where is  the Kettle?");
    assert.equal(often.problem, "one-question");
    assert.deepEqual(often, once);
  });

  test("makes the policy keep more lines of the topic asked about; unrelated questions do not", async () => {
    const stream = inventedStream("topics", 180);
    const base = await watch(stream, null);
    for (const topic of topicNames) {
      const own = await watch(stream, resultOf(...questionsAbout(topic)).adapter);
      const foreign = topicNames.filter((other) => other !== topic);
      const others = await watch(stream, resultOf(...foreign.flatMap(questionsAbout)).adapter);
      const count = (actions: Action[]) => linesOf(actions).filter(isAbout(topic)).length;
      assert.ok(count(own) > 1.25 * count(base), `${topic}: ${count(base)} to ${count(own)}`);
      assert.ok(count(others) <= count(base), `${topic}, foreign: ${count(base)} to ${count(others)}`);
      assert.ok(Math.abs(tokensOf(own) / tokensOf(base) - 1) < 0.05);
    }
  });

  test("restores the policy's behaviour when A follows B follows A, also through a file", async () => {
    const folder = mkdtempSync(join(tmpdir(), "taskmem-choice-"));
    after(() => rmSync(folder, { recursive: true }));
    const stream = inventedStream("swap", 30);
    const music = resultOf(...questionsAbout("music")).adapter;
    const plants = resultOf(...questionsAbout("plants")).adapter;
    const first = await watch(stream, music);
    assert.notDeepEqual(linesOf(await watch(stream, plants)), linesOf(first));
    assert.deepEqual(await watch(stream, music), first);

    const path = join(folder, "music.json");
    const provenance = { method: "closed-form", parents: [], tasks: [], createdAtMs: 0, report: {} } as const;
    saveAdapter(path, { adapter: music, base: null, provenance });
    const target = { space: words.id, dimension: words.dimension, base: "choice@1" };
    assert.deepEqual(await watch(stream, loadAdapter(path, target).adapter), first);
  });

  test("acts by scale times values: scale 0 as none, doubled values at half the scale as before", async () => {
    const stream = inventedStream("scale", 30);
    const { adapter } = resultOf(...questionsAbout("tools"));
    const none = await watch(stream, null);
    const plain = await watch(stream, adapter);
    assert.deepEqual(withoutRevision(await watch(stream, scaleAdapter(adapter, 0))), withoutRevision(none));
    assert.notDeepEqual(linesOf(plain), linesOf(none));
    const doubled = withRevision({
      ...adapter,
      values: adapter.values.map((value) => 2 * value),
      scale: 0.5,
    });
    assert.deepEqual(await watch(stream, doubled), plain);
  });
});

describe("an adapter in closed form on the household", () => {
  const clips = 36;
  const isOfKind: Record<Exclude<FactKind, "speech">, RegExp> = {
    place: /^On the/,
    wear: /^Dressed/,
    display: /^The \S+ shows/,
    activity: /^Busy/,
  };
  /** Speech has no caption. */
  const kinds = factKinds.filter((kind) => kind !== "speech");
  const streamOf = (n: number) => {
    const episode = createEpisode(episodeSeed("validation", n), clips);
    const { cues } = parseSubtitles(captionsOf(episode), { name: "captions" });
    return episode.clips.map(({ index, startSeconds, endSeconds }) =>
      captioned(
        index,
        cues
          .filter((cue) => cue.startSeconds >= startSeconds && cue.startSeconds < endSeconds)
          .map(({ text }) => text),
      ),
    );
  };
  const adapterOf = (kind: FactKind, n: number) => {
    const asked = askAbout(createEpisode(episodeSeed("train", n), clips), seededRandom(n), {
      kinds: [kind],
      perKind: 5,
    });
    assert.equal(asked.length, 5);
    return adapterFromTasks(
      asked.map((question) => ({ question })),
      { words },
    ).adapter;
  };

  test("five questions of a kind make it keep more captions of that kind, and fewer of any other", async () => {
    const counts = new Map<string, number>();
    for (let n = 0; n < 4; n++) {
      const stream = streamOf(n);
      for (const learned of [null, ...kinds]) {
        const actions = await watch(stream, learned && adapterOf(learned, n));
        for (const kind of kinds) {
          const count = linesOf(actions).filter((line) => isOfKind[kind].test(line)).length;
          counts.set(`${learned} ${kind}`, (counts.get(`${learned} ${kind}`) ?? 0) + count);
        }
      }
    }
    for (const kind of kinds) {
      const base = counts.get(`null ${kind}`)!;
      assert.ok(
        counts.get(`${kind} ${kind}`)! > base,
        `${kind}: ${counts.get(`${kind} ${kind}`)} of ${base}`,
      );
      for (const foreign of kinds.filter((other) => other !== kind))
        assert.ok(counts.get(`${foreign} ${kind}`)! <= base, `${kind} after ${foreign}`);
    }
  });
});

describe("the words a memory has learned to care about", () => {
  test("are those of the questions as they were written, the heaviest first", () => {
    const texts = ["When were the kettles' lids sold?", "A kettle at 07:05?", "Where is Zoë's kettle?"];
    const learned = adapterWords(resultOf(...texts).adapter, texts, words);
    assert.equal(learned[0]!.word, "kettles");
    closeTo(learned[0]!.weight, Math.log(4));
    assert.deepEqual(
      learned
        .slice(1)
        .map(({ word }) => word)
        .sort(),
      ["07:05", "lids", "sold", "zoë's"],
    );
  });

  test("carry the adapter's scale, and are none where it adds nothing", () => {
    const { adapter } = resultOf("The kettle?", "The lid?");
    const [first] = adapterWords(scaleAdapter(adapter, -2), ["kettle"], words);
    closeTo(first!.weight, -2 * Math.log(2));
    assert.deepEqual(adapterWords(scaleAdapter(adapter, 0), ["kettle"], words), []);
    assert.deepEqual(adapterWords(adapter, ["violin", "?!"], words), []);
  });

  test("are in the order of the alphabet where they weigh the same", () => {
    const texts = ["The violin, the ladder?", "The kettle, the bicycle?"];
    const learned = adapterWords(resultOf(...texts).adapter, texts, words);
    assert.deepEqual(
      learned.map(({ word }) => word),
      ["bicycle", "kettle", "ladder", "violin"],
    );
  });
});

/** A window of lines of equal weight, with room for `tokens`. */
function drawOf(lines: readonly string[], tokens: number, random: Random): ChoiceSample {
  const stems = [...new Set(lines.flatMap((line) => words.stems(line)))];
  const input = {
    items: lines.map((line) => ({
      tokens: words.countTokens(line),
      trust: 1,
      words: [...new Set(words.stems(line))].map((stem) => stems.indexOf(stem)),
    })),
    idf: new Float64Array(stems.length).fill(2),
    said: new Uint8Array(stems.length),
    budget: tokens,
    onCredit: false,
    parameters: defaultChoiceParameters,
  };
  const { picks } = drawItems({ ...input, task: new Float64Array(stems.length) }, random);
  return { input, stems, picks };
}

/** Pairs of two draws from one window each, the one with more lines of a topic chosen; ties are left out. */
function pairsFor(topic: Topic, windows: number, seed: string): SamplePair<ChoiceSample>[] {
  const random = seededRandom(seed);
  return Array.from({ length: windows }, () => {
    const lines = shuffle(
      random,
      topicNames.flatMap((name) => Array.from({ length: 4 }, () => sentence(random, name))),
    );
    const [a, b] = [drawOf(lines, 40, random), drawOf(lines, 40, random)];
    const count = ({ picks }: ChoiceSample) => picks.filter((i) => isAbout(topic)(lines[i]!)).length;
    if (count(a) === count(b)) return [];
    return [count(a) > count(b) ? { chosen: a, rejected: b } : { chosen: b, rejected: a }];
  }).flat();
}

const total = (values: Float32Array) => values.reduce((sum, value) => sum + value, 0);

describe("the choice policy's trainer", () => {
  const samples = pairsFor("music", 12, "trainer")
    .map(({ chosen }) => chosen)
    .slice(0, 3);

  test("returns one log-probability per choice, more likely with an adapter of the chosen words", async () => {
    const { adapter } = resultOf(...questionsAbout("music"));
    const plain = await choiceTrainer({ words }).logprobs(samples);
    const tilted = await choiceTrainer({ words, adapter }).logprobs(samples);
    for (const [i, { picks }] of samples.entries()) assert.equal(plain[i]!.length, picks.length);
    const sum = (all: Float32Array[]) => all.reduce((value, one) => value + total(one), 0);
    assert.ok(sum(tilted) > sum(plain) + 0.3, `${sum(plain)} to ${sum(tilted)}`);
  });

  test("steps down the gradient that finite differences of its log-probabilities give", async () => {
    const { adapter: start } = resultOf("The violin and the fern?", "The drum?");
    const trainer = choiceTrainer({ words, adapter: start });
    const weights = [0.7, -1.2, 0.4];
    await trainer.accumulate(
      samples,
      samples.map(({ picks }, i) => new Float32Array(picks.length).fill(weights[i]!)),
    );
    const { gradientNorm, updateNorm } = await trainer.step({ learningRate: 0.1 });
    closeTo(updateNorm, 0.1 * gradientNorm);
    const stepped = await trainer.snapshot();
    const objective = async (index: number, change: number) => {
      const adapter = createAdapter(words.id, words.dimension, [...weightsOf(start), [index, change]]);
      const values = await choiceTrainer({ words, adapter }).logprobs(samples);
      return values.reduce((sum, one, i) => sum + weights[i]! * total(one), 0);
    };
    for (const word of ["violin", "fern", "saw", "soup", "room"]) {
      const { index, sign } = words.bucket(words.stems(word)[0]!);
      const slope = ((await objective(index, 0.05)) - (await objective(index, -0.05))) / 0.1;
      const moved = sign * (weightOf(stepped, word) - weightOf(start, word));
      closeTo(moved, -0.1 * slope, 1e-4);
    }
  });

  test("clips a gradient that is too long, and clears it after the step", async () => {
    const trainer = choiceTrainer({ words });
    const ones = samples.map(({ picks }) => new Float32Array(picks.length).fill(1));
    await trainer.accumulate(samples, ones);
    const report = await trainer.step({ learningRate: 0.1, maxGradientNorm: 0.5 });
    assert.ok(report.gradientNorm > 0.5);
    closeTo(report.updateNorm, 0.05);
    closeTo(report.adapterNorm!, 0.05);
    const still = await trainer.step({ learningRate: 0.1 });
    assert.deepEqual(still, { gradientNorm: 0, updateNorm: 0, adapterNorm: report.adapterNorm });
  });

  test("resumes from a file to the same weights, without the gradient of a step that was not taken", async () => {
    const folder = mkdtempSync(join(tmpdir(), "taskmem-words-"));
    after(() => rmSync(folder, { recursive: true }));
    const path = join(folder, "state.json");
    const [calm, first, second] = [
      choiceTrainer({ words }),
      choiceTrainer({ words }),
      choiceTrainer({ words }),
    ];
    const step = async (of: typeof calm) => {
      await of.accumulate(
        samples,
        samples.map(({ picks }) => new Float32Array(picks.length).fill(-1)),
      );
      return of.step({ learningRate: 0.3 });
    };
    await step(calm);
    await step(first);
    await first.save(path);
    await second.accumulate(samples.slice(0, 1), [new Float32Array(samples[0]!.picks.length).fill(5)]);
    await second.load(path);
    assert.deepEqual(await step(second), await step(calm));
    assert.deepEqual(await second.snapshot(), await calm.snapshot());
  });

  test("refuses an adapter of another space, and weights that differ within a draw", async () => {
    const other = createAdapter("words:other", words.dimension, []);
    assert.throws(() => choiceTrainer({ words, adapter: other }), ConfigError);
    const trainer = choiceTrainer({ words });
    const [sample] = samples;
    const uneven = Float32Array.from(sample!.picks, (_, i) => i);
    for (const wrong of [[uneven], [new Float32Array(1)], []])
      await assert.rejects(trainer.accumulate([sample!], wrong), RangeError);
  });
});

describe("an adapter from preferences", () => {
  const norm = adapterNorm(resultOf(...questionsAbout("music")).adapter);

  test("falls from ln 2, has the configured norm and makes held-out choices of its topic more likely", async () => {
    const { adapter, problem, curve } = await adapterFromPairs(pairsFor("music", 200, "train"), {
      words,
      norm,
    });
    assert.equal(problem, null);
    assert.equal(curve.length, 10);
    const [first] = curve;
    closeTo(first!.loss, Math.LN2);
    // At the initial weights neither side has gained anything.
    assert.deepEqual([first!.step, first!.rewardMargin, first!.won], [1, 0, 0]);
    for (const [i, { loss, rewardMargin, adapterNorm }] of curve.slice(1).entries()) {
      const before = curve[i]!;
      assert.ok(loss < before.loss && rewardMargin > before.rewardMargin, JSON.stringify(curve));
      assert.ok(adapterNorm! > before.adapterNorm!, JSON.stringify(curve));
    }
    // Plain descent at rate 1 from nothing: the first step is as long as its gradient.
    closeTo(first!.adapterNorm!, first!.gradientNorm, 1e-6);
    assert.ok(curve.at(-1)!.won > 0.9, JSON.stringify(curve));
    closeTo(adapterNorm(adapter), norm, 1e-4);

    const margin = async (trained: Adapter | null, pairs: readonly SamplePair<ChoiceSample>[]) => {
      const trainer = choiceTrainer({ words, adapter: trained });
      const chosen = await trainer.logprobs(pairs.map((pair) => pair.chosen));
      const rejected = await trainer.logprobs(pairs.map((pair) => pair.rejected));
      return chosen.reduce((sum, one, i) => sum + total(one) - total(rejected[i]!), 0) / pairs.length;
    };
    const heldOut = pairsFor("music", 60, "held-out");
    const foreign = pairsFor("tools", 60, "held-out");
    assert.ok((await margin(adapter, heldOut)) > (await margin(null, heldOut)) + 0.2);
    assert.ok((await margin(adapter, foreign)) < (await margin(null, foreign)));
  });

  test("makes the policy keep more lines of its topic at the same budget", async () => {
    const stream = inventedStream("topics", 60);
    const { adapter } = await adapterFromPairs(pairsFor("music", 200, "train"), { words, norm });
    const [base, tilted] = [await watch(stream, null), await watch(stream, adapter)];
    const count = (actions: Action[]) => linesOf(actions).filter(isAbout("music")).length;
    assert.ok(count(tilted) > 1.5 * count(base), `${count(base)} to ${count(tilted)}`);
    assert.ok(Math.abs(tokensOf(tilted) / tokensOf(base) - 1) < 0.05);
  });

  test("never lets a word count against its line", async () => {
    const { adapter } = await adapterFromPairs(pairsFor("music", 50, "floor"), { words, norm: 30 });
    const learned = adapterWords(adapter, Object.values(topics).flat(), words);
    closeTo(learned.at(-1)!.weight, -0.8);
    assert.ok(learned[0]!.weight > 3);
  });

  test("reports when nothing was preferred, or when the pairs give no direction", async () => {
    const none = await adapterFromPairs([], { words, norm });
    assert.deepEqual([none.problem, none.pairs, none.failedVerdicts], ["no-pairs", 0, 0]);
    const { chosen } = pairsFor("music", 1, "same")[0]!;
    const result = await adapterFromPairs([{ chosen, rejected: chosen }], { words, norm });
    assert.equal(result.problem, "no-direction");
    assert.equal(adapterNorm(result.adapter), 0);
  });
});
