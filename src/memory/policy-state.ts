/**
 * Policy state between decisions: a small value per stream, and word counts over all candidates of all streams.
 *
 * A stream has one writer, so its value is set. Counts are shared by all streams of a policy, so they are incremented,
 * and decisions of several processes add up. Each decision keeps what it added, so that forgetting can subtract it.
 */
import { sql } from "kysely";
import { build, type Db } from "./database.ts";
import type { JsonValue, PolicyState, PolicyStateChange } from "./memory.ts";

/** What a policy remembers of a stream, and its word counts. */
export function policyState(db: Db, policy: string, stream: string): PolicyState {
  return db.read(() => {
    const known = db.get(build.selectFrom("policy").selectAll().where("id", "=", policy));
    if (!known) return { value: null, documents: 0, words: new Map() };
    const own = db.get(
      build
        .selectFrom("policy_value")
        .innerJoin("stream", "stream.row", "policy_value.stream")
        .select("policy_value.value")
        .where("policy_value.policy", "=", known.row)
        .where("stream.id", "=", stream),
    );
    const words = db.all(
      build.selectFrom("word").select(["stem", "documents"]).where("policy", "=", known.row).orderBy("row"),
    );
    return {
      value: own ? (JSON.parse(own.value) as JsonValue) : null,
      documents: known.documents,
      words: new Map(words.map(({ stem, documents }) => [stem, documents])),
    };
  });
}

/** The row of a policy, added if missing. Inside a transaction. */
export function policyRow(db: Db, policy: string): number {
  db.run(
    build
      .insertInto("policy")
      .values({ id: policy, documents: 0 })
      .onConflict((conflict) => conflict.column("id").doNothing()),
  );
  return db.get(build.selectFrom("policy").select("row").where("id", "=", policy))!.row;
}

/** Sets a policy's value of a stream. Inside a transaction. */
export function putPolicyValue(db: Db, policy: number, stream: number, value: JsonValue): void {
  db.run(build.replaceInto("policy_value").values({ policy, stream, value: JSON.stringify(value) }));
}

/** Records a decision and adds its counts. Inside a transaction. @returns row of the decision */
export function addDecision(
  db: Db,
  decision: { readonly policy: number; readonly revision: string; readonly decidedAtMs: number },
  counted: Pick<PolicyStateChange, "documents" | "words">,
): number {
  const { policy, revision, decidedAtMs } = decision;
  db.run(
    build
      .updateTable("policy")
      .set({ documents: sql`documents + ${counted.documents}` })
      .where("row", "=", policy),
  );
  const words = addWords(
    db,
    policy,
    [...counted.words].filter(([, times]) => times !== 0),
  );
  const { lastInsertRowid } = db.run(
    build.insertInto("decision").values({
      policy,
      revision,
      decided_at_ms: decidedAtMs,
      documents: counted.documents,
      words: JSON.stringify(words),
    }),
  );
  return Number(lastInsertRowid);
}

/** @returns row of the word, times counted, row, times, … in the order given */
function addWords(db: Db, policy: number, counted: readonly (readonly [string, number])[]): number[] {
  const rows = db.all(sql<{ row: number; stem: string }>`
    insert into word (policy, stem, documents)
    select ${policy}, value ->> 0, value ->> 1 from json_each(${JSON.stringify(counted)}) where true
    on conflict (policy, stem) do update set documents = documents + excluded.documents
    returning row, stem`);
  const rowOf = new Map(rows.map(({ row, stem }) => [stem, row]));
  return counted.flatMap(([stem, times]) => [rowOf.get(stem)!, times]);
}
