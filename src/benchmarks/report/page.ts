/** A report as one page that needs nothing else. */
import { escaped, linesPlot, type Plot, planePlot, plotStyle } from "../../util/plots.ts";
import { differences, facts } from "./facts.ts";
import { paperRows } from "./paper.ts";
import { type ReportedRun, titleOf, updatesOf, videoBenchmarkOf } from "./read-run.ts";
import { colours, learning, paperSeries, planeSeries, tokenPlot } from "./series.ts";
import {
  explanationOf,
  mainTable,
  measuresOf,
  type ReportedRow,
  type ReportTable,
  rowsOf,
  tablesOf,
  verdictsOf,
} from "./tables.ts";

export function htmlOf(runs: readonly ReportedRun[]): string {
  const rows = rowsOf(runs);
  const main = mainTable(rows);
  return [
    `<h2>${escaped(titleOf(runs[0]!))}</h2>`,
    htmlTable(main),
    `<p>${escaped(explanationOf(main))}</p>`,
    `<div class="plots">`,
    ...plotsOf(runs, rows).map(figure),
    `</div>`,
    ...tablesOf(runs, rows).map((each) => `<h3>${escaped(each.title)}</h3>\n${htmlTable(each)}`),
    ...verdictsOf(runs).map((verdict) => `<p>${escaped(verdict)}</p>`),
    ...runs.map((each) =>
      [
        `<h3>What differs from the paper${runs.length > 1 ? `: ${escaped(each.id)}` : ""}</h3>`,
        `<ul>${differences(each)
          .map((line) => `<li>${escaped(line)}</li>`)
          .join("")}</ul>`,
        `<h3>The run ${escaped(each.id)}</h3>`,
        `<dl>${facts(each)
          .map(([name, value]) => `<dt>${escaped(name)}</dt><dd>${escaped(value)}</dd>`)
          .join("")}</dl>`,
      ].join("\n"),
    ),
  ].join("\n");
}

/** Accuracy, and before it the finest of the dataset's measures, over the tasks and against the tokens. */
function plotsOf(runs: readonly ReportedRun[], rows: readonly ReportedRow[]): Plot[] {
  const benchmark = videoBenchmarkOf(runs[0]!);
  const [finest = "accuracy"] = measuresOf(rows);
  const marks = [...new Set(runs.flatMap((each) => updatesOf(each)))];
  const curves = learning(rows, finest);
  const named = (plotted: string) => (plotted === "accuracy" ? "Accuracy" : plotted);
  const grey = paperRows(benchmark).length > 0 ? " Grey: the paper." : "";
  return [
    {
      svg: linesPlot(curves, { x: "tasks of a type seen", y: `${finest} so far, %`, marks }),
      caption: `${named(finest)} over the tasks so far, all types together.${marks.length > 0 ? " Upright: the policy learns." : ""}`,
      keys: curves,
    },
    ...[...new Set([finest, "accuracy"])].map((plotted) => ({
      svg: tokenPlot(rows, plotted),
      ...{
        caption: `${named(plotted)} against what memory held when the question came, in tokens.`,
        keys: [],
      },
    })),
    {
      svg: planePlot([...planeSeries(rows), ...paperSeries(benchmark)]),
      ...{ caption: `Coverage and precision; lines of equal accuracy.${grey}`, keys: [] },
    },
  ].filter(({ svg }) => svg !== "");
}

function htmlTable({ headings, cells }: Omit<ReportTable, "title">): string {
  const head = headings.map((name) => `<th>${escaped(name)}</th>`).join("");
  const body = cells
    .map((row) => `<tr>${row.map((cell) => `<td>${escaped(cell)}</td>`).join("")}</tr>`)
    .join("\n");
  return `<div class="wide"><table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>`;
}

function figure({ svg, caption, keys }: Plot): string {
  const names = keys.map(
    ({ label, colour, dash = 0 }) => `<span class="c${colour} d${dash % 4}">${escaped(label)}</span>`,
  );
  const legend = names.length > 0 ? `<p class="legend">${names.join(" ")}</p>` : "";
  return `<figure>${svg}${legend}<figcaption>${escaped(caption)}</figcaption></figure>`;
}

export function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style>
${plotStyle}
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page); max-width: 1080px;
  margin: 2rem auto; padding: 0 1.25rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.3rem; margin-top: 2.5rem; } h3 { font-size: 1rem; margin: 2rem 0 .5rem; }
p, li, figcaption { color: var(--soft); max-width: 78ch; }
.wide { overflow-x: auto; } .wide + .wide { margin-top: 1.5rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 14px; }
th, td { padding: .3rem .9rem .3rem 0; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { font-weight: 600; color: var(--soft); vertical-align: bottom; white-space: normal; }
th:first-child, td:first-child { text-align: left; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(460px, 1fr)); gap: 1.5rem; margin: 1.5rem 0; }
@media (max-width: 540px) { .plots { grid-template-columns: 1fr; } }
figure { margin: 0; } figure:last-child { grid-column: 1 / -1; max-width: 760px; } figcaption { font-size: 13px; }
.legend { margin: .1rem 0; display: flex; flex-wrap: wrap; gap: .2rem 1rem; font-size: 13px; }
.legend span::before { content: ""; display: inline-block; width: 20px; margin-right: .4em; vertical-align: middle; border-top: 3px solid currentColor; }
.legend .d1::before { border-top-style: dashed; } .legend .d2::before, .legend .d3::before { border-top-style: dotted; }
tr.own td:first-child { font-weight: 600; }
${colours.map((_, i) => `.legend .c${i} { color: var(--c${i}); }`).join("\n")}
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; font-size: 13px; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
</style>
</head>
<body>
<h1>${escaped(title)}</h1>
${body}
</body>
</html>
`;
}
