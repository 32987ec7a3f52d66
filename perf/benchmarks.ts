/**
 * What the benchmarks cost without a model: loading annotations, the whole text run, a stream that grows; prints Markdown.
 *
 * 1. `load`: rows a second of each benchmark's annotations, beside reading and parsing the same files with nothing checked.
 *    Where the folder has no Parquet of Video-MME: 2,700 made-up rows as pyarrow 25 writes them, snappy with dictionaries.
 * 2. `ask`: `bench egolife --text` as a whole, from its files to its report.
 * 3. `watch`: the lines of EgoLife's week, in order but evenly spaced so that each clip has as many, watched by the choice
 *    policy as one stream: each tenth of it costs as much as the first if a clip's cost does not grow. Heap is what is
 *    left after collecting, `ms` has the waits for the disk in it.
 *
 * Each part runs in a process of its own, for its memory peak. Seconds are those of the processor (user and system), which
 * other work on the machine disturbs least, and of the clock where it says so.
 *
 * `node perf/benchmarks.ts [FOLDER] [load|ask|watch]`; FOLDER holds `benchmarks/egolife` and so on, `../shared/data` beside
 * the project by default
 */
import { execFileSync } from "node:child_process";
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { extname, join, resolve } from "node:path";
import { performance } from "node:perf_hooks";
import { createAgent } from "../src/agent.ts";
import { loadEgoLifeText } from "../src/benchmarks/datasets/egolife-text/week.ts";
import { readParquet } from "../src/benchmarks/datasets/files/parquet.ts";
import { loadBenchmark } from "../src/benchmarks/datasets/load.ts";
import type { BenchmarkName } from "../src/benchmarks/task.ts";
import { run as benchEgoLifeText } from "../src/cli/commands/bench-egolife-text.ts";
import type { Output } from "../src/cli/output.ts";
import { lexicalReader, localEmbedder, wordSpace } from "../src/engines/local/index.ts";
import { openSqliteMemory } from "../src/memory/sqlite.ts";
import { createPerceptors } from "../src/perception/perceive.ts";
import { choicePolicy } from "../src/policies/choice/choice.ts";
import { openSource } from "../src/stream/open-source.ts";
import { printTable } from "./markdown.ts";

const [folder = join(import.meta.dirname, "../../shared/data"), chosen] = process.argv.slice(2);
const benchmarks = resolve(folder, "benchmarks");
const runsPerLoad = 5;
const clipSeconds = 10;
/** About what the week has while it is recorded. */
const linesPerClip = 8;
const blocks = 10;
const warmUpClips = 300;

const mebibytes = (bytes: number) => (bytes / 2 ** 20).toFixed(0);
const peak = () => mebibytes(process.resourceUsage().maxRSS * 1024);
const whole = (value: number) => Math.round(value).toLocaleString("en");

interface Moment {
  /** Seconds of the processor, and of the clock. */
  readonly processor: number;
  readonly clock: number;
}

function now(): Moment {
  const { user, system } = process.cpuUsage();
  return { processor: (user + system) / 1e6, clock: performance.now() / 1000 };
}

function since(began: Moment): Moment {
  const { processor, clock } = now();
  return { processor: processor - began.processor, clock: clock - began.clock };
}

/** Seconds of the processor of the quickest of some runs, after one that warms up. */
async function quickest(work: () => unknown): Promise<number> {
  await work();
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < runsPerLoad; i++) {
    const began = now();
    await work();
    best = Math.min(best, since(began).processor);
  }
  return best;
}

const parse = (path: string) =>
  extname(path) === ".parquet" ? readParquet(path) : JSON.parse(readFileSync(path, "utf8"));

async function load(): Promise<void> {
  const row = printTable("annotations", "rows", "ms", "rows/s", "parsing alone, ms", "ratio");
  const print = async (name: string, rows: number, work: () => unknown, bare: () => unknown) => {
    const seconds = await quickest(work);
    const alone = await quickest(bare);
    const ms = (value: number) => (1000 * value).toFixed(1);
    row(name, whole(rows), ms(seconds), whole(rows / seconds), ms(alone), (seconds / alone).toFixed(1));
  };
  const hasVideoMme = globSync("**/*.parquet", { cwd: join(benchmarks, "videomme") }).length > 0;
  const roots: readonly (readonly [string, BenchmarkName, string])[] = [
    hasVideoMme
      ? ["videomme", "videomme", join(benchmarks, "videomme")]
      : ["videomme, made-up rows", "videomme", join(import.meta.dirname, "__fixtures__/videomme")],
    ["egolife", "egolife", join(benchmarks, "egolife")],
    ["egotempo", "egotempo", join(benchmarks, "egotempo")],
    ["m3bench", "m3bench", join(benchmarks, "m3bench")],
  ];
  for (const [name, benchmark, root] of roots) {
    const { rows, files } = await loadBenchmark(benchmark, root);
    await print(
      name,
      rows,
      () => loadBenchmark(benchmark, root),
      () => Promise.all(files.map(parse)),
    );
  }
  const root = join(benchmarks, "egolife");
  const { entries, wearer } = await loadEgoLifeText(root, "en");
  const texts = globSync(
    [`Transcript/${wearer}/DAY*/*.srt`, `DenseCaption/translated/${wearer}_*.jsonl`].map(
      (pattern) => `${root}/EgoLifeCap/${pattern}`,
    ),
  );
  await print(
    "egolife's week as texts",
    entries.length,
    () => loadEgoLifeText(root, "en"),
    () =>
      texts.map((path) => {
        const lines = readFileSync(path, "utf8").split(/\r?\n/);
        return path.endsWith(".jsonl") ? lines.map((line) => line && JSON.parse(line)) : lines;
      }),
  );
}

async function ask(): Promise<void> {
  const runs = mkdtempSync(join(tmpdir(), "taskmem-perf-"));
  try {
    const ends: unknown[] = [];
    const ignore = () => {};
    const output: Output = {
      ...{
        json: true,
        text: ignore,
        note: ignore,
        progress: ignore,
        waiting: ignore,
        object: (end) => ends.push(end),
        row: ignore,
      },
      ...{ dim: (text) => text, bold: (text) => text },
    };
    const began = now();
    await benchEgoLifeText({
      output,
      flags: {},
      configFile: undefined,
      signal: new AbortController().signal,
      options: { root: join(benchmarks, "egolife"), runs },
    });
    const { processor, clock } = since(began);
    const { tasks, rows } = ends.at(-1) as { tasks: number; rows: { type: string; n: number }[] };
    const memories = rows.filter(({ type }) => type === "all").length;
    const row = printTable(
      ...["", "questions", "memories", "s", "s by the clock", "questions/s", "answers/s", "peak MiB"],
    );
    row(
      ...["`bench egolife --text`", tasks, memories, processor.toFixed(1), clock.toFixed(1)],
      ...[(tasks / processor).toFixed(1), whole((tasks * memories) / processor), peak()],
    );
  } finally {
    rmSync(runs, { recursive: true, force: true });
  }
}

/** Watches lines as a stream of their own; calls back after each clip. @returns clips and entries stored */
async function watchLines(place: string, lines: readonly object[], onClip: (clips: number) => void) {
  const path = join(place, "lines.jsonl");
  writeFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  const source = await openSource(path, { id: "week", clipSeconds });
  const memory = await openSqliteMemory(join(place, "memory"), {
    words: wordSpace,
    embedder: localEmbedder,
    now: Date.now,
  });
  const agent = createAgent({
    memory,
    policy: choicePolicy({ words: wordSpace, clipSeconds }),
    perceptors: createPerceptors({ screenText: false }),
    reader: lexicalReader({ words: wordSpace }),
  });
  let clips = 0;
  let entries = 0;
  for await (const event of agent.watch(source)) {
    if (event.event !== "clip-end") continue;
    clips += 1;
    entries += event.entries.length;
    onClip(clips);
  }
  await memory.close();
  return { clips, entries };
}

async function watch(): Promise<void> {
  const { entries: said } = await loadEgoLifeText(join(benchmarks, "egolife"), "en");
  const apart = clipSeconds / linesPerClip;
  const lines = said.map(({ kind, speaker, text }, i) => {
    return { startSeconds: i * apart, endSeconds: (i + 1) * apart, kind, speaker, text };
  });
  const place = () => mkdtempSync(join(tmpdir(), "taskmem-perf-"));
  const [warm, cold] = [place(), place()];
  try {
    await watchLines(warm, lines.slice(0, warmUpClips * linesPerClip), () => {});
    const perBlock = Math.floor(lines.length / linesPerClip / blocks);
    const row = printTable("clips watched", "processor ms a clip", "× the first", "ms a clip", "heap MiB");
    let began = now();
    let first: number | undefined;
    const { clips, entries } = await watchLines(cold, lines, (watched) => {
      if (watched === 1) began = now();
      if (watched % perBlock !== 0) return;
      const { processor, clock } = since(began);
      first ??= processor;
      globalThis.gc!();
      const ms = (seconds: number) => ((1000 * seconds) / perBlock).toFixed(2);
      const heap = (process.memoryUsage().heapUsed / 2 ** 20).toFixed(1);
      row(whole(watched), ms(processor), (processor / first).toFixed(2), ms(clock), heap);
      began = now();
    });
    console.log(
      `\n${whole(lines.length)} lines in ${whole(clips)} clips, ${whole(entries)} entries kept, peak ${peak()} MiB.`,
    );
  } finally {
    rmSync(warm, { recursive: true, force: true });
    rmSync(cold, { recursive: true, force: true });
  }
}

const parts = new Map([
  ["load", load],
  ["ask", ask],
  ["watch", watch],
]);
const wanted = chosen === undefined ? [...parts.keys()] : [chosen];

if (!existsSync(benchmarks)) {
  console.error(
    `Expected the benchmarks' annotations in ${benchmarks} (egolife, egotempo, m3bench), found none: name the folder that holds \`benchmarks\`, as node perf/benchmarks.ts FOLDER`,
  );
  process.exitCode = 1;
} else if (!wanted.every((part) => parts.has(part))) {
  console.error(`Expected ${[...parts.keys()].join(", ")} or nothing after the folder, got ${chosen}`);
  process.exitCode = 1;
} else if (globalThis.gc && chosen !== undefined) await parts.get(chosen)!();
else {
  console.log(`${cpus()[0]?.model}, ${availableParallelism()} cores, Node ${process.version}`);
  for (const part of wanted) {
    console.log(`\n${part}\n`);
    execFileSync(process.execPath, ["--expose-gc", import.meta.filename, folder, part], { stdio: "inherit" });
  }
}
