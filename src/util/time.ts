/** Times as text. Media time is in seconds; wall time is in milliseconds since 1970. */

const pad = (n: number) => String(n).padStart(2, "0");

/** Seconds as `HH:MM:SS`: `3725.9` → `01:02:05`. Fractions are rounded down; hours grow past 24. */
export function formatSeconds(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds + 1e-6));
  return `${pad(Math.floor(whole / 3600))}:${pad(Math.floor(whole / 60) % 60)}:${pad(whole % 60)}`;
}

/** Seconds as `HH:MM:SS.t`, a moment of a frame: `5.96` → `00:00:05.9`. Rounded down. */
export function formatTenths(seconds: number): string {
  return `${formatSeconds(seconds)}.${Math.floor(Math.max(0, seconds + 1e-6) * 10) % 10}`;
}

/** The clock of a stream: what its seconds mean. */
export type Clock =
  /** Seconds from the start of the stream. */
  | { readonly kind: "media" }
  /** Seconds from 00:00:00 of day 1, for recordings with day and time in their names. */
  | { readonly kind: "day" }
  /** Seconds from `originMs`, for live sources and files with a date in their names. */
  | { readonly kind: "wall"; readonly originMs: number };

/** A moment of a stream on its own clock: `00:01:20`, `DAY2 11:09:42`, `2026-11-23 08:39:38`. */
export function formatMoment(seconds: number, clock: Clock): string {
  if (clock.kind === "media") return formatSeconds(seconds);
  if (clock.kind === "day") {
    const day = Math.floor((seconds + 1e-6) / 86_400);
    return `DAY${day + 1} ${formatSeconds(seconds - day * 86_400)}`;
  }
  const ms = clock.originMs + Math.floor(seconds + 1e-6) * 1000;
  // A question may ask for any moment; a date reaches from year -271821 to 275760.
  return new Date(Math.min(Math.max(ms, -8.64e15), 8.64e15)).toISOString().slice(0, 19).replace("T", " ");
}

/**
 * Seconds of stream time of a written moment, or `null` if the text is none.
 *
 * It reads plain seconds (`83.5`), `MM:SS`, `HH:MM:SS[.mmm]`, `DAY2 11:09:42`, and on a wall clock an ISO date and
 * time.
 */
export function parseMoment(text: string, clock: Clock): number | null {
  const trimmed = text.trim();
  if (/^\d+(\.\d+)?$/.test(trimmed)) return Number(trimmed);
  const match = /^(?:day\s*(\d+)[\s,]+)?(?:(\d+):)?(\d{1,2}):(\d{1,2}(?:\.\d+)?)$/i.exec(trimmed);
  if (match) {
    const [, day, hours, minutes, seconds] = match;
    if (Number(minutes) > 59 || Number(seconds) >= 60) return null;
    if (day !== undefined && clock.kind !== "day") return null;
    const ofDay = Number(hours ?? 0) * 3600 + Number(minutes) * 60 + Number(seconds);
    return day === undefined ? ofDay : (Number(day) - 1) * 86_400 + ofDay;
  }
  if (clock.kind === "wall" && /^\d{4}-\d{2}-\d{2}/.test(trimmed)) {
    const isoUtc = trimmed.replace(" ", "T") + (/(Z|[+-]\d\d:?\d\d)$/.test(trimmed) ? "" : "Z");
    const ms = Date.parse(isoUtc);
    return Number.isNaN(ms) ? null : (ms - clock.originMs) / 1000;
  }
  return null;
}
