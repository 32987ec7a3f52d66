/**
 * What remembering and recalling cost, measured in one run against plain SQLite beside it.
 *
 * Prints a Markdown table: a durable commit of one clip (3 statements, its clip row, its decision and the policy's
 * state; synced to disk) against one bare durable `INSERT`, and recall in a space of 10 k and 100 k entries against a
 * plain scan of the same texts. Entries are seeded sentences; words and vectors are those of the local engines.
 * The vector leg was exact if each recalled entry's rank and cosine are those of comparing with every vector.
 * Recall is measured as a memory does it, in a thread, and by a search of the database in the process itself; beside each
 * the longest time that the event loop stood still while questions were searched one after the other.
 *
 * `node perf/memory.ts`
 */
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import Database from "better-sqlite3";
import { localEmbedder, wordSpace } from "../src/engines/local/index.ts";
import { openDatabase } from "../src/memory/database.ts";
import type { Memory, MemoryRow, RecalledEntry } from "../src/memory/memory.ts";
import { recallEntries } from "../src/memory/recall.ts";
import { requireSpace } from "../src/memory/space.ts";
import { openSqliteMemory } from "../src/memory/sqlite.ts";
import { shortId } from "../src/util/hash.ts";
import { pick, type Random, randomInt, seededRandom } from "../src/util/random.ts";
import { observationOf } from "../test/support/memory.ts";
import { printTable } from "./markdown.ts";

const commits = 500;
const questions = 40;
const sizes = [10_000, 100_000];

const people = ["Ann", "Bob", "Carla", "Dan", "Erin", "Farid", "Gwen", "Hugo"];
const deeds = [
  "puts",
  "finds",
  "drops",
  "cleans",
  "borrows",
  "paints",
  "repairs",
  "carries",
  "hides",
  "opens",
];
const syllables = [
  "ka",
  "lo",
  "mi",
  "ren",
  "tu",
  "sol",
  "ber",
  "an",
  "di",
  "pex",
  "vor",
  "gli",
  "sha",
  "ne",
  "ty",
];

/** Words as frequent as in English text: 1 / (rank + 2.7) (Mandelbrot 1953), drawn through the inverse integral. */
function vocabulary(random: Random, size: number): () => string {
  const words = new Set<string>();
  while (words.size < size) {
    words.add(Array.from({ length: 2 + randomInt(random, 3) }, () => pick(random, syllables)).join(""));
  }
  const list = [...words];
  const offset = 2.7;
  return () => list[Math.floor((1 + offset) * ((size + offset) / (1 + offset)) ** random() - offset) - 1]!;
}

/** About 12 words a sentence. */
function sentences(seed: string): () => string {
  const random = seededRandom(seed);
  const word = vocabulary(random, 5000);
  return () =>
    `${pick(random, people)} ${pick(random, deeds)} the ${word()} ${word()} near the ${word()}, then says ${word()} ${word()} about ${word()}`;
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}

async function timed<Result>(action: () => Result | Promise<Result>): Promise<[ms: number, result: Result]> {
  const began = performance.now();
  const result = await action();
  return [performance.now() - began, result];
}

const open = (directory: string) =>
  openSqliteMemory(directory, { words: wordSpace, embedder: localEmbedder, now: Date.now });

async function addStream(memory: Memory): Promise<void> {
  await memory.addStream({
    id: "camera",
    description: "camera",
    clipSeconds: 10,
    clock: { kind: "media" },
    fingerprint: null,
  });
}

interface Timings {
  readonly p50: number;
  readonly p95: number;
}

const summary = (times: readonly number[]): Timings => ({
  p50: percentile(times, 0.5),
  p95: percentile(times, 0.95),
});

/** Milliseconds of `commit`, and of one bare durable INSERT between two of them. */
async function measureCommits(folder: string): Promise<{ commit: Timings; insert: Timings }> {
  const memory = await open(join(folder, "commits"));
  await addStream(memory);
  const plain = new Database(join(folder, "plain.db"));
  plain.pragma("journal_mode = wal");
  plain.pragma("synchronous = full");
  plain.exec("create table line (row integer primary key, text text not null)");
  const insert = plain.prepare("insert into line (text) values (?)");
  const sentence = sentences("commits");
  const times = { commit: [] as number[], insert: [] as number[] };
  for (let clip = 0; clip < commits; clip++) {
    const startSeconds = clip * 10;
    const span = { startSeconds, endSeconds: startSeconds + 10 };
    await memory.addObservation(observationOf("camera", clip));
    const lines = [sentence(), sentence(), sentence()];
    const words = new Map(lines.flatMap((line) => wordSpace.stems(line).map((stem) => [stem, 1])));
    const decision = {
      stream: "camera",
      clips: [clip],
      policy: "choice",
      revision: "choice@1",
      statements: lines.map((text) => ({
        clip,
        kind: "episodic" as const,
        ...span,
        text,
        speakers: [],
        sources: [],
        frameSeconds: [],
      })),
      stateChange: { value: { clip }, documents: lines.length, words },
    };
    times.commit.push((await timed(() => memory.commit(decision)))[0]);
    times.insert.push((await timed(() => insert.run(lines[0])))[0]);
  }
  await memory.close();
  plain.close();
  return { commit: summary(times.commit), insert: summary(times.insert) };
}

/** A memory of so many entries, three a clip, added as an import adds them. */
async function memoryOf(directory: string, entries: number): Promise<{ memory: Memory; texts: string[] }> {
  const memory = await open(directory);
  await addStream(memory);
  const sentence = sentences("entries");
  const texts = Array.from({ length: entries }, sentence);
  const rows = texts.map((text, i): MemoryRow => {
    const clip = Math.floor(i / 3);
    const span = { startSeconds: clip * 10, endSeconds: clip * 10 + 10 };
    return {
      row: "entry",
      id: shortId("entry", i),
      stream: "camera",
      clip,
      kind: "episodic",
      ...span,
      writtenAtMs: i,
      text,
      speakers: [],
      policy: "choice",
      revision: "choice@1",
      evidence: { clips: [clip], ...span, frames: [], sources: [], tiers: {} },
      closed: null,
    };
  });
  await memory.addRows(rows, () => null);
  return { memory, texts };
}

interface Searching {
  readonly times: Timings;
  /** Milliseconds that the event loop stood still: the longest while one question was searched, over all of them. */
  readonly standstill: Timings;
  readonly recalled: readonly (readonly RecalledEntry[])[];
}

interface RecallReport {
  readonly entries: number;
  /** In a thread, and in this process. */
  readonly beside: Searching;
  readonly here: Searching;
  /** Milliseconds of the first question, which starts the thread. */
  readonly firstMs: number;
  readonly scan: Timings;
  /** Questions whose vector ranks were those of comparing with every vector. */
  readonly exact: number;
}

/** Searches one question after the other. */
async function searching(
  asked: readonly string[],
  search: (text: string) => Promise<readonly RecalledEntry[]>,
): Promise<Searching> {
  const times: number[] = [];
  const standstill: number[] = [];
  const recalled: (readonly RecalledEntry[])[] = [];
  for (const text of asked) {
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    await pause(5);
    const [ms, found] = await timed(() => search(text));
    await pause(5);
    delay.disable();
    times.push(ms);
    standstill.push(delay.max / 1e6);
    recalled.push(found);
  }
  return { times: summary(times), standstill: summary(standstill), recalled };
}

async function measureRecall(folder: string, entries: number): Promise<RecallReport> {
  const directory = join(folder, String(entries));
  const { memory, texts } = await memoryOf(directory, entries);
  const vectors: Float32Array[] = [];
  for (const text of texts) vectors.push(...(await localEmbedder.embed([text])));
  const plain = new Database(join(folder, `plain-${entries}.db`));
  plain.exec("create table line (row integer primary key, text text not null)");
  const insert = plain.prepare("insert into line (text) values (?)");
  plain.transaction(() => texts.forEach((text) => void insert.run(text)))();
  const scan = plain.prepare("select count(*) as n from line where text like ?");
  const random = seededRandom("questions");
  const words = Array.from({ length: questions }, () => pick(random, texts).replace(",", "").split(" "));
  const asked = words.map(
    (said) => `What did ${said[0]} do with the ${said[3]} ${said[4]} near the ${said[7]}?`,
  );

  const recall = (text: string) => memory.recall({ text, streams: ["camera"] });
  const [firstMs] = await timed(() => recall("Who paints?"));
  // The thread loads the vectors meanwhile.
  for (const text of asked.slice(0, 10)) {
    await pause(entries / 50);
    await recall(text);
  }
  const beside = await searching(asked, recall);
  const connection = openDatabase(directory, { readOnly: true });
  const ids = { words: wordSpace, embedder: localEmbedder };
  const space = connection.perform((db) => requireSpace(db, ids));
  const here = await searching(asked, async (text) => {
    const [vector] = await localEmbedder.embed([text]);
    const index = { words: wordSpace, space, vector: vector!, meaning: 0 };
    return connection.perform((db) => recallEntries({ db, ...index }, { text, streams: ["camera"] }));
  });
  connection.close();
  const scans: number[] = [];
  for (const said of words) scans.push((await timed(() => scan.get(`%${said[4]}%`)))[0]);
  let exact = 0;
  for (const [i, text] of asked.entries()) {
    const [question] = await localEmbedder.embed([text]);
    const nearest = vectors
      .map((vector) => vector.reduce((sum, value, d) => sum + value * question![d]!, 0))
      .toSorted((a, b) => b - a);
    const found = beside.recalled[i]!.flatMap(({ score }) => score.vector ?? []);
    const isExact = found.every(({ rank, score }) => Math.abs(score - nearest[rank - 1]!) < 1e-5);
    if (found.length > 0 && isExact) exact += 1;
  }
  await memory.close();
  plain.close();
  return { entries, beside, here, firstMs, scan: summary(scans), exact };
}

const folder = mkdtempSync(join(tmpdir(), "taskmem-perf-"));
try {
  const { commit, insert } = await measureCommits(folder);
  const ms = (value: number) => value.toFixed(2);
  console.log(`${cpus()[0]?.model ?? "unknown CPU"}, Node ${process.version}\n`);
  const row = printTable(
    ...["", "p50 ms", "p95 ms", "baseline", "its p50 ms", "ratio"],
    ...["event loop stood still, p50 ms", "p95 ms", "vector leg exact"],
  );
  const print = (what: string, own: Timings, baseline: string, other: Timings, rest: readonly string[]) =>
    row(what, ms(own.p50), ms(own.p95), baseline, ms(other.p50), (own.p50 / other.p50).toFixed(1), ...rest);
  print("commit of 3 statements", commit, "one bare INSERT, synced", insert, ["–", "–", "–"]);
  const firsts: string[] = [];
  for (const size of sizes) {
    const { entries, beside, here, firstMs, scan, exact } = await measureRecall(folder, size);
    const like = "`like` over all texts";
    const stood = ({ standstill }: Searching) => [ms(standstill.p50), ms(standstill.p95)];
    print(`recall, ${entries} entries`, beside.times, like, scan, [
      ...stood(beside),
      `${exact} of ${questions} questions`,
    ]);
    print(`the same in the process itself`, here.times, like, scan, [...stood(here), "–"]);
    firsts.push(`${ms(firstMs)} ms at ${entries} entries`);
  }
  console.log(`\nThe first question, which starts the thread: ${firsts.join(", ")}.`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
