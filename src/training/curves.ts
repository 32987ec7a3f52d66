/** Metrics of a run as one self-contained page: a curve for each number that changes, as SVG. */

const width = 420;
const height = 200;
const margin = { left: 56, right: 12, top: 12, bottom: 30 };

/** A page with a plot for every number of the rows that is not the same in all of them. @param rows each with `step` */
export function curvesPage(title: string, rows: readonly object[]): string {
  const steps = rows.map((row) => numberOf(row, "step") ?? 0);
  const names = [...new Set(rows.flatMap(Object.keys))].filter((name) => name !== "step");
  const plots = names.flatMap((name) => {
    const values = rows.map((row) => numberOf(row, name));
    const known = new Set(values.filter((value) => value !== null));
    return known.size > 1 ? [plot(name, steps, values)] : [];
  });
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>${title}</title>
<style>
body { font: 15px/1.4 system-ui, sans-serif; margin: 24px; color: #22262e; background: #fff; }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(${width}px, 1fr)); gap: 20px; }
figure { margin: 0; } figcaption { font-weight: 600; margin-left: ${margin.left}px; }
text { font: 11px system-ui, sans-serif; fill: #5a6270; } .axis { stroke: #d4d8df; } .curve { fill: none; stroke: #2b62c9; stroke-width: 1.6; } circle { fill: #2b62c9; }
</style>
<h1>${title}</h1>
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

function plot(name: string, steps: readonly number[], values: readonly (number | null)[]): string {
  const known = values.filter((value) => value !== null);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const [first, last] = [Math.min(...steps), Math.max(...steps)];
  const x = (step: number) =>
    margin.left + ((step - first) / Math.max(1, last - first)) * (width - margin.left - margin.right);
  const y = (value: number) =>
    height - margin.bottom - ((value - low) / (high - low)) * (height - margin.top - margin.bottom);
  const points = values.flatMap((value, i) =>
    value === null ? [] : [[x(steps[i]!).toFixed(1), y(value).toFixed(1)] as const],
  );
  const marks = [low, (low + high) / 2, high].map(
    (value) =>
      `<line class="axis" x1="${margin.left}" x2="${width - margin.right}" y1="${y(value).toFixed(1)}" y2="${y(value).toFixed(1)}"/><text x="${margin.left - 6}" y="${(y(value) + 4).toFixed(1)}" text-anchor="end">${short(value)}</text>`,
  );
  const ends = [first, last].map(
    (step) => `<text x="${x(step).toFixed(1)}" y="${height - 10}" text-anchor="middle">${step}</text>`,
  );
  const dots = points.map(([cx, cy]) => `<circle cx="${cx}" cy="${cy}" r="2"/>`);
  return `<figure><figcaption>${name}</figcaption><svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${name} by step">${marks.join("")}${ends.join("")}<polyline class="curve" points="${points.map((point) => point.join(",")).join(" ")}"/>${dots.join("")}</svg></figure>`;
}

function short(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size < 0.001 || size >= 100_000)) return value.toExponential(1);
  return String(Number(value.toFixed(size < 1 ? 4 : 2)));
}
