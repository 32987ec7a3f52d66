/** What is kept of what a question asks about, on lines so few that each share can be counted. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { observationOf } from "../../test/support/memory.ts";
import { wordSpace } from "../engines/local/index.ts";
import type { Observation } from "../perception/observation.ts";
import { type AskedTask, keptEvidence } from "./kept-evidence.ts";

const said: readonly (readonly [atSeconds: number, speaker: string, text: string])[] = [
  [0, "Ann", "The tickets cost forty crowns"],
  [100, "Ben", "The tickets are in the drawer"],
  [200, "Ann", "The parrot sleeps"],
  [300, "Ben", "The parrot was not fed"],
];
const stream: Observation[] = said.map(([startSeconds, speaker, text], clip) => ({
  ...observationOf("talk", clip),
  ...{ startSeconds, endSeconds: startSeconds + 10 },
  speech: [{ startSeconds, endSeconds: startSeconds + 4, speaker, text }],
  ...{ captions: [], screen: [] },
}));
const keep = (...places: readonly number[]) =>
  keptEvidence(
    [stream],
    wordSpace,
  )(
    places.map((i) => {
      const [startSeconds, speaker, text] = said[i]!;
      return {
        stream: 0,
        statement: { startSeconds, endSeconds: startSeconds + 4, text: `${speaker}: ${text}` },
      };
    }),
  );
const asked = (text: string, parts: Partial<AskedTask> = {}): AskedTask => ({
  ...{ question: { text, options: [] }, answer: "", option: null, feedback: null },
  ...parts,
});

test("the lines that share a question's words count by how rare those are", () => {
  // "tickets" stands in two of four lines, "cost" in one: ln(1 + 2.5 / 2.5) and ln(1 + 3.5 / 1.5).
  const [tickets, cost] = [Math.log(2), Math.log(1 + 3.5 / 1.5)];
  const question = asked("How much do the tickets cost?");
  const near = (share: number, expected: number) => assert.ok(Math.abs(share - expected) < 1e-9, `${share}`);
  near(keep()(question), 0);
  near(keep(0, 1)(question), 1);
  near(keep(0)(question), (tickets + cost) / (2 * tickets + cost));
  near(keep(1)(question), tickets / (2 * tickets + cost));
  near(keep(2, 3)(question), 0);
});

test("a name is no evidence, and what memory says of another moment keeps no line", () => {
  assert.equal(keep(0, 1, 2, 3)(asked("What did Ann say to Ben?")), 0);
  const measure = keptEvidence([stream], wordSpace);
  const late = { startSeconds: 900, endSeconds: 904, text: "The tickets cost forty crowns" };
  assert.equal(measure([{ stream: 0, statement: late }])(asked("How much do the tickets cost?")), 0);
  const elsewhere = { startSeconds: 0, endSeconds: 4, text: "The tickets cost forty crowns" };
  assert.equal(measure([{ stream: 1, statement: elsewhere }])(asked("How much do the tickets cost?")), 0);
});

test("a memory in other words keeps as much of a line as it holds of what was asked", () => {
  const measure = keptEvidence([stream], wordSpace);
  const statement = { startSeconds: 20, endSeconds: 20, text: "Someone bought tickets." };
  const half = measure([{ stream: 0, statement }])(asked("How much do the tickets cost?"));
  assert.equal(half, keep(1)(asked("How much do the tickets cost?")));
});

test("the answer that feedback gives or confirms counts as asked for, no other", () => {
  const question = {
    text: "Where are they?",
    options: [
      { letter: "A", text: "the attic" },
      { letter: "B", text: "the drawer" },
    ],
  };
  const feedback = (verdict: "right" | "wrong", correction: string | null) => ({
    atMs: 0,
    verdict,
    correction,
  });
  const chosen = asked("", { question, option: "B", answer: "the drawer" });
  assert.equal(keep(1)(chosen), 0, "not judged");
  assert.equal(keep(1)({ ...chosen, feedback: feedback("right", null) }), 1);
  assert.equal(keep(1)({ ...chosen, feedback: feedback("wrong", null) }), 0);
  assert.equal(keep(1)({ ...chosen, option: "A", feedback: feedback("wrong", "B") }), 1);
  assert.equal(keep(1)({ ...chosen, option: "A", feedback: feedback("wrong", "in the drawer") }), 1);
});

test("a word near what is asked about counts half, and only in a line of three content words or more", () => {
  const question = asked("How dear are the tickets?");
  const measure = (...near: readonly string[]) =>
    keptEvidence([stream], wordSpace, new Map([[question, near.flatMap(wordSpace.stems)]]));
  const line = (i: number) => ({
    stream: 0,
    statement: { startSeconds: said[i]![0], endSeconds: said[i]![0] + 4, text: said[i]![2] },
  });
  const near = (share: number, expected: number) => assert.ok(Math.abs(share - expected) < 1e-9, `${share}`);
  // "The parrot sleeps" has two content words, "The tickets cost forty crowns" four.
  near(measure("parrot", "sleeps")([line(0), line(1)])(question), 1);
  const [tickets, cost] = [Math.log(2), Math.log(1 + 3.5 / 1.5)];
  near(measure("cost")([line(1)])(question), tickets / (2 * tickets + cost / 2));
  // A word of the question counts in any line.
  near(keep(2)(asked("Does the parrot sleep?")), 1 - Math.log(2) / (2 * Math.log(2) + cost));
});
