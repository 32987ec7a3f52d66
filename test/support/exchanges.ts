/**
 * What servers answer, as small JSON files in `test/exchanges`: recorded from a running server, or written from what its
 * documentation, its code or a report gives word for word. A file says which, and of which release.
 *
 * A file also holds the calls that lead to the answers, so that the same calls are made to record and to replay them. Of
 * a request its shape is kept: texts and pictures are replaced. A replay answers a request that says all that the
 * recorded one says; it may say more, as a later version of ours does. Any other is an error.
 */
import { isDeepStrictEqual } from "node:util";
import type { Adapter } from "../../src/adapter/adapter.ts";
import { adapterOf } from "../../src/adapter/exchange/block-vector.ts";
import type { Completion, GenerateRequest, Part } from "../../src/engine.ts";
import { type ModelOptions, openaiModel } from "../../src/engines/openai/index.ts";
import { isTaskMemError } from "../../src/errors.ts";
import { sha256 } from "../../src/util/hash.ts";
import type { Json } from "./openai-server.ts";

/** A call of a model, as a file has it. */
export interface Call extends Pick<GenerateRequest, "n" | "logprobs" | "sampling" | "schema"> {
  /** What is said, or nothing to ask for the model's capabilities. */
  readonly say?: string;
  /** Says it this often. @default 1 */
  readonly times?: number;
  /** `grey`: a JPEG. `broken`: bytes that are none. @default none */
  readonly picture?: "grey" | "broken";
  /** A vector of so many equal numbers that is added after a block, of length 30. @default none */
  readonly vector?: { readonly block: number; readonly width: number };
  /** A LoRA by its name on the server. @default none */
  readonly lora?: string;
}

/** A request and its answer. */
export interface Exchange {
  readonly request: { readonly method: string; readonly path: string; readonly body?: Json };
  readonly answer: { readonly status: number; readonly headers: Json; readonly body: unknown };
}

/** A file of exchanges. */
export interface ExchangeFile {
  /** Name and release. */
  readonly server: string;
  /** `recorded`, or what it was written from. */
  readonly from: string;
  /** How the server was started, for recording. */
  readonly start?: Json;
  /** The model that is called, and how; `path` is that of the API's root. @default /v1 */
  readonly model: Pick<ModelOptions, "model" | "apiKey" | "video" | "extraBody" | "steering"> & {
    readonly path?: string;
  };
  readonly calls: readonly Call[];
  readonly exchanges: readonly Exchange[];
}

/** What a call came to: texts, or an error. */
export type Outcome =
  | { readonly texts: readonly string[]; readonly completionTokens: number; readonly logprobs: boolean }
  | { readonly can: Json }
  | { readonly error: string; readonly message: string; readonly isRetryable: boolean };

/** Makes a file's calls, one after the other, of one model whose requests go through `fetch`. */
export async function makeCalls(
  { model: { path = "/v1", ...options }, calls }: Pick<ExchangeFile, "model" | "calls">,
  origin: string,
  fetch: typeof globalThis.fetch,
): Promise<Outcome[]> {
  const quick = { maxRetries: 1, retryMs: 0, concurrency: 1 };
  const model = openaiModel({ ...options, ...quick, baseURL: `${origin}${path}`, fetch });
  const outcomes: Outcome[] = [];
  for (const call of calls) {
    try {
      if (call.say === undefined) {
        outcomes.push({ can: { ...(await model.capabilities()) } });
        continue;
      }
      const { completions, cost } = await model.generate(requestOf(call));
      outcomes.push({
        texts: completions.map(({ text }) => text),
        completionTokens: cost.completionTokens,
        logprobs: completions.every(hasLogprobs),
      });
    } catch (error) {
      if (!isTaskMemError(error)) throw error;
      const { code, message, isRetryable = false } = error as typeof error & { isRetryable?: boolean };
      outcomes.push({ error: code, message, isRetryable });
    }
  }
  return outcomes;
}

const hasLogprobs = ({ tokens }: Completion) => tokens !== null && tokens.logprobs.length > 0;

function requestOf({ say = "", times = 1, picture, vector, lora, ...request }: Call): GenerateRequest {
  const text: Part = { type: "text", text: Array.from({ length: times }, () => say).join(" ") };
  const jpeg = picture === "broken" ? new TextEncoder().encode("no picture") : greyJpeg;
  const shown: Part[] = picture === undefined ? [] : [{ type: "video", frames: [{ atSeconds: 0, jpeg }] }];
  const adapter = vector ? vectorOf(vector) : lora === undefined ? null : loraOf(lora);
  return { ...request, parts: [...shown, text], ...(adapter && { adapter }) };
}

function vectorOf({ block, width }: NonNullable<Call["vector"]>): Adapter {
  return adapterOf({ block, values: new Float32Array(width).fill(30 / Math.sqrt(width)) }, "smol");
}

const loraOf = (uri: string): Adapter => ({
  ...{ kind: "remote", revision: `lora-${uri}`, space: "weights:smol", format: "lora", norm: null, uri },
});

/** A fetch that remembers what passes. */
export function recordingFetch(): { fetch: typeof globalThis.fetch; exchanges: Exchange[] } {
  const exchanges: Exchange[] = [];
  const fetch = async (url: string | URL | Request, init?: RequestInit) => {
    const response = await globalThis.fetch(url, init);
    const text = await response.clone().text();
    const headers = Object.fromEntries(
      ["content-type", "retry-after"].flatMap((name) => {
        const value = response.headers.get(name);
        return value === null ? [] : [[name, value]];
      }),
    );
    const isJson = /json/.test(headers["content-type"] ?? "");
    exchanges.push({
      request: shapeOf(new URL(String(url)), init),
      answer: { status: response.status, headers, body: isJson ? JSON.parse(text) : text },
    });
    return response;
  };
  return { fetch, exchanges };
}

/**
 * A fetch that gives each recorded answer once.
 * @returns with what went wrong: requests that were not recorded, and recorded ones that were not made
 */
export function replayingFetch(exchanges: readonly Exchange[]): {
  fetch: typeof globalThis.fetch;
  faults: () => string[];
} {
  const left = [...exchanges];
  const unknown: string[] = [];
  const fetch = async (url: string | URL | Request, init?: RequestInit) => {
    const request = shapeOf(new URL(String(url)), init);
    const place = left.findIndex((exchange) => holds(request, exchange.request));
    if (place < 0) {
      unknown.push(`not recorded: ${JSON.stringify(request)}`);
      throw new Error(`The request was not recorded: ${JSON.stringify(request)}`);
    }
    const [{ answer }] = left.splice(place, 1) as [Exchange];
    const { status, headers, body } = answer;
    const text = typeof body === "string" ? body : JSON.stringify(body);
    return new Response(text, { status, headers: headers as Record<string, string> });
  };
  const faults = () => [...unknown, ...left.map(({ request }) => `not made: ${JSON.stringify(request)}`)];
  return { fetch, faults };
}

/** What of a request is kept: all but its key, the words of its texts, and the bytes of its pictures. */
function shapeOf({ pathname }: URL, { method = "GET", body }: RequestInit = {}): Exchange["request"] {
  if (typeof body !== "string") return { method, path: pathname };
  const { messages, ...fields } = JSON.parse(body) as Json & { messages: readonly Json[] };
  const shapes = messages.map(({ role, content }) => ({
    role,
    content: typeof content === "string" ? "…" : (content as readonly Json[]).map(partShape),
  }));
  return { method, path: pathname, body: { ...mapped(fields, shortened), messages: shapes } };
}

/** A long text, such as the numbers of a vector, as its hash. */
function shortened(value: unknown): unknown {
  if (typeof value === "string") return value.length > 300 ? `… ${sha256(value).slice(0, 12)}` : value;
  return isFields(value) && !Array.isArray(value) ? mapped(value, shortened) : value;
}

function partShape(part: Json): Json {
  const shape = (value: unknown): unknown => {
    if (typeof value !== "string") return isFields(value) ? mapped(value, shape) : value;
    return value.startsWith("data:") ? `${value.split(",")[0]},${sha256(value).slice(0, 12)}` : "…";
  };
  const { type, ...others } = part;
  return { type, ...mapped(others, shape) };
}

const isFields = (value: unknown): value is Json => typeof value === "object" && value !== null;
const mapped = (fields: Json, map: (value: unknown) => unknown): Json =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, map(value)]));

/** Whether `value` has everything that `part` has, at any depth; `null` says that there must be none. */
function holds(value: unknown, part: unknown): boolean {
  if (part === null) return value === undefined || value === null;
  if (!isFields(part) || !isFields(value)) return isDeepStrictEqual(value, part);
  if (Array.isArray(part) && (!Array.isArray(value) || value.length !== part.length)) return false;
  return Object.entries(part).every(([name, wanted]) => holds(value[name], wanted));
}

/** A grey JPEG of 32 × 32 pixels. */
const greyJpeg = Buffer.from(
  "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywtQFdBRkxO" +
    "UlNSMj5aYVpQYEpRUk//2wBDAQ4ODhMREyYVFSZPNS01T09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09P" +
    "T09PT09PT0//wAARCAAgACADASIAAhEBAxEB/8QAFAABAAAAAAAAAAAAAAAAAAAAAP/EABQQAQAAAAAAAAAAAAAAAAAAAAD/xAAU" +
    "AQEAAAAAAAAAAAAAAAAAAAAA/8QAFBEBAAAAAAAAAAAAAAAAAAAAAP/aAAwDAQACEQMRAD8AAAAAAAAA/9k=",
  "base64",
);
