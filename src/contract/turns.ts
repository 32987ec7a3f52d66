/**
 * Turns: of the searches and questions of one memory a few are worked on at once, and others wait. What was found is read in the
 * server's own thread, and of many at once each would be read in one go, while nothing else is answered. A model reads
 * elsewhere, so nothing waits for it.
 */
import PQueue from "p-queue";
import type { TaskMem } from "../taskmem.ts";

/** Searches and questions that are worked on at once: while one is searched in its thread, another is read. */
const mostAtOnce = 2;
/** Verbs that search the whole memory. */
const searching: ReadonlySet<string> = new Set(["ask", "recall", "explain", "trace"]);

/** Those who search one memory. */
export class Turns {
  readonly #queue: PQueue;

  constructor({ config: { reader, model } }: TaskMem) {
    const readsHere = reader === "local" || (reader === undefined && model.model === undefined);
    this.#queue = new PQueue({ concurrency: readsHere ? mostAtOnce : Number.POSITIVE_INFINITY });
  }

  /** Does what a verb does, when it is its turn; verbs that do not search do not wait. */
  take<Result>(verb: string, work: () => Promise<Result>): Promise<Result> {
    return searching.has(verb) ? this.#queue.add(work) : work();
  }
}
