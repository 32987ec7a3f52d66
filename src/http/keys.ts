/**
 * Keys of a server: who may do what in which spaces. Only a hash of a key is kept, so a lost one is replaced, not found
 * again.
 */
import { randomBytes, timingSafeEqual } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { z } from "zod";
import { ConfigError, DataError } from "../errors.ts";
import { makeDirectory } from "../util/directory.ts";
import { sha256 } from "../util/hash.ts";
import { replaceFile } from "../util/replace-file.ts";

/** What a key may do: search and list, ask, add, forget, learn, see and change who is who, and make or remove spaces. */
export const scopes = ["read", "ask", "write", "forget", "learn", "people", "admin"] as const;
/** One of `scopes`. */
export type Scope = (typeof scopes)[number];

const keySchema = z.strictObject({
  id: z.string(),
  name: z.string(),
  /** SHA-256 of the secret, 64 hex digits. */
  hash: z.string(),
  /** Ids of spaces, or `*` for all. */
  spaces: z.array(z.string()),
  scopes: z.array(z.enum(scopes)),
  createdAt: z.string(),
});
/** A key as it is kept. */
export type Key = z.output<typeof keySchema>;

/** What is asked for a new key. */
export type NewKey = Pick<Key, "name" | "spaces" | "scopes">;

/** The keys of a root directory, in a file that only its owner can read. */
export class Keys {
  readonly path: string;
  #read: { readonly file: string; readonly keys: readonly Key[] } | null = null;

  constructor(root: string) {
    this.path = join(root, "keys.json");
  }

  /** All keys. Another process may have changed them. @throws DataError `keys-broken` */
  list(): readonly Key[] {
    if (!existsSync(this.path)) return [];
    // Two changes may fall into one tick of the clock; each writes a file of its own.
    const { mtimeMs, ino, size } = statSync(this.path);
    const file = `${ino} ${mtimeMs} ${size}`;
    if (this.#read?.file !== file) this.#read = { file, keys: this.#parse() };
    return this.#read.keys;
  }

  #parse(): readonly Key[] {
    try {
      return z.array(keySchema).parse(JSON.parse(readFileSync(this.path, "utf8")));
    } catch (cause) {
      throw new DataError(
        "keys-broken",
        `The keys in ${this.path} cannot be read: mend the file or remove it`,
        {
          cause,
        },
      );
    }
  }

  /** Makes a key. @returns the key itself, which is not kept */
  add({ name, spaces, scopes }: NewKey): string {
    const id = randomBytes(6).toString("hex");
    const secret = randomBytes(24).toString("base64url");
    const key: Key = { id, name, hash: sha256(secret), spaces, scopes, createdAt: new Date().toISOString() };
    this.#write([...this.list(), key]);
    return `tm_${id}_${secret}`;
  }

  /** Removes a key; it is refused from then on. @throws ConfigError `key-unknown` */
  remove(id: string): void {
    const kept = this.list().filter((key) => key.id !== id);
    if (kept.length === this.list().length)
      throw new ConfigError("key-unknown", `Expected the id of a key, got ${id}`);
    this.#write(kept);
  }

  /** The key of a request's `Authorization`; `null` where it is none of these. */
  verify(authorization: string | undefined): Key | null {
    const [, id, secret] = /^Bearer tm_([0-9a-f]{12})_([\w-]{32})$/.exec(authorization ?? "") ?? [];
    const key = this.list().find((one) => one.id === id);
    const isSame = timingSafeEqual(
      Buffer.from(sha256(secret ?? "")),
      Buffer.from(key?.hash ?? sha256("no key")),
    );
    return key && secret !== undefined && isSame ? key : null;
  }

  #write(keys: readonly Key[]): void {
    makeDirectory(dirname(this.path));
    replaceFile(this.path, `${JSON.stringify(keys, null, 2)}\n`);
    this.#read = null;
  }
}

/** Whether a key allows something in a space; without a space, anywhere. */
export function allows(key: Key, scope: Scope, space?: string): boolean {
  const isThere = space === undefined || key.spaces.includes("*") || key.spaces.includes(space);
  return isThere && key.scopes.includes(scope);
}
