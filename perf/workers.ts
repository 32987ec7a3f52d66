/**
 * A fleet on one machine: a Postgres, servers, workers and simulated cameras, each process killed at random and started again,
 * as a supervisor would. Afterwards every memory is compared with what the cameras said and with what was acknowledged.
 *
 * A camera says a short text every two seconds and keeps what was not heard, as a recorder does; its clips have no pictures, so
 * nothing is decoded. The next kill comes when all processes are there again. A clip counts as acknowledged when its worker has printed it, a fact when a server has answered. Kills
 * are `kill -9`, of a worker (three of six), a server (two) or Postgres with all its processes (one).
 * With `--throughput`, how many clips a second 1, 2 and 4 workers decide, of cameras that do not wait.
 *
 * `node perf/workers.ts [--streams 40] [--workers 4] [--servers 2] [--kills 30] [--seconds 6] | --throughput`
 */
import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { taskMemClient } from "../src/client/index.ts";
import { openTaskMem } from "../src/taskmem.ts";
import { pick, type Random, randomInt, seededRandom } from "../src/util/random.ts";
import { WorkQueue } from "../src/workers/index.ts";
import { addressOf, textOfClip } from "../test/support/camera.ts";
import { startPostgres, type TestPostgres } from "../test/support/postgres.ts";
import { printTable } from "./markdown.ts";

/** What runs, and what is killed. */
export interface FleetOptions {
  readonly streams: number;
  readonly spaces: number;
  readonly workers: number;
  readonly servers: number;
  /** Kinds of processes to kill, one after the other. */
  readonly kills: readonly Kind[];
  /** Time between two kills. */
  readonly secondsBetween: number;
  readonly clipMs: number;
  readonly seed: string;
}

/** A kind of process that is killed. */
export type Kind = "worker" | "server" | "postgres";

/** What a run showed. */
export interface FleetReport {
  readonly kills: Readonly<Record<Kind, number>>;
  /** Clips that some worker said were stored, and facts that a server took. */
  readonly acknowledged: { readonly clips: number; readonly facts: number };
  readonly lost: readonly string[];
  readonly twice: readonly string[];
  /** What `check()` says of the memories. */
  readonly problems: readonly string[];
  /** From the kill of its worker to what follows in a stream, in seconds. */
  readonly resumed: readonly Resumed[];
  /** From the kill of Postgres to the next clip of each stream, in seconds. */
  readonly throughPostgresSeconds: readonly number[];
  /** From SIGTERM to the end of the last worker, in seconds. */
  readonly drainSeconds: number;
}

/** A stream whose worker was killed: when another had its job, when it held the stream, when its next clip was kept. */
export interface Resumed {
  readonly stream: string;
  readonly takenSeconds: number;
  readonly heldSeconds: number;
  readonly clipSeconds: number;
  /** How often its worker was killed again meanwhile. */
  readonly killedAgain: number;
}

const memories = { choice: { budget: 1 }, embedder: { meaning: "off" } } as const;
const spaceOf = (i: number, spaces: number) => `site-${i % spaces}`;
const cameraOf = (i: number) => `camera-${i}`;

/** Runs a fleet, kills it piece by piece, and looks at what is left. `null` where there is no Postgres. */
export async function runFleet(options: FleetOptions): Promise<FleetReport | null> {
  const postgres = await startPostgres({ durable: true });
  if ("skip" in postgres) return null;
  const root = mkdtempSync(join(tmpdir(), "taskmem-fleet-"));
  const fleet = new Fleet(options, postgres, root);
  try {
    await fleet.start();
    await fleet.killAll();
    await fleet.untilResumed();
    const drainSeconds = await fleet.drain();
    return { ...(await fleet.compare()), ...fleet.times(), drainSeconds };
  } finally {
    await fleet.stop();
    await postgres.stop();
    rmSync(root, { recursive: true, force: true });
  }
}

interface Stored {
  readonly space: string;
  readonly stream: string;
  readonly clip: number;
  readonly atMs: number;
}

/** A stream that was cut off. */
interface Cut {
  readonly stream: string;
  readonly atMs: number;
  readonly by: Kind;
}

/** A process that is started again when it was killed. */
interface Kept {
  child: ChildProcess;
  /** Streams that it watches now. */
  readonly streams: Set<string>;
  url: string | null;
  /** Whether it has started. */
  isThere: boolean;
}

class Fleet {
  readonly #options: FleetOptions;
  readonly #postgres: TestPostgres;
  readonly #root: string;
  readonly #random: Random;
  readonly #workers: Kept[] = [];
  readonly #servers: Kept[] = [];
  readonly #stored: Stored[] = [];
  /** When a stream's job was taken, and when it began to be watched. */
  readonly #begun: {
    readonly event: "job-start" | "stream-start";
    readonly stream: string;
    readonly atMs: number;
  }[] = [];
  readonly #facts: { readonly space: string; readonly text: string }[] = [];
  /** Streams that were cut off, and when. */
  readonly #cuts: Cut[] = [];
  readonly #killed: Record<Kind, number> = { worker: 0, server: 0, postgres: 0 };
  readonly #ended = new AbortController();
  #isDraining = false;
  #client: Promise<void> = Promise.resolve();

  constructor(options: FleetOptions, postgres: TestPostgres, root: string) {
    this.#options = options;
    this.#postgres = postgres;
    this.#root = root;
    this.#random = seededRandom(options.seed);
    for (let i = 0; i < options.spaces; i++) mkdirSync(join(root, spaceOf(i, options.spaces)));
  }

  async start(): Promise<void> {
    const { streams, spaces, workers, servers, clipMs } = this.#options;
    for (let i = 0; i < servers; i++) this.#servers.push(this.#server());
    for (let i = 0; i < workers; i++) this.#workers.push(this.#worker());
    await until("a server listens", () => this.#servers.some(({ url }) => url !== null));
    const beganMs = Date.now();
    for (let i = 0; i < streams; i++) {
      const source = addressOf({ name: cameraOf(i), beganMs, clipMs });
      await this.#anyServer(spaceOf(i, spaces), (client) => client.watch({ stream: cameraOf(i), source }));
    }
    await until(
      "every stream is watched",
      () => new Set(this.#stored.map(({ stream }) => stream)).size === streams,
    );
    this.#client = this.#keepFacts();
  }

  /** Kills one after the other, each when all processes are there again. */
  async killAll(): Promise<void> {
    const { kills, secondsBetween } = this.#options;
    const all = [...this.#workers, ...this.#servers];
    for (const kind of kills) {
      await until("all processes are there", () => all.every(({ isThere }) => isThere));
      await sleep(1000 * secondsBetween * (0.5 + this.#random()));
      this.#killed[kind] += 1;
      if (kind === "postgres") await this.#killPostgres();
      else this.#kill(kind === "worker" ? this.#workers : this.#servers, kind);
    }
  }

  #kill(processes: readonly Kept[], kind: Kind): void {
    const one = pick(this.#random, processes);
    const atMs = Date.now();
    one.child.kill("SIGKILL");
    one.isThere = false;
    for (const stream of one.streams) this.#cuts.push({ stream, atMs, by: kind });
    one.streams.clear();
  }

  async #killPostgres(): Promise<void> {
    const atMs = Date.now();
    await this.#postgres.kill();
    for (let i = 0; i < this.#options.streams; i++)
      this.#cuts.push({ stream: cameraOf(i), atMs, by: "postgres" });
    await sleep(1000);
    await this.#postgres.restart();
  }

  /** Waits until each stream was watched again after its last cut. */
  async untilResumed(): Promise<void> {
    await until(
      "each stream is resumed",
      () => this.#cuts.every((cut) => this.#resumedMs(cut) !== null),
      240,
    );
    await sleep(2 * this.#options.clipMs);
  }

  #resumedMs({ stream, atMs }: { readonly stream: string; readonly atMs: number }): number | null {
    return this.#stored.find((one) => one.stream === stream && one.atMs > atMs)?.atMs ?? null;
  }

  /** From each cut to the next clip. A stream that was cut off twice counts from the first. */
  times(): Pick<FleetReport, "resumed" | "throughPostgresSeconds"> {
    const cutsBy = (kind: Kind) => this.#cuts.filter(({ by }) => by === kind);
    const untilClip = (cut: Cut) => (this.#resumedMs(cut)! - cut.atMs) / 1000;
    const throughPostgresSeconds = cutsBy("postgres").map(untilClip).sort(ascending);
    return {
      resumed: cutsBy("worker").map((cut) => this.#resumed(cut, untilClip(cut))),
      throughPostgresSeconds,
    };
  }

  /** The last taking and opening before the clip that ended the wait. */
  #resumed(cut: Cut, clipSeconds: number): Resumed {
    const untilMs = cut.atMs + 1000 * clipSeconds;
    const isWithin = ({ stream, atMs }: { readonly stream: string; readonly atMs: number }) =>
      stream === cut.stream && atMs > cut.atMs && atMs <= untilMs;
    const last = (event: "job-start" | "stream-start") =>
      ((this.#begun.findLast((one) => one.event === event && isWithin(one))?.atMs ?? untilMs) - cut.atMs) /
      1000;
    return {
      ...{
        stream: cut.stream,
        takenSeconds: last("job-start"),
        heldSeconds: last("stream-start"),
        clipSeconds,
      },
      killedAgain: this.#cuts.filter((one) => one !== cut && isWithin(one)).length,
    };
  }

  async drain(): Promise<number> {
    this.#isDraining = true;
    this.#ended.abort();
    await this.#client;
    const atMs = Date.now();
    await Promise.all([...this.#workers, ...this.#servers].map(ended));
    return (Date.now() - atMs) / 1000;
  }

  async stop(): Promise<void> {
    this.#isDraining = true;
    this.#ended.abort();
    for (const { child } of [...this.#workers, ...this.#servers]) child.kill("SIGKILL");
    await this.#client;
  }

  /** Compares the memories with what was said and acknowledged. */
  async compare(): Promise<Omit<FleetReport, "resumed" | "throughPostgresSeconds" | "drainSeconds">> {
    const { streams, spaces } = this.#options;
    const [lost, twice, problems]: [string[], string[], string[]] = [[], [], []];
    for (let s = 0; s < spaces; s++) {
      const space = spaceOf(s, spaces);
      await using memory = await openTaskMem({ directory: join(this.#root, space), ...memories });
      problems.push(...(await memory.store.check()));
      const entries = await memory.store.entries({});
      const byStream = Map.groupBy(entries, ({ stream }) => stream);
      for (let i = s; i < streams; i += spaces) {
        const name = cameraOf(i);
        const kept = (byStream.get(name) ?? []).map(({ text }) => text).join(" ");
        const said = Array.from(kept.matchAll(/parcel number (\d+) on/g), ([, clip]) => Number(clip));
        const times = Map.groupBy(said, (clip) => clip);
        const acknowledged = this.#stored.filter(({ stream }) => stream === name).map(({ clip }) => clip);
        // What is decided begins with the first clip and leaves none out.
        const last = Math.max(...acknowledged, ...said);
        for (let clip = 0; clip <= last; clip++) if (!times.has(clip)) lost.push(textOfClip(name, clip));
        for (const [clip, same] of times) if (same.length > 1) twice.push(textOfClip(name, clip));
        const again = Map.groupBy(acknowledged, (clip) => clip);
        for (const [clip, same] of again)
          if (same.length > 1) twice.push(`${name} ${clip} was decided twice`);
      }
      const facts = Map.groupBy(
        (byStream.get("remembered") ?? []).map(({ text }) => text),
        (text) => text,
      );
      for (const { text } of this.#facts.filter((fact) => fact.space === space))
        if (!facts.has(text)) lost.push(text);
      for (const [text, same] of facts) if (same.length > 1) twice.push(text);
    }
    const acknowledged = { clips: this.#stored.length, facts: this.#facts.length };
    return { kills: this.#killed, acknowledged, lost, twice, problems };
  }

  /** Keeps facts all the time, by whichever server answers. */
  async #keepFacts(): Promise<void> {
    for (let n = 0; !this.#ended.signal.aborted; n++) {
      const space = spaceOf(n, this.#options.spaces);
      const text = `Fact number ${n} is kept in drawer ${randomInt(this.#random, 1000)}.`;
      const kept = await this.#anyServer(space, (client) => client.remember({ text, id: `fact-${n}` }));
      if (kept) this.#facts.push({ space, text });
      await sleep(200, undefined, { signal: this.#ended.signal }).catch(() => {});
    }
  }

  /** Asks one server after the other until one answers. @returns `null` when the run has ended */
  async #anyServer<Answer>(
    space: string,
    ask: (client: ReturnType<typeof taskMemClient>) => Promise<Answer>,
  ): Promise<Answer | null> {
    for (let tries = randomInt(this.#random, 100); !this.#ended.signal.aborted; tries++) {
      const { url } = this.#servers[tries % this.#servers.length]!;
      try {
        if (url !== null) return await ask(taskMemClient({ url, space }));
      } catch {
        // the next is asked
      }
      await sleep(100);
    }
    return null;
  }

  #worker(): Kept {
    const { streams, workers } = this.#options;
    // One worker of the fleet may be down.
    const most = Math.ceil(streams / Math.max(1, workers - 1));
    const options = { queue: this.#postgres.address, root: this.#root, memories, streams: most };
    const program = join(import.meta.dirname, "../test/support/camera-worker.ts");
    const kept: Kept = { child: null as never, streams: new Set(), url: null, isThere: false };
    this.#keep(
      kept,
      () => spawn(process.execPath, [program, JSON.stringify(options)], piped),
      (line) => {
        const { event, space, stream, clip } = line as unknown as Stored & { readonly event: string };
        if (event === "worker-start") kept.isThere = true;
        if (event === "stream-start") kept.streams.add(stream);
        if (stream !== undefined && (event === "job-start" || event === "stream-start"))
          this.#begun.push({ event, stream, atMs: Date.now() });
        if (event === "job-end") kept.streams.delete(stream);
        if (event === "clip-end") this.#stored.push({ space, stream, clip, atMs: Date.now() });
      },
    );
    return kept;
  }

  #server(): Kept {
    const main = join(import.meta.dirname, "../src/cli/main.ts");
    const args = [main, "serve", "--root", this.#root, "--port", "0", "--meaning", "off", "--json"];
    const env = { ...process.env, TASKMEM_QUEUE: this.#postgres.address };
    const kept: Kept = { child: null as never, streams: new Set(), url: null, isThere: false };
    this.#keep(
      kept,
      () => spawn(process.execPath, args, { ...piped, env }),
      (line) => {
        if (line.event !== "serve-start") return;
        kept.url = line.url as string;
        kept.isThere = true;
      },
    );
    return kept;
  }

  /** Starts a process, and again whenever it ends. */
  #keep(kept: Kept, start: () => ChildProcess, heard: (line: Record<string, unknown>) => void): void {
    kept.child = start();
    createInterface({ input: kept.child.stdout! }).on("line", (line) => {
      // The last line of a process that was killed may be cut.
      if (line.endsWith("}")) heard(JSON.parse(line));
    });
    kept.child.once("exit", async () => {
      kept.url = null;
      kept.isThere = false;
      await sleep(500);
      if (!this.#isDraining) this.#keep(kept, start, heard);
    });
  }
}

const piped: SpawnOptions = {
  stdio: ["ignore", "pipe", process.env.TASKMEM_FLEET_ERRORS ? "inherit" : "ignore"],
};

async function ended({ child }: Kept): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGTERM");
  await gone;
}

async function until(what: string, holds: () => boolean, seconds = 120): Promise<void> {
  for (let waited = 0; !holds(); waited += 50) {
    if (waited > 1000 * seconds) throw new Error(`Never: ${what}`);
    await sleep(50);
  }
}

/** Clips a second that some workers decide together, of streams that are there at once. `null` without Postgres. */
export async function throughputOf(workers: number, streams: number, clips: number): Promise<number | null> {
  const postgres = await startPostgres({ durable: true });
  if ("skip" in postgres) return null;
  const root = mkdtempSync(join(tmpdir(), "taskmem-throughput-"));
  const children: ChildProcess[] = [];
  try {
    const spaces = 4;
    for (let i = 0; i < spaces; i++) mkdirSync(join(root, spaceOf(i, spaces)));
    const options = { queue: postgres.address, root, memories, streams: Math.ceil(streams / workers) };
    const program = join(import.meta.dirname, "../test/support/camera-worker.ts");
    const at: number[] = [];
    let started = 0;
    for (let i = 0; i < workers; i++) {
      const child = spawn(process.execPath, [program, JSON.stringify(options)], piped);
      children.push(child);
      createInterface({ input: child.stdout! }).on("line", (line) => {
        const { event } = JSON.parse(line) as { event: string };
        if (event === "worker-start") started += 1;
        if (event === "clip-end") at.push(performance.now());
      });
    }
    await until("all workers are there", () => started === workers);
    const queue = await WorkQueue.open({ url: postgres.address, root, name: "command" });
    for (let i = 0; i < streams; i++) {
      const source = addressOf({ name: cameraOf(i), beganMs: 0, clipMs: 1, clips });
      await queue.watch({ space: spaceOf(i, spaces), stream: cameraOf(i), source });
    }
    await queue.close();
    await until("all is decided", () => at.length === streams * clips, 600);
    // The middle, when every worker has its streams.
    const [from, to] = [Math.floor(at.length / 5), Math.floor((4 * at.length) / 5)];
    return (1000 * (to - from)) / (at[to]! - at[from]!);
  } finally {
    for (const child of children) child.kill("SIGKILL");
    await postgres.stop();
    rmSync(root, { recursive: true, force: true });
  }
}

const ascending = (a: number, b: number) => a - b;
const quantile = (sorted: readonly number[], share: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;

function kindsOf(n: number, seed: string): Kind[] {
  const random = seededRandom(`${seed} kinds`);
  const six: readonly Kind[] = ["worker", "worker", "worker", "server", "server", "postgres"];
  return Array.from({ length: n }, () => pick(random, six));
}

function print(options: FleetOptions, report: FleetReport): void {
  const { kills, acknowledged, lost, twice, problems, resumed, throughPostgresSeconds } = report;
  const spread = (seconds: readonly number[]) => {
    const sorted = seconds.toSorted(ascending);
    if (sorted.length === 0) return "–";
    return `${quantile(sorted, 0.5).toFixed(1)} / ${quantile(sorted, 0.95).toFixed(1)} / ${sorted.at(-1)!.toFixed(1)} s (${sorted.length})`;
  };
  const once = resumed.filter(({ killedAgain }) => killedAgain === 0);
  const rows: [string, string][] = [
    [
      "processes",
      `${options.workers} workers, ${options.servers} servers, 1 Postgres, ${options.streams} cameras, ${options.spaces} spaces`,
    ],
    ["kills", `${kills.worker} of workers, ${kills.server} of servers, ${kills.postgres} of Postgres`],
    ["acknowledged", `${acknowledged.clips} clips, ${acknowledged.facts} facts`],
    ["lost, twice", `${lost.length}, ${twice.length}`],
    ["problems that `check` finds", String(problems.length)],
    [
      "a killed worker's stream to its next clip: p50 / p95 / longest",
      spread(resumed.map(({ clipSeconds }) => clipSeconds)),
    ],
    ["the same where its next worker was not killed too", spread(once.map(({ clipSeconds }) => clipSeconds))],
    ["of these: until another worker took it", spread(once.map(({ takenSeconds }) => takenSeconds))],
    ["from there until it held the stream", spread(once.map((one) => one.heldSeconds - one.takenSeconds))],
    ["from there to the clip", spread(once.map((one) => one.clipSeconds - one.heldSeconds))],
    ["a stream to its next clip after a kill of Postgres", spread(throughPostgresSeconds)],
    ["all processes drained", `${report.drainSeconds.toFixed(1)} s`],
  ];
  const row = printTable("", "");
  for (const [name, value] of rows) row(name, value);
  for (const line of [...lost, ...twice, ...problems].slice(0, 20)) console.log(`- ${line}`);
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      streams: { type: "string", default: "40" },
      workers: { type: "string", default: "4" },
      servers: { type: "string", default: "2" },
      kills: { type: "string", default: "30" },
      seconds: { type: "string", default: "6" },
      seed: { type: "string", default: "fleet" },
      throughput: { type: "boolean", default: false },
    },
  });
  console.log(`${cpus().length} cores, load ${loadavg()[0]!.toFixed(1)} before\n`);
  if (values.throughput) {
    const row = printTable("workers", "clips a second");
    for (const workers of [1, 2, 4, 1]) {
      const perSecond = await throughputOf(workers, 8, 300);
      if (perSecond === null) throw new Error("There is no Postgres");
      row(String(workers), perSecond.toFixed(0));
    }
  } else {
    const { seed } = values;
    const options: FleetOptions = {
      ...{ streams: Number(values.streams), spaces: 4, clipMs: 2000, seed },
      ...{ workers: Number(values.workers), servers: Number(values.servers) },
      ...{ kills: kindsOf(Number(values.kills), seed), secondsBetween: Number(values.seconds) },
    };
    const report = await runFleet(options);
    if (report === null) throw new Error("There is no Postgres");
    print(options, report);
    if (report.lost.length + report.twice.length + report.problems.length > 0) process.exitCode = 1;
  }
}
