/** The lines on offer: from which texts, in which order, and how far each is believed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { observationOf } from "../../../test/support/memory.ts";
import { wordSpace } from "../../engines/local/index.ts";
import type { Observation } from "../../perception/observation.ts";
import { candidatesOf, screenStems } from "./choice-candidates.ts";

const said = (startSeconds: number, text: string, speaker: string | null = null) => ({
  ...{ startSeconds, endSeconds: startSeconds + 2, text, speaker },
});
const read = (startSeconds: number, text: string, confidence = 95) => ({
  ...{ startSeconds, endSeconds: startSeconds + 2, text, confidence },
});
const offered = (parts: Partial<Observation>, standing: readonly string[] = []) =>
  candidatesOf([observationOf("kitchen", 0, parts)], wordSpace, new Set(standing));
const linesOf = (...args: Parameters<typeof offered>) =>
  offered(...args).map(({ statement }) => statement.text);
const trustIn = (text: string, confidence?: number) =>
  offered({ screen: [read(0, text, confidence)] })[0]?.trust ?? 0;

test("lines come in the order of time, whatever they are of, and say who spoke", () => {
  const parts = {
    speech: [said(5, "The kettle is on.", "Ann"), said(1, "Ann: the soup!", "Ann"), said(7, "A bell rings.")],
    captions: [said(3, "  A dog\n sleeps. ", "Ann")],
    screen: [read(0, "OPEN")],
  };
  assert.deepEqual(linesOf(parts), [
    "On screen: OPEN",
    "Ann: the soup!",
    "A dog sleeps.",
    "Ann: The kettle is on.",
    "A bell rings.",
  ]);
});

test("a line costs what its words do, three at least, and a line without a content word is not on offer", () => {
  const [short, long] = offered({ speech: [said(0, "Soup"), said(1, "The kettle stands on the stove.")] });
  assert.ok(wordSpace.countTokens("Soup") < 3);
  assert.equal(short!.tokens, 3);
  assert.equal(long!.tokens, wordSpace.countTokens("The kettle stands on the stove."));
  assert.deepEqual(linesOf({ speech: [said(0, "Who is it?")] }), []);
  assert.deepEqual([short!.trust, short!.stems], [1, wordSpace.stems("Soup")]);
});

test("a line told in two languages costs what its longer half does", () => {
  const [one] = offered({ captions: [said(0, "市场开了 / The market in the old town is open")] });
  assert.equal(one!.tokens, wordSpace.countTokens("The market in the old town is open"));
  assert.ok(one!.tokens > wordSpace.countTokens("市场开了"));
});

test("laughter in any script is not on offer, a word that looks like it is", () => {
  const laughter = ["Hahaha!", "Hehehe, hi hi.", "哈哈哈哈", "哈哈哈 / Hahaha", "Хахаха", "ㅋㅋㅋ"];
  assert.deepEqual(linesOf({ speech: laughter.map((text, i) => said(i, text)) }), []);
  assert.deepEqual(linesOf({ speech: [said(0, "Hahaha, the soup!"), said(1, "Harbour")] }).length, 2);
});

test("what is heard without words is on offer in the clip it begins in", () => {
  const heard = (startSeconds: number, endSeconds: number) => [
    { kind: "speech" as const, startSeconds, endSeconds },
  ];
  const clips = [0, 1, 2].map((clip) => observationOf("kitchen", clip));
  const within = (startSeconds: number) =>
    candidatesOf(
      clips.map((one) => ({ ...one, heard: heard(startSeconds, startSeconds + 8) })),
      wordSpace,
      new Set(),
    ).map(({ statement }) => statement.clip);
  // Clips begin at 0, 10 and 20.
  assert.deepEqual([within(0), within(9), within(10), within(21)], [[0], [0], [1], [2]]);
});

test("a stem counts once in a line, and a speaker's name does not", () => {
  const [one] = offered({ speech: [said(0, "Soup, soup and bread.", "Ann")] });
  assert.deepEqual(one!.stems, wordSpace.stems("soup bread"));
});

test("the frame nearest to the middle of a line is its evidence", () => {
  const frames = [0, 4, 9].map((atSeconds) => ({ atSeconds, width: 4, height: 2, jpeg: Uint8Array.of(1) }));
  const [one] = offered({ frames, speech: [said(4, "The kettle is on.")] });
  // Its middle is at 5.
  assert.deepEqual(one!.statement.frameSeconds, [4]);
  const [between] = offered({ frames, speech: [said(1, "The kettle is on.")] });
  // Its middle is at 2, as far from 0 as from 4.
  assert.deepEqual(between!.statement.frameSeconds, [0], "the earlier of two as near");
  assert.deepEqual(offered({ speech: [said(4, "The kettle is on.")] })[0]!.statement.frameSeconds, []);
});

test("a sign that stays is one lasting line; a sentence that is repeated counts the first time", () => {
  const [sign] = offered({ screen: [read(0, "OPEN"), read(6, "OPEN"), read(3, "OPEN")] });
  assert.deepEqual([sign!.statement.startSeconds, sign!.statement.endSeconds], [0, 8]);
  assert.equal(sign!.statement.sources.length, 2);
  const [twice] = offered({ screen: [read(0, "OPEN"), read(0, "OPEN")] });
  assert.equal(twice!.statement.sources.length, 1, "read twice at one time");
  const [line] = offered({ speech: [said(0, "The soup!"), said(6, "The soup!")] });
  assert.deepEqual([line!.statement.endSeconds, line!.statement.sources.length], [2, 1]);
});

test("a sign that was kept before is not on offer while all of it stands; one with a new word is", () => {
  const standing = wordSpace.stems("market open");
  assert.deepEqual(linesOf({ screen: [read(0, "MARKET OPEN")] }, standing), []);
  assert.deepEqual(linesOf({ screen: [read(0, "MARKET CLOSED")] }, standing), ["On screen: MARKET CLOSED"]);
  assert.deepEqual(linesOf({ speech: [said(0, "Market open")] }, standing), ["Market open"]);
  const stems = screenStems(
    [observationOf("kitchen", 0, { screen: [read(0, "MARKET"), read(1, "OPEN")] })],
    wordSpace,
  );
  assert.deepEqual([...stems].sort(), [...standing].sort());
});

test("a reading is believed by its confidence, from nothing at 55 to all at 95, squared", () => {
  // Every character stands in a word: (confidence − 55) / 40, squared.
  assert.deepEqual(
    [55, 75, 95, 100].map((confidence) => trustIn("Market", confidence)),
    [0, 0.25, 1, 1],
  );
  assert.equal(trustIn("Market", 30), 0);
  // (63 − 55) / 40 squared is 0.04, and less than 0.05 is noise; (65 − 55) / 40 squared is 0.0625.
  assert.deepEqual(linesOf({ screen: [read(0, "Market", 63)] }), []);
  assert.deepEqual(linesOf({ screen: [read(0, "Market", 65)] }), ["On screen: Market"]);
});

test("of a reading counts the share that stands in words or numbers", () => {
  // Six of eight characters.
  assert.equal(trustIn("Market ~~"), (6 / 8) ** 2);
  assert.equal(trustIn("BBC 24"), 1);
  assert.equal(trustIn("Bakery 7"), (6 / 7) ** 2, "a figure alone may be dirt");
  assert.equal(trustIn("Market IIL"), (6 / 9) ** 2, "strokes are no abbreviation");
  assert.equal(trustIn("Bakery xkz"), (6 / 9) ** 2, "no vowel");
  assert.equal(trustIn("Bakery aei"), (6 / 9) ** 2, "nothing but vowels");
  assert.equal(trustIn("市场"), 1, "two characters of a script without an alphabet");
  assert.equal(trustIn("图书馆 图"), (3 / 4) ** 2);
});

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
