/** `models.lock.json`: which release each model of a directory is, and the SHA-256 of each of its files. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { DataError } from "../errors.ts";
import { replaceFile } from "../util/replace-file.ts";

const lockName = "models.lock.json";

const lockSchema = z.object({
  version: z.literal(1),
  models: z.record(
    z.string(),
    z.object({
      source: z.string(),
      licence: z.string().nullable(),
      files: z.array(z.object({ name: z.string(), bytes: z.number(), sha256: z.string() })),
    }),
  ),
});

/** A file of a pulled model. */
export interface ModelFile {
  /** Path inside the model's folder, with `/`. */
  readonly name: string;
  readonly bytes: number;
  /** 64 hex digits. */
  readonly sha256: string;
}

/** What is kept about a pulled model. */
export interface LockedModel {
  /** The exact release, as `parseSource` reads it. */
  readonly source: string;
  /** As the registry or the package says it; `null` where neither does. */
  readonly licence: string | null;
  readonly files: readonly ModelFile[];
}

/** Models by name. */
export type Locked = Readonly<Record<string, LockedModel>>;

/** Reads the lock file of a directory; none yet is no models. @throws DataError `models-lock-broken` */
export function readLock(directory: string): Locked {
  const path = join(directory, lockName);
  if (!existsSync(path)) return {};
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, "utf8"));
  } catch {
    content = undefined;
  }
  const read = lockSchema.safeParse(content);
  if (read.success) return read.data.models;
  throw new DataError(
    "models-lock-broken",
    `${path} is not a list of models (${read.error.issues[0]!.message}). Restore it, or delete it and pull the models again.`,
    { details: { path } },
  );
}

/** Writes the lock file, by name. */
export function writeLock(directory: string, models: Locked): void {
  const ordered = Object.fromEntries(Object.entries(models).sort(([a], [b]) => (a < b ? -1 : 1)));
  replaceFile(join(directory, lockName), `${JSON.stringify({ version: 1, models: ordered }, null, 2)}\n`);
}
