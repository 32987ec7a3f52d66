/**
 * Subtitles and transcripts of any format → cues: who says what, when, in which language.
 *
 * A format is told by the file's extension and its content. What does not parse is skipped and reported; a file without
 * any cue is refused. How texts become cues is in `subtitles/cue-reader.ts`.
 */
import { extname } from "node:path";
import { DataError } from "../../errors.ts";
import type { Cue } from "../clip.ts";
import { parseAss } from "./subtitles/ass.ts";
import { CueReader } from "./subtitles/cue-reader.ts";
import { parseLrc, parseMicroDvd, parseSami, parseSbv, parseTsv } from "./subtitles/line-formats.ts";
import { parseSrt } from "./subtitles/srt.ts";
import { quoted, type TimedText, type TimedTexts } from "./subtitles/timed-text.ts";
import { parseTranscript } from "./subtitles/transcript.ts";
import { parseTtml } from "./subtitles/ttml.ts";
import { parseWhisper } from "./subtitles/whisper.ts";

/** How a subtitle file is read. */
export interface SubtitleOptions {
  /** For messages, and for the format: the file's path. */
  readonly name: string;
  readonly kind?: Cue["kind"];
  readonly origin?: Cue["origin"];
  /** BCP 47 tag of the file, if its name or track gives one. */
  readonly language?: string | null;
  /** Languages to keep, as BCP 47 tags. @default all */
  readonly languages?: readonly string[];
  /** Of a file that grew: its text as an earlier run read it. What came since is not joined to it. @default nothing */
  readonly textRead?: string | undefined;
}

/** The cues of a subtitle file, and what was skipped. */
export interface Subtitles {
  /** In time order. */
  readonly cues: readonly Cue[];
  /** One sentence for each part that was skipped. */
  readonly problems: readonly string[];
}

type Parser = (text: string, name: string) => TimedTexts | null;

/** Formats by their extensions. Each parser gives `null` for a text that is not in its format. */
const formats: Readonly<Record<string, readonly Parser[]>> = {
  ".srt": [parseSrt],
  ".vtt": [parseSrt],
  ".ass": [parseAss],
  ".ssa": [parseAss],
  ".ttml": [parseTtml],
  ".dfxp": [parseTtml],
  ".itt": [parseTtml],
  ".xml": [parseTtml],
  ".sbv": [parseSbv],
  ".lrc": [parseLrc],
  ".sub": [parseMicroDvd],
  ".smi": [parseSami],
  ".sami": [parseSami],
  ".json": [parseWhisper],
  ".json3": [parseWhisper],
  ".tsv": [parseTsv],
  ".txt": [parseMicroDvd, parseTranscript],
};
/** Formats that are sure to be told by their content, for files whose extension lies. */
const sure: readonly Parser[] = [parseSrt, parseAss, parseTtml, parseSbv, parseSami, parseMicroDvd];

/** Extensions of files that hold subtitles or a transcript. */
export const subtitleExtensions: ReadonlySet<string> = new Set(Object.keys(formats));
/** Those that as often hold something else: only the content tells. */
export const ambiguousExtensions: ReadonlySet<string> = new Set([".json", ".xml", ".txt", ".tsv", ".sub"]);

/** Cues of a subtitle file. @throws DataError if the text is no subtitle file */
export function parseSubtitles(text: string, options: SubtitleOptions): Subtitles {
  const parsed = parseTexts(text, options.name);
  if (parsed === null) throw noSubtitles(text, options.name);
  const about = {
    origin: options.origin ?? "stream",
    language: options.language ?? parsed.language ?? null,
    languages: options.languages ?? [],
  };
  const usual = options.kind ?? parsed.kind ?? "speech";
  const keyOf = ({ startSeconds, text: said }: TimedText) => `${startSeconds} ${said.trim()}`;
  const earlier = options.textRead === undefined ? null : parseTexts(options.textRead, options.name);
  const known = new Set(earlier?.texts.map(keyOf));
  const wasRead = earlier === null ? undefined : (each: TimedText) => known.has(keyOf(each));
  const read = [...byKind(parsed.texts, usual)].map(([kind, texts]) =>
    CueReader.readAll(texts, { kind, ...about, wasRead }),
  );
  return {
    cues: read.flatMap(({ cues }) => cues).sort((a, b) => a.startSeconds - b.startSeconds),
    problems: [
      ...bounded(parsed.problems),
      ...read.flatMap(({ problems }) => problems.map((problem) => `${options.name}: ${problem}`)),
    ],
  };
}

/** Texts of a file in whichever format it is; `null` if it is in none. */
export function parseTexts(text: string, name: string): TimedTexts | null {
  const said = text.replace(/^\uFEFF/, "");
  const own = formats[extname(name).toLowerCase()] ?? [parseSrt];
  for (const parse of [...own, ...sure.filter((parser) => !own.includes(parser))]) {
    const parsed = parse(said, name);
    if (parsed !== null) return parsed;
  }
  return null;
}

function byKind(texts: readonly TimedText[], usual: Cue["kind"]): Map<Cue["kind"], TimedText[]> {
  const kinds = new Map<Cue["kind"], TimedText[]>();
  for (const text of texts) {
    const kind = text.kind ?? usual;
    const same = kinds.get(kind);
    if (same) same.push(text);
    else kinds.set(kind, [text]);
  }
  return kinds;
}

/** Most parts of a file that are named one by one. */
const mostNamed = 20;

function bounded(problems: readonly string[]): string[] {
  const more = problems.length - mostNamed;
  return more <= 1
    ? [...problems]
    : [...problems.slice(0, mostNamed), `${more} more parts were skipped likewise.`];
}

function noSubtitles(text: string, name: string): DataError {
  const lines = text.slice(0, 10_000).split(/\r\n|\r|\n/);
  const line = Math.max(
    0,
    lines.findIndex((each) => each.trim() !== ""),
  );
  const got = quoted(lines[line] ?? "");
  const isPlain = /\.(txt|md)$/i.test(name);
  return new DataError(
    "subtitles-unreadable",
    isPlain
      ? `The text ${name} has no times, so nothing tells when its lines were said. Put a time before each ` +
          `(\`00:01 Ana: …\`), or push the lines by \`live\`.`
      : `Expected subtitles or a transcript with times in ${name}, got ${got} in line ${line + 1}. No line is a timing ` +
          "like `00:00:01,000 --> 00:00:02,000`.",
    { details: { path: name, line: line + 1 } },
  );
}
