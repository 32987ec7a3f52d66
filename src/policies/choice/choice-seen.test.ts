import assert from "node:assert/strict";
import { test } from "node:test";
import { observationOf } from "../../../test/support/memory.ts";
import { wordSpace } from "../../engines/local/index.ts";
import type { Observation, Person } from "../../perception/observation.ts";
import { buildContext, contextDefaults } from "../../policy/context.ts";
import { stateAfter } from "../../policy/state.ts";
import { choicePolicy } from "./choice.ts";

const person = (number: number, ...atSeconds: number[]): Person => ({
  ...{ id: `person_${number}`, name: null, atSeconds },
});

/** What is kept of decisions of 30 s, in the order they are given: moment and line. */
async function kept(...clips: readonly (Partial<Observation> & { readonly clip: number })[]) {
  const policy = choicePolicy({ words: wordSpace, clipSeconds: 30 });
  let state: Parameters<typeof stateAfter>[0] = { value: null, documents: 0, words: new Map() };
  const lines: (readonly [number, string])[] = [];
  for (const { clip, ...parts } of clips) {
    const span = { startSeconds: 30 * clip, endSeconds: 30 * clip + 30 };
    const observation = { ...observationOf("door", clip, parts), ...span };
    const context = buildContext([observation], { observations: [], entries: [], state }, contextDefaults);
    const [action] = (await policy.decide(context)).actions;
    state = stateAfter(state, policy.advance(context, action!));
    lines.push(...action!.statements.map((one) => [one.startSeconds, one.text] as const));
  }
  return lines;
}

test("who is known by face is told of when seen, each by the label of the memory", async () => {
  assert.deepEqual(await kept({ clip: 0, people: [person(7, 4, 5, 9), person(2, 12)] }), [
    [4, "[person_7] is seen."],
    [12, "[person_2] is seen."],
  ]);
});

test("whoever stays is told of every five minutes, and whoever comes back after a minute again", async () => {
  const stays = Array.from({ length: 12 }, (_, clip) => ({ clip, people: [person(1, 30 * clip)] }));
  assert.deepEqual(
    (await kept(...stays)).map(([at]) => at),
    [0, 300],
  );
  const back = [0, 1, 3, 6].map((clip) => ({ clip, people: [person(1, 30 * clip + 1)] }));
  assert.deepEqual(
    (await kept(...back)).map(([at]) => at),
    [1, 181],
  );
});

test("one who is only heard is told of so, unless what they say is known", async () => {
  const people = [{ ...person(1, 3), heard: true as const }];
  assert.deepEqual(await kept({ clip: 0, people }), [[3, "[person_1] is heard."]]);
  const said = { startSeconds: 3, endSeconds: 5, text: "The parcel is at the door.", speaker: "person_1" };
  assert.deepEqual(await kept({ clip: 0, people, speech: [said] }), [
    [3, "[person_1]: The parcel is at the door."],
  ]);
});

test("a speaker whom the source names is not told of as seen", async () => {
  assert.deepEqual(await kept({ clip: 0, people: [{ id: "name:mia", name: "Mia", atSeconds: [3] }] }), []);
});
