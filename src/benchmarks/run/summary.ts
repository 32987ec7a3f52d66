/** A finished run as figures. */
import { countsOf, type RunCounts } from "./identity.ts";
import type { RunOptions } from "./options.ts";
import {
  type ClipCounts,
  clipsWithout,
  countRetried,
  type Result,
  type Retried,
  scoredOf,
} from "./results.ts";
import { compare, type Summary, summarise } from "./scoring.ts";
import type { BenchmarkRow } from "./writers.ts";

/** Figures of a run, row by row, and the differences between rows. */
export interface RunSummary {
  readonly id: string;
  readonly benchmark: string;
  readonly counts: RunCounts;
  readonly rows: Readonly<
    Record<
      string,
      ReturnType<typeof summarise> & {
        readonly label: string;
        readonly tokens: number;
        /** Without a memory or its speech, and still to be tried again; and without a memory for good. */
        readonly clips: ClipCounts;
        /** Results that a resumed run finds again. */
        readonly retried: Readonly<Record<Retried, number>>;
      }
    >
  >;
  readonly missingRows: Readonly<Record<string, string>>;
  /** By stream: why its material could not be read. */
  readonly unreadable: Readonly<Record<string, string>>;
  /** Of each row with base. */
  readonly againstBase: Readonly<Record<string, ReturnType<typeof compare>>>;
  /** Of TaskMem with each other row than base. */
  readonly taskmemAgainst: Readonly<Record<string, ReturnType<typeof compare>>>;
}

export function summaryOf(
  { loaded, tasks, rows, missingRows }: RunOptions,
  id: string,
  results: readonly Result[],
): RunSummary {
  const ofRow = (name: string) => results.filter(({ row }) => row === name);
  const scored = (name: string) => ofRow(name).map(scoredOf);
  const names = rows.map(({ name }) => name);
  const others = (than: string) =>
    names.some((name) => name === than) ? names.filter((name) => name !== than) : [];
  return {
    id,
    benchmark: loaded.benchmark,
    counts: countsOf(loaded, tasks),
    rows: Object.fromEntries(
      rows.map(({ name, label }) => {
        const held = ofRow(name).flatMap(({ memory }) => memory?.tokens ?? []);
        const tokens = held.length === 0 ? 0 : held.reduce((total, each) => total + each, 0) / held.length;
        const clips = clipsWithout(ofRow(name));
        const again = countRetried(ofRow(name));
        return [name, { label, tokens, clips, retried: again, ...summarise(scored(name)) }];
      }),
    ),
    missingRows,
    unreadable: Object.fromEntries(
      results.filter(({ memory }) => memory === null).map(({ stream, problem }) => [stream, problem ?? ""]),
    ),
    againstBase: Object.fromEntries(
      others("base").map((name) => [name, compare(scored("base"), scored(name))]),
    ),
    taskmemAgainst: Object.fromEntries(
      others("taskmem")
        .filter((name) => name !== "base")
        .map((name) => [name, compare(scored(name), scored("taskmem"))]),
    ),
  };
}

/** Figures over all questions and by type as flat rows, with the measures that the dataset has. */
export function flatFigures<Measures extends object>({
  overall,
  byType,
}: Pick<Summary, "overall" | "byType">) {
  return Object.entries({ all: overall, ...byType }).map(([type, figures]) => {
    const { tasks: n, accuracyInterval, coverageInterval, precisionInterval, measures, ...own } = figures;
    const { low, high } = accuracyInterval ?? { low: null, high: null };
    return { type, n, ...own, low, high, ...(measures as Measures) };
  });
}

/** A run's figures as flat rows, one for each row of the table and type, and its paired tests. */
export function figuresOf(summary: RunSummary, rows: readonly BenchmarkRow[]) {
  const flat = rows.flatMap(({ name, budget }) => {
    const { label, tokens, clips, retried, ...figures } = summary.rows[name]!;
    return flatFigures(figures).map((row) => ({
      ...{ policy: name, label, budget },
      ...row,
      ...(row.type === "all" && { tokens, clips, retried }),
    }));
  });
  const comparisons = [
    ...Object.entries(summary.againstBase).map(([first, of]) => ({ first, second: "base", of })),
    ...Object.entries(summary.taskmemAgainst).map(([second, of]) => ({ first: "taskmem", second, of })),
  ];
  const paired = comparisons.map(({ first, second, of }) => {
    const { tasks: n, difference, interval, p } = of;
    const { low, high } = interval ?? { low: null, high: null };
    return { first, second, metric: "accuracy", subset: "all", n, difference, low, high, p };
  });
  return { rows: flat, paired };
}
