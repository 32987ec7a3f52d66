/**
 * A root of spaces: memories that know nothing of each other, each a directory below a directory, or a schema of a
 * Postgres. Beside them are small texts that all servers of the root share: keys, operations.
 */
import { ConfigError } from "../errors.ts";
import { isPostgresUrl } from "./postgres/url.ts";

/** Small texts by name, `a/b/c`. Each is written whole or not at all, and is on the disk when it is acknowledged. */
export interface SharedTexts {
  /** Where they are, for messages. */
  readonly shown: string;
  /** A text; `null` where there is none. */
  read(name: string): Promise<string | null>;
  /** Replaces a text by what is made of it, one change after the other; `null` is no text. */
  change(name: string, change: (text: string | null) => string | null): Promise<void>;
  /** Names of the texts in a folder, sorted. */
  list(folder: string): Promise<string[]>;
}

/** A root of spaces. */
export interface Root extends AsyncDisposable {
  readonly texts: SharedTexts;
  /** What the memory of a space is opened by: a directory, or a URL. */
  placeOf(space: string): string;
  /** Names of all spaces, sorted. */
  list(): Promise<string[]>;
  /** What tells a space from every other of its name, made before or after it; `null` where there is none. */
  identity(space: string): Promise<string | null>;
  /** Makes a space, or leaves the one of that name. @returns whether it is new @throws ConfigError `space-invalid` */
  create(space: string): Promise<boolean>;
  /** Removes a space with all that is kept of it. */
  remove(space: string): Promise<void>;
  /** Why nothing can be written to the spaces, a sentence each. */
  troubles(): Promise<string[]>;
  close(): Promise<void>;
}

/** Opens a root, a directory or `postgres://user@host/database`. @throws ConfigError, StoreError as its kind of memory */
export async function openRoot(place: string): Promise<Root> {
  if (isPostgresUrl(place)) return (await import("./postgres/root.ts")).PostgresRoot.open(place);
  return new (await import("./directory-root.ts")).DirectoryRoot(place);
}

/** Longest name of a space: a schema's name has 63 letters. */
const longest = { directory: 63, postgres: 48 };

/** Whether a text can name a space. */
export const isSpaceName = (text: string, kind: keyof typeof longest = "directory"): boolean =>
  /^[a-z0-9][a-z0-9_-]*$/.test(text) && text.length <= longest[kind];

/** @throws ConfigError `space-invalid` */
export function assertSpaceName(text: string, kind: keyof typeof longest): void {
  if (isSpaceName(text, kind)) return;
  throw new ConfigError(
    "space-invalid",
    `Expected a name of up to ${longest[kind]} small letters, digits, - and _ for a space, got ${text}`,
  );
}
