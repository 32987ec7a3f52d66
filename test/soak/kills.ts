/**
 * Two commands at once on one memory, killed at random moments, again and again.
 *
 * A life is a memory that goes through some rounds. After each round the memory must hold what was acknowledged, nothing
 * twice, and be whole; imports, forgets and exports must have happened or not. Figures are kept after each life, so that
 * a run that was stopped continues with the next.
 */
import type { ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import Database from "better-sqlite3";
import { blobPath } from "../../src/memory/blobs.ts";
import type { Memory } from "../../src/memory/memory.ts";
import { filesBelow } from "../../src/util/files-below.ts";
import { pick, type Random, randomInt, seededRandom } from "../../src/util/random.ts";
import { type CliRun, type Row, taskmem } from "../support/cli.ts";
import { inventedSubtitles, inventedVideo } from "../support/media.ts";
import { openTestMemory } from "../support/memory.ts";
import type { SoakRow } from "./table.ts";

const roundsOfALife = 20;
/** Streams of texts, each with far more clips than a process lives to remember. */
const talks = Array.from({ length: 4 }, (_, i) => `talk-${i}`);
const archived = ["archive-0", "archive-1"];

type Writable<T> = { -readonly [K in keyof T]: T[K] };
type Tally = Writable<Required<Omit<SoakRow, "kind" | "hangs" | "wrong">>> & {
  lives: number;
  rounds: number;
  acknowledged: number;
  byCommand: Record<string, number>;
  wrong: string[];
};

const nothingYet = (): Tally => ({
  ...{ lives: 0, rounds: 0, runs: 0, acknowledged: 0, lost: 0, twice: 0, deaths: 0, peakBytes: 0 },
  ...{ byCommand: {}, wrong: [] },
});

/** Kills at least this many processes. @param keptFigures file of an earlier run's figures, `null` to keep none */
export async function kills(
  atLeast: number,
  seed: string,
  keptFigures: string | null = join(tmpdir(), `taskmem-kills-${seed}.json`),
  log: (line: string) => void = () => {},
): Promise<SoakRow[]> {
  const folder = mkdtempSync(join(tmpdir(), "taskmem-kills-"));
  const isKept = keptFigures !== null && existsSync(keptFigures);
  const tally: Tally = isKept ? JSON.parse(readFileSync(keptFigures, "utf8")) : nothingYet();
  if (isKept) log(`${tally.runs} kills of an earlier run, kept in ${keptFigures}`);
  try {
    const sources = await makeSources(folder);
    while (tally.runs < atLeast) {
      await new Life(join(folder, `life-${tally.lives}`), sources, tally, `${seed} ${tally.lives}`).live(
        atLeast,
      );
      tally.lives += 1;
      if (keptFigures !== null) writeFileSync(keptFigures, JSON.stringify(tally));
      log(
        `${tally.runs} kills, ${tally.acknowledged} acknowledged, ${tally.lost} lost, ${tally.twice} twice`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const commands = Object.entries(tally.byCommand).map(([name, n]) => `${name} ${n}`);
  log(
    `rounds ${tally.rounds}, kills by command: ${commands.sort().join(", ")}; acknowledged ${tally.acknowledged}`,
  );
  return [{ ...tally, kind: "kills" }];
}

interface Sources {
  readonly folder: string;
  readonly film: string;
  /** Entries of each stream of the archive. */
  readonly archive: string;
  readonly archiveEntries: number;
}

async function makeSources(folder: string): Promise<Sources> {
  for (const name of [...talks, ...archived]) {
    const seconds = archived.includes(name) ? 200 : 4000;
    writeFileSync(join(folder, `${name}.srt`), inventedSubtitles(seconds, 4, name));
  }
  const memory = join(folder, "archive-memory");
  for (const name of archived) {
    await succeed([
      "watch",
      join(folder, `${name}.srt`),
      "--stream",
      name,
      "--memory",
      memory,
      "--budget",
      "1",
    ]);
  }
  const archive = join(folder, "archive");
  await succeed(["export", archive, "--memory", memory]);
  const film = inventedVideo(folder, 40, { name: "film" });
  const lines = readFileSync(join(archive, "memory.jsonl"), "utf8").split("\n");
  const isOf = (line: string) => line.includes('"row":"entry"') && line.includes('"archive-0"');
  return { folder, film, archive, archiveEntries: lines.filter(isOf).length };
}

async function succeed(args: readonly string[]): Promise<CliRun> {
  const run = await taskmem([...args, "--json"]);
  if (run.code !== 0) throw new Error(`${args.join(" ")} ended with ${run.code}: ${run.stderr}${run.stdout}`);
  return run;
}

/** A command of a round. */
interface Command {
  readonly name: string;
  readonly args: readonly string[];
  /** Streams it writes or removes. */
  readonly touches: readonly string[];
}

interface Ended {
  readonly command: Command;
  readonly run: CliRun;
  readonly isKilled: boolean;
}

class Life {
  readonly #memory: string;
  readonly #out: string;
  readonly #sources: Sources;
  readonly #tally: Tally;
  readonly #random: Random;
  readonly #seed: string;
  #round = 0;
  /** Ids of entries that were acknowledged and not forgotten, by stream. */
  readonly #entries = new Map<string, Set<string>>();
  /** Streams that the answer to an acknowledged question cites, by its task. */
  readonly #tasks = new Map<string, readonly string[]>();
  /** Streams of the archive that memory holds. */
  readonly #imported = new Set<string>();

  constructor(directory: string, sources: Sources, tally: Tally, seed: string) {
    mkdirSync(directory);
    this.#memory = join(directory, "memory");
    this.#out = join(directory, "out");
    this.#sources = sources;
    this.#tally = tally;
    this.#seed = seed;
    this.#random = seededRandom(seed);
  }

  async live(atLeast: number): Promise<void> {
    const rounds = roundsOfALife;
    for (; this.#round < rounds && this.#tally.runs < atLeast; this.#round++) {
      const first = this.#command([]);
      const ended = await Promise.all([first, this.#command(first.touches)].map((one) => this.#run(one)));
      this.#tally.rounds += 1;
      for (const one of ended) this.#take(one);
      await this.#check(ended);
    }
    await this.#end();
  }

  #wrong(what: string): void {
    this.#tally.wrong.push(`life ${this.#seed}, round ${this.#round}: ${what}`);
  }

  /** A random command that neither forgets what the other one writes nor writes what it forgets. */
  #command(taken: readonly string[]): Command {
    const random = this.#random;
    const memory = ["--memory", this.#memory, "--json"];
    const known = [...this.#entries.keys(), ...this.#imported].filter((stream) => !taken.includes(stream));
    const free = <T extends { touches: readonly string[] }>(one: T) =>
      one.touches.some((stream) => taken.includes(stream)) ? null : one;
    const watch = (stream: string, source: string, ...flags: string[]) => ({
      name: flags.length > 0 ? "watch film" : "watch text",
      args: [
        "watch",
        source,
        "--stream",
        stream,
        "--clip-seconds",
        "4",
        "--budget",
        "1",
        ...memory,
        ...flags,
      ],
      touches: [stream],
    });
    const talk = pick(random, talks);
    const commands: (Command | null)[] = [
      ...[1, 2, 3].map(() => free(watch(talk, join(this.#sources.folder, `${talk}.srt`)))),
      free(watch("film", this.#sources.film, "--fps", "2")),
      free(watch("film-0", this.#sources.film, "--fps", "1", "--no-screen-text")),
      free({ name: "import", args: ["import", this.#sources.archive, ...memory], touches: archived }),
      known.length === 0 ? null : this.#forget(pick(random, known), memory),
      // Two exports into one directory get in each other's way, and one of them says so.
      free({ name: "export", args: ["export", this.#out, ...memory], touches: ["the export"] }),
      ...[1, 2].map(() => ({ name: "ask", args: ["ask", this.#question(), ...memory], touches: [] })),
      {
        name: "adapt run",
        args: ["adapt", "run", "--method", pick(random, ["closed-form", "preferences"]), ...memory],
        touches: [],
      },
      {
        name: "remember",
        args: ["remember", `The spare key number ${randomInt(random, 1e6)} is under the mat.`, ...memory],
        touches: ["remembered"],
      },
    ];
    return pick(
      random,
      commands.filter((one) => one !== null),
    );
  }

  #forget(stream: string, memory: readonly string[]): Command {
    return { name: "forget", args: ["forget", "--stream", stream, ...memory], touches: [stream] };
  }

  #question(): string {
    const thing = pick(this.#random, ["kettle", "ladder", "violin", "lantern", "compass"]);
    return `Where is the ${thing} number ${1 + randomInt(this.#random, 200)}?`;
  }

  /** Runs a command and kills it: soon after some line of its output, or some time after its start. */
  async #run(command: Command): Promise<Ended> {
    const isAfterLine = this.#random() < 0.7;
    let linesLeft = 1 + (this.#random() < 0.25 ? 0 : randomInt(this.#random, 150));
    const delayMs = isAfterLine ? 50 * this.#random() : 200 + 1000 * this.#random();
    const ended = Promise.withResolvers<void>();
    let child: ChildProcess | undefined;
    const killLater = async () => {
      await Promise.race([sleep(delayMs), ended.promise]);
      this.#tally.peakBytes = Math.max(this.#tally.peakBytes, peakOf(child!));
      child!.kill("SIGKILL");
    };
    const run = await taskmem(command.args, {
      onStart: (started) => {
        child = started;
        started.once("close", ended.resolve);
        if (!isAfterLine) killLater();
        // What prints fewer lines is killed at last, or has ended.
        else sleep(5000).then(() => started.kill("SIGKILL"));
      },
      onLine: () => {
        linesLeft -= 1;
        if (isAfterLine && linesLeft === 0) killLater();
      },
    });
    const isKilled = child!.signalCode === "SIGKILL";
    return { command, run, isKilled };
  }

  /** Counts a command that ended, and notes what it acknowledged. */
  #take({ command, run, isKilled }: Ended): void {
    if (isKilled) {
      this.#tally.runs += 1;
      this.#tally.byCommand[command.name] = (this.#tally.byCommand[command.name] ?? 0) + 1;
    } else if (run.code === null || run.code === 1) {
      this.#tally.deaths += 1;
      this.#wrong(`${command.args.join(" ")} ended by itself with ${run.code}: ${run.stderr}`);
    } else if (run.code !== 0 && !isExpected(run)) {
      this.#wrong(`${command.args.join(" ")} ended with ${run.code}: ${run.stderr}`);
    }
    for (const row of run.rows) this.#acknowledge(command, row);
  }

  #acknowledge(command: Command, row: Row): void {
    if (row.event === "clip-end")
      for (const { id } of row.entries as { id: string }[]) this.#expect(String(row.stream), id);
    if (row.event === "remember-end") this.#expect("remembered", String(row.entry));
    if (command.name === "ask" && typeof row.task === "string") {
      this.#tally.acknowledged += 1;
      this.#tasks.set(
        row.task,
        (row.citations as { stream: string }[]).map(({ stream }) => stream),
      );
    }
  }

  #expect(stream: string, id: string): void {
    this.#tally.acknowledged += 1;
    this.#entries.set(stream, (this.#entries.get(stream) ?? new Set()).add(id));
  }

  async #check(ended: readonly Ended[]): Promise<void> {
    if (!existsSync(join(this.#memory, "memory.db"))) {
      if (this.#entries.size > 0) this.#wrong("the memory is gone");
      return;
    }
    const memory = await openTestMemory(this.#memory);
    try {
      const entries = await memory.entries({ includeClosed: true });
      const byStream = Map.groupBy(entries, ({ stream }) => stream);
      const counts = (stream: string) => byStream.get(stream)?.length ?? 0;
      for (const one of ended) {
        if (one.command.name === "forget") this.#checkForget(one, counts);
        if (one.command.name === "import") this.#checkImport(one, counts);
      }
      for (const stream of this.#imported) {
        if (counts(stream) !== this.#sources.archiveEntries) this.#lose(`entries of ${stream}`, 1);
      }
      const there = new Set(entries.map(({ id }) => id));
      for (const [stream, ids] of this.#entries) {
        const gone = [...ids].filter((id) => !there.has(id));
        if (gone.length > 0) this.#lose(`${gone.length} entries of ${stream}`, gone.length);
      }
      const same = new Set(entries.map(({ stream, clip, text }) => JSON.stringify([stream, clip, text])));
      if (same.size < entries.length) {
        this.#tally.twice += entries.length - same.size;
        this.#wrong(`${entries.length - same.size} entries are there twice`);
      }
      await this.#checkTasks(memory);
      for (const problem of await memory.check()) this.#wrong(`check: ${problem}`);
    } finally {
      await memory.close();
    }
    const raw = new Database(join(this.#memory, "memory.db"), { readonly: true });
    const integrity = raw.pragma("integrity_check", { simple: true });
    raw.close();
    if (integrity !== "ok") this.#wrong(`integrity_check: ${integrity}`);
    this.#checkFiles();
    this.#checkExport();
  }

  #lose(what: string, count: number): void {
    this.#tally.lost += count;
    this.#wrong(`lost: ${what}`);
  }

  /** Everything of the stream is there, or nothing; nothing where it said so. */
  #checkForget({ command, run }: Ended, counts: (stream: string) => number): void {
    const [stream] = command.touches as [string];
    const isDone = run.rows.some(({ event }) => event === "forget-end");
    if (isDone && counts(stream) > 0)
      this.#wrong(`${stream} was forgotten, and ${counts(stream)} entries are there`);
    if (counts(stream) > 0) return; // whether they are all there is checked for every stream
    this.#entries.delete(stream);
    this.#imported.delete(stream);
    for (const [task, cited] of this.#tasks) if (cited.includes(stream)) this.#tasks.delete(task);
  }

  #checkImport({ run }: Ended, counts: (stream: string) => number): void {
    const isDone = run.rows.some(({ event }) => event === "import-end");
    const whole = archived.filter((stream) => counts(stream) === this.#sources.archiveEntries);
    const wasAdded = whole.some((stream) => !this.#imported.has(stream));
    if ((isDone || wasAdded) && whole.length < archived.length) this.#wrong("half an import is there");
    for (const stream of whole) this.#imported.add(stream);
    for (const stream of archived)
      if (!whole.includes(stream) && counts(stream) > 0) this.#wrong(`a part of ${stream} is there`);
  }

  async #checkTasks(memory: Memory): Promise<void> {
    const there = new Set((await memory.tasks()).map(({ id }) => id));
    const gone = [...this.#tasks.keys()].filter((id) => !there.has(id));
    if (gone.length > 0) this.#lose(`${gone.length} questions`, gone.length);
    for (const id of gone) this.#tasks.delete(id);
  }

  /** After it was opened and closed, the directory holds nothing half-written. */
  #checkFiles(): void {
    const { files } = filesBelow(this.#memory);
    const expected = /^(memory\.db(-wal|-shm)?|blobs\/[0-9a-f]{2}\/[0-9a-f]{64}|runs\/.*)$/;
    const other = files.map((path) => relative(this.#memory, path)).filter((name) => !expected.test(name));
    if (other.length > 0) this.#wrong(`left in the memory: ${other.join(", ")}`);
  }

  /** An export that is there is whole, and its pictures are there. */
  #checkExport(): void {
    const path = join(this.#out, "memory.jsonl");
    if (!existsSync(path)) return;
    const text = readFileSync(path, "utf8");
    if (!text.endsWith("\n")) this.#wrong("the export ends in the middle of a line");
    const hashes = new Set(text.match(/"hash":"[0-9a-f]{64}"/g)?.map((match) => match.slice(8, -1)));
    const missing = [...hashes].filter((hash) => !existsSync(blobPath(join(this.#out, "blobs"), hash)));
    if (missing.length > 0) this.#wrong(`the export lacks ${missing.length} pictures`);
  }

  /** In peace: an export replaces what killed ones left, and a copy made of it is the same. */
  async #end(): Promise<void> {
    if (!existsSync(join(this.#memory, "memory.db"))) return;
    await succeed(["export", this.#out, "--memory", this.#memory]);
    const partial = filesBelow(this.#out).files.filter((path) => /\.part/.test(path));
    if (partial.length > 0) this.#wrong(`left beside the export: ${partial.join(", ")}`);
    const copy = `${this.#memory}-copy`;
    await succeed(["import", this.#out, "--memory", copy]);
    const [kept, copied] = await Promise.all([idsOf(this.#memory), idsOf(copy)]);
    if (kept !== copied) this.#wrong("an import of the export has other entries");
    rmSync(join(this.#memory, ".."), { recursive: true, force: true });
  }
}

async function idsOf(directory: string): Promise<string> {
  const memory = await openTestMemory(directory);
  const ids = (await memory.entries({ includeClosed: true })).map(({ id }) => id);
  await memory.close();
  return ids.sort().join();
}

/** What may happen between two processes, and is said. */
function isExpected({ rows }: CliRun): boolean {
  const codes = ["stream-busy", "store-missing", "memory-missing", "questions-missing", "stream-unknown"];
  return rows.some(({ event, code }) => event === "error" && codes.includes(String(code)));
}

/** The highest memory of a process so far, in bytes; 0 where the system does not tell. */
function peakOf({ pid }: ChildProcess): number {
  try {
    const kib = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return Number(kib ?? 0) * 1024;
  } catch {
    return 0;
  }
}
