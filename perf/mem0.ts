/**
 * Search beside mem0 (npm `mem0ai`): the same made-up entries, the same sentence encoder, the same questions, in one run.
 *
 * Entries are seeded lines of talk; a question asks for one of them in other words, and is a hit where one of the lines that
 * answer it is among the first 20. mem0 is installed into a temporary folder, with its own store in a file (`infer: false`,
 * so that it asks no model). Vectors are made before both are filled, and both take the same ones; so the times are of the
 * search and of the store alone.
 *
 * `node perf/mem0.ts [--entries 1000,12000] [--spelling] [--base-url URL --model NAME] [--vectors FILE] [--only-vectors]`
 *
 * `--spelling` compares by the local embedder, where no encoder was pulled (`taskmem models pull meaning`); an endpoint
 * (`perf/embeddings-server.py`) makes vectors of many texts at once, which is several times faster. `--vectors` keeps them in a
 * file for another run, and `--only-vectors` ends when they are made, so that what is timed can be run when nothing else runs.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { parseConfig } from "../src/config.ts";
import type { Embedder } from "../src/engine.ts";
import { localEmbedder, wordSpace } from "../src/engines/local/index.ts";
import { meaningEmbedder } from "../src/engines/meaning/meaning-embedder.ts";
import type { MemoryRow } from "../src/memory/memory.ts";
import { openSqliteMemory } from "../src/memory/sqlite.ts";
import { textAround } from "../src/memory/surroundings.ts";
import { configuredEncoder } from "../src/taskmem/encoder.ts";
import { shortId } from "../src/util/hash.ts";
import { pick, type Random, randomInt, seededRandom } from "../src/util/random.ts";
import { printTable } from "./markdown.ts";
import { type Remembering, remembering } from "./remembering.ts";

const { values } = parseArgs({
  options: {
    entries: { type: "string", default: "1000,12000" },
    spelling: { type: "boolean", default: false },
    "base-url": { type: "string" },
    model: { type: "string" },
    vectors: { type: "string" },
    "only-vectors": { type: "boolean", default: false },
  },
});
const release = "3.3.1";
const asked = 40;
const shown = 20;

const people = ["Ann", "Bob", "Carla", "Dan", "Erin", "Farid", "Gwen", "Hugo", "Ines", "Jonas"];
const colours = ["red", "blue", "green", "yellow", "grey", "white", "brown", "orange"];
/** What a line says, and what a question calls it. */
const things = [
  ["sofa", "couch"],
  ["bicycle", "bike"],
  ["purse", "handbag"],
  ["spectacles", "glasses"],
  ["laptop", "computer"],
  ["jacket", "coat"],
  ["sneakers", "running shoes"],
  ["parcel", "package"],
  ["kettle", "water boiler"],
  ["photograph", "picture"],
  ["rug", "carpet"],
  ["stone", "rock"],
  ["cup", "mug"],
  ["pullover", "sweater"],
] as const;
const places = ["cellar", "attic", "garage", "kitchen", "garden shed", "hall", "office", "nursery"];
/** A deed as a line says it, and as a question asks for it. */
const deeds = [
  ["put", "Where did %p leave the %t?"],
  ["stored", "In which place does %p keep the %t?"],
  ["hid", "Where is the %t that %p concealed?"],
  ["dropped", "Where has %p set down the %t?"],
] as const;
const talk = [
  "the weather",
  "the train",
  "dinner",
  "the neighbours",
  "school",
  "the match",
  "the news",
  "money",
];

interface Line {
  readonly text: string;
  readonly question: string;
}

/** What both are filled with, and asked. */
interface Material {
  readonly lines: readonly Line[];
  readonly questions: readonly string[];
}

function materialOf(size: number): Material {
  const random = seededRandom(`mem0 ${size}`);
  const lines = Array.from({ length: size }, () => lineOf(random));
  const questions = new Set<string>();
  while (questions.size < asked) {
    const { question } = pick(random, lines);
    if (question !== "") questions.add(question);
  }
  return { lines, questions: [...questions] };
}

function lineOf(random: Random): Line {
  const person = pick(random, people);
  if (random() < 0.5) {
    const said = `${pick(random, people)} talks with ${person} about ${pick(random, talk)} for ${randomInt(random, 50) + 2} minutes.`;
    return { text: said, question: "" };
  }
  const [thing, other] = pick(random, things);
  const [deed, question] = pick(random, deeds);
  const colour = pick(random, colours);
  const text = `${person} ${deed} the ${colour} ${thing} in the ${pick(random, places)}.`;
  return { text, question: question.replace("%p", person).replace("%t", `${colour} ${other}`) };
}

/** The encoder for mem0, and what compares texts in our memory: the encoder beside spelling, around each line. */
async function encoders(): Promise<{ readonly plain: Remembering; readonly ours: Embedder }> {
  const { spelling, vectors, model, "base-url": baseUrl } = values;
  const embedder = baseUrl === undefined ? {} : { baseUrl, model };
  const configured = spelling ? null : await configuredEncoder(parseConfig({ memory: ".", embedder }), {});
  if (configured === null && !spelling)
    throw new Error("No sentence encoder was pulled: taskmem models pull meaning, or give --spelling");
  const plain = remembering(configured?.encoder ?? localEmbedder, vectors);
  if (configured === null) return { plain, ours: plain };
  return { plain, ours: meaningEmbedder({ ...configured, encoder: plain, spelling: localEmbedder }) };
}

/** Makes all vectors that either is filled or asked with. @returns seconds */
async function makeVectors(
  { lines, questions }: Material,
  { plain, ours }: { readonly plain: Remembering; readonly ours: Embedder },
): Promise<number> {
  const began = performance.now();
  const entries = lines.map(({ text }, i) => ({ text, ...spanOf(i) }));
  const batch = 512;
  for (let from = 0; from < entries.length; from += batch) {
    const texts = entries.slice(from, from + batch).map(({ text }) => text);
    const contexts = texts.map((_, i) => textAround(entries, from + i));
    await plain.embed(texts, undefined, { role: "passage" });
    await ours.embed(texts, undefined, { contexts });
    console.error(`${Math.min(entries.length, from + batch)} of ${lines.length} lines have vectors`);
  }
  await plain.embed(questions, undefined, { role: "query" });
  plain.save();
  return (performance.now() - began) / 1000;
}

const spanOf = (clip: number) => ({ startSeconds: clip * 10, endSeconds: clip * 10 + 10 });

/** A system that is filled with lines and searched. */
interface Searched {
  readonly fillSeconds: number;
  /** The texts found first. */
  search(question: string): Promise<readonly string[]>;
  close(): Promise<void>;
}

async function openOurs(folder: string, lines: readonly Line[], embedder: Embedder): Promise<Searched> {
  const memory = await openSqliteMemory(folder, { words: wordSpace, embedder, now: Date.now });
  await memory.addStream({
    ...{ id: "home", description: "home", clipSeconds: 10, clock: { kind: "media" }, fingerprint: null },
  });
  const rows = lines.map(({ text }, clip): MemoryRow => {
    const span = spanOf(clip);
    return {
      ...{ row: "entry", id: shortId("entry", clip), stream: "home", clip, kind: "episodic", ...span },
      ...{ writtenAtMs: clip, text, speakers: [], policy: "choice", revision: "choice@1", closed: null },
      evidence: { clips: [clip], ...span, frames: [], sources: [], tiers: {} },
    };
  });
  const began = performance.now();
  await memory.addRows(rows, () => null);
  return {
    fillSeconds: (performance.now() - began) / 1000,
    search: async (text) => (await memory.recall({ text, limit: shown })).map(({ entry }) => entry.text),
    close: () => memory.close(),
  };
}

/** What of mem0 is used. */
interface Mem0 {
  add(messages: readonly object[], options: object): Promise<unknown>;
  search(
    query: string,
    options: object,
  ): Promise<{ readonly results: readonly { readonly memory: string }[] }>;
}

/** Installs mem0 with this repository's SQLite. @returns its module */
function installMem0(folder: string): string {
  const sqlite = dirname(fileURLToPath(import.meta.resolve("better-sqlite3/package.json")));
  mkdirSync(folder, { recursive: true });
  const dependencies = { mem0ai: release, "better-sqlite3": `file:${sqlite}` };
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, dependencies }));
  const how = ["install", "--ignore-scripts", "--legacy-peer-deps", "--no-audit", "--no-fund", "--silent"];
  execFileSync("npm", how, { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
  return join(folder, "node_modules/mem0ai/dist/oss/index.mjs");
}

async function openMem0(
  module: string,
  folder: string,
  lines: readonly Line[],
  { embed, dimension }: Embedder,
): Promise<Searched> {
  const { Memory } = (await import(pathToFileURL(module).href)) as { Memory: new (config: object) => Mem0 };
  mkdirSync(folder, { recursive: true });
  const numbers = async (texts: string[], role: "query" | "passage") =>
    (await embed(texts, undefined, { role })).map((vector) => [...vector]);
  const model = {
    embedQuery: async (text: string) => (await numbers([text], "query"))[0],
    embedDocuments: (texts: string[]) => numbers(texts, "passage"),
  };
  const memory = new Memory({
    disableHistory: true,
    embedder: { provider: "langchain", config: { model, embeddingDims: dimension } },
    vectorStore: {
      provider: "memory",
      config: { collectionName: "lines", dimension, dbPath: join(folder, "vectors.db") },
    },
    // Never asked: nothing is inferred.
    llm: { provider: "openai", config: { apiKey: "none" } },
  });
  const began = performance.now();
  for (const { text } of lines)
    await memory.add([{ role: "user", content: text }], { userId: "home", infer: false });
  return {
    fillSeconds: (performance.now() - began) / 1000,
    search: async (query) => {
      const options = { filters: { user_id: "home" }, topK: shown, threshold: 0 };
      return (await memory.search(query, options)).results.map((found) => found.memory);
    },
    close: async () => {},
  };
}

interface Measured {
  readonly hits: number;
  readonly medianMs: number;
  readonly fillSeconds: number;
}

async function measure(
  system: Searched,
  embedder: Embedder,
  questions: readonly string[],
  lines: readonly Line[],
): Promise<Measured> {
  await embedder.embed(questions, undefined, { role: "query" });
  // The first questions start what there is to start.
  for (const question of questions.slice(0, 3)) await system.search(question);
  await pause(3000);
  const times: number[] = [];
  let hits = 0;
  for (const question of questions) {
    const began = performance.now();
    const found = await system.search(question);
    times.push(performance.now() - began);
    const right = new Set(lines.filter((line) => line.question === question).map(({ text }) => text));
    if (found.slice(0, shown).some((text) => right.has(text))) hits += 1;
  }
  await system.close();
  const medianMs = times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)]!;
  return { hits, medianMs, fillSeconds: system.fillSeconds };
}

process.env.MEM0_TELEMETRY = "false";
const { plain, ours } = await encoders();
const sizes = values.entries.split(",").map(Number);
for (const size of sizes) {
  const seconds = await makeVectors(materialOf(size), { plain, ours });
  console.error(`vectors of ${size} entries and of what is around them: ${seconds.toFixed(1)} s`);
}
if (!values["only-vectors"]) await compare();
await ours.close?.();

async function compare(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "taskmem-mem0-"));
  try {
    const module = installMem0(join(folder, "installed"));
    console.log(
      `${cpus()[0]?.model ?? "unknown CPU"}, Node ${process.version}, mem0ai ${release}, encoder ${plain.id}\n`,
    );
    const row = printTable(
      ...["entries", "", `hit@${shown} of ${asked}`, "median ms a question", "filling, s"],
      ...["hits, ratio", "time, ratio"],
    );
    for (const size of sizes) {
      const { lines, questions } = materialOf(size);
      const place = join(folder, String(size));
      const mem0 = await openMem0(module, join(place, "mem0"), lines, plain);
      const theirs = await measure(mem0, plain, questions, lines);
      const memory = await openOurs(join(place, "ours"), lines, ours);
      const own = await measure(memory, ours, questions, lines);
      const print = (name: string, { hits, medianMs, fillSeconds }: Measured, ratios: readonly string[]) =>
        row(String(size), name, String(hits), medianMs.toFixed(2), fillSeconds.toFixed(1), ...ratios);
      print("mem0", theirs, ["1", "1"]);
      print("TaskMem", own, [
        (own.hits / theirs.hits).toFixed(2),
        `1/${(theirs.medianMs / own.medianMs).toFixed(1)}`,
      ]);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
