/**
 * Which of several endpoints serves the next attempt.
 *
 * The endpoint with the fewest attempts in flight is next, and among equals the one that waited longest. One that fails
 * rests, twice as long after each further failure; then one attempt at a time tries it, until one succeeds. While all
 * fail, none is held back: the caller's own back-off is the only wait, as with a single endpoint.
 */
import PQueue from "p-queue";
import { EngineError } from "../../errors.ts";
import { steadyMs } from "../../util/steady-clock.ts";

/** Limits of a pool. */
export interface PoolOptions {
  /** Simultaneous attempts at each endpoint. */
  readonly concurrency: number;
  /** Attempts begun in any minute, at all endpoints together. @default no limit */
  readonly requestsPerMinute?: number | undefined;
  /** Rest after the first failure; doubled for each further one, to at most a minute. */
  readonly restMs: number;
}

/** Endpoints that share the attempts. */
export interface Pool<Endpoint> {
  /**
   * Makes an attempt at one endpoint as soon as one is free, at an untried one if possible. A retryable `EngineError`
   * makes the endpoint rest, for as long as `retry-after` says if it does.
   * @throws what the attempt throws; the signal's reason while it waits
   */
  run<T>(
    attempt: (endpoint: Endpoint) => Promise<T>,
    options: { readonly tried: ReadonlySet<Endpoint>; readonly signal?: AbortSignal | undefined },
  ): Promise<T>;
  /** Whether an endpoint that does not fail is untried. */
  hasOther(tried: ReadonlySet<Endpoint>): boolean;
}

interface Member<Endpoint> {
  readonly endpoint: Endpoint;
  inFlight: number;
  /** Failures since the last success. An attempt begun before the last of them tells nothing new. */
  failures: number;
  /** Runs out when the rest ends. */
  rest: NodeJS.Timeout | undefined;
  /** When the rest ends, by the steady clock; 0 without one. */
  restsUntil: number;
  /** The pool's count of attempts when it was last chosen. */
  turn: number;
}

const longestRestMs = 60_000;
/** A server that asks for a longer rest is tried again after this time. */
export const longestAskedMs = 120_000;

/** A pool of at least one endpoint. */
export function openPool<Endpoint>(endpoints: readonly Endpoint[], options: PoolOptions): Pool<Endpoint> {
  const { concurrency, requestsPerMinute, restMs } = options;
  const members = endpoints.map(
    (endpoint): Member<Endpoint> => ({
      ...{ endpoint, inFlight: 0, failures: 0, rest: undefined, restsUntil: 0, turn: 0 },
    }),
  );
  const queue = new PQueue({
    concurrency: concurrency * members.length,
    ...(requestsPerMinute && {
      interval: 60_000,
      intervalCap: Math.max(1, Math.floor(requestsPerMinute)),
      strict: true,
    }),
  });
  let turn = 0;

  const isWell = ({ failures }: Member<Endpoint>) => failures === 0;

  function capacityOf(member: Member<Endpoint>): number {
    if (isWell(member) || !members.some(isWell)) return concurrency;
    return member.rest ? 0 : 1;
  }

  /** Lets as many attempts run as have an endpoint; those still in flight at one that rests take no other's place. */
  function open(): void {
    queue.concurrency = members.reduce(
      (sum, member) => sum + Math.max(member.inFlight, capacityOf(member)),
      0,
    );
  }

  function next(tried: ReadonlySet<Endpoint>): Member<Endpoint> {
    const free = members.filter((member) => member.inFlight < capacityOf(member));
    const order = ({ endpoint, restsUntil, inFlight, turn }: Member<Endpoint>) =>
      [Number(tried.has(endpoint)), restsUntil, inFlight, turn] as const;
    return (free.length > 0 ? free : members).reduce((best, member) =>
      isBefore(order(member), order(best)) ? member : best,
    );
  }

  function recover(member: Member<Endpoint>): void {
    clearTimeout(member.rest);
    Object.assign(member, { failures: 0, rest: undefined, restsUntil: 0 });
  }

  function fail(member: Member<Endpoint>, askedMs: number | undefined): void {
    const ms =
      askedMs === undefined
        ? Math.min(longestRestMs, restMs * 2 ** member.failures)
        : Math.min(longestAskedMs, askedMs);
    clearTimeout(member.rest);
    member.failures++;
    member.restsUntil = steadyMs() + ms;
    member.rest = setTimeout(() => {
      Object.assign(member, { rest: undefined, restsUntil: 0 });
      open();
    }, ms).unref();
  }

  async function runNext<T>(attempt: (endpoint: Endpoint) => Promise<T>, tried: ReadonlySet<Endpoint>) {
    const member = next(tried);
    const { failures } = member;
    member.turn = ++turn;
    member.inFlight++;
    try {
      const value = await attempt(member.endpoint);
      if (member.failures === failures) recover(member);
      return value;
    } catch (error) {
      const isFailure = error instanceof EngineError && error.isRetryable;
      if (isFailure && member.failures === failures)
        fail(member, error.details.retryAfterMs as number | undefined);
      throw error;
    } finally {
      member.inFlight--;
      open();
    }
  }

  return {
    run: (attempt, { tried, signal }) =>
      queue.add(() => runNext(attempt, tried), { priority: tried.size, ...(signal && { signal }) }),
    hasOther: (tried) => members.some((member) => isWell(member) && !tried.has(member.endpoint)),
  };
}

/** Whether the first list of numbers comes first in order. */
function isBefore(a: readonly number[], b: readonly number[]): boolean {
  const i = a.findIndex((value, i) => value !== b[i]);
  return i >= 0 && a[i]! < b[i]!;
}
