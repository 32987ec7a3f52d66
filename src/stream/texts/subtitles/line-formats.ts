/** Formats of a line or two a cue: SBV, LRC, MicroDVD, tab-separated rows of Whisper, SAMI. */
import { type OpenText, quoted, secondsOf, type TimedText, type TimedTexts, withEnds } from "./timed-text.ts";

const linesOf = (text: string) => text.split(/\r\n|\r|\n/);

/** YouTube's SBV: `0:00:01.000,0:00:03.000`, lines, a blank one. `null` if no line is such a timing. */
export function parseSbv(text: string, name: string): TimedTexts | null {
  const texts: TimedText[] = [];
  const problems: string[] = [];
  let open: { startSeconds: number; endSeconds: number; lines: string[] } | null = null;
  let hasTiming = false;
  const close = () => {
    if (open)
      texts.push({
        startSeconds: open.startSeconds,
        endSeconds: open.endSeconds,
        text: open.lines.join("\n"),
      });
    open = null;
  };
  for (const [i, line] of linesOf(text).entries()) {
    const [, start = "", end = ""] =
      /^\s*(\d{1,4}:\d{2}:\d{2}\.\d{1,3}),(\d{1,4}:\d{2}:\d{2}\.\d{1,3})\s*$/.exec(line.slice(0, 80)) ?? [];
    if (start === "") (open as { lines: string[] } | null)?.lines.push(line.replaceAll("[br]", "\n"));
    else {
      close();
      hasTiming = true;
      const [startSeconds, endSeconds] = [secondsOf(start) ?? 0, secondsOf(end) ?? -1];
      if (endSeconds < startSeconds) problems.push(`${name}:${i + 1}: the cue ends before it starts`);
      else open = { startSeconds, endSeconds, lines: [] };
    }
  }
  close();
  return hasTiming ? { texts, problems } : null;
}

/** A line comes back no more often, and a longer one not at all. */
const mostTimesOfLine = 200;
const mostLineLength = 4000;

/** LRC: `[01:02.50]line`, several times before a line that comes back, times of words inside it. */
export function parseLrc(text: string): TimedTexts | null {
  const texts: OpenText[] = [];
  let offsetSeconds = 0;
  for (const line of linesOf(text)) {
    const offset = /^\[offset:\s*([+-]?\d{1,9})\s*\]/i.exec(line.slice(0, 40));
    if (offset) offsetSeconds = Number(offset[1]) / 1000;
    const starts: number[] = [];
    let at = 0;
    while (starts.length < (line.length > mostLineLength ? 1 : mostTimesOfLine)) {
      const [whole, clock] =
        /^\s{0,4}\[(\d{1,4}:\d{1,2}(?:[.:]\d{1,3})?)\]/.exec(line.slice(at, at + 30)) ?? [];
      if (whole === undefined) break;
      const seconds = secondsOf(clock!.replace(/^(\d+:\d+):(\d+)$/, "$1.$2"));
      if (seconds !== null) starts.push(seconds);
      at += whole.length;
    }
    for (const startSeconds of starts) texts.push({ startSeconds, endSeconds: null, text: line.slice(at) });
  }
  if (texts.length === 0) return null;
  const moved = texts.map((cue) => ({ ...cue, startSeconds: Math.max(0, cue.startSeconds - offsetSeconds) }));
  return { texts: withEnds(moved), problems: [] };
}

/** Frames per second of MicroDVD files that do not say theirs. */
const usualFrameRate = 23.976;

/** MicroDVD: `{25}{75}line|line`; a first cue `{1}{1}25` gives the frame rate. `null` if no line is such a cue. */
export function parseMicroDvd(text: string, name: string): TimedTexts | null {
  const rows = linesOf(text);
  const found: { start: number; end: number | null; text: string }[] = [];
  const problems: string[] = [];
  let frameRate: number | null = null;
  for (const [i, row] of rows.entries()) {
    const [whole, start, end] = /^\s*[{[](\d{1,9})[}\]][{[](\d{0,9})[}\]]/.exec(row.slice(0, 60)) ?? [];
    if (whole === undefined) {
      if (row.trim() !== "" && found.length > 0)
        problems.push(`${name}:${i + 1}: expected \`{25}{75}text\`, got ${quoted(row)}`);
      continue;
    }
    const said = row.slice(whole.length);
    const rate = Number(said.replace(",", "."));
    if (found.length === 0 && frameRate === null && rate > 5 && rate < 130) frameRate = rate;
    else found.push({ start: Number(start), end: end === "" ? null : Number(end), text: said });
  }
  if (found.length === 0 && frameRate === null) return null;
  // In square brackets the numbers are tenths of a second (MPL2).
  const perSecond = /^\s*\[/.test(rows.find((row) => row.trim() !== "") ?? "")
    ? 10
    : (frameRate ?? usualFrameRate);
  if (perSecond === usualFrameRate)
    problems.push(`${name} does not give its frame rate: ${usualFrameRate} frames a second are assumed.`);
  const texts = found
    .filter(({ start, end }) => end === null || end >= start)
    .map(({ start, end, text: said }) => ({
      startSeconds: start / perSecond,
      endSeconds: end === null ? null : end / perSecond,
      text: said.split("|").map(plainMicroDvd).join("\n"),
    }));
  return { texts: withEnds(texts), problems };
}

/** A line without `{y:i}` and the like; `/` before a line means italics. */
const plainMicroDvd = (line: string) => line.replace(/\{[A-Za-z]:[^{}]*\}/g, "").replace(/^\s*\//, "");

/** Rows `start end text` in milliseconds, as Whisper writes them. `null` for another table. */
export function parseTsv(text: string): TimedTexts | null {
  const [head = "", ...rows] = linesOf(text);
  if (!/^start\tend\ttext\s*$/i.test(head)) return null;
  const texts = rows.flatMap((row): TimedText[] => {
    const [start, end, ...said] = row.split("\t");
    const [startSeconds, endSeconds] = [Number(start) / 1000, Number(end) / 1000];
    if (start === "" || said.length === 0 || !(endSeconds >= startSeconds)) return [];
    return [{ startSeconds, endSeconds, text: said.join(" ") }];
  });
  return { texts, problems: [] };
}

/** SAMI: `<SYNC Start=1000><P Class=ENCC>line<br>line`; a blank text ends the one before. `null` for another document. */
export function parseSami(text: string): TimedTexts | null {
  if (!/<sami/i.test(text.slice(0, 2000))) return null;
  const texts: OpenText[] = [];
  const parts = text.split(/<sync([^<>]*)>/i);
  for (let i = 1; i < parts.length; i += 2) {
    const start = /start\s{0,4}=\s{0,4}["']?(\d{1,12})/i.exec(parts[i]!.slice(0, 200))?.[1];
    if (start === undefined) continue;
    const said = parts[i + 1]!.replace(/\s+/g, " ").replace(/<br[^<>]*>/gi, "\n");
    const isBlank = said.replace(/<[^<>]*>|&nbsp;|\s/gi, "") === "";
    texts.push({ startSeconds: Number(start) / 1000, endSeconds: null, text: isBlank ? "" : said });
  }
  return { texts: withEnds(texts).filter((cue) => cue.text !== ""), problems: [] };
}
