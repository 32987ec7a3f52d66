/** Spaces below a directory. Several processes of one machine may share it. */
import { constants, existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { access, rm, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import { makeDirectory } from "../util/directory.ts";
import { replaceFile } from "../util/replace-file.ts";
import { assertSpaceName, isSpaceName, type Root, type SharedTexts } from "./root.ts";

/** Less room than this is none: what one commit and the log may need. */
const leastFreeBytes = 2 ** 24;

/** The spaces of a directory, which is made when something is kept in it. */
export class DirectoryRoot implements Root {
  readonly texts: SharedTexts;
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
    this.texts = new Files(directory);
  }

  placeOf(space: string): string {
    return join(this.#directory, space);
  }

  async list(): Promise<string[]> {
    if (!existsSync(this.#directory)) return [];
    return readdirSync(this.#directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && isSpaceName(entry.name))
      .map(({ name }) => name)
      .sort();
  }

  async identity(space: string): Promise<string | null> {
    if (!isSpaceName(space)) return null;
    const found = statSync(this.placeOf(space), { throwIfNoEntry: false });
    return found?.isDirectory() ? `${found.ino} ${found.birthtimeMs}` : null;
  }

  async create(space: string): Promise<boolean> {
    assertSpaceName(space, "directory");
    const isNew = !existsSync(this.placeOf(space));
    makeDirectory(this.placeOf(space));
    return isNew;
  }

  async remove(space: string): Promise<void> {
    await rm(this.placeOf(space), { recursive: true, force: true });
  }

  async troubles(): Promise<string[]> {
    try {
      await access(this.#directory, constants.W_OK);
      const { bavail, bsize } = await statfs(this.#directory);
      return bavail * bsize < leastFreeBytes ? ["The disk is full."] : [];
    } catch (error) {
      return [`Nothing can be written to the spaces (${(error as NodeJS.ErrnoException).code}).`];
    }
  }

  async close(): Promise<void> {}

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Texts as files that only their owner can read. Changes of one process follow each other. */
class Files implements SharedTexts {
  readonly shown: string;

  constructor(directory: string) {
    this.shown = directory;
  }

  async read(name: string): Promise<string | null> {
    return this.#read(join(this.shown, name));
  }

  async change(name: string, change: (text: string | null) => string | null): Promise<void> {
    const path = join(this.shown, name);
    const text = change(this.#read(path));
    if (text === null) return rmSync(path, { force: true });
    makeDirectory(dirname(path));
    replaceFile(path, text);
  }

  async list(folder: string): Promise<string[]> {
    const path = join(this.shown, folder);
    if (!existsSync(path)) return [];
    return readdirSync(path)
      .filter((name) => !name.endsWith(".part"))
      .sort();
  }

  #read(path: string): string | null {
    try {
      return readFileSync(path, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
      throw error;
    }
  }
}
