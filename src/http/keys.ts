/**
 * Keys of a server: who may do what in which spaces. Only a hash of a key is kept, so a lost one is replaced, not found
 * again.
 */
import { randomBytes, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import { ConfigError, DataError } from "../errors.ts";
import { openRoot, type SharedTexts } from "../memory/root.ts";
import { sha256 } from "../util/hash.ts";

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

const kept = "keys.json";

/** The keys of a root, which all its servers see at once. */
export class Keys implements AsyncDisposable {
  readonly #texts: SharedTexts;
  readonly #close: () => Promise<void>;
  #read: { readonly text: string; readonly keys: readonly Key[] } | null = null;

  /** @param close of what the texts are in, where it is of these keys alone */
  constructor(texts: SharedTexts, close = async () => {}) {
    this.#texts = texts;
    this.#close = close;
  }

  /** Opens the keys of a root, a directory or a Postgres. @throws ConfigError, StoreError as a memory */
  static async open(place: string): Promise<Keys> {
    const root = await openRoot(place);
    return new Keys(root.texts, () => root.close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#close();
  }

  /** All keys. @throws DataError `keys-broken` */
  async list(): Promise<readonly Key[]> {
    return this.#parsed(await this.#texts.read(kept));
  }

  #parsed(text: string | null): readonly Key[] {
    if (text === null) return [];
    if (this.#read?.text === text) return this.#read.keys;
    try {
      const keys = z.array(keySchema).parse(JSON.parse(text));
      this.#read = { text, keys };
      return keys;
    } catch (cause) {
      throw new DataError(
        "keys-broken",
        `The keys in ${kept} of ${this.#texts.shown} cannot be read: mend or remove them`,
        { cause },
      );
    }
  }

  /** Makes a key. @returns the key itself, which is not kept */
  async add({ name, spaces, scopes }: NewKey): Promise<string> {
    const id = randomBytes(6).toString("hex");
    const secret = randomBytes(24).toString("base64url");
    const key: Key = { id, name, hash: sha256(secret), spaces, scopes, createdAt: new Date().toISOString() };
    await this.#change((keys) => [...keys, key]);
    return `tm_${id}_${secret}`;
  }

  /** Removes a key; it is refused from then on. @throws ConfigError `key-unknown` */
  async remove(id: string): Promise<void> {
    await this.#change((keys) => {
      if (!keys.some((key) => key.id === id))
        throw new ConfigError("key-unknown", `Expected the id of a key, got ${id}`);
      return keys.filter((key) => key.id !== id);
    });
  }

  /** The key of a request's `Authorization`; `null` where it is none of these. */
  async verify(authorization: string | undefined): Promise<Key | null> {
    const [, id, secret] = /^Bearer tm_([0-9a-f]{12})_([\w-]{32})$/.exec(authorization ?? "") ?? [];
    const key = (await this.list()).find((one) => one.id === id);
    const isSame = timingSafeEqual(
      Buffer.from(sha256(secret ?? "")),
      Buffer.from(key?.hash ?? sha256("no key")),
    );
    return key && secret !== undefined && isSame ? key : null;
  }

  #change(change: (keys: readonly Key[]) => readonly Key[]): Promise<void> {
    return this.#texts.change(kept, (text) => `${JSON.stringify(change(this.#parsed(text)), null, 2)}\n`);
  }
}

/** Whether a key allows something in a space; without a space, anywhere. */
export function allows(key: Key, scope: Scope, space?: string): boolean {
  const isThere = space === undefined || key.spaces.includes("*") || key.spaces.includes(space);
  return isThere && key.scopes.includes(scope);
}
