/**
 * Plots as inline SVG: lines, points with error bars, the plane of coverage and precision, and values of any range. A
 * page that shows them includes `plotStyle` once.
 */

const width = 660;
const height = 360;
const margin = { top: 16, right: 24, bottom: 44, left: 52 };
const inner = { width: width - margin.left - margin.right, height: height - margin.top - margin.bottom };

/** A point of a plot. */
export interface PlotPoint {
  readonly x: number;
  readonly y: number;
  /** Ends of an error bar. */
  readonly low?: number;
  readonly high?: number;
}

/** The points of one series, and how they look. */
export interface PlotSeries {
  readonly label: string;
  /** Number of the colour, from 0. */
  readonly colour: number;
  readonly points: readonly PlotPoint[];
  /** Whether it is one of ours: drawn in colour, others in grey. @default false */
  readonly faint?: boolean;
  /** Number of the dash pattern; 0 is a solid line. @default 0 */
  readonly dash?: number;
}

/** A drawn plot. */
export interface Plot {
  readonly svg: string;
  readonly caption: string;
  /** Entries of the legend below it; empty if names stand beside their points. */
  readonly keys: readonly PlotSeries[];
}

/** Colours by light and dark, and how lines, points and labels look. */
export const plotStyle = `:root { color-scheme: light dark; --ink: #1c2024; --soft: #656d76; --line: #d7dce1; --page: #fff;
  --c0: #0072b2; --c1: #d55e00; --c2: #007f5f; --c3: #6b4fa0; --c4: #b8860b; --c5: #7a7f85; --c6: #b0457a; --c7: #7b4b2a; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8ea; --soft: #9aa2ab; --line: #353b42; --page: #15181b;
  --c0: #58aee0; --c1: #f08a4b; --c2: #4cc29f; --c3: #b39ae0; --c4: #dcb04a; --c5: #9aa0a6; --c6: #e38bb5; --c7: #c79a76; } }
svg { width: 100%; height: auto; font: 12px system-ui, sans-serif; }
svg text { fill: var(--soft); }
.grid { stroke: var(--line); } .axis { stroke: var(--soft); } .mark { stroke: var(--soft); stroke-dasharray: 3 4; }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; } .bar { stroke-width: 1.5; opacity: .55; }
.curve { fill: none; stroke: var(--line); stroke-dasharray: 2 4; } text.curve { stroke: none; fill: var(--soft); opacity: .7; font-size: 10px; }
.faint { fill: var(--soft); opacity: .45; } text.label.grey { fill: var(--soft); opacity: .8; font-size: 11px; }
.d1 { stroke-dasharray: 7 4; } .d2 { stroke-dasharray: 2 4; } .d3 { stroke-dasharray: 10 4 2 4; }
${Array.from({ length: 8 }, (_, i) => `.line.c${i}, .bar.c${i} { stroke: var(--c${i}); } .dot.c${i}, svg text.c${i} { fill: var(--c${i}); }`).join("\n")}`;

interface Axis {
  readonly title: string;
  readonly from: number;
  readonly to: number;
  readonly ticks: readonly number[];
  readonly format: (value: number) => string;
  readonly logarithmic?: boolean;
}

const round = (value: number) => Math.round(value * 10) / 10;
export const escaped = (text: string) =>
  text.replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`);

/** Accuracy (shares of 1) as tasks arrive, one line per series, with the places of updates. */
export function linesPlot(
  series: readonly PlotSeries[],
  options: { readonly x: string; readonly y: string; readonly marks: readonly number[] },
): string {
  const most = Math.max(1, ...series.flatMap(({ points }) => points.map(({ x }) => x)));
  const x = linearAxis(options.x, 0, most, String);
  const y = shareAxis(options.y, series);
  const at = placer(x, y);
  const marks = options.marks
    .filter((mark) => mark < most)
    .map(
      (mark) =>
        `<path class="mark" d="M${at.x(mark)},${margin.top}v${inner.height}"><title>update after ${mark}</title></path>`,
    );
  const lines = series.map(({ points, colour, label, dash = 0 }) => {
    const path = points.map((point, i) => `${i === 0 ? "M" : "L"}${at.x(point.x)},${at.y(point.y)}`).join("");
    return `<path class="line c${colour} d${dash % 4}" d="${path}"><title>${escaped(label)}</title></path>`;
  });
  return svg([axes(x, y), ...marks, ...lines], `${options.y} against ${options.x}`);
}

/** Points with error bars; points of one label are joined. With `logarithmic` the x axis has powers of ten. */
export function pointsPlot(
  series: readonly PlotSeries[],
  options: { readonly x: string; readonly y: string; readonly logarithmic?: boolean },
): string {
  const xs = series.flatMap(({ points }) => points.map((point) => point.x));
  const x = options.logarithmic
    ? logAxis(options.x, Math.min(...xs), Math.max(...xs))
    : linearAxis(options.x, 0, 1.1 * Math.max(1, ...xs), String);
  const y = shareAxis(options.y, series);
  const at = placer(x, y);
  const marks = series.flatMap(({ points, colour, label }) => {
    const sorted = [...points].sort((a, b) => a.x - b.x);
    const path = sorted.map((point, i) => `${i === 0 ? "M" : "L"}${at.x(point.x)},${at.y(point.y)}`).join("");
    const joined = sorted.length > 1 ? [`<path class="line c${colour}" d="${path}"/>`] : [];
    return [...joined, ...sorted.map((point) => pointMark(point, at, colour, label))];
  });
  const labels = placeLabels(
    series.map(({ label, points, colour }) => {
      const last = [...points].sort((a, b) => a.x - b.x).at(-1)!;
      return { text: label, x: at.x(last.x), y: at.y(last.y), style: `c${colour}` };
    }),
    series.flatMap(({ points }) => points.map((point) => ({ x: at.x(point.x), y: at.y(point.y) }))),
  );
  return svg([axes(x, y), ...marks, ...labels], `${options.y} against ${options.x}`);
}

/** One number over steps, on axes from its lowest to its highest value. */
export function valuesPlot(
  points: readonly PlotPoint[],
  { x: across, y: up }: { readonly x: string; readonly y: string },
): string {
  const [x, y] = [
    valueAxis(
      across,
      points.map((point) => point.x),
    ),
    valueAxis(
      up,
      points.map((point) => point.y),
    ),
  ];
  const at = placer(x, y);
  const places = points.map((point) => ({ x: at.x(point.x), y: at.y(point.y) }));
  const line = `<polyline class="line c0" points="${places.map((place) => `${place.x},${place.y}`).join(" ")}"/>`;
  const dots = places.map((place) => `<circle class="dot c0" cx="${place.x}" cy="${place.y}" r="3"/>`);
  return svg([axes(x, y), line, ...dots], `${up} by ${across}`);
}

/** Coverage across, precision up, with lines of equal accuracy. Shares of 1. */
export function planePlot(series: readonly PlotSeries[]): string {
  const xs = series.flatMap(({ points }) => points.map(({ x }) => x));
  const ys = series.flatMap(({ points }) => points.map(({ y }) => y));
  if (xs.length === 0) return "";
  const [x, y] = [rangeAxis("coverage, %", xs), rangeAxis("precision, %", ys)];
  const at = placer(x, y);
  const taken: { x: number; y: number }[] = [];
  const curves = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9].flatMap((accuracy) => {
    const path: string[] = [];
    let last: [number, number] | null = null;
    for (let step = 0; step <= 100; step++) {
      const coverage = x.from + ((x.to - x.from) * step) / 100;
      const precision = accuracy / coverage;
      if (precision < y.from || precision > y.to) continue;
      last = [at.x(coverage), at.y(precision)];
      path.push(`${path.length === 0 ? "M" : "L"}${last.join()}`);
    }
    if (path.length < 2 || last === null) return [];
    // The width of a few points.
    for (const shift of [8, 16, 24]) taken.push({ x: last[0] - shift, y: last[1] - 8 });
    const label = `<text class="curve" x="${last[0] - 4}" y="${last[1] - 4}" text-anchor="end">${accuracy * 100} %</text>`;
    return [`<path class="curve" d="${path.join("")}"/>`, label];
  });
  const others = [...series].sort((a, b) => Number(b.faint ?? false) - Number(a.faint ?? false));
  const marks = others.flatMap(({ points, colour, label, faint }) =>
    points.map((point) =>
      faint
        ? `<circle class="faint" cx="${at.x(point.x)}" cy="${at.y(point.y)}" r="4"><title>${escaped(label)}</title></circle>`
        : pointMark({ x: point.x, y: point.y }, at, colour, label),
    ),
  );
  const labels = placeLabels(
    [...others].reverse().flatMap(({ label, points, colour, faint }) =>
      points.map((point) => ({
        text: label,
        x: at.x(point.x),
        y: at.y(point.y),
        style: faint ? "grey" : `c${colour}`,
      })),
    ),
    [
      ...taken,
      ...series.flatMap(({ points }) => points.map((point) => ({ x: at.x(point.x), y: at.y(point.y) }))),
    ],
  );
  return svg([axes(x, y), ...curves, ...marks, ...labels], "coverage and precision, lines of equal accuracy");
}

function pointMark(point: PlotPoint, at: Placer, colour: number, label: string): string {
  const { x, y, low, high } = point;
  const bar =
    low === undefined || high === undefined
      ? ""
      : `<path class="bar c${colour}" d="M${at.x(x)},${at.y(low)}L${at.x(x)},${at.y(high)}"/>`;
  return `${bar}<circle class="dot c${colour}" cx="${at.x(x)}" cy="${at.y(y)}" r="5"><title>${escaped(label)}</title></circle>`;
}

interface Placer {
  x(value: number): number;
  y(value: number): number;
}

function placer(x: Axis, y: Axis): Placer {
  const share = ({ from, to, logarithmic }: Axis, value: number) =>
    logarithmic
      ? (Math.log(value) - Math.log(from)) / (Math.log(to) - Math.log(from))
      : (value - from) / (to - from);
  return {
    x: (value) => round(margin.left + inner.width * share(x, value)),
    y: (value) => round(margin.top + inner.height * (1 - share(y, value))),
  };
}

function axes(x: Axis, y: Axis): string {
  const at = placer(x, y);
  const bottom = margin.top + inner.height;
  const grid = y.ticks.map(
    (tick) =>
      `<path class="grid" d="M${margin.left},${at.y(tick)}h${inner.width}"/><text class="tick" x="${margin.left - 8}" y="${at.y(tick) + 4}" text-anchor="end">${y.format(tick)}</text>`,
  );
  const along = x.ticks.map(
    (tick) =>
      `<text class="tick" x="${at.x(tick)}" y="${bottom + 18}" text-anchor="middle">${x.format(tick)}</text>`,
  );
  return [
    ...grid,
    ...along,
    `<path class="axis" d="M${margin.left},${bottom}h${inner.width}"/>`,
    `<text class="title" x="${margin.left + inner.width / 2}" y="${height - 6}" text-anchor="middle">${escaped(x.title)}</text>`,
    `<text class="title" transform="translate(14 ${margin.top + inner.height / 2}) rotate(-90)" text-anchor="middle">${escaped(y.title)}</text>`,
  ].join("");
}

function ticksOf(from: number, to: number, wanted = 6): number[] {
  const rough = (to - from) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough) ?? rough;
  const ticks: number[] = [];
  for (let i = Math.ceil(from / step - 1e-9); i * step <= to + 1e-9; i++)
    ticks.push(Number((i * step).toPrecision(12)));
  return ticks;
}

function linearAxis(title: string, from: number, to: number, format: (value: number) => string): Axis {
  const ticks = ticksOf(from, to).filter((tick) => !Number.isInteger(from) || Number.isInteger(tick));
  return { title, from, to, ticks, format };
}

/** An axis from the lowest to the highest value, with ticks there and in the middle. */
function valueAxis(title: string, values: readonly number[]): Axis {
  const [from, to] = [Math.min(...values), Math.max(...values)];
  return { title, from, to, ticks: [from, (from + to) / 2, to], format: shortNumber };
}

function shortNumber(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size < 0.001 || size >= 100_000)) return value.toExponential(1);
  return String(Number(value.toFixed(size < 1 ? 4 : 2)));
}

/** A logarithmic axis around the values, which ends at 1, 2 or 5 times powers of ten. */
function logAxis(title: string, low: number, high: number): Axis {
  const decade = Math.floor(Math.log10(low) + 1e-9);
  const decades = Math.ceil(Math.log10(high) - 1e-9) - decade;
  const steps = Array.from({ length: decades + 1 }, (_, i) =>
    [1, 2, 5].map((step) => step * 10 ** (decade + i)),
  );
  const ends = steps.flat();
  const from = ends.findLast((tick) => tick <= low * (1 + 1e-9))!;
  const to = ends.find((tick) => tick >= high && tick > from)!;
  const shown = ends.filter((tick) => tick >= from && tick <= to);
  const ticks = decades <= 2 ? shown : shown.filter((tick) => Number.isInteger(Math.log10(tick)));
  return { title, from, to, ticks, format: (value) => value.toLocaleString("en"), logarithmic: true };
}

const percent = (share: number) => String(Math.round(100 * share));

/** An axis from 0 to slightly above the highest value. */
function shareAxis(title: string, series: readonly PlotSeries[]): Axis {
  const most = Math.max(0.1, ...series.flatMap(({ points }) => points.map(({ y, high }) => high ?? y)));
  const to = Math.min(1, Math.ceil(most * 10 + 0.5) / 10);
  return { title, from: 0, to, ticks: ticksOf(0, to), format: percent };
}

/** An axis around the values, in tenths. */
function rangeAxis(title: string, values: readonly number[]): Axis {
  const from = Math.max(0, Math.floor(Math.min(...values) * 10 - 0.5) / 10);
  const to = Math.min(1, Math.ceil(Math.max(...values) * 10 + 0.5) / 10);
  return {
    title,
    from,
    to: Math.max(to, from + 0.1),
    ticks: ticksOf(from, Math.max(to, from + 0.1)),
    format: percent,
  };
}

interface Label {
  readonly text: string;
  readonly x: number;
  readonly y: number;
  readonly style: string;
}

/**
 * Labels beside their points: right, left, above or below, at the first free place. A label without a free place is
 * only in the tooltip.
 */
function placeLabels(labels: readonly Label[], points: readonly { x: number; y: number }[]): string[] {
  const taken = points.map(({ x, y }) => ({ left: x - 6, right: x + 6, top: y - 6, bottom: y + 6 }));
  return labels.flatMap(({ text, x, y, style }) => {
    const length = text.length * 6.8 + 4;
    const places = [
      ...[0, -12, 12].map((shift) => ({ left: x + 9, top: y - 7 + shift })),
      ...[0, -12, 12].map((shift) => ({ left: x - 9 - length, top: y - 7 + shift })),
      ...[-22, 9, -36, 23, -50, 37].flatMap((shift) =>
        [length / 2, 0, length].map((before) => ({ left: x - before, top: y + shift })),
      ),
    ];
    const free = places
      .map(({ left, top }) => ({ left, right: left + length, top, bottom: top + 14 }))
      .find(
        (box) =>
          box.left >= margin.left + 2 &&
          box.right <= width - 2 &&
          box.top >= 2 &&
          box.bottom <= margin.top + inner.height - 2 &&
          taken.every(
            (other) =>
              box.right <= other.left ||
              box.left >= other.right ||
              box.bottom <= other.top ||
              box.top >= other.bottom,
          ),
      );
    if (!free) return [];
    taken.push(free);
    return [
      `<text class="label ${style}" x="${round(free.left)}" y="${round(free.top + 11)}">${escaped(text)}</text>`,
    ];
  });
}

function svg(parts: readonly string[], title: string): string {
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}">${parts.join("")}</svg>`;
}
