import assert from "node:assert/strict";
import { test } from "node:test";
import { freshState, stateAfter } from "./state.ts";

test("a decision sets the value and adds to the counts; one that changes nothing leaves the state as it was", () => {
  const said = (...words: string[]) => new Map(words.map((word) => [word, 1]));
  const first = stateAfter(freshState(), { value: ["a"], documents: 2, words: said("cup", "hat") });
  const second = stateAfter(first, { value: ["b"], documents: 3, words: said("hat") });
  assert.deepEqual(second, {
    value: ["b"],
    documents: 5,
    words: new Map(Object.entries({ cup: 1, hat: 2 })),
  });
  assert.equal(stateAfter(second, null), second);
  assert.equal(freshState().words.size, 0);
});
