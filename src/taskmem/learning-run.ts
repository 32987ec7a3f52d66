/**
 * Where a run of learning is kept until it is finished, so that one that was killed is resumed, and two processes that
 * learn at once do not write the same files.
 */
import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ConfigError } from "../errors.ts";
import { makeDirectory } from "../util/directory.ts";
import { isAlive } from "../util/process-alive.ts";

/** A directory that only this run writes. */
export interface ClaimedRun {
  readonly directory: string;
  /** Lets others write it. An empty directory is removed. */
  readonly release: () => void;
}

/** Claims an unfinished run of a policy that no living process writes, or a new directory where there is none. */
export function claimUnfinishedRun(runs: string, policy: string): ClaimedRun {
  const name = `unfinished-${policy}`;
  const left = existsSync(runs)
    ? readdirSync(runs).filter((other) => other === name || other.startsWith(`${name}-`))
    : [];
  for (const candidate of [...new Set([name, ...left.sort()])]) {
    const claimed = claim(join(runs, candidate));
    if (claimed) return claimed;
  }
  for (let number = 2; ; number++) {
    const claimed = claim(join(runs, `${name}-${number}`));
    if (claimed) return claimed;
  }
}

/** Claims the directory that was named for a run. @throws ConfigError `run-busy` while a living process writes it */
export function claimRun(directory: string): ClaimedRun {
  const claimed = claim(directory);
  if (claimed) return claimed;
  throw new ConfigError(
    "run-busy",
    `${directory} is being written by process ${readFileSync(join(directory, "owner"), "utf8")}: wait for it, or name another directory`,
  );
}

/** Claims a directory by a file with this process's id; `null` while a living process holds it. */
function claim(directory: string): ClaimedRun | null {
  makeDirectory(directory);
  const owner = join(directory, "owner");
  if (existsSync(owner) && isAlive(Number(readFileSync(owner, "utf8")))) return null;
  rmSync(owner, { force: true });
  try {
    writeFileSync(owner, String(process.pid), { flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return null;
    throw error;
  }
  const release = () => {
    rmSync(owner, { force: true });
    // A `forget` beside it has removed the directory, because runs hold texts.
    if (existsSync(directory) && readdirSync(directory).length === 0) rmdirSync(directory);
  };
  return { directory, release };
}
