/**
 * A typed client of a server: one function for each route that takes and gives JSON, and changes as they come. It is generated
 * from the server's own description (`operations.ts`), imports nothing, and runs wherever `fetch` is.
 */
import { type OperationOutput, type Operations, type RequestOptions, routes } from "./operations.ts";

export type * from "./operations.ts";

/** Which space of which server. */
export interface ClientOptions {
  /** Address of the server: `http://127.0.0.1:3131`. */
  readonly url: string;
  /** Id of the space. */
  readonly space: string;
  /** `tm_…`. @default the server asks for none */
  readonly key?: string;
  /** @default the global one */
  readonly fetch?: typeof fetch;
}

/** A change of a memory, or the end of an operation (`event: "operation"`, which has no `id`). */
export interface ClientChange {
  /** Resumes after it, as `since`. */
  readonly id?: string;
  /** `entry`, `task`, `adapter`, `forgotten` and so on. */
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** The operations of a space, and what takes more than one request. */
export interface TaskMemClient extends Operations {
  /** Changes from now on, or since one, until the signal aborts or the server ends. @param types only these. @default all */
  changes(options?: {
    readonly since?: string;
    readonly types?: readonly string[];
    readonly signal?: AbortSignal;
  }): AsyncGenerator<ClientChange, void>;
  /** An operation when it has ended. @param everyMs how often it is asked for. @default 500 */
  ended(
    operation: string | { readonly operation: string },
    options?: RequestOptions & { readonly everyMs?: number },
  ): Promise<OperationOutput>;
  /** The bytes of a picture; `null` where it was forgotten. */
  picture(hash: string, options?: RequestOptions): Promise<Uint8Array | null>;
}

/** A refusal of the server. */
export class ServerError extends Error {
  /** HTTP status. */
  readonly status: number;
  /** Stable, as the documentation lists it: `input-invalid`, `forbidden`. */
  readonly code: string;

  constructor(status: number, code: string, detail: string) {
    super(detail);
    this.name = "ServerError";
    this.status = status;
    this.code = code;
  }
}

/** A client of one space. Its functions throw `ServerError` for what the server refuses. */
export function taskMemClient({ url, space, key, fetch: send = fetch }: ClientOptions): TaskMemClient {
  const base = `${url.replace(/\/+$/, "")}/v1/spaces/${encodeURIComponent(space)}`;
  const authorization = key === undefined ? {} : { authorization: `Bearer ${key}` };

  async function request(
    method: string,
    path: string,
    { signal, idempotencyKey }: RequestOptions = {},
    { body, headers = {} }: { readonly body?: unknown; readonly headers?: Record<string, string> } = {},
  ): Promise<Response> {
    const response = await send(`${base}${path}`, {
      method: method.toUpperCase(),
      headers: {
        ...authorization,
        ...(body !== undefined && { "content-type": "application/json" }),
        ...(idempotencyKey !== undefined && { "idempotency-key": idempotencyKey }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(signal && { signal }),
    });
    if (response.ok) return response;
    const problem = await response.json().catch(() => ({}));
    const { code = "unknown", detail = `The server answered ${response.status}` } = problem as Record<
      string,
      string
    >;
    throw new ServerError(response.status, code, detail);
  }

  /** Splits an input into path, query and body, and sends it. */
  async function call([method, pattern]: readonly [string, string], input: object, options?: RequestOptions) {
    const rest: Record<string, unknown> = { ...input };
    const path = pattern.replace(/\{(\w+)\}/g, (_, name: string) => {
      const value = String(rest[name]);
      delete rest[name];
      return encodeURIComponent(value);
    });
    if (method !== "get") return (await request(method, path, options, { body: rest })).json();
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(rest))
      for (const one of [value].flat()) if (one !== undefined) query.append(name, String(one));
    const asked = query.size > 0 ? `${path}?${query}` : path;
    return (await request(method, asked, options)).json();
  }

  const operations = Object.fromEntries(
    Object.entries(routes).map(([name, route]) => [
      name,
      (input: object = {}, options?: RequestOptions) => call(route, input, options),
    ]),
  ) as unknown as Operations;

  return {
    ...operations,
    async *changes({ since, types, signal } = {}) {
      const headers = since === undefined ? {} : { "last-event-id": since };
      const path = types ? `/events?types=${types.map(encodeURIComponent).join()}` : "/events";
      const response = await request("get", path, signal && { signal }, { headers });
      yield* eventsOf(response, signal);
    },
    async ended(operation, { everyMs = 500, ...options } = {}) {
      const id = typeof operation === "string" ? operation : operation.operation;
      for (;;) {
        const now = await operations.operation({ operation: id }, options);
        if (now.state !== "running") return now;
        await new Promise((resolve) => setTimeout(resolve, everyMs));
      }
    },
    async picture(hash, options) {
      try {
        const response = await request("get", `/blobs/${encodeURIComponent(hash)}`, options);
        return new Uint8Array(await response.arrayBuffer());
      } catch (error) {
        if (error instanceof ServerError && error.code === "not-found") return null;
        throw error;
      }
    },
  };
}

/** Server-sent events of a response. An abort ends them. */
async function* eventsOf(response: Response, signal?: AbortSignal): AsyncGenerator<ClientChange, void> {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      text += value;
      const blocks = text.split("\n\n");
      text = blocks.pop()!;
      for (const block of blocks) {
        const fields = new Map(
          block
            .split("\n")
            .map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]),
        );
        const [id, event, data] = ["id", "event", "data"].map((name) => fields.get(name));
        if (data !== undefined)
          yield { ...(id !== undefined && { id }), event: event ?? "message", data: JSON.parse(data) };
      }
    }
  } catch (error) {
    if (!signal?.aborted) throw error;
  } finally {
    await reader.cancel().catch(() => {});
  }
}
