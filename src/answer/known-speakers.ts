/** The names of a memory, for a name that it does not know: who is asked for by a misspelt name is told the nearest. */
import { DataError } from "../errors.ts";
import type { Entries } from "../memory/memory.ts";
import { didYouMean } from "../util/nearest.ts";

/** Checks that current entries are spoken by or name one of these people. @throws DataError `speaker-unknown` */
export async function assertSpeakers(
  memory: Pick<Entries, "entries" | "speakers">,
  speakers: readonly string[] = [],
): Promise<void> {
  if (speakers.length === 0) return;
  const [known] = await memory.entries({ speakers, limit: 1 });
  if (known) return;
  const there = await memory.speakers();
  throw new DataError(
    "speaker-unknown",
    `Expected people of this memory, got ${speakers.join(", ")}. ${didYouMean(speakers[0]!, there)}It knows ${there.join(", ") || "no names"}.`,
    { details: { speakers, known: there } },
  );
}
