/** Server-sent events: changes of a space, and an answer as it comes about. */
import type { Context } from "hono";
import { call, inputOf, verbs } from "../contract/index.ts";
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

/** Changes as they come; `Last-Event-ID` resumes. Ends of operations come beside them, once. */
export function changes(context: Context<Env>): Response {
  const { memory, operations } = context.get("space");
  const since = context.req.header("last-event-id") ?? context.req.query("since");
  return eventStream(async (send, signal) => {
    operations.onEnd((one) => send("operation", one), signal);
    const which = { signal, ...(since !== undefined && { since }) };
    for await (const { cursor, kind, ...change } of memory.changes(which)) send(kind, change, cursor);
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
