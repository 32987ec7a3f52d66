/**
 * The process that `perf/mutation.ts` starts: it loads sources that hold their mutants, and tests, and runs these.
 *
 * `node try-mutants.ts JOB.json OUT.jsonl`. Nothing is written into the tree: changed sources are given to the loader. A line
 * is written before each test of a mutant and when it is settled, so that who started it can see where it stands still.
 */
import { appendFileSync, readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { join } from "node:path";
import { argv, cpuUsage, exit } from "node:process";
import { pathToFileURL } from "node:url";
import type { Test } from "./collect.ts";

/** What is to be done. */
export interface Job {
  readonly root: string;
  /** JavaScript with mutants by path. */
  readonly sources: Readonly<Record<string, string>>;
  readonly testFiles: readonly string[];
  /** Those to try with the names of their tests, the fastest first; `null` runs every test without a mutant. */
  readonly mutants: readonly { readonly id: number; readonly tests: readonly string[] }[] | null;
  /** A mutant that is active from the start, where loading a file is what it changes. */
  readonly whileLoading?: number;
}

/** What a line of its file says. */
export type Line =
  | { readonly loaded: readonly string[]; readonly hits: readonly number[] }
  /** What runs once before a file's tests reaches these. */
  | { readonly hooks: readonly number[] }
  | {
      readonly test: string;
      readonly ms: number;
      readonly failure: string | null;
      readonly hits: readonly number[];
    }
  | { readonly begins: number }
  | {
      readonly id: number;
      readonly killedBy: string | null;
      readonly failure?: string;
      readonly dirty?: boolean;
    };

const [, , jobPath, outPath] = argv as [string, string, string, string];
const job = JSON.parse(readFileSync(jobPath, "utf8")) as Job;
const write = (line: Line) => appendFileSync(outPath, `${JSON.stringify(line)}\n`);

let active = job.whileLoading ?? -1;
let asked = 0;
let mayAsk = Infinity;
let hits = new Set<number>();
Object.assign(globalThis, {
  __mutant: (id: number): boolean => {
    if (++asked > mayAsk) throw new Error("a loop that does not end");
    hits.add(id);
    return id === active;
  },
});

const changed = new Map(
  Object.entries(job.sources).map(([path, text]) => [
    pathToFileURL(join(job.root, path)).href,
    { path, text },
  ]),
);
const loaded: string[] = [];
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === "node:test" && !context.parentURL?.endsWith("/perf/mutation/collect.ts")
      ? { url: new URL("./collect.ts", import.meta.url).href, shortCircuit: true }
      : next(specifier, context),
  load: (url, context, next) => {
    const found = changed.get(url);
    if (!found) return next(url, context);
    loaded.push(found.path);
    return { format: "module", source: found.text, shortCircuit: true };
  },
});

let fail: (cause: unknown) => void = () => {};
process.on("uncaughtException", (cause) => fail(cause));
process.on("unhandledRejection", (cause) => fail(cause));
process.on("beforeExit", () => fail(new Error("it waits for nothing")));

/** Why a test fails, or `null`. */
async function failureOf(test: Test): Promise<string | null> {
  const stopped = new Promise<never>((_, reject) => {
    fail = reject;
  });
  stopped.catch(() => {});
  try {
    await Promise.race([test.run(), stopped]);
    return null;
  } catch (cause) {
    return `${cause}`.slice(0, 200);
  }
}

const { takeTests, endSuites } = await import("./collect.ts");
const tests = new Map<string, Test>();
let brokenBy: string | null = null;
for (const file of job.testFiles) {
  try {
    await import(pathToFileURL(join(job.root, file)).href);
  } catch (cause) {
    if (job.whileLoading === undefined) throw cause;
    brokenBy = file;
  }
  for (const test of takeTests(file)) tests.set(test.name, test);
}

if (job.whileLoading !== undefined) {
  let killedBy = brokenBy;
  for (const test of tests.values())
    if (killedBy === null && (await failureOf(test)) !== null) killedBy = test.name;
  write({ id: job.whileLoading, killedBy });
} else if (job.mutants === null) {
  write({ loaded, hits: [...hits] });
  const hooks = new Set<number>();
  for (const test of tests.values()) {
    hits = new Set();
    await failureOf({ ...test, run: test.prepare });
    for (const id of hits) hooks.add(id);
    hits = new Set();
    asked = 0;
    const before = cpuUsage();
    const first = await failureOf(test);
    const { user, system } = cpuUsage(before);
    const reached = [...hits];
    // A test that passes once alone would fail with any mutant.
    const again = first === null ? await failureOf(test) : null;
    const failure = first ?? (again && `it passes once alone: ${again}`);
    write({ test: test.name, ms: Math.round((user + system) / 100) / 10, failure, hits: reached });
  }
  write({ hooks: [...hooks] });
} else {
  const usual = new Map<string, number>();
  const usualFailure = async (test: Test) => {
    active = -1;
    mayAsk = Infinity;
    asked = 0;
    const failure = await failureOf(test);
    if (failure === null) usual.set(test.name, asked);
    return failure;
  };
  for (const { id, tests: names } of job.mutants) {
    let killedBy: string | null = null;
    let failure: string | null = null;
    for (const name of names) {
      const test = tests.get(name)!;
      if (!usual.has(name) && (await usualFailure(test)) !== null) {
        write({ id, killedBy: null, dirty: true });
        exit();
      }
      write({ begins: id });
      active = id;
      asked = 0;
      mayAsk = 20_000 + 20 * usual.get(name)!;
      failure = await failureOf(test);
      active = -1;
      if (failure === null) continue;
      killedBy = name;
      // A test that now fails without the mutant too says nothing: what the mutant left behind may be what fails.
      const dirty = (await usualFailure(test)) !== null;
      write({ id, killedBy, failure, ...(dirty && { dirty }) });
      if (dirty) exit();
      break;
    }
    if (killedBy === null) write({ id, killedBy });
  }
}
fail = () => {};
await Promise.race([
  endSuites().catch(() => {}),
  new Promise((done) => globalThis.setTimeout(done, 2000).unref()),
]);
exit();
