import { z } from "zod";
import { StoreError } from "../errors.ts";
import type { Memory } from "../memory/memory.ts";
import { verb } from "./verb.ts";

/** Says that a memory no longer holds. */
export const close = verb({
  name: "close",
  title: "Close a memory",
  about:
    "Says that a memory no longer holds, and why: it is kept as it was, and no longer recalled as current. One that was closed before stays as it is.",
  effect: "changes",
  isIdempotent: true,
  input: z.strictObject({
    entry: z.string().describe("id"),
    reason: z.string().trim().min(1).max(1000),
    supersededBy: z.string().optional().describe("id of the memory that holds in its place"),
  }),
  output: z.object({
    entry: z.string(),
    at: z.string().describe("wall time since when, ISO 8601"),
    reason: z.string(),
    supersededBy: z.string().optional(),
  }),
  async run({ store }, { entry: id, reason, supersededBy }) {
    await held(store, id);
    if (supersededBy !== undefined) await held(store, supersededBy);
    await store.closeEntry(id, reason, supersededBy);
    const { closed } = await held(store, id);
    return {
      ...{ entry: id, at: new Date(closed!.atMs).toISOString(), reason: closed!.reason },
      supersededBy: closed!.supersededBy ?? undefined,
    };
  },
  text: ({ entry, at, reason }) => `${entry} is closed since ${at}: ${reason}`,
});

/** @throws StoreError `entry-unknown` */
async function held(store: Memory, id: string) {
  const entry = await store.entry(id);
  if (entry) return entry;
  throw new StoreError("entry-unknown", `Expected the id of an entry, got ${id}`);
}
