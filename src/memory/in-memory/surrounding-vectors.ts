/** Vectors that take in what is around an entry, in the in-memory store: made when the surroundings are other than before. */
import type { Embedder } from "../../engine.ts";
import type { Making } from "../settling.ts";
import { embedAll } from "../statements.ts";
import { textAround } from "../surroundings.ts";
import { compare, type KeptEntry, type State } from "./state.ts";

interface Waiting {
  readonly kept: KeptEntry;
  readonly context: string;
}

function waitingIn(state: State): Waiting[] {
  const byStream = Map.groupBy(state.entries.values(), ({ entry }) => entry.stream);
  return [...byStream.values()].flatMap((own) => {
    const inOrder = own.toSorted(
      ({ entry: a }, { entry: b }) => a.startSeconds - b.startSeconds || compare(a.id, b.id),
    );
    const texts = inOrder.map(({ entry }) => entry);
    return inOrder
      .map((kept, at) => ({ kept, context: textAround(texts, at) }))
      .filter(({ kept, context }) => kept.madeOf !== context);
  });
}

/** Takes away vectors that hold words of what is no longer there. */
export function dropStaleVectors(state: State): void {
  for (const { kept } of waitingIn(state)) {
    kept.vector = new Float32Array(kept.vector.length);
    kept.madeOf = null;
  }
}

/** Makes every vector whose surroundings changed. @throws EngineError */
export async function makeWaitingVectors(
  read: () => State,
  embedder: Embedder,
  { signal, once, onBatch }: Making,
): Promise<void> {
  const batch = waitingIn(read());
  const vectors = await embedAll(
    embedder,
    batch.map(({ kept }) => kept.entry.text),
    { contexts: batch.map(({ context }) => context), signal, once },
  );
  const { entries } = read();
  for (const [i, { kept, context }] of batch.entries()) {
    const now = entries.get(kept.entry.id);
    if (now) Object.assign(now, { vector: vectors[i]!, madeOf: context });
  }
  onBatch();
}
