/** What a report's tables hold, the same for a page and for Markdown. */
import { type Result, scoredOf } from "../run/results.ts";
import { compare, type Figures, type Summary, summarise } from "../run/scoring.ts";
import { rowNames } from "../run/writers.ts";
import { paperRows } from "./paper.ts";
import { type ReportedRun, type VideoRun, videoBenchmarkOf } from "./read-run.ts";

/** A table under a heading; a cell that starts a row names it. */
export interface ReportTable {
  readonly title: string;
  readonly headings: readonly string[];
  readonly cells: readonly (readonly string[])[];
}

export interface ReportedRow {
  readonly name: string;
  /** Rows of one policy at several budgets are a line of a plot. */
  readonly policy: string;
  /** `null` where it has none or is the only one of its policy. */
  readonly budget: number | null;
  /** With the run's id where there are several. */
  readonly label: string;
  readonly summary: Summary;
  readonly tokens: number;
  readonly results: readonly Result[];
  readonly base: readonly Result[];
  /** From 0. */
  readonly ofRun: number;
}

/** Rows of one name together, runs in the order they were named. */
export function rowsOf(runs: readonly ReportedRun[]): ReportedRow[] {
  const rows = runs.flatMap(({ id, run, results }, ofRun) => {
    const base = results.filter(({ row }) => row === "base");
    const isOwn = "own" in run;
    const ownRows = isOwn ? run.rows : run.rows.map((row) => ({ ...row, policy: row.name, budget: null }));
    return ownRows.map(({ name, label, policy, budget }): ReportedRow => {
      const own = results.filter(({ row }) => row === name);
      const held = own.flatMap(({ memory }) => memory?.tokens ?? []);
      return {
        ...{ name, policy, budget },
        label: runs.length > 1 ? `${label} · ${id}` : label,
        summary: summarise(own.map(scoredOf), isOwn ? run.own.intervals : undefined),
        tokens: held.reduce((sum, tokens) => sum + tokens, 0) / Math.max(1, held.length),
        results: own,
        base,
        ofRun,
      };
    });
  });
  const [{ run }] = runs as [ReportedRun];
  const order: readonly string[] = "own" in run ? run.rows.map(({ name }) => name) : rowNames;
  const place = ({ name }: ReportedRow) => order.indexOf(name);
  return rows.sort((a, b) => place(a) - place(b) || a.ofRun - b.ofRun);
}

const share = (value: number | null) => (value === null ? "–" : (100 * value).toFixed(1));
const points = (value: number) => `${value < 0 ? "−" : "+"}${Math.abs(100 * value).toFixed(1)}`;
const between = (interval: Figures["accuracyInterval"]) =>
  interval === null ? "" : `${share(interval.low)} to ${share(interval.high)}`;

const chance = (p: number) => (p < 0.001 ? "< 0.001" : p.toFixed(3));

/** The table of the rows; a column with nothing in it is left out. */
export function mainTable(rows: readonly ReportedRow[]): Omit<ReportTable, "title"> {
  const measures = measuresOf(rows);
  const headings = [
    ...["", "accuracy", "95 %", "coverage", "precision", "errors"],
    ...measures,
    ...["tokens kept", "to base", "p"],
  ];
  const cells = rows.map(({ name, label, summary: { overall }, tokens, results, base }) => {
    const against =
      name === "base" || base.length === 0 ? null : compare(base.map(scoredOf), results.map(scoredOf));
    return [
      label,
      share(overall.accuracy),
      between(overall.accuracyInterval),
      share(overall.coverage),
      share(overall.precision),
      String(overall.errors),
      ...measures.map((measure) => share(overall.measures?.[measure] ?? null)),
      tokens.toFixed(0),
      against ? points(against.difference) : "",
      against ? chance(against.p) : "",
    ];
  });
  const isShown = (_: string, k: number) => k === 0 || cells.some((row) => row[k] !== "");
  return { headings: headings.filter(isShown), cells: cells.map((row) => row.filter(isShown)) };
}

/** Names of what the dataset measures, the finest first. */
export function measuresOf(rows: readonly ReportedRow[]): string[] {
  return [...new Set(rows.flatMap(({ summary }) => Object.keys(summary.overall.measures ?? {})))];
}

const taskmemHeadings = ["", "points", "95 %", "p"];

/** TaskMem with each other row of its run. */
function taskmemTable(rows: readonly ReportedRow[]): string[][] {
  return rows
    .filter(({ name }) => name === "taskmem")
    .flatMap((taskmem) =>
      rows
        .filter((other) => other.ofRun === taskmem.ofRun && other !== taskmem)
        .map((other) => {
          const { difference, interval, p } = compare(
            other.results.map(scoredOf),
            taskmem.results.map(scoredOf),
          );
          const between = interval === null ? "" : `${points(interval.low)} to ${points(interval.high)}`;
          return [`${taskmem.label} − ${other.label}`, points(difference), between, chance(p)];
        }),
    );
}

function partsTable(rows: readonly ReportedRow[], parts: "byType" | "byGroup", called: string) {
  const names = [...new Set(rows.flatMap(({ summary }) => Object.keys(summary[parts])))];
  return {
    headings: [called, "tasks", ...rows.map(({ label }) => label)],
    cells: names.map((name) => [
      name,
      String(rows[0]!.summary[parts][name]?.tasks ?? 0),
      ...rows.map(({ summary }) => share(summary[parts][name]?.accuracy ?? null)),
    ]),
  };
}

/** Tables of shares, those with nothing in them left out. */
export function tablesOf(runs: readonly ReportedRun[], rows: readonly ReportedRow[]): ReportTable[] {
  const of = (id: string) => (runs.length > 1 ? ` · ${id}` : "");
  return [
    ...runs.flatMap(({ id, run }) =>
      "own" in run ? run.own.tables.map((table) => ({ ...table, title: `${table.title}${of(id)}` })) : [],
    ),
    ...spreadTables(runs).map((cells) => ({
      title: "Over several orders of the tasks",
      headings: spreadHeadings,
      cells,
    })),
    {
      title: "TaskMem less each other row, points of accuracy",
      headings: taskmemHeadings,
      cells: taskmemTable(rows),
    },
    { title: "By type, accuracy in %", ...partsTable(rows, "byType", "type") },
    { title: "By class, accuracy in %", ...partsTable(rows, "byGroup", "class") },
    {
      title: "Beside the paper",
      headings: ["", "accuracy", "coverage", "precision"],
      cells: paperRows(videoBenchmarkOf(runs[0]!)).length > 0 ? besidePaper(runs, rows) : [],
    },
  ].filter(({ cells }) => cells.length > 0);
}

/** The line to quote of each run that has one. */
export function verdictsOf(runs: readonly ReportedRun[]): string[] {
  return runs.flatMap(({ run }) => ("own" in run ? [run.own.verdict] : []));
}

/** The paper's rows, then ours. */
function besidePaper(runs: readonly ReportedRun[], rows: readonly ReportedRow[]): string[][] {
  const paper = paperRows(videoBenchmarkOf(runs[0]!)).map(({ method, accuracy, coverage, precision }) => [
    `paper: ${method}`,
    ...[accuracy, coverage, precision].map((value) => value.toFixed(1)),
  ]);
  const own = rows.map(({ label, summary: { overall } }) => [
    `here: ${label}`,
    ...[overall.accuracy, overall.coverage, overall.precision].map(share),
  ]);
  return [...paper, ...own];
}

const spreadHeadings = ["", "orders", "accuracy", "lowest", "highest", "to base", "lowest", "highest"];

type OnVideo = ReportedRun & { readonly run: VideoRun };

/** Of finished runs that differ in the order of their tasks only: mean and spread of each row over the orders. */
function spreadTables(runs: readonly ReportedRun[]): string[][][] {
  const settings = ({ run: { hash: _, command: __, protocol, ...rest } }: OnVideo) =>
    JSON.stringify([rest, { ...protocol, order: null }]);
  const accuracyOf = (results: readonly Result[], row: string) =>
    summarise(results.filter((result) => result.row === row).map(scoredOf)).overall.accuracy!;
  const spread = (values: readonly number[], print: (value: number) => string) => [
    print(values.reduce((sum, value) => sum + value, 0) / values.length),
    print(Math.min(...values)),
    print(Math.max(...values)),
  ];
  const whole = runs.filter(
    (one): one is OnVideo => !("own" in one.run) && one.finished && one.results.length > 0,
  );
  return [...Map.groupBy(whole, settings).values()].flatMap((alike) => {
    const byOrder = [...new Map(alike.map((one) => [JSON.stringify(one.run.protocol.order), one])).values()];
    if (byOrder.length < 2) return [];
    return [
      byOrder[0]!.run.rows.map(({ name, label }) => {
        const accuracies = byOrder.map(({ results }) => accuracyOf(results, name));
        const hasBase = name !== "base" && byOrder[0]!.run.rows.some((row) => row.name === "base");
        const gains = byOrder.map(({ results }, i) => accuracies[i]! - accuracyOf(results, "base"));
        const toBase = hasBase ? spread(gains, points) : ["", "", ""];
        return [label, String(byOrder.length), ...spread(accuracies, share), ...toBase];
      }),
    ];
  });
}

/** What the columns of the main table mean. */
export function explanationOf({ headings }: Pick<ReportTable, "headings">): string {
  const test = headings.includes("p") ? "; p is McNemar's exact test against base on the same questions" : "";
  return `Accuracy is the share of right answers over all questions, coverage the share that was answered, precision the share of right ones among those: accuracy = coverage × precision. Failures count as not answered. Intervals are bootstrapped over videos, or over the hours of a stream that is asked at its times${test}.`;
}
