/** What a model wrote, read as an action with its evidence. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { observationOf } from "../../../test/support/memory.ts";
import type { Completion } from "../../engine.ts";
import { wordSpace } from "../../engines/local/index.ts";
import { buildContext } from "../../policy/context.ts";
import { freshState } from "../../policy/state.ts";
import { actionOf } from "./model-action.ts";

const frames = Array.from({ length: 9 }, (_, i) => ({
  ...{ atSeconds: i, width: 4, height: 2, jpeg: Uint8Array.of(i) },
}));
const speech = [{ startSeconds: 1, endSeconds: 2, text: "The soup is hot.", speaker: "Ann" }];
const context = buildContext([observationOf("kitchen", 0, { frames, speech })], {
  ...{ observations: [], entries: [], state: freshState() },
});
const asked = { memories: [], wording: "", mayRepeat: false, mayBeEmpty: false };
const answer = '{"description": "Ann has soup."}';
const read = (completion: Partial<Completion>, semantic = false) =>
  actionOf({ text: answer, thinking: null, finish: "stop", tokens: null, ...completion }, context, {
    ...{ asked, semantic, countTokens: wordSpace.countTokens, revision: "r" },
  });

test("a memory has the clip's times, whom it names, what was said and three frames as evidence", () => {
  const { statements, issues, revision, logprobs } = read({});
  assert.deepEqual([issues, revision, logprobs, statements.length], [[], "r", null, 1]);
  const { text, kind, clip, startSeconds, endSeconds, speakers, sources, frameSeconds } = statements[0]!;
  assert.deepEqual([text, kind, clip, startSeconds, endSeconds], ["Ann has soup.", "episodic", 0, 0, 10]);
  assert.deepEqual([speakers, sources.map(({ text }) => text)], [["Ann"], ["The soup is hot."]]);
  assert.equal(frameSeconds.length, 3);
  assert.ok(
    frameSeconds.every((at, i) => i === 0 || at - frameSeconds[i - 1]! >= 2),
    frameSeconds.join(),
  );
});

test("knowledge beside it is kept as semantic", () => {
  const text = '{"description": "Ann has soup.", "knowledge": ["Soup is served at noon."]}';
  assert.deepEqual(
    read({ text }, true).statements.map(({ kind, text }) => [kind, text]),
    [
      ["episodic", "Ann has soup."],
      ["semantic", "Soup is served at noon."],
    ],
  );
});

test("reasoning stands before the answer, where there is any", () => {
  assert.equal(read({ thinking: "It is hot." }).text, `<think>It is hot.</think>\n\n${answer}`);
  for (const thinking of [null, "", " \n"]) assert.equal(read({ thinking }).text, answer);
});

test("log-probabilities, ids and the name of the prompt are those of the completion", () => {
  const tokens = { texts: ["a", "b"], logprobs: Float32Array.of(-1, -2) };
  assert.deepEqual(read({ tokens }).logprobs, { tokens: tokens.texts, values: tokens.logprobs });
  const ids = Int32Array.of(1, 2);
  assert.deepEqual(read({ tokens: { ...tokens, ids } }).logprobs?.ids, ids);
  assert.deepEqual(read({ handle: { prompt: "p" } }).handle, { prompt: "p" });
  assert.ok(!("handle" in read({})));
});

test("an answer that is unusable keeps nothing and says why", () => {
  const again = actionOf({ text: answer, thinking: null, finish: "stop", tokens: null }, context, {
    ...{ asked: { ...asked, memories: ["Ann has soup."] }, semantic: false, revision: "r" },
    countTokens: wordSpace.countTokens,
  });
  assert.deepEqual([again.statements, again.issues.length], [[], 1]);
  const { statements, issues } = read({ text: '{"description": ""}' });
  assert.deepEqual([statements, issues.length], [[], 1]);
});
