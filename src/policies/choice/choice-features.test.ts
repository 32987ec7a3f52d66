import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { wordSpace as words } from "../../engines/local/index.ts";
import { DataError } from "../../errors.ts";
import type { Observation } from "../../perception/observation.ts";
import type { Context } from "../../policy/policy.ts";
import { seededRandom } from "../../util/random.ts";
import { choicePolicy, replayOf } from "./choice.ts";
import {
  type ChoiceFeature,
  type ChoiceWeights,
  choiceFeatures,
  choiceWeightsRevision,
  formatChoiceWeights,
  parseChoiceWeights,
  untrainedChoiceWeights,
} from "./choice-features.ts";

type Line = Readonly<{ text: string; kind?: "speech" | "caption" | "screen"; speaker?: string }>;

function seen(clip: number, lines: readonly Line[]): Observation {
  const startSeconds = clip * 10;
  const of = (kind: NonNullable<Line["kind"]>) =>
    lines.flatMap(({ text, kind: own = "caption", speaker = null }, i) =>
      own === kind
        ? [{ startSeconds: startSeconds + i, endSeconds: startSeconds + i + 1, text, speaker }]
        : [],
    );
  return {
    stream: "s",
    clip,
    startSeconds,
    endSeconds: startSeconds + 10,
    frames: [],
    speech: of("speech"),
    captions: of("caption"),
    screen: of("screen").map(({ speaker: _, ...read }) => ({ ...read, confidence: 100 })),
    shots: [],
    people: [],
    tiers: {},
    problems: [],
  };
}

function about(
  lines: readonly Line[],
  written: readonly string[] = [],
  counts: Record<string, number> = {},
): Context {
  return {
    observations: [seen(1, lines)],
    recent: {
      observations: [],
      entries: written.map((text) => ({ clip: 0, text, kind: "episodic" as const })),
    },
    state: { value: null, documents: 100, words: new Map(Object.entries(counts)) },
  };
}

const weighing = (values: Partial<Record<ChoiceFeature, number>>): ChoiceWeights => ({
  ...untrainedChoiceWeights,
  features: Float64Array.from(choiceFeatures, (name) => values[name] ?? 0),
});

const budget = { tokensPerWindow: 20 };
const policyWith = (weights: ChoiceWeights | null) => choicePolicy({ words, budget, weights });

/** Features of each line of a context by name, before anything is picked. */
async function featuresOf(context: Context): Promise<Record<string, number>[]> {
  const options = { words, budget, weights: untrainedChoiceWeights };
  const { actions } = await choicePolicy(options).decide(context);
  const { still, told } = replayOf(context, actions[0]!, options).input.features!;
  return still.map((values, i) => ({
    ...Object.fromEntries([...values].map((value, f) => [choiceFeatures[f]!, value])),
    told: told[i]!,
  }));
}

describe("features of a line", () => {
  test("say what kind of line it is", async () => {
    const features = await featuresOf(
      about([
        { text: "I cooked rice for Maria.", kind: "speech", speaker: "Eve" },
        { text: "EXIT 12", kind: "screen" },
        { text: "Where is the train station?" },
      ]),
    );
    const of = (i: number, name: ChoiceFeature) => features[i]![name];
    const [speech, screen, question] = [0, 1, 2] as const;
    assert.deepEqual(
      choiceFeatures.slice(0, 2).map((name) => [of(speech, name), of(screen, name), of(question, name)]),
      [
        [1, 0, 0],
        [0, 1, 0],
      ],
    );
    assert.deepEqual([of(speech, "self"), of(screen, "self"), of(question, "self")], [1, 0, 0]);
    assert.deepEqual([of(speech, "name"), of(screen, "name"), of(question, "name")], [1, 0, 0]);
    assert.deepEqual([of(speech, "number"), of(screen, "number"), of(question, "number")], [0, 1, 0]);
    assert.deepEqual([of(speech, "question"), of(question, "question")], [0, 1]);
    // "Where is the train station?": 5 words, ceil(1.3 × 5) = 7 tokens, two of them content.
    assert.equal(of(question, "length"), Math.log(7) / 4);
    assert.equal(of(question, "density"), 2 / 7);
  });

  test("say how rare its words are, how often they were on offer, and how much of it one entry holds", async () => {
    const counts = { train: 19, station: 3 };
    const written = ["The train left.", "A station with a clock.", "Some violins."];
    const features = await featuresOf(
      about([{ text: "The train station." }, { text: "A violin." }], written, counts),
    );
    const { meanRarity, mostRarity, rarity, seen: before, told } = features[0]!;
    // 102 lines in all, each word once here: idf = ln(1 + (102 − df + 0.5) / (df + 0.5)) with df 20 and 4.
    const idf = (df: number) => Math.log(1 + (102 - df + 0.5) / (df + 0.5));
    const near = (a: number, b: number) => assert.ok(Math.abs(a - b) < 1e-12, `${a} against ${b}`);
    near(meanRarity!, (idf(20) + idf(4)) / 20);
    near(mostRarity!, idf(4) / 10);
    near(rarity!, (idf(20) + idf(4)) / 40);
    near(before!, Math.log(1 + 3) / 6);
    assert.equal(told, 0.5);
    assert.equal(features[1]!.seen, 0);
    // One word, never on offer before: df 1.
    near(features[1]!.meanRarity!, idf(1) / 10);
    assert.equal(features[1]!.told, 1);
  });

  test("stay within 0 and 1, sum of rarity within 2, even for a very dense line", async () => {
    const long = Array.from({ length: 200 }, (_, i) => `Word${i}x`).join(" ");
    const features = await featuresOf(
      about([{ text: long }, { text: "kettle/lid/pot/pan/spoon" }, { text: "Word0x" }], [], { word0x: 1e9 }),
    );
    assert.deepEqual([features[1]!.density, features[2]!.seen], [1, 1]);
    for (const [name, value] of Object.entries(features[0]!))
      assert.ok(
        value >= 0 && value <= (name === "rarity" ? 2 : name === "length" ? 1.5 : 1),
        `${name} ${value}`,
      );
  });
});

describe("a policy with weights", () => {
  const lines: Line[] = [
    { text: "A violin lies on the table." },
    { text: "The train leaves at 7:05.", kind: "speech", speaker: "Eve" },
    { text: "Somebody opens the heavy garage door." },
  ];

  test("decides as the shipped policy with the untrained weights, in any draw", async () => {
    const context = about(lines, ["The garage door."]);
    const [weighed, shipped] = await Promise.all(
      [untrainedChoiceWeights, null].map((weights) =>
        policyWith(weights).decide(context, { n: 20, random: seededRandom("w = 0") }),
      ),
    );
    const plain = ({ actions }: NonNullable<typeof weighed>) =>
      actions.map(({ revision: _, ...rest }) => rest);
    assert.deepEqual(plain(weighed!), plain(shipped!));
  });

  test("prefers the lines that its weights prefer", async () => {
    const first = async (weights: ChoiceWeights) => {
      const { actions } = await policyWith(weights).decide(about(lines));
      return actions[0]!.logprobs!.tokens[0];
    };
    assert.equal(await first(weighing({ speech: 9 })), "Eve: The train leaves at 7:05.");
    assert.equal(await first(weighing({ speech: -9, length: 9 })), "Somebody opens the heavy garage door.");
  });

  test("has its own revision, the same for the same weights", () => {
    const revisions = [null, weighing({ speech: 1 }), weighing({ speech: 1 }), weighing({ speech: 2 })].map(
      (weights) => policyWith(weights).revision,
    );
    assert.equal(revisions[1], revisions[2]);
    assert.equal(new Set(revisions).size, 3);
  });
});

describe("a file of weights", () => {
  const weights = { ...weighing({ speech: 0.1 + 0.2, told: -1e-17 }), sharpness: Math.PI };

  test("survives the round trip to the last bit", () => {
    const read = parseChoiceWeights(formatChoiceWeights(weights), "w.json");
    assert.deepEqual(read, weights);
    assert.equal(choiceWeightsRevision(read), choiceWeightsRevision(weights));
  });

  test("that an earlier version wrote is read", () => {
    const written = weighing({ speech: 0.5 });
    const zeros = choiceFeatures.filter((name) => name !== "speech").map((name) => [name, 0] as const);
    const file = {
      ...{ kind: "choice-weights@1", revision: "b851d5fb7205", sharpness: 2 },
      features: { speech: 0.5, ...Object.fromEntries(zeros) },
    };
    assert.deepEqual(parseChoiceWeights(JSON.stringify(file), "w.json"), { ...written, sharpness: 2 });
  });

  test("is refused where it is broken, of another kind, or changed", () => {
    const text = formatChoiceWeights(weights);
    const refused = (changed: string, why: RegExp) =>
      assert.throws(
        () => parseChoiceWeights(changed, "w.json"),
        (error) => error instanceof DataError && error.code === "weights-broken" && why.test(error.message),
      );
    refused(text.slice(0, -20), /w\.json .* no JSON/);
    refused("null", /kind/);
    refused('{"kind": "choice-weights@1"}', /speech is undefined and no number/);
    refused(text.replace("choice-weights@1", "choice-weights@2"), /kind is "choice-weights@2"/);
    refused(text.replace('"speech": 0.30000000000000004', '"speech": "much"'), /speech/);
    // No number of JSON, and more than a number can be.
    refused(text.replace('"speech": 0.30000000000000004', '"speech": 1e999'), /speech is .* and no number/);
    refused(text.replace('"speech": 0.30000000000000004', '"speech": 0.3'), /revision/);
    refused(text.replace('"speech"', '"speach"'), /weighs speach/);
    refused(text.replace(/"sharpness": [\d.]+/, '"sharpness": -1'), /sharpness is -1/);
    refused(text.replace(/"sharpness": [\d.]+/, '"sharpness": 0'), /sharpness is 0/);
  });
});
