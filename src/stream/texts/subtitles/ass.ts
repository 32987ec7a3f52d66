/**
 * ASS and SSA: the events of a script. Its `Name` field is the speaker; signs are on-screen text. Left out: comments,
 * drawings, styles, and effects written letter by letter.
 */
import type { TimedText, TimedTexts } from "./timed-text.ts";
import { quoted, secondsOf } from "./timed-text.ts";

const usualFields = "layer,start,end,style,name,marginl,marginr,marginv,effect,text".split(",");

/** Texts of an ASS or SSA file; `null` if it has no events. */
export function parseAss(text: string, name: string): TimedTexts | null {
  const texts: TimedText[] = [];
  const problems: string[] = [];
  let fields = usualFields;
  let isEvents = false;
  let hasEvents = false;
  for (const [i, line] of text.split(/\r\n|\r|\n/).entries()) {
    const section = /^\s*\[([^\]]{1,40})\]\s*$/.exec(line.slice(0, 60));
    if (section) isEvents = /^events$/i.test(section[1]!);
    hasEvents ||= isEvents;
    const [, key = "", rest = ""] = /^\s*(Format|Dialogue)\s*:\s?(.*)$/i.exec(line) ?? [];
    if (!isEvents || key === "") continue;
    if (/format/i.test(key)) fields = rest.split(",").map((field) => field.trim().toLowerCase());
    else {
      const event = eventOf(rest, fields);
      if (event === null)
        problems.push(
          `${name}:${i + 1}: expected \`Dialogue: 0,0:00:01.00,0:00:02.00,…\`, got ${quoted(line)}`,
        );
      else if (event.text !== "") texts.push(event);
    }
  }
  return hasEvents ? { texts, problems } : null;
}

/** One event by its fields; the last one, the text, may hold commas. */
function eventOf(row: string, fields: readonly string[]): TimedText | null {
  const values = splitFirst(row, fields.length - 1);
  const value = (field: string) => values[fields.indexOf(field)]?.trim() ?? "";
  const [start, end] = [secondsOf(value("start")), secondsOf(value("end"))];
  if (start === null || end === null || end < start || values.length < fields.length) return null;
  const speaker = value("name") || value("actor");
  const isSign = /^(signs?|typeset\w*|ts|title)\b/i.test(value("style")) || /^sign$/i.test(speaker);
  return {
    ...{ startSeconds: start, endSeconds: end, text: plainAss(values.at(-1)!) },
    ...(speaker !== "" && !isSign && { speaker }),
    ...(isSign && { kind: "screen" as const }),
  };
}

/** Text and speaker of an event as Matroska keeps it: `0,0,Default,Ana,0,0,0,,text`. */
export function blockOfAss(block: string): { text: string; speaker?: string } {
  const values = splitFirst(block, 8);
  const speaker = values[3]?.trim() ?? "";
  return { text: plainAss(values.at(-1)!), ...(speaker !== "" && { speaker }) };
}

/** The text of an event without drawings; its line breaks as such. */
function plainAss(text: string): string {
  let said = "";
  let draws = false;
  for (const part of text.split(/(\{[^{}]*\})/)) {
    if (!part.startsWith("{")) said += draws ? "" : part;
    else {
      const mode = /\\p(\d)/.exec(part);
      if (mode) draws = mode[1] !== "0";
    }
  }
  return said
    .replace(/\\N|\\n/g, "\n")
    .replace(/\\h/g, " ")
    .trim();
}

/** A row cut at its first commas; what follows them is one part. */
function splitFirst(row: string, commas: number): string[] {
  const parts: string[] = [];
  let from = 0;
  while (parts.length < commas) {
    const comma = row.indexOf(",", from);
    if (comma < 0) break;
    parts.push(row.slice(from, comma));
    from = comma + 1;
  }
  return [...parts, row.slice(from)];
}
