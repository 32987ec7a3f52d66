/**
 * The folder of a run whose dataset has figures of its own: the household's, and those of EgoLife's week as texts.
 *
 * It is that of any run, `run.json` and `results.jsonl`, which `bench report` reads; beside them are the figures as flat
 * rows. Its name follows from the settings, so that the same settings always mean the same folder.
 */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { ConfigError } from "../../errors.ts";
import { makeDirectory } from "../../util/directory.ts";
import { sha256 } from "../../util/hash.ts";
import type { SkippedRow } from "../task.ts";
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
  /** Whether what a run left that was stopped stands. */
  readonly resume: boolean;
}

/** Where the loop and the datasets keep what a resumed run takes up. */
const kept = ["results.jsonl", "swap.jsonl", "adapters.json", "memories"];

/** Makes the folder of such a run. @throws ConfigError `runs-unwritable` before anything is measured */
export function openOwnRun({ runs, name, config, resume }: OwnRunOptions): string {
  const directory = join(runs, runName(name, config));
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
  if (!resume) for (const before of kept) rmSync(join(directory, before), { recursive: true, force: true });
  return directory;
}

/** What such a run found. */
export interface OwnFindings {
  /** In the order of the table. */
  readonly rowNames: readonly OwnRow[];
  readonly results: readonly Result[];
  readonly report: OwnReport;
  /** Rows of files that could not be used. */
  readonly skipped: readonly SkippedRow[];
  readonly notes: readonly string[];
  /** Flat rows by name of a file of JSON lines. */
  readonly files: Readonly<Record<string, readonly object[]>>;
}

/** Writes what was found beside the results. */
export function writeOwnRun(
  directory: string,
  { name, config }: Pick<OwnRunOptions, "name" | "config">,
  { results, rowNames, report, skipped, notes, files }: OwnFindings,
): void {
  const used = new Set(results.map(({ task }) => task)).size;
  const hash = sha256(JSON.stringify(config));
  const run = { format: 1, hash, benchmark: name, used, rows: rowNames, config, own: report, notes, skipped };
  writeFileSync(join(directory, "run.json"), `${JSON.stringify(run, null, 1)}\n`);
  for (const [file, lines] of Object.entries(files))
    writeFileSync(join(directory, file), lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
}
