import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { observationOf } from "../../../test/support/memory.ts";
import { type GenerateRequest, type Model, noCost, unknownLimits } from "../../engine.ts";
import { wordSpace } from "../../engines/local/index.ts";
import type { Observation, Utterance } from "../../perception/observation.ts";
import type { Context } from "../../policy/policy.ts";
import { seededRandom } from "../../util/random.ts";
import { type ModelPolicyOptions, modelPolicy } from "./model-policy.ts";
import { forSentence, namesAnyOf, sentenceAction } from "./one-sentence.ts";
import { isQuoted, isTextAlone, quotedAction } from "./quoted-action.ts";

type Write = (request: GenerateRequest, call: number) => string;

/** A small model in this process; `cut` says that an answer stopped at its limit. It sees no pictures. */
function smallModel(write: Write, cut = false): Model & { readonly requests: GenerateRequest[] } {
  const requests: GenerateRequest[] = [];
  const can = { images: false, video: false, jsonSchema: true, samples: true, logprobs: true };
  return {
    id: "small",
    requests,
    capabilities: async () => ({ ...can, ...unknownLimits }),
    cost: () => noCost,
    generate: async (request) => {
      const text = write(request, requests.push(request) - 1);
      const finish = cut ? ("length" as const) : ("stop" as const);
      const completion = { text, thinking: null, finish, tokens: null };
      const completions = Array.from({ length: request.n ?? 1 }, () => completion);
      return { completions, cost: { ...noCost, calls: 1 } };
    },
  };
}

/** Whether the form is asked for. */
const isForm = ({ schema }: GenerateRequest) => schema !== undefined;
const form = '{"description":"…"}';
/** A model that copies the form and otherwise writes `sentence`. */
const copies = (sentence: string, cut = false) =>
  smallModel((request) => (isForm(request) ? form : sentence), cut);

const policyOf = (model: Model, options: Partial<ModelPolicyOptions> = {}) =>
  modelPolicy({ model, countTokens: wordSpace.countTokens, words: wordSpace, ...options });

const says = (speaker: string | null, text: string): Utterance => ({
  ...{ startSeconds: 1, endSeconds: 2, text, speaker },
});
const suitcase = [
  says("Mara", "I put the blue suitcase under the stairs."),
  says("Jonas", "Good. The train to Bergen leaves at 7."),
];

const heard = (
  speech: Utterance[],
  more: Partial<Observation> = {},
  entries: readonly string[] = [],
): Context => ({
  observations: [observationOf("home", 1, { frames: [], speech, tiers: {}, ...more })],
  recent: {
    observations: [],
    entries: entries.map((text) => ({ clip: 0, kind: "episodic" as const, text })),
  },
  state: { value: null, documents: 0, words: new Map() },
});

const textsOf = async (model: Model, context = heard(suitcase)) => {
  const { actions } = await policyOf(model).decide(context);
  return actions[0]!.statements.map(({ text }) => text);
};

describe("a model that cannot fill in the form", () => {
  const first = "Mara says that she put the blue suitcase under the stairs.";

  test("is asked for a sentence about the clip alone, from then on at once, and that is told once", async () => {
    const model = copies(first);
    const policy = policyOf(model);
    const { actions, cost } = await policy.decide(heard(suitcase, {}, ["An earlier memory."]));
    assert.deepEqual(
      actions[0]!.statements.map(({ text, speakers }) => [text, speakers]),
      [[first, ["Mara"]]],
    );
    assert.match(
      actions[0]!.leftOut!,
      /^small cannot fill in the form of a memory: it is asked for a sentence/,
    );
    // The form, the made-up clip, a sentence.
    assert.deepEqual(model.requests.map(isForm), [true, true, false]);
    assert.equal(cost.calls, 3);
    const { system, parts, sampling } = model.requests.at(-1)!;
    assert.ok(!JSON.stringify([system, parts]).includes("An earlier memory."));
    assert.deepEqual([sampling!.temperature, sampling!.maxTokens], [0, 150]);
    const next = await policy.decide(heard(suitcase));
    assert.deepEqual([next.cost.calls, next.actions[0]!.leftOut], [1, undefined]);
    assert.notEqual(next.actions[0]!.revision, policy.revision);
  });

  test("is asked for the form where it samples with log-probabilities, and is not asked again without attempts", async () => {
    const model = copies(first);
    await policyOf(model).decide(heard(suitcase));
    const before = model.requests.length;
    const random = seededRandom("draw");
    const drawn = await policyOf(model).decide(heard(suitcase), { random });
    const { actions } = await policyOf(model, { attempts: 0 }).decide(heard(suitcase));
    assert.ok(model.requests.slice(before).every(isForm));
    for (const action of [...drawn.actions, ...actions]) assert.equal(action.issues.length, 1);
  });

  test("is asked no more often than it may be", async () => {
    const model = copies("");
    const { actions, cost } = await policyOf(model, { attempts: 1 }).decide(heard(suitcase));
    // The form, the made-up clip, one sentence.
    assert.deepEqual([cost.calls, isQuoted(actions[0]!)], [3, true]);
  });

  test("that says an earlier memory again has told nothing new: the clip is quoted", async () => {
    const { actions } = await policyOf(copies(first)).decide(heard(suitcase, {}, [first]));
    assert.deepEqual([isQuoted(actions[0]!), actions[0]!.statements.length], [true, 1]);
  });

  test("is asked a second time, not greedily, before the clip is quoted", async () => {
    const model = copies("");
    const policy = policyOf(model, { sampling: { temperature: 0 } });
    await policy.decide(heard(suitcase));
    const { cost } = await policy.decide(heard(suitcase));
    const [one, two] = model.requests.slice(-2).map(({ sampling }) => sampling!.temperature);
    assert.deepEqual([cost.calls, one, two], [2, 0, 0.6]);
    const warm = policyOf(model, { sampling: { temperature: 0.3 } });
    await warm.decide(heard(suitcase));
    assert.deepEqual(
      model.requests.slice(-2).map(({ sampling }) => sampling!.temperature),
      [0.3, 0.3],
    );
  });
});

describe("a model that fills in the form of the made-up clip", () => {
  const report = JSON.stringify({ description: "Mara put the blue suitcase under the stairs." });
  const doctor = heard([says("Jonas", "Doctor Lind moved the appointment to Thursday.")]);
  const isMadeUp = ({ parts }: GenerateRequest) => JSON.stringify(parts).includes("suitcase");

  test("is told what was wrong, at last asked for a sentence, and keeps the form for the next clip", async () => {
    const model = smallModel((request) => {
      if (isMadeUp(request)) return report;
      return isForm(request) ? form : "Jonas says Doctor Lind moved the appointment to Thursday.";
    });
    const { actions } = await policyOf(model).decide(doctor);
    assert.deepEqual(model.requests.map(isForm), [true, true, true, false]);
    assert.equal(actions[0]!.statements.length, 1);
    assert.equal(actions[0]!.leftOut, undefined);
    await policyOf(model).decide(doctor);
    // It is given the made-up clip once.
    assert.deepEqual(model.requests.slice(4).map(isForm), [true, true, false]);
  });

  test("is not given the made-up clip while it writes about the clip", async () => {
    const fits = JSON.stringify({ description: "Doctor Lind moved the appointment." });
    const model = smallModel(() => fits);
    assert.deepEqual(await textsOf(model, doctor), ["Doctor Lind moved the appointment."]);
    assert.equal(model.requests.length, 1);
  });

  test("may write a memory in other words than the clip's", async () => {
    const german = JSON.stringify({ description: "Der Arzttermin ist jetzt am Donnerstag." });
    const model = smallModel((request) => (isMadeUp(request) ? report : german));
    assert.deepEqual(await textsOf(model, doctor), ["Der Arzttermin ist jetzt am Donnerstag."]);
    assert.equal(model.requests.length, 2);
  });
});

test("a form that is filled in with other things than the clip's, in both clips, is not kept", async () => {
  const other = JSON.stringify({ description: "The next answer is used, and you may change it." });
  const model = smallModel((request) => (isForm(request) ? other : "The train to Bergen leaves at 7."));
  assert.deepEqual(await textsOf(model), ["The train to Bergen leaves at 7."]);
});

describe("of a free answer is kept", () => {
  const kept: readonly [string, string, string][] = [
    [
      "the beginning of a loop",
      "The suitcase is under the stairs. The suitcase is under the stairs.",
      "The suitcase is under the stairs.",
    ],
    [
      "what is said before a made-up rest",
      "Jonas says the train leaves at 7. It is a lovely day in the park.",
      "Jonas says the train leaves at 7.",
    ],
    [
      "a sentence without its label and time",
      "The sentence is: [00:00:01] The suitcase is under the stairs.",
      "The suitcase is under the stairs.",
    ],
    ["a sentence of one word that was said", "It is the suitcase.", "It is the suitcase."],
    [
      "both of two",
      "Mara put the suitcase under the stairs. Jonas says the train to Bergen leaves at 7.",
      "Mara put the suitcase under the stairs. Jonas says the train to Bergen leaves at 7.",
    ],
  ];
  for (const [what, answer, text] of kept)
    test(what, async () => {
      assert.deepEqual(await textsOf(copies(answer)), [text]);
    });

  test("a sentence with a title, and one of a script without blanks", async () => {
    const doctor = heard([says("Jonas", "Dr. Lind moved it to Thursday.")]);
    assert.deepEqual(await textsOf(copies("Dr. Lind moved it to Thursday. He likes it."), doctor), [
      "Dr. Lind moved it to Thursday.",
    ]);
    const library = heard([says("王芳", "明天下午三点我们在图书馆见面。")]);
    assert.deepEqual(await textsOf(copies("王芳说明天下午三点在图书馆见面。今天天气很好。"), library), [
      "王芳说明天下午三点在图书馆见面。",
    ]);
  });

  // What SmolLM2-135M wrote, greedily.
  const written: readonly [string, Utterance[], string, string][] = [
    [
      "German",
      [
        says("Anna", "Der Schlüssel liegt unter der Matte."),
        says("Karl", "Gut, ich komme um acht nach Hause."),
      ],
      'The sentence is: "Der Schlüssel liegt unter der Matte."',
      "Der Schlüssel liegt unter der Matte.",
    ],
    [
      "Spanish",
      [says("Lucía", "El perro comió los zapatos de la abuela otra vez.")],
      "El perro comió los zapatos de la abuela otra vez.",
      "El perro comió los zapatos de la abuela otra vez.",
    ],
    [
      "Chinese",
      [says("王芳", "明天下午三点我们在图书馆见面。")],
      "<stream>\n[00:00:01] 王芳: 明天下午三点我们在图书馆见面。\n</stream>",
      "王芳: 明天下午三点我们在图书馆见面。",
    ],
    [
      "a tale, which is quoted",
      [says(null, "When the miller died, the youngest got nothing but the cat.")],
      "The cat was the only one left.",
      "“When the miller died, the youngest got nothing but the cat.”",
    ],
  ];
  for (const [language, lines, answer, text] of written)
    test(`a line of ${language}`, async () => {
      assert.deepEqual(await textsOf(copies(answer), heard(lines)), [text]);
    });

  const quoted = [
    "Mara: “I put the blue suitcase under the stairs.” Jonas: “Good. The train to Bergen leaves at 7.”",
  ];
  const refused: readonly [string, string][] = [
    ["an invention", "The young man walks his dog in the park."],
    ["a number that was not said", "The train to Bergen leaves at 8."],
    ["another's words", "Mara says that the train to Bergen leaves at 7."],
    ["a refusal", "I'm sorry, I cannot help with the suitcase."],
    ["a thought without an end", "<think>The suitcase is under the stairs."],
  ];
  for (const [what, answer] of refused)
    test(`nothing of ${what}: the clip is quoted`, async () => {
      assert.deepEqual(await textsOf(copies(answer)), quoted);
    });

  test("nothing of a first sentence that is cut", async () => {
    assert.deepEqual(await textsOf(copies("The blue suitcase is under the", true)), quoted);
  });
});

describe("a clip of text alone of which nothing usable is written", () => {
  const nonsense = () => copies("la la la");

  test("is quoted, says so and why, and its memory is marked", async () => {
    const policy = policyOf(nonsense());
    const { actions } = await policy.decide(heard(suitcase));
    const [{ revision, leftOut, issues, statements }] = actions as [(typeof actions)[0]];
    assert.equal(revision, `${policy.revision}+quote`);
    assert.deepEqual(
      [isQuoted(actions[0]!), isQuoted({ ...actions[0]!, revision: policy.revision })],
      [true, false],
    );
    assert.match(leftOut!, /^The clip is quoted, since small wrote nothing usable about it \(.+\)\. /);
    assert.deepEqual(
      [issues, statements[0]!.speakers, statements[0]!.sources.length],
      [[], ["Mara", "Jonas"], 2],
    );
  });

  test("is quoted no longer than a memory may be, and says what is left out", async () => {
    const words = Array.from({ length: 60 }, (_, i) => `word${i}`).join(" ");
    const lines = [says(null, `One ${words}.`), says(null, `Two ${words}.`), says(null, "Three.")];
    const { actions } = await policyOf(nonsense()).decide(heard(lines));
    assert.equal(actions[0]!.statements[0]!.text, `“One ${words}.”`);
    assert.match(actions[0]!.leftOut!, / 2 more lines are left out\./);
    const long = await policyOf(nonsense()).decide(heard([says(null, `${words} ${words} ${words}`)]));
    const { text } = long.actions[0]!.statements[0]!;
    assert.match(text, /^“word0 .*…”$/);
    assert.ok(wordSpace.countTokens(text) <= 150, text);
  });

  test("has nothing new to keep where an earlier memory is the same quote", async () => {
    const quote = "Mara: “Good morning.”";
    const { actions } = await policyOf(nonsense()).decide(
      heard([says("Mara", "Good morning.")], {}, [quote]),
    );
    assert.deepEqual([actions[0]!.statements, actions[0]!.issues], [[], []]);
  });

  test("fails where it has pictures, which a later run may see", async () => {
    const frames = [{ atSeconds: 0, width: 4, height: 2, jpeg: Uint8Array.of(1) }];
    const { actions } = await policyOf(nonsense()).decide(heard(suitcase, { frames }));
    assert.deepEqual([actions[0]!.statements, actions[0]!.issues.length], [[], 1]);
  });
});

describe("a free answer about a clip", () => {
  const frames = [{ atSeconds: 0, width: 4, height: 2, jpeg: Uint8Array.of(1) }];
  const asked = { memories: [], wording: "", mayRepeat: false, mayBeEmpty: false };
  const kept = (
    text: string,
    context = heard(suitcase),
    { isCompared = true, finish = "stop" as "stop" | "length" } = {},
  ) => {
    const completion = { text, thinking: null, finish, tokens: null };
    const { statements, issues } = sentenceAction(completion, context, {
      ...{ asked, semantic: false, countTokens: wordSpace.countTokens, revision: "r" },
      ...{ shown: context.observations[0]!, words: isCompared ? wordSpace : undefined },
    });
    assert.equal(issues.length, statements.length === 0 ? 1 : 0);
    return statements[0]?.text ?? null;
  };

  test("is kept where seven tenths of its words were said", () => {
    // Of ten words seven were said.
    const said = "Suitcase, stairs, blue, train, Bergen, leaves, good";
    assert.equal(kept(`${said}, dog, park, rain.`), `${said}, dog, park, rain.`);
    assert.equal(kept(`${said}, dog, park, rain, sun.`), null);
    assert.equal(kept("It is what it is."), null, "no word that could have been said");
  });

  test("may say of a speaker what half of that speaker's own words bear out, of two a quarter each", () => {
    // Mara, suitcase; train, Bergen.
    assert.equal(kept("Mara: suitcase, train, Bergen."), "Mara: suitcase, train, Bergen.");
    assert.equal(kept("Mara: suitcase, train, Bergen, good."), null);
    const both = "Mara put the suitcase under the stairs, Jonas says the train to Bergen leaves at 7.";
    assert.equal(kept(both), both);
  });

  test("is compared with nothing where there are pictures, or no words to compare", () => {
    const seen = heard(suitcase, { frames });
    assert.equal(kept("A dog runs.", seen), "A dog runs.");
    assert.equal(kept("A dog runs.", heard(suitcase), { isCompared: false }), "A dog runs.");
    assert.equal(kept("A dog runs. ".repeat(12), seen), null, "a loop is refused whole");
  });

  test("has three sentences at most, and none that was cut", () => {
    const [a, b, c] = ["The blue suitcase is there.", "The stairs are good.", "The train leaves."] as const;
    assert.equal(kept(`${a} ${b} ${c} Bergen at 7.`), `${a} ${b} ${c}`);
    assert.equal(kept(`${a} The stairs`, heard(suitcase), { finish: "length" }), a);
    assert.equal(kept("The blue suitcase is there"), "The blue suitcase is there", "whole without a stop");
  });

  test("is asked for without knowledge, earlier clips and memories", () => {
    const context = heard(suitcase, {}, ["An earlier memory."]);
    const options = { semantic: true, countTokens: wordSpace.countTokens };
    const asks = forSentence({ context, options });
    assert.deepEqual(asks.context.recent, { observations: [], entries: [] });
    assert.deepEqual([asks.options.semantic, asks.context.observations], [false, context.observations]);
  });

  test("names the clip where a statement shares a word with it; pictures and silence say nothing", () => {
    const names = (texts: readonly string[], context = heard(suitcase)) =>
      namesAnyOf({ statements: texts.map((text) => ({ text })) } as never, context, wordSpace);
    assert.deepEqual(
      [names(["A suitcase."]), names(["A dog and a suitcase."]), names(["A dog."])],
      [true, true, false],
    );
    assert.equal(names(["A dog.", "A suitcase."]), true);
    assert.equal(names(["Mara."]), false, "who speaks is no word of the clip");
    assert.deepEqual([names([]), names(["A dog."], heard(suitcase, { frames }))], [true, true]);
    assert.equal(namesAnyOf({ statements: [{ text: "A dog." }] } as never, heard(suitcase), undefined), true);
  });
});

describe("a quote", () => {
  const quoteOf = (lines: Utterance[], countTokens: (text: string) => number = ({ length }) => length) =>
    quotedAction(heard(lines), { revision: "r", countTokens, why: "it failed" });
  const text = (action: ReturnType<typeof quoteOf>) => action.statements[0]!.text;

  test("holds as many lines as a memory may be long, and the first whatever its speaker's name", () => {
    // Each character counts as a token, and a line has two marks around it: 100 and 50, a blank between.
    const [long, fits] = ["x".repeat(97), "y".repeat(48)];
    const exact = quoteOf([says(null, long), says(null, fits)]);
    assert.equal(text(exact), `“${long}” “${fits}”`);
    assert.equal(text(exact).length, 150);
    assert.ok(!/left out/.test(exact.leftOut!), exact.leftOut);
    const more = quoteOf([says(null, long), says(null, `${fits}y`)]);
    assert.equal(text(more), `“${long}”`);
    assert.match(more.leftOut!, /, since it failed\. 1 more line is left out\.$/);
    const named = quoteOf([says("N".repeat(80), long)]);
    assert.equal(text(named), `${"N".repeat(80)}: “${long}”`);
  });

  test("holds a line of just that length whole, and of a longer one the beginning", () => {
    assert.equal(text(quoteOf([says(null, "z".repeat(150))])), `“${"z".repeat(150)}”`);
    // 0.95 · 150 of its characters, up to a whole word.
    assert.equal(text(quoteOf([says(null, "ab ".repeat(60).trim())])), `“${"ab ".repeat(47).trim()}…”`);
  });

  test("is of a clip that has text and no pictures", () => {
    const frames = [{ atSeconds: 0, width: 4, height: 2, jpeg: Uint8Array.of(1) }];
    const isAlone = (speech: Utterance[], more: Partial<Observation> = {}) =>
      isTextAlone(heard(speech, more).observations[0]!);
    assert.deepEqual([isAlone(suitcase), isAlone([]), isAlone(suitcase, { frames })], [true, false, false]);
  });
});
