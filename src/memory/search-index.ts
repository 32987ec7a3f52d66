/**
 * What a database searches entries by: words, vectors and names. Each database has its own; all find the same.
 *
 * Text is indexed by the stems of a word space, and found by bm25 with k1 1.2 and b 0.75 over stems and speakers
 * together. Vectors are compared exactly.
 */
import type { RawBuilder } from "kysely";
import type { Steps } from "./db.ts";
import type { EntryFilter } from "./records.ts";

/** SQL about the names of people. */
export interface NameConditions {
  /** Whether the text of `entry as e` names any of them. */
  mentions(names: readonly string[]): RawBuilder<boolean>;
  /** A subquery of the stored spellings of speakers' names. */
  spellingsOf(names: readonly string[]): RawBuilder<unknown>;
}

/** An entry by its row, and how well it was found. */
export interface FoundRow {
  readonly row: number;
  readonly score: number;
}

/** An entry by its row, and the Euclidean distance of its vector. */
export interface NearVector {
  readonly row: number;
  readonly distance: number;
}

/** A vector with what a search filters by. */
export interface IndexedVector {
  /** Row of its entry. */
  readonly row: number;
  /** Row of its stream. */
  readonly stream: number;
  readonly knownSeconds: number;
  readonly closedAtMs: number | null;
  readonly vector: Float32Array;
}

/** A text with what it is searched by. */
export interface IndexedText {
  /** Stems of the text and of its speakers, separated by blanks. */
  readonly stems: string;
  readonly speakers: string;
  readonly text: string;
  /** Names of its speakers, folded as `foldName` folds. */
  readonly names: readonly string[];
}

/** The index of a memory. Spaces are rows of `space`; entries are rows of `entry`. */
export interface SearchIndex extends NameConditions {
  putText(row: number, of: IndexedText): Steps<void>;
  dropText(row: number): Steps<void>;
  dropAllText(): Steps<void>;
  holdsStem(stem: string): Steps<boolean>;
  /**
   * Entries that pass a filter and hold any of these stems, best first.
   */
  findText(stems: readonly string[], query: EntryFilter, pool: number): Steps<FoundRow[]>;

  /** Makes room for vectors of a new space. */
  addSpace(space: number, dimension: number): Steps<void>;
  dropSpace(space: number): Steps<void>;
  putVector(space: number, of: IndexedVector): Steps<void>;
  /** @returns how many there were: 0 or 1 */
  dropVector(space: number, row: number): Steps<number>;
  closeVector(space: number, row: number, atMs: number): Steps<void>;
  /** Gives entries without one the checksum of their vector, where the database keeps such. Inside a transaction. */
  checksumVectors(space: number): Steps<void>;
  /** The nearest vectors of entries that pass a filter, the nearest first. */
  nearest(space: number, vector: Float32Array, query: EntryFilter, limit: number): Steps<NearVector[]>;
}
