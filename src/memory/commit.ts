/**
 * Commits a decision: its statements become entries with their evidence, in one durable transaction.
 *
 * Embedding may call a model, so it runs before the transaction.
 */
import { build, type Db, parseStored, type Steps, type Store } from "./db.ts";
import { insertEntry, selectEntryById } from "./entries.ts";
import { unknownClip } from "./errors.ts";
import { clipWithObservation, markStored, streamRow, trimObservations } from "./journal.ts";
import type { Leases } from "./lease.ts";
import { peopleIn } from "./people-rows.ts";
import { addDecision, policyRow, putPolicyValue } from "./policy-state.ts";
import type { Decision, Entry, PackedObservation, Receipt } from "./records.ts";
import { type Indexing, requireSpace } from "./space.ts";
import { bySpeaker } from "./speaker-counts.ts";
import { candidatesOf, embedAll, evidenceOf, type NamedCandidate, named } from "./statements.ts";
import { entriesAround } from "./surrounding-rows.ts";
import { letWait } from "./waiting-vectors.ts";

/** The store a decision is committed to. */
export interface CommitOptions {
  readonly indexing: Indexing;
  readonly now: () => number;
  readonly leases: Leases;
  /** How many of the stream's decided observations keep their frames. */
  readonly withFrames: number;
}

/** Stores what was decided about clips; what is already stored is skipped. @throws RangeError, StoreError */
export async function commitDecision(
  database: Store,
  decision: Decision,
  options: CommitOptions,
): Promise<Receipt> {
  const people = await database.perform(function* (db) {
    yield* requireSpace(db, options.indexing);
    return yield* peopleIn(db);
  });
  const candidates = named(candidatesOf(decision), people);
  const { embedder } = options.indexing;
  const texts = candidates.map(({ text }) => text);
  // What takes its neighbours in is embedded when they are all there: `waiting-vectors.ts`.
  const vectors =
    embedder.meaning === undefined
      ? await embedAll(embedder, texts)
      : texts.map(() => new Float32Array(embedder.dimension));
  return database.perform((db) => db.write(() => store(db, decision, candidates, vectors, options)));
}

function* store(
  db: Db,
  decision: Decision,
  candidates: readonly NamedCandidate[],
  vectors: readonly Float32Array[],
  { indexing, now, leases, withFrames }: CommitOptions,
): Steps<Receipt> {
  const space = yield* requireSpace(db, indexing);
  const stream = yield* streamRow(db, decision.stream);
  yield* leases.assertHeld(db, stream.row, stream.id);
  const clips = new Map<number, OpenClip>();
  for (const clip of decision.clips) clips.set(clip, yield* openClip(db, stream, clip, decision.revision));
  const stored: Entry[] = [];
  const rows: number[] = [];
  const skipped: Receipt["skipped"][number][] = [];
  for (const [i, { statement, text, id, told }] of candidates.entries()) {
    const clip = clips.get(statement.clip)!;
    const key = JSON.stringify([statement.kind, text]);
    const isStored = clip.isDecided || (yield* db.get(selectEntryById(id))) !== undefined;
    const reason =
      text === "" ? "empty" : isStored ? "already-stored" : clip.texts.has(key) ? "duplicate" : null;
    if (reason) {
      skipped.push({ statement, reason });
      continue;
    }
    clip.texts.add(key);
    const entry: Entry = {
      id,
      stream: stream.id,
      clip: statement.clip,
      kind: statement.kind,
      startSeconds: statement.startSeconds,
      endSeconds: statement.endSeconds,
      writtenAtMs: now(),
      text,
      speakers: [...new Set(statement.speakers)],
      policy: decision.policy,
      revision: decision.revision,
      evidence: evidenceOf(statement, clip.observation),
      closed: null,
    };
    const row = yield* insertEntry(db, entry, {
      streamRow: stream.row,
      knownSeconds: Math.max(entry.endSeconds, clip.endSeconds),
      words: indexing.words,
      space,
      vector: vectors[i]!,
      told,
    });
    rows.push(row);
    stored.push(entry);
  }
  if (indexing.embedder.meaning !== undefined)
    yield* letWait(db, [...rows, ...(yield* entriesAround(db, rows))]);
  const undecided = [...clips.values()].filter(({ isDecided }) => !isDecided);
  if (undecided.length > 0) {
    const { revision, stateChange } = decision;
    const policy = yield* policyRow(db, decision.policy);
    if (stateChange) yield* putPolicyValue(db, policy, stream.row, stateChange.value);
    const counted = stateChange ?? { documents: 0, words: new Map<string, number>() };
    const observations = [...clips.values()].map(({ observation }) => observation);
    const counts = bySpeaker(counted, observations, indexing.words);
    const row = yield* addDecision(db, { policy, revision, decidedAtMs: now() }, counts);
    for (const clip of undecided) {
      yield* db.run(
        build
          .insertInto("decision_clip")
          .values({ clip: clip.row, revision, part: clip.part, decision: row }),
      );
      yield* markStored(db, stream.row, clip);
    }
    yield* trimObservations(db, stream.row, withFrames);
  }
  return { stored, skipped };
}

/** A clip that is decided about. */
interface OpenClip {
  readonly row: number;
  readonly part: number;
  readonly clip: number;
  readonly endSeconds: number;
  readonly observation: PackedObservation | null;
  /** Whether it was decided at this revision before. */
  readonly isDecided: boolean;
  /** Keys of kind and text of its entries. */
  readonly texts: Set<string>;
}

/** @throws StoreError `clip-unknown` */
function* openClip(
  db: Db,
  stream: { readonly row: number; readonly id: string },
  clip: number,
  revision: string,
): Steps<OpenClip> {
  const found = yield* clipWithObservation(db, stream.row, clip);
  if (!found) throw unknownClip(stream.id, clip);
  const decided = yield* db.get(
    build
      .selectFrom("decision_clip")
      .select("decision")
      .where("clip", "=", found.row)
      .where("part", "=", found.part)
      .where("revision", "=", revision),
  );
  const entries = yield* db.all(
    build
      .selectFrom("entry")
      .select(["kind", "text"])
      .where("stream", "=", stream.row)
      .where("clip", "=", clip)
      .where("closed_at_ms", "is", null),
  );
  return {
    row: found.row,
    part: found.part,
    clip,
    endSeconds: found.end_seconds,
    observation:
      found.value === null
        ? null
        : parseStored<PackedObservation>(found.value, `the observation of clip ${clip} of ${stream.id}`),
    isDecided: decided !== undefined,
    texts: new Set(entries.map(({ kind, text }) => JSON.stringify([kind, text]))),
  };
}
