import assert from "node:assert/strict";
import { test } from "node:test";
import { write } from "./whisper-decode.ts";
import { whisperTokens } from "./whisper-tokens.ts";

const letters = ["Ġhe", "llo", "Ġyou", "."];
const times = Array.from({ length: 1501 }, (_, i) => `<|${(i / 50).toFixed(2)}|>`);
const special = ["<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|transcribe|>", "<|nospeech|>"];
const vocabulary = [...letters, ...special, ...times].join("\n");
const tokens = whisperTokens(`${vocabulary}\n`);
const at = (seconds: number) => tokens.firstTime + Math.round(seconds * 50);

/** Steps that score the given tokens highest, one after the other, whatever is written. */
async function writing(wanted: readonly number[], options = {}) {
  const taken: number[] = [];
  const step = async (token: number) => {
    taken.push(token);
    const scores = new Float32Array(letters.length + special.length + times.length).fill(-10);
    scores[wanted[taken.length - 1] ?? tokens.end] = 10;
    return scores;
  };
  const written = await write(step, {
    ...{ tokens, language: null, suppressed: [], suppressedFirst: [], seconds: 5, mostTokens: 40 },
    ...options,
  });
  return { ...written, taken };
}

test("text between two times is a segment", async () => {
  const { segments, loops, meanLogprob } = await writing([at(0.5), 0, 1, 3, at(2), at(2), 2, 3, at(4.98)]);
  assert.deepEqual(segments, [
    { startSeconds: 0.5, endSeconds: 2, text: "hello." },
    { startSeconds: 2, endSeconds: 4.98, text: "you." },
  ]);
  assert.equal(loops, false);
  assert.ok(meanLogprob > -0.01);
});

test("a text begins with a time of the first second, and times do not go back or beyond the sound", async () => {
  const [first] = (await writing([0, 0, 3, at(2)])).segments;
  assert.equal(first!.startSeconds <= 1, true);
  const { taken } = await writing([at(0), 0, 3, at(9), at(3)]);
  assert.ok(!taken.includes(at(9)));
  const back = await writing([at(0.8), 0, 3, at(0.2)]);
  assert.ok(!back.taken.includes(at(0.2)));
});

test("a text that repeats itself is told as such, and stops", async () => {
  const { loops, taken } = await writing([at(0), ...Array.from({ length: 40 }, (_, i) => i % 2)]);
  assert.equal(loops, true);
  assert.ok(taken.length < 20);
});

test("tokens that are suppressed are not written", async () => {
  const { segments } = await writing([at(0), 0, 2, at(1)], { suppressed: [2] });
  assert.doesNotMatch(segments.map(({ text }) => text).join(), /you/);
});

test("a vocabulary without Whisper's own tokens is refused", () => {
  assert.throws(() => whisperTokens("a\nb\n"), /has no token <\|endoftext\|>/);
});

test("bytes that print as other letters are read as themselves", () => {
  // "é" is the bytes C3 A9, a line break 0A.
  const { textOf } = whisperTokens(`Ã©\nĊ\n${special.join("\n")}\n${times.join("\n")}`);
  assert.equal(textOf([0, 1, 0]), "é\né");
});
