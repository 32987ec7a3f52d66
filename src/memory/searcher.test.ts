/** Searches in a thread find what searches in this thread find, at every moment of a store that changes. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Worker } from "node:worker_threads";
import { addTestStream, openTestMemory, remember, temporaryFolder } from "../../test/support/memory.ts";
import { localEmbedder, wordSpace } from "../engines/local/index.ts";
import { shortId } from "../util/hash.ts";
import { pick, randomInt, seededRandom } from "../util/random.ts";
import { type Connection, openDatabase } from "./database.ts";
import type { MemoryRow, RecalledEntry, RecallQuery } from "./memory.ts";
import { recallEntries } from "./recall.ts";
import { requireSpace } from "./space.ts";
import type { StoredMemory } from "./stored-memory.ts";
import { VectorCache } from "./vector-cache.ts";

const directory = join(temporaryFolder("searcher"), "memory");
const random = seededRandom("searcher");
const people = ["Ann", "Bob", "Zoë"];
const things = ["key", "kettle", "ladder", "letter", "lamp", "carpet", "bicycle", "umbrella"];
const sentence = () =>
  `${pick(random, people)} puts the ${pick(random, things)} near the ${pick(random, things)} ${randomInt(random, 400)}`;

/** Entries of two streams: some closed, some without a word, many of one text. */
const rows = Array.from({ length: 2600 }, (_, i): MemoryRow => {
  const clip = Math.floor(i / 4);
  const span = { startSeconds: clip * 10, endSeconds: clip * 10 + 10 };
  return {
    ...{
      row: "entry",
      id: shortId("entry", i),
      stream: i % 3 === 0 ? "hall" : "yard",
      clip,
      kind: "episodic",
    },
    ...{ ...span, writtenAtMs: i, text: i % 9 === 0 ? "Yes." : i % 50 === 0 ? "…" : sentence() },
    ...{ speakers: i % 5 === 0 ? ["Ann"] : [], policy: "choice", revision: "choice@1" },
    evidence: { clips: [clip], ...span, frames: [], sources: [], tiers: {} },
    closed: i % 11 === 0 ? { atMs: i, reason: "replaced", supersededBy: null } : null,
  };
});

const questions: RecallQuery[] = [
  { text: "Where is the kettle?" },
  { text: "yes", limit: 100 },
  { text: "Who puts a ladder near the lamps?", streams: ["hall"] },
  { text: "umbrela", asOfSeconds: 3000 },
  { text: "the bicycle", includeClosed: true, limit: 70 },
  { text: "letter 17", fromSeconds: 2000, toSeconds: 4000 },
  { text: "carpet", speakers: ["Ann"], aboutSpeakers: ["Ann"], nearSeconds: 1000 },
  { text: "key", writtenByMs: 1200, kinds: ["episodic"] },
  { text: "???" },
];

let memory: StoredMemory;
let connection: Connection;
const threads: Worker[] = [];
process.on("worker", (worker) => threads.push(worker));

before(async () => {
  memory = await openTestMemory(directory);
  await addTestStream(memory, "hall");
  await addTestStream(memory, "yard");
  await memory.addRows(rows, () => null);
  connection = openDatabase(directory, { readOnly: true });
});
after(async () => {
  connection.close();
  await memory.close();
});

/** What a search in this thread finds, all vectors read from the database or from a cache. */
async function foundHere(query: RecallQuery, cache?: VectorCache): Promise<RecalledEntry[]> {
  const [vector] = await localEmbedder.embed([query.text]);
  return connection.perform((db) =>
    db.read(function* () {
      const space = yield* requireSpace(db, { words: wordSpace, embedder: localEmbedder });
      const held = (limit: number) => cache!.nearest(connection, { space, vector: vector!, query, limit });
      const index = { db, words: wordSpace, space, vector: vector!, meaning: 0 };
      return yield* recallEntries(cache ? { ...index, nearestHeld: held } : index, query);
    }),
  );
}

async function assertFindsTheSame(cache: VectorCache, when: string): Promise<void> {
  for (const query of questions) {
    const expected = await foundHere(query);
    assert.deepEqual(await foundHere(query, cache), expected, `cached, ${when}: ${query.text}`);
    assert.deepEqual(await memory.recall(query), expected, `in a thread, ${when}: ${query.text}`);
  }
}

test("a thread, and vectors in working memory, find what a search in the database finds while it changes", async () => {
  const cache = new VectorCache(localEmbedder.dimension);
  cache.load(connection, 1);
  const beside = remember(memory, "hall", 900, ["Bob: the kettle is on the umbrella stand"]);
  for (let more = true; more; more = !cache.load(connection, 1));
  await beside;
  await assertFindsTheSame(cache, "after it was loaded");
  assert.ok(threads.length > 0, "a thread searched");
  await remember(memory, "hall", 901, ["Ann: a kettle whistles", "Bob: the ladder fell"]);
  const [newest] = await memory.recall({ text: "a kettle whistles" });
  assert.equal(newest!.entry.text, "Ann: a kettle whistles", "what was just written is found");
  await assertFindsTheSame(cache, "after a write");
  await memory.closeEntry(newest!.entry.id, "no longer");
  await assertFindsTheSame(cache, "after an entry was closed");
  await memory.forget({ query: "bicycle" });
  assert.ok((await memory.recall({ text: "the bicycle" })).every(({ entry }) => !/bicycle/.test(entry.text)));
  await remember(memory, "yard", 950, ["Zoë: a bicycle again"]);
  await assertFindsTheSame(cache, "after forgetting");
});

test("finds the same while a stream is written", async () => {
  const cache = new VectorCache(localEmbedder.dimension);
  while (!cache.load(connection, 1));
  const writing = (async () => {
    for (let clip = 960; clip < 975; clip++) await remember(memory, "yard", clip, [`Bob: ${sentence()}`]);
  })();
  for (let i = 0; i < 15; i++) {
    const query = questions[i % questions.length]!;
    const found = await memory.recall(query);
    assert.equal(new Set(found.map(({ entry }) => entry.id)).size, found.length);
    const cached = await foundHere(query, cache);
    assert.deepEqual(cached, await foundHere(query));
  }
  await writing;
  await assertFindsTheSame(cache, "after the stream");
});

test("speakers and a few entries are looked up in the thread too", async () => {
  assert.deepEqual(await memory.speakers(), ["Ann", "Bob", "Zoë"]);
  assert.deepEqual(await memory.entries({ speakers: ["Tim"], limit: 1 }), []);
  const [first] = await memory.entries({ speakers: ["ZOE"], limit: 1 });
  assert.match(first!.text, /Zoë/);
});

test("a thread that dies is started once more, and the question is answered", async () => {
  const expected = await foundHere(questions[0]!);
  const count = threads.length;
  const asked = memory.recall(questions[0]!);
  await threads.at(-1)!.terminate();
  assert.deepEqual(await asked, expected);
  assert.equal(threads.length, count + 1);
});

test("closing ends the thread, and a question in it fails by its code", async () => {
  const other = await openTestMemory(directory);
  await other.recall(questions[0]!);
  const ended = new Promise((resolve) => threads.at(-1)!.once("exit", resolve));
  await other.close();
  await ended;
  await assert.rejects(other.recall(questions[0]!), { code: "store-closed" });
});
