/**
 * Searches of a memory on disk, in a thread beside this one where there is much to search, so that nothing else waits for
 * them. A thread that is lost is started once more for the same question; after that this thread searches itself.
 */
import { sql } from "kysely";
import { type ErrorCode, StoreError } from "../errors.ts";
import { AskedThread, type ThreadError } from "../util/asked-thread.ts";
import type { Connection } from "./database.ts";
import { selectEntries, selectSpeakers, toEntry } from "./entries.ts";
import { distinctNames } from "./names.ts";
import { recallEntries } from "./recall.ts";
import type { Entry, EntryList, RecalledEntry, RecallQuery } from "./records.ts";
import type { Searched, SearchFound, SearchSetup } from "./search-thread.ts";
import { type Indexing, requireSpace } from "./space.ts";
import { sqliteNames } from "./sqlite-index.ts";

/** Entries from which on a thread is worth its start. Fewer are searched in a few milliseconds. */
const fewestInThread = 2000;
/** A thread without a question for this long ends, and with it the vectors in its working memory. */
const idleMs = 300_000;

/** Says that the thread is gone, and that the question may be asked again. */
class LostThread extends Error {}

/** What is searched in a memory. */
export class Searcher {
  readonly #db: Connection;
  readonly #indexing: Indexing;
  readonly #meaning: number;
  readonly #thread: AskedThread<Searched, SearchFound>;
  #ended = false;

  constructor(db: Connection, directory: string, indexing: Indexing) {
    const { words, embedder } = indexing;
    this.#db = db;
    this.#indexing = indexing;
    this.#meaning = embedder.meaning ?? 0;
    const space = { words: { id: words.id }, embedder: { id: embedder.id, dimension: embedder.dimension } };
    this.#thread = new AskedThread({
      program: new URL("./search-thread", import.meta.url),
      setup: { directory, space, meaning: this.#meaning } satisfies SearchSetup,
      idleMs,
      failed: thrownAgain,
    });
  }

  /** Entries a question is about. @param vector the question in the space of the vectors */
  async recall(query: RecallQuery, vector: Float32Array): Promise<RecalledEntry[]> {
    const indexing = this.#indexing;
    const { words } = indexing;
    const stems = words.stems(query.text);
    return (await this.#find({ find: "recall", query, stems, vector }, () => {
      const meaning = this.#meaning;
      return this.#db.perform(function* (db) {
        const space = yield* requireSpace(db, indexing);
        return yield* recallEntries({ db, words, space, vector, meaning }, query);
      });
    })) as RecalledEntry[];
  }

  /** Entries that pass a filter. Without a limit they are read here: handing over many takes as long. */
  async entries(filter: EntryList): Promise<Entry[]> {
    const here = () => this.#db.all(selectEntries(filter, sqliteNames)).map(toEntry);
    if (filter.limit === undefined) return here();
    return (await this.#find({ find: "entries", filter }, here)) as Entry[];
  }

  async speakers(): Promise<string[]> {
    const here = () => distinctNames(this.#db.all(selectSpeakers()).map(({ name }) => name));
    return (await this.#find({ find: "speakers" }, here)) as string[];
  }

  /** Ends the thread; a question that it has not answered fails. */
  async end(): Promise<void> {
    this.#ended = true;
    await this.#thread.end();
  }

  async #find(searched: Searched, here: () => unknown): Promise<unknown> {
    if (!isLarge(this.#db)) return here();
    for (let attempt = 1; attempt <= 2; attempt++) {
      try {
        return (await this.#thread.ask(searched)).found;
      } catch (error) {
        if (!(error instanceof LostThread) || this.#ended) throw error;
      }
    }
    return here();
  }
}

/** Whether a memory is large enough for threads. The last row's number is fast to find and never below the count. */
export function isLarge(db: Connection): boolean {
  const newest = sql<{ row: number | null }>`select max(row) as row from entry`;
  return (db.get(newest)?.row ?? 0) >= fewestInThread && !db.isCopy;
}

/** The error that a thread threw, or that it was lost. */
function thrownAgain(why: string, thrown?: ThreadError): Error {
  return thrown ? errorOf(thrown) : new LostThread(`The search was stopped: ${why}`);
}

/** The error that a thread threw. */
export function errorOf({ name, message, code, details = {} }: ThreadError): Error {
  if (name === "StoreError")
    return new StoreError(code as ErrorCode, message, { details: details as Record<string, unknown> });
  return Object.assign(new Error(message), { name });
}
