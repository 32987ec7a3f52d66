/** Server-sent events: changes of a space, and an answer as it comes about. */
import type { Context } from "hono";
import { call, inputOf, verbs } from "../contract/index.ts";
import { ConfigError } from "../errors.ts";
import type { Change } from "../memory/memory.ts";
import { problemOf } from "./problem.ts";
import type { Env } from "./server.ts";
import type { Space } from "./spaces.ts";

type Send = (event: string, data: unknown, id?: string) => void;

/** A stream of events. Whoever stops reading stops the work; what fails is told as `problem`. @param hello sent at once */
function eventStream(work: (send: Send, stop: AbortSignal) => Promise<void>, hello = ""): Response {
  const stop = new AbortController();
  const encoder = new TextEncoder();
  const stream = new ReadableStream<Uint8Array>({
    async start(controller) {
      const write = (text: string) => {
        if (!stop.signal.aborted) controller.enqueue(encoder.encode(text));
      };
      const send: Send = (event, data, id) =>
        write(`${id === undefined ? "" : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
      const alive = setInterval(() => write(": still here\n\n"), 15_000).unref();
      write(hello);
      try {
        await work(send, stop.signal);
      } catch (error) {
        send("problem", problemOf(error));
      } finally {
        clearInterval(alive);
        if (!stop.signal.aborted) controller.close();
        stop.abort();
      }
    },
    cancel: () => stop.abort(),
  });
  return new Response(stream, {
    headers: { "content-type": "text/event-stream", "cache-control": "no-store" },
  });
}

/** What comes: kinds of changes, and ends of operations. */
const types: Readonly<Record<Change["kind"] | "operation", true>> = {
  ...{ entry: true, "entry-closed": true, forgotten: true, task: true, feedback: true, adapter: true },
  ...{ clip: true, gap: true, people: true, reset: true, operation: true },
};

/**
 * Changes as they come, of some types if these are named; `Last-Event-ID` resumes. Ends of operations come beside them, once, and
 * a `reset` to everyone. @throws ConfigError `input-invalid` for an unknown type
 */
export function changes(context: Context<Env>): Response {
  const { memory, operations } = context.get("space");
  const since = context.req.header("last-event-id") ?? context.req.query("since");
  const named = context.req.queries("types")?.flatMap((one) => one.split(","));
  const unknown = named?.find((one) => !Object.hasOwn(types, one));
  if (unknown !== undefined)
    throw new ConfigError(
      "input-invalid",
      `Expected \`types\` among ${Object.keys(types).join(", ")}, got ${unknown}`,
    );
  const wanted = new Set(named ? [...named, "reset"] : Object.keys(types));
  return eventStream(async (send, signal) => {
    if (wanted.has("operation")) void operations.follow((one) => send("operation", one), signal);
    const which = { signal, ...(since !== undefined && { since }) };
    for await (const { cursor, kind, ...change } of memory.changes(which))
      if (wanted.has(kind)) send(kind, change, cursor);
  }, ": connected\n\n");
}

/**
 * An answer as it comes about: `recalled` with what it may rest on, again where memory is searched once more, then `answer` and
 * `done`. @throws ConfigError `input-invalid`, before anything is sent
 */
export function answering({ memory, turns }: Space, input: unknown): Response {
  inputOf(verbs.ask, input);
  return eventStream(async (send, signal) => {
    const onRecalled = (entries: readonly unknown[]) => send("recalled", { entries });
    const { output } = await call(memory, verbs.ask, input, { signal, turns, onRecalled });
    send("answer", output);
    send("done", {});
  });
}
