/** Tokens saved for what is asked about: bursts of it are kept, and as much is kept in all. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { observationOf } from "../../../test/support/memory.ts";
import type { VectorAdapter } from "../../adapter/adapter.ts";
import { wordSpace } from "../../engines/local/words.ts";
import type { Observation } from "../../perception/observation.ts";
import { watchAgain } from "../watch-again.ts";
import { choicePolicy } from "./choice.ts";
import { type ChoiceParameters, type DrawInput, defaultChoiceParameters, drawItems } from "./choice-draw.ts";
import { adapterFromTasks } from "./word-vector-trainer.ts";

/** A lesson of some questions, to which words are near. */
function lesson(questions: readonly string[], ...near: readonly string[]): VectorAdapter {
  const tasks = questions.map((text) => ({ question: { text, options: [] } }));
  const stems = near.flatMap(wordSpace.stems);
  return adapterFromTasks(tasks, { words: wordSpace, near: new Map(stems.map((stem) => [stem, 2])) }).adapter;
}
/** To a question that shares no word with the stream, soup is near. */
const nearSoup = lesson(["Was the stew hot?"], "soup");

/** Sixty windows of eight lines of different words; in every tenth all lines are about soup, and say this much of it. */
function streamOf(line: (topic: string, ...rare: readonly string[]) => string): Observation[] {
  return Array.from({ length: 180 }, (_, clip) => {
    const topic = Math.floor(clip / 3) % 10 === 5 ? "soup" : "train";
    const speech = Array.from({ length: clip % 3 === 2 ? 2 : 3 }, (_, i) => {
      const rare = Array.from({ length: 4 }, (_, k) => `thing${(clip * 7 + i * 31 + k * 13) % 97}`);
      const startSeconds = clip * 10 + i;
      return { startSeconds, endSeconds: startSeconds + 1, text: line(topic, ...rare), speaker: null };
    });
    return observationOf("kitchen", clip, { tiers: {}, speech });
  });
}
const stream = streamOf((topic, a, b, c, d) => `${a} ${b} with ${topic} and ${c} near ${d}`);

/** Three lines of the eight that a window holds. */
const budget = { fraction: 0.2, floorTokens: 40 };

async function kept(
  adapter: VectorAdapter | null,
  { from = stream, parameters = {} }: { from?: Observation[]; parameters?: Partial<ChoiceParameters> } = {},
) {
  const policy = choicePolicy({ words: wordSpace, adapter, parameters, budget });
  const { decisions } = await watchAgain(policy, [from], {});
  const lines = decisions.flatMap(({ action }) => action.statements.map(({ text }) => text));
  return {
    lines,
    soup: lines.filter((text) => text.includes("soup")).length,
    tokens: lines.reduce((total, text) => total + wordSpace.countTokens(text), 0),
  };
}

test("a burst of lines that hold a near word is kept, at no more tokens in all", async () => {
  const without = await kept(null);
  const withIt = await kept(nearSoup);
  assert.ok(withIt.soup >= 1.5 * without.soup, `${without.soup} of soup became ${withIt.soup}`);
  // What is still saved at the end, at most 60 of about 2,400 tokens, is not spent.
  const ratio = withIt.tokens / without.tokens;
  assert.ok(ratio > 0.96 && ratio <= 1, `${ratio} of the tokens`);
});

test("nothing is bought for lines of fewer than three content words", async () => {
  const short = streamOf((topic, a, ...rest) =>
    topic === "soup" ? `the ${topic} and ${a}` : `${a} ${topic} ${rest.join(" ")}`,
  );
  const longer = streamOf((topic, a, b) => `the ${topic} and ${a} ${b}`);
  const more = async (from: Observation[]) =>
    (await kept(nearSoup, { from })).soup - (await kept(null, { from })).soup;
  assert.ok((await more(short)) <= 0);
  // Of 34 that are kept without it.
  assert.ok((await more(longer)) >= 10);
});

test("a near word does not weigh in the choice, and one that was asked about weighs as without it", async () => {
  const unsaved = { parameters: { savedShare: 0 } };
  const [without, near] = [await kept(null, unsaved), await kept(nearSoup, unsaved)];
  assert.deepEqual(near.lines, without.lines);
  // Beside soup each line holds the same; a word asked about moves the choice within a window.
  const asked = ["Where is thing5?", "Who has thing5?"];
  const [alone, both] = [await kept(lesson(asked), unsaved), await kept(lesson(asked, "thing5"), unsaved)];
  assert.notDeepEqual(alone.lines, without.lines);
  assert.deepEqual(both.lines, alone.lines);
});

test("a window that fits is kept whole, and nothing of it is saved", async () => {
  const quiet = stream.map((clip) => ({
    ...clip,
    speech: clip.speech.slice(0, clip.clip % 3 === 0 ? 1 : 0),
  }));
  for (const adapter of [null, nearSoup]) {
    const { decisions } = await watchAgain(choicePolicy({ words: wordSpace, adapter }), [quiet], {});
    assert.equal(decisions.flatMap(({ action }) => action.statements).length, 60);
  }
});

test("nothing is saved where no near word is known, however often a word was asked about", async () => {
  const often = Array.from({ length: 20 }, (_, i) => `Was the soup hot at ${i}:00?`);
  assert.deepEqual(
    (await kept(lesson(often))).lines,
    (await kept(lesson(often), { parameters: { savedShare: 0 } })).lines,
  );
});

test("saved tokens buy raised items alone, and those come out of them first", () => {
  const items = [6, 6, 6].map((tokens, i) => ({ tokens, trust: 1, words: [i] }));
  const input: DrawInput = {
    items,
    idf: Float64Array.of(3, 2, 1),
    task: new Float64Array(3),
    said: new Uint8Array(3),
    budget: 12,
    onCredit: false,
    parameters: defaultChoiceParameters,
  };
  const saved = (tokens: number, ...raised: number[]) => ({ tokens, raised: Uint8Array.from(raised) });
  assert.deepEqual(drawItems(input).picks, [0, 1]);
  // Of 12 tokens 6 are saved: one item fits, and the raised one besides it.
  assert.deepEqual(drawItems({ ...input, saved: saved(6, 0, 0, 1) }).picks, [0, 2]);
  assert.deepEqual(drawItems({ ...input, saved: saved(6, 0, 0, 0) }).picks, [0]);
  // What is bought with saved tokens leaves the others to the rest.
  assert.deepEqual(drawItems({ ...input, saved: saved(6, 1, 0, 0) }).picks, [0, 1]);
});
