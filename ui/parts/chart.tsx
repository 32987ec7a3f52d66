/** Curves over a number of tries, drawn by uPlot. */
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { useWidth } from "../state/use.ts";

interface Line {
  readonly name: string;
  /** One of the page's colours. */
  readonly colour: "accent" | "muted";
  readonly values: readonly (number | null)[];
}

/** Shares from 0 to 1, of the first try, the second, … */
export function Chart({ lines, label }: { lines: readonly Line[]; label: string }) {
  const [ref, width] = useWidth<HTMLElement>();
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (width === 0 || !place.current) return;
    const style = getComputedStyle(document.documentElement);
    // A canvas needs the colour itself, which depends on light and dark.
    const colour = (name: string) => {
      const probe = document.createElement("i");
      probe.style.color = `var(--${name})`;
      document.body.append(probe);
      const { color } = getComputedStyle(probe);
      probe.remove();
      return color;
    };
    const axis = {
      stroke: colour("muted"),
      grid: { stroke: colour("line"), width: 1 },
      ticks: { stroke: colour("line"), width: 1 },
      font: `12px ${style.fontFamily}`,
    };
    const tries = lines[0]?.values.length ?? 0;
    const plot = new uPlot(
      {
        ...{ width, height: 220, legend: { show: false }, cursor: { y: false } },
        scales: { x: { time: false, range: [0.5, tries + 0.5] }, y: { range: [0, 1] } },
        axes: [
          { ...axis, incrs: [1, 2, 5, 10, 20, 50, 100], grid: { show: false } },
          { ...axis, size: 56, values: (_, ticks) => ticks.map((tick) => `${Math.round(100 * tick)} %`) },
        ],
        series: [
          {},
          ...lines.map(({ name, colour: of }) => ({
            ...{ label: name, stroke: colour(of), width: 2, spanGaps: true },
            ...(of === "muted" && { dash: [4, 4] }),
            points: { show: true, size: 6, fill: colour(of) },
          })),
        ],
      },
      [Array.from({ length: tries }, (_, i) => i + 1), ...lines.map(({ values }) => [...values])],
      place.current,
    );
    return () => plot.destroy();
  }, [width, JSON.stringify(lines)]);
  return (
    <figure class="chart" ref={ref}>
      <div ref={place} role="img" aria-label={label} />
      <figcaption class="legend small muted">
        {lines.map(({ name, colour }) => (
          <span key={name} class={`legend-${colour}`}>
            {name}
          </span>
        ))}
      </figcaption>
    </figure>
  );
}
