/**
 * Which texts belong to a recorded medium: named subtitles, files beside it, tracks inside it.
 *
 * Of all texts of what is said one is taken: the full one in the most wanted language. Remarks on the film and texts of
 * only what is foreign in it are taken where there is nothing else. What is not taken is named.
 */
import { readdir, stat } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { isTaskMemError } from "../../errors.ts";
import type { Cue, LeftOut } from "../clip.ts";
import type { MediaInfo } from "../ffmpeg.ts";
import type { MediaTexts } from "../files/recorded.ts";
import { CueReader } from "./subtitles/cue-reader.ts";
import { type Subtitles, subtitleExtensions } from "./subtitles.ts";
import { type Candidate, holdsTexts, inOrder, mostNamed, notTaken, unreadFile } from "./text-candidates.ts";
import { factsBeside, factsOfTitle, isCaptionName } from "./text-names.ts";
import { readTexts, unreadTexts } from "./texts.ts";

/** What the user wants of the texts. */
export interface MediaTextOptions {
  readonly languages: readonly string[];
  /** Subtitle file or http URL to use instead of those beside or inside the medium. */
  readonly subtitles?: string | undefined;
}

/** A text that a medium is watched with. */
export interface UsedText {
  /** Whether it is what is said; otherwise captions of pictures, or rows. */
  readonly isSpeech: boolean;
  /** Name for people: `talk.srt`, `track 2`. */
  readonly name: string;
  /** Its size; 0 for a track or an address. */
  readonly bytes: number;
}

/** `path` is `null` for a medium that no file can lie beside. @throws DataError if the named subtitles cannot be read */
export async function textsOf(
  path: string | null,
  info: MediaInfo,
  { subtitles, languages }: MediaTextOptions,
): Promise<{ texts: MediaTexts; leftOut: readonly LeftOut[]; used: readonly UsedText[] }> {
  const beside = path === null ? nothingBeside : await filesBeside(path);
  const leftOut = [...beside.leftOut, ...unreadTracks(info), ...otherTracks(info)];
  const others = await readAll(beside.others, languages, leftOut);
  const candidates = [...beside.speech, ...tracksOf(info)];
  const named = subtitles === undefined ? null : await readTexts(subtitles, { origin: "sidecar", languages });
  if (named) leftOut.push(...unreadTexts(named.problems));
  const hasSpeech = named !== null || others.some(({ kind }) => kind === "speech");
  const taken = hasSpeech ? null : await firstReadable(inOrder(candidates, languages), languages, leftOut);
  const chosen = named ? basename(subtitles!) : (taken?.candidate.name ?? null);
  leftOut.push(...notTaken(candidates, taken?.candidate ?? null, chosen, languages));
  const spoken = named?.cues ?? taken?.read?.cues ?? [];
  const track = taken && "track" in taken.candidate.from ? taken.candidate.from.track : null;
  return {
    texts: {
      cues: [...spoken, ...others.filter(({ kind }) => !named || kind !== "speech")],
      tracks: track ? [track] : [],
      readerOf: ({ language }) => new CueReader({ kind: "speech", origin: "embedded", language, languages }),
    },
    leftOut,
    used: await usedTexts(taken?.candidate ?? null, subtitles, beside.others),
  };
}

async function usedTexts(
  taken: Candidate | null,
  subtitles: string | undefined,
  others: readonly string[],
): Promise<UsedText[]> {
  const sizeOf = async (path: string) => (await stat(path).catch(() => ({ size: 0 }))).size;
  const used: UsedText[] = [];
  if (subtitles !== undefined) used.push({ isSpeech: true, name: basename(subtitles), bytes: 0 });
  if (taken !== null) {
    const bytes = "path" in taken.from ? await sizeOf(taken.from.path) : 0;
    used.push({ isSpeech: true, name: taken.name, bytes });
  }
  for (const path of others) used.push({ isSpeech: false, name: basename(path), bytes: await sizeOf(path) });
  return used;
}

/** A text with fewer cues than this share of another's tells only what is foreign. */
const leastShare = 0.1;

/**
 * The first candidate that says something. A file that cannot be read is named, and the next one tried; one that says
 * little beside a track of the medium is a last resort.
 */
async function firstReadable(
  candidates: readonly Candidate[],
  languages: readonly string[],
  leftOut: LeftOut[],
): Promise<{ candidate: Candidate; read: Subtitles | null } | null> {
  let sparse: { candidate: Candidate; read: Subtitles } | null = null;
  for (const candidate of candidates) {
    if ("track" in candidate.from) {
      const isLast = candidate.role === "forced" && sparse !== null;
      return isLast ? sparse : { candidate, read: null };
    }
    const read = await readBeside(candidate.from.path, languages, leftOut);
    const most = Math.max(0, ...candidates.map(({ from }) => ("track" in from && from.track.cues) || 0));
    if (read === null || read.cues.length === 0) continue;
    if (read.cues.length >= leastShare * most) return { candidate, read };
    sparse ??= { candidate, read };
  }
  return sparse;
}

async function readBeside(
  path: string,
  languages: readonly string[],
  leftOut: LeftOut[],
): Promise<Subtitles | null> {
  try {
    const read = await readTexts(path, { origin: "sidecar", languages });
    leftOut.push(...unreadTexts(read.problems));
    return read;
  } catch (error) {
    const isRows = extname(path).toLowerCase() === ".jsonl";
    if (!isTaskMemError(error) || isRows) throw error;
    leftOut.push({ kind: "text", name: basename(path), reason: error.message });
    return null;
  }
}

async function readAll(
  paths: readonly string[],
  languages: readonly string[],
  leftOut: LeftOut[],
): Promise<Cue[]> {
  const cues: Cue[] = [];
  for (const path of paths) cues.push(...((await readBeside(path, languages, leftOut))?.cues ?? []));
  return cues;
}

/** Files beside a medium: texts of what is said, captions and rows, and what is not read. */
interface Beside {
  readonly speech: readonly Candidate[];
  /** Captions of pictures, and JSONL rows. */
  readonly others: readonly string[];
  readonly leftOut: readonly LeftOut[];
}

const nothingBeside: Beside = { speech: [], others: [], leftOut: [] };

/** Subtitles of formats that are not read here: pictures of text, and rare ones. */
const unread = /\.(sup|idx|stl|scc|mks|usf|pgs|cap|ttxt|rt|pjs|jss|aqt)$/i;

export async function filesBeside(
  mediaPath: string,
  namesIn: (folder: string) => Promise<readonly string[]> = (folder) => readdir(folder),
): Promise<Beside> {
  const stem = basename(mediaPath, extname(mediaPath));
  const folder = dirname(mediaPath);
  const names = (await namesIn(folder)).filter((name) => name.startsWith(stem)).sort();
  const isText = (name: string) =>
    subtitleExtensions.has(extname(name).toLowerCase()) || /\.jsonl$/i.test(name);
  // The texts of `talk.part2.mp4` begin with the name of `talk.mp4` too.
  const longer = names
    .filter((name) => !isText(name) && !unread.test(name))
    .map((name) => basename(name, extname(name)))
    .filter((other) => other.length > stem.length);
  const speech: Candidate[] = [];
  const others: string[] = [];
  const leftOut: LeftOut[] = [];
  for (const name of names) {
    const facts = factsBeside(name, stem);
    if (facts === null || longer.some((other) => factsBeside(name, other) !== null)) continue;
    const path = join(folder, name);
    if (unread.test(name)) leftOut.push(unreadFile(name, facts.language));
    else if (!isText(name)) continue;
    else if (/\.jsonl$/i.test(name) || isCaptionName(name)) others.push(path);
    else if (await holdsTexts(path))
      speech.push({ name, ...facts, isDefault: /\.default\./i.test(name), from: { path } });
    else if (/\.(txt|sub)$/i.test(name)) leftOut.push(unreadFile(name, facts.language));
  }
  return { speech, others, leftOut };
}

function tracksOf({ texts }: MediaInfo): Candidate[] {
  return texts.map((track) => {
    const titled = factsOfTitle(track.title ?? "");
    const language = track.language ?? titled.language;
    const fellows = texts.filter((other) => other.language === track.language).map(({ cues }) => cues ?? 0);
    const isSparse = track.cues !== null && track.cues < leastShare * Math.max(...fellows);
    const role =
      track.role !== "full" ? track.role : titled.role === "full" && isSparse ? "forced" : titled.role;
    return { name: `track ${track.index}`, language, role, isDefault: track.isDefault, from: { track } };
  });
}

/** Sound and pictures that are not decoded. */
function otherTracks({ otherTracks: { sound, picture } }: MediaInfo): LeftOut[] {
  const said = (names: readonly string[], kind: string, verb: string): LeftOut[] => {
    if (names.length === 0) return [];
    const count =
      names.length === 1 ? `One more ${kind} track is` : `${names.length} more ${kind} tracks are`;
    const which = names.slice(0, mostNamed).join("; ");
    const reason = `${count} not ${verb} (${which}): the default one is. Put another into a file of its own to watch it.`;
    return [{ kind: "track", name: null, reason }];
  };
  return [...said(sound, "sound", "heard"), ...said(picture, "picture", "looked at")];
}

/** Subtitle tracks of kinds that are not read. */
function unreadTracks({ otherTexts }: MediaInfo): LeftOut[] {
  if (otherTexts.length === 0) return [];
  const kinds = otherTexts.map(({ language, codec }) => `${language ?? "language unknown"}, ${codec}`);
  const which = [...new Set(kinds)].slice(0, mostNamed).join("; ");
  const count =
    otherTexts.length === 1 ? "One subtitle track is" : `${otherTexts.length} subtitle tracks are`;
  const reason = `${count} pictures, or of a kind that is not read (${which}). Name a text with --subtitles.`;
  return [{ kind: "track", name: null, reason }];
}
