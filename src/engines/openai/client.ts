/**
 * One OpenAI-compatible endpoint, or several that serve the same model: calls with retries, rate and concurrency limits,
 * time-outs and a budget.
 *
 * An attempt ends with the body, not with its head: a body that is cut or hangs is retried. A failure that may be
 * temporary is retried (408, 409, 429, 5xx, a lost connection, a time-out, a body that is no answer): at once at another
 * endpoint that does not fail, otherwise with exponential back-off and full jitter, or after the time that `retry-after`
 * gives.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { addCost, type Cost, noCost } from "../../engine.ts";
import { ConfigError, EngineError } from "../../errors.ts";
import type { Random } from "../../util/random.ts";
import { keepSecret, keepSecretsIn } from "../../util/secrets.ts";
import { toEngineError } from "./errors.ts";
import type { EventReader } from "./events.ts";
import { type Connection, get, patientFetch, post, readBody, readStream } from "./http.ts";
import { longestAskedMs, openPool } from "./pool.ts";
import { type PriceFigures, type Prices, priceFigures, tablePrice, type Use } from "./prices.ts";
import { openSilence } from "./silence.ts";
import { openTokenWindow } from "./token-window.ts";

/** How an endpoint is reached, and within which limits. */
export interface EndpointOptions {
  /**
   * Root of the API, such as `http://localhost:8000/v1`, with or without a slash at its end. Calls are shared among
   * several, which serve the same model and take the same key.
   */
  readonly baseURL: string | readonly string[];
  /** Model name as the endpoint knows it. */
  readonly model: string;
  /** Sent as a bearer token; never printed or stored. @default none */
  readonly apiKey?: string;
  /** Simultaneous calls at each base URL. @default 4 */
  readonly concurrency?: number;
  /** Calls begun in any minute at all base URLs together, retries included. @default no limit */
  readonly requestsPerMinute?: number;
  /** Tokens of calls begun in any minute at all base URLs together, forecast until they are known. @default no limit */
  readonly tokensPerMinute?: number;
  /**
   * Longest silence of an attempt: before the first token of a streamed answer, and between tokens. Signs of life
   * without a token prolong it, to at most ten times. An answer that is not streamed must be there, whole, within it.
   * @default 120000
   */
  readonly timeoutMs?: number;
  /** Attempts after the first, those at once at another base URL not counted. @default 5 */
  readonly maxRetries?: number;
  /**
   * Back-off before the first retry, and how long a base URL that fails rests while others serve; doubled for each
   * further one, to at most a minute.
   * @default 1000
   */
  readonly retryMs?: number;
  /** What the model costs, where the server does not say. @default unknown */
  readonly prices?: Prices;
  /**
   * No call starts that would, by its forecast, exceed one of these. Failed attempts are not counted, because the server
   * does not say what they cost.
   * @default no limit
   */
  readonly budget?: {
    readonly usd?: number | undefined;
    readonly tokens?: number | undefined;
    readonly calls?: number | undefined;
  };
  /** Sends the requests; a custom one can add headers, a proxy or a recording. @default globalThis.fetch */
  readonly fetch?: typeof globalThis.fetch;
  /** Jitter of the back-off. @default Math.random */
  readonly random?: Random;
}

/** A count of tokens that a server reports; `null` for one that cannot be. */
export const tokenCount = z.number().min(0).max(1e9).nullish().catch(null);

/**
 * POSTs an object as JSON, or a form, to a path below the base URL and reads the answer's body. With a reader, an answer
 * that is streamed is read event by event; its body is the reader's whole answer.
 */
export type Post = (path: string, body: object, reader?: EventReader) => Promise<unknown>;

/**
 * Makes one request by `post`, which also ends it at the time-out.
 * @param failures of the attempts of this call before it, in order
 */
export type Attempt<T> = (
  post: Post,
  failures: readonly EngineError[],
) => Promise<{ readonly value: T; readonly used: Use }>;

/** An endpoint that calls are made to. */
export interface Endpoint {
  /**
   * Makes one call within limits and budget, retrying while it may help.
   *
   * `forecast` is reserved while an attempt is in flight; the cost is that of the answer.
   * @param retries attempts after the first, in place of `maxRetries`
   * @throws EngineError; the signal's reason once it is aborted
   */
  call<T>(
    forecast: Use,
    attempt: Attempt<T>,
    signal?: AbortSignal,
    retries?: number,
  ): Promise<{ readonly value: T; readonly cost: Cost }>;
  /**
   * What each base URL's server tells about itself at a path below it, where `../` leads above a `/v1`: the parsed body,
   * or `null` for any failure. Outside of queue and budget, without retries.
   * @throws the signal's reason once it is aborted
   */
  tells(path: string, signal?: AbortSignal): Promise<readonly unknown[]>;
  /** Everything spent so far. */
  cost(): Cost;
}

/** Longest wait for what a server tells about itself. */
const longestTellingMs = 10_000;
const longestBackoffMs = 60_000;

/** A connection, and how messages name it. */
interface NamedConnection extends Connection {
  readonly name: string;
}

/** A call that is being made. */
interface Call<T> {
  readonly forecast: Use;
  readonly attempt: Attempt<T>;
  readonly failures: readonly EngineError[];
  readonly signal: AbortSignal | undefined;
}

/** An endpoint with its own queue and budget; nothing is sent yet. @throws ConfigError `base-url-invalid` */
export function openEndpoint(options: EndpointOptions): Endpoint {
  const { concurrency = 4, timeoutMs = 120_000, maxRetries = 5, retryMs = 1000 } = options;
  const { apiKey, requestsPerMinute, tokensPerMinute, random = Math.random } = options;
  keepSecret(apiKey);
  const connections = parseBaseURLs(options.baseURL).map(
    (url): NamedConnection => ({
      ...{ url, apiKey, fetch: options.fetch ?? patientFetch },
      name: `${url.host} (model ${options.model})`,
    }),
  );
  const pool = openPool(connections, { concurrency, requestsPerMinute, restMs: retryMs });
  const budget = openBudget(options.budget ?? {});
  const window = tokensPerMinute === undefined ? null : openTokenWindow(tokensPerMinute);

  function costOf(use: Use, { usd: serverUsd, cachedTokens }: PriceFigures): Cost {
    const { promptTokens, completionTokens } = use;
    const tableUsd = options.prices ? tablePrice(options.prices, use, cachedTokens) : null;
    const source = serverUsd !== null ? "server" : tableUsd !== null ? "table" : "none";
    const pricedBy = { server: 0, table: 0, none: 0, [source]: 1 };
    return { ...{ calls: 1, promptTokens, completionTokens }, usd: serverUsd ?? tableUsd ?? 0, pricedBy };
  }

  /** Without a price in the table, a call is expected to cost what earlier ones did. */
  function forecastCost(forecast: Use): Cost {
    const cost = costOf(forecast, { usd: null, cachedTokens: 0 });
    const { usd, calls } = budget.spent();
    return cost.pricedBy?.none && calls > 0 ? { ...cost, usd: usd / calls } : cost;
  }

  async function attemptOnce<T>(connection: NamedConnection, call: Call<T>) {
    const { forecast, signal } = call;
    signal?.throwIfAborted();
    const release = budget.reserve(forecastCost(forecast));
    try {
      const answer = await withinWindow(forecast, signal, () => send(connection, call));
      const cost = costOf(answer.used, answer.figures);
      budget.spend(cost);
      return { value: answer.value, cost };
    } finally {
      release();
    }
  }

  /** Failed attempts are not counted, as in the budget. */
  async function withinWindow<T extends { readonly used: Use }>(
    forecast: Use,
    signal: AbortSignal | undefined,
    work: () => Promise<T>,
  ): Promise<T> {
    const count = await window?.begin(tokensOf(forecast), signal);
    try {
      const answer = await work();
      count?.(tokensOf(answer.used));
      return answer;
    } catch (error) {
      count?.(0);
      throw error;
    }
  }

  async function send<T>(
    connection: NamedConnection,
    { attempt, failures, signal }: Call<T>,
  ): Promise<{ value: T; used: Use; figures: PriceFigures }> {
    const silence = openSilence(timeoutMs);
    const either = signal ? AbortSignal.any([signal, silence.signal]) : silence.signal;
    let hasBegun = false;
    try {
      let figures: PriceFigures = { usd: null, cachedTokens: 0 };
      const { value, used } = await attempt(async (path, body, reader) => {
        const response = await post(connection, path, body, either);
        hasBegun = true;
        const answer = await (reader ? readStream(response, reader, silence.heard) : readBody(response));
        figures = priceFigures(response.headers, answer);
        return answer;
      }, failures);
      return { value, used, figures };
    } catch (error) {
      signal?.throwIfAborted();
      throw toEngineError(error, { name: connection.name, tooSlow: silence.verdict(), hasBegun });
    } finally {
      silence.close();
    }
  }

  async function tells(connection: Connection, path: string, signal: AbortSignal | undefined) {
    const limit = AbortSignal.timeout(Math.min(timeoutMs, longestTellingMs));
    const either = signal ? AbortSignal.any([signal, limit]) : limit;
    const isAboveRoot = path.startsWith("../") && !/\/v1\/*$/.test(connection.url.pathname);
    try {
      return await readBody(await get(connection, isAboveRoot ? path.slice(3) : path, either));
    } catch {
      signal?.throwIfAborted();
      return null;
    }
  }

  return {
    cost: budget.spent,
    tells: (path, signal) => Promise.all(connections.map((connection) => tells(connection, path, signal))),
    call: async (forecast, attempt, signal, retries = maxRetries) => {
      const waiting = signal ? { signal } : {};
      const tried = new Set<NamedConnection>();
      const failures: EngineError[] = [];
      for (let retry = 0; ; ) {
        try {
          return await pool.run(
            (connection) => {
              tried.add(connection);
              return attemptOnce(connection, { forecast, attempt, failures, signal });
            },
            { tried, signal },
          );
        } catch (error) {
          if (!(error instanceof EngineError) || !error.isRetryable) throw error;
          failures.push(error);
          if (pool.hasOther(tried)) continue;
          if (retry >= retries) throw error;
          const backoffMs = random() * Math.min(longestBackoffMs, retryMs * 2 ** retry++);
          const askedMs = error.details.retryAfterMs as number | undefined;
          const waitMs = askedMs === undefined ? backoffMs : Math.min(longestAskedMs, askedMs);
          await sleep(waitMs, undefined, waiting).catch(() => signal?.throwIfAborted());
          tried.clear();
        }
      }
    },
  };
}

const tokensOf = ({ promptTokens, completionTokens }: Use) => promptTokens + completionTokens;

/** The budget of an endpoint. Running calls reserve their forecast, so that simultaneous calls cannot exceed it. */
function openBudget(budget: NonNullable<EndpointOptions["budget"]>) {
  let spent = noCost;
  const inFlight = new Set<Cost>();
  return {
    spent: () => spent,
    spend: (cost: Cost) => {
      spent = addCost(spent, cost);
    },
    /** Reserves a forecast and returns what releases it. @throws EngineError `budget-spent` */
    reserve: (forecast: Cost): (() => void) => {
      const total = [spent, ...inFlight, forecast].reduce(addCost);
      const limits = [
        ["calls", total.calls, budget.calls],
        ["tokens", total.promptTokens + total.completionTokens, budget.tokens],
        ["US dollars", total.usd, budget.usd],
      ] as const;
      for (const [unit, wanted, limit] of limits) {
        if (limit === undefined || wanted <= limit) continue;
        throw new EngineError(
          "budget-spent",
          `The budget of ${limit} ${unit} is spent: raise it to resume this run where it stopped`,
          { details: { spent, limit, unit } },
        );
      }
      inFlight.add(forecast);
      return () => inFlight.delete(forecast);
    },
  };
}

function parseBaseURLs(given: string | readonly string[]): URL[] {
  const texts = [given].flat();
  if (texts.length === 0)
    throw new ConfigError("base-url-invalid", "Expected at least one base URL, got an empty list");
  return texts.map(parseBaseURL);
}

function parseBaseURL(text: string): URL {
  keepSecretsIn(text);
  const url = URL.parse(text);
  const isUsable =
    url !== null && /^https?:$/.test(url.protocol) && url.username === "" && url.password === "";
  if (!isUsable) {
    const shown = url ? `${url.protocol}//${url.host}` : JSON.stringify(text);
    throw new ConfigError(
      "base-url-invalid",
      `Expected a base URL like http://localhost:8000/v1, without user and password, got ${shown}`,
    );
  }
  return url;
}
