/** Time from afar: how many memories begin when, what was not watched, and where one looks. */
import { useMemo, useRef } from "preact/hooks";
import type { Clock } from "../../src/util/time.ts";
import type { Output } from "../state/api.ts";
import { count, duration, span, tick, ticks } from "../state/format.ts";
import { useWidth } from "../state/use.ts";

interface Props {
  readonly overview: Output<"overview">;
  readonly clock: Clock;
  /** The moment that is looked at. */
  readonly at: number | undefined;
  readonly onPick: (seconds: number) => void;
  /** Called with another window; `null` for the whole. */
  readonly onWindow: (window: readonly [from: number, to: number] | null) => void;
  /** Bounds of the whole stream. */
  readonly whole: readonly [from: number, to: number];
}

const height = 56;
const axis = 18;
/** The closest look, in seconds. */
const closest = 10;

export function DayStrip({ overview, clock, at, onPick, onWindow, whole }: Props) {
  const [ref, width] = useWidth<HTMLDivElement>();
  const svg = useRef<SVGSVGElement>(null);
  const { startSeconds: from, endSeconds: to, stretchSeconds, counts, gaps } = overview;
  const x = (seconds: number) => ((seconds - from) / Math.max(0.001, to - from)) * width;
  const most = counts.reduce((most, { entries }) => Math.max(most, entries), 1);
  const marks = useMemo(() => ticks(from, to, Math.max(2, width / 90), clock), [from, to, width, clock]);
  const secondsAt = (event: MouseEvent) => {
    const { left, width } = svg.current!.getBoundingClientRect();
    return from + ((event.clientX - left) / width) * (to - from);
  };
  const zoomed = (factor: number, around: number) =>
    onWindow(windowAround([from, to], whole, factor, around));
  return (
    <div class="strip-box">
      <div ref={ref} class="strip-svg">
        {width > 0 && (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the timeline's keys do the same
          <svg
            ref={svg}
            width={width}
            height={height + axis}
            role="img"
            aria-label={`${count(overview.entries, "memory", "memories")} in ${duration(to - from)}`}
            onClick={(event) => onPick(secondsAt(event))}
            onWheel={(event) => {
              event.preventDefault();
              zoomed(event.deltaY > 0 ? 1.6 : 1 / 1.6, secondsAt(event));
            }}
          >
            <defs>
              <pattern
                id="hatch"
                width="6"
                height="6"
                patternUnits="userSpaceOnUse"
                patternTransform="rotate(45)"
              >
                <line x1="0" y1="0" x2="0" y2="6" class="hatch" />
              </pattern>
            </defs>
            <rect class="strip-ground" width={width} height={height} rx="6" />
            {gaps.map((gap) => (
              <rect
                key={`${gap.startSeconds} ${gap.endSeconds}`}
                class="strip-gap"
                fill="url(#hatch)"
                x={Math.max(0, x(gap.startSeconds))}
                width={Math.max(2, Math.min(width, x(gap.endSeconds)) - Math.max(0, x(gap.startSeconds)))}
                height={height}
              >
                <title>{`not watched from ${gap.at} until ${gap.until}: ${gap.detail}`}</title>
              </rect>
            ))}
            {counts.map(({ startSeconds, entries }) => {
              const tall = Math.max(3, Math.sqrt(entries / most) * (height - 8));
              const wide = Math.max(1.5, (stretchSeconds / Math.max(0.001, to - from)) * width - 1);
              return (
                <rect
                  key={startSeconds}
                  class="strip-bar"
                  x={Math.min(width - 2, Math.max(0, x(startSeconds)))}
                  y={height - tall}
                  width={wide}
                  height={tall}
                  rx="1"
                />
              );
            })}
            {at !== undefined && at >= from && at <= to && (
              <line class="strip-at" x1={x(at)} x2={x(at)} y1="0" y2={height} />
            )}
            {marks.at.map((moment) => (
              <g key={moment} class="strip-tick">
                <line x1={x(moment)} x2={x(moment)} y1={height} y2={height + 4} />
                <text
                  x={Math.min(width - 24, Math.max(18, x(moment)))}
                  y={height + axis - 3}
                  text-anchor="middle"
                >
                  {tick(moment, clock, marks.step)}
                </text>
              </g>
            ))}
          </svg>
        )}
      </div>
      <div class="strip-foot">
        <span class="muted small">
          {span(from, to, clock)} · {duration(to - from)}
        </span>
        <span class="buttons">
          <button
            type="button"
            class="quiet"
            aria-label="Further away"
            title="Further away (−)"
            onClick={() => zoomed(2.5, at ?? (from + to) / 2)}
          >
            −
          </button>
          <button
            type="button"
            class="quiet"
            aria-label="Closer"
            title="Closer (+)"
            onClick={() => zoomed(0.4, at ?? (from + to) / 2)}
          >
            +
          </button>
          <button type="button" class="quiet" title="The whole stream (0)" onClick={() => onWindow(null)}>
            All
          </button>
        </span>
      </div>
    </div>
  );
}

/** A window closer to a moment or further from it, within the whole; `null` for the whole itself. */
export function windowAround(
  [from, to]: readonly [number, number],
  [start, end]: readonly [number, number],
  factor: number,
  around: number,
): readonly [number, number] | null {
  const length = Math.max(closest, (to - from) * factor);
  if (length >= end - start) return null;
  const share = Math.min(1, Math.max(0, (around - from) / Math.max(0.001, to - from)));
  const first = Math.min(Math.max(start, around - share * length), end - length);
  return [Math.round(first * 10) / 10, Math.round((first + length) * 10) / 10];
}
