/**
 * Python packages for tests, in a virtual environment outside the checkout that is made once and kept.
 *
 * Where there is no Python or no package index, tests that need one skip with the reason.
 */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync, statSync, utimesSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { sha256 } from "../../src/util/hash.ts";

const run = promisify(execFile);

/** Where tests keep what they fetched once: environments, weights. */
export const testCache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "taskmem-tests");

/** A Python with packages, or why there is none. */
export type PythonWith = { readonly python: string } | { readonly skip: string };

/** A lock that its owner has not touched for this long is that of a process that was killed. */
const lockTimeMs = 60_000;

/**
 * The Python of an environment with exactly these packages (`torch==2.13.0`), made if it is not there yet. Of several
 * test files that ask at once, one makes it and the others wait.
 */
export async function pythonWith(packages: readonly string[]): Promise<PythonWith> {
  const directory = join(testCache, `python-${sha256(packages.join("\n")).slice(0, 12)}`);
  const python = join(directory, "bin", "python");
  const release = await lock(`${directory}.lock`);
  try {
    if (!existsSync(directory)) await make(directory, packages);
    return { python };
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    const why = (stderr || message).trim().split("\n").at(-1);
    return { skip: `Python with ${packages.join(", ")} cannot be made here: ${why}` };
  } finally {
    release();
  }
}

async function make(directory: string, packages: readonly string[]): Promise<void> {
  const begun = `${directory}.begun`;
  rmSync(begun, { recursive: true, force: true });
  await run("python3", ["-m", "venv", begun]);
  const pip = [
    "-m",
    "pip",
    "install",
    "--quiet",
    "--disable-pip-version-check",
    "--retries",
    "1",
    ...packages,
  ];
  await run(join(begun, "bin", "python"), pip, { maxBuffer: 2 ** 26 });
  // Programs of an environment name its directory, but its Python finds itself wherever it lies.
  renameSync(begun, directory);
}

/** Waits for the one lock of that path. @returns what frees it */
export async function lock(path: string): Promise<() => void> {
  mkdirSync(dirname(path), { recursive: true });
  for (;;) {
    try {
      mkdirSync(path);
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
      if (age > lockTimeMs) rmSync(path, { recursive: true, force: true });
      await sleep(200);
    }
  }
  const touch = setInterval(() => utimesSync(path, new Date(), new Date()), lockTimeMs / 6);
  return () => {
    clearInterval(touch);
    rmSync(path, { recursive: true, force: true });
  };
}
