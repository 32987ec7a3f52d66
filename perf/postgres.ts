/**
 * What a memory in Postgres costs beside one in a directory, measured in one run over the same entries.
 *
 * Prints a Markdown table: a durable commit of one clip (its observation, 3 statements, its decision) beside one bare
 * durable `INSERT` of the same database, and recall of seeded questions. The server is one of the tests' own, on this
 * machine and over a socket, so a network's time comes on top.
 *
 * `node perf/postgres.ts [ENTRIES]`
 */
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import Database from "better-sqlite3";
import { localEmbedder, wordSpace } from "../src/engines/local/index.ts";
import type { Memory } from "../src/memory/memory.ts";
import { openPlace } from "../src/memory/place.ts";
import { pick, randomInt, seededRandom } from "../src/util/random.ts";
import { addTestStream, remember } from "../test/support/memory.ts";
import { testPostgres } from "../test/support/postgres.ts";
import { rowsOf } from "../test/support/store.ts";
import { printTable } from "./markdown.ts";

const entries = Number(process.argv[2] ?? 5000);
const commits = 100;
const questions = 100;
const perClip = 10;

const random = seededRandom("postgres");
const people = ["Ann", "Bob", "Carla", "Dan", "Erin", "Farid"];
const words = Array.from(
  { length: 3000 },
  (_, i) => `${pick(random, ["ka", "lo", "mi", "ren"])}${i.toString(36)}`,
);
/** Few words are frequent, most are rare. */
const word = () => words[Math.floor(words.length * random() ** 3)]!;
const sentence = () =>
  `${pick(random, people)} takes the ${word()} ${word()} to the ${word()} and says ${word()} about ${word()}`;

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

const open = (place: string) =>
  openPlace(place, { words: wordSpace, embedder: localEmbedder, now: Date.now });

test("a memory in Postgres beside one in a directory", async () => {
  const server = await testPostgres({ durable: true });
  if ("skip" in server) throw new Error(server.skip);
  const folder = mkdtempSync(join(tmpdir(), "taskmem-perf-"));
  const places = { directory: join(folder, "memory"), Postgres: server.url("perf") };
  const bare = {
    directory: bareFile(join(folder, "bare.db")),
    Postgres: await bareServer(server.url("bare")),
  };
  const disk = await open(places.directory);
  await addTestStream(disk, "kitchen");
  for (let clip = 0; clip < entries / perClip; clip++)
    await remember(disk, "kitchen", clip, Array.from({ length: perClip }, sentence));
  const memories: Readonly<Record<keyof typeof places, Memory>> = {
    directory: disk,
    Postgres: await open(places.Postgres),
  };
  await memories.Postgres.addRows(await rowsOf(disk), () => null);
  const asked = Array.from({ length: questions }, () => ({
    text: `Where did ${pick(random, people)} take the ${word()} ${word()}?`,
    ...(random() < 0.3 && { asOfSeconds: randomInt(random, entries) }),
  }));
  const heads = ["commit p50 ms", "p95", "bare insert p50", "ratio", "recall p50 ms", "p95"];
  const row = printTable("store", ...heads);
  for (const store of ["directory", "Postgres"] as const) {
    const memory = memories[store];
    await addTestStream(memory, "hall");
    const committed = await timed(commits, (clip) =>
      remember(memory, "hall", clip, [sentence(), sentence(), sentence()]),
    );
    const inserted = await timed(commits, () => bare[store](sentence()));
    await timed(10, (i) => memory.recall(asked[i]!));
    const recalled = await timed(questions, (i) => memory.recall(asked[i]!));
    const ratio = (Number(ms(committed, 0.5)) / Number(ms(inserted, 0.5))).toFixed(1);
    row(
      ...[store, ms(committed, 0.5), ms(committed, 0.95), ms(inserted, 0.5), ratio],
      ...[ms(recalled, 0.5), ms(recalled, 0.95)],
    );
  }
  process.stdout.write(`\n${entries} entries, ${cpus()[0]?.model}, Node ${process.versions.node}\n`);
  for (const memory of Object.values(memories)) await memory.close();
  await bare.Postgres.end();
  rmSync(folder, { recursive: true, force: true });
});

/** A durable insert into a file. */
function bareFile(path: string): (text: string) => void {
  const plain = new Database(path);
  plain.pragma("journal_mode = wal");
  plain.pragma("synchronous = full");
  plain.exec("create table line (row integer primary key, text text not null)");
  const insert = plain.prepare("insert into line (text) values (?)");
  return (text) => void insert.run(text);
}

/** A durable insert into a server. */
async function bareServer(url: string) {
  const { default: pg } = await import("pg");
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(
    "create table line (row bigint generated by default as identity primary key, text text not null)",
  );
  const insert = async (text: string) => {
    await client.query({ name: "insert", text: "insert into line (text) values ($1)", values: [text] });
  };
  return Object.assign(insert, { end: () => client.end() });
}
