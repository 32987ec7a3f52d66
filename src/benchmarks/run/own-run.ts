/**
 * Runs of datasets that watch and answer by themselves: the household, and EgoLife's week as texts.
 *
 * Their folder is that of any run: `run.json` and `results.jsonl`, which `bench report` reads, and beside them their figures
 * as flat rows. They are a few long steps whose results are plain JSON: what stands of a run that was stopped is kept
 * until its end.
 */
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { ConfigError } from "../../errors.ts";
import { makeDirectory } from "../../util/directory.ts";
import { sha256 } from "../../util/hash.ts";
import type { Result } from "./results.ts";

const tableSchema = z.object({
  title: z.string(),
  headings: z.array(z.string()).readonly(),
  cells: z.array(z.array(z.string()).readonly()).readonly(),
});

/** What such a dataset says of a run, beside the tables that all runs have. */
export const ownReportSchema = z.object({
  title: z.string(),
  /** The one line to quote. */
  verdict: z.string(),
  tables: z.array(tableSchema).readonly(),
  /** From the paper, a sentence each. */
  differences: z.array(z.string()).readonly(),
  /** Numbers of tasks after which the policy learns, where they are few. */
  updates: z.array(z.number()).readonly(),
  /** Random seed of the intervals. */
  intervals: z.string(),
});
/** What such a dataset says of a run, beside the tables that all runs have. */
export type OwnReport = z.output<typeof ownReportSchema>;

/** A row of its table. */
export interface OwnRow {
  readonly name: string;
  readonly label: string;
  /** Rows of one policy at several budgets are a line of a plot. */
  readonly policy: string;
  /** Share of the tokens to keep; `null` where there is none. */
  readonly budget: number | null;
}

/** A name that the same settings have again. */
export function runName(benchmark: string, settings: unknown): string {
  return `${benchmark}-${sha256(JSON.stringify(settings)).slice(0, 12)}`;
}

export interface OwnRunOptions {
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

/** What such a run found. */
export interface OwnFindings {
  /** In the order of the table. */
  readonly rowNames: readonly OwnRow[];
  readonly results: readonly Result[];
  readonly report: OwnReport;
  /** Rows of files that could not be used. */
  readonly skipped: readonly { readonly file: string; readonly row: number; readonly reason: string }[];
  readonly notes: readonly string[];
  /** Flat rows by name of a file of JSON lines. */
  readonly files: Readonly<Record<string, readonly object[]>>;
}

export interface OwnRun {
  readonly directory: string;
  /** Number of steps that stand. */
  readonly standing: number;
  /** What stands of a step, or what it gives now, which is kept. */
  step<T>(name: string, make: () => Promise<T>): Promise<T>;
  /** Writes what was found; the steps are not needed any more. */
  finish(findings: OwnFindings): void;
}

/** @throws ConfigError `runs-unwritable` before anything is measured */
export function openOwnRun({ runs, name, config, resume, onStep }: OwnRunOptions): OwnRun {
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
    finish: ({ results, rowNames, report, skipped, notes, files }) => {
      const used = new Set(results.map(({ task }) => task)).size;
      const hash = sha256(JSON.stringify(config));
      const run = {
        format: 1,
        hash,
        benchmark: name,
        used,
        rows: rowNames,
        config,
        own: report,
        notes,
        skipped,
      };
      write("run.json", `${JSON.stringify(run, null, 1)}\n`);
      for (const [file, lines] of Object.entries({ "results.jsonl": results, ...files }))
        write(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
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
