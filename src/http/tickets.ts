/**
 * Tickets: a page cannot put a key on the pictures and films that it shows, so it gets a ticket with its key and names it in
 * their addresses. A ticket reads pictures and media of one space for ten minutes, as long as its key is there, and is worth
 * nothing at another server or after a restart.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
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

/** The tickets of one server. */
export class Tickets {
  readonly #secret = randomBytes(32);
  readonly #keys: Keys;

  constructor(keys: Keys) {
    this.#keys = keys;
  }

  /** A ticket for a space, of a key that may read it. */
  give(space: string, key: Key | null, nowMs = Date.now()): Ticket {
    const what = `${nowMs + lifeMs}.${key?.id ?? noKey}`;
    return {
      ticket: `${what}.${this.#signature(space, what)}`,
      expiresAt: new Date(nowMs + lifeMs).toISOString(),
    };
  }

  /** What the ticket's key may still do in the space, which is to read it; `null` for a ticket that is none or has expired. */
  verify(ticket: string, space: string, nowMs = Date.now()): Key | null {
    const [, expires, id, signature] = /^(\d+)\.(\w+)\.([\w-]+)$/.exec(ticket) ?? [];
    if (expires === undefined || Number(expires) < nowMs) return null;
    const wanted = this.#signature(space, `${expires}.${id}`);
    const isSame =
      signature!.length === wanted.length && timingSafeEqual(Buffer.from(signature!), Buffer.from(wanted));
    const key = this.#keys.list().find((one) => one.id === id);
    return isSame && key && allows(key, "read", space) ? { ...key, spaces: [space], scopes: ["read"] } : null;
  }

  #signature(space: string, what: string): string {
    return createHmac("sha256", this.#secret)
      .update(JSON.stringify([space, what]))
      .digest("base64url");
  }
}
