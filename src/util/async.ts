/** Small helpers for async iteration. */

/**
 * Maps items while the consumer works on earlier ones: at most `ahead` results wait, order is kept.
 *
 * An error surfaces at its place in the order. Leaving early closes the source.
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
    result.catch(() => {}); // reported when its turn comes
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

/** Runs pieces of work one after the other; one that fails does not stop those behind it. */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(work: () => Promise<T> | T): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => {});
    return result;
  }
}

/** Sends values to any number of listeners, each of which gets all that is sent after it began to listen. */
export class Broadcast<T> {
  readonly #listeners = new Set<Listener<T>>();
  #end: { readonly error: unknown } | null = null;

  send(value: T): void {
    for (const listener of this.#listeners) {
      listener.values.push(value);
      listener.wake();
    }
  }

  /** Ends all listeners once they have what was sent. @param error thrown by them; `null` for none */
  end(error: unknown = null): void {
    this.#end ??= { error };
    for (const { wake } of this.#listeners) wake();
  }

  /** Listens from this call on, not only from the first value asked for. */
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
