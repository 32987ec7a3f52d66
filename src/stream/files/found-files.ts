/**
 * Finds the files of a source: those named, and all in the folders named, with what is not among them and why.
 *
 * Links are followed to files and folders. A file reached twice is found once, and a link back into a folder on its own
 * way is not followed.
 */
import type { Dirent, Stats } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { DataError } from "../../errors.ts";
import type { LeftOut } from "../clip.ts";
import { textExtensions } from "../texts/texts.ts";

/** A file that was found. */
export interface FoundFile {
  readonly path: string;
  /** The path below the folder that was named, with `/`; the file's own name if it was named itself. */
  readonly name: string;
  readonly bytes: number;
}

/** The files of a source. */
export interface FoundFiles {
  /** Media and texts, in natural order of their names. */
  readonly files: readonly FoundFile[];
  /** Whether a folder was among the paths. */
  readonly isFolder: boolean;
  /** Names of other files, whose formats are not read. */
  readonly unread: readonly string[];
  readonly leftOut: readonly LeftOut[];
}

const mediaExtensions = new Set(
  (
    ".mp4 .m4v .mov .mkv .webm .avi .mpg .mpeg .m2v .ts .mts .m2ts .flv .wmv .asf .ogv .ogg .3gp .3g2 .vob .mxf .y4m " +
    ".wav .mp3 .m4a .aac .flac .opus .oga .wma .aiff .amr"
  ).split(" "),
);

/** Whether a name is that of a text. */
export const isText = (path: string): boolean => textExtensions.has(extname(path).toLowerCase());

/** Order of names as people count: `part2` before `part10`. */
export const naturally = new Intl.Collator("en", { numeric: true });

/**
 * The files at the given paths.
 * @throws DataError `file-missing`, `file-empty` for a named file; `folder-empty` for a folder without media and texts
 */
export async function findFiles(paths: readonly string[]): Promise<FoundFiles> {
  const search = new Search();
  let isFolder = false;
  for (const path of paths) {
    const info = await stat(path).catch((cause: NodeJS.ErrnoException) => {
      throw new DataError(
        "file-missing",
        `There is no file or folder at ${path} that can be opened: ${cause.code}.`,
        { cause, details: { path } },
      );
    });
    if (info.isDirectory()) {
      isFolder = true;
      await search.folder(path);
    } else {
      if (info.isFile() && info.size === 0)
        throw new DataError("file-empty", `The file ${path} is empty.`, { details: { path } });
      search.files.push({ path, name: basename(path), bytes: info.size });
    }
  }
  return { ...search, isFolder };
}

/** One search, which notices what it has met before. */
class Search {
  readonly files: FoundFile[] = [];
  readonly unread: string[] = [];
  readonly leftOut: LeftOut[] = [];
  /** Files by device and number, folders by their real paths. */
  readonly #met = new Map<string, string>();

  async folder(root: string): Promise<void> {
    const before = this.files.length;
    const links: string[] = [];
    await this.#walk(root, "", [await realpath(root)], links);
    // After the plain files, so that a link to one of them is the double.
    for (const name of links) await this.#link(root, name, [await realpath(root)]);
    const found = this.files.splice(before).sort((a, b) => naturally.compare(a.name, b.name));
    this.files.push(...found);
    if (found.length > 0) return;
    const also = this.leftOut.map(({ reason }) => ` ${reason}`).join("");
    throw new DataError(
      "folder-empty",
      `There are no media or texts (${[...textExtensions].map((extension) => extension.slice(1).toUpperCase()).join(", ")}) in ${root} that can be read.${also}`,
      { details: { path: root } },
    );
  }

  /** @param above real paths of the folders on the way here */
  async #walk(root: string, below: string, above: readonly string[], links: string[]): Promise<void> {
    const folder = join(root, below);
    const entries = await readdir(folder, { withFileTypes: true }).catch((cause: NodeJS.ErrnoException) => {
      this.#leave("damaged", below || folder, `The folder ${below || folder} cannot be read: ${cause.code}.`);
      return [] as Dirent[];
    });
    for (const entry of entries) {
      if (entry.name.startsWith(".")) continue;
      const name = below === "" ? entry.name : `${below}/${entry.name}`;
      if (entry.isSymbolicLink()) links.push(name);
      else if (entry.isDirectory()) {
        const real = join(above.at(-1)!, entry.name);
        this.#met.set(real, name);
        await this.#walk(root, name, [...above, real], links);
      } else if (entry.isFile()) await this.#file(root, name);
    }
  }

  async #link(root: string, name: string, above: readonly string[]): Promise<void> {
    const path = join(root, name);
    const info = await stat(path).catch(() => null);
    if (info === null)
      return this.#leave("link", name, `The link ${name} leads to nothing that can be opened.`);
    if (!info.isDirectory()) return info.isFile() ? this.#file(root, name, info) : undefined;
    const real = await realpath(path);
    const here = await realpath(join(path, ".."));
    const way = [...above, here];
    if (way.some((folder) => folder === real || folder.startsWith(`${real}/`)) || this.#met.has(real))
      return this.#leave("link", name, `The link ${name} leads to a folder that is read already.`);
    this.#met.set(real, name);
    const links: string[] = [];
    await this.#walk(root, name, [...way, real], links);
    for (const further of links) await this.#link(root, further, [...way, real]);
  }

  async #file(root: string, name: string, known?: Stats): Promise<void> {
    const path = join(root, name);
    if (!isText(name) && !mediaExtensions.has(extname(name).toLowerCase())) {
      this.unread.push(name);
      return;
    }
    const info = known ?? (await stat(path).catch(() => null));
    if (info === null) return this.#leave("damaged", name, `The file ${name} cannot be opened.`);
    if (info.size === 0) return this.#leave("damaged", name, `The file ${name} is empty.`);
    const key = `${info.dev}:${info.ino}`;
    const double = this.#met.get(key);
    if (double !== undefined)
      return this.#leave("link", name, `${name} is the same file as ${double}, which is watched.`);
    this.#met.set(key, name);
    this.files.push({ path, name, bytes: info.size });
  }

  #leave(kind: LeftOut["kind"], name: string, reason: string): void {
    this.leftOut.push({ kind, name, reason });
  }
}
