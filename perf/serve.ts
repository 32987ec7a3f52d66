/**
 * A server under load: many clients at once on a large memory, and what it does to their answers, its event loop, and what it
 * acknowledged when it is killed.
 *
 * The server is a process of its own. Each client asks for one thing after the other: searches, questions, pages of the
 * timeline, the evidence of a memory, facts to keep. Prints a Markdown table: the times of each route beside those of the same
 * requests by one client alone, and beside `GET /healthz` by as many clients, in the same run, before and after; then
 * the longest time that the server's event loop stood still, beside that of a process that does nothing (what the machine itself
 * takes), and what was lost when the server was killed while facts were kept. Entries are seeded sentences.
 *
 * `node perf/serve.ts [--clients 100] [--seconds 60] [--entries 20000]`
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { type ClientOptions, ServerError, type TaskMemClient, taskMemClient } from "../src/client/index.ts";
import type { MemoryRow } from "../src/memory/memory.ts";
import { openTaskMem } from "../src/taskmem.ts";
import { pick, type Random, randomInt, seededRandom } from "../src/util/random.ts";
import { printTable } from "./markdown.ts";
import type { Stall, Stalls } from "./stall-probe.ts";

/** How much load there is. */
export interface LoadOptions {
  readonly clients: number;
  readonly seconds: number;
  readonly entries: number;
}

/** Times of one kind of request, in milliseconds. */
export interface RouteTimes {
  readonly requests: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** What a run measured. */
export interface LoadReport {
  /** By route, with all clients at once. */
  readonly loaded: ReadonlyMap<string, RouteTimes>;
  /** The same requests by one client alone. */
  readonly alone: ReadonlyMap<string, RouteTimes>;
  /** `GET /healthz` by as many clients. */
  readonly health: RouteTimes;
  /** What was not answered as it should be, one sentence each. */
  readonly errors: readonly string[];
  /** How long the event loop stood still under load. */
  readonly stalls: Stalls;
  /** The same of a process that does nothing meanwhile: what the machine takes from everybody. */
  readonly idleStalls: Stalls;
  /** How long it stood still for one request of a kind that the load has not, by route. */
  readonly others: ReadonlyMap<string, Stall>;
  /** What one request of each kind costs the server's main thread, in milliseconds of computing: the mean of 20, one by one. */
  readonly computing: ReadonlyMap<string, number>;
  /** Facts that were acknowledged before the server was killed, and those of them that are gone. */
  readonly acknowledged: number;
  readonly lost: readonly string[];
  /** What `check()` says of the memory after the kill. */
  readonly problems: readonly string[];
}

const space = "home";
const things = ["key", "ladder", "kettle", "parcel", "lamp", "rake", "basket", "ticket", "letter", "drill"];
const places = ["shelf", "cellar", "shed", "attic", "drawer", "garage", "pantry", "hall", "study", "porch"];
const people = ["Ann", "Bob", "Carla", "Dan", "Erin", "Farid", "Gwen", "Hugo"];

/** Runs everything. */
export async function loadServer({ clients, seconds, entries }: LoadOptions): Promise<LoadReport> {
  const root = mkdtempSync(join(tmpdir(), "taskmem-load-"));
  try {
    await fill(join(root, space), entries);
    const errors: string[] = [];
    const server = await startServer(root);
    const work = { url: server.url, space };
    const short = Math.max(1, seconds / 6);
    const before = await healthOf(server.url, clients, short / 2);
    // The first requests open the memory and its thread.
    await load(work, { clients: 4, seconds: short, entries, seed: "warm", errors });
    const alone = await load(work, { clients: 1, seconds: 2 * short, entries, seed: "alone", errors });
    const idle = startProbed(["-e", "setInterval(() => {}, 1e9)"], "inherit");
    await Promise.all([stallsOf(idle), stallsOf(server.child)]);
    const loaded = await load(work, { clients, seconds, entries, seed: "loaded", errors });
    const [idleStalls, stalls] = await Promise.all([stallsOf(idle), stallsOf(server.child)]);
    idle.kill();
    const others = await stallsOfOthers(server, work);
    const computing = await computingOf(server, work);
    const after = await healthOf(server.url, clients, short / 2);
    const acknowledged = await killUnderLoad(server.child, work, clients);
    const { lost, problems } = await lostOf(join(root, space), acknowledged);
    return {
      ...{ loaded: timesOf(loaded), alone: timesOf(alone), health: toTimes([...before, ...after]) },
      ...{ errors, stalls, idleStalls, others, computing },
      ...{ acknowledged: acknowledged.length, lost, problems },
    };
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** A memory of seeded sentences. */
async function fill(directory: string, n: number): Promise<void> {
  const random = seededRandom("load");
  await using memory = await openTaskMem({ directory, embedder: { meaning: "off" } });
  const stream = "hall";
  await memory.store.addStream({
    ...{ id: stream, description: stream, clipSeconds: 10, clock: { kind: "media" }, fingerprint: null },
  });
  for (let from = 0; from < n; from += 1000) {
    const rows = Array.from({ length: Math.min(1000, n - from) }, (_, i): MemoryRow => {
      const clip = from + i;
      const span = { startSeconds: clip * 10, endSeconds: clip * 10 + 10 };
      return {
        ...{ row: "entry", id: `entry_${clip}`, stream, clip, kind: "episodic", ...span },
        ...{ writtenAtMs: clip, text: sentence(random, clip), speakers: [], closed: null },
        ...{ policy: "choice", revision: "choice@1" },
        evidence: { clips: [clip], ...span, frames: [], sources: [], tiers: {} },
      };
    });
    await memory.store.addRows(rows, () => null);
  }
}

const sentence = (random: Random, i: number) =>
  `${pick(random, people)} puts ${pick(random, things)} ${i % 997} on the ${pick(random, places)} beside ${pick(random, things)} ${randomInt(random, 500)}.`;

interface Started {
  readonly child: ChildProcess;
  readonly url: string;
}

async function startServer(root: string): Promise<Started> {
  const main = join(import.meta.dirname, "../src/cli/main.ts");
  const args = [main, "serve", "--root", root, "--port", "0", "--meaning", "off", "--json"];
  const child = startProbed(args, "pipe");
  const [line] = (await once(createInterface({ input: child.stdout! }), "line")) as [string];
  const { url } = JSON.parse(line) as { url: string };
  return { child, url };
}

/** Starts a process that tells how long its event loop stands still. */
function startProbed(args: readonly string[], output: "pipe" | "inherit"): ChildProcess {
  const probe = ["--import", join(import.meta.dirname, "stall-probe.ts")];
  return spawn(process.execPath, [...probe, ...args], { stdio: ["ignore", output, "inherit", "ipc"] });
}

/** The longest stalls of a process since they were last asked for. */
async function stallsOf(child: ChildProcess): Promise<Stalls> {
  const told = once(child, "message");
  child.send("stalls");
  const [stalls] = (await told) as [Stalls];
  return stalls;
}

/** One request of each kind that looks through much, while nothing else is asked. */
async function stallsOfOthers({ child }: Started, server: ClientOptions): Promise<Map<string, Stall>> {
  const client = taskMemClient(server);
  const question = "Where is the kettle 17?";
  const requests: readonly (readonly [string, () => Promise<unknown>])[] = [
    ["GET /streams/{stream}/overview", () => client.overview({ stream: "hall" })],
    ["GET /streams", () => client.streams({})],
    ["GET /storage", () => client.storage({})],
    ["GET /dropped", () => client.dropped({ streams: ["hall"] })],
    ["GET /tasks", () => client.tasks({})],
    ["POST /explain", () => client.explain({ question, expected: "on the moon" })],
    ["POST /trace", () => client.trace({ question })],
    ["POST /forget, a dry run", () => client.forget({ query: "kettle 17" })],
    ["GET /entries of a speaker", () => client.timeline({ speakers: ["Ann"], limit: 100 })],
    ["POST /forget", () => forgetEverywhere(client, "kettle 17")],
  ];
  const found = new Map<string, Stall>();
  for (const [route, send] of requests) {
    await stallsOf(child);
    await send();
    found.set(route, (await stallsOf(child)).longestOwn);
  }
  return found;
}

/** Forgets what holds some words, as a person does it: with the token of a dry run. */
async function forgetEverywhere(client: TaskMemClient, query: string): Promise<void> {
  const { confirm } = await client.forget({ query });
  const { done, removed } = await client.forget({ query, confirm });
  if (!done || removed.entries === 0) throw new Error(`Expected to forget ${query}`);
}

/** The mean computing of 20 requests of each kind, one by one. */
async function computingOf({ child }: Started, server: ClientOptions): Promise<Map<string, number>> {
  const client = taskMemClient(server);
  const requests: readonly (readonly [string, (i: number) => Promise<unknown>])[] = [
    ["POST /recall", (i) => client.recall({ query: `kettle ${i}`, limit: 10 })],
    ["POST /ask", (i) => client.ask({ question: `Where is the kettle ${i}?`, record: false })],
    ["POST /entries", (i) => client.remember({ text: `Lantern ${i} is new.`, id: `lantern-${i}` })],
    ["GET /entries", (i) => client.timeline({ streams: ["hall"], fromSeconds: 100 * i, limit: 20 })],
  ];
  const times = 20;
  const found = new Map<string, number>();
  for (const [route, send] of requests) {
    await stallsOf(child);
    for (let i = 0; i < times; i++) await send(i);
    found.set(route, (await stallsOf(child)).computedMs / times);
  }
  return found;
}

interface Timed {
  readonly route: string;
  readonly ms: number;
}

interface Load extends LoadOptions {
  readonly seed: string;
  readonly errors: string[];
}

/** Requests of some clients until the time is over. */
async function load(
  server: ClientOptions,
  { clients, seconds, entries, seed, errors }: Load,
): Promise<Timed[]> {
  const done: Timed[] = [];
  const end = performance.now() + seconds * 1000;
  const client = taskMemClient(server);
  await Promise.all(
    Array.from({ length: clients }, async (_, i) => {
      const random = seededRandom(`${seed} ${i}`);
      for (let n = 0; performance.now() < end; n++) {
        const { route, send, isRight } = requestOf(client, random, entries, `${seed}-${i}-${n}`);
        const began = performance.now();
        try {
          const answer = await send();
          if (!isRight(answer)) errors.push(`${route}: ${JSON.stringify(answer).slice(0, 200)}`);
        } catch (error) {
          const code = error instanceof ServerError ? `${error.status} ${error.code} ` : "";
          errors.push(`${route}: ${code}${(error as Error).message}`);
        }
        done.push({ route, ms: performance.now() - began });
      }
    }),
  );
  return done;
}

interface Request {
  readonly route: string;
  readonly send: () => Promise<unknown>;
  readonly isRight: (answer: unknown) => boolean;
}

/** The next request of a client, and whether an answer to it is right. */
function requestOf(
  client: ReturnType<typeof taskMemClient>,
  random: Random,
  entries: number,
  id: string,
): Request {
  const share = random();
  const number = randomInt(random, Math.min(997, entries));
  const request = <Answer>(
    route: string,
    send: () => Promise<Answer>,
    isRight: (answer: Answer) => boolean,
  ): Request => ({ route, send, isRight: isRight as Request["isRight"] });
  if (share < 0.4) {
    const query = `${pick(random, things)} ${number}`;
    const found = (text: string) => text.includes(String(number));
    return request(
      "POST /recall",
      () => client.recall({ query, limit: 10 }),
      (answer) => answer.entries.length > 0 && answer.entries.some(({ text }) => found(text)),
    );
  }
  if (share < 0.7) {
    const question = `Where is the ${pick(random, things)} ${number}?`;
    return request(
      "POST /ask",
      () => client.ask({ question, record: false }),
      (answer) => answer.answer !== "",
    );
  }
  if (share < 0.85) {
    const fromSeconds = randomInt(random, entries) * 10;
    return request(
      "GET /entries",
      () => client.timeline({ streams: ["hall"], fromSeconds, limit: 20 }),
      (answer) => answer.entries.length > 0,
    );
  }
  if (share < 0.95) {
    const entry = `entry_${randomInt(random, entries)}`;
    return request(
      "GET /entries/{entry}",
      () => client.evidence({ entry }),
      (answer) => answer.entry.entry === entry,
    );
  }
  const text = `Note ${id}: ${sentence(random, number)}`;
  return request(
    "POST /entries",
    () => client.remember({ text, id }),
    (answer) => !answer.duplicate,
  );
}

/** Times of `GET /healthz`, which touches no memory. */
async function healthOf(url: string, clients: number, seconds: number): Promise<number[]> {
  const times: number[] = [];
  const end = performance.now() + seconds * 1000;
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (performance.now() < end) {
        const began = performance.now();
        await (await fetch(`${url}/healthz`)).arrayBuffer();
        times.push(performance.now() - began);
      }
    }),
  );
  return times;
}

/** Kills the server while all clients keep facts. @returns the facts that it acknowledged */
async function killUnderLoad(child: ChildProcess, server: ClientOptions, clients: number): Promise<string[]> {
  const acknowledged: string[] = [];
  const client = taskMemClient(server);
  let isDown = false;
  const writing = Array.from({ length: clients }, async (_, i) => {
    for (let n = 0; !isDown; n++) {
      const text = `Fact ${n} of client ${i} is kept.`;
      try {
        await client.remember({ text, id: `kept-${i}-${n}` });
        acknowledged.push(text);
      } catch {
        return;
      }
    }
  });
  while (acknowledged.length < 3 * clients) await new Promise((resolve) => setTimeout(resolve, 10));
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  isDown = true;
  await gone;
  await Promise.all(writing);
  return acknowledged;
}

async function lostOf(
  directory: string,
  acknowledged: readonly string[],
): Promise<{ readonly lost: string[]; readonly problems: readonly string[] }> {
  await using memory = await openTaskMem({ directory, embedder: { meaning: "off" } });
  const texts = new Set((await memory.store.entries({ streams: ["remembered"] })).map(({ text }) => text));
  return { lost: acknowledged.filter((text) => !texts.has(text)), problems: await memory.store.check() };
}

function timesOf(done: readonly Timed[]): Map<string, RouteTimes> {
  const byRoute = Map.groupBy(done, ({ route }) => route);
  const all: [string, readonly Timed[]][] = [...byRoute, ["all", done]];
  return new Map(all.map(([route, some]) => [route, toTimes(some.map(({ ms }) => ms))]));
}

function toTimes(ms: readonly number[]): RouteTimes {
  const sorted = Float64Array.from(ms).sort();
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return { requests: ms.length, p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { clients: { type: "string" }, seconds: { type: "string" }, entries: { type: "string" } },
  });
  const number = (name: keyof typeof values, otherwise: number) => Number(values[name] ?? otherwise);
  const options = {
    ...{
      clients: number("clients", 100),
      seconds: number("seconds", 60),
      entries: number("entries", 20_000),
    },
  };
  const loadBefore = loadavg()[0]!;
  const report = await loadServer(options);
  const { clients, seconds, entries } = options;
  console.log(
    `${clients} clients for ${seconds} s on ${entries} entries; ${cpus().length} cores, load ${loadBefore.toFixed(1)} before and ${loadavg()[0]!.toFixed(1)} after.\n`,
  );
  const ms = (value: number) => value.toFixed(value < 10 ? 1 : 0);
  const row = printTable("route", "requests", "p50 / ms", "p95", "p99", "p95 alone", "times as long");
  for (const [route, { requests, p50, p95, p99 }] of [...report.loaded].sort()) {
    const alone = report.alone.get(route)?.p95;
    const beside = alone === undefined ? ["–", "–"] : [ms(alone), (p95 / alone).toFixed(1)];
    row(route, requests, ms(p50), ms(p95), ms(p99), ...beside);
  }
  const { health } = report;
  console.log(
    `\nGET /healthz by as many clients: ${health.requests} requests, p50 ${ms(health.p50)} ms, p95 ${ms(health.p95)} ms.`,
  );
  const { requests } = report.loaded.get("all")!;
  console.log(`Errors: ${report.errors.length} of ${requests} requests.`);
  for (const error of report.errors.slice(0, 5)) console.log(`  ${error}`);
  const stall = ({ ms: all, ownMs }: Stall) => `${ms(all)} ms, ${ms(ownMs)} ms of it its own`;
  const own = ({ ownMs, computedMs }: Stall) => `${ms(ownMs)} ms, ${ms(computedMs)} ms of it computing`;
  const { stalls, idleStalls } = report;
  console.log(
    `The event loop stood still for at most ${stall(stalls.longest)}, and of its own making for at most ${own(stalls.longestOwn)}.`,
  );
  console.log(
    `That of a process that does nothing, for at most ${stall(idleStalls.longest)}: ${(stalls.longest.ms / idleStalls.longest.ms).toFixed(1)} times as long.`,
  );
  console.log("\nOne request, nothing else asked, and how long the event loop stood still:\n");
  const other = printTable("route", "own / ms", "of it computing", "with the wait for a processor");
  for (const [route, one] of report.others)
    other(route, ms(one.ownMs), ms(Math.min(one.ownMs, one.computedMs)), ms(one.ms));
  console.log("\nOne request of the load, the mean of 20, one by one:\n");
  const each = printTable("route", "computing of the main thread / ms");
  for (const [route, one] of report.computing) each(route, ms(one));
  console.log(
    `\nKilled while ${clients} clients kept facts: ${report.acknowledged} acknowledged, ${report.lost.length} lost; check: ${report.problems.length === 0 ? "nothing" : report.problems.join("; ")}.`,
  );
}
