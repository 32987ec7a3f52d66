/** A store that holds what a dataset's policy kept, where no agent writes it. */
import type { Entry, Memory, MemoryRow, NewStream } from "../../memory/memory.ts";

/** A text that was kept; ids that sort as the texts were kept give their order to what starts at one moment. */
export type KeptText = Pick<
  Entry,
  "id" | "clip" | "kind" | "startSeconds" | "endSeconds" | "text" | "speakers"
>;

/** Adds a stream of which nothing is journaled. */
export async function addTextStream(
  memory: Memory,
  { id, clipSeconds, clock }: Pick<NewStream, "id" | "clipSeconds" | "clock">,
): Promise<void> {
  await memory.addStream({ id, description: id, clipSeconds, clock, fingerprint: null });
}

/** Adds texts to a stream as entries without evidence. */
export async function addTexts(memory: Memory, stream: string, texts: readonly KeptText[]): Promise<void> {
  const rows = texts.map((text): MemoryRow => {
    const { clip, startSeconds, endSeconds } = text;
    return {
      ...{ ...text, row: "entry", stream, writtenAtMs: 0, policy: "", revision: "", closed: null },
      evidence: { clips: [clip], startSeconds, endSeconds, frames: [], sources: [], tiers: {} },
    };
  });
  if (rows.length > 0) await memory.addRows(rows, () => null);
}
