/**
 * Committing a decision: statements become entries, with their evidence, in one durable transaction.
 *
 * Ids follow from what an entry is (stream, clip, revision, place, text), so committing twice finds the first
 * commit's rows. Embedding may call a model, so it comes before the transaction, never inside.
 */
import type { Embedder } from "../engine.ts";
import { StoreError } from "../errors.ts";
import { shortId } from "../util/hash.ts";
import { build, type Db } from "./database.ts";
import { insertEntry, selectEntryById } from "./entries.ts";
import { unknownClip } from "./errors.ts";
import { clipWithObservation, evidenceOf, markStored, streamRow, trimObservations } from "./journal.ts";
import type { Leases } from "./lease.ts";
import type { Decision, Entry, Evidence, Receipt, Statement } from "./memory.ts";
import { addDecision, policyRow, putPolicyValue } from "./policy-state.ts";
import { type Indexing, requireSpace } from "./space.ts";

export interface CommitOptions {
  readonly indexing: Indexing;
  readonly now: () => number;
  readonly leases: Leases;
  /** Decided observations of the stream that keep their frames. */
  readonly withFrames: number;
}

/** A statement with the id it will have. */
interface Candidate {
  readonly statement: Statement;
  readonly text: string;
  readonly id: string;
}

/** A key frame is the one asked for when it is no further off than this. */
const frameToleranceSeconds = 1e-3;

/** @throws RangeError, StoreError */
export async function commitDecision(db: Db, decision: Decision, options: CommitOptions): Promise<Receipt> {
  const candidates = candidatesOf(decision);
  requireSpace(db, options.indexing);
  const vectors = await embedAll(
    options.indexing.embedder,
    candidates.map(({ text }) => text),
  );
  return db.write(() => store(db, decision, candidates, vectors, options));
}

/** Zero vectors for empty texts, without a call. @throws StoreError `embedder-broken` */
export async function embedAll(embedder: Embedder, texts: readonly string[]): Promise<Float32Array[]> {
  const given = texts.filter((text) => text !== "");
  const found = given.length === 0 ? [] : await embedder.embed(given);
  const wrong = found.find(({ length }) => length !== embedder.dimension);
  if (found.length !== given.length || wrong) {
    throw new StoreError(
      "embedder-broken",
      `Expected ${given.length} vectors of ${embedder.dimension} from ${embedder.id}, got ${found.length}${wrong ? ` with one of ${wrong.length}` : ""}`,
    );
  }
  let next = 0;
  return texts.map((text) => (text === "" ? new Float32Array(embedder.dimension) : found[next++]!));
}

function candidatesOf({ stream, clips, revision, statements }: Decision): Candidate[] {
  const ordinals = new Map<number, number>();
  return statements.map((statement) => {
    const { clip, startSeconds, endSeconds } = statement;
    if (!clips.includes(clip)) {
      throw new RangeError(`Expected statements about clips ${clips.join(", ")}, got one about clip ${clip}`);
    }
    if (!(Number.isFinite(startSeconds) && endSeconds >= startSeconds && Number.isFinite(endSeconds))) {
      throw new RangeError(`Expected a statement's span to be ordered, got ${startSeconds} to ${endSeconds}`);
    }
    const ordinal = ordinals.get(clip) ?? 0;
    ordinals.set(clip, ordinal + 1);
    const text = statement.text.trim();
    return { statement, text, id: shortId("entry", stream, clip, revision, ordinal, text) };
  });
}

function store(
  db: Db,
  decision: Decision,
  candidates: readonly Candidate[],
  vectors: readonly Float32Array[],
  { indexing, now, leases, withFrames }: CommitOptions,
): Receipt {
  const space = requireSpace(db, indexing);
  const stream = streamRow(db, decision.stream);
  leases.assertHeld(stream.row, stream.id);
  const clips = new Map(decision.clips.map((clip) => [clip, openClip(db, stream, clip, decision.revision)]));
  const stored: Entry[] = [];
  const skipped: Receipt["skipped"][number][] = [];
  for (const [i, { statement, text, id }] of candidates.entries()) {
    const clip = clips.get(statement.clip)!;
    const key = JSON.stringify([statement.kind, text]);
    const isStored = () => clip.isDecided || db.get(selectEntryById(id)) !== undefined;
    const reason =
      text === "" ? "empty" : isStored() ? "already-stored" : clip.texts.has(key) ? "duplicate" : null;
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
      evidence: evidence(statement, clip.observation),
      closed: null,
    };
    insertEntry(db, entry, {
      streamRow: stream.row,
      knownSeconds: Math.max(entry.endSeconds, clip.endSeconds),
      words: indexing.words,
      space,
      vector: vectors[i]!,
    });
    stored.push(entry);
  }
  const undecided = [...clips.values()].filter(({ isDecided }) => !isDecided);
  if (undecided.length > 0) {
    const { revision, stateChange } = decision;
    const policy = policyRow(db, decision.policy);
    if (stateChange) putPolicyValue(db, policy, stream.row, stateChange.value);
    const counted = stateChange ?? { documents: 0, words: new Map<string, number>() };
    const row = addDecision(db, { policy, revision, decidedAtMs: now() }, counted);
    for (const clip of undecided) {
      db.run(build.insertInto("decision_clip").values({ clip: clip.row, revision, decision: row }));
      markStored(db, stream.row, clip);
    }
    trimObservations(db, stream.row, withFrames);
  }
  return { stored, skipped };
}

/** @throws StoreError `clip-unknown` */
function openClip(
  db: Db,
  stream: { readonly row: number; readonly id: string },
  clip: number,
  revision: string,
) {
  const found = clipWithObservation(db, stream.row, clip);
  if (!found) throw unknownClip(stream.id, clip);
  const decided = db.get(
    build
      .selectFrom("decision_clip")
      .select("decision")
      .where("clip", "=", found.row)
      .where("revision", "=", revision),
  );
  const entries = db.all(
    build
      .selectFrom("entry")
      .select(["kind", "text"])
      .where("stream", "=", stream.row)
      .where("clip", "=", clip)
      .where("closed_at_ms", "is", null),
  );
  return {
    row: found.row,
    clip,
    endSeconds: found.end_seconds,
    observation: found.value,
    isDecided: decided !== undefined,
    texts: new Set(entries.map(({ kind, text }) => JSON.stringify([kind, text]))),
  };
}

/** @throws RangeError when a moment is no frame of the observation; where that is gone, no frames are kept */
function evidence(statement: Statement, observation: string | null): Evidence {
  const { frames, tiers } = evidenceOf(observation);
  const moments = observation === null ? [] : statement.frameSeconds;
  return {
    clips: [statement.clip],
    startSeconds: statement.startSeconds,
    endSeconds: statement.endSeconds,
    frames: moments.map((seconds) => {
      const frame = frames.find(({ atSeconds }) => Math.abs(atSeconds - seconds) <= frameToleranceSeconds);
      if (frame) return { atSeconds: frame.atSeconds, hash: frame.hash };
      throw new RangeError(
        `Expected \`frameSeconds\` to be frames of clip ${statement.clip} (${frames.map(({ atSeconds }) => atSeconds).join(", ") || "none"}), got ${seconds}`,
      );
    }),
    sources: statement.sources,
    tiers,
  };
}
