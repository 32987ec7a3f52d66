/**
 * Changes of a space as they happen. One connection serves all who listen; it resumes where it broke off. Server-sent events
 * are read by hand, because a browser's own reader sends no key.
 */
import { headers, pathOf } from "./api.ts";

/** A change: what kind, and of what. */
export interface Change {
  readonly kind:
    | "entry"
    | "entry-closed"
    | "forgotten"
    | "task"
    | "feedback"
    | "adapter"
    | "clip"
    | "gap"
    | "person"
    | "reset"
    | "operation"
    | "problem";
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
      const response = await fetch(pathOf(space, "/events"), {
        headers: { ...headers(), ...(cursor !== undefined && { "last-event-id": cursor }) },
        signal: stop.signal,
      });
      if (!response.ok || !response.body) throw new Error(String(response.status));
      waitMs = 500;
      for await (const { id, change } of events(response.body)) {
        cursor = id ?? cursor;
        for (const listener of listeners) listener(change);
      }
    } catch {
      // It is tried again below.
    }
    if (stop.signal.aborted) return;
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    waitMs = Math.min(30_000, 2 * waitMs);
  }
}

async function* events(
  body: ReadableStream<Uint8Array>,
): AsyncGenerator<{ readonly id: string | undefined; readonly change: Change }> {
  const decoder = new TextDecoderStream() as unknown as ReadableWritablePair<string, Uint8Array>;
  const reader = body.pipeThrough(decoder).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    rest += value;
    for (let end = rest.indexOf("\n\n"); end >= 0; end = rest.indexOf("\n\n")) {
      const fields = Object.fromEntries(
        rest
          .slice(0, end)
          .split("\n")
          .map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()]),
      );
      rest = rest.slice(end + 2);
      if (fields.event && fields.data)
        yield {
          id: fields.id,
          change: { kind: fields.event as Change["kind"], value: JSON.parse(fields.data) },
        };
    }
  }
}
