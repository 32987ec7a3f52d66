/**
 * What policies remember between decisions: a small value per stream, and word counts over all they were offered.
 *
 * A stream has one writer, so its value is set; counts are shared by all streams of a policy and are added to, never
 * set, so decisions of several processes add up. Each decision keeps what it added, so
 * that forgetting can take it away again.
 */
import { sql } from "kysely";
import { build, type Db } from "./database.ts";
import type { JsonValue, PolicyState, PolicyStateChange } from "./memory.ts";

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

/** Makes a policy known. Inside a transaction. @returns its row */
export function policyRow(db: Db, policy: string): number {
  db.run(
    build
      .insertInto("policy")
      .values({ id: policy, documents: 0 })
      .onConflict((conflict) => conflict.column("id").doNothing()),
  );
  return db.get(build.selectFrom("policy").select("row").where("id", "=", policy))!.row;
}

/** Sets what a policy remembers of a stream. Inside a transaction. */
export function putPolicyValue(db: Db, policy: number, stream: number, value: JsonValue): void {
  db.run(build.replaceInto("policy_value").values({ policy, stream, value: JSON.stringify(value) }));
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
