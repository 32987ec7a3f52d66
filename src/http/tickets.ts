/**
 * Tickets: a page cannot put a key on the pictures and films that it shows, so it gets a ticket with its key and names it in
 * their addresses. A ticket reads pictures and media of one space for ten minutes, as long as its key is there, at every server
 * of the root.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { SharedTexts } from "../memory/root.ts";
import { allows, type Key, type Keys } from "./keys.ts";

const lifeMs = 600_000;
/** Stands for the key where none is asked for. */
const noKey = "open";

/** A ticket as a client gets it. */
export interface Ticket {
  readonly ticket: string;
  /** Wall time, ISO 8601. */
  readonly expiresAt: string;
}

/** The tickets of a root. */
export class Tickets {
  readonly #keys: Keys;
  readonly #texts: SharedTexts;
  #secret: string | null = null;

  constructor(keys: Keys, texts: SharedTexts) {
    this.#keys = keys;
    this.#texts = texts;
  }

  /** A ticket for a space, of a key that may read it. */
  async give(space: string, key: Key | null, nowMs = Date.now()): Promise<Ticket> {
    const what = `${nowMs + lifeMs}.${key?.id ?? noKey}`;
    return {
      ticket: `${what}.${await this.#signature(space, what)}`,
      expiresAt: new Date(nowMs + lifeMs).toISOString(),
    };
  }

  /** What the ticket's key may still do in the space, which is to read it; `null` for a ticket that is none or has expired. */
  async verify(ticket: string, space: string, nowMs = Date.now()): Promise<Key | null> {
    const [, expires, id, signature] = /^(\d+)\.(\w+)\.([\w-]+)$/.exec(ticket) ?? [];
    if (expires === undefined || Number(expires) < nowMs) return null;
    const wanted = await this.#signature(space, `${expires}.${id}`);
    const isSame =
      signature!.length === wanted.length && timingSafeEqual(Buffer.from(signature!), Buffer.from(wanted));
    const key = (await this.#keys.list()).find((one) => one.id === id);
    return isSame && key && allows(key, "read", space) ? { ...key, spaces: [space], scopes: ["read"] } : null;
  }

  async #signature(space: string, what: string): Promise<string> {
    this.#secret ??= await this.#sharedSecret();
    return createHmac("sha256", this.#secret)
      .update(JSON.stringify([space, what]))
      .digest("base64url");
  }

  /** The secret of all servers of the root; the first that needs it makes it. */
  async #sharedSecret(): Promise<string> {
    let secret = "";
    await this.#texts.change("ticket-secret", (text) => {
      secret = text ?? randomBytes(32).toString("hex");
      return secret;
    });
    return secret;
  }
}
