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

/** Records a decision and applies its change. Inside a transaction. @returns row of the decision */
export function addDecision(
  db: Db,
  decision: { readonly policy: string; readonly revision: string; readonly decidedAtMs: number },
  change: PolicyStateChange | null,
): number {
  const documents = change?.documents ?? 0;
  const policy = db.get(
    build
      .insertInto("policy")
      .values({ id: decision.policy, value: JSON.stringify(change?.value ?? null), documents })
      .onConflict((conflict) =>
        conflict.column("id").doUpdateSet({
          documents: sql`documents + ${documents}`,
          ...(change && { value: JSON.stringify(change.value) }),
        }),
      )
      .returning("row"),
  )!.row;
  const counted: number[] = [];
  for (const [stem, times] of change?.words ?? []) {
    if (times !== 0) counted.push(addWord(db, policy, stem, times), times);
  }
  const { lastInsertRowid } = db.run(
    build.insertInto("decision").values({
      policy,
      revision: decision.revision,
      decided_at_ms: decision.decidedAtMs,
      documents,
      words: JSON.stringify(counted),
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
