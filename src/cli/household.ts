/** Shared by the demo and `bench household`: the benchmark over held-out films, and its table. */
import { filmHousehold, type HouseholdFilm } from "../benchmarks/datasets/household/films.ts";
import {
  type HouseholdPolicies,
  type HouseholdResult,
  householdBenchmark,
} from "../benchmarks/datasets/household/household.ts";
import {
  type HouseholdPolicyName,
  type HouseholdSize,
  householdPolicies,
} from "../benchmarks/datasets/household/policies.ts";
import {
  householdTables,
  householdVerdict,
  memoriesNote,
  swapNote,
  swapTable,
} from "../benchmarks/datasets/household/report.ts";
import type { ReportTable } from "../benchmarks/report/tables.ts";
import type { Following } from "../benchmarks/run/options.ts";
import { lexicalReader, wordSpace } from "../engines/local/index.ts";
import { type Episodes, measuredEpisodes } from "../household/splits.ts";
import type { Output } from "./output.ts";

/** What to run, on which films. */
export interface HouseholdRun {
  readonly output: Output;
  readonly name: HouseholdPolicyName;
  readonly size: HouseholdSize;
  /** @default those of the benchmark */
  readonly episodes?: Episodes;
  readonly signal: AbortSignal;
  /** @default those of the name */
  readonly policies?: HouseholdPolicies;
  /** Where all of it is kept. @default nothing is kept */
  readonly directory?: string;
  /** Told how it goes. @default the progress alone is shown */
  readonly following?: Following;
}

/** Films held-out episodes and runs the benchmark over them. */
export async function runHousehold(
  options: HouseholdRun,
): Promise<{ result: HouseholdResult; filmed: readonly HouseholdFilm[] }> {
  const {
    output,
    name,
    size,
    episodes = measuredEpisodes.benchmark,
    signal,
    policies,
    directory,
    following,
  } = options;
  const filmed = await filmHousehold({
    ...{ ...episodes, ...size, captions: name === "choice", signal },
    onFilm: (done) => output.progress(`filming ${episodes.split} days, ${done} of ${size.films}`),
  });
  const result = await householdBenchmark({
    films: filmed,
    policies: policies ?? (await householdPolicies(name, signal)),
    directory,
    reader: lexicalReader({ words: wordSpace }),
    countTokens: wordSpace.countTokens,
    onLearn: (what) => output.progress(what),
    onProgress: ({ row, done, total }) => output.progress(`${done} of ${total}: ${row}`),
    ...following,
    signal,
  });
  output.progress("");
  return { result, filmed };
}

/** The figures in the end event of the demo and of `bench household`. */
export function householdEvent({ rows, gain, kindsAboveZero, swap }: HouseholdResult) {
  const { gain: overall, low, high } = gain.overall;
  return { rows, gain: { overall, low, high, kinds: gain.kinds }, kindsAboveZero, swap };
}

const widths = { name: 22, number: 10 };

/** The rows, the gain with its interval, and the swap control, as aligned columns. */
export function printHousehold(output: Output, result: HouseholdResult): void {
  for (const table of householdTables(result)) printTable(output, table);
  output.text(output.dim(memoriesNote));
  output.text("", output.bold(householdVerdict(result)));
  printTable(output, swapTable(result));
  output.text(output.dim(swapNote));
}

function printTable(output: Output, { title, headings: [, ...columns], cells }: ReportTable): void {
  const lines = [[title, ...columns], ...cells].map(
    ([name, ...numbers]) =>
      name!.padEnd(widths.name) + numbers.map((number) => number.padStart(widths.number)).join(""),
  );
  output.text("", ...lines);
}
