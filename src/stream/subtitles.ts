/**
 * Parses SRT and WebVTT into cues: who says what, when, in which language.
 *
 * It accepts the usual deviations (byte order marks, any line end, missing hours, odd header lines, a blank line inside
 * a cue) but guesses nothing: a cue that does not parse is skipped and reported, and a file without any cue is refused.
 * Position, style and regions are left out.
 */
import { DataError } from "../errors.ts";
import type { Cue } from "./clip.ts";
import { languageOfScript, type Script, scriptOf } from "./languages.ts";

/** How a subtitle file is read. */
export interface SubtitleOptions {
  /** For messages: the file's path. */
  readonly name: string;
  readonly kind?: Cue["kind"];
  readonly origin?: Cue["origin"];
  /** BCP 47 tag of the file, if its name or track gives one. */
  readonly language?: string | null;
}

/** The cues of a subtitle file, and what was skipped. */
export interface Subtitles {
  /** In time order. */
  readonly cues: readonly Cue[];
  /** One sentence for each cue that was skipped. */
  readonly problems: readonly string[];
}

/** Cues of a subtitle file. @throws DataError if the text is no subtitle file */
export function parseSubtitles(text: string, options: SubtitleOptions): Subtitles {
  const lines = text.replace(/^\uFEFF/, "").split(/\r\n|\r|\n/);
  const isVtt = /^WEBVTT(\s|$)/.test(lines[0] ?? "");
  const header = isVtt ? vttHeader(lines) : {};
  const about = {
    kind: options.kind ?? header.kind ?? "speech",
    origin: options.origin ?? "stream",
    language: options.language ?? header.language ?? null,
  };
  const cues: Cue[] = [];
  const problems: string[] = [];
  let firstOdd: number | null = null;
  for (const block of blocks(lines)) {
    const [first = ""] = block.lines;
    if (isVtt && (block.line === 1 || /^(NOTE|STYLE|REGION)(\s|$)/.test(first))) continue;
    const timingAt = block.lines.findIndex((line) => line.includes("-->"));
    const timing = timingAt >= 0 && timingAt <= 1 ? parseTiming(block.lines[timingAt]!) : null;
    const where = `${options.name}:${block.line + Math.max(0, timingAt)}`;
    if (timing === null) {
      const previous = cues.at(-1);
      if (timingAt < 0 && !isVtt && previous && !/^\d+$/.test(first.trim())) {
        cues.push(...cuesOfText(block.lines.join("\n"), { ...previous, ...about })); // a blank line inside a cue
        continue;
      }
      firstOdd ??= block.line + Math.max(0, timingAt);
      problems.push(
        `${where}: expected \`00:00:01,000 --> 00:00:02,000\`, got ${quoted(block.lines[Math.max(0, timingAt)]!)}`,
      );
    } else if (timing.endSeconds < timing.startSeconds) {
      problems.push(`${where}: the cue ends before it starts`);
    } else {
      cues.push(...cuesOfText(block.lines.slice(timingAt + 1).join("\n"), { ...timing, ...about }));
    }
  }
  const isSubtitles = isVtt || cues.length > 0 || lines.some((line) => parseTiming(line) !== null);
  if (!isSubtitles) {
    const line = firstOdd ?? 1;
    const got = quoted(lines[line - 1] ?? "");
    throw new DataError(
      "subtitles-unreadable",
      `Expected SRT or WebVTT in ${options.name}, got ${got} in line ${line}. No line is a timing like \`00:00:01,000 --> 00:00:02,000\`.`,
      { details: { path: options.name, line } },
    );
  }
  cues.sort((a, b) => a.startSeconds - b.startSeconds);
  return { cues, problems };
}

/** Runs of lines without a blank one, with the number of their first line. */
function* blocks(lines: readonly string[]): Generator<{ line: number; lines: string[] }> {
  let block: string[] = [];
  for (let i = 0; i <= lines.length; i++) {
    const line = lines[i];
    if (line !== undefined && line.trim() !== "") block.push(line);
    else if (block.length > 0) {
      yield { line: i - block.length + 1, lines: block };
      block = [];
    }
  }
}

/** `Kind:` and `Language:` lines below WEBVTT, which are not in the standard but in many files. */
function vttHeader(lines: readonly string[]): { kind?: Cue["kind"]; language?: string } {
  const header = lines.slice(
    1,
    Math.max(
      1,
      lines.findIndex((line) => line.trim() === ""),
    ),
  );
  const value = (key: RegExp) =>
    header
      .find((line) => key.test(line))
      ?.replace(/^[^:]*:\s*/, "")
      .trim();
  const language = value(/^lang(uage)?\s*:/i);
  return {
    ...(/^(descriptions|metadata)$/i.test(value(/^kind\s*:/i) ?? "") && { kind: "caption" }),
    ...(language && { language }),
  };
}

const clock = String.raw`(?:(\d+):)?(\d{1,2}):(\d{1,2})(?:[.,](\d{1,3}))?`;
const timingPattern = new RegExp(String.raw`^\s*${clock}\s*-->\s*${clock}(?:\s.*)?$`);

function parseTiming(line: string): { startSeconds: number; endSeconds: number } | null {
  const match = timingPattern.exec(line);
  if (!match) return null;
  const at = (i: number) =>
    (Number(match[i] ?? 0) * 3600_000 +
      Number(match[i + 1]) * 60_000 +
      Number(match[i + 2]) * 1000 +
      Number((match[i + 3] ?? "").padEnd(3, "0"))) /
    1000;
  if ([2, 3, 6, 7].some((i) => Number(match[i]) > 59)) return null;
  return { startSeconds: at(1), endSeconds: at(5) };
}

/** One spoken or written piece of a cue. */
interface Piece {
  speaker: string | null;
  text: string;
  script: Script;
}

/**
 * The cues in one cue's text: one per voice, dialogue dash, named speaker and language.
 *
 * A cue in two languages (one line each, by script) gives one cue in each; Latin letters beside another script are
 * `und-Latn` unless the file names a language written so.
 */
export function cuesOfText(text: string, about: Omit<Cue, "text" | "speaker">): Cue[] {
  const pieces: Piece[] = [];
  for (const { voice, text: said } of voices(text)) {
    const lines = said
      .split("\n")
      .map(cleanLine)
      .filter((line) => line !== "");
    const dashes = lines.filter((line) => dash.test(line)).length;
    for (const line of lines) {
      const { speaker, rest } = splitSpeaker(dashes > 0 ? line.replace(dash, "") : line);
      if (rest === "") continue;
      const script = scriptOf(rest);
      const last = pieces.at(-1);
      const isNew =
        last === undefined ||
        speaker !== null ||
        (voice !== null && voice !== last.speaker) ||
        (dashes > 1 && dash.test(line)) ||
        (script !== null && last.script !== null && script !== last.script);
      if (isNew) pieces.push({ speaker: speaker ?? voice, text: rest, script });
      else {
        last.text += ` ${rest}`;
        last.script ??= script;
      }
    }
  }
  const isBilingual =
    new Set(pieces.map(({ script }) => script).filter((script) => script !== null)).size > 1;
  return pieces.map(({ speaker, text: said, script }, i) => ({
    ...about,
    text: said.replace(/\s+/g, " "),
    speaker: speaker ?? (isBilingual ? (pieces[i - 1]?.speaker ?? null) : null),
    language: languageOfScript(script, about.language, isBilingual),
  }));
}

/** Runs of text under one `<v Name>` each. */
function voices(text: string): { voice: string | null; text: string }[] {
  const parts = text.split(/<v(?:\.[^\s>]*)?[ \t]+([^>]*)>|<\/v>/);
  // With one capture group, split gives text, name, text, name, text...; the name is undefined for a closing tag.
  const runs: { voice: string | null; text: string }[] = [];
  for (let i = 0; i < parts.length; i += 2) {
    const name = i === 0 ? undefined : parts[i - 1];
    runs.push({ voice: name ? cleanLine(name) : null, text: parts[i] ?? "" });
  }
  return runs;
}

const dash = /^[-–—]\s*(?=\S)/;

const entities: Record<string, string> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: " ",
  lrm: "",
  rlm: "",
};

/** A line without markup: tags, `{\an8}`, karaoke times; entities decoded. */
function cleanLine(line: string): string {
  return line
    .replace(/\{\\[^}]*\}/g, "")
    .replace(/<\/?[a-z][^<>]*>|<\d+:[\d:.]+>/gi, "")
    .replace(/&(?:#(\d+)|#x([\da-f]+)|([a-z]+));/gi, (whole, decimal, hex, name) => {
      const code = decimal ? Number(decimal) : hex ? Number.parseInt(hex, 16) : null;
      if (code !== null) return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
      return entities[String(name).toLowerCase()] ?? whole;
    })
    .replace(/[\u200b\u200e\u200f\u202a-\u202e\ufeff]/g, "")
    .replace(/\s+/g, " ")
    .trim();
}

/** Words before a colon that are no speaker. Lower case. */
const noNames = new Set(
  (
    "note notes warning caution tip hint hints example examples question answer chapter part section step scene act " +
    "today tomorrow yesterday update remember attention important problem solution result results summary subtitle " +
    "subtitles translation translated transcript caption captions reminder ps re subject title time date place " +
    "location address source sources credit credits copyright http https www first second third finally next then " +
    "also plus warning error fact facts listen look see wait conclusion introduction topic agenda option options"
  ).split(" "),
);
const namePattern =
  /^(?:>>+\s*)?(\p{Lu}[\p{L}\p{M}\p{N}_'’.-]*(?: (?:\p{Lu}|\p{N})[\p{L}\p{M}\p{N}_'’.-]*){0,2})(?:\s*[([][^)\]]{1,30}[)\]])?\s*[:：](?!\/\/)\s*(.*)$/u;

/**
 * A speaker named before a colon: `Jake: …`, `NAR: …`, `>> DR. SMITH: …`, `Speaker 2: …`.
 *
 * A speaker is one to three capitalised words of at most 30 characters. Words such as "Note" and times such as "10:30"
 * are no speakers.
 */
export function splitSpeaker(line: string): { speaker: string | null; rest: string } {
  const match = namePattern.exec(line);
  const name = match?.[1] ?? "";
  const [firstWord = ""] = name.toLowerCase().split(/[ .]/);
  if (!match || name.length > 30 || noNames.has(firstWord)) {
    return { speaker: null, rest: line.replace(/^>>+\s*/, "") };
  }
  return { speaker: name, rest: match[2]! };
}

function quoted(line: string): string {
  return JSON.stringify(line.length > 60 ? `${line.slice(0, 60)}…` : line);
}
