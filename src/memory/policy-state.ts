/**
 * Policy state between decisions: a small value per stream, and word counts over all candidates of all streams.
 *
 * A stream has one writer, so its value is set. Counts are shared by all streams of a policy, so they are incremented,
 * and decisions of several processes add up. Each decision keeps what it added, by speaker, so that forgetting can
 * subtract it.
 */
import { sql } from "kysely";
import { build, type Db, parseStored, type Steps } from "./db.ts";
import type { JsonValue, PolicyState } from "./memory.ts";
import { type SpeakerCounts, wordsOf } from "./speaker-counts.ts";

/** What a policy remembers of a stream, and its word counts. */
export function* policyState(db: Db, policy: string, stream: string): Steps<PolicyState> {
  return yield* db.read(function* () {
    const known = yield* db.get(build.selectFrom("policy").selectAll().where("id", "=", policy));
    if (!known) return { value: null, documents: 0, words: new Map() };
    const own = yield* db.get(
      build
        .selectFrom("policy_value")
        .innerJoin("stream", "stream.row", "policy_value.stream")
        .select("policy_value.value")
        .where("policy_value.policy", "=", known.row)
        .where("stream.id", "=", stream),
    );
    const words = yield* db.all(
      build.selectFrom("word").select(["stem", "documents"]).where("policy", "=", known.row).orderBy("row"),
    );
    return {
      value: own ? parseStored<JsonValue>(own.value, `what ${policy} keeps of ${stream}`) : null,
      documents: known.documents,
      words: new Map(words.map(({ stem, documents }) => [stem, documents])),
    };
  });
}

/** The row of a policy, added if missing. Inside a transaction. */
export function* policyRow(db: Db, policy: string): Steps<number> {
  yield* db.run(
    build
      .insertInto("policy")
      .values({ id: policy, documents: 0 })
      .onConflict((conflict) => conflict.column("id").doNothing()),
  );
  return (yield* db.get(build.selectFrom("policy").select("row").where("id", "=", policy)))!.row;
}

/** Sets a policy's value of a stream. Inside a transaction. */
export function* putPolicyValue(db: Db, policy: number, stream: number, value: JsonValue): Steps<void> {
  const kept = { value: JSON.stringify(value) };
  yield* db.run(
    build
      .insertInto("policy_value")
      .values({ policy, stream, ...kept })
      .onConflict((conflict) => conflict.columns(["policy", "stream"]).doUpdateSet(kept)),
  );
}

/** Records a decision and adds its counts. Inside a transaction. @returns row of the decision */
export function* addDecision(
  db: Db,
  decision: { readonly policy: number; readonly revision: string; readonly decidedAtMs: number },
  counts: readonly SpeakerCounts[],
): Steps<number> {
  const { policy, revision, decidedAtMs } = decision;
  const documents = counts.reduce((sum, share) => sum + share.documents, 0);
  yield* db.run(
    build
      .updateTable("policy")
      .set({ documents: sql`documents + ${documents}` })
      .where("row", "=", policy),
  );
  const rowOf = yield* addWords(db, policy, wordsOf(counts));
  const stored = counts.map(({ speaker, documents, words }): StoredCounts => {
    return [speaker, documents, [...words].flatMap(([stem, times]) => [rowOf.get(stem)!, times])];
  });
  const added = yield* db.get(
    build
      .insertInto("decision")
      .values({ policy, revision, decided_at_ms: decidedAtMs, documents, words: JSON.stringify(stored) })
      .returning("row"),
  );
  return added!.row;
}

/** Words in one statement. */
const wordsAtOnce = 500;

/** Adds counts of words. @returns the row of each word */
function* addWords(db: Db, policy: number, counted: ReadonlyMap<string, number>): Steps<Map<string, number>> {
  const rowOf = new Map<string, number>();
  const added = [...counted].map(([stem, documents]) => ({ policy, stem, documents }));
  for (let from = 0; from < added.length; from += wordsAtOnce) {
    const rows = yield* db.all(
      build
        .insertInto("word")
        .values(added.slice(from, from + wordsAtOnce))
        .onConflict((conflict) =>
          conflict
            .columns(["policy", "stem"])
            .doUpdateSet((e) => ({ documents: sql`${e.ref("word.documents")} + excluded.documents` })),
        )
        .returning(["row", "stem"]),
    );
    for (const { row, stem } of rows) rowOf.set(stem, row);
  }
  return rowOf;
}

/** The counts of one speaker as a decision's row holds them: row of a word, times counted, row, times, … */
type StoredCounts = readonly [speaker: string | null, documents: number, words: readonly number[]];

/** Reads what decisions counted. It looks up words once, so it is for reading many decisions in one transaction. */
export function* decisionReader(db: Db): Steps<(words: string) => SpeakerCounts[]> {
  const rows = yield* db.all(build.selectFrom("word").select(["row", "stem"]));
  const stemOf = new Map(rows.map(({ row, stem }) => [row, stem]));
  return (words) =>
    parseStored<StoredCounts[]>(words, "the counts of a decision").map(([speaker, documents, counted]) => {
      const known = new Map<string, number>();
      for (let i = 0; i < counted.length; i += 2) {
        const stem = stemOf.get(counted[i]!);
        if (stem !== undefined) known.set(stem, counted[i + 1]!);
      }
      return { speaker, documents, words: known };
    });
}

/** Subtracts shares of a decision's counts. Inside a transaction. @returns the words whose counts were lowered */
export function* takeBack(
  db: Db,
  decision: { readonly row: number; readonly policy: number; readonly words: string },
  gone: ReadonlySet<number>,
): Steps<string[]> {
  const stored = parseStored<StoredCounts[]>(decision.words, "the counts of a decision");
  const lowered: string[] = [];
  let documents = 0;
  for (const [, own, counted] of stored.filter((_, place) => gone.has(place))) {
    documents += own;
    for (let i = 0; i < counted.length; i += 2) {
      const word = yield* db.get(
        sql<{
          stem: string;
        }>`update word set documents = case when documents > ${counted[i + 1]} then documents - ${counted[i + 1]} else 0 end
          where row = ${counted[i]} returning stem`,
      );
      if (word) lowered.push(word.stem);
    }
  }
  const left = JSON.stringify(stored.filter((_, place) => !gone.has(place)));
  yield* db.run(
    sql`update policy set documents = case when documents > ${documents} then documents - ${documents} else 0 end where row = ${decision.policy}`,
  );
  yield* db.run(sql`update decision set documents = case when documents > ${documents} then documents - ${documents} else 0 end, words = ${left}
    where row = ${decision.row}`);
  return lowered;
}
