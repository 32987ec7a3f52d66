/** Text files, on disk or on the web, as cues: subtitles, transcripts and JSONL rows. */
import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import { z } from "zod";
import { DataError } from "../../errors.ts";
import { oneLine } from "../../util/plain-text.ts";
import type { Cue, LeftOut } from "../clip.ts";
import { withoutSecrets } from "../live/connection-problem.ts";
import { decodeText } from "./encoding.ts";
import { inLanguages } from "./languages.ts";
import { withoutRepeats } from "./subtitles/rolling.ts";
import { parseSubtitles, type Subtitles, subtitleExtensions } from "./subtitles.ts";
import { isCaptionName, languageOfName } from "./text-names.ts";

/** Extensions of files that are read as texts. */
export const textExtensions: ReadonlySet<string> = new Set([...subtitleExtensions, ".jsonl"]);

/** How a text file is read. */
export interface TextOptions {
  /** What the lines are. @default as the file says, otherwise its name */
  readonly kind?: "speech" | "caption" | undefined;
  readonly origin?: Cue["origin"];
  /** Languages to keep, as BCP 47 tags; an empty list keeps all. */
  readonly languages: readonly string[];
  /** How many bytes of a file are read: one that is still written may be longer by then. @default all */
  readonly firstBytes?: number | undefined;
  /** How many of its bytes an earlier run read: what came since is not joined to what was said then. @default none */
  readonly bytesRead?: number | undefined;
}

/** Reads a text file, by path or by http URL. @throws DataError if it is missing, not in its format, or has a wrong JSONL row */
export async function readTexts(place: string, options: TextOptions): Promise<Subtitles> {
  const name = isWebAddress(place) ? new URL(place).pathname : place;
  const shown = isWebAddress(place) ? withoutSecrets(place) : place;
  const bytes = isWebAddress(place) ? await fetched(place) : await onDisk(place, options.firstBytes);
  const { origin = "stream", languages } = options;
  const kind = options.kind ?? (isCaptionName(name) ? "caption" : undefined);
  const language = languageOfName(name);
  const decoded = (some: Uint8Array) => decodeText(some, { name: shown, language });
  const text = decoded(bytes);
  const textRead = options.bytesRead ? decoded(bytes.subarray(0, options.bytesRead)) : undefined;
  const read =
    extname(name).toLowerCase() === ".jsonl"
      ? parseRows(text, { name: shown, kind, origin })
      : parseSubtitles(text, { name: shown, origin, language, languages, textRead, ...(kind && { kind }) });
  return { ...read, cues: inLanguages(read.cues, languages) };
}

/** Whether a place is an address on the web. */
export const isWebAddress = (place: string): boolean => /^https?:\/\//i.test(place);

/** More bytes of text than this are refused: a year of speech is less. */
const mostBytes = 256 << 20;
/** Longest wait for an answer. Milliseconds. */
const mostFetchMs = 60_000;

async function onDisk(path: string, firstBytes?: number): Promise<Uint8Array> {
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    throw new DataError("file-unreadable", `The text file ${path} cannot be read: ${cause.code}.`, {
      cause,
      details: { path },
    });
  });
  return firstBytes === undefined ? bytes : bytes.subarray(0, firstBytes);
}

async function fetched(url: string): Promise<Uint8Array> {
  const unreadable = (why: string, cause?: unknown) =>
    new DataError("file-unreadable", `The text at ${withoutSecrets(url)} cannot be read: ${why}.`, {
      cause,
      details: { path: withoutSecrets(url) },
    });
  const response = await fetch(url, { signal: AbortSignal.timeout(mostFetchMs) }).catch((cause: Error) => {
    throw unreadable(((cause.cause as NodeJS.ErrnoException)?.code ?? cause.name).toString(), cause);
  });
  if (!response.ok) throw unreadable(`the server answers ${response.status}`);
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    parts.push(part);
    size += part.length;
    if (size > mostBytes) throw unreadable(`it is longer than ${mostBytes >> 20} MB`);
  }
  return Buffer.concat(parts);
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
  const problems: string[] = [];
  const lines = text.split(/\r?\n/);
  for (const [i, line] of lines.entries()) {
    if (line.trim() === "") continue;
    const parsed = parsedJson(line);
    if (parsed === undefined && i === lines.length - 1 && cues.length > 0) {
      problems.push(`The last row of ${about.name} is not complete; it is read when it is.`);
      continue;
    }
    const row = rowSchema.safeParse(parsed);
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
    const { startSeconds, endSeconds, language = null } = row.data;
    const speaker = row.data.speaker ? oneLine(row.data.speaker) || null : null;
    const said = oneLine(row.data.text);
    const kind = row.data.kind ?? about.kind ?? "speech";
    if (said !== "")
      cues.push({ startSeconds, endSeconds, text: said, speaker, kind, origin: about.origin, language });
  }
  const inOrder = (some: Cue[]) => some.sort((a, b) => a.startSeconds - b.startSeconds);
  const spoken = inOrder(cues.filter(({ kind }) => kind === "speech"));
  const others = cues.filter(({ kind }) => kind !== "speech");
  return { cues: inOrder([...withoutRepeats(spoken), ...others]), problems };
}

function parsedJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** Cues that could not be read, as things left out. */
export const unreadTexts = (problems: readonly string[]): LeftOut[] =>
  problems.map((reason) => ({ kind: "text", name: null, reason }));
