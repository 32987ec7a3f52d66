/**
 * The household's final split, opened once a release: `npm run final`.
 *
 * Films that are measured again and again while recipes change are no longer untouched (docs/paper.md), so a release's own
 * figures come from films that nothing has looked at. `perf/final.jsonl` has a line for each release, with its commit and
 * date, written before anything is measured. A second opening is refused. A run that was stopped is continued with
 * `--resume`, at the same commit.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  type HouseholdPolicyName,
  type HouseholdSize,
  householdPolicies,
  wholeHousehold,
} from "../src/benchmarks/datasets/household/policies.ts";
import { householdVerdict } from "../src/benchmarks/datasets/household/report.ts";
import { openOwnRun } from "../src/benchmarks/run/own-report.ts";
import { printHousehold, runHousehold } from "../src/cli/household.ts";
import { createOutput, type Output } from "../src/cli/output.ts";
import { ConfigError } from "../src/errors.ts";
import { type Episodes, finalEpisodes } from "../src/household/splits.ts";

/** One opening, as `perf/final.jsonl` keeps it. */
export interface Opening {
  readonly release: string;
  readonly commit: string;
  /** Day it was opened. */
  readonly date: string;
  /** What was measured; `null` until it is. */
  readonly result: object | null;
}

/** How a release's final split is opened. */
export interface OpenOptions {
  /** The repository. */
  readonly root: string;
  readonly now: Date;
  /** Whether an opening of this release and commit without a result may be measured again. */
  readonly resume: boolean;
  readonly measure: (opening: Opening) => Promise<object>;
}

/**
 * Notes that a release opens the final split, measures, and notes what came of it.
 * @throws ConfigError `final-opened` for a release that opened it before; `final-uncommitted` where the code that would be
 * measured is no commit
 */
export async function openFinal({ root, now, resume, measure }: OpenOptions): Promise<Opening> {
  const log = join(root, "perf", "final.jsonl");
  const git = (...args: string[]) => execFileSync("git", args, { cwd: root, encoding: "utf8" }).trim();
  const { version: release } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const changed = git("status", "--porcelain", "--", ".", ":!perf/final.jsonl");
  if (changed !== "")
    throw new ConfigError(
      "final-uncommitted",
      `Expected everything to be committed before the final split is opened, got changes: ${changed.split("\n").join(", ")}`,
    );
  const commit = git("rev-parse", "HEAD");
  const openings = readOpenings(log);
  const before = openings.find((one) => one.release === release);
  const continues = before?.result === null && before.commit === commit && resume;
  if (before && !continues)
    throw new ConfigError(
      "final-opened",
      before.result === null && before.commit === commit
        ? `Release ${release} opened the final split on ${before.date} and was stopped: continue with --resume`
        : `Release ${release} opened the final split on ${before.date} at ${before.commit.slice(0, 12)}: it is opened once a release`,
    );
  const opening: Opening = before ?? { release, commit, date: now.toISOString().slice(0, 10), result: null };
  const others = openings.filter((one) => one !== before);
  writeOpenings(log, [...others, opening]);
  const measured = { ...opening, result: await measure(opening) };
  writeOpenings(log, [...others, measured]);
  return measured;
}

function readOpenings(path: string): Opening[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8").split("\n").filter(Boolean);
  return lines.map((line) => JSON.parse(line) as Opening);
}

function writeOpenings(path: string, openings: readonly Opening[]): void {
  writeFileSync(path, openings.map((one) => `${JSON.stringify(one)}\n`).join(""));
}

/** What a release measures. */
export interface Measuring {
  readonly episodes: Episodes;
  readonly size: HouseholdSize;
  readonly name: HouseholdPolicyName;
  readonly runs: string;
  readonly resume: boolean;
  readonly output: Output;
}

/** Films some episodes, runs the household benchmark over them and prints it; what stands is not done again. */
export async function measureHousehold(
  { release, commit }: Pick<Opening, "release" | "commit">,
  { episodes, size, name, runs, resume, output }: Measuring,
): Promise<object> {
  const { signal } = new AbortController();
  const policies = await householdPolicies(name, signal);
  const config = { benchmark: "household", policy: name, ...episodes, ...size, release, commit };
  const directory = openOwnRun({ runs, name: episodes.split, config, resume });
  const { result } = await runHousehold({
    ...{ output, name, size, episodes, signal, policies, directory },
  });
  printHousehold(output, result);
  const { rows, gain, swap } = result;
  return { verdict: householdVerdict(result), rows, gain, swap };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { resume: { type: "boolean", default: false }, runs: { type: "string", default: "runs" } },
  });
  const { resume, runs } = values;
  const output = createOutput(false);
  const opening = await openFinal({
    ...{ root: join(import.meta.dirname, ".."), now: new Date(), resume },
    measure: (opened) =>
      measureHousehold(opened, {
        ...{ episodes: finalEpisodes, size: wholeHousehold, name: "nano", runs, resume, output },
      }),
  });
  output.text("", `Release ${opening.release} at ${opening.commit.slice(0, 12)}: commit perf/final.jsonl.`);
}

if (process.argv[1] === import.meta.filename) await main();
