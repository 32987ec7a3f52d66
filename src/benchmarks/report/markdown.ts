/** A report as Markdown. */
import { differences, facts } from "./facts.ts";
import { markdownTable } from "./markdown-table.ts";
import { type ReportedRun, titleOf } from "./read-run.ts";
import { explanationOf, mainTable, type ReportTable, rowsOf, tablesOf, verdictsOf } from "./tables.ts";

/** The figures, what differs from the paper, and what was run. */
export function markdownOf(runs: readonly ReportedRun[]): string {
  const list = (lines: readonly string[]) => lines.map((line) => `- ${plain(line)}`).join("\n");
  return [
    `## ${plain(titleOf(runs[0]!))}`,
    figuresMarkdown(runs),
    ...runs.flatMap((each) => [
      `### What differs from the paper${runs.length > 1 ? `: ${plain(each.id)}` : ""}`,
      list(differences(each)),
      `### The run ${plain(each.id)}`,
      list(facts(each).map(([name, value]) => `${name}: ${value}`)),
    ]),
    "",
  ].join("\n\n");
}

/** The tables alone, and the line to quote. */
export function figuresMarkdown(runs: readonly ReportedRun[]): string {
  const rows = rowsOf(runs);
  const main = mainTable(rows);
  const table = ({ headings, cells }: Omit<ReportTable, "title">) =>
    markdownTable(
      headings.map(plain),
      cells.map((row) => row.map(plain)),
    ).join("\n");
  return [
    table(main),
    explanationOf(main),
    ...tablesOf(runs, rows).flatMap((each) => [`### ${plain(each.title)}`, table(each)]),
    ...verdictsOf(runs),
  ].join("\n\n");
}

const plain = (text: string) => text.replace(/([|\\`*_<>])/g, "\\$1").replace(/\s+/g, " ");
