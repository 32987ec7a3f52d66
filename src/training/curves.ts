/** Metrics of a run as one self-contained page: a curve for each number that changes. */
import { escaped, plotStyle, valuesPlot } from "../util/plots.ts";

/** A page with a plot for every number that differs between rows. @param rows each with `step` */
export function curvesPage(title: string, rows: readonly object[]): string {
  const names = [...new Set(rows.flatMap(Object.keys))].filter((name) => name !== "step");
  const plots = names.flatMap((name) => {
    const points = rows.flatMap((row) => {
      const y = numberOf(row, name);
      return y === null ? [] : [{ x: numberOf(row, "step")!, y }];
    });
    if (new Set(points.map(({ y }) => y)).size < 2) return [];
    const plot = valuesPlot(points, { x: "step", y: name });
    return [`<figure><figcaption>${escaped(name)}</figcaption>${plot}</figure>`];
  });
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>${escaped(title)}</title>
<style>
${plotStyle}
body { font: 15px/1.4 system-ui, sans-serif; margin: 24px; color: var(--ink); background: var(--page); }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(420px, 1fr)); gap: 20px; }
figure { margin: 0; } figcaption { font-weight: 600; }
</style>
<h1>${escaped(title)}</h1>
<p>${rows.length} steps; a point is one step.</p>
<main>
${plots.join("\n")}
</main>
</html>
`;
}

function numberOf(row: object, name: string): number | null {
  const value = (row as Record<string, unknown>)[name];
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}
