/**
 * Makes the tables of README.md and the documents again: `npm run results`, or `npm run results -- --quick`.
 *
 * Each measurement is a command that prints Markdown. What it printed is kept in `runs/results/`, with the command, the day and
 * the commit, so that a run that was stopped continues and only what is missing is made; `--again` makes all of it. A document
 * holds a block for a measurement, `<!-- results: NAME -->` to `<!-- end -->`, or for one table of it, `<!-- results: NAME 2 -->`;
 * blocks of what was made are written, others stay. `--quick` measures less of the same and writes beside
 * `runs/results/quick/` instead of into the documents. `--only NAME,…` makes some.
 *
 * What needs data or programs that are not there is left out, with the reason.
 */
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { parseConfig } from "../src/config.ts";
import { requireTorchPython } from "../src/engines/torch/environment.ts";
import { lacksForMeaning } from "../src/taskmem/encoder.ts";

/** Folders that measurements need and the repository has not. */
export interface Places {
  /** EgoLife's questions, captions and transcripts; `undefined` for none. */
  readonly egolife?: string | undefined;
}

/** A command that prints tables. */
export interface Measurement {
  readonly name: string;
  /** Hours on two quiet cores. */
  readonly hours: number;
  /** Arguments of Node; `null` where a quick run leaves it out. */
  readonly full: (places: Places) => readonly string[];
  readonly quick: ((places: Places) => readonly string[]) | null;
  /** Why it cannot be made here, or `null`. */
  readonly lacks?: (places: Places) => string | null;
}

const always =
  (...args: readonly string[]) =>
  () =>
    args;
const withoutEgoLife = ({ egolife }: Places) =>
  egolife === undefined ? "name the folder of EgoLife's files with --egolife" : null;
const withoutTorch = () => {
  try {
    requireTorchPython();
    return null;
  } catch (error) {
    return (error as Error).message;
  }
};
/** Where `perf/household-vl.ts` keeps what it wrote. */
const householdVlRun = "runs/household-vl-two-by-two";
const withoutEncoder = () => lacksForMeaning(parseConfig({ memory: "." }));

/** Everything that is measured of learning, the quickest first. */
export const measurements: readonly Measurement[] = [
  {
    ...{ name: "choice-adapter", hours: 0.01 },
    ...{ full: always("perf/choice-adapter.ts"), quick: always("perf/choice-adapter.ts") },
  },
  {
    ...{ name: "choice-mixed", hours: 0.01 },
    full: always("perf/streams.ts", "mixed", "--policy", "choice"),
    quick: always("perf/streams.ts", "mixed", "--policy", "choice"),
  },
  {
    ...{ name: "choice-person", hours: 0.01 },
    full: always("perf/streams.ts", "person", "--policy", "choice"),
    quick: always("perf/streams.ts", "person", "--policy", "choice"),
  },
  {
    ...{ name: "choice-preferences", hours: 0.03 },
    full: always("perf/choice-adapter.ts", "--preferences"),
    quick: always("perf/choice-adapter.ts", "20", "--preferences"),
  },
  {
    ...{ name: "headline", hours: 0.4 },
    full: always("perf/two-by-two.ts", "64"),
    quick: always("perf/two-by-two.ts", "9"),
  },
  {
    ...{ name: "headline-seeds", hours: 0.6 },
    full: always("perf/two-by-two.ts", "24", "--seeds", "3"),
    quick: null,
  },
  {
    ...{ name: "headline-truth", hours: 0.3 },
    full: always("perf/two-by-two.ts", "64", "--judge", "truth"),
    quick: null,
  },
  {
    ...{ name: "nano-mixed", hours: 0.5 },
    full: always("perf/streams.ts", "mixed", "--seeds", "3"),
    quick: always("perf/streams.ts", "mixed", "--films", "6", "--draws", "1"),
  },
  {
    ...{ name: "nano-person", hours: 0.5 },
    full: always("perf/streams.ts", "person", "--seeds", "3"),
    quick: always("perf/streams.ts", "person", "--films", "6", "--draws", "1"),
  },
  {
    ...{ name: "best-of-n", hours: 0.3 },
    ...{ full: always("perf/best-of-n.ts"), quick: null },
  },
  {
    ...{ name: "second-answerer", hours: 0.1, lacks: withoutEncoder },
    full: always("perf/second-answerer.ts"),
    quick: always("perf/second-answerer.ts", "--films", "6"),
  },
  {
    ...{ name: "phase-two-ablations", hours: 0.3 },
    ...{ full: always("perf/phase-two-ablations.ts"), quick: null },
  },
  {
    ...{ name: "phase-one-ablations", hours: 0.4 },
    ...{ full: always("perf/phase-one-ablations.ts"), quick: null },
  },
  {
    ...{ name: "household-vl", hours: 2, lacks: withoutTorch },
    ...{ full: always("perf/household-vl.ts"), quick: null },
  },
  {
    ...{ name: "household-vl-phase-one", hours: 0.8, lacks: withoutTorch },
    full: always("perf/phase-one-ablations.ts", "--model", "household-vl", "--seeds", "3"),
    quick: null,
  },
  {
    ...{ name: "household-vl-phase-two", hours: 0.4, lacks: withoutTorch },
    ...{ full: always("perf/household-vl-phase-two.ts"), quick: null },
  },
  {
    ...{ name: "household-vl-answerer", hours: 0.05 },
    lacks: () =>
      withoutEncoder() ??
      (existsSync(householdVlRun) ? null : "make household-vl first: it reads its memories"),
    ...{ full: always("perf/second-answerer.ts", "--household-vl", householdVlRun), quick: null },
  },
  {
    ...{ name: "egolife-week", hours: 0.3, lacks: withoutEgoLife },
    full: ({ egolife }) => [
      ...["src/cli/main.ts", "bench", "egolife", "--text", "--resume", "--root", egolife!],
      // Adapters from other people's questions are nine rows more, and half as long again.
      ...["--policies", "all,random,recent,cov,cov+words,cov+dpo"],
    ],
    quick: null,
  },
];

/** One measurement as it was made. */
export interface Made {
  readonly command: string;
  readonly date: string;
  readonly commit: string;
  readonly output: string;
}

/** What came of each measurement of a run. */
export interface Outcome {
  readonly name: string;
  readonly state: "made" | "stands" | "left out" | "failed";
  readonly reason: string | null;
}

/** How measurements are made. */
export interface ResultsOptions {
  readonly root: string;
  readonly list: readonly Measurement[];
  readonly places: Places;
  readonly quick: boolean;
  readonly again: boolean;
  readonly now: () => Date;
  readonly onOutcome?: (outcome: Outcome) => void;
}

const keptIn = ({ root, quick }: Pick<ResultsOptions, "root" | "quick">) =>
  join(root, "runs", "results", quick ? "quick" : "full");

/** Makes what is missing, one after the other. A measurement that fails costs only itself. */
export async function makeResults(options: ResultsOptions): Promise<Outcome[]> {
  const { root, list, places, quick, again, now, onOutcome } = options;
  const outcomes: Outcome[] = [];
  const folder = keptIn(options);
  mkdirSync(folder, { recursive: true });
  const commit = execFileSync("git", ["rev-parse", "--short=12", "HEAD"], {
    cwd: root,
    encoding: "utf8",
  }).trim();
  for (const { name, full, quick: quickly, lacks } of list) {
    const done = (state: Outcome["state"], reason: string | null = null) => {
      outcomes.push({ name, state, reason });
      onOutcome?.({ name, state, reason });
    };
    const missing =
      quick && quickly === null ? "it takes too long for a quick run" : (lacks?.(places) ?? null);
    if (missing !== null) {
      done("left out", missing);
      continue;
    }
    const args = (quick ? quickly! : full)(places);
    const command = shown(args, places);
    const path = join(folder, `${name}.json`);
    if (!again && existsSync(path) && readMade(path).command === command) {
      done("stands");
      continue;
    }
    try {
      // Where a run was kept is told as below the root.
      const output = (await printed(root, args)).replaceAll(`${root}/`, "");
      const made: Made = { command, date: now().toISOString().slice(0, 10), commit, output };
      writeFileSync(path, `${JSON.stringify(made, null, 1)}\n`);
      done("made");
    } catch (error) {
      done("failed", (error as Error).message);
    }
  }
  return outcomes;
}

const readMade = (path: string) => JSON.parse(readFileSync(path, "utf8")) as Made;

/** As people type it, without what is only on this machine. */
function shown(args: readonly string[], { egolife }: Places): string {
  const names = args.map((arg) => (arg === egolife ? "DIR" : arg));
  return names[0] === "src/cli/main.ts"
    ? ["taskmem", ...names.slice(1)].join(" ")
    : ["node", ...names].join(" ");
}

function printed(root: string, args: readonly string[]): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const child = spawn(process.execPath, [...args], { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.on("error", reject);
  child.on("close", (code) =>
    code === 0 ? resolve(output.trim()) : reject(new Error(`${args.join(" ")} ended with ${code}`)),
  );
  return promise;
}

const block = /(<!-- results: ([\w-]+)(?: (\d+))? -->\n)[\s\S]*?(<!-- end -->)/g;

/** The measurements that a document has blocks of. */
export function blocksIn(text: string): string[] {
  return [...text.matchAll(block)].map(([, , name]) => name!);
}

/**
 * A document with its blocks written from what was made; blocks of what was not stay.
 * @throws RangeError for a block of a table that its measurement does not print
 */
export function withBlocks(text: string, made: ReadonlyMap<string, Made>): string {
  return text.replace(
    block,
    (whole, opening: string, name: string, table: string | undefined, end: string) => {
      const found = made.get(name);
      if (!found) return whole;
      const { output, command, date, commit } = found;
      const tables = output.match(/(?:^\|.*\|$\n?)+/gm) ?? [];
      const body = table === undefined ? output : tables[Number(table) - 1];
      if (body === undefined)
        throw new RangeError(
          `Expected table ${table} of ${name}, got ${tables.length} tables from ${command}`,
        );
      return `${opening}\n${body.trim()}\n\n\`${command}\`, ${date}, ${commit}.\n\n${end}`;
    },
  );
}

/** Documents with blocks, below the root. */
export const documents = ["README.md", "docs/results.md", "docs/paper.md", "perf/README.md"];

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      quick: { type: "boolean", default: false },
      again: { type: "boolean", default: false },
      only: { type: "string" },
      egolife: { type: "string" },
    },
  });
  const { quick, again, only, egolife } = values;
  const names = only?.split(",").map((name) => name.trim());
  const unknown = names?.find((name) => !measurements.some((one) => one.name === name));
  if (unknown !== undefined)
    throw new RangeError(
      `Expected --only to name some of ${measurements.map(({ name }) => name).join(", ")}, got ${unknown}`,
    );
  const list = measurements.filter(({ name }) => names?.includes(name) ?? true);
  const root = join(import.meta.dirname, "..");
  const options = { root, list, quick, again, places: { egolife }, now: () => new Date() };
  const outcomes = await makeResults({
    ...options,
    onOutcome: ({ name, state, reason }) =>
      console.error(`${name}: ${state}${reason === null ? "" : `: ${reason}`}`),
  });
  const folder = keptIn(options);
  const kept = measurements.flatMap(({ name }) => {
    const path = join(folder, `${name}.json`);
    return existsSync(path) ? [[name, readMade(path)] as const] : [];
  });
  for (const document of documents) {
    const path = join(root, document);
    const text = readFileSync(path, "utf8");
    const written = withBlocks(text, new Map(kept));
    if (quick)
      writeFileSync(
        join(folder, basename(document) === "README.md" ? document.replace("/", "-") : basename(document)),
        written,
      );
    else if (written !== text) writeFileSync(path, written);
  }
  console.error(
    `${quick ? "Quick figures, for a look and not for the documents, are" : "Written into the documents; kept"} in ${folder}.`,
  );
  if (outcomes.some(({ state }) => state === "failed")) process.exitCode = 1;
}

if (process.argv[1] === import.meta.filename) await main();
