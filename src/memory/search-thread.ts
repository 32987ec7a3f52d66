/**
 * The thread that searches a memory on disk, with a connection of its own that only reads. Vectors are kept in working
 * memory: a part of them is loaded after each answer and between questions, until all are there.
 */
import { workerData } from "node:worker_threads";
import { answerWith } from "../util/asked-thread.ts";
import { openDatabase } from "./database.ts";
import { selectEntries, selectSpeakers, toEntry } from "./entries.ts";
import { distinctNames } from "./names.ts";
import { recallEntries } from "./recall.ts";
import type { EntryList, RecalledEntry, RecallQuery } from "./records.ts";
import { requireSpace, type SpaceIds } from "./space.ts";
import { sqliteNames } from "./sqlite-index.ts";
import { VectorCache } from "./vector-cache.ts";

/** What the thread starts with. */
export interface SearchSetup {
  readonly directory: string;
  readonly space: SpaceIds;
  /** How many of a vector's first numbers compare meanings. */
  readonly meaning: number;
}

/** What is searched for. */
export type Searched =
  | {
      readonly find: "recall";
      readonly query: RecallQuery;
      readonly stems: readonly string[];
      /** The question in the space of the vectors. */
      readonly vector: Float32Array;
    }
  | { readonly find: "entries"; readonly filter: EntryList }
  | { readonly find: "speakers" };

/** What was found, as the call of the same name returns it. */
export interface SearchFound {
  readonly found: unknown;
}

const { directory, space: ids, meaning } = workerData as SearchSetup;
const connection = openDatabase(directory, { readOnly: true });
const cache = new VectorCache(ids.embedder.dimension);
let isLoading = false;

function search(searched: Searched): unknown {
  switch (searched.find) {
    case "recall":
      return recalled(searched);
    case "entries":
      return connection.all(selectEntries(searched.filter, sqliteNames)).map(toEntry);
    case "speakers":
      return distinctNames(connection.all(selectSpeakers()).map(({ name }) => name));
  }
}

function recalled({ query, stems, vector }: Extract<Searched, { find: "recall" }>): RecalledEntry[] {
  const words = { stems: () => [...stems] };
  return connection.perform((db) =>
    db.read(function* () {
      const space = yield* requireSpace(db, ids);
      const nearestHeld = (limit: number) => cache.nearest(connection, { space, vector, query, limit });
      return yield* recallEntries({ db, words, space, vector, meaning, nearestHeld }, query);
    }),
  );
}

/** One step at a time, with questions in between. What fails here fails the next question too, which tells of it. */
function loadMore(): void {
  try {
    isLoading = !cache.load(
      connection,
      connection.perform((db) => requireSpace(db, ids)),
    );
  } catch {
    isLoading = false;
  }
  if (isLoading) setImmediate(loadMore);
}

answerWith<Searched, SearchFound>(async (searched) => {
  const found = search(searched);
  if (searched.find === "recall" && !isLoading) {
    isLoading = true;
    setImmediate(loadMore);
  }
  return { found };
});
