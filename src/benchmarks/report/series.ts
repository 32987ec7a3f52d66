/** A run's rows as plots: accuracy, or what else is measured, over the tasks, over the tokens kept, and in the plane of coverage and precision. */
import { type PlotSeries, pointsPlot } from "../../util/plots.ts";
import { measureOf } from "../run/results.ts";
import type { BenchmarkName } from "../task.ts";
import { paperRows } from "./paper.ts";
import type { ReportedRow } from "./tables.ts";

export const colours = [
  "base",
  "taskmem",
  "task-prompt",
  "phase-one",
  "uniform",
  "keep-nothing",
  "best-of-n",
  "keep-all",
  "words",
];

/** That of the name, or the next one. */
function colourOf(policy: string, rows: readonly ReportedRow[]): number {
  const place = colours.indexOf(policy);
  const policies = [...new Set(rows.map((row) => row.policy))];
  return place >= 0 ? place : policies.indexOf(policy) % colours.length;
}

/** Of each policy of a run the row with the most to keep. */
function mostKept(rows: readonly ReportedRow[]): ReportedRow[] {
  const most = Map.groupBy(rows, ({ policy, ofRun }) => `${ofRun} ${policy}`);
  const budgetOf = ({ budget }: ReportedRow) => budget ?? 0;
  return [...most.values()].map((of) => of.toSorted((a, b) => budgetOf(b) - budgetOf(a))[0]!);
}

/** Mean of a measure, such as accuracy, over all tasks up to each place. */
export function learning(rows: readonly ReportedRow[], measure: string): PlotSeries[] {
  return mostKept(rows).map(({ policy, label, results, ofRun }) => {
    const byPlace = Map.groupBy(results, ({ place }) => place);
    let sum = 0;
    let seen = 0;
    const curve = [...byPlace.keys()]
      .sort((a, b) => a - b)
      .map((place) => {
        const here = byPlace.get(place)!;
        sum = here.reduce((so, result) => so + measureOf(result, measure), sum);
        seen += here.length;
        return { x: place + 1, y: sum / seen };
      });
    return { label, colour: colourOf(policy, rows), points: curve, dash: ofRun };
  });
}

/** Mean of a measure against what memory held when the questions came; empty where there is nothing to draw. */
export function tokenPlot(rows: readonly ReportedRow[], measure: string): string {
  const kept = rows.filter(({ tokens, summary }) => tokens > 0 && summary.overall.accuracy !== null);
  if (kept.length === 0) return "";
  const point = ({ tokens, summary: { overall } }: ReportedRow) => {
    if (measure !== "accuracy") return { x: tokens, y: overall.measures![measure]! };
    const y = overall.accuracy!;
    return { x: tokens, y, low: y, high: y, ...overall.accuracyInterval };
  };
  const series = [...Map.groupBy(kept, ({ policy }) => policy)].map(([policy, of]) => ({
    label: of.some(({ budget }) => budget !== null) ? policy : of[0]!.label.split(" · ")[0]!,
    colour: colourOf(policy, rows),
    points: of.map(point),
  }));
  const tokens = kept.map((row) => row.tokens);
  const logarithmic = Math.max(...tokens) > 4 * Math.min(...tokens);
  return pointsPlot(series, { x: "tokens in memory", y: `${measure}, %`, logarithmic });
}

export function planeSeries(rows: readonly ReportedRow[]): PlotSeries[] {
  return mostKept(rows).flatMap(({ policy, label, summary: { overall } }) =>
    overall.coverage === null || overall.precision === null
      ? []
      : [{ label, colour: colourOf(policy, rows), points: [{ x: overall.coverage, y: overall.precision }] }],
  );
}

export function paperSeries(benchmark: BenchmarkName | null): PlotSeries[] {
  return paperRows(benchmark).map(({ method, coverage, precision }) => ({
    label: method,
    colour: 0,
    faint: true,
    points: [{ x: coverage / 100, y: precision / 100 }],
  }));
}
