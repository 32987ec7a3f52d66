/**
 * Runs as one page that needs nothing else, and as Markdown: tables with intervals and paired tests, three plots, the
 * paper's table with a plain statement of what differs, and what was left out.
 */
import { type DrawnRun, drawnTitle } from "./drawn-run.ts";
import { markdownOf } from "./markdown.ts";
import { drawnHtml, htmlOf, page } from "./page.ts";
import type { ReportedRun } from "./read-run.ts";

const title = "Streaming benchmarks";

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
  return { html: page(title, html), markdown: `# ${title}\n\n${markdown}` };
}
