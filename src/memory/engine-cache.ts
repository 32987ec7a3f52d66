/**
 * What engines said in training, in the memory file: a training run that was killed resumes with it.
 *
 * It is no more than a cache: exports leave it out, the oldest answers make room, and any `forget` clears it, since cached
 * output may quote what was forgotten. What an engine is still saying then is not kept either: the cache it was asked
 * through has ended.
 */
import { sql } from "kysely";
import type { EngineCache } from "../engine.ts";
import { sha256 } from "../util/hash.ts";
import { build, type Db } from "./database.ts";

/** Kept of all scopes together. */
const mostBytes = 64 * 2 ** 20;

/** The row whose number names the life of the cache; numbers are never given twice. */
const lifeKey = "life";

/** @param scope what the answers depend on besides their keys: those of another are not found */
export function engineCache(db: Db, scope: string, limitBytes = mostBytes): EngineCache {
  const keyOf = (key: string) => sha256(JSON.stringify([scope, key]));
  const life = lifeOf(db);
  return {
    get: (key) =>
      db.get(build.selectFrom("engine_answer").select("said").where("key", "=", keyOf(key)))?.said,
    set: (key, said) =>
      db.write(() => {
        const kept = db.run(sql`insert or replace into engine_answer (key, said)
          select ${keyOf(key)}, ${said} from engine_answer where row = ${life}`);
        if (kept.changes > 0) makeRoom(db, limitBytes);
      }),
  };
}

function lifeOf(db: Db): number {
  return db.write(() => {
    db.run(sql`insert or ignore into engine_answer (key, said) values (${lifeKey}, '')`);
    return db.get(build.selectFrom("engine_answer").select("row").where("key", "=", lifeKey))!.row;
  });
}

function makeRoom(db: Db, limitBytes: number): void {
  db.run(sql`delete from engine_answer where key <> ${lifeKey} and row in (select row from
    (select row, sum(octet_length(said)) over (order by row desc) as bytes from engine_answer)
    where bytes > ${limitBytes})`);
}

/** Ends the life of the cache. Inside a transaction. */
export function emptyEngineCache(db: Db): void {
  db.run(build.deleteFrom("engine_answer"));
}
