import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { localEmbedder } from "../../src/engines/local/index.ts";
import type { EntryFilter, Memory, RecalledEntry, RecallQuery } from "../../src/memory/memory.ts";
import { pick, type Random, randomInt, seededRandom } from "../../src/util/random.ts";
import { addTestStream, remember } from "../support/memory.ts";
import type { TestStore } from "../support/store.ts";

const textsOf = (recalled: readonly RecalledEntry[]) => recalled.map(({ entry }) => entry.text);

async function memoryOf(
  store: TestStore,
  streams: Record<string, readonly (readonly string[])[]>,
): Promise<Memory> {
  const memory = await store.open();
  for (const [stream, clips] of Object.entries(streams)) {
    await addTestStream(memory, stream);
    for (const [clip, lines] of clips.entries()) await remember(memory, stream, clip, lines);
  }
  return memory;
}

const kitchen = [
  ["Ann: the green teapot stands on the shelf", "The radio plays a waltz"],
  ["Bob: I put the teapot into the cupboard", "Rain falls on the window"],
  ["Ann: where are the scissors?", "Carla waters the fern"],
  ["Bob: the scissors lie in the drawer", "The telephone rings"],
];

const people = ["Ann", "Bob", "Carla", "Dan"];
const places = ["kitchen", "garden", "cellar", "attic", "hall", "bathroom", "garage", "porch"];
const things = [
  "teapot",
  "scissors",
  "ladder",
  "violin",
  "blanket",
  "lantern",
  "compass",
  "hammer",
  "candle",
];
const deeds = ["finds", "drops", "hides", "cleans", "borrows", "paints", "repairs", "carries"];

function invented(random: Random): string {
  const who = pick(random, people);
  const what = `${pick(random, deeds)} the ${pick(random, things)} in the ${pick(random, places)}`;
  return random() < 0.5 ? `${who}: someone ${what}` : `${who} ${what}`;
}

/** Three streams of 120 clips with two lines each; every ninth entry closed. */
async function inventedMemory(store: TestStore): Promise<{ memory: Memory; random: Random }> {
  const random = seededRandom("recall");
  const clips = () => Array.from({ length: 120 }, () => [invented(random), invented(random)]);
  const memory = await memoryOf(store, { one: clips(), two: clips(), three: clips() });
  const entries = await memory.entries();
  for (const [i, { id }] of entries.entries()) if (i % 9 === 0) await memory.closeEntry(id, "over");
  return { memory, random };
}

const filters: EntryFilter[] = [
  {},
  { streams: ["two"] },
  { streams: ["one", "three"] },
  { streams: [] },
  { asOfSeconds: 400 },
  { streams: ["two"], asOfSeconds: 333 },
  { fromSeconds: 200, toSeconds: 300 },
  { clips: [7, 8, 9] },
  { kinds: ["semantic"] },
  { speakers: ["Carla"] },
  { speakers: ["dan"], streams: ["one"], asOfSeconds: 700 },
  { writtenByMs: 1_700_000_000_500 },
  { includeClosed: true },
  { includeClosed: true, streams: ["three"], asOfSeconds: 100 },
];

/** Which entries are recalled, in which order, and why. */
export function recallCases(store: TestStore): void {
  describe("recall", () => {
    test("ranks first what shares the question's rare words, with each channel's rank and score", async () => {
      const memory = await memoryOf(store, { kitchen });
      const [first, second, ...rest] = await memory.recall({ text: "Where is the teapot?" });
      assert.deepEqual(
        [first!.entry.text, second!.entry.text].sort(),
        [kitchen[0]![0], kitchen[1]![0]].sort(),
      );
      assert.ok(rest.every(({ entry, score }) => !entry.text.includes("teapot") && !score.fullText));
      for (const { score } of [first!, second!]) {
        assert.ok(score.fullText!.score > 0 && score.vector!.score > 0);
      }
      await memory.close();
    });

    test("fuses channels by the sum of 1 / (60 + rank)", async () => {
      const memory = await memoryOf(store, { kitchen });
      const recalled = await memory.recall({
        text: "teapot on the shelf",
        nearSeconds: 15,
        aboutSpeakers: ["Bob"],
        limit: 8,
      });
      assert.ok(recalled.length >= 6);
      for (const { score } of recalled) {
        const { total, ...channels } = score;
        const sum = Object.values(channels).reduce((sofar, { rank }) => sofar + 1 / (60 + rank), 0);
        assert.ok(Math.abs(total - sum) < 1e-12);
      }
      const totals = recalled.map(({ score }) => score.total);
      assert.deepEqual(
        totals,
        totals.toSorted((a, b) => b - a),
      );
      // Bob's line about the teapot, near the moment asked about, is found by all four channels.
      assert.equal(recalled[0]!.entry.text, kitchen[1]![0]);
      assert.deepEqual(Object.keys(recalled[0]!.score).sort(), [
        "fullText",
        "speaker",
        "time",
        "total",
        "vector",
      ]);
      await memory.close();
    });

    test("finds misspelt words by their vectors when the text index does not", async () => {
      const memory = await memoryOf(store, { kitchen });
      const [best] = await memory.recall({ text: "telephonne" });
      assert.equal(best!.entry.text, "The telephone rings");
      assert.equal(best!.score.fullText, undefined);
      assert.equal(best!.score.vector!.rank, 1);
      await memory.close();
    });

    test("scores nearness in seconds, 0 inside an entry, and people who spoke above people named", async () => {
      const memory = await memoryOf(store, {
        kitchen: [["Ann: hello", "Ann is late"], ["Bob: Ann is here"], ["Rain"]],
      });
      const recalled = await memory.recall({
        text: "hello",
        nearSeconds: 10.5,
        aboutSpeakers: ["ann"],
        limit: 9,
      });
      const scores = new Map(recalled.map(({ entry, score }) => [entry.text, score]));
      // Entries cover 0–1, 1–2, 10–11 and 20–21 s.
      assert.deepEqual(scores.get("Bob: Ann is here")!.time, { rank: 1, score: 0 });
      assert.deepEqual(scores.get("Ann is late")!.time, { rank: 2, score: -8.5 });
      assert.deepEqual(scores.get("Rain")!.time, { rank: 3, score: -9.5 });
      assert.deepEqual(scores.get("Ann: hello")!.time, { rank: 3, score: -9.5 }, "equal scores share a rank");
      assert.deepEqual(scores.get("Ann: hello")!.speaker, { rank: 1, score: 1 });
      assert.equal(scores.get("Bob: Ann is here")!.speaker!.score, 0.5);
      assert.equal(scores.get("Rain")!.speaker, undefined);
      await memory.close();
    });

    test("answers a question without words by its as-of moment", async () => {
      const memory = await memoryOf(store, { kitchen });
      const recalled = await memory.recall({ text: "?", asOfSeconds: 30, limit: 2 });
      assert.deepEqual(new Set(textsOf(recalled)), new Set(kitchen[2]));
      assert.deepEqual(await memory.recall({ text: "" }), []);
      await memory.close();
    });

    test("gives all entries in time order when asked for the whole memory", async () => {
      const memory = await memoryOf(store, { kitchen });
      const recalled = await memory.recall({
        text: "anything",
        mode: "whole-memory",
        limit: undefined as never,
      });
      assert.deepEqual(textsOf(recalled), kitchen.flat());
      assert.ok(recalled.every(({ score }) => score.total === 0));
      await memory.close();
    });

    test("gives the same answer to the same question, ties broken by time", async () => {
      const same = Array.from({ length: 12 }, () => ["The bell rings"]);
      const memory = await memoryOf(store, { kitchen: same });
      const recalled = await memory.recall({ text: "bell", limit: 5 });
      assert.deepEqual(
        recalled.map(({ entry }) => entry.clip),
        [0, 1, 2, 3, 4],
      );
      assert.deepEqual(await memory.recall({ text: "bell", limit: 5 }), recalled);
      await memory.close();
    });

    test("treats quotes and operators of the text index as words", async () => {
      const memory = await memoryOf(store, { kitchen });
      for (const text of [
        '"teapot',
        "teapot OR",
        "NEAR(teapot",
        "teapot*",
        "stems: teapot",
        "-teapot ^ { }",
      ]) {
        const [best] = await memory.recall({ text });
        assert.match(best!.entry.text, /teapot/, text);
      }
      await memory.close();
    });

    test("leaves closed entries out unless requested", async () => {
      const memory = await memoryOf(store, { kitchen });
      const [best] = await memory.recall({ text: "scissors drawer" });
      await memory.closeEntry(best!.entry.id, "they were moved");
      const ids = async (more: Partial<RecallQuery>) =>
        (await memory.recall({ text: "scissors drawer", ...more })).map(({ entry }) => entry.id);
      assert.ok(!(await ids({})).includes(best!.entry.id));
      assert.ok(!(await ids({ streams: ["kitchen"] })).includes(best!.entry.id));
      assert.equal((await ids({ includeClosed: true }))[0], best!.entry.id);
      await memory.close();
    });
  });

  describe("recall over several hundred entries", () => {
    test("ranks vectors exactly as comparing every entry that passes the filter", async () => {
      const { memory, random } = await inventedMemory(store);
      for (const filter of filters) {
        const allowed = await memory.entries(filter);
        for (let i = 0; i < 5; i++) {
          const text = invented(random);
          const [question] = await localEmbedder.embed([text]);
          const vectors = await localEmbedder.embed(allowed.map((entry) => entry.text));
          const brute = vectors
            .map((vector) => vector.reduce((sum, value, d) => sum + value * question![d]!, 0))
            .filter((cosine) => cosine > 1e-4)
            .sort((a, b) => b - a)
            .slice(0, 100);
          const recalled = await memory.recall({ text, limit: 1000, ...filter });
          const found = recalled
            .flatMap(({ score }) => (score.vector && score.vector.score > 1e-4 ? [score.vector.score] : []))
            .sort((a, b) => b - a);
          const label = `${text} ${JSON.stringify(filter)}`;
          assert.ok(found.length >= brute.length, label);
          for (const [rank, cosine] of brute.entries()) {
            assert.ok(Math.abs(found[rank]! - cosine) < 1e-5, `${label}: rank ${rank + 1}`);
          }
        }
      }
      await memory.close();
    });

    test("filters before it searches: few old entries are found among many better ones", async () => {
      const better = Array.from({ length: 150 }, () => ["The compass points north on the compass rose"]);
      const memory = await memoryOf(store, { old: [["A compass lies in a box of letters"]], deck: better });
      for (const filter of [{ streams: ["old"] }, { asOfSeconds: 10, toSeconds: 0.5, streams: ["old"] }]) {
        const recalled = await memory.recall({ text: "compass points north", ...filter });
        assert.deepEqual(textsOf(recalled), ["A compass lies in a box of letters"]);
        assert.equal(recalled[0]!.score.fullText!.rank, 1);
        assert.equal(recalled[0]!.score.vector!.rank, 1);
      }
      await memory.close();
    });

    test("returns only what passes the filter in every channel, and nothing later than its as-of moment", async () => {
      const { memory, random } = await inventedMemory(store);
      for (const filter of filters) {
        const allowed = new Set((await memory.entries(filter)).map(({ id }) => id));
        for (const mode of ["search", "whole-memory"] as const) {
          const query = { text: invented(random), nearSeconds: 650, aboutSpeakers: ["Ann", "Dan"], mode };
          const recalled = await memory.recall({ ...query, limit: 1000, ...filter });
          assert.ok(
            recalled.every(({ entry }) => allowed.has(entry.id)),
            `${mode} ${JSON.stringify(filter)}`,
          );
          assert.ok(recalled.length > 0 || allowed.size === 0);
        }
      }
      await memory.close();
    });

    test("as of a moment returns what a memory that ended then would return", async () => {
      const random = seededRandom("as-of");
      const clips = Array.from({ length: 60 }, () => [invented(random)]);
      const whole = await memoryOf(store, { kitchen: clips });
      for (const watched of [1, 20, 41]) {
        const part = await memoryOf(store, { kitchen: clips.slice(0, watched) });
        for (let i = 0; i < 10; i++) {
          const query = { text: invented(random), nearSeconds: randomInt(random, 600), limit: 1000 };
          const asOf = await whole.recall({ ...query, asOfSeconds: watched * 10 });
          const then = await part.recall(query);
          assert.deepEqual(vectorPart(asOf), vectorPart(then));
        }
        await part.close();
      }
      await whole.close();
    });
  });
}

/** The parts of a result that do not depend on how rare a word is in the whole text index. */
function vectorPart(recalled: Awaited<ReturnType<Memory["recall"]>>) {
  return recalled
    .map(({ entry, score }) => ({ text: entry.text, vector: score.vector, time: score.time }))
    .sort((a, b) => (a.vector?.rank ?? 0) - (b.vector?.rank ?? 0));
}
