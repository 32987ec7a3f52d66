import assert from "node:assert/strict";
import { test } from "node:test";
import { asSentences } from "./sentences.ts";

const piece = (startSeconds: number, endSeconds: number, text: string) => ({
  startSeconds,
  endSeconds,
  text,
});

test("pieces are joined up to the end of a sentence, unless a pause is between them", () => {
  assert.deepEqual(
    asSentences([piece(0, 6, "One of the largest"), piece(6, 12, "clean rooms."), piece(12, 14, "Yes.")]),
    [piece(0, 12, "One of the largest clean rooms."), piece(12, 14, "Yes.")],
  );
  assert.equal(asSentences([piece(0, 6, "One of the"), piece(8, 12, "clean rooms.")]).length, 2);
});

test("several sentences are parted, their time shared by letters", () => {
  // 6 and 12 letters in 9 s.
  assert.deepEqual(asSentences([piece(1, 10, "Hello? I am Diane 2.")]), [
    piece(1, 1 + (9 * 6) / 19, "Hello?"),
    piece(1 + (9 * 6) / 19, 10, "I am Diane 2."),
  ]);
  assert.deepEqual(
    asSentences([piece(0, 4, "Mr. Smith and J. Doe paid 3.50 to Dr. Who. Then they left.")]).map(
      ({ text }) => text,
    ),
    ["Mr. Smith and J. Doe paid 3.50 to Dr. Who.", "Then they left."],
  );
});
