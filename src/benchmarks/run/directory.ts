/**
 * The folder of a run: its name, and for runs that are computed in steps what stands when they are stopped.
 *
 * A run on videos keeps every answer as it comes (`results.ts`); the household and the week of texts are a few long
 * steps whose results are plain JSON, and write their figures at the end.
 */
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ConfigError } from "../../errors.ts";
import { makeDirectory } from "../../util/directory.ts";
import { sha256 } from "../../util/hash.ts";

/** A name that the same settings have again. */
export function runName(benchmark: string, settings: unknown): string {
  return `${benchmark}-${sha256(JSON.stringify(settings)).slice(0, 12)}`;
}

export interface StepRunOptions {
  /** Folder of runs. */
  readonly runs: string;
  /** First part of its name. */
  readonly name: string;
  /** All that the results depend on; kept with them. */
  readonly config: object;
  /** Whether steps of a run that was stopped stand. */
  readonly resume: boolean;
  readonly onStep?: (name: string) => void;
}

/** What a run of steps found. */
export interface StepRunFigures {
  readonly rows: readonly object[];
  readonly paired: readonly object[];
  /** Every answer. */
  readonly questions: readonly object[];
  /** Markdown. */
  readonly report: readonly string[];
  /** Further files by name. */
  readonly files: Readonly<Record<string, string>>;
}

export interface StepRun {
  readonly directory: string;
  /** Number of steps that stand. */
  readonly standing: number;
  /** What stands of a step, or what it gives now, which is kept. */
  step<T>(name: string, make: () => Promise<T>): Promise<T>;
  /** Writes the figures; the steps are not needed any more. */
  finish(figures: StepRunFigures): void;
}

/** @throws ConfigError `runs-unwritable` before anything is measured */
export function openStepRun({ runs, name, config, resume, onStep }: StepRunOptions): StepRun {
  const directory = join(runs, runName(name, config));
  makeRunDirectory(directory);
  const path = join(directory, "unfinished.jsonl");
  if (!resume) rmSync(path, { force: true });
  const before = readSteps(path);
  const write = (file: string, text: string) => writeFileSync(join(directory, file), text);
  return {
    directory,
    standing: before.size,
    step: async <T>(step: string, make: () => Promise<T>): Promise<T> => {
      if (before.has(step)) return before.get(step) as T;
      const given = await make();
      appendFileSync(path, `${JSON.stringify([step, given])}\n`);
      onStep?.(step);
      return given;
    },
    finish: ({ rows, paired, questions, report, files }) => {
      write("config.json", `${JSON.stringify(config, null, 2)}\n`);
      write("rows.jsonl", jsonLines(rows));
      write("paired.jsonl", jsonLines(paired));
      write("questions.jsonl", jsonLines(questions));
      write("report.md", `${report.join("\n")}\n`);
      for (const [file, text] of Object.entries(files)) write(file, text);
      rmSync(path, { force: true });
    },
  };
}

function makeRunDirectory(directory: string): void {
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

/** A line that was cut short is taken off. */
function readSteps(path: string): Map<string, unknown> {
  if (!existsSync(path)) return new Map();
  const text = readFileSync(path, "utf8");
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  writeFileSync(path, whole);
  return new Map(
    whole
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as [string, unknown]),
  );
}

/** Rows as JSON, one a line. */
export function jsonLines(rows: readonly unknown[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join("");
}
