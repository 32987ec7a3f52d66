/**
 * What policies remember between decisions: a small value, and word counts over all they were offered.
 *
 * Counts are added to, never set, so decisions of several processes add up. Each decision keeps what it added, so
 * that forgetting can take it away again.
 */
import { sql } from "kysely";
import { build, type Db } from "./database.ts";
import type { JsonValue, PolicyState, PolicyStateChange } from "./memory.ts";

export function policyState(db: Db, policy: string): PolicyState {
  return db.read(() => {
    const known = db.get(build.selectFrom("policy").selectAll().where("id", "=", policy));
    if (!known) return { value: null, documents: 0, words: new Map() };
    const words = db.all(
      build.selectFrom("word").select(["stem", "documents"]).where("policy", "=", known.row).orderBy("row"),
    );
    return {
      value: JSON.parse(known.value) as JsonValue,
      documents: known.documents,
      words: new Map(words.map(({ stem, documents }) => [stem, documents])),
    };
  });
}

/** Makes a policy known, or gives the known one another value. Inside a transaction. @returns its row */
export function putPolicy(db: Db, policy: string, value: JsonValue | undefined): number {
  return db.get(
    build
      .insertInto("policy")
      .values({ id: policy, value: JSON.stringify(value ?? null), documents: 0 })
      .onConflict((conflict) =>
        conflict
          .column("id")
          .doUpdateSet({ value: value === undefined ? sql`value` : JSON.stringify(value) }),
      )
      .returning("row"),
  )!.row;
}

/** Records a decision and adds up what it counted. Inside a transaction. @returns row of the decision */
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
  const words: number[] = [];
  for (const [stem, times] of counted.words) {
    if (times !== 0) words.push(addWord(db, policy, stem, times), times);
  }
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

function addWord(db: Db, policy: number, stem: string, times: number): number {
  return db.get(
    build
      .insertInto("word")
      .values({ policy, stem, documents: times })
      .onConflict((conflict) =>
        conflict.columns(["policy", "stem"]).doUpdateSet({ documents: sql`documents + ${times}` }),
      )
      .returning("row"),
  )!.row;
}
