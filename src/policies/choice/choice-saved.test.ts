/** Tokens saved for what is asked about: bursts of it are kept, and as much is kept in all. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { observationOf } from "../../../test/support/memory.ts";
import type { VectorAdapter } from "../../adapter/adapter.ts";
import { createAdapter } from "../../adapter/arithmetic.ts";
import { wordSpace } from "../../engines/local/words.ts";
import type { Observation } from "../../perception/observation.ts";
import { watchAgain } from "../watch-again.ts";
import { choicePolicy } from "./choice.ts";
import { type DrawInput, defaultChoiceParameters, drawItems } from "./choice-draw.ts";

const weighing = (weight: number): VectorAdapter => {
  const { index, sign } = wordSpace.bucket(wordSpace.stems("soup")[0]!);
  return createAdapter(wordSpace.id, wordSpace.dimension, [[index, sign * weight]]);
};

/** Sixty windows of eight lines of different words; in every tenth all lines are about soup. */
const stream: Observation[] = Array.from({ length: 180 }, (_, clip) => {
  const window = Math.floor(clip / 3);
  const speech = Array.from({ length: clip % 3 === 2 ? 2 : 3 }, (_, line) => {
    const [a, b, c, d] = Array.from({ length: 4 }, (_, k) => `thing${(clip * 7 + line * 31 + k * 13) % 97}`);
    const startSeconds = clip * 10 + line;
    const about = window % 10 === 5 ? "soup" : "train";
    const text = `${a} ${b} with ${about} and ${c} near ${d}`;
    return { startSeconds, endSeconds: startSeconds + 1, text, speaker: null };
  });
  return observationOf("kitchen", clip, { tiers: {}, speech });
});

async function kept(adapter: VectorAdapter | null) {
  const policy = choicePolicy({ words: wordSpace, adapter });
  const { decisions } = await watchAgain(policy, [stream], {});
  const lines = decisions.flatMap(({ action }) => action.statements.map(({ text }) => text));
  return {
    soup: lines.filter((text) => text.includes("soup")).length,
    tokens: lines.reduce((total, text) => total + wordSpace.countTokens(text), 0),
  };
}

test("a burst of lines that hold a raised word is kept, at no more tokens in all", async () => {
  const without = await kept(null);
  const withIt = await kept(weighing(2));
  assert.ok(withIt.soup >= 1.5 * without.soup, `${without.soup} of soup became ${withIt.soup}`);
  // What is still saved at the end, at most 120 of about 2,400 tokens, is not spent.
  const ratio = withIt.tokens / without.tokens;
  assert.ok(ratio > 0.93 && ratio <= 1, `${ratio} of the tokens`);
});

test("a window that fits is kept whole, and nothing of it is saved", async () => {
  const quiet = stream.map((clip) => ({
    ...clip,
    speech: clip.speech.slice(0, clip.clip % 3 === 0 ? 1 : 0),
  }));
  for (const adapter of [null, weighing(2)]) {
    const { decisions } = await watchAgain(choicePolicy({ words: wordSpace, adapter }), [quiet], {});
    assert.equal(decisions.flatMap(({ action }) => action.statements).length, 60);
  }
});

test("a word that was asked about once or twice raises nothing, so nothing is saved", async () => {
  const [without, asked] = [await kept(null), await kept(weighing(Math.log(3)))];
  assert.equal(asked.tokens, without.tokens);
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
