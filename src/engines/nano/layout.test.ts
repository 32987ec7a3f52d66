import assert from "node:assert/strict";
import { test } from "node:test";
import { answerSlots, lineWords, textLength, textSlots } from "./layout.ts";
import { encode, encodeContent, end, none, pad, start, tokens } from "./vocabulary.ts";

const wordsOf = (slots: Int32Array) =>
  Array.from({ length: slots.length / lineWords }, (_, i) =>
    [...slots.subarray(i * lineWords, (i + 1) * lineWords)]
      .filter((id) => id !== pad)
      .map((id) => tokens[id])
      .join(" "),
  );

test("a line of text fills one place, with a sentence's first word and its content words", () => {
  const slots = textSlots({
    spoken: [encodeContent("Ann The match is at one.")],
    preceding: [encode("On the desk Ann puts the keys.")],
    wanted: [encodeContent("What does the clock show?")],
  });
  assert.equal(slots.length, textLength);
  assert.deepEqual(
    wordsOf(slots).filter((line) => line !== tokens[none]),
    ["Ann match one", "On desk Ann keys", "What clock"],
  );
});

test("keeps the latest of the earlier sentences and the words of a line that fit, and marks empty places", () => {
  const clock = (minutes: string) => encode(`The clock shows 17:${minutes}.`);
  const preceding = Array.from({ length: 13 }, (_, i) => clock(i === 0 ? "05" : "10"));
  assert.ok(!wordsOf(textSlots({ spoken: [], preceding, wanted: [] })).some((line) => line.includes(":05")));
  const long = Array(lineWords + 2).fill(encode("keys")[0]!);
  const [first, second] = wordsOf(textSlots({ spoken: [long, []], preceding: [], wanted: [] }));
  assert.equal(first, Array(lineWords).fill("keys").join(" "));
  assert.equal(second, tokens[none]);
});

test("an answer's inputs begin with start and its targets end with end; one that does not fit is refused", () => {
  const { inputs, targets, weights } = answerSlots([7, 8], 4);
  assert.deepEqual(
    [[...inputs], [...targets]],
    [
      [start, 7, 8, pad],
      [7, 8, end, pad],
    ],
  );
  assert.deepEqual([...weights], [1, 1, 1, 0]);
  assert.throws(() => answerSlots([7, 8, 9, 7], 4), { name: "RangeError" });
});
