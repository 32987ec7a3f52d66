/** What a store of memories is to the cases that all of them pass. */
import type { Embedder } from "../../src/engine.ts";
import type { Memory, MemoryRow } from "../../src/memory/memory.ts";
import { addTestStream } from "./memory.ts";

export interface TestStore {
  /** An empty memory. */
  open(options?: { readonly now?: () => number; readonly embedder?: Embedder }): Promise<Memory>;
  /** The same memory opened again; where it ends with its process, the one it is. */
  reopen(memory: Memory): Promise<Memory>;
  /** Whether each statement is sent over a connection. @default false */
  readonly isDistant?: boolean;
}

/** A memory with one stream. */
export async function kitchen(store: TestStore): Promise<Memory> {
  const memory = await store.open();
  await addTestStream(memory, "kitchen");
  return memory;
}

export const texts = async (memory: Memory): Promise<string[]> =>
  (await memory.entries()).map(({ text }) => text);

/** All rows of a memory. */
export async function rowsOf(memory: Memory): Promise<MemoryRow[]> {
  const rows: MemoryRow[] = [];
  for await (const row of memory.rows()) rows.push(row);
  return rows;
}
