/** The diagnostics channel that tells of every search of a memory on disk, for whoever measures. */
import { channel } from "node:diagnostics_channel";

/** Name of the channel. */
export const recallChannel = "taskmem:recall";

/** A search that ended. */
export interface Recalled {
  readonly directory: string;
  /** Milliseconds, waiting for the thread included. */
  readonly ms: number;
}

const recalled = channel(recallChannel);

/** Searches, and tells how long it took. */
export async function toldRecall<Found>(directory: string, search: () => Promise<Found>): Promise<Found> {
  if (!recalled.hasSubscribers) return search();
  const began = performance.now();
  const found = await search();
  recalled.publish({ directory, ms: performance.now() - began } satisfies Recalled);
  return found;
}
