/** One request over `fetch`: it returns the answer's body or throws the refusal. */

/** Where and how requests are sent. */
export interface Connection {
  /** Root of the API, with or without a trailing slash; its query is sent with every request. */
  readonly url: URL;
  /** Sent as a bearer token. */
  readonly apiKey: string | undefined;
  readonly fetch: typeof globalThis.fetch;
}

/** An answer with an error status, as it came. It may repeat the key, so it is never shown or chained. */
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

/**
 * POSTs an object as JSON, or a form as it is, to a path below the root. Resolves at the head of a successful answer.
 *
 * @throws Refusal for a status from 400 up; what `fetch` throws for a lost connection, or the signal's reason
 */
export async function post(
  { url, apiKey, fetch }: Connection,
  path: string,
  body: object,
  signal: AbortSignal,
): Promise<Response> {
  const target = new URL(url);
  target.pathname = `${url.pathname.replace(/\/+$/, "")}/${path}`;
  const isForm = body instanceof FormData;
  const response = await fetch(target, {
    method: "POST",
    headers: {
      accept: "application/json",
      ...(!isForm && { "content-type": "application/json" }),
      ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
    },
    body: isForm ? body : JSON.stringify(body),
    signal,
  });
  if (response.ok) return response;
  const said = await response.text();
  throw new Refusal(response.status, response.headers, jsonOr(said));
}

/** The body of an answer: parsed where it says it is JSON, otherwise its text. @throws SyntaxError for broken JSON */
export async function readBody(response: Response): Promise<unknown> {
  const text = await response.text();
  return /\bjson\b/.test(response.headers.get("content-type") ?? "") ? JSON.parse(text) : text;
}

function jsonOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
