/**
 * One request over `fetch`: it returns the answer's body or throws the refusal.
 *
 * The key never comes back: a body is masked before anything reads it. A body is read up to a limit. A redirect is
 * followed on the same host only, so that neither pictures nor speech go where the user did not send them.
 */
import { EngineError } from "../../errors.ts";
import { masked, maskedValue } from "../../util/secrets.ts";
import { type EventReader, readEvents } from "./events.ts";

/** Where and how requests are sent. */
export interface Connection {
  /** Root of the API, with or without a trailing slash; its query is sent with every request. */
  readonly url: URL;
  /** Sent as a bearer token. */
  readonly apiKey: string | undefined;
  readonly fetch: typeof globalThis.fetch;
}

/** Sends the requests of `fetch`, as Node's undici has it. */
interface Dispatcher {
  dispatch(options: object, handler: unknown): boolean;
}

/** Where Node keeps the one of this process, newest form first; a proxy may stand there. */
const dispatcherSymbols = [Symbol.for("undici.globalDispatcher.2"), Symbol.for("undici.globalDispatcher.1")];

/** The one of this process without Node's own time limits, which end a request after 300 s without a head or a byte. */
const patientDispatcher: Dispatcher = {
  dispatch: (options, handler) => {
    const kept = globalThis as unknown as Record<symbol, Dispatcher | undefined>;
    const node = dispatcherSymbols.map((symbol) => kept[symbol]).find((found) => found !== undefined);
    return node!.dispatch({ ...options, headersTimeout: 0, bodyTimeout: 0 }, handler);
  },
};

/** The `fetch` of this process without time limits of its own. */
export const patientFetch: typeof globalThis.fetch = (input, init) =>
  globalThis.fetch(input, { ...init, dispatcher: patientDispatcher } as RequestInit);

/** An answer with an error status, its body masked and cut to what a message may need. */
export class Refusal {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;

  constructor(status: number, headers: Headers, body: unknown) {
    this.status = status;
    this.headers = headers;
    this.body = body;
  }
}

/** Most bytes of an answer, unpacked; of a streamed one, of all its events together. */
export const mostBodyBytes = 32 * 2 ** 20;
/** Most bytes of an error that are read. */
const mostErrorBytes = 64 * 2 ** 10;
const mostRedirects = 5;

/**
 * POSTs an object as JSON, or a form as it is, to a path below the root. Resolves at the head of a successful answer.
 *
 * @throws Refusal for a status from 400 up; EngineError `redirect-refused`; what `fetch` throws for a lost connection,
 * or the signal's reason
 */
export function post(
  connection: Connection,
  path: string,
  body: object,
  signal: AbortSignal,
): Promise<Response> {
  const isForm = body instanceof FormData;
  return send(connection, path, {
    method: "POST",
    ...(!isForm && { headers: { "content-type": "application/json" } }),
    body: isForm ? body : JSON.stringify(body),
    signal,
  });
}

/** GETs a path below the root, as `post` does; one that begins with `../` is above it. @throws as `post` */
export function get(connection: Connection, path: string, signal: AbortSignal): Promise<Response> {
  return send(connection, path, { method: "GET", signal });
}

async function send({ url, apiKey, fetch }: Connection, path: string, init: RequestInit): Promise<Response> {
  let target = new URL(url);
  target.pathname = `${url.pathname.replace(/\/+$/, "")}/${path}`;
  const request: RequestInit = {
    ...init,
    headers: {
      accept: "application/json, text/event-stream",
      ...init.headers,
      ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
    },
    redirect: "manual",
  };
  for (let redirects = 0; ; redirects++) {
    const response = await fetch(target, request);
    if (response.ok) return response;
    if (response.status < 300 || response.status >= 400)
      throw new Refusal(response.status, response.headers, jsonOr(await readText(firstBytes(response))));
    await response.body?.cancel();
    target = redirected(target, response, redirects);
  }
}

/** Where a redirect leads. @throws EngineError `redirect-refused` */
function redirected(from: URL, { status, headers }: Response, redirects: number): URL {
  const location = headers.get("location");
  const to = location === null ? null : URL.parse(location, from.href);
  const refuse = (why: string) =>
    new EngineError("redirect-refused", `${from.host} answers ${status}${why}`, {
      status,
      details: { from: from.host, to: to?.host ?? null },
    });
  if (to === null) throw refuse(" without saying where to go. Check the base URL.");
  if (!isSameHost(from, to))
    throw refuse(
      `, a redirect to another host, ${to.host}. Nothing was sent there. If it is yours, use it in the base URL.`,
    );
  if (status !== 307 && status !== 308)
    throw refuse(
      `, a redirect that would lose the request, to ${to.origin}${to.pathname}. Use that base URL.`,
    );
  if (redirects >= mostRedirects) throw refuse(`: it redirects in a circle. Check the base URL.`);
  return to;
}

/** The same host and port, or the same host over https instead of http. */
function isSameHost(from: URL, to: URL): boolean {
  if (from.origin === to.origin) return true;
  return (
    from.hostname === to.hostname && from.protocol === "http:" && to.protocol === "https:" && to.port === ""
  );
}

/**
 * The body of an answer: parsed where it says it is JSON, otherwise its text.
 * @throws SyntaxError for broken JSON; EngineError `bad-response` for more than `mostBodyBytes`
 */
export async function readBody(response: Response): Promise<unknown> {
  const text = await readText(limited(response));
  return isOfType(response, /\bjson\b/) ? parsed(text) : text;
}

/**
 * The body of an answer that may be streamed: its events are read one by one as they come, and the reader's whole answer
 * is the body. Any other body is read as `readBody` does.
 *
 * @param heard is told of every event, and whether it brought anything new
 * @throws as `readBody`; what the reader throws
 */
export async function readStream(
  response: Response,
  reader: EventReader,
  heard: (isNew: boolean) => void,
): Promise<unknown> {
  if (!isOfType(response, /^text\/event-stream\b/)) return readBody(response);
  let isDone = false;
  for await (const data of readEvents(limited(response))) {
    isDone = data === "[DONE]";
    if (isDone) break;
    heard(data !== null && reader.read(parsed(masked(data))));
  }
  // A secret may be spread over several events, so the whole answer is masked again.
  return maskedValue(reader.end(isDone));
}

function isOfType({ headers }: Response, type: RegExp): boolean {
  return type.test(headers.get("content-type") ?? "");
}

/** The body's bytes up to a limit. @throws EngineError `bad-response` beyond it */
async function* limited({ body }: Response): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  // Leaving the loop early ends the connection.
  for await (const chunk of body ?? []) {
    bytes += chunk.length;
    if (bytes > mostBodyBytes) {
      const message = `The endpoint sent more than ${mostBodyBytes / 2 ** 20} MB for one request`;
      throw new EngineError("bad-response", message, { isRetryable: true });
    }
    yield chunk;
  }
}

/** The first bytes of an error's body. */
async function* firstBytes({ body }: Response): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of body ?? []) {
    yield chunk;
    bytes += chunk.length;
    if (bytes > mostErrorBytes) return;
  }
}

/** Bytes as text, without secrets. */
async function readText(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return masked(new TextDecoder().decode(Buffer.concat(chunks)));
}

/** A secret may also be written with escapes, so what was parsed is masked again where there are any. */
function parsed(text: string): unknown {
  const value: unknown = JSON.parse(text);
  return text.includes("\\") ? maskedValue(value) : value;
}

function jsonOr(text: string): unknown {
  try {
    return parsed(text);
  } catch {
    return text;
  }
}
