/** Texts that say the same, in other languages, for other uses, in other formats: which is taken, and what is said of the rest. */
import { stat } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import type { LeftOut } from "../clip.ts";
import type { TextTrack } from "../ffmpeg.ts";
import { isWanted } from "./languages.ts";
import { ambiguousExtensions, subtitleExtensions } from "./subtitles.ts";
import { factsOfName, isCaptionName, stemOf, type TextRole } from "./text-names.ts";
import { readTexts } from "./texts.ts";

/** A text of what is said in a medium, before it is read. */
export interface Candidate {
  /** Name for people: `talk.de.srt`, `track 3`. */
  readonly name: string;
  readonly language: string | null;
  readonly role: TextRole;
  readonly isDefault: boolean;
  readonly from: { readonly path: string } | { readonly track: TextTrack };
}

/** The best candidates first; those in languages that are not wanted are none. */
export function inOrder(candidates: readonly Candidate[], wanted: readonly string[]): Candidate[] {
  const keys = ({ name, language, role, isDefault, from }: Candidate) => {
    const place = wanted.findIndex((tag) => language !== null && isWanted(language, [tag]));
    const isFile = "path" in from;
    return [
      { full: 0, sdh: 0, commentary: 1, forced: 2 }[role],
      // A file of unknown language was put there for a reason; a track of unknown language is a last resort.
      language === null ? (isFile ? 0 : wanted.length) : Math.max(0, place),
      isFile ? 0 : 1,
      wanted.length > 0 && language === null ? 1 : 0,
      role === "sdh" ? 1 : 0,
      isDefault ? 0 : 1,
      isFile ? [...subtitleExtensions].indexOf(extname(name).toLowerCase()) : 0,
      isFile ? name.length : 0,
    ];
  };
  return candidates
    .filter(({ language }) => isWanted(language, wanted))
    .map((candidate) => ({ candidate, keys: keys(candidate) }))
    .sort((a, b) => {
      const differs = a.keys.findIndex((key, i) => key !== b.keys[i]);
      return differs < 0 ? 0 : a.keys[differs]! - b.keys[differs]!;
    })
    .map(({ candidate }) => candidate);
}

/** A longer file of such an extension is something else. Bytes. */
const mostAmbiguousBytes = 64 << 20;

/** Whether a file whose extension may mean anything is a text with times. */
export async function holdsTexts(path: string): Promise<boolean> {
  if (!ambiguousExtensions.has(extname(path).toLowerCase())) return true;
  if ((await stat(path)).size > mostAmbiguousBytes) return false;
  return readTexts(path, { languages: [] }).then(
    ({ cues }) => cues.length > 0,
    () => false,
  );
}

export function unreadFile(name: string, language: string | null): LeftOut {
  const isPlain = /\.txt$/i.test(name);
  const why = isPlain
    ? "has no times, so nothing tells when its lines were said"
    : "is of a format that is not read";
  const wayOut = isPlain ? "Put a time before each line (00:01 Ana: …)." : "Save it as SRT or WebVTT.";
  return { kind: "track", name, reason: `${name}${inLanguage(language)} ${why}. ${wayOut}` };
}

const inLanguage = (language: string | null) => (language === null ? "" : ` (${language})`);

/** The texts that were not taken, in one sentence for files and one for tracks. */
export function notTaken(
  candidates: readonly Candidate[],
  taken: Candidate | null,
  chosen: string | null,
  wanted: readonly string[],
): LeftOut[] {
  const rest = candidates.filter((candidate) => candidate !== taken);
  const why = chosen === null ? `none is in a wanted language (${wanted.join(", ")})` : `${chosen} is`;
  const wayOut = "--language or --subtitles chooses.";
  const files = rest.filter(({ from }) => "path" in from);
  const tracks = rest.filter(({ from }) => "track" in from);
  const leftOut: LeftOut[] = files.slice(0, mostNamed).map(({ name, ...about }) => ({
    kind: "track",
    name,
    reason: `${name} (${labelOf(about)}) is not read: ${why}. ${wayOut}`,
  }));
  if (tracks.length > 0) {
    const which = tracks.map((track) => `${track.name}: ${labelOf(track)}`).slice(0, mostNamed);
    const count = tracks.length === 1 ? "One subtitle track is" : `${tracks.length} subtitle tracks are`;
    leftOut.push({
      kind: "track",
      name: null,
      reason: `${count} not read (${which.join("; ")}): ${why}. ${wayOut}`,
    });
  }
  return leftOut;
}

/** Most texts that are named one by one. */
export const mostNamed = 40;

const roleNames: Record<TextRole, string | null> = {
  full: null,
  sdh: "for people who hear badly",
  commentary: "commentary",
  forced: "forced",
};

const labelOf = ({ language, role }: Pick<Candidate, "language" | "role">) =>
  [language ?? "language unknown", roleNames[role]].filter((part) => part !== null).join(", ");

/**
 * Of the texts in a folder without media, those that are read: of texts of one recording that say the same, the best.
 * Files that only look like texts are none.
 */
export async function textsOfFolder(
  paths: readonly string[],
  languages: readonly string[],
): Promise<{ paths: string[]; leftOut: LeftOut[] }> {
  const leftOut: LeftOut[] = [];
  const groups = new Map<string, Candidate[]>();
  const kept: string[] = [];
  for (const path of paths) {
    const name = basename(path);
    if (/\.jsonl$/i.test(name) || isCaptionName(path)) kept.push(path);
    else if (await holdsTexts(path)) {
      const candidate = { name, ...factsOfName(path), isDefault: false, from: { path } };
      const key = join(dirname(path), stemOf(path));
      groups.set(key, [...(groups.get(key) ?? []), candidate]);
    } else if (/\.(txt|sub)$/i.test(name)) leftOut.push(unreadFile(name, factsOfName(path).language));
  }
  for (const candidates of groups.values()) {
    const [best = null] = inOrder(candidates, languages);
    if (best && "path" in best.from) kept.push(best.from.path);
    leftOut.push(...notTaken(candidates, best, best?.name ?? null, languages));
  }
  return { paths: paths.filter((path) => kept.includes(path)), leftOut };
}
