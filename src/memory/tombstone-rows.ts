/** Tombstones in the database. */
import { build, type Db, parseStored } from "./database.ts";
import type { Tombstone } from "./records.ts";
import { tombstoneKey } from "./tombstones.ts";

/** All, in the order they were added. */
export function tombstones(db: Db): Tombstone[] {
  return db
    .all(build.selectFrom("tombstone").select("value").orderBy("row"))
    .map(({ value }) => parseStored<Tombstone>(value, "a tombstone"));
}

/** @returns whether it is new */
export function addTombstone(db: Db, tombstone: Tombstone): boolean {
  const added = build
    .insertInto("tombstone")
    .orIgnore()
    .values({ value: tombstoneKey(tombstone) });
  return db.run(added).changes > 0;
}
