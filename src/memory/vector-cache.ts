/**
 * The vectors of a memory in working memory, so that a search reads a few of them from the database and not all.
 *
 * They are kept as 16-bit integers, which tell which vectors may be among the nearest; the distances of those are then
 * computed from the vectors in the database, as a search there computes them. So both find the same. The cache follows the
 * database by its log of changed vectors, and is loaded again where it is behind that log.
 */
import { sql } from "kysely";
import type { Connection } from "./database.ts";
import { DotProducts } from "./dot-products.ts";
import { entryCondition, noTime, toBuffer } from "./entries.ts";
import { listed } from "./listed.ts";
import type { EntryFilter } from "./records.ts";
import { vectorTable } from "./schema.ts";
import type { NearVector } from "./search-index.ts";
import { sqliteNames } from "./sqlite-index.ts";
import { chunkedVectors } from "./vector-chunks.ts";

/** What is searched for. */
export interface NearestOptions {
  /** Row of the space. */
  readonly space: number;
  readonly vector: Float32Array;
  readonly query: EntryFilter;
  readonly limit: number;
}

interface VectorRow {
  readonly stream: number;
  readonly knownSeconds: number;
  readonly closedAtMs: bigint | number;
  readonly bytes: Uint8Array;
}

/** Chunks of 128 vectors that one step of loading reads. */
const chunksAtOnce = 16;

/** Vectors of one space at a time. */
export class VectorCache {
  readonly #dimension: number;
  #products: DotProducts;
  /** By place: row of the entry (0 for none), row of its stream, and so on. */
  #rows: number[] = [];
  #streams: number[] = [];
  #known: number[] = [];
  #closed: boolean[] = [];
  #lengths: number[] = [];
  #places = new Map<number, number>();
  #free: number[] = [];
  #space = -1;
  /** Number of the last change that is in here. */
  #revision = 0;
  #lastChunk = 0;
  #state: "loading" | "whole" | "too-large" = "loading";

  constructor(dimension: number) {
    this.#dimension = dimension;
    this.#products = new DotProducts(dimension);
  }

  /** Loads some more of a space. @returns whether there is nothing more to load */
  load(db: Connection, space: number): boolean {
    if (space !== this.#space) this.#begin(db, space);
    if (this.#state !== "loading") return true;
    return db.read(() => {
      const from = this.#lastChunk;
      const which = { after: from, chunks: chunksAtOnce };
      try {
        for (const vector of chunkedVectors(db, { row: space, dimension: this.#dimension }, which)) {
          this.#set(vector.row, vector);
          this.#lastChunk = vector.chunk;
        }
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        this.#empty();
        this.#state = "too-large";
        return true;
      }
      if (this.#lastChunk > from) return false;
      // What changed while it was loaded.
      this.#state = "whole";
      return this.#follow(db);
    });
  }

  /**
   * The nearest vectors of entries that pass a filter, the nearest first; `null` while they are not loaded. Inside a read
   * transaction.
   */
  nearest(db: Connection, { space, vector, query, limit }: NearestOptions): NearVector[] | null {
    if (space !== this.#space || this.#state !== "whole" || !this.#follow(db)) return null;
    const passes = this.#passing(db, query);
    const length = lengthOf(vector);
    const { slack } = this.#products;
    const squared = new Float64Array(this.#rows.length).fill(Number.NaN);
    const nearest = new Float64Array(limit).fill(Number.POSITIVE_INFINITY);
    this.#products.each(vector, length, this.#rows.length, (place, product) => {
      if (this.#rows[place] === 0 || !passes(place)) return;
      const own = this.#lengths[place]!;
      squared[place] = length ** 2 + own ** 2 - 2 * length * own * product;
      const atMost = squared[place]! + 2 * length * own * slack;
      if (atMost >= nearest[limit - 1]!) return;
      let at = limit - 1;
      for (; at > 0 && nearest[at - 1]! > atMost; at--) nearest[at] = nearest[at - 1]!;
      nearest[at] = atMost;
    });
    const border = nearest[limit - 1]!;
    const found: NearVector[] = [];
    for (const [place, about] of squared.entries()) {
      if (!(about - 2 * length * this.#lengths[place]! * slack <= border)) continue;
      const row = this.#rows[place]!;
      found.push({ row, distance: distanceOf(db, space, row, vector) });
    }
    return found.sort((a, b) => a.distance - b.distance || a.row - b.row).slice(0, limit);
  }

  /** Whether the entry of a place passes a filter. */
  #passing(db: Connection, query: EntryFilter): (place: number) => boolean {
    const { streams, asOfSeconds, writtenByMs, kinds, fromSeconds, toSeconds, speakers, clips } = query;
    const others = [writtenByMs, kinds, fromSeconds, toSeconds, speakers, clips];
    if (others.some((given) => given !== undefined)) {
      const rows = db.all(
        sql<{ row: number }>`select e.row from entry as e where ${entryCondition(query, sqliteNames)}`,
      );
      const passing = new Set(rows.map(({ row }) => row));
      return (place) => passing.has(this.#rows[place]!);
    }
    const named = sql<{ row: number }>`select row from stream where id in ${listed(streams ?? [])}`;
    const within = streams && new Set(db.all(named).map(({ row }) => row));
    const until = asOfSeconds ?? Number.POSITIVE_INFINITY;
    return (place) =>
      (query.includeClosed || !this.#closed[place]) &&
      this.#known[place]! <= until &&
      (within === undefined || within.has(this.#streams[place]!));
  }

  /** Takes in what changed. @returns whether the log reaches back far enough; if not, it has to be loaded again */
  #follow(db: Connection): boolean {
    const { first, last } = logged(db);
    if (last === this.#revision) return true;
    if (first > this.#revision + 1 || last < this.#revision) {
      this.#begin(db, this.#space);
      return false;
    }
    const changed = sql<{ entry: number }>`
      select distinct entry from vector_change where revision > ${this.#revision}`;
    const read = (row: number) => sql<VectorRow>`
      select stream, known_seconds as knownSeconds, closed_at_ms as closedAtMs, vector as bytes
      from ${sql.table(vectorTable(this.#space))} where rowid = ${BigInt(row)}`;
    for (const { entry } of db.all(changed)) {
      this.#remove(entry);
      const vector = db.get(read(entry));
      if (vector) this.#set(entry, vector);
    }
    this.#revision = last;
    return true;
  }

  #begin(db: Connection, space: number): void {
    this.#empty();
    this.#space = space;
    this.#revision = logged(db).last;
  }

  #empty(): void {
    this.#products = new DotProducts(this.#dimension);
    this.#rows = [];
    this.#streams = [];
    this.#known = [];
    this.#closed = [];
    this.#lengths = [];
    this.#places.clear();
    this.#free = [];
    this.#lastChunk = 0;
    this.#state = "loading";
  }

  #set(row: number, { stream, knownSeconds, closedAtMs, bytes }: VectorRow): void {
    const vector = new Float32Array(new Uint8Array(bytes).buffer);
    const length = lengthOf(vector);
    const place = this.#places.get(row) ?? this.#free.pop() ?? this.#rows.length;
    this.#products.set(place, vector, length);
    this.#places.set(row, place);
    this.#rows[place] = row;
    this.#streams[place] = stream;
    this.#known[place] = knownSeconds;
    this.#closed[place] = BigInt(closedAtMs) !== noTime;
    this.#lengths[place] = length;
  }

  #remove(row: number): void {
    const place = this.#places.get(row);
    if (place === undefined) return;
    this.#places.delete(row);
    this.#rows[place] = 0;
    this.#free.push(place);
  }
}

function lengthOf(vector: Float32Array): number {
  let squares = 0;
  for (const value of vector) squares += value * value;
  return Math.sqrt(squares);
}

/** The first and the last number of the log of changed vectors; 0 for an empty one. */
function logged(db: Connection): { readonly first: number; readonly last: number } {
  return db.get(
    sql<{
      first: number;
      last: number;
    }>`select coalesce(min(revision), 0) as first, coalesce(max(revision), 0) as last from vector_change`,
  )!;
}

/** By row: a search by many rows reads all. */
function distanceOf(db: Connection, space: number, row: number, vector: Float32Array): number {
  return db.get(sql<{ distance: number }>`select vec_distance_l2(vector, ${toBuffer(vector)}) as distance
    from ${sql.table(vectorTable(space))} where rowid = ${BigInt(row)}`)!.distance;
}
