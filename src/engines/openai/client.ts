/**
 * One OpenAI-compatible endpoint: calls with retries, rate and concurrency limits, time-outs and a budget.
 *
 * The official client does the wire; its own retries are off, because they stop at the response's head: a body that is
 * cut or hangs would be lost. Retried is what may work later (408, 409, 429, 5xx, a lost connection, a time-out, a body
 * that is no answer), with exponential back-off and full jitter, or as long as `retry-after` says.
 */
import OpenAI, { APIConnectionError, APIError } from "openai";
import PQueue from "p-queue";
import { addCost, type Cost, noCost } from "../../engine.ts";
import { EngineError } from "../../errors.ts";
import type { Random } from "../../util/random.ts";

export interface EndpointOptions {
  /** Root of the API, such as `http://localhost:8000/v1`. */
  readonly baseURL: string;
  /** Model name as the endpoint knows it. */
  readonly model: string;
  /** Sent as a bearer token; never printed. @default none */
  readonly apiKey?: string;
  /** Calls at once. @default 4 */
  readonly concurrency?: number;
  readonly requestsPerMinute?: number;
  /** For one attempt, its body included. @default 120000 */
  readonly timeoutMs?: number;
  /** Attempts after the first. @default 5 */
  readonly maxRetries?: number;
  /** Back-off before the first retry; doubled for each further one, to at most a minute. @default 1000 */
  readonly retryMs?: number;
  /** US dollars per million tokens. @default 0 */
  readonly prices?: { readonly promptPerMillion: number; readonly completionPerMillion: number };
  /** No call is started that would pass one of these. */
  readonly budget?: { readonly usd?: number | undefined; readonly tokens?: number | undefined; readonly calls?: number | undefined };
  readonly fetch?: typeof fetch;
  readonly random?: Random;
}

/** What a call is expected to use, reserved while it is in flight. */
export interface TokenUse {
  readonly promptTokens: number;
  readonly completionTokens: number;
}

export interface Endpoint {
  readonly model: string;
  readonly client: OpenAI;
  /**
   * Makes one call within limits and budget, retrying while it may help.
   * @throws EngineError
   */
  call<T>(expected: TokenUse, attempt: (signal: AbortSignal) => Promise<{ value: T; used: TokenUse }>, signal?: AbortSignal): Promise<T>;
  cost(): Cost;
}

export function openEndpoint(options: EndpointOptions): Endpoint {
  const { baseURL, model, timeoutMs = 120_000, maxRetries = 5, retryMs = 1000, budget = {}, random = Math.random } = options;
  const prices = options.prices ?? { promptPerMillion: 0, completionPerMillion: 0 };
  const client = new OpenAI({
    baseURL,
    apiKey: options.apiKey ?? "none",
    maxRetries: 0,
    timeout: timeoutMs,
    logLevel: "off",
    ...(options.fetch && { fetch: options.fetch }),
  });
  const queue = new PQueue({
    concurrency: options.concurrency ?? 4,
    ...(options.requestsPerMinute && { interval: 60_000, intervalCap: Math.max(1, Math.floor(options.requestsPerMinute)) }),
  });
  const costOf = ({ promptTokens, completionTokens }: TokenUse): Cost => ({
    calls: 1,
    promptTokens,
    completionTokens,
    usd: (promptTokens * prices.promptPerMillion + completionTokens * prices.completionPerMillion) / 1e6,
  });
  let spent = noCost;
  let reserved = noCost;

  /** @throws EngineError when a call of this size would pass the budget */
  function reserve(expected: Cost): void {
    const { calls, promptTokens, completionTokens, usd } = [spent, reserved, expected].reduce(addCost);
    const limits = [
      ["calls", calls, budget.calls],
      ["tokens", promptTokens + completionTokens, budget.tokens],
      ["US dollars", usd, budget.usd],
    ] as const;
    for (const [unit, total, limit] of limits) {
      if (limit !== undefined && total > limit) {
        throw new EngineError("budget-spent", `The budget of ${limit} ${unit} is spent: raise it to go on where this run stopped`, {
          details: { spent, limit, unit },
        });
      }
    }
    reserved = addCost(reserved, expected);
  }

  const release = (expected: Cost) => {
    const { calls, promptTokens, completionTokens, usd } = expected;
    reserved = addCost(reserved, { calls: -calls, promptTokens: -promptTokens, completionTokens: -completionTokens, usd: -usd });
  };

  return {
    model,
    client,
    cost: () => spent,
    call: async (expected, attempt, signal) => {
      const expectedCost = costOf(expected);
      for (let retry = 0; ; retry++) {
        const failure = await queue.add(
          async () => {
            signal?.throwIfAborted();
            reserve(expectedCost);
            const limit = AbortSignal.timeout(timeoutMs);
            try {
              const { value, used } = await attempt(signal ? AbortSignal.any([signal, limit]) : limit);
              spent = addCost(spent, costOf(used));
              return { value };
            } catch (error) {
              signal?.throwIfAborted();
              return { error: toEngineError(error, { baseURL, model, timeoutMs, timedOut: limit.aborted }) };
            } finally {
              release(expectedCost);
            }
          },
          { ...(signal && { signal }) },
        );
        if ("value" in failure!) return failure.value as never;
        const { error } = failure!;
        if (!error.isRetryable || retry >= maxRetries) throw error;
        const backoffMs = random() * Math.min(60_000, retryMs * 2 ** retry);
        const askedMs = error.details.retryAfterMs as number | undefined;
        await sleep(askedMs === undefined ? backoffMs : Math.min(120_000, askedMs), signal);
      }
    },
  };
}

/** The body is no answer: the server said 200 and sent something else. Worth another try. */
export function badResponse(message: string, cause?: unknown): EngineError {
  return new EngineError("bad-response", message, { isRetryable: true, cause });
}

/** What a failed call was, in our terms: what was expected, what came, what to do. */
function toEngineError(error: unknown, call: { baseURL: string; model: string; timeoutMs: number; timedOut: boolean }): EngineError {
  if (error instanceof EngineError) return error;
  const where = `${new URL(call.baseURL).host} (model ${call.model})`;
  if (call.timedOut) {
    return new EngineError("timeout", `${where} did not answer within ${call.timeoutMs / 1000} s`, { isRetryable: true, cause: error });
  }
  if (!(error instanceof APIError) || error instanceof APIConnectionError || error.status === undefined) {
    const cut = error instanceof SyntaxError ? "sent a body that is not JSON" : "could not be reached, or the connection was lost";
    return new EngineError(error instanceof SyntaxError ? "bad-response" : "unreachable", `${where} ${cut}: ${rootMessage(error)}`, { isRetryable: true, cause: error });
  }
  const { status } = error;
  const said = serverMessage(error);
  const facts = { status, cause: error, details: { said, ...retryAfter(error.headers) } };
  if (status === 401 || status === 403) {
    return new EngineError("unauthorized", `${where} refused the key (${status}): set TASKMEM_API_KEY to one it accepts`, { status, cause: error });
  }
  if (status === 404) return new EngineError("unknown-model", `${where} answers 404: ${said}. Check the base URL (it usually ends in /v1) and the model name`, facts);
  if (status === 429 && /insufficient_quota|exceeded your current quota/i.test(`${error.code} ${said}`)) {
    return new EngineError("quota-spent", `${where}: the account's quota is spent: ${said}`, facts);
  }
  if (status === 408 || status === 409 || status === 429 || status >= 500) {
    return new EngineError(status === 429 ? "rate-limited" : "unavailable", `${where} answers ${status}: ${said}`, { ...facts, isRetryable: status !== 501 });
  }
  return new EngineError("bad-request", `${where} refused the request (${status}): ${said}`, facts);
}

function serverMessage(error: APIError): string {
  const body = error.error as { message?: unknown } | string | undefined;
  const said = typeof body === "object" && body !== null ? body.message : body;
  return (typeof said === "string" && said !== "" ? said : error.message).slice(0, 500);
}

/** `retry-after` as seconds or as a date. */
function retryAfter(headers: Headers | undefined): { retryAfterMs?: number } {
  const value = headers?.get("retry-after");
  if (!value) return {};
  const ms = /^\d+(\.\d+)?$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(ms) ? {} : { retryAfterMs: Math.max(0, ms) };
}

function rootMessage(error: unknown): string {
  const { cause, message } = error as Error;
  return cause instanceof Error ? rootMessage(cause) : String(message);
}

function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const stop = () => {
    clearTimeout(timer);
    reject(signal!.reason);
  };
  const timer = setTimeout(() => {
    signal?.removeEventListener("abort", stop);
    resolve();
  }, ms);
  if (signal?.aborted) stop();
  else signal?.addEventListener("abort", stop, { once: true });
  return promise;
}
