/**
 * Which wrong changes of the learning code its tests notice.
 *
 * `node perf/mutation.ts [--folders src/training,src/reward,src/policies] [--tests PREFIX,…] [--per-file N] [--seed 1] [--most-ms 3000]
 * [--only-loading] [--out DIR] [--survivors] [--report]`
 *
 * Every mutant (`mutation/mutants.ts`) of the folders' files, or N drawn of each by the seed, is tried with the tests that
 * reach it, the fastest first, until one fails. One process runs at a time, and nothing is written into the tree. Results
 * stand in DIR/results.jsonl; a run that was stopped resumes, and only what changed is tried again. `--report` prints what
 * was tried so far, `--survivors` each mutant that no test noticed. `--only-loading` tries those alone that are read while a file
 * is loaded, as constants are. Those that change nothing a caller could see are listed in `mutation/equivalent.json`, each with
 * its reason, and are counted apart.
 *
 * `--tests` takes only test files whose paths begin so, which is quicker; what they let pass is tried again without it. A test
 * is stopped by the processor time it takes, as a multiple of its usual, so that a busy machine counts nothing as noticed.
 * Of the tests that reach a mutant those are run, the fastest first, that take up to `--most-ms` together: a test that compiles a
 * network takes 2,000.
 *
 * Left out: tests that start other processes. They would notice more, and take minutes. Only the folders' own files hold
 * mutants, so the tests of others run at their usual speed, and a test file that imports none of them is not run.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, globSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { execPath } from "node:process";
import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import { rowsOf as rows } from "../src/training/run-directory.ts";
import { printTable } from "./markdown.ts";
import { hashOf, type Mutant, type MutantFile, mutantsOf } from "./mutation/mutants.ts";
import type { Job, Line } from "./mutation/try-mutants.ts";

const root = resolve(import.meta.dirname, "..");
const { values: options } = parseArgs({
  options: {
    folders: { type: "string", default: "src/training,src/reward,src/policies" },
    tests: { type: "string", default: "" },
    "per-file": { type: "string", default: "all" },
    seed: { type: "string", default: "1" },
    "most-ms": { type: "string", default: "3000" },
    "only-loading": { type: "boolean", default: false },
    out: { type: "string", default: join(root, "runs/mutation") },
    survivors: { type: "boolean", default: false },
    report: { type: "boolean", default: false },
  },
});
const perFile = options["per-file"] === "all" ? Infinity : Number(options["per-file"]);
if (!(perFile >= 1))
  throw new TypeError(`Expected --per-file to be a number or all, got ${options["per-file"]}`);

const mostMs = Number(options["most-ms"]);
if (!(mostMs > 0))
  throw new TypeError(`Expected --most-ms to be a number above 0, got ${options["most-ms"]}`);

/** What may be changed: the learning code, and what it stands on. */
const sources = ["src/{training,reward,policies,adapter}/**/*.ts", "src/household/splits.ts"];
const folders = options.folders.split(",");

/** Tests that run in their own process and train for at most seconds. */
const testPatterns = ["src/{training,reward,policies,adapter,household}/**/*.test.ts", ...flowTests()];

function flowTests(): string[] {
  return ["adapter"].map((name) => `test/${name}.test.ts`);
}

type Status = "killed" | "survived" | "not reached";
interface Result extends Pick<Mutant, "key" | "file"> {
  readonly status: Status;
  readonly by?: string;
  /** What the result depends on: the file, and for a survivor the tests that ran too. */
  readonly of: string;
}
interface Reached {
  readonly test: string;
  readonly ms: number;
  readonly file: string;
}

const text = (file: string) => readFileSync(join(root, file), "utf8");
const append = (path: string, row: unknown) => appendFileSync(path, `${JSON.stringify(row)}\n`);

/** Seconds of processor time that a process has used, where the system says; `null` elsewhere. */
function processorSeconds(pid: number): number | null {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return null;
  }
}

/** Whether no thread of a process runs or could; `false` where the system does not say. */
function isWaiting(pid: number): boolean {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    return threads.every(
      (id) => readFileSync(`/proc/${pid}/task/${id}/stat`, "utf8").split(") ")[1]![0] === "S",
    );
  } catch {
    return false;
  }
}

/** Processor seconds after which a test does not end, where its usual time says no more. */
const leastLimit = 8;
/** Seconds in which a process that does next to nothing waits for what never comes. One that is kept from running does not wait. */
const idleLimit = 30;

let running: ChildProcess | null = null;
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.on(signal, () => {
    running?.kill("SIGKILL");
    process.exit(130);
  });

/**
 * Runs one job.
 * @param limit processor seconds between two of its lines
 * @returns its lines; `stuck` is the mutant that never ended
 */
async function runJob(
  job: Job,
  limit: number,
  onLine: (line: Line) => void = () => {},
): Promise<{ lines: Line[]; stuck: number | null; error: string }> {
  const [path, out] = [join(options.out, "job.json"), join(options.out, "job-lines.jsonl")];
  writeFileSync(path, JSON.stringify(job));
  writeFileSync(out, "");
  const script = join(import.meta.dirname, "mutation/try-mutants.ts");
  const child = spawn(execPath, ["--no-warnings", script, path, out], {
    cwd: root,
    stdio: ["ignore", "ignore", "pipe"],
  });
  running = child;
  let error = "";
  child.stderr.on("data", (chunk) => {
    error = `${error}${chunk}`.slice(-2000);
  });
  let ended = false;
  const end = once(child, "close").then(() => {
    ended = true;
  });
  let [seen, cpu, told] = [0, 0, 0];
  let idleFrom = { used: 0, at: Date.now() };
  const tell = () => {
    const lines = rows<Line>(out);
    for (const line of lines.slice(told)) onLine(line);
    told = lines.length;
    return lines;
  };
  while (!ended) {
    await Promise.race([end, setTimeout(500)]);
    const size = readFileSync(out).length;
    const used = processorSeconds(child.pid!) ?? performance.now() / 1000;
    if (size !== seen) {
      [seen, cpu] = [size, used];
      tell();
    }
    if (used - idleFrom.used > 0.3 || size !== seen || !isWaiting(child.pid!))
      idleFrom = { used, at: Date.now() };
    const isIdle = Date.now() - idleFrom.at > 1000 * idleLimit;
    if (!ended && (used - cpu > limit || isIdle)) child.kill("SIGKILL");
  }
  const lines = tell();
  const last = lines.at(-1);
  return { lines, stuck: last && "begins" in last ? last.begins : null, error };
}

/** A file and all that it imports, however far, as written: types and what is loaded later too. */
function importedBy(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const [, to] of text(file).matchAll(/(?:from|import\() ?"(\.[^"]+\.ts)"/g))
    importedBy(join(dirname(file), to!), seen);
  return seen;
}

/** Which tests reach which mutants, and which mutants are reached once: when a file is loaded, and by hooks before its tests. */
async function coverage(files: Map<string, MutantFile>, testFiles: readonly string[]) {
  interface Covered {
    readonly testFile: string;
    /** Whose files held mutants. */
    readonly folders: string;
    readonly hash: string;
    readonly loaded: Record<string, string>;
    readonly hits: readonly string[];
    readonly tests: readonly { test: string; ms: number; failure: string | null; hits: readonly string[] }[];
  }
  const path = join(options.out, "coverage.jsonl");
  const ofThese = rows<Covered>(path).filter((row) => row.folders === options.folders);
  const kept = new Map(ofThese.map((row) => [row.testFile, row]));
  const keys = [...files.values()].flatMap(({ mutants }) => mutants.map(({ key }) => key));
  const changed = Object.fromEntries([...files].map(([file, { source }]) => [file, source]));
  const reached = new Map<string, Reached[]>();
  const loading = new Map<string, string[]>();
  for (const testFile of testFiles) {
    const hash = hashOf(text(testFile));
    let row = kept.get(testFile);
    const isKept =
      row?.hash === hash && Object.entries(row.loaded).every(([file, of]) => files.get(file)?.hash === of);
    if (!row || !isKept) {
      const { lines, error } = await runJob(
        { root, sources: changed, testFiles: [testFile], mutants: null },
        300,
      );
      const first = lines.find((line) => "loaded" in line);
      if (!first) throw new Error(`${testFile} cannot be loaded: ${error}`);
      const named = (hits: readonly number[]) => hits.map((id) => keys[id]!);
      row = {
        ...{ testFile, folders: options.folders, hash },
        hits: named([...first.hits, ...lines.flatMap((line) => ("hooks" in line ? line.hooks : []))]),
        loaded: Object.fromEntries(first.loaded.map((file) => [file, files.get(file)!.hash])),
        tests: lines.flatMap((line) => ("test" in line ? [{ ...line, hits: named(line.hits) }] : [])),
      };
      append(path, row);
      console.error(
        `${testFile}: ${row.tests.length} tests, ${Math.round(row.tests.reduce((sum, { ms }) => sum + ms, 0))} ms`,
      );
    }
    for (const { test, failure } of row.tests)
      if (failure) console.error(`left out, for it fails: ${test}: ${failure}`);
    for (const { test, ms, failure, hits } of row.tests)
      if (failure === null)
        for (const key of hits) reached.set(key, [...(reached.get(key) ?? []), { test, ms, file: testFile }]);
    for (const key of row.hits) loading.set(key, [...(loading.get(key) ?? []), testFile]);
  }
  const short = [...reached].map(([key, tests]) => [key, withinMs(tests, mostMs)] as const);
  return { reached: new Map(short), loading };
}

/** The fastest tests that take up to this together, and at least one. */
function withinMs(tests: readonly Reached[], most: number): Reached[] {
  let sum = 0;
  return tests
    .toSorted((a, b) => a.ms - b.ms)
    .filter(({ ms }, i) => {
      sum += ms;
      return i === 0 || sum <= most;
    });
}

/** Test files by how near they stand to a source file. */
const nearest = (file: string, testFiles: readonly string[]) => {
  const distance = (test: string) =>
    test === file.replace(/\.ts$/, ".test.ts") ? 0 : dirname(test) === dirname(file) ? 1 : 2;
  return testFiles.toSorted((a, b) => distance(a) - distance(b)).slice(0, 2);
};

const equivalent = JSON.parse(text("perf/mutation/equivalent.json")) as readonly {
  readonly file: string;
  readonly line: string;
  readonly change: string;
  /** Which of several alike. @default 0 */
  readonly nth?: number;
  readonly reason: string;
}[];
type Named = (typeof equivalent)[number];
const isNamed = (mutant: Mutant, { file, line, change, nth = 0 }: Named) =>
  file === mutant.file && line === mutant.lineText && change === mutant.change && nth === mutant.nth;
const reasonOf = (mutant: Mutant) => equivalent.find((named) => isNamed(mutant, named))?.reason;

mkdirSync(options.out, { recursive: true });
const list = globSync(sources, { cwd: root })
  .filter((file) => !file.endsWith(".test.ts") && !file.includes("__fixtures__"))
  .filter((file) => folders.some((folder) => file.startsWith(folder)))
  .sort();
const files = mutantsOf(root, list);
const draw = ({ mutants }: MutantFile) =>
  mutants
    .toSorted((a, b) => (hashOf(options.seed, a.key) < hashOf(options.seed, b.key) ? -1 : 1))
    .slice(0, perFile);
const drawn = new Map([...files].map(([file, made]) => [file, draw(made)]));
const importing = globSync(testPatterns, { cwd: root })
  .filter((test) => options.tests.split(",").some((prefix) => test.startsWith(prefix)))
  .filter((test) => [...importedBy(test)].some((file) => files.has(file)));
const { reached, loading } = await coverage(files, importing.sort());

const path = join(options.out, "results.jsonl");
const results = new Map(rows<Result>(path).map((row) => [row.key, row]));
const keep = (mutant: Mutant, status: Status, by: string | undefined) => {
  const row: Result = {
    key: mutant.key,
    file: mutant.file,
    status,
    ...(by && { by }),
    of: dependsOn(mutant, status),
  };
  results.set(mutant.key, row);
  append(path, row);
};
function dependsOn({ key, file }: Mutant, status: Status): string {
  const tests = new Set([...(reached.get(key) ?? []).map((test) => test.file), ...(loading.get(key) ?? [])]);
  const own = files.get(file)!.hash;
  return status === "killed" ? own : hashOf(own, ...[...tests].sort().map((test) => hashOf(text(test))));
}

/** Tries mutants that are reached once in a process, each in one of its own. */
async function tryLoading(mutant: Mutant, testFiles: readonly string[]): Promise<void> {
  const job = {
    ...{ root, sources: { [mutant.file]: files.get(mutant.file)!.source }, mutants: [] },
    ...{ testFiles: nearest(mutant.file, testFiles), whileLoading: mutant.id },
  };
  const { lines } = await runJob(job, 60);
  const line = lines.find((each) => "killedBy" in each);
  // A process that says nothing has ended on the mutant, or had to be stopped.
  const isKilled = !line || line.killedBy !== null;
  keep(mutant, isKilled ? "killed" : "survived", line?.killedBy ?? undefined);
}

/** Tries mutants that tests reach, all in one process as long as none leaves something broken behind. */
async function tryReached(mutants: readonly Mutant[]): Promise<void> {
  let left = [...mutants];
  while (left.length > 0) {
    const sources = Object.fromEntries(left.map(({ file }) => [file, files.get(file)!.source]));
    const testFiles = [...new Set(left.flatMap(({ key }) => reached.get(key)!.map((test) => test.file)))];
    const jobs = left.map(({ key, id }) => ({ id, tests: reached.get(key)!.map(({ test }) => test) }));
    const byId = new Map(left.map((mutant) => [mutant.id, mutant]));
    const settle = (id: number, by: string | null) => {
      keep(byId.get(id)!, by === null ? "survived" : "killed", by ?? undefined);
      byId.delete(id);
    };
    const slowest = Math.max(...left.flatMap(({ key }) => reached.get(key)!.map(({ ms }) => ms)));
    const limit = leastLimit + (5 * slowest) / 1000;
    const { stuck, error } = await runJob({ root, sources, testFiles, mutants: jobs }, limit, (line) => {
      if (!("killedBy" in line)) return;
      // Where the first of a process leaves it broken, what broke it is its own.
      const isOwn = !line.dirty || (byId.size === left.length && line.killedBy !== null);
      if (isOwn) settle(line.id, line.killedBy);
    });
    if (stuck !== null) settle(stuck, "it does not end");
    if (byId.size === left.length) throw new Error(`No mutant could be tried: ${error}`);
    left = left.filter(({ id }) => byId.has(id));
  }
}

const open = [...drawn.values()].flat().filter((mutant) => {
  const known = results.get(mutant.key);
  return !options.report && !reasonOf(mutant) && (!known || known.of !== dependsOn(mutant, known.status));
});
for (const mutant of open)
  if (!reached.has(mutant.key) && !loading.has(mutant.key)) keep(mutant, "not reached", undefined);
const inTests = options["only-loading"] ? [] : open.filter(({ key }) => reached.has(key));
for (const [folder, mutants] of Map.groupBy(inTests, ({ file }) => dirname(file))) {
  await tryReached(mutants);
  console.error(`${folder}: ${mutants.length} tried`);
}
// What is reached once is tried last, because each takes a process; a test may have noticed it already.
const whileLoading = open.filter(({ key }) => loading.has(key) && results.get(key)?.status !== "killed");
for (const mutant of whileLoading) await tryLoading(mutant, loading.get(mutant.key)!);

const all = [...drawn.values()].flat();
for (const named of equivalent)
  if (files.has(named.file) && !files.get(named.file)!.mutants.some((mutant) => isNamed(mutant, named)))
    console.error(`equivalent.json names a mutant that is not there: ${JSON.stringify(named)}`);
const statusOf = (mutant: Mutant) =>
  reasonOf(mutant) ? "equivalent" : (results.get(mutant.key)?.status ?? "untried");
const row = printTable("", "tried", "killed", "survived", "not reached", "equivalent", "score, %");
for (const folder of [...folders, "all"]) {
  const those = all.filter(
    (mutant) => (folder === "all" || mutant.file.startsWith(folder)) && statusOf(mutant) !== "untried",
  );
  const count = (status: string) => those.filter((mutant) => statusOf(mutant) === status).length;
  const share = (100 * count("killed")) / (those.length - count("equivalent"));
  row(
    `\`${folder}\``,
    those.length,
    count("killed"),
    count("survived"),
    count("not reached"),
    count("equivalent"),
    share.toFixed(1),
  );
}
if (options.survivors)
  for (const mutant of all)
    if (/survived|not/.test(statusOf(mutant)))
      console.log(
        `${mutant.file}:${mutant.line} ${statusOf(mutant)}, ${mutant.operator}: ${mutant.lineText}\n    ${mutant.change}`,
      );
