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
