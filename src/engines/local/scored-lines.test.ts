/** What scores of lines tell the reader without a model: made-up lines, as an encoder that reads question and line would score them. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { letterOptions } from "../../tasks/task.ts";
import { entry, type Line } from "./__fixtures__/said.ts";
import { lexicalReader } from "./lexical-reader.ts";
import { wordSpace } from "./words.ts";

const reader = lexicalReader({ words: wordSpace });

/**
 * Reads lines with scores by the seconds at which they were said.
 * @param near cosines of other texts to a text, 0.1 where none is given @default none are compared
 */
const scored = (
  question: string,
  scores: Readonly<Record<number, number>>,
  lines: readonly Line[],
  options: readonly string[] = [],
  near?: Readonly<Record<string, number>>,
) =>
  reader.read({
    question: { text: question, options: letterOptions(options) },
    recalled: lines.map(([text, atSeconds, score], i) => ({
      entry: entry(text, atSeconds),
      score: { total: 1 / (i + 1), vector: { rank: i + 1, score, byMeaning: true as const } },
    })),
    rendered: "",
    gaps: [],
    lineScores: async () =>
      new Map(Object.entries(scores).map(([atSeconds, score]) => [`e${atSeconds}`, score])),
    ...(near && {
      likeness: async (_: string, others: readonly string[]) => others.map((one) => near[one] ?? 0.1),
    }),
  });

describe("a line that is read with the question", () => {
  const lines: Line[] = [
    ["Ann: The walls come first, I think.", 10, 0.45],
    ["Bob: We start early.", 100, 0.44],
    ["Ann: What do we paint first?", 200, 0.4],
  ];
  const question = "Which surface is painted at the beginning?";

  test("answers where it scores well and leads, in words that the question lacks", async () => {
    assert.deepEqual((await scored(question, { 10: 12, 100: 3 }, lines)).cited, ["e10"]);
    assert.ok((await scored(question, { 10: 4, 100: -3 }, lines)).abstained);
    assert.ok((await scored(question, { 10: 12, 100: 10 }, lines)).abstained, "another is as good");
    assert.ok((await scored(question, {}, lines)).abstained, "nothing was scored");
    const two: Line[] = [["Ann: The walls come first. I have the brushes.", 10, 0.45]];
    assert.match((await scored(question, { 10: 12 }, two)).answer, /walls come first\..*brushes/s);
  });

  test("is told with what was said beside it and scores nearly as well, which is no rival", async () => {
    const talk: Line[] = [
      ["Ann: The walls come first, I think.", 10, 0.45],
      ["Ann: White ones, with a broad brush.", 16, 0.4],
      ["Bob: My knee hurts.", 20, 0.4],
      ["Bob: We start early.", 100, 0.44],
    ];
    const { cited } = await scored(question, { 10: 9, 16: 8, 20: 0, 100: 5 }, talk);
    assert.deepEqual(cited, ["e10", "e16"]);
    assert.ok((await scored(question, { 10: 9, 16: 8, 20: 0, 100: 7 }, talk)).abstained, "of other talk");
  });

  test("is no question, is of somebody who is named, and holds a number where one is asked for", async () => {
    assert.deepEqual((await scored(question, { 10: 12, 200: 20 }, lines)).cited, ["e10"]);
    assert.ok((await scored("Which surface does Cleo begin with?", { 10: 12 }, lines)).abstained);
    assert.ok((await scored("How many surfaces are painted at the beginning?", { 10: 12 }, lines)).abstained);
  });

  test("takes the place of what was near in meaning and scores far less, which does not answer then", async () => {
    const near: Line[] = [
      ["Ann: The first step really needs to be a list.", 10, 0.56],
      ["Ann: Begin with the roof.", 300, 0.3],
    ];
    const asked = "What does Ann recommend to begin with: which step?";
    assert.deepEqual((await scored(asked, { 10: 2, 300: 4 }, near)).cited, ["e10"]);
    assert.deepEqual((await scored(asked, { 10: 2, 300: 14 }, near)).cited, ["e300"]);
    assert.ok((await scored(asked, { 10: -9, 300: 2 }, near)).abstained);
    assert.deepEqual((await scored(asked, { 300: 2 }, near)).cited, ["e10"], "it was not scored");
  });
});

describe("options and scores", () => {
  const lines: Line[] = [
    ["Ann: The walls come first, I think.", 10, 0.2],
    ["Bob: The doors are next week.", 100, 0.2],
    ["Bob: It rained all morning.", 200, 0.2],
  ];
  const options = ["The walls", "The doors", "The floor", "The fence"];
  const question = "Which surface do they begin with?";

  test("the option whose words stand in the line that scores best answers, if it leads", async () => {
    const { option, cited } = await scored(question, { 10: 8, 100: 5, 200: 3 }, lines, options);
    assert.deepEqual([option, cited], ["A", ["e10"]]);
    assert.equal((await scored(question, { 10: 5, 100: 8 }, lines, options)).option, "B");
    assert.ok((await scored(question, { 10: 8, 100: 7.5 }, lines, options)).abstained, "two are as good");
    assert.ok((await scored(question, { 10: 4, 100: -3 }, lines, options)).abstained, "none scores");
  });

  test("where the best line holds no option's words, the one nearest in meaning answers", async () => {
    const others = ["The plaster", "The gates", "The lawn", "The roof"];
    const near = { "The plaster": 0.4 };
    assert.equal((await scored(question, { 10: 7 }, lines, others, near)).option, "A");
    assert.ok((await scored(question, { 10: 3 }, lines, others, near)).abstained, "it does not score");
    assert.ok((await scored(question, { 10: 7 }, lines, others, { ...near, "The roof": 0.38 })).abstained);
  });

  test("take nothing that was found by meaning and is outscored", async () => {
    const near: Line[] = [
      ["Ann: The first step really needs to be the walls.", 10, 0.5],
      ["Bob: Begin with the ladder, says Ann.", 300, 0.2],
    ];
    const asked = "What does Ann recommend to begin with, as a step?";
    const own = ["Walls", "Doors", "Ladder", "Fences"];
    assert.equal((await scored(asked, {}, near, own)).option, "A");
    assert.ok((await scored(asked, { 10: -3, 300: 1 }, near, own)).abstained);
  });
});
