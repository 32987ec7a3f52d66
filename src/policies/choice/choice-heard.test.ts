import assert from "node:assert/strict";
import { test } from "node:test";
import { observationOf } from "../../../test/support/memory.ts";
import { wordSpace } from "../../engines/local/index.ts";
import type { SourceText, Statement } from "../../memory/memory.ts";
import type { Heard, Observation } from "../../perception/observation.ts";
import { buildContext, contextDefaults } from "../../policy/context.ts";
import { stateAfter } from "../../policy/state.ts";
import { choicePolicy } from "./choice.ts";
import { heardAfter, heardLines } from "./choice-heard.ts";

const speech = (startSeconds: number, endSeconds: number): Heard => ({
  ...{ kind: "speech", startSeconds, endSeconds },
});
const sound = (startSeconds: number, endSeconds: number): Heard => ({
  ...{ kind: "sound", startSeconds, endSeconds },
});

/** What is kept of decisions, one clip each, in the order they are given. */
async function kept(
  ...clips: readonly (Partial<Observation> & { readonly clip: number })[]
): Promise<string[][]> {
  const policy = choicePolicy({ words: wordSpace, clipSeconds: 30 });
  let state: Parameters<typeof stateAfter>[0] = { value: null, documents: 0, words: new Map() };
  const texts: string[][] = [];
  for (const { clip, ...parts } of clips) {
    const span = { startSeconds: 30 * clip, endSeconds: 30 * clip + 30 };
    const observation = { ...observationOf("room", clip, parts), ...span };
    const context = buildContext([observation], { observations: [], entries: [], state }, contextDefaults);
    const [action] = (await policy.decide(context)).actions;
    state = stateAfter(state, policy.advance(context, action!));
    texts.push(action!.statements.map(({ text }) => text));
  }
  return texts;
}

test("somebody who speaks is remembered once, with where and for how long", async () => {
  const policy = choicePolicy({ words: wordSpace, clipSeconds: 30 });
  const observation = observationOf("room", 0, { heard: [speech(12, 19)] });
  const context = buildContext(
    [observation],
    { observations: [], entries: [], state: { value: null, documents: 0, words: new Map() } },
    contextDefaults,
  );
  const [statement] = (await policy.decide(context)).actions[0]!.statements;
  assert.deepEqual(
    [statement!.text, statement!.startSeconds, statement!.endSeconds, statement!.sources[0]!.kind],
    [statement!.text, 12, 19, "sound"],
  );
  assert.match(statement!.text, /^Somebody speaks for (at least )?7 s\.$/);
});

test("a talk that lasts is told of when it begins, then every five minutes", async () => {
  const talk = Array.from({ length: 12 }, (_, clip) => ({
    clip,
    heard: [speech(30 * clip, 30 * clip + 30)],
  }));
  const told = await kept(...talk);
  assert.deepEqual(
    told.flatMap((texts, clip) => texts.map(() => clip)),
    [0, 10],
  );
});

test("after a pause it is news again", async () => {
  const told = await kept(
    { clip: 0, heard: [speech(2, 9)] },
    { clip: 1, heard: [speech(31, 40)] },
    { clip: 2, heard: [] },
    { clip: 3, heard: [speech(100, 110)] },
  );
  assert.deepEqual(
    told.map((texts) => texts.length),
    [1, 0, 0, 1],
  );
});

test("noise that lasts is told of once, and beside what is said nothing is told", async () => {
  const told = await kept(
    { clip: 0, heard: [sound(0, 30)] },
    { clip: 1, heard: [sound(30, 60)] },
    {
      clip: 4,
      heard: [speech(130, 150)],
      speech: [{ startSeconds: 121, endSeconds: 123, text: "The kettle is on the stove.", speaker: null }],
    },
  );
  assert.deepEqual(told, [["Music or noise is heard, and no speech."], [], ["The kettle is on the stove."]]);
});

test("a pause of 30 s is news, and speech is told of again after exactly five minutes", () => {
  const told = (heard: Heard, untilSeconds: number, toldSeconds: number) => {
    const observation = { ...observationOf("room", 0, { heard: [heard] }), endSeconds: 1e6 };
    return heardLines([observation], { [heard.kind]: { untilSeconds, toldSeconds } }).length === 1;
  };
  assert.deepEqual([told(speech(60, 70), 30, 20), told(speech(60.5, 70), 30, 20)], [false, true]);
  assert.deepEqual([told(speech(300, 310), 299, 0), told(speech(299, 310), 298, 0)], [true, false]);
  assert.equal(told(sound(600, 610), 599, 0), false, "sound that continues is not");
});

test("speech that ends before the last clip does is told of with its whole length", () => {
  const clips = [0, 1].map((clip) => ({
    ...observationOf("room", clip, { heard: clip === 0 ? [speech(22, 30)] : [] }),
    ...{ startSeconds: 30 * clip, endSeconds: 30 * clip + 30 },
  }));
  assert.equal(heardLines(clips, {})[0]!.line, "Somebody speaks for 8 s.");
  assert.equal(heardLines(clips.slice(0, 1), {})[0]!.line, "Somebody speaks for at least 8 s.");
  const said = { startSeconds: 31, endSeconds: 33, text: "The kettle!", speaker: null };
  assert.deepEqual(heardLines([clips[0]!, { ...clips[1]!, speech: [said] }], {}), [], "words say more");
});

test("what was heard counts as told where a memory rests on that sound, and is news still where none does", () => {
  const clips = [observationOf("room", 0, { heard: [speech(2, 9)] })];
  const source = (kind: SourceText["kind"], startSeconds: number): SourceText => ({
    ...{ kind, startSeconds, endSeconds: 9, text: "Somebody speaks.", speaker: null, confidence: null },
  });
  const after = (before: Parameters<typeof heardAfter>[1], ...sources: SourceText[]) =>
    heardAfter(clips, before, [{ sources } as unknown as Statement]);
  const told = { speech: { untilSeconds: 9, toldSeconds: 2 } };
  assert.deepEqual(after(undefined, source("sound", 2)), told);
  assert.deepEqual(after(undefined, source("caption", 2), source("sound", 2)), told);
  for (const other of [source("caption", 2), source("sound", 3)])
    assert.deepEqual(after(undefined, other), {});
  const before = { speech: { untilSeconds: -20, toldSeconds: -30 } };
  assert.deepEqual(after(before), { speech: { untilSeconds: 9, toldSeconds: -30 } });
  assert.equal(heardAfter([observationOf("room", 1)], before, []), before, "silence changes nothing");
});
