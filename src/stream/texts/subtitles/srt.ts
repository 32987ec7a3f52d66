/**
 * SRT and WebVTT. What counts are the lines with a timing: a cue's text goes from its timing to the next cue, over
 * blank lines too. Accepted are any line end, missing hours, numbers and blank lines, a missing end, odd header lines.
 * Left out: positions, styles, regions, notes.
 */
import type { Cue } from "../../clip.ts";
import { type OpenText, quoted, secondsOf, type TimedTexts, withEnds } from "./timed-text.ts";

/** Texts of an SRT or WebVTT file; `null` if no line is a timing. */
export function parseSrt(text: string, name: string): TimedTexts | null {
  const lines = text.split(/\r\n|\r|\n/);
  const isVtt = /^WEBVTT(\s|$)/.test(lines[0] ?? "");
  const texts: OpenText[] = [];
  const problems: string[] = [];
  let open: { timing: Timing; lines: string[] } | null = null;
  let hasTiming = isVtt;
  /** Whether the lines up to the next cue are none of its text: a header, a note, a cue that does not parse. */
  let isSkipped = true;
  let sawOdd = isVtt;
  const close = () => {
    if (open) texts.push({ ...open.timing, text: open.lines.join("\n") });
    open = null;
  };
  const odd = (at: number) =>
    problems.push(`${name}:${at + 1}: expected \`00:00:01,000 --> 00:00:02,000\`, got ${quoted(lines[at]!)}`);
  for (const [i, line] of lines.entries()) {
    const timing = line.includes("-->") ? timingOf(line) : null;
    if (timing !== null || (line.includes("-->") && !open) || isOddTiming(line)) {
      close();
      hasTiming ||= timing !== null;
      isSkipped = timing === null;
      if (timing === null) odd(i);
      else if (timing.endSeconds !== null && timing.endSeconds < timing.startSeconds)
        problems.push(`${name}:${i + 1}: the cue ends before it starts`);
      else open = { timing, lines: [] };
      isSkipped ||= open === null;
      sawOdd = true;
    } else if (isVtt && isBlock(line) && (i === 0 || lines[i - 1]!.trim() === "")) {
      close();
      isSkipped = true;
    } else if (open) {
      if (!isIdentifier(lines, i, isVtt)) (open as { lines: string[] }).lines.push(line);
    } else if (!isSkipped || (!sawOdd && line.trim() !== "" && !isIdentifier(lines, i, isVtt))) {
      sawOdd = true;
      odd(i);
    }
  }
  close();
  if (!hasTiming) return null;
  return { texts: withEnds(texts), problems, ...(isVtt && vttHeader(lines)) };
}

interface Timing {
  readonly startSeconds: number;
  readonly endSeconds: number | null;
}

const timingPattern = /^\s*([\d:.,]{4,20}) *-->\s*([\d:.,]{4,20})?(?:\s.*)?$/;

function timingOf(line: string): Timing | null {
  const [, start, end] = timingPattern.exec(line.slice(0, 400)) ?? [];
  const startSeconds = start === undefined ? null : secondsOf(start);
  const endSeconds = end === undefined ? null : secondsOf(end);
  if (startSeconds === null || (end !== undefined && endSeconds === null)) return null;
  return { startSeconds, endSeconds };
}

/** A line that is meant as a timing and is none: `00:00:99 --> soon`. */
const isOddTiming = (line: string) => /^\s*\d[\d:.,]{2,20}\s*-->/.test(line.slice(0, 60));

const isBlock = (line: string) => /^(WEBVTT|NOTE|STYLE|REGION)(\s|$)/.test(line);

/** Whether a line is the number or name of the cue whose timing follows it. */
function isIdentifier(lines: readonly string[], i: number, isVtt: boolean): boolean {
  let next = i + 1;
  while (lines[next]?.trim() === "" && next < i + 3 && !isVtt) next += 1;
  const timing = lines[next] ?? "";
  if (!timing.includes("-->") || (timingOf(timing) === null && !isOddTiming(timing))) return false;
  if (/^\s*\d{1,9}\s*$/.test(lines[i]!)) return true;
  return isVtt && (lines[i - 1] ?? "") === "" && next === i + 1;
}

/** `Kind:` and `Language:` lines below WEBVTT, which are not in the standard but in many files. */
function vttHeader(lines: readonly string[]): { kind?: Cue["kind"]; language?: string } {
  const blank = lines.findIndex((line) => line.trim() === "");
  const header = lines.slice(1, blank < 0 ? 20 : Math.min(blank, 20));
  const value = (key: RegExp) => {
    const line = header.find((each) => key.test(each));
    return line?.slice(line.indexOf(":") + 1).trim();
  };
  const language = value(/^lang(uage)?\s*:/i);
  return {
    ...(/^(descriptions|metadata)$/i.test(value(/^kind\s*:/i) ?? "") && { kind: "caption" }),
    ...(language && { language }),
  };
}
