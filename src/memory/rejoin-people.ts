/** People whom a clip shows to be one are merged, as by hand, so that it can be undone as what is done by hand. */
import { DataError, EngineError } from "../errors.ts";
import { mayRejoin, type Rejoining } from "../identity/rejoin.ts";
import type { People } from "./memory.ts";

/** Merges those who may be, and never met. What cannot be done now is found again when one of the two is seen again. */
export async function rejoinPeople(
  memory: Pick<People, "changePeople" | "peopleEvents">,
  found: readonly Rejoining[],
): Promise<void> {
  for (const { person, into } of found) {
    if (!mayRejoin({ person, into }, await memory.peopleEvents())) continue;
    try {
      await memory.changePeople({ kind: "merge", into, people: [person], by: "memory" });
    } catch (error) {
      // Who were in one picture are two; a vector may have to wait for an engine.
      if (error instanceof DataError || (error instanceof EngineError && error.isRetryable)) continue;
      throw error;
    }
  }
}
