import assert from "node:assert/strict";
import { test } from "node:test";
import { observationOf } from "../../test/support/memory.ts";
import type { Embedder } from "../engine.ts";
import { wordSpace } from "../engines/local/index.ts";
import { EngineError } from "../errors.ts";
import { encoderJudge } from "./encoder-judge.ts";
import type { RelevanceRequest } from "./judge.ts";
import { localJudge } from "./local-judge.ts";

/** Three meanings, an axis each: food, devices, people. */
const axes = [/soup|eat|cook/, /phone|charge|device/, /Ann|who/i];
const embedder: Embedder & { asked: string[] } = {
  id: "axes",
  dimension: axes.length,
  asked: [],
  async embed(texts) {
    this.asked.push(...texts);
    return texts.map((text) => {
      const parts = axes.map((axis) => Number(axis.test(text)));
      const length = Math.hypot(...parts) || 1;
      return Float32Array.from(parts, (part) => part / length);
    });
  },
};
const words = localJudge({ words: wordSpace });
const questionsOf = (...texts: string[]) => texts.map((text) => ({ text, options: [] }));
const request: RelevanceRequest = {
  context: {
    observations: [observationOf("kitchen", 0)],
    recent: { observations: [], entries: [] },
    state: { value: null, documents: 0, words: new Map() },
  },
  first: "Ann cooks soup.",
  second: "A phone is charged.",
  questions: questionsOf("What do they eat?", "Who cooks?"),
};
const preferredOf = async (asked: RelevanceRequest) => {
  const verdict = await encoderJudge({ embedder, judge: words }).relevance(asked);
  return verdict.ok ? verdict.value : verdict.reason;
};

test("the memory nearer to the questions is preferred, and each text is embedded once", async () => {
  const judge = encoderJudge({ embedder, judge: words });
  embedder.asked = [];
  for (const [first, second, value] of [
    [request.first, request.second, "first"],
    [request.second, request.first, "second"],
    [request.first, request.first, "tie"],
    ["Bob cooks.", "Bob eats.", "tie"],
  ] as const)
    assert.deepEqual(await judge.relevance({ ...request, first, second }), { ok: true, value });
  assert.equal(new Set(embedder.asked).size, embedder.asked.length);
});

test("against other questions the memory wins that is nearer to these alone", async () => {
  // Both are as near to "Who cooks?" (0.71); what tells of Ann is nearer to the others too.
  const asked = { ...request, questions: questionsOf("Who cooks?"), first: "A soup.", second: "Ann." };
  assert.equal(await preferredOf(asked), "tie");
  assert.equal(await preferredOf({ ...asked, others: questionsOf("Who was there?", "Who left?") }), "first");
});

test("an encoder that fails is a failed verdict, and truth is the other judge's", async () => {
  const broken: Embedder = {
    ...embedder,
    embed: async () => {
      throw new EngineError("unreachable", "It is down.");
    },
  };
  const judge = encoderJudge({ embedder: broken, judge: words });
  assert.deepEqual(await judge.relevance(request), {
    ...{ ok: false, reason: "engine-failed", message: "It is down." },
  });
  const memory = request.first;
  assert.deepEqual(
    await judge.quality({ context: request.context, memory }),
    await words.quality({ context: request.context, memory }),
  );
});

test("a memory is measured by the mean of its two nearest questions, less the mean of all others", async () => {
  // To what is eaten and who cooks: soup 1 and 0.71, Ann 0 and 0.71. The means are 0.5 apart.
  const asked = { ...request, first: "A soup.", second: "Ann." };
  const at = (tie: number) => encoderJudge({ embedder, judge: words, tie }).relevance(asked);
  assert.deepEqual(await at(0.6), { ok: true, value: "tie" });
  assert.deepEqual(await at(0.4), { ok: true, value: "first" });
  // A third question, farther than two, counts nothing: 0.85 for soup with it and without it.
  const farther = { ...asked, questions: questionsOf("What do they eat?", "Who cooks?", "Is the phone on?") };
  assert.deepEqual(await encoderJudge({ embedder, judge: words, tie: 0.45 }).relevance(farther), {
    ...{ ok: true, value: "first" },
  });
  // Soup 0.71 and nothing of the others; a phone nothing and a quarter of the others, whose nearest are no questions of its.
  const others = questionsOf(
    "Which phone?",
    "Which device?",
    ...Array.from({ length: 6 }, (_, i) => `It rains ${i}.`),
  );
  const against = {
    ...request,
    questions: questionsOf("Who cooks?"),
    first: "A soup.",
    second: "A phone.",
    others,
  };
  assert.equal(await preferredOf(against), "first");
});

test("a caller who gave up gets the own reason, also where there is nothing to compare", async () => {
  const signal = AbortSignal.abort(new Error("enough"));
  const judged = encoderJudge({ embedder, judge: words }).relevance({
    ...request,
    second: request.first,
    signal,
  });
  await assert.rejects(judged, /enough/);
});
