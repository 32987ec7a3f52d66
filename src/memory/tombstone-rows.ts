/** Tombstones in the database. */
import { build, type Db, parseStored, type Steps } from "./db.ts";
import type { Tombstone } from "./records.ts";
import { tombstoneKey } from "./tombstones.ts";

/** All, in the order they were added. */
export function* tombstones(db: Db): Steps<Tombstone[]> {
  return (yield* db.all(build.selectFrom("tombstone").select("value").orderBy("row"))).map(({ value }) =>
    parseStored<Tombstone>(value, "a tombstone"),
  );
}

/** @returns whether it is new */
export function* addTombstone(db: Db, tombstone: Tombstone): Steps<boolean> {
  const added = build
    .insertInto("tombstone")
    .values({ value: tombstoneKey(tombstone) })
    .onConflict((conflict) => conflict.doNothing());
  return (yield* db.run(added)) > 0;
}
