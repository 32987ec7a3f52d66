/** Changes of a space as they happen. One connection serves all who listen; it resumes where it broke off. */
import type { Change as KeptChange } from "../../src/memory/memory.ts";
import { clientOf } from "./api.ts";

/** A change: what kind, and of what. */
export interface Change {
  readonly kind: KeptChange["kind"] | "operation" | "problem";
  readonly value: Readonly<Record<string, unknown>>;
}

type Listener = (change: Change) => void;

interface Connection {
  readonly listeners: Set<Listener>;
  readonly stop: AbortController;
}

const connections = new Map<string, Connection>();

/** Calls with each change of a space until the returned function is called. */
export function follow(space: string, listener: Listener): () => void {
  let connection = connections.get(space);
  if (!connection) {
    connection = { listeners: new Set(), stop: new AbortController() };
    connections.set(space, connection);
    void run(space, connection);
  }
  const own = connection;
  own.listeners.add(listener);
  return () => {
    own.listeners.delete(listener);
    if (own.listeners.size > 0) return;
    // A view that follows the same may come at once.
    setTimeout(() => {
      if (own.listeners.size > 0 || connections.get(space) !== own) return;
      connections.delete(space);
      own.stop.abort();
    }, 1000);
  };
}

async function run(space: string, { listeners, stop }: Connection): Promise<void> {
  let cursor: string | undefined;
  let waitMs = 500;
  while (!stop.signal.aborted) {
    try {
      const since = cursor === undefined ? {} : { since: cursor };
      for await (const { id, event, data } of clientOf(space).changes({ ...since, signal: stop.signal })) {
        waitMs = 500;
        cursor = id ?? cursor;
        for (const listener of listeners) listener({ kind: event as Change["kind"], value: data });
      }
    } catch {
      // It is tried again below.
    }
    if (stop.signal.aborted) return;
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    waitMs = Math.min(30_000, 2 * waitMs);
  }
}
