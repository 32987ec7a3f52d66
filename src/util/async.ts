/** Helpers for asynchronous work: turns, mapping ahead or concurrently, a serial queue, a broadcast. */
import { setImmediate } from "node:timers/promises";

/**
 * Lets signals, timers and other work have their turn. A loop over promises that are already settled would keep the
 * process to itself.
 * @throws the signal's reason
 */
export async function turn(signal?: AbortSignal): Promise<void> {
  await setImmediate();
  signal?.throwIfAborted();
}

/**
 * Maps items while the consumer works on earlier ones. At most `ahead` results wait, in order.
 *
 * An error is thrown at its place in the order. Leaving early closes the source.
 */
export async function* mapAhead<A, B>(
  items: AsyncIterable<A>,
  ahead: number,
  map: (item: A) => Promise<B>,
): AsyncGenerator<B> {
  const iterator = items[Symbol.asyncIterator]();
  const waiting: Promise<IteratorResult<B>>[] = [];
  let last: Promise<unknown> = Promise.resolve();
  const pull = (): Promise<IteratorResult<B>> => {
    const result = last.then(async (): Promise<IteratorResult<B>> => {
      const next = await iterator.next();
      return next.done ? { done: true, value: undefined } : { done: false, value: await map(next.value) };
    });
    last = result;
    result.catch(() => {}); // thrown when its turn comes
    return result;
  };
  try {
    while (true) {
      while (waiting.length <= ahead) waiting.push(pull());
      const result = await waiting.shift()!;
      if (result.done) return;
      yield result.value;
    }
  } finally {
    await iterator.return?.();
  }
}

/** How many items to map at once. */
export interface ConcurrencyOptions {
  /** How many run at once, from 1 up. @default 1 */
  readonly concurrency?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called after each item with how many are done. */
  readonly onDone?: ((done: number, total: number) => void) | undefined;
}

/**
 * Maps items concurrently and returns the results in the order of the items.
 *
 * After the first error no further item starts, and the error is thrown when the running ones have ended.
 * @throws RangeError for a concurrency below 1; the signal's reason
 */
export async function mapConcurrently<A, B>(
  items: readonly A[],
  { concurrency = 1, signal, onDone }: ConcurrencyOptions,
  map: (item: A, index: number) => Promise<B>,
): Promise<B[]> {
  if (!Number.isInteger(concurrency) || concurrency < 1)
    throw new RangeError(`Expected \`concurrency\` to be an integer from 1 up, got ${concurrency}`);
  const results = new Array<B>(items.length);
  const failures: unknown[] = [];
  let next = 0;
  let done = 0;
  const work = async () => {
    while (next < items.length && failures.length === 0) {
      const index = next++;
      try {
        await turn(signal);
        results[index] = await map(items[index]!, index);
        done += 1;
        onDone?.(done, items.length);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, work));
  if (failures.length > 0) throw failures[0];
  return results;
}

/** Notices that may come at any time, to be yielded while other values are awaited. */
export class Notices<N> {
  readonly #waiting: N[] = [];
  #wake = Promise.withResolvers<void>();

  readonly add = (notice: N): void => {
    this.#waiting.push(notice);
    this.#wake.resolve();
  };

  /** Yields the notices that come until the promise is settled; returns its value. */
  async *until<T>(promise: Promise<T>): AsyncGenerator<N, T> {
    let isSettled = false;
    const settle = () => {
      isSettled = true;
      this.#wake.resolve();
    };
    promise.then(settle, settle);
    for (;;) {
      while (this.#waiting.length > 0) yield this.#waiting.shift()!;
      if (isSettled) return await promise;
      await this.#wake.promise;
      this.#wake = Promise.withResolvers();
    }
  }
}

/** Runs tasks one after the other; a failed task does not stop the next. */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(work: () => Promise<T> | T): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => {});
    return result;
  }
}

/** Sends values to any number of listeners. Each gets everything sent after it began to listen. */
export class Broadcast<T> {
  readonly #listeners = new Set<Listener<T>>();
  #end: { readonly error: unknown } | null = null;

  send(value: T): void {
    for (const listener of this.#listeners) {
      listener.values.push(value);
      listener.wake();
    }
  }

  /** Ends all listeners after they received everything sent. @param error thrown to them; `null` for none */
  end(error: unknown = null): void {
    this.#end ??= { error };
    for (const { wake } of this.#listeners) wake();
  }

  /** Listens from this call on, even before the first value is requested. */
  listen(): AsyncIterableIterator<T> {
    const listener: Listener<T> = { values: [], wake: () => {} };
    if (!this.#end) this.#listeners.add(listener);
    const next = async (): Promise<IteratorResult<T>> => {
      while (listener.values.length === 0) {
        if (this.#end?.error) throw this.#end.error;
        if (this.#end || !this.#listeners.has(listener)) return { done: true, value: undefined };
        await new Promise<void>((resolve) => {
          listener.wake = resolve;
        });
      }
      return { done: false, value: listener.values.shift()! };
    };
    return {
      next,
      return: async () => {
        this.#listeners.delete(listener);
        listener.wake();
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }
}

interface Listener<T> {
  readonly values: T[];
  wake: () => void;
}
