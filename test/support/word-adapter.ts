/** Adapters of words, kept in a memory as if they had been trained. */
import { adapterText } from "../../src/adapter/adapter-file.ts";
import { createAdapter } from "../../src/adapter/arithmetic.ts";
import { wordSpace } from "../../src/engines/local/index.ts";
import type { TaskMem } from "../../src/taskmem.ts";

/** Keeps a candidate of the choice policy that raises some words. */
export async function keepWordAdapter(memory: TaskMem, id: string, words: readonly string[]): Promise<void> {
  const weights = words.flatMap((word) =>
    wordSpace.stems(word).map((stem) => {
      const { index, sign } = wordSpace.bucket(stem);
      return [index, sign * 3] as const;
    }),
  );
  const adapter = createAdapter(wordSpace.id, wordSpace.dimension, weights);
  const provenance = { method: "closed-form", parents: [], tasks: [], createdAtMs: 0, report: {} } as const;
  await memory.store.addAdapter({
    ...{ id, policy: "choice", revision: adapter.revision, state: "candidate", reason: "made by hand" },
    ...{ atMs: 1, tasks: [], file: adapterText({ adapter, base: "choice@1", provenance }, id) },
  });
}
