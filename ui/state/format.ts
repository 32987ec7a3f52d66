/** Numbers and times as people read them. */
import type { Clock } from "../../src/util/time.ts";
import { formatMoment, formatSeconds } from "../../src/util/time.ts";
import type { Stream } from "./api.ts";

/** The clock of a stream as the library has it. */
export function clockOf({ clock }: Pick<Stream, "clock">): Clock {
  return clock.kind === "wall" ? { kind: "wall", originMs: clock.originMs ?? 0 } : { kind: clock.kind };
}

/** A length in seconds: `8 s`, `12 min`, `3 h 20 min`, `4 days`. */
export function duration(seconds: number): string {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return `${Math.round(hours / 24)} days`;
}

/** Two moments, of which the second tells its day only where it is another. */
export function span(from: number, to: number, clock: Clock): string {
  const [first, second] = [formatMoment(from, clock), formatMoment(to, clock)];
  const day = first.slice(0, first.lastIndexOf(" ") + 1);
  return `${first} – ${second.startsWith(day) ? second.slice(day.length) : second}`;
}

/** `1.2 MB`. */
export function bytes(n: number): string {
  if (n < 1000) return `${n} B`;
  const units = ["kB", "MB", "GB", "TB"];
  let value = n;
  let unit = -1;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** `1 memory`, `12,000 memories`. */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${n.toLocaleString("en")} ${n === 1 ? one : many}`;
}

/** `$0.42`; of less than a cent, more digits. */
export const dollars = (usd: number): string => `$${usd.toFixed(usd > 0 && usd < 0.01 ? 4 : 2)}`;

/** `8.4 k`, `1.2 M`. */
export const short = (n: number): string =>
  new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 }).format(n);

/** `$0.42, 120 k tokens`; calls without a known price are told. */
export function priceOf({
  calls,
  promptTokens,
  completionTokens,
  usd,
  unpriced,
}: Readonly<Record<"calls" | "promptTokens" | "completionTokens" | "usd" | "unpriced", number>>): string {
  const tokens = `${short(promptTokens + completionTokens)} tokens`;
  if (unpriced === calls) return `${tokens}, price unknown`;
  return `${dollars(usd)}, ${tokens}${unpriced > 0 ? `; the price of ${count(unpriced, "call")} is unknown` : ""}`;
}

/** `42 %`. */
export const percent = (share: number): string => `${Math.round(100 * share)} %`;

/** A wall time before now: `just now`, `5 min ago`, then its date. */
export function ago(iso: string, nowMs = Date.now()): string {
  const seconds = (nowMs - Date.parse(iso)) / 1000;
  if (seconds < 45) return "just now";
  if (seconds < 86_400 * 2) return `${duration(seconds)} ago`;
  return new Date(iso).toLocaleDateString("en", { day: "numeric", month: "short", year: "numeric" });
}

/** A short label of a tick, at a step in seconds. */
export function tick(moment: number, clock: Clock, step: number): string {
  // A clock that began within a second has its ticks there too.
  const seconds = Math.ceil(moment - 1e-6);
  if (clock.kind === "media") {
    const text = formatSeconds(seconds);
    return step >= 60 ? text.slice(0, -3) : text.startsWith("00:") ? text.slice(3) : text;
  }
  const text = formatMoment(seconds, clock);
  const [day = "", time = ""] = text.split(" ");
  if (step >= 86_400) return clock.kind === "wall" ? day.slice(5) : day;
  const short = step >= 60 ? time.slice(0, 5) : time;
  const isMidnight = short.startsWith("00:00") && (step >= 60 || short === "00:00:00");
  return isMidnight ? (clock.kind === "wall" ? day.slice(5) : day) : short;
}

const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400];

/** Moments of ticks within a span, and the step between them, for at most `most` of them. */
export function ticks(
  from: number,
  to: number,
  most: number,
  clock: Clock,
): { readonly step: number; readonly at: readonly number[] } {
  const least = (to - from) / Math.max(1, most);
  const step = steps.find((one) => one >= least) ?? Math.ceil(least / 86_400) * 86_400;
  // On a clock of dates the ticks are at full hours of the day.
  const origin = clock.kind === "wall" ? clock.originMs / 1000 : 0;
  const first = Math.ceil((from + origin) / step) * step - origin;
  const at: number[] = [];
  for (let moment = first; moment <= to; moment += step) at.push(moment);
  return { step, at };
}
