/** A run's rows as plots: accuracy over the tasks, over the tokens kept, and in the plane of coverage and precision. */
import { type PlotSeries, pointsPlot } from "../../util/plots.ts";
import { paperRows } from "./paper.ts";
import type { ReportedRun } from "./read-run.ts";
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
];
const colourOf = (name: string) => Math.max(0, colours.indexOf(name));

/** Accuracy over all tasks up to each place. */
export function learning(rows: readonly ReportedRow[]): PlotSeries[] {
  return rows.map(({ name, label, results, ofRun }) => {
    const byPlace = Map.groupBy(results, ({ place }) => place);
    let right = 0;
    let seen = 0;
    const curve = [...byPlace.keys()]
      .sort((a, b) => a - b)
      .map((place) => {
        const here = byPlace.get(place)!;
        right += here.filter(({ outcome }) => outcome === "right").length;
        seen += here.length;
        return { x: place + 1, y: right / seen };
      });
    return { label, colour: colourOf(name), points: curve, dash: ofRun };
  });
}

export function tokenPlot(rows: readonly ReportedRow[]): string {
  const kept = rows.filter(({ tokens, summary }) => tokens > 0 && summary.overall.accuracy !== null);
  if (kept.length === 0) return "";
  const point = ({ tokens, summary: { overall } }: ReportedRow) => ({
    x: tokens,
    y: overall.accuracy!,
    low: overall.accuracyInterval?.low ?? overall.accuracy!,
    high: overall.accuracyInterval?.high ?? overall.accuracy!,
  });
  const series = [...Map.groupBy(kept, ({ name }) => name)].map(([name, ofName]) => ({
    label: ofName[0]!.label.split(" · ")[0]!,
    colour: colourOf(name),
    points: ofName.map(point),
  }));
  const tokens = kept.map((row) => row.tokens);
  const logarithmic = Math.max(...tokens) > 4 * Math.min(...tokens);
  return pointsPlot(series, { x: "tokens in memory", y: "accuracy, %", logarithmic });
}

export function planeSeries(rows: readonly ReportedRow[]): PlotSeries[] {
  return rows.flatMap(({ name, label, summary: { overall } }) =>
    overall.coverage === null || overall.precision === null
      ? []
      : [{ label, colour: colourOf(name), points: [{ x: overall.coverage, y: overall.precision }] }],
  );
}

export function paperSeries(benchmark: ReportedRun["run"]["benchmark"]): PlotSeries[] {
  return paperRows(benchmark).map(({ method, coverage, precision }) => ({
    label: method,
    colour: 0,
    faint: true,
    points: [{ x: coverage / 100, y: precision / 100 }],
  }));
}
