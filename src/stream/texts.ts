/**
 * Text files as cues: subtitles, transcripts and JSONL rows; finding them beside a medium, and reading language and kind
 * from their names.
 */
import { readdir, readFile } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { z } from "zod";
import { DataError } from "../errors.ts";
import type { Cue, LeftOut } from "./clip.ts";
import { decodeText } from "./encoding.ts";
import { canonical, inLanguages, isWanted } from "./languages.ts";
import { withoutRepeats } from "./subtitles/rolling.ts";
import { parseSubtitles, type Subtitles } from "./subtitles.ts";

export const textExtensions = new Set([".srt", ".vtt", ".jsonl"]);

/** How a text file is read. */
export interface TextOptions {
  /** What the lines are. @default as the file says, otherwise its name */
  readonly kind?: "speech" | "caption" | undefined;
  readonly origin?: Cue["origin"];
  /** Languages to keep, as BCP 47 tags; an empty list keeps all. */
  readonly languages: readonly string[];
}

/** Reads a text file. @throws DataError if it is missing, not in its format, or has a wrong JSONL row */
export async function readTexts(path: string, options: TextOptions): Promise<Subtitles> {
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    throw new DataError("file-unreadable", `The text file ${path} cannot be read: ${cause.code}.`, {
      cause,
      details: { path },
    });
  });
  const { origin = "stream", languages } = options;
  const kind = options.kind ?? (isCaptionName(path) ? "caption" : undefined);
  const text = decodeText(bytes, { name: path, language: languageOfName(path) });
  const read =
    extname(path).toLowerCase() === ".jsonl"
      ? parseRows(text, { name: path, kind, origin })
      : parseSubtitles(text, {
          ...{ name: path, origin, language: languageOfName(path), languages },
          ...(kind && { kind }),
        });
  return { ...read, cues: inLanguages(read.cues, languages) };
}

const rowSchema = z.object({
  startSeconds: z.number().min(0),
  endSeconds: z.number().min(0),
  text: z.string(),
  speaker: z.string().min(1).nullish(),
  kind: z.enum(["speech", "caption", "screen"]).optional(),
  language: z.string().nullish(),
});

/** Reads JSONL, one cue per line; blank lines are skipped. @throws DataError that names the first wrong line */
function parseRows(
  text: string,
  about: { name: string; kind: Cue["kind"] | undefined; origin: Cue["origin"] },
): Subtitles {
  const cues: Cue[] = [];
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === "") continue;
    const row = rowSchema.safeParse(parsedJson(line));
    const problem = row.success
      ? row.data.endSeconds < row.data.startSeconds && "endSeconds lies before startSeconds"
      : row.error.issues.map(({ path, message }) => `${path.join(".") || "row"}: ${message}`).join("; ");
    if (!row.success || problem) {
      throw new DataError(
        "row-invalid",
        `Expected {"startSeconds", "endSeconds", "text", "speaker"?, "kind"?} in ${about.name}:${i + 1}, got ${problem}`,
        { details: { path: about.name, line: i + 1 } },
      );
    }
    const { startSeconds, endSeconds, speaker = null, language = null } = row.data;
    const said = row.data.text.replace(/\s+/g, " ").trim();
    const kind = row.data.kind ?? about.kind ?? "speech";
    if (said !== "")
      cues.push({ startSeconds, endSeconds, text: said, speaker, kind, origin: about.origin, language });
  }
  const inOrder = (some: Cue[]) => some.sort((a, b) => a.startSeconds - b.startSeconds);
  const spoken = inOrder(cues.filter(({ kind }) => kind === "speech"));
  const others = cues.filter(({ kind }) => kind !== "speech");
  return { cues: inOrder([...withoutRepeats(spoken), ...others]), problems: [] };
}

function parsedJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** Whether a name says that its texts describe pictures. "captions" alone does not: on the web it means subtitles. */
function isCaptionName(path: string): boolean {
  const folders = dirname(path).split(/[\\/]/).slice(-4).join("/");
  return (
    /dense.?caption/i.test(`${folders}/${basename(path)}`) ||
    /\.captions\.|descriptions?[._]/i.test(basename(path))
  );
}

const languageNames = new Intl.DisplayNames(["en"], { type: "language", fallback: "none" });

/** The language tag in a name such as `talk.en.vtt` or `captions_zh-cn.vtt`; `null` if there is none. */
export function languageOfName(path: string): string | null {
  const [, tag] = /[._-]([a-z]{2,3}(?:-[a-z]{2,4})?)$/i.exec(basename(path, extname(path))) ?? [];
  return tag !== undefined && languageNames.of(canonical(tag).split("-")[0]!) !== undefined
    ? canonical(tag)
    : null;
}

/** Cues of the text files that belong to a medium: speech in the most wanted language, captions, other rows. */
export async function readSidecars(mediaPath: string, languages: readonly string[]): Promise<Subtitles> {
  const stem = basename(mediaPath, extname(mediaPath));
  const folder = dirname(mediaPath);
  const names = (await readdir(folder)).filter((name) => {
    const rest = name.startsWith(`${stem}.`) ? name.slice(stem.length + 1) : null;
    return rest !== null && /^([\w-]+\.){0,2}(srt|vtt|jsonl)$/i.test(rest);
  });
  const isSpeech = (name: string) => !isCaptionName(name) && extname(name).toLowerCase() !== ".jsonl";
  const speech = bestLanguage(names.filter(isSpeech).sort(byLength), languageOfName, languages);
  const read: Subtitles[] = [];
  for (const name of [...speech, ...names.filter((other) => !isSpeech(other))].sort()) {
    read.push(await readTexts(join(folder, name), { origin: "sidecar", languages }));
  }
  return {
    cues: read.flatMap(({ cues }) => cues),
    problems: read.flatMap(({ problems }) => problems),
  };
}

/** Cues that could not be read, as things left out. */
export const unreadTexts = (problems: readonly string[]): LeftOut[] =>
  problems.map((reason) => ({ kind: "text", name: null, reason }));

const byLength = (a: string, b: string) => a.length - b.length || a.localeCompare(b);

/**
 * Of several texts of one recording, the one in the most wanted language, or the first if no language is wanted or
 * known.
 */
export function bestLanguage<T>(
  texts: readonly T[],
  languageOf: (text: T) => string | null,
  wanted: readonly string[],
): T[] {
  const rankOf = (text: T) => {
    const language = languageOf(text);
    const rank = wanted.findIndex((tag) => language !== null && isWanted(language, [tag]));
    return rank >= 0 ? rank : language === null ? wanted.length : Number.POSITIVE_INFINITY;
  };
  const best = texts.reduce<T | undefined>(
    (a, b) => (a === undefined || rankOf(b) < rankOf(a) ? b : a),
    undefined,
  );
  return best === undefined || (wanted.length > 0 && rankOf(best) === Number.POSITIVE_INFINITY) ? [] : [best];
}
