/**
 * Output of engines in training, kept in the memory file, so that an interrupted training run does not ask again.
 *
 * Exports leave it out, and the oldest output is dropped when it is full. Any `forget` clears it, since cached output
 * may quote what was forgotten. A cache object opened before a `forget` keeps nothing afterwards, so output that
 * arrives late is not kept either.
 */
import { sql } from "kysely";
import type { EngineCache } from "../engine.ts";
import { sha256 } from "../util/hash.ts";
import { build, type Db, type Steps, type Store } from "./db.ts";

/** Most bytes of all scopes together. */
const mostBytes = 64 * 2 ** 20;

/** Key of the row whose number identifies the cache until the next `forget`; row numbers are never reused. */
const lifeKey = "life";

/** A cache of engine output. @param scope what the output depends on besides the key; other scopes are not found */
export function engineCache(store: Store, scope: string, limitBytes = mostBytes): EngineCache {
  const keyOf = (key: string) => sha256(JSON.stringify([scope, key]));
  // Asked for now, so that a cache that is opened before a `forget` is ended by it.
  const life = store.perform(lifeOf);
  Promise.resolve(life).catch(() => {}); // told by `set`
  return {
    get: (key) => store.perform((db) => saidOf(db, keyOf(key))),
    set: async (key, said) => {
      const own = await life;
      await store.perform((db) =>
        db.write(function* () {
          if (!(yield* db.get(build.selectFrom("engine_answer").select("row").where("row", "=", own))))
            return;
          const answer = { key: keyOf(key), said };
          // A new row, so that what was kept last is dropped last.
          yield* db.run(build.deleteFrom("engine_answer").where("key", "=", answer.key));
          yield* db.run(build.insertInto("engine_answer").values(answer));
          yield* makeRoom(db, limitBytes);
        }),
      );
    },
  };
}

function* saidOf(db: Db, key: string): Steps<string | undefined> {
  return (yield* db.get(build.selectFrom("engine_answer").select("said").where("key", "=", key)))?.said;
}

function* lifeOf(db: Db): Steps<number> {
  return yield* db.write(function* () {
    yield* db.run(sql`insert into engine_answer (key, said) values (${lifeKey}, '') on conflict do nothing`);
    return (yield* db.get(build.selectFrom("engine_answer").select("row").where("key", "=", lifeKey)))!.row;
  });
}

function* makeRoom(db: Db, limitBytes: number): Steps<void> {
  yield* db.run(sql`delete from engine_answer where key <> ${lifeKey} and row in (select row from
    (select row, sum(octet_length(said)) over (order by row desc) as bytes from engine_answer) as answers
    where bytes > ${limitBytes})`);
}

/** Clears the cache and ends every open cache object. Inside a transaction. */
export function* emptyEngineCache(db: Db): Steps<void> {
  yield* db.run(build.deleteFrom("engine_answer"));
}
