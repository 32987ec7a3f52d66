/** A failed call in our terms: which endpoint, its message, what to do, and whether a retry may help. */
import { EngineError } from "../../errors.ts";
import { Refusal } from "./http.ts";
import { saysUnreadable } from "./pictures.ts";

/** What was called, for messages. */
export interface Called {
  readonly name: string;
  /** What was too slow, as in `did not answer within 120 s`; `null` if nothing was. */
  readonly tooSlow: string | null;
  /** Whether the answer had begun. */
  readonly hasBegun: boolean;
}

/** An error for a body that is no answer: the server said 200 and sent something else. A retry may help. */
export function badResponse(message: string, cause?: unknown): EngineError {
  return new EngineError("bad-response", message, { isRetryable: true, cause });
}

/** The error to throw for anything that an attempt threw. */
export function toEngineError(error: unknown, called: Called): EngineError {
  if (error instanceof EngineError) return error;
  if (called.tooSlow !== null) {
    const message = `${called.name} ${called.tooSlow}`;
    return new EngineError("timeout", message, { isRetryable: true, cause: error });
  }
  if (error instanceof SyntaxError) {
    return badResponse(`${called.name} sent a body that is not JSON: ${error.message}`, error);
  }
  if (error instanceof Refusal) return refusalError(error, called);
  const what = called.hasBegun
    ? "lost the connection in the middle of its answer"
    : "could not be reached, or the connection was lost";
  const details = { hasBegun: called.hasBegun };
  return new EngineError("unreachable", `${called.name} ${what}: ${rootMessage(error)}`, {
    ...{ isRetryable: true, details, cause: error },
  });
}

/** An error that comes as an event of a stream: a refusal with the status that it names, otherwise a 500. */
export function errorEvent(event: unknown): Refusal {
  const { code, type } = saidIn(event);
  const status = Number(code);
  if (Number.isInteger(status) && status >= 400 && status < 600)
    return new Refusal(status, new Headers(), event);
  const words = `${code} ${type}`;
  const named = statusWords.find(([, pattern]) => pattern.test(words))?.[0] ?? 500;
  return new Refusal(named, new Headers(), event);
}

/** Codes and types of errors that come without a status. */
const statusWords: readonly [number, RegExp][] = [
  [429, /rate_limit|overloaded|too_many/i],
  [400, /invalid_?request|bad_?request|context_length|context_size/i],
  [401, /authentication|api_key/i],
];

/** Words with which endpoints say that the account is empty, whatever the status. */
const unpaid =
  /insufficient_quota|exceeded your current quota|insufficient (?:credits?|balance|funds|quota)|(?:credit )?balance is too low/i;

/** An answer with an error status. */
function refusalError({ status, headers, body }: Refusal, { name }: Called): EngineError {
  const { message: words, code: kind } = saidIn(body);
  const said = words.slice(0, 500);
  const facts = { status, details: { said, ...retryAfter(headers) } };
  if (status === 402 || (status < 500 && unpaid.test(`${kind} ${said}`))) {
    return new EngineError("quota-spent", `${name}: the account's quota is spent: ${said}`, facts);
  }
  if (status === 401 || status === 403) {
    const message = `${name} refused the key (${status}): set TASKMEM_API_KEY to one it accepts`;
    return new EngineError("unauthorized", message, { status });
  }
  if (status === 404) {
    const advice = "Check the base URL (it usually ends in /v1) and the model name";
    return new EngineError(
      "unknown-model",
      `${name} answers 404: ${said.replace(/\.$/, "")}. ${advice}`,
      facts,
    );
  }
  // Some servers answer 500 to a picture that their model cannot see, or that they cannot read.
  const isFinal = status === 501 || /not support|unsupported/i.test(said) || saysUnreadable(said);
  if (!isFinal && (status === 408 || status === 409 || status === 429 || status >= 500)) {
    const code = status === 429 ? "rate-limited" : "unavailable";
    return new EngineError(code, `${name} answers ${status}: ${said}`, { ...facts, isRetryable: true });
  }
  return new EngineError("bad-request", `${name} refused the request (${status}): ${said}`, facts);
}

/** What servers say, each in its own form: `{error: {message, code}}`, `{error}`, `{message}`, `{detail}`, or text. */
function saidIn(body: unknown): { message: string; code: string; type: string } {
  const fields = isFields(body) ? body : {};
  const error = isFields(fields.error) ? fields.error : fields;
  const words = [error.message, fields.error, fields.detail, body];
  const said = words.find((word) => typeof word === "string" && word !== "");
  return {
    message: String(said ?? (body === "" ? "no reason given" : JSON.stringify(body))),
    code: String(error.code ?? ""),
    type: String(error.type ?? ""),
  };
}

function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

/** `retry-after` as seconds or as a date. */
function retryAfter(headers: Headers): { retryAfterMs?: number } {
  const value = headers.get("retry-after");
  if (!value) return {};
  const ms = /^\d+(\.\d+)?$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(ms) ? {} : { retryAfterMs: Math.max(0, ms) };
}

/** The innermost message: the system's own words (`ECONNREFUSED`) are below the client's. */
function rootMessage(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error) return rootMessage(error.cause);
  return error.message || ((error as NodeJS.ErrnoException).code ?? error.name);
}
