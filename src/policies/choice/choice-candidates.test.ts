import assert from "node:assert/strict";
import { test } from "node:test";
import { observationOf } from "../../../test/support/memory.ts";
import { wordSpace } from "../../engines/local/index.ts";
import { candidatesOf } from "./choice-candidates.ts";

test("a line of somebody known by voice stands under the label, which reads as the person is called", () => {
  const line = (speaker: string | null, text: string) => ({ startSeconds: 1, endSeconds: 3, text, speaker });
  const speech = [line("person_3", "The keys are on the shelf."), line("Mia", "The door is locked.")];
  const offered = candidatesOf([observationOf("hall", 0, { speech })], wordSpace, new Set());
  assert.deepEqual(
    offered.map(({ statement: { text, speakers } }) => [text, speakers]),
    [
      ["[person_3]: The keys are on the shelf.", []],
      ["Mia: The door is locked.", ["Mia"]],
    ],
  );
});
