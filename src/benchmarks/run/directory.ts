/** The folder of a benchmark's run, and the steps in it that stand when the run is stopped. */
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ConfigError } from "../../errors.ts";
import { makeDirectory } from "../../util/directory.ts";

/**
 * Before anything is measured: a run that cannot be written is not worth its minutes.
 * @throws ConfigError `runs-unwritable`
 */
export function makeRunDirectory(directory: string): void {
  try {
    makeDirectory(directory);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new ConfigError(
      "runs-unwritable",
      `Expected to make ${directory} for the results, got ${code}: give another place with --runs`,
      { cause },
    );
  }
}

/** Steps of a run by name; what each gave is JSON. */
export interface Steps<T> {
  /** Those of a run that was stopped. */
  readonly before: ReadonlyMap<string, T>;
  add(name: string, given: T): void;
  /** At the end of the run. */
  remove(): void;
}

/** @param resume whether steps of a run that was stopped stand */
export function openSteps<T>(directory: string, resume: boolean): Steps<T> {
  const path = join(directory, "unfinished.jsonl");
  const remove = () => rmSync(path, { force: true });
  if (!resume) remove();
  return {
    before: readSteps(path),
    add: (name, given) => appendFileSync(path, `${JSON.stringify([name, given])}\n`),
    remove,
  };
}

/** A line that was cut short is taken off. */
function readSteps<T>(path: string): Map<string, T> {
  if (!existsSync(path)) return new Map();
  const text = readFileSync(path, "utf8");
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  writeFileSync(path, whole);
  const lines = whole.split("\n").filter(Boolean);
  return new Map(lines.map((line) => JSON.parse(line) as [string, T]));
}

/** Rows as JSON, one a line. */
export function jsonLines(rows: readonly unknown[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join("");
}
