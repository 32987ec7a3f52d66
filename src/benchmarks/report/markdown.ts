/** A report as Markdown. */

import { benchmarkTitles } from "../task.ts";
import { differences, facts } from "./facts.ts";
import { markdownTable } from "./markdown-table.ts";
import type { ReportedRun } from "./read-run.ts";
import { explanation, headings, rowsOf, tableOf, tablesOf } from "./tables.ts";

// Markdown.

export function markdownOf(runs: readonly ReportedRun[]): string {
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
