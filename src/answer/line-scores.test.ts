/** Scores of recalled lines: what is said around them, how near they are, and their order. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { LineAround } from "../engine.ts";
import type { Entries, Entry, EntryList, RecalledEntry } from "../memory/memory.ts";
import { bestFirst, lineScores, mostScored } from "./line-scores.ts";

const entry = (text: string, startSeconds: number, stream = "home"): Entry =>
  ({ id: text, text, stream, startSeconds, endSeconds: startSeconds + 1 }) as Entry;

/** What memories list, of these entries. */
const held = (entries: readonly Entry[]): Pick<Entries, "entries"> => ({
  entries: async ({ streams, fromSeconds = 0, toSeconds = Infinity, asOfSeconds = Infinity }: EntryList) =>
    entries.filter(
      (one) =>
        streams!.includes(one.stream) &&
        one.endSeconds > fromSeconds &&
        one.startSeconds < toSeconds &&
        one.endSeconds <= asOfSeconds,
    ),
});

const recalled = (of: Entry, cosine?: number): RecalledEntry => ({
  entry: of,
  score: {
    total: 0.25,
    ...(cosine !== undefined && { vector: { rank: 1, score: cosine, byMeaning: true as const } }),
  },
});

const talk = [
  entry("one", 0),
  ...["two", "three", "four", "five", "six", "seven"].map((text, i) => entry(text, 50 + 5 * i)),
  entry("elsewhere", 64, "garden"),
];
const five = talk[4]!;

test("a line is read with three before it and one after, of its stream, near it and known by then", async () => {
  const asked: LineAround[] = [];
  const score = async (_: string, lines: readonly LineAround[]) => {
    asked.push(...lines);
    return lines.map(() => 0);
  };
  await lineScores("Which?", [recalled(five), recalled(talk[1]!)], score, held(talk), {});
  assert.deepEqual(asked, [
    { text: "five", before: "two\nthree\nfour", after: "six" },
    { text: "two", before: "", after: "three" },
  ]);
  asked.length = 0;
  await lineScores("Which?", [recalled(five)], score, held(talk), { asOfSeconds: 66 });
  assert.deepEqual(asked, [{ text: "five", before: "two\nthree\nfour", after: "" }]);
});

test("what is near in meaning scores more, what cannot be read has no score, and the first lines alone are read", async () => {
  const lines = [recalled(five, 0.6), recalled(talk[1]!, 0.3), recalled(talk[2]!)];
  const score = async () => [1, 1, Number.NEGATIVE_INFINITY];
  const scores = await lineScores("Which?", lines, score, held(talk), {});
  assert.deepEqual([...scores.keys()], ["five", "two"]);
  assert.ok(scores.get("five")! > 1 && scores.get("two")! < 1);
  let read = 0;
  const many = Array.from({ length: mostScored + 5 }, (_, i) => entry(`line ${i}`, i));
  const count = async (_: string, all: readonly LineAround[]) => all.map(() => read++);
  await lineScores(
    "Which?",
    many.map((one) => recalled(one)),
    count,
    held(many),
    {},
  );
  assert.equal(read, mostScored);
});

test("a line around which nothing was said is no talk, and has no score", async () => {
  const lines = [recalled(talk[0]!), recalled(five)];
  const score = async (_: string, all: readonly LineAround[]) => all.map(() => 1);
  assert.deepEqual([...(await lineScores("Which?", lines, score, held(talk), {})).keys()], ["five"]);
  const never = () => assert.fail("nothing is to be scored");
  assert.equal((await lineScores("Which?", lines.slice(0, 1), never, held(talk), {})).size, 0);
});

test("the best come first, and what has no score keeps its place", () => {
  const lines = ["a", "b", "c", "d"].map((text) => recalled(entry(text, 0)));
  const scores = new Map([
    ["b", -3],
    ["c", 2],
  ]);
  assert.deepEqual(
    bestFirst(lines, scores).map(({ entry: { id } }) => id),
    ["a", "c", "b", "d"],
  );
  assert.deepEqual(bestFirst(lines, new Map()), lines);
});
