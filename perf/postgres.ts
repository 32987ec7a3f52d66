/**
 * What memories in Postgres cost beside those in directories, measured in one run over the same entries.
 *
 * Prints a Markdown table: a durable commit of one clip (its observation, 3 statements, its decision) beside one bare
 * durable `INSERT` of the same database, and recall of seeded questions, asked of each space in turn. The server is one of
 * the tests' own, on this machine and over a socket, so a network's time comes on top; or yours.
 *
 * `node perf/postgres.ts [--entries 5000] [--spaces 1] [--server postgres://…] [--folder FOLDER] [--load N] [--store Postgres]`
 *
 * Many entries take minutes to load. With `--folder` and `--server`, what is loaded stays, and a run with `--load 2` ends
 * after two more spaces. Of a space with an HNSW index it also says how much of what comparing all finds the index finds, and
 * what either takes.
 */
import { existsSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import Database from "better-sqlite3";
import pg from "pg";
import { localEmbedder, wordSpace } from "../src/engines/local/index.ts";
import type { MemoryRow } from "../src/memory/memory.ts";
import { hasMemory, openPlace } from "../src/memory/place.ts";
import { Postgres } from "../src/memory/postgres/connection.ts";
import { postgresIndex } from "../src/memory/postgres/search.ts";
import { parsePostgresUrl } from "../src/memory/postgres/url.ts";
import { type IndexedSpaces, indexedSpaces } from "../src/memory/postgres/vector-index.ts";
import { pick, randomInt, seededRandom } from "../src/util/random.ts";
import { addLines, type Line } from "../test/support/many-entries.ts";
import { addTestStream, remember } from "../test/support/memory.ts";
import { startPostgres } from "../test/support/postgres.ts";
import { printTable } from "./markdown.ts";

const { values: flags } = parseArgs({
  options: {
    entries: { type: "string", default: "5000" },
    spaces: { type: "string", default: "1" },
    server: { type: "string" },
    folder: { type: "string" },
    load: { type: "string", default: "1000" },
    store: { type: "string", multiple: true, default: ["directory", "Postgres"] },
  },
});
const [entries, spaces, load] = [Number(flags.entries), Number(flags.spaces), Number(flags.load)];
const each = Math.floor(entries / spaces);
const commits = 100;
const questions = Math.max(10, Math.ceil(200 / spaces));
/** Rows that are added to a directory in one transaction. */
const rowsAtOnce = 20_000;

const people = ["Ann", "Bob", "Carla", "Dan", "Erin", "Farid"];
const streams = ["kitchen", "hall", "garden"];

/** Draws sentences: few words are frequent, most are rare. */
function drawing(seed: string) {
  const random = seededRandom(seed);
  const names = seededRandom("words");
  const words = Array.from(
    { length: 20_000 },
    (_, i) => `${pick(names, ["ka", "lo", "mi", "ren"])}${i.toString(36)}`,
  );
  const word = () => words[Math.floor(words.length * random() ** 3)]!;
  const sentence = () =>
    `${pick(random, people)} takes the ${word()} ${word()} to the ${word()} and says ${word()} about ${word()}`;
  const question = () => ({
    text: `Where did ${pick(random, people)} take the ${word()} ${word()}?`,
    ...(random() < 0.3 && { asOfSeconds: randomInt(random, each) }),
    ...(random() < 0.3 && { streams: [pick(random, streams)] }),
  });
  return { random, sentence, question };
}

function linesOf(space: number): Line[] {
  const { random, sentence } = drawing(`space ${space}`);
  return Array.from({ length: each }, (_, i) => {
    const speakers = random() < 0.3 ? [pick(random, people)] : [];
    return { id: `${space}-${i}`, stream: pick(random, streams), text: sentence(), speakers, seconds: i };
  });
}

const rowOf = ({ id, stream, text, speakers, seconds }: Line): MemoryRow => ({
  ...{ row: "entry", id: id!, stream, clip: Math.floor(seconds / 10), kind: "episodic", text, speakers },
  ...{ startSeconds: seconds, endSeconds: seconds + 1, writtenAtMs: 1_700_000_000_000 + seconds },
  ...{ policy: "choice", revision: "choice@1", closed: null },
  evidence: { clips: [], startSeconds: 0, endSeconds: 0, frames: [], sources: [], tiers: {} },
});

const open = (place: string) =>
  openPlace(place, { words: wordSpace, embedder: localEmbedder, now: Date.now });

async function fillDirectory(directory: string, lines: readonly Line[]): Promise<void> {
  const begun = `${directory}.begun`;
  rmSync(begun, { recursive: true, force: true });
  const memory = await open(begun);
  for (const stream of streams) await addTestStream(memory, stream);
  for (let from = 0; from < lines.length; from += rowsAtOnce)
    await memory.addRows(lines.slice(from, from + rowsAtOnce).map(rowOf), () => null);
  await memory.close();
  renameSync(begun, directory);
}

async function fillSpace(url: string, lines: readonly Line[]): Promise<void> {
  const memory = await open(url);
  for (const stream of streams) await addTestStream(memory, stream);
  await addLines(url, lines, localEmbedder);
  const began = performance.now();
  await memory.addRows([], () => null);
  const { isApproximate } = await memory.vectorSearch();
  if (isApproximate) console.log(`an index of ${lines.length} vectors was built in ${secondsSince(began)} s`);
  await memory.close();
}

const secondsSince = (began: number) => ((performance.now() - began) / 1000).toFixed(0);

const ms = (values: readonly number[], share: number) =>
  values.toSorted((a, b) => a - b)[Math.floor(share * (values.length - 1))]!.toFixed(1);

async function timed(times: number, action: (i: number) => unknown): Promise<number[]> {
  const taken: number[] = [];
  for (let i = 0; i < times; i++) {
    const began = performance.now();
    await action(i);
    taken.push(performance.now() - began);
  }
  return taken;
}

const folder = flags.folder ?? mkdtempSync(join(tmpdir(), "taskmem-perf-"));
const own = flags.server ? null : await startPostgres({ durable: true, settings: { shared_buffers: "1GB" } });
if (own && "skip" in own) throw new Error(own.skip);
const server = new URL(flags.server ?? own!.address);
const urlOf = (space: number) => {
  const url = new URL(server);
  url.searchParams.set("space", `perf-${each}-${space}`);
  return url.href;
};
const places = {
  directory: (space: number) => join(folder, `${each}-${space}`),
  Postgres: urlOf,
};

let loaded = 0;
for (let space = 0; space < spaces; space++) {
  const there = {
    directory: existsSync(places.directory(space)) || !flags.store.includes("directory"),
    Postgres: await hasMemory(urlOf(space)),
  };
  if (there.directory && there.Postgres) continue;
  if (loaded++ === load) {
    console.log(`${space} of ${spaces} spaces are loaded`);
    process.exit(0);
  }
  const lines = linesOf(space);
  const began = performance.now();
  if (!there.directory) await fillDirectory(places.directory(space), lines);
  const between = performance.now();
  if (!there.Postgres) await fillSpace(urlOf(space), lines);
  console.log(
    `space ${space}: ${each} entries, directory ${((between - began) / 1000).toFixed(0)} s, Postgres ${secondsSince(between)} s`,
  );
}

const bare = { directory: bareFile(join(folder, "bare.db")), Postgres: await bareServer(server.href) };
const heads = ["commit p50 ms", "p95", "bare insert p50", "ratio", "recall p50 ms", "p95"];
const row = printTable("store", ...heads);
for (const store of ["directory", "Postgres"] as const) {
  if (!flags.store.includes(store)) continue;
  const memories = await Promise.all(
    Array.from({ length: spaces }, (_, space) => open(places[store](space))),
  );
  const { sentence, question } = drawing("asked");
  await addTestStream(memories[0]!, "porch");
  const { nextClip } = await memories[0]!.progress("porch", 5);
  const committed = await timed(commits, (i) =>
    remember(memories[0]!, "porch", nextClip + i, [sentence(), sentence(), sentence()]),
  );
  const inserted = await timed(commits, () => bare[store](sentence()));
  const recalled: number[] = [];
  for (const memory of memories) {
    // The first questions load what a process holds.
    await timed(5, () => memory.recall(question()));
    recalled.push(...(await timed(questions, () => memory.recall(question()))));
  }
  const ratio = (Number(ms(committed, 0.5)) / Number(ms(inserted, 0.5))).toFixed(1);
  row(
    ...[store, ms(committed, 0.5), ms(committed, 0.95), ms(inserted, 0.5), ratio],
    ...[ms(recalled, 0.5), ms(recalled, 0.95)],
  );
  for (const memory of memories) await memory.close();
}
const { vectorSearch, close } = await open(urlOf(0));
if ((await vectorSearch()).isApproximate) await compareIndex(urlOf(0));
await close();
const bytes = (await bare.Postgres.size()) / 1e9;
console.log(
  `\n${each} entries in each of ${spaces} spaces, ${questions} questions to each; Postgres ${bytes.toFixed(1)} GB; ${cpus()[0]?.model}, ${cpus().length} cores, load ${loadavg()[0]!.toFixed(0)}, Node ${process.versions.node}`,
);
await bare.Postgres.end();
if (own) await own.stop();
if (!flags.folder) rmSync(folder, { recursive: true, force: true });

/** Asks the index of a space and all of its vectors for the same 64 nearest. */
async function compareIndex(url: string): Promise<void> {
  const opened = { url: parsePostgresUrl(url), readOnly: true };
  // biome-ignore lint/correctness/useYield: there is nothing to ask.
  const never: IndexedSpaces = function* () {
    return false;
  };
  const [byIndex, byAll] = await Promise.all(
    [indexedSpaces(), never].map((indexed) =>
      Postgres.open(opened, (db) => postgresIndex(db, () => "pgvector", indexed)),
    ),
  );
  const { question } = drawing("compared");
  const taken = { byIndex: [] as number[], byAll: [] as number[] };
  let same = 0;
  let all = 0;
  for (let i = 0; i < 60; i++) {
    const query = question();
    const [vector] = await localEmbedder.embed([query.text]);
    const nearest = async (db: Postgres, times: number[]) => {
      const began = performance.now();
      const found = await db.perform((steps) => steps.index.nearest(1, vector!, query, 64));
      times.push(performance.now() - began);
      return found.map((near) => near.row);
    };
    const [found, expected] = [await nearest(byIndex!, taken.byIndex), await nearest(byAll!, taken.byAll)];
    same += expected.filter((row) => found.includes(row)).length;
    all += expected.length;
  }
  for (const db of [byIndex!, byAll!]) await db.close();
  console.log(
    `\nof what comparing all vectors finds (p50 ${ms(taken.byAll, 0.5)} ms, p95 ${ms(taken.byAll, 0.95)}), the index finds ${((100 * same) / all).toFixed(1)} % (p50 ${ms(taken.byIndex, 0.5)} ms, p95 ${ms(taken.byIndex, 0.95)})`,
  );
}

/** A durable insert into a file. */
function bareFile(path: string): (text: string) => void {
  const plain = new Database(path);
  plain.pragma("journal_mode = wal");
  plain.pragma("synchronous = full");
  plain.exec("create table if not exists line (row integer primary key, text text not null)");
  const insert = plain.prepare("insert into line (text) values (?)");
  return (text) => void insert.run(text);
}

/** A durable insert into a server. */
async function bareServer(url: string) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(
    "create table if not exists line (row bigint generated by default as identity primary key, text text not null)",
  );
  const insert = async (text: string) => {
    await client.query({ name: "insert", text: "insert into line (text) values ($1)", values: [text] });
  };
  const size = async () => {
    const { rows } = await client.query("select pg_database_size(current_database())::float8 as bytes");
    return (rows[0] as { bytes: number }).bytes;
  };
  return Object.assign(insert, { size, end: () => client.end() });
}
