/** What the parser of a format gives: texts with times, before it is told who says what. */
import type { Cue } from "../../clip.ts";

/** One cue as its format gives it. */
export interface TimedText {
  readonly startSeconds: number;
  readonly endSeconds: number;
  /** Its lines, with the format's markup in angle and curly brackets. */
  readonly text: string;
  /** Speaker, where the format has a field for it. @default as the text says */
  readonly speaker?: string | null;
  /** @default as the file */
  readonly kind?: Cue["kind"];
  /** BCP 47 tag. @default as the file */
  readonly language?: string | null;
}

/** The texts of a file, and what was skipped. */
export interface TimedTexts {
  readonly texts: readonly TimedText[];
  /** One sentence for each cue that was skipped. */
  readonly problems: readonly string[];
  /** What the file says of itself. */
  readonly kind?: Cue["kind"];
  readonly language?: string;
}

/** A cue without an end is shown until the next one starts, at most this long. Seconds. */
export const mostShownSeconds = 5;

/** A text whose end its format leaves open. */
export type OpenText = Omit<TimedText, "endSeconds"> & { readonly endSeconds: number | null };

/** Texts in time order, each with an end. */
export function withEnds(texts: readonly OpenText[]): TimedText[] {
  const inOrder = texts.toSorted((a, b) => a.startSeconds - b.startSeconds);
  return inOrder.map((text, i) => {
    const latest = text.startSeconds + mostShownSeconds;
    const next = inOrder.slice(i + 1, i + 20).find(({ startSeconds }) => startSeconds > text.startSeconds);
    return { ...text, endSeconds: text.endSeconds ?? Math.min(latest, next?.startSeconds ?? latest) };
  });
}

/** Seconds of `h:mm:ss.fff`, `mm:ss,fff` or `hh:mm:ss:fff`; `null` if the text is no time. */
export function secondsOf(clock: string): number | null {
  const match = /^(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})(?:[.,:](\d{1,9}))?$/.exec(clock.trim());
  if (!match) return null;
  const [hours, minutes, seconds] = [Number(match[1] ?? 0), Number(match[2]), Number(match[3])];
  if (minutes > 59 || seconds > 59) return null;
  return hours * 3600 + minutes * 60 + seconds + Math.round(Number(`0.${match[4] ?? 0}`) * 1000) / 1000;
}

/** A line in a message, cut where it is long. */
export function quoted(line: string): string {
  return JSON.stringify(line.length > 60 ? `${line.slice(0, 60)}…` : line);
}
