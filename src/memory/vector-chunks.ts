/** The vectors of a space as sqlite-vec (0.1) keeps them: in chunks, which are read much faster than row by row. */
import { type RawBuilder, sql } from "kysely";
import type { Connection } from "./database.ts";
import { vectorTable } from "./schema.ts";

/** A vector where it is kept. */
export interface PlacedVector {
  readonly chunk: number;
  readonly place: number;
  /** Row of its entry. */
  readonly row: number;
  /** Row of its stream. */
  readonly stream: number;
  readonly knownSeconds: number;
  readonly closedAtMs: bigint;
  readonly bytes: Buffer;
}

interface Chunk {
  readonly chunk: number;
  readonly size: number;
  readonly stream: number;
  /** One bit a place, lowest first: whether a vector is there. */
  readonly validity: Buffer;
  /** Row of each vector's entry, as 64-bit integers. */
  readonly rowids: Buffer;
  readonly vectors: Buffer;
  /** As 64-bit floats. */
  readonly known: Buffer;
  /** As 64-bit integers. */
  readonly closed: Buffer;
}

/** A table that sqlite-vec keeps a space in. */
export const vectorPart = (space: number, part: string): RawBuilder<unknown> =>
  sql.table(`${vectorTable(space)}_${part}`);

/** Vectors of chunks above a number, chunk by chunk; those of a damaged chunk are left out. */
export function* chunkedVectors(
  db: Connection,
  { row: space, dimension }: { readonly row: number; readonly dimension: number },
  { after = 0, chunks = -1 }: { readonly after?: number; readonly chunks?: number } = {},
): Generator<PlacedVector, void> {
  const found = sql<Chunk>`
    select c.chunk_id as chunk, c.size, c.partition00 as stream, c.validity, c.rowids, v.vectors, k.data as known,
      o.data as closed
    from ${vectorPart(space, "chunks")} as c left join ${vectorPart(space, "vector_chunks00")} as v on v.rowid = c.chunk_id
      left join ${vectorPart(space, "metadatachunks00")} as k on k.rowid = c.chunk_id
      left join ${vectorPart(space, "metadatachunks01")} as o on o.rowid = c.chunk_id
    where c.chunk_id > ${after} order by c.chunk_id limit ${chunks}`;
  for (const chunk of db.iterate(found)) yield* vectorsOf(chunk, dimension);
}

function* vectorsOf(
  { chunk, size, stream, validity, rowids, vectors, known, closed }: Chunk,
  dimension: number,
): Generator<PlacedVector, void> {
  const isWhole =
    validity.length * 8 >= size &&
    [rowids, known, closed].every((data) => data?.length === size * 8) &&
    vectors?.length === size * dimension * 4;
  if (!isWhole) return;
  for (let place = 0; place < size; place++) {
    if (((validity[place >> 3]! >> (place & 7)) & 1) === 0) continue;
    yield {
      ...{ chunk, place, stream },
      row: Number(rowids.readBigInt64LE(place * 8)),
      knownSeconds: known.readDoubleLE(place * 8),
      closedAtMs: closed.readBigInt64LE(place * 8),
      bytes: vectors.subarray(place * dimension * 4, (place + 1) * dimension * 4),
    };
  }
}
