/**
 * A memory as rows, for `export.ts` to write to files. They are read from a snapshot, so they are the memory as of one
 * moment even while it is written.
 */
import { sql } from "kysely";
import { adapters } from "./adapter-rows.ts";
import { openDatabase } from "./database.ts";
import { build, parseStored, type Query, type Store } from "./db.ts";
import { type EntryRow, toEntry } from "./entries.ts";
import { sourceFilesOf, toStream } from "./journal.ts";
import type { JsonValue, MemoryRow, PackedObservation } from "./memory.ts";
import { packVector } from "./packed.ts";
import { toClipRecord } from "./page-rows.ts";
import { peopleIn, selectFaces, toFace } from "./people-rows.ts";
import { decisionReader } from "./policy-state.ts";
import { withoutPath } from "./source-files.ts";
import { countsRow } from "./speaker-counts.ts";
import { toTask } from "./task-rows.ts";
import { tombstones } from "./tombstone-rows.ts";

type RowOf<Name extends MemoryRow["row"]> = Extract<MemoryRow, { row: Name }>;

/** A memory as of one moment. */
export interface Snapshot extends Store {
  /** Rows one by one, without holding all of them. */
  iterate<Row>(query: Query<Row>): Iterable<Row> | AsyncIterable<Row>;
  close(): void | Promise<void>;
}

/** The memory of a file as it is now, on a connection of its own. */
export function fileSnapshot(directory: string): Snapshot {
  const db = openDatabase(directory, { readOnly: true });
  db.exec("begin");
  return db;
}

/** All rows, in written order within a kind. */
export async function* memoryRows(open: () => Snapshot | Promise<Snapshot>): AsyncGenerator<MemoryRow> {
  const db = await open();
  try {
    yield* streamRows(db);
    yield* clipRows(db);
    yield* policyRows(db);
    yield* decisionRows(db);
    for (const person of await db.perform(peopleIn)) yield { row: "person", ...person };
    for await (const row of db.iterate(selectFaces())) {
      const face = toFace(row);
      yield { row: "face", ...face, vector: packVector(face.vector) };
    }
    yield* entryRows(db);
    yield* gapRows(db);
    yield* taskRows(db);
    for (const adapter of await db.perform(adapters)) yield { row: "adapter", ...adapter };
    for (const tombstone of await db.perform(tombstones)) yield { row: "forgotten", ...tombstone };
  } finally {
    await db.close();
  }
}

async function* streamRows(db: Snapshot): AsyncGenerator<RowOf<"stream">> {
  for await (const stream of db.iterate(build.selectFrom("stream").selectAll().orderBy("row"))) {
    const files = (await db.perform((steps) => sourceFilesOf(steps, stream.row))).map(withoutPath);
    yield {
      ...{ row: "stream", ...toStream(stream), nextClip: stream.next_clip },
      ...(files.length > 0 && { files }),
    };
  }
}

async function* clipRows(db: Snapshot): AsyncGenerator<RowOf<"clip">> {
  const clips = build
    .selectFrom("clip")
    .innerJoin("stream", "stream.row", "clip.stream")
    .leftJoin("observation", "observation.clip", "clip.row")
    .select(["stream.id as stream", "clip.clip", "clip.state", "clip.start_seconds", "clip.end_seconds"])
    .select(["clip.failure", "clip.attempts", "clip.part", "clip.look", "observation.value"])
    .orderBy("clip.row");
  for await (const clip of db.iterate(clips)) {
    const observation =
      clip.value === null
        ? null
        : parseStored<PackedObservation>(
            clip.value,
            `the observation of clip ${clip.clip} of ${clip.stream}`,
          );
    yield { row: "clip", ...partOf(clip), ...toClipRecord(clip), observation };
  }
}

/** The first part goes without saying. */
const partOf = ({ part }: { readonly part: number }) => (part > 1 ? { part } : {});

async function* policyRows(db: Snapshot): AsyncGenerator<RowOf<"policy">> {
  const values = build
    .selectFrom("policy_value")
    .innerJoin("policy", "policy.row", "policy_value.policy")
    .innerJoin("stream", "stream.row", "policy_value.stream")
    .select(["policy.id as policy", "stream.id as stream", "policy_value.value"])
    .orderBy("policy.id")
    .orderBy("stream.row");
  for await (const { policy, stream, value } of db.iterate(values)) {
    yield {
      row: "policy",
      policy,
      stream,
      value: parseStored<JsonValue>(value, `what ${policy} keeps of ${stream}`),
    };
  }
}

async function* decisionRows(db: Snapshot): AsyncGenerator<RowOf<"decision">> {
  const decisions = build
    .selectFrom("decision")
    .innerJoin("policy", "policy.row", "decision.policy")
    .select([
      "decision.row",
      "policy.id as policy",
      "decision.revision",
      "decision.decided_at_ms as decidedAtMs",
    ])
    .select(["decision.documents", "decision.words"])
    .orderBy("decision.row");
  const clipsOf = (decision: number) =>
    build
      .selectFrom("decision_clip")
      .innerJoin("clip", "clip.row", "decision_clip.clip")
      .innerJoin("stream", "stream.row", "clip.stream")
      .select(["stream.id as stream", "clip.clip", "decision_clip.part"])
      .where("decision_clip.decision", "=", decision)
      .orderBy("clip.row")
      .orderBy("decision_clip.part");
  const countsOf = await db.perform(decisionReader);
  for await (const { row, words, ...decision } of db.iterate(decisions)) {
    const decided = await db.perform((steps) => steps.all(clipsOf(row)));
    const clips = decided.map(({ stream, clip, part }) => ({ stream, clip, ...partOf({ part }) }));
    yield { row: "decision", ...decision, clips, ...countsRow(countsOf(words)) };
  }
}

async function* entryRows(db: Snapshot): AsyncGenerator<RowOf<"entry">> {
  const entries = sql<EntryRow & { told: string | null }>`select e.*, s.id as stream from entry as e
    join stream as s on s.row = e.stream order by e.row`;
  for await (const row of db.iterate(entries))
    yield { row: "entry", ...toEntry(row), ...(row.told !== null && { told: row.told }) };
}

async function* gapRows(db: Snapshot): AsyncGenerator<RowOf<"gap">> {
  const gaps = build
    .selectFrom("gap")
    .innerJoin("stream", "stream.row", "gap.stream")
    .select(["stream.id as stream", "gap.start_seconds", "gap.end_seconds", "gap.reason", "gap.detail"])
    .orderBy("stream.row")
    .orderBy("gap.start_seconds")
    .orderBy("gap.reason");
  for await (const { stream, start_seconds, end_seconds, reason, detail } of db.iterate(gaps)) {
    yield { row: "gap", stream, startSeconds: start_seconds, endSeconds: end_seconds, reason, detail };
  }
}

async function* taskRows(db: Snapshot): AsyncGenerator<RowOf<"task">> {
  for await (const task of db.iterate(
    build.selectFrom("task").select(["value", "feedback"]).orderBy("row"),
  )) {
    yield { row: "task", ...toTask(task) };
  }
}
