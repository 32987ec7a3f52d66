/** The store in Postgres: the cases of every store, and cases of its own. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import pg from "pg";
import { memoryCases } from "../../../test/memory-cases/index.ts";
import { addLines, type Line } from "../../../test/support/many-entries.ts";
import {
  addTestStream,
  decisionOf,
  frameOf,
  leasedWrites,
  observationOf,
  openTestMemory,
  remember,
  statementOf,
  temporaryFolder,
} from "../../../test/support/memory.ts";
import { testPostgres } from "../../../test/support/postgres.ts";
import { rowsOf } from "../../../test/support/store.ts";
import type { Embedder } from "../../engine.ts";
import { localEmbedder, wordSpace } from "../../engines/local/index.ts";
import { StoreError } from "../../errors.ts";
import { pick, randomInt, seededRandom } from "../../util/random.ts";
import { keptChanges } from "../change-feed.ts";
import type { Change, Memory, RecallQuery } from "../memory.ts";
import type { StoredMemory } from "../stored-memory.ts";
import { Postgres } from "./connection.ts";
import {
  dropPostgresMemory,
  hasPostgresMemory,
  openPostgresMemory,
  type PostgresMemoryOptions,
  postgresIndexOf,
} from "./postgres.ts";
import { postgresIndex } from "./search.ts";
import { parsePostgresUrl } from "./url.ts";
import { type IndexedSpaces, indexedSpaces } from "./vector-index.ts";

const server = await testPostgres();
const folder = temporaryFolder("postgres");
const code = (name: string) => (error: unknown) => error instanceof StoreError && error.code === name;

async function open(url: string, options: Partial<PostgresMemoryOptions> = {}) {
  let nowMs = 1_700_000_000_000;
  const own = { words: wordSpace, embedder: localEmbedder, now: () => nowMs++, ...options };
  return openPostgresMemory(url, own);
}

const people = ["Ann", "Bob", "Carla", "Jürgen", "Åsa"];
const things = ["teapot", "scissors", "ladder", "violin", "blanket", "lantern", "key", "passport"];
const places = ["kitchen", "garden", "cellar", "attic", "hall", "garage"];

/** Some 320 entries of two cameras, some of them closed. */
async function lived(memory: StoredMemory): Promise<StoredMemory> {
  const random = seededRandom("two stores");
  for (const stream of ["north", "south"]) {
    await addTestStream(memory, stream);
    for (let clip = 0; clip < 40; clip++) {
      const line = (place: number) =>
        `${pick(random, people)}${random() < 0.4 ? ": the" : " takes the"} ${pick(random, things)} to the ${pick(random, places)}, ${pick(random, places)} or ${pick(random, things)} ${4 * clip + place}`;
      await remember(memory, stream, clip, [0, 1, 2, 3].map(line), {
        frames: [frameOf(clip, `picture ${clip}`)],
      });
    }
  }
  for (const [i, { id }] of (await memory.entries()).entries())
    if (i % 9 === 0) await memory.closeEntry(id, "over");
  return memory;
}

function questions(count: number): RecallQuery[] {
  const random = seededRandom("questions");
  return Array.from({ length: count }, (_, i) => ({
    text: `Where did ${pick(random, people)} put the ${pick(random, things)} and the ${pick(random, things)}?`,
    limit: 64,
    ...(i % 3 === 0 && { nearSeconds: randomInt(random, 500) }),
    ...(i % 4 === 0 && { aboutSpeakers: [pick(random, ["ann", "Juergen", "asa"])] }),
    ...(i % 5 === 0 && { streams: ["south"] }),
    ...(i % 6 === 0 && { asOfSeconds: 240 }),
    ...(i % 7 === 0 && { includeClosed: true }),
    ...(i % 8 === 0 && { speakers: ["Jurgen"] }),
  }));
}

/** Vectors whose distances are far apart, so that they are ordered alike in any precision and order of adding. */
const exactEmbedder: Embedder = {
  id: "random",
  dimension: 8,
  embed: async (texts) =>
    texts.map((text) => {
      const random = seededRandom(text);
      const vector = Float32Array.from({ length: 8 }, () => random() - 0.5);
      const length = Math.hypot(...vector);
      return vector.map((value) => value / length);
    }),
};

/** Entries of two cameras, one in a hundred of them of the porch, and questions about them. */
function manyEntries(count: number): { lines: Line[]; asked: RecallQuery[] } {
  const random = seededRandom("many vectors");
  const names = Array.from(
    { length: 400 },
    (_, i) => `${pick(random, ["ka", "lo", "ren"])}${i.toString(36)}`,
  );
  const name = () => names[Math.floor(names.length * random() ** 2)]!;
  const lines = Array.from({ length: count }, (_, i) => ({
    ...{ stream: i % 100 === 0 ? "porch" : "kitchen", seconds: i, speakers: [] },
    text: `Ann takes the ${name()} ${name()} to the ${name()} ${name()}`,
  }));
  const asked = Array.from({ length: 60 }, (_, i) => ({
    text: `Where is the ${name()} and the ${name()}, and what did Ann say about the ${name()}?`,
    limit: 64,
    ...(i % 3 === 1 && { asOfSeconds: count / 2 }),
    ...(i % 3 === 2 && { streams: ["porch"], limit: 20 }),
  }));
  return { lines, asked };
}

/** Searches the vectors of a memory alone. */
async function nearestIn(url: string, indexed: IndexedSpaces) {
  const opened = { url: parsePostgresUrl(url), readOnly: true };
  const db = await Postgres.open(opened, (steps) => postgresIndex(steps, () => "pgvector", indexed));
  // So few vectors the server would rather compare than search.
  await db.execute("set enable_seqscan = off");
  return {
    find: async (query: RecallQuery) => {
      const [vector] = await localEmbedder.embed([query.text]);
      const found = await db.perform((steps) => steps.index.nearest(1, vector!, query, query.limit!));
      return found.map(({ row }) => row);
    },
    close: () => db.close(),
  };
}

// biome-ignore lint/correctness/useYield: there is nothing to ask.
const noSpaces: IndexedSpaces = function* () {
  return false;
};

/** How often the index was searched, as the server counted it when the connections that did ended. */
async function scansOf(reader: pg.Client): Promise<number> {
  await reader.query("select pg_stat_clear_snapshot()");
  const counted = "select idx_scan::int as scans from pg_stat_user_indexes where indexrelname like '%_hnsw'";
  return (await reader.query<{ scans: number }>(counted)).rows[0]!.scans;
}

/** Ids with what words found of each, and the two lists' places. */
const recalled = async (memory: Memory, query: RecallQuery) =>
  (await memory.recall(query)).map(({ entry, score }) => [
    ...[entry.id, score.fullText?.score, score.fullText?.rank, score.speaker?.score],
    ...[score.time?.score, score.vector?.rank],
  ]);

if ("skip" in server) test("a memory in Postgres", { skip: server.skip });
else {
  let spaces = 0;
  const urls = new Map<Memory, string>();
  const newUrl = () => `${server.url(`space-${spaces++}`)}&connections=3`;
  const openNew = async (options: Partial<PostgresMemoryOptions> = {}) => {
    const url = newUrl();
    const memory = await open(url, options);
    urls.set(memory, url);
    return memory;
  };
  memoryCases({
    isDistant: true,
    open: openNew,
    reopen: async (memory) => {
      await memory.close();
      const again = await open(urls.get(memory)!);
      urls.set(again, urls.get(memory)!);
      return again;
    },
  });

  describe("of the same export, SQLite and Postgres", () => {
    const both = async (name: string, embedder: Embedder) => {
      const disk = await lived(await openTestMemory(join(folder, name), { embedder }));
      const memory = await openNew({ embedder });
      const rows = await rowsOf(disk);
      assert.equal((await memory.addRows(rows, () => null)).added, rows.length);
      return { disk, memory, rows };
    };

    test("recall the same entries with the same scores for 200 questions, and export the same rows", async () => {
      const { disk, memory, rows } = await both("same", exactEmbedder);
      const { by, isApproximate } = await memory.vectorSearch();
      assert.deepEqual([by, isApproximate], [server.hasVectors ? "pgvector" : "process", false]);
      for (const query of questions(200)) {
        const found = await recalled(memory, query);
        assert.deepEqual(found, await recalled(disk, query), JSON.stringify(query));
        assert.ok(found.length > 0);
      }
      assert.deepEqual(await rowsOf(memory), withoutFrames(rows));
      assert.deepEqual(await memory.check(), []);
      await disk.close();
      await memory.close();
    });

    test("recall the same entries by vectors whose distances differ in the last digits", async () => {
      const { disk, memory } = await both("near", localEmbedder);
      const ids = async (of: Memory, query: RecallQuery) =>
        (await of.recall({ ...query, limit: 20 })).map(({ entry }) => entry.id).sort();
      let same = 0;
      for (const query of questions(60))
        if (isDeepStrictEqual(await ids(memory, query), await ids(disk, query))) same += 1;
      assert.ok(same === 60, `${same} of 60`);
      await disk.close();
      await memory.close();
    });
  });

  describe("a space", () => {
    test("is apart from others, and is forgotten whole", async () => {
      const [one, other] = [newUrl(), newUrl()];
      for (const url of [one, other]) {
        const memory = await open(url);
        await addTestStream(memory, "kitchen");
        await remember(memory, "kitchen", 0, [`Ann: this is ${url === one ? "one" : "other"}`]);
        await memory.close();
      }
      assert.deepEqual(await postgresIndexOf(one), {
        embedder: localEmbedder.id,
        dimension: localEmbedder.dimension,
      });
      assert.equal(await dropPostgresMemory(one), true);
      assert.deepEqual([await hasPostgresMemory(one), await hasPostgresMemory(other)], [false, true]);
      const memory = await open(other, { readOnly: true });
      assert.deepEqual(
        (await memory.entries()).map(({ text }) => text),
        ["Ann: this is other"],
      );
      await assert.rejects(addTestStream(memory, "hall"), code("store-read-only"));
      await memory.close();
      await assert.rejects(open(one, { readOnly: true }), code("store-missing"));
      assert.equal(await hasPostgresMemory(one), false, "reading creates nothing");
    });

    test("of another program, of a newer version or of no server is refused", async () => {
      const url = newUrl();
      const memory = await open(url);
      await memory.close();
      const { default: pg } = await import("pg");
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      const schema = `"taskmem_space-${spaces - 1}"`;
      await client.query(`update ${schema}.setting set version = 99`);
      await assert.rejects(open(url), code("store-newer"));
      await client.query(`alter table ${schema}.setting rename to others`);
      await assert.rejects(open(url), code("store-foreign"));
      await client.end();
      const nowhere = url.replace(/host=[^&]*/, `host=${encodeURIComponent(folder)}`);
      await assert.rejects(open(nowhere), code("store-unreachable"));
    });
  });

  describe("two handles of a space", () => {
    test("write two streams at once, and each follows what the other wrote", async () => {
      const url = newUrl();
      const handles = [await open(url), await open(url)];
      for (const [i, memory] of handles.entries()) await addTestStream(memory, `camera-${i}`);
      const stop = new AbortController();
      const changes = handles[0]!.changes({ signal: stop.signal });
      const leases = await Promise.all(handles.map((memory, i) => memory.lease(`camera-${i}`)));
      await assert.rejects(handles[0]!.lease("camera-1"), code("stream-busy"));
      const clips = 8;
      await Promise.all(
        handles.map(async (memory, i) => {
          for (let clip = 0; clip < clips; clip++)
            await remember(memory, `camera-${i}`, clip, [`Ann: ${clip} cups`, `Bob: ${clip} plates`]);
        }),
      );
      const { documents, words } = await handles[1]!.policyState("choice", "camera-0");
      assert.deepEqual([documents, words.get("cup")], [4 * clips, 2 * clips]);
      let seen = 0;
      for await (const { kind } of changes) if (kind === "entry" && ++seen === 4 * clips) break;
      stop.abort();
      for (const lease of leases) await lease.release();
      for (const memory of handles) await memory.close();
    });

    test("take a stream over, and the one before may not write it", async () => {
      const url = newUrl();
      const [one, two] = [await open(url), await open(url)];
      await addTestStream(one, "kitchen");
      await one.lease("kitchen");
      const { tookOver } = await two.lease("kitchen", { takeOver: true });
      assert.equal(tookOver?.pid, process.pid);
      for (const [name, write] of Object.entries(leasedWrites(one, "kitchen")))
        await assert.rejects(write(), code("lease-lost"), name);
      assert.deepEqual([await two.gaps(), (await two.streams())[0]!.ended], [[], false]);
      for (const memory of [one, two]) await memory.close();
    });
  });

  test("above the limit an index is built while others write, finds nearly what comparing all finds, and is forgotten with what it held", {
    skip: !server.hasVectors && "the server has no pgvector",
  }, async () => {
    const url = newUrl();
    const { lines, asked } = manyEntries(3000);
    const empty = await open(url);
    for (const stream of ["kitchen", "porch"]) await addTestStream(empty, stream);
    await addLines(url, lines, localEmbedder);
    assert.deepEqual(await empty.check(), []);
    const search = { by: "pgvector", vectors: lines.length, lacksIndex: null };
    assert.deepEqual(await empty.vectorSearch(), { ...search, isApproximate: false });
    await empty.close();

    const memory = await open(url, { mostExact: 1000 });
    assert.match((await memory.vectorSearch()).lacksIndex!, /is being built/);
    const reader = new pg.Client({ connectionString: server.address });
    await reader.connect();
    // The build waits for whoever reads since before it.
    await reader.query("begin isolation level repeatable read; select 1");
    let isBuilt = false;
    const built = memory
      .addRows([], () => null)
      .then(() => {
        isBuilt = true;
      });
    const building = "select 1 from pg_stat_progress_create_index where phase like 'waiting for %'";
    while ((await reader.query(building)).rows.length === 0)
      await reader.query("select pg_stat_clear_snapshot()");
    await remember(memory, "kitchen", 1000, ["Ann takes the zither to the attic"]);
    assert.equal(isBuilt, false, "it was written while the index was built");
    await reader.query("commit");
    await built;
    assert.deepEqual(await memory.vectorSearch(), {
      ...search,
      vectors: lines.length + 1,
      isApproximate: true,
    });

    const [byIndex, byAll] = [await nearestIn(url, indexedSpaces()), await nearestIn(url, noSpaces)];
    let same = 0;
    let all = 0;
    for (const query of asked) {
      const [found, expected] = [await byIndex.find(query), await byAll.find(query)];
      assert.equal(found.length, query.limit, "filters leave as many as were asked for");
      all += expected.length;
      same += expected.filter((row) => found.includes(row)).length;
    }
    assert.ok(same > 0.95 * all, `${same} of ${all}`);
    for (const { close } of [byIndex, byAll]) await close();
    assert.ok((await scansOf(reader)) > 0, "the index was used");
    const [zither] = await memory.recall({ text: "zithers in the attic" });
    assert.match(zither!.entry.text, /zither/);

    await memory.forget({ query: "zither" });
    await memory.addRows([], () => null);
    assert.deepEqual(await memory.vectorSearch(), { ...search, isApproximate: true });
    assert.deepEqual(await memory.check(), []);
    await memory.close();
    assert.equal(await dropPostgresMemory(url), true);
    assert.equal(await hasPostgresMemory(url), false);
    await reader.end();
  });

  // In place of the case of every store that writes 10,000 changes one by one.
  test("who missed more changes than are kept is told so", async () => {
    const memory = await openNew();
    await addTestStream(memory, "kitchen");
    const early = memory.changes()[Symbol.asyncIterator]();
    await remember(memory, "kitchen", 0, ["Ann: tea"]);
    const { cursor } = (await early.next()).value as Change;
    const client = new pg.Client({ connectionString: server.address });
    await client.connect();
    const { schema } = parsePostgresUrl(urls.get(memory)!);
    // The log is cut at each hundredth change.
    await client.query(`insert into "${schema}".change (kind, id) select 'task', 'missed-' || i from
      generate_series(1, (select ${keptChanges} + 99 - max(row) % 100 from "${schema}".change)) as i`);
    await client.end();
    await remember(memory, "kitchen", 1, ["Bob: coffee"]);
    const since = memory.changes({ since: cursor })[Symbol.asyncIterator]();
    assert.equal(((await since.next()).value as Change).kind, "reset");
    await memory.close();
  });

  test("pictures of many waiting clips are read when they are asked for", async () => {
    const memory = await openNew();
    await addTestStream(memory, "kitchen");
    const clips = 62;
    for (let clip = 0; clip < clips; clip++)
      await memory.addObservation(
        observationOf("kitchen", clip, { frames: [frameOf(clip, `picture ${clip}`)] }),
      );
    const { pending } = await memory.progress("kitchen", 5);
    assert.equal(Buffer.from(pending[0]!.frames[0]!.jpeg).toString(), "picture 0");
    const last = pending.at(-1)!;
    assert.throws(() => last.frames[0]!.jpeg, code("blob-missing"));
    const loaded = await memory.loadFrames(last);
    assert.equal(Buffer.from(loaded.frames[0]!.jpeg).toString(), `picture ${clips - 1}`);
    await memory.close();
  });

  test("what was forgotten is in no table, and texts with a character 0 are kept without it", async () => {
    const url = newUrl();
    const memory = await open(url);
    await addTestStream(memory, "kitchen");
    await remember(memory, "kitchen", 0, ["Zebulon: the zither is in the attic", "Bob: a \0 in a text"]);
    await memory.commit(decisionOf("kitchen", [statementOf(0, "Bob sleeps")], { revision: "choice@2" }));
    assert.equal((await memory.recall({ text: "zither" })).length > 0, true);
    await memory.forget({ person: "Zebulon" });
    const held = await tablesHolding(url, ["zebulon", "zither"]);
    assert.deepEqual(held, []);
    assert.match((await memory.entries()).map(({ text }) => text).join(), /in a text/);
    await memory.close();
  });

  /** Tables of a space of which a row holds any of these words. */
  async function tablesHolding(url: string, words: readonly string[]): Promise<string[]> {
    const { default: pg } = await import("pg");
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const schema = `taskmem_${new URL(url).searchParams.get("space")}`;
    const tables = await client.query("select tablename as name from pg_tables where schemaname = $1", [
      schema,
    ]);
    const found: string[] = [];
    for (const { name } of tables.rows) {
      const rows = await client.query(`select t::text as row from "${schema}"."${name}" as t`);
      if (rows.rows.some(({ row }) => words.some((word) => row.toLowerCase().includes(word))))
        found.push(name);
    }
    await client.end();
    return found;
  }
}

/** Rows as a memory has them that could not read their pictures. */
function withoutFrames(rows: Awaited<ReturnType<typeof rowsOf>>) {
  return rows.map((row) =>
    row.row === "clip" && row.observation ? { ...row, observation: { ...row.observation, frames: [] } } : row,
  );
}

const debian = await testPostgres({ withoutVectors: true });
test("without pgvector, vectors are compared in this process and the same is recalled", {
  skip: "skip" in debian && debian.skip,
}, async () => {
  if ("skip" in debian) return;
  const memory = await open(debian.url("plain"));
  const disk = await lived(await openTestMemory(join(folder, "plain")));
  assert.equal((await memory.vectorSearch()).by, "process");
  await memory.addRows(await rowsOf(disk), () => null);
  for (const query of questions(24))
    assert.deepEqual(await recalled(memory, query), await recalled(disk, query), JSON.stringify(query));
  assert.deepEqual(await memory.check(), []);
  await disk.close();
  await memory.close();
});
