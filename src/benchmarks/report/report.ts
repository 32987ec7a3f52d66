/**
 * Runs as one page that needs nothing else, and as Markdown: tables with intervals and paired tests, plots, the
 * paper's table with a plain statement of what differs, and what was left out.
 */
import { markdownOf } from "./markdown.ts";
import { htmlOf, page } from "./page.ts";
import { type ReportedRun, titleOf } from "./read-run.ts";

const title = "Streaming benchmarks";

/** The page and the Markdown of some runs, benchmark by benchmark. */
export function reportOf(runs: readonly ReportedRun[]): { readonly html: string; readonly markdown: string } {
  const groups = [...Map.groupBy(runs, titleOf).values()];
  return {
    html: page(title, groups.map(htmlOf).join("\n")),
    markdown: `# ${title}\n\n${groups.map(markdownOf).join("\n")}`,
  };
}
