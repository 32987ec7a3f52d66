/** Reads many damaged inputs in a process of their own, and watches it: it may not die, hang or take much memory. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { emptyFolder, inputRandom, parsers } from "./parsers.ts";
import type { SoakRow } from "./table.ts";

const child = join(import.meta.dirname, "fuzz-child.ts");
/** An input that takes longer is tried once more; if it does again, it hangs. */
const longestMs = 5000;
/** Modules load and seeds are made before the first input. */
const startMs = 60_000;
const mostBytes = 2 ** 30;
/** Inputs a process reads, so that the memory of one does not hide behind that of another. */
const batch = 500;

interface Run {
  /** The input that was being read when the process ended; `null` where all were read. */
  readonly at: number | null;
  readonly hung: boolean;
}

interface Tally extends SoakRow {
  runs: number;
  refused: number;
  deaths: number;
  hangs: number;
  peakBytes: number;
  readonly wrong: string[];
}

/** Reads inputs of all parsers in turn. @param inputs how many */
export async function fuzz(
  inputs: number,
  seed: string,
  log: (line: string) => void = () => {},
): Promise<SoakRow[]> {
  const folder = mkdtempSync(join(tmpdir(), "taskmem-fuzz-"));
  const kept = join(tmpdir(), "taskmem-fuzz-kept");
  const all = await parsers(emptyFolder(join(folder, "parsers")));
  const tallies = all.map(
    ({ name }): Tally => ({
      ...{ kind: `fuzz: ${name}`, runs: 0, refused: 0, deaths: 0, hangs: 0, peakBytes: 0, wrong: [] },
    }),
  );
  const tallyOf = (n: number) => tallies[n % tallies.length]!;

  /** Keeps an input, so that it can be looked at. */
  const keep = (n: number, why: string) => {
    const { name, file, input } = all[n % all.length]!;
    mkdirSync(kept, { recursive: true });
    const path = join(kept, `${seed}-${n}-${file}`);
    writeFileSync(path, input(inputRandom(seed, n)));
    tallyOf(n).wrong.push(`${why}: ${path}`);
    log(`${name}, input ${n}: ${why}: ${path}`);
  };

  const read = async (from: number, to: number): Promise<Run> => {
    const process_ = spawn(process.execPath, [child, folder, seed, String(from), String(to)], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    const watched = watch(process_);
    let at: number | null = null;
    for await (const line of createInterface({ input: process_.stdout! })) {
      watched.alive();
      const [said = "", kib] = line.split("\t");
      if (/^\d+$/.test(line)) {
        at = Number(line);
        continue;
      }
      const n = at!;
      const tally = tallyOf(n);
      tally.runs += 1;
      tally.peakBytes = Math.max(tally.peakBytes, Number(kib) * 1024);
      if (said === "refused") tally.refused += 1;
      if (said.startsWith("wrong")) keep(n, said);
      at = null;
    }
    const hung = await watched.end();
    return { at, hung };
  };

  try {
    for (let from = 0; from < inputs; ) {
      const to = Math.min(inputs, from + batch);
      const { at, hung } = await read(from, to);
      if (at === null) {
        from = to;
        log(`${from} inputs`);
        continue;
      }
      const again = hung ? await read(at, at + 1) : { at, hung };
      if (again.at !== null) {
        tallyOf(at).runs += 1;
        tallyOf(at)[again.hung ? "hangs" : "deaths"] += 1;
        keep(at, again.hung ? "hangs" : "ends the process");
      }
      from = at + 1;
    }
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
  for (const tally of tallies)
    if (tally.peakBytes > mostBytes) tally.wrong.push(`takes ${Math.round(tally.peakBytes / 2 ** 20)} MiB`);
  return tallies;
}

/** Ends a process that says nothing for too long. */
function watch(watched: ChildProcess) {
  const ended = once(watched, "close");
  let hung = false;
  const timer = setTimeout(() => {
    hung = true;
    watched.kill("SIGKILL");
  }, startMs);
  let limit = setTimeout(() => {}, 0);
  return {
    alive() {
      clearTimeout(timer);
      clearTimeout(limit);
      limit = setTimeout(() => {
        hung = true;
        watched.kill("SIGKILL");
      }, longestMs);
    },
    async end(): Promise<boolean> {
      await ended;
      clearTimeout(timer);
      clearTimeout(limit);
      return hung;
    },
  };
}
