/**
 * Runs as one page that needs nothing else, and as Markdown: tables with intervals and paired tests, three plots, the
 * paper's table with a plain statement of what differs, and what was left out.
 */
import { existsSync, readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { z } from "zod";
import { DataError } from "../../errors.ts";
import { escaped, linesPlot, type Plot, type PlotSeries, planePlot, pointsPlot } from "../../util/plots.ts";
import { totalCost } from "../run/cost.ts";
import { clipsWithout, countRetried, type Result, readResults, scoredOf } from "../run/results.ts";
import { compare, type Figures, type Summary, summarise } from "../run/scoring.ts";
import { rowNames } from "../run/writers.ts";
import { benchmarkNames } from "../task.ts";
import type { DrawnRun } from "./drawn-run.ts";
import { markdownTable } from "./markdown-table.ts";
import { differencesFromPaper, paperRows } from "./paper.ts";

const runSchema = z.object({
  format: z.literal(1),
  hash: z.string(),
  benchmark: z.enum(benchmarkNames),
  layout: z.string(),
  annotations: z.array(z.object({ name: z.string(), sha256: z.string() })),
  counts: z.object({ rows: z.number(), skipped: z.number(), withoutMaterial: z.number(), used: z.number() }),
  protocol: z.object({
    order: z.union([z.literal("official"), z.object({ seed: z.number() })]),
    updates: z.array(z.number()),
    seed: z.number(),
    oracle: z.union([z.literal(false), z.object({ seconds: z.number() })]),
  }),
  rows: z.array(z.object({ name: z.string(), label: z.string(), revision: z.string() })),
  missingRows: z.record(z.string(), z.string()),
  answerer: z.object({ id: z.string(), prompt: z.string(), recall: z.string(), votes: z.number() }),
  judge: z.object({ id: z.string(), prompt: z.string() }),
  command: z.string(),
  config: z.looseObject({
    policy: z.string(),
    model: z.record(z.string(), z.string().nullable()),
  }),
  skipped: z.array(z.object({ file: z.string(), row: z.number(), reason: z.string() })),
  notes: z.array(z.string()),
});

/** A run's folder, read. */
export interface ReportedRun {
  readonly id: string;
  readonly run: z.output<typeof runSchema>;
  readonly results: readonly Result[];
  /** Whether every row has every task. */
  readonly finished: boolean;
  readonly cost: ReturnType<typeof totalCost>;
}

/** @throws DataError `run-unreadable` for a folder that holds no run */
export function readRun(directory: string): ReportedRun {
  const place = resolve(directory);
  const unreadable = (problem: string) =>
    new DataError(
      "run-unreadable",
      `Expected a run of \`bench videomme\`, \`egolife\`, \`egotempo\` or \`m3bench\` in ${place}, ${problem}`,
      { details: { path: place } },
    );
  const described = join(place, "run.json");
  const path = join(place, "results.jsonl");
  if (!existsSync(described) || !existsSync(path)) throw unreadable("found no run.json and results.jsonl");
  const parsed = runSchema.safeParse(parseRun(readFileSync(described, "utf8")));
  if (!parsed.success) throw unreadable(`its run.json is another's: ${parsed.error.issues[0]!.message}`);
  const results = readResults(path);
  const finished = results.length === parsed.data.rows.length * parsed.data.counts.used;
  return { id: basename(place), run: parsed.data, results, finished, cost: totalCost(place) };
}

function parseRun(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

interface ReportedRow {
  readonly name: string;
  /** With the run's id where there are several. */
  readonly label: string;
  readonly summary: Summary;
  readonly tokens: number;
  readonly results: readonly Result[];
  readonly base: readonly Result[];
  /** From 0. */
  readonly ofRun: number;
}

const title = "Streaming benchmarks";
const benchmarkTitles = {
  videomme: "Video-MME",
  egolife: "EgoLife",
  egotempo: "EgoTempo",
  m3bench: "M3-Bench",
};

/** The page and the Markdown of some runs, benchmark by benchmark, then of those with tables of their own. */
export function reportOf(
  runs: readonly ReportedRun[],
  drawn: readonly DrawnRun[] = [],
): { readonly html: string; readonly markdown: string } {
  const groups = [...Map.groupBy(runs, ({ run }) => run.benchmark)];
  const html = [...groups.map(([, ofBenchmark]) => htmlOf(ofBenchmark)), ...drawn.map(drawnHtml)].join("\n");
  const markdown = [
    ...groups.map(([, ofBenchmark]) => markdownOf(ofBenchmark)),
    ...drawn.map((one) => `## ${drawnTitle(one)}\n\n${one.lines.join("\n")}\n`),
  ].join("\n");
  return { html: page(html), markdown: `# ${title}\n\n${markdown}` };
}

const drawnTitle = ({ title, id }: DrawnRun) => `${title}, ${id}`;

/** The tables of a run's Markdown as such, and its plots. */
function drawnHtml(run: DrawnRun): string {
  const figures = run.plots.map((plot) => figure(plot));
  const blocks = run.lines.join("\n").split("\n\n");
  return [
    `<h2>${escaped(drawnTitle(run))}</h2>`,
    `<div class="plots">${figures.join("\n")}</div>`,
    ...blocks.map((block) => {
      if (!block.startsWith("|")) return `<p>${escaped(block)}</p>`;
      const [head, , ...rows] = block.split("\n").map((line) => line.slice(2, -2).split(" | "));
      return htmlTable(head!, rows);
    }),
  ].join("\n");
}

/** Rows of one name together, runs in the order they were named. */
function rowsOf(runs: readonly ReportedRun[]): ReportedRow[] {
  const rows = runs.flatMap(({ id, run, results }, ofRun) => {
    const base = results.filter(({ row }) => row === "base");
    return run.rows.map(({ name, label }): ReportedRow => {
      const own = results.filter(({ row }) => row === name);
      const held = own.flatMap(({ memory }) => memory?.tokens ?? []);
      return {
        name,
        label: runs.length > 1 ? `${label} · ${id}` : label,
        summary: summarise(own.map(scoredOf)),
        tokens: held.reduce((sum, tokens) => sum + tokens, 0) / Math.max(1, held.length),
        results: own,
        base,
        ofRun,
      };
    });
  });
  const place = ({ name }: ReportedRow) => (rowNames as readonly string[]).indexOf(name);
  return rows.sort((a, b) => place(a) - place(b) || a.ofRun - b.ofRun);
}

const colours = [
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

// What both forms say.

const share = (value: number | null) => (value === null ? "–" : (100 * value).toFixed(1));
const points = (value: number) => `${value < 0 ? "−" : "+"}${Math.abs(100 * value).toFixed(1)}`;
const between = (interval: Figures["accuracyInterval"]) =>
  interval === null ? "" : `${share(interval.low)} to ${share(interval.high)}`;

const chance = (p: number) => (p < 0.001 ? "< 0.001" : p.toFixed(3));

const headings = ["", "accuracy", "95 %", "coverage", "precision", "errors", "tokens kept", "to base", "p"];

function tableOf(rows: readonly ReportedRow[]): string[][] {
  return rows.map(({ name, label, summary: { overall }, tokens, results, base }) => {
    const against =
      name === "base" || base.length === 0 ? null : compare(base.map(scoredOf), results.map(scoredOf));
    return [
      label,
      share(overall.accuracy),
      between(overall.accuracyInterval),
      share(overall.coverage),
      share(overall.precision),
      String(overall.errors),
      tokens.toFixed(0),
      against ? points(against.difference) : "",
      against ? chance(against.p) : "",
    ];
  });
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

type PartsTable = { readonly headings: readonly string[]; readonly cells: readonly (readonly string[])[] };

function partsTable(rows: readonly ReportedRow[], parts: "byType" | "byGroup", called: string): PartsTable {
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
function tablesOf(
  runs: readonly ReportedRun[],
  rows: readonly ReportedRow[],
): ({ title: string } & PartsTable)[] {
  return [
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
      cells: paperRows(runs[0]!.run.benchmark).length > 0 ? besidePaper(runs, rows) : [],
    },
  ].filter(({ cells }) => cells.length > 0);
}

/** The paper's rows, then ours. */
function besidePaper(runs: readonly ReportedRun[], rows: readonly ReportedRow[]): string[][] {
  const paper = paperRows(runs[0]!.run.benchmark).map(({ method, accuracy, coverage, precision }) => [
    `paper: ${method}`,
    ...[accuracy, coverage, precision].map((value) => value.toFixed(1)),
  ]);
  const own = rows.map(({ label, summary: { overall } }) => [
    `here: ${label}`,
    ...[overall.accuracy, overall.coverage, overall.precision].map(share),
  ]);
  return [...paper, ...own];
}

function differences({ run, results }: ReportedRun): string[] {
  const { benchmark, counts, answerer, judge, config, protocol } = run;
  return differencesFromPaper(benchmark, {
    used: counts.used,
    answerer: answerer.id,
    votes: answerer.votes,
    judge: judge.id,
    writer:
      config.policy === "model"
        ? `the model ${config.model.writes}`
        : "the choice policy, which needs no model",
    order: protocol.order === "official" ? "official" : `shuffled (seed ${protocol.order.seed})`,
    updates: protocol.updates,
    oracle: protocol.oracle !== false,
    open: results.some(({ judgement }) => judgement !== null),
  });
}

function facts({ run, finished, results, cost }: ReportedRun): [string, string][] {
  const { counts, annotations, answerer, judge, layout, hash } = run;
  const { missed, unheard, lost } = clipsWithout(results);
  const withoutMemory = `${missed} that the engine failed at: --resume writes them; ${lost} for good: refused, or nothing usable was written`;
  const withoutSpeech = `${unheard} that the transcriber failed at: --resume writes them again`;
  const { answerer: unanswered, judge: ungraded } = countRetried(results);
  const withoutGrade = `${unanswered} that the answerer failed at, ${ungraded} that the judge failed at: errors here, --resume tries them again`;
  const cut = results.filter(({ leftOut }) => leftOut > 0).length;
  const fact = (isThere: number, name: string, value: string): [string, string][] =>
    isThere > 0 ? [[name, value]] : [];
  const spent = `${cost.calls} calls, ${cost.promptTokens + cost.completionTokens} tokens, $${cost.usd.toFixed(4)}`;
  return [
    ["command", run.command],
    [
      "questions",
      `${counts.used} used of ${counts.rows} rows: ${counts.skipped} could not be used, ${counts.withoutMaterial} have no video here${counts.used + counts.skipped + counts.withoutMaterial < counts.rows ? ", the others are past the limit" : ""}`,
    ],
    ["state", finished ? "finished" : `unfinished: ${results.length} results so far`],
    [
      "annotations",
      `${layout}: ${annotations.map(({ name, sha256 }) => `${name} ${sha256.slice(0, 12)}`).join(", ")}`,
    ],
    [
      "answerer",
      `${answerer.id}, prompt ${answerer.prompt.slice(0, 12)}, ${answerer.votes === 1 ? "one answer" : `${answerer.votes} votes`}; shown ${answerer.recall}`,
    ],
    ...fact(cut, "memory shown", `not all of it in ${cut} of ${results.length} answers: it did not fit`),
    ["judge of open answers", `${judge.id}, prompt ${judge.prompt.slice(0, 12)}`],
    ["rows", run.rows.map(({ name, revision }) => `${name}: ${revision}`).join("; ")],
    ...Object.entries(run.missingRows).map(([name, why]): [string, string] => [
      "row not run",
      `${name}: ${why}`,
    ]),
    ["cost", cost.calls === 0 ? "no model was called" : `${spent}, repeated work included`],
    ...fact(missed + lost, "clips without a memory", withoutMemory),
    ...fact(unheard, "clips without their speech", withoutSpeech),
    ...fact(unanswered + ungraded, "questions", withoutGrade),
    ["settings", hash.slice(0, 12)],
    ...run.notes.map((note): [string, string] => ["note", note]),
    ...run.skipped
      .slice(0, 20)
      .map(({ file, row, reason }): [string, string] => [`${file} row ${row}`, reason]),
  ];
}

const spreadHeadings = ["", "orders", "accuracy", "lowest", "highest", "to base", "lowest", "highest"];

/** Of finished runs that differ in the order of their tasks only: mean and spread of each row over the orders. */
function spreadTables(runs: readonly ReportedRun[]): string[][][] {
  const settings = ({ run }: ReportedRun) => {
    const { hash: _, command: __, protocol, ...rest } = run;
    return JSON.stringify([rest, { ...protocol, order: null }]);
  };
  const accuracyOf = (results: readonly Result[], row: string) =>
    summarise(results.filter((result) => result.row === row).map(scoredOf)).overall.accuracy!;
  const spread = (values: readonly number[], print: (value: number) => string) => [
    print(values.reduce((sum, value) => sum + value, 0) / values.length),
    print(Math.min(...values)),
    print(Math.max(...values)),
  ];
  return [
    ...Map.groupBy(
      runs.filter(({ finished, results }) => finished && results.length > 0),
      settings,
    ).values(),
  ].flatMap((alike) => {
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

const explanation =
  "Accuracy is the share of right answers over all questions, coverage the share that was answered, precision the share of right ones among those: accuracy = coverage × precision. Failures count as not answered. Intervals are bootstrapped over videos, or over the hours of a stream that is asked at its times; p is McNemar's exact test against base on the same questions.";

// The page.

function htmlOf(runs: readonly ReportedRun[]): string {
  const rows = rowsOf(runs);
  const [{ run }] = runs as [ReportedRun];
  const paper = paperRows(run.benchmark);
  const tokens = tokenPlot(rows);
  const updates = [...new Set(runs.flatMap((each) => each.run.protocol.updates))];
  return [
    `<h2>${benchmarkTitles[run.benchmark]}</h2>`,
    htmlTable(headings, tableOf(rows)),
    `<p>${escaped(explanation)}</p>`,
    `<div class="plots">`,
    figure({
      svg: linesPlot(learning(rows), { x: "tasks of a type seen", y: "accuracy so far, %", marks: updates }),
      caption: "Accuracy over the tasks so far, all types together. Upright: the policy learns.",
      keys: learning(rows),
    }),
    tokens === ""
      ? ""
      : figure({
          svg: tokens,
          ...{ caption: "Accuracy against what memory held when the question came, in tokens.", keys: [] },
        }),
    figure({
      svg: planePlot([...planeSeries(rows), ...paperSeries(run.benchmark)]),
      caption: `Coverage and precision; lines of equal accuracy.${paper.length > 0 ? " Grey: the paper." : ""}`,
      keys: [],
    }),
    `</div>`,
    ...tablesOf(runs, rows).map(
      ({ title: heading, headings: names, cells }) => `<h3>${heading}</h3>\n${htmlTable(names, cells)}`,
    ),
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

function htmlTable(names: readonly string[], cells: readonly (readonly string[])[]): string {
  const head = names.map((name) => `<th>${escaped(name)}</th>`).join("");
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

/** Accuracy over all tasks up to each place. */
function learning(rows: readonly ReportedRow[]): PlotSeries[] {
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

function tokenPlot(rows: readonly ReportedRow[]): string {
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

function planeSeries(rows: readonly ReportedRow[]): PlotSeries[] {
  return rows.flatMap(({ name, label, summary: { overall } }) =>
    overall.coverage === null || overall.precision === null
      ? []
      : [{ label, colour: colourOf(name), points: [{ x: overall.coverage, y: overall.precision }] }],
  );
}

function paperSeries(benchmark: ReportedRun["run"]["benchmark"]): PlotSeries[] {
  return paperRows(benchmark).map(({ method, coverage, precision }) => ({
    label: method,
    colour: 0,
    faint: true,
    points: [{ x: coverage / 100, y: precision / 100 }],
  }));
}

function page(body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>
:root { color-scheme: light dark; --ink: #1c2024; --soft: #656d76; --line: #d7dce1; --page: #fff;
  --c0: #0072b2; --c1: #d55e00; --c2: #007f5f; --c3: #6b4fa0; --c4: #b8860b; --c5: #7a7f85; --c6: #b0457a; --c7: #7b4b2a; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8ea; --soft: #9aa2ab; --line: #353b42; --page: #15181b;
  --c0: #58aee0; --c1: #f08a4b; --c2: #4cc29f; --c3: #b39ae0; --c4: #dcb04a; --c5: #9aa0a6; --c6: #e38bb5; --c7: #c79a76; } }
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
svg { width: 100%; height: auto; font: 12px system-ui, sans-serif; }
svg text { fill: var(--soft); }
.grid { stroke: var(--line); } .axis { stroke: var(--soft); } .mark { stroke: var(--soft); stroke-dasharray: 3 4; }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; } .bar { stroke-width: 1.5; opacity: .55; }
.curve { fill: none; stroke: var(--line); stroke-dasharray: 2 4; } text.curve { stroke: none; fill: var(--soft); opacity: .7; font-size: 10px; }
.faint { fill: var(--soft); opacity: .45; } text.label.grey { fill: var(--soft); opacity: .8; font-size: 11px; }
.legend { margin: .1rem 0; display: flex; flex-wrap: wrap; gap: .2rem 1rem; font-size: 13px; }
.d1 { stroke-dasharray: 7 4; } .d2 { stroke-dasharray: 2 4; } .d3 { stroke-dasharray: 10 4 2 4; }
.legend span::before { content: ""; display: inline-block; width: 20px; margin-right: .4em; vertical-align: middle; border-top: 3px solid currentColor; }
.legend .d1::before { border-top-style: dashed; } .legend .d2::before, .legend .d3::before { border-top-style: dotted; }
tr.own td:first-child { font-weight: 600; }
${colours.map((_, i) => `.line.c${i}, .bar.c${i} { stroke: var(--c${i}); } .dot.c${i}, svg text.c${i} { fill: var(--c${i}); } .legend .c${i} { color: var(--c${i}); }`).join("\n")}
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; font-size: 13px; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
</style>
</head>
<body>
<h1>${title}</h1>
${body}
</body>
</html>
`;
}

// Markdown.

function markdownOf(runs: readonly ReportedRun[]): string {
  const rows = rowsOf(runs);
  const [{ run }] = runs as [ReportedRun];
  const table = (names: readonly string[], cells: readonly (readonly string[])[]) =>
    markdownTable(
      names.map(plain),
      cells.map((row) => row.map(plain)),
    ).join("\n");
  const list = (lines: readonly string[]) => lines.map((line) => `- ${plain(line)}`).join("\n");
  return [
    `## ${benchmarkTitles[run.benchmark]}`,
    table(headings, tableOf(rows)),
    explanation,
    ...tablesOf(runs, rows).flatMap(({ title: heading, headings: names, cells }) => [
      `### ${heading}`,
      table(names, cells),
    ]),
    ...runs.flatMap((each) => [
      `### What differs from the paper${runs.length > 1 ? `: ${plain(each.id)}` : ""}`,
      list(differences(each)),
      `### The run ${plain(each.id)}`,
      list(facts(each).map(([name, value]) => `${name}: ${value}`)),
    ]),
    "",
  ].join("\n\n");
}

const plain = (text: string) => text.replace(/([|\\`*_<>])/g, "\\$1").replace(/\s+/g, " ");
