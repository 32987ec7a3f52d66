/**
 * Videos and subtitles below a folder by the stem of their names, unpacked or in zips, wherever they lie.
 *
 * Links count as what they point to: that is how dataset caches keep files. An unpacked file goes before one in a zip.
 */
import { statSync } from "node:fs";
import { basename, extname, relative } from "node:path";
import { ConfigError, DataError } from "../../../errors.ts";
import { filesBelow } from "../../../util/files-below.ts";
import type { FileReference } from "../../task.ts";
import { zipEntries } from "./zip.ts";

const mediaExtensions = new Set([".mp4", ".mkv", ".webm", ".mov", ".m4v", ".avi"]);
const subtitleExtensions = new Set([".srt", ".vtt"]);

export interface MediaIndex {
  /** All files below the folder, in order of their paths, zips not looked into. */
  readonly paths: readonly string[];
  /** By stem, case kept: video names tell `a` from `A`. */
  readonly media: ReadonlyMap<string, FileReference>;
  readonly subtitles: ReadonlyMap<string, FileReference>;
  /** Zips that could not be read and videos with nothing in them, one sentence each. */
  readonly problems: readonly string[];
}

/** @throws ConfigError where the folder is not there */
export async function indexMedia(root: string): Promise<MediaIndex> {
  if (!statSync(root, { throwIfNoEntry: false })?.isDirectory()) {
    throw new ConfigError("root-missing", `Expected --root to be a folder, found none at ${root}`);
  }
  const { files: paths, unreadable } = filesBelow(root);
  const problems = unreadable.map((path) => `${relative(root, path)} cannot be opened`);
  const references: FileReference[] = paths.map((path) => ({ path }));
  for (const path of paths.filter((name) => extname(name).toLowerCase() === ".zip")) {
    try {
      references.push(...(await zipEntries(path)).map((entry) => ({ path, entry })));
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      problems.push(error.message);
    }
  }
  const empty = paths.filter(
    (path) => mediaExtensions.has(extname(path).toLowerCase()) && statSync(path).size === 0,
  );
  if (empty.length > 0) problems.push(`${empty.length} videos are empty, such as ${basename(empty[0]!)}`);
  return {
    paths,
    media: byStem(references, mediaExtensions),
    subtitles: byStem(references, subtitleExtensions),
    problems,
  };
}

/** Name of a file or of an entry, without folders. */
export function nameOf({ path, entry }: FileReference): string {
  return basename(entry ?? path);
}

export const stemOf = (name: string) => name.slice(0, name.length - extname(name).length);

function byStem(references: readonly FileReference[], extensions: ReadonlySet<string>) {
  const found = new Map<string, FileReference>();
  for (const reference of references) {
    const name = nameOf(reference);
    const stem = stemOf(name);
    // `._x.mp4` is what macOS leaves beside x.mp4 in zips.
    if (name.startsWith(".") || !extensions.has(extname(name).toLowerCase()) || found.has(stem)) continue;
    found.set(stem, reference);
  }
  return found;
}
