/**
 * The tables of a memory file, and the migrations from older versions.
 *
 * `pragma application_id` marks the file as ours, `pragma user_version` holds the schema version; both are in the
 * file's header and change in the transaction of the migration itself. A released version is never edited: a change is
 * a new element of `migrations`.
 */
import type { Generated } from "kysely";

/** "TMem" as a big-endian integer. */
export const applicationId = 0x544d656d;

export interface StreamTable {
  row: Generated<number>;
  id: string;
  description: string;
  clip_seconds: number;
  /** JSON of a `Clock`. */
  clock: string;
  fingerprint: string | null;
  added_at_ms: number;
  ended: Generated<number>;
  /** First clip never perceived. It only grows, so that a forgotten clip is not watched again. */
  next_clip: Generated<number>;
  /** JSON array of `LeftOut`: what the last run left out. */
  left_out: Generated<string>;
}

/** A stream that is paused. */
export interface PauseTable {
  stream: number;
  since_ms: number;
}

/** What models cost on one day. */
export interface SpentTable {
  /** Day of UTC: `2026-11-29`. */
  day: string;
  stream: number | null;
  purpose: string;
  calls: number;
  prompt_tokens: number;
  completion_tokens: number;
  usd: number;
  unpriced: number;
}

export interface LeaseTable {
  stream: number;
  token: string;
  pid: number;
  host: string;
  heartbeat_ms: number;
}

export interface ClipTable {
  row: Generated<number>;
  stream: number;
  clip: number;
  state: "perceived" | "stored" | "failed";
  start_seconds: number;
  end_seconds: number;
  /** JSON of `{code, message, retryable}`, set while the clip is failed. */
  failure: string | null;
  attempts: Generated<number>;
  /** How often the clip was opened, counted from 1: files that come later add parts. */
  part: Generated<number>;
  /** JSON of a `Look`. */
  look: string | null;
}

export interface ObservationTable {
  /** Row of the clip. */
  clip: number;
  /** JSON of an observation with hashes in place of bytes. */
  value: string;
}

export interface ObservationFrameTable {
  clip: number;
  hash: string;
}

export interface DecisionTable {
  row: Generated<number>;
  policy: number;
  revision: string;
  decided_at_ms: number;
  documents: number;
  /** JSON of what each speaker counted, as `policy-state.ts` writes it, which forgetting subtracts. */
  words: string;
}

/** Which clips a decision was about; each part of a clip is decided once per revision. */
export interface DecisionClipTable {
  clip: number;
  revision: string;
  part: number;
  decision: number;
}

export interface PolicyTable {
  row: Generated<number>;
  id: string;
  documents: number;
}

/** A policy's value of one stream. Processes that watch different streams write different rows. */
export interface PolicyValueTable {
  policy: number;
  stream: number;
  /** JSON. */
  value: string;
}

export interface WordTable {
  row: Generated<number>;
  policy: number;
  stem: string;
  documents: number;
}

export interface EntryTable {
  row: Generated<number>;
  id: string;
  stream: number;
  clip: number;
  kind: "episodic" | "semantic";
  start_seconds: number;
  end_seconds: number;
  /** Moment of stream time from which it is known: the end of its clip, or its own end. */
  known_seconds: number;
  written_at_ms: number;
  text: string;
  /** JSON array. */
  speakers: string;
  policy: string;
  revision: string;
  /** JSON of an `Evidence`. */
  evidence: string;
  closed_at_ms: number | null;
  closed_reason: string | null;
  superseded_by: string | null;
  /** 0 if the embedder found nothing to embed. */
  has_vector: number;
  /** Checksum of the vector's bytes; `null` without a vector. */
  vector_checksum: number | null;
  /** The text with references to people in place of their names; `null` where it refers to no one. */
  told: Generated<string | null>;
}

export interface EntrySpeakerTable {
  /** Folded as `foldName` folds. */
  name: string;
  entry: number;
}

export interface EntryFrameTable {
  hash: string;
  entry: number;
}

export interface BlobTable {
  hash: string;
  bytes: number;
}

/** Blobs that perhaps no row names: written before their row, or freed by a deletion. The sweep checks them. */
export interface LooseBlobTable {
  hash: string;
}

export interface GapTable {
  stream: number;
  start_seconds: number;
  end_seconds: number;
  reason: "between-files" | "source-down" | "unreadable" | "behind" | "not-watched" | "paused";
  detail: string;
}

/** Files that a stream was watched from, as `SourceFile`. */
export interface SourceFileTable {
  stream: number;
  id: string;
  name: string;
  start_seconds: number;
  watched_seconds: number;
  bytes: number;
  whole: number;
  path: string | null;
}

export interface TaskTable {
  row: Generated<number>;
  id: string;
  stream: string | null;
  asked_at_ms: number;
  /** JSON of a `Task` without its feedback. */
  value: string;
  /** JSON of a `Feedback`. */
  feedback: string | null;
}

/** Adapters trained on this memory's tasks; at most one per policy is active. */
export interface AdapterTable {
  row: Generated<number>;
  id: string;
  policy: string;
  revision: string;
  state: "candidate" | "active" | "retired" | "refused";
  reason: string;
  at_ms: number;
  /** JSON array of the ids of the tasks it was trained on. */
  tasks: string;
  /** The adapter's file, whole. */
  file: string;
  /** JSON array of `AdapterChange`; empty in rows of older versions. */
  history: Generated<string>;
}

/** Cache of engine output in training. Row numbers are never reused: one of them identifies the cache. */
export interface EngineAnswerTable {
  row: Generated<number>;
  /** Hash of the request. */
  key: string;
  said: string;
}

/**
 * Recent changes, for listeners: ids and numbers, never a text. A stream is named by its row, so its name disappears
 * with it. Row numbers are never reused, because a cursor is one.
 */
export interface ChangeTable {
  row: Generated<number>;
  kind: string;
  /** Id of the entry, task or adapter. */
  id: string | null;
  stream: number | null;
  clip: number | null;
  /** JSON of the other fields of the change. */
  value: string | null;
}

/** Entries whose vector is to be made, or made again: see `waiting-vectors.ts`. */
export interface WaitingVectorTable {
  entry: number;
}

/** People, by the number they are shown with, which is never given again. */
export interface PersonTable {
  number: number;
  id: string;
  name: string | null;
  /** Id of the person this one was merged into. */
  into_id: string | null;
}

/** Faces, each followed over some frames of a clip. */
export interface FaceTable {
  row: Generated<number>;
  id: string;
  stream: number;
  clip: number;
  /** Ids of people: who it is, who it may be, as whom a policy was told of it. */
  person: string | null;
  maybe: string | null;
  told: string | null;
  /** Hash of its picture. */
  crop: string | null;
  exemplar: number;
  /** Whether someone said who it is not. */
  rejected: number;
  good: number;
  /** 32-bit numbers, little-endian. */
  vector: Uint8Array | null;
  /** JSON of the rest of a `SeenFace`. */
  value: string;
}

/** Changes of people by hand, each with what undoes it. */
export interface PeopleEventTable {
  number: number;
  at_ms: number;
  /** JSON of the rest of a `PeopleEvent`. */
  value: string;
  undone: Generated<number>;
}

/** The last numbers that were given to people and to changes of them: none is given again. */
export interface PeopleNumberTable {
  name: "person" | "event";
  last: number;
}

/** JSON of a `Tombstone`. */
export interface TombstoneTable {
  row: Generated<number>;
  value: string;
}

/** Word space and embedder of an index. The current one is searched; another is being built. */
export interface SpaceTable {
  row: Generated<number>;
  words: string;
  embedder: string;
  dimension: number;
  current: number;
}

export interface Tables {
  stream: StreamTable;
  lease: LeaseTable;
  clip: ClipTable;
  observation: ObservationTable;
  observation_frame: ObservationFrameTable;
  decision: DecisionTable;
  decision_clip: DecisionClipTable;
  policy: PolicyTable;
  policy_value: PolicyValueTable;
  word: WordTable;
  entry: EntryTable;
  entry_speaker: EntrySpeakerTable;
  entry_frame: EntryFrameTable;
  blob: BlobTable;
  loose_blob: LooseBlobTable;
  gap: GapTable;
  source_file: SourceFileTable;
  task: TaskTable;
  adapter: AdapterTable;
  engine_answer: EngineAnswerTable;
  change: ChangeTable;
  space: SpaceTable;
  waiting_vector: WaitingVectorTable;
  tombstone: TombstoneTable;
  person: PersonTable;
  face: FaceTable;
  people_event: PeopleEventTable;
  people_number: PeopleNumberTable;
}

/** `migrations[i]` takes a file from version i to version i + 1. */
export const migrations: readonly string[] = [
  `
  create table stream (
    row integer primary key, id text not null unique, description text not null, clip_seconds real not null,
    clock text not null, fingerprint text, added_at_ms integer not null, ended integer not null default 0,
    next_clip integer not null default 0
  );
  create table lease (
    stream integer primary key references stream (row) on delete cascade,
    token text not null, pid integer not null, host text not null, heartbeat_ms integer not null
  );
  create table clip (
    row integer primary key, stream integer not null references stream (row), clip integer not null,
    state text not null check (state in ('perceived', 'stored', 'failed')),
    start_seconds real not null, end_seconds real not null, failure text, attempts integer not null default 0,
    unique (stream, clip)
  );
  create index clip_undecided on clip (stream, clip) where state <> 'stored';
  create table observation (
    clip integer primary key references clip (row) on delete cascade, value text not null
  );
  create table observation_frame (
    clip integer not null references observation (clip) on delete cascade, hash text not null,
    primary key (clip, hash)
  ) without rowid;
  create index observation_frame_hash on observation_frame (hash);
  create table policy (
    row integer primary key, id text not null unique, documents integer not null
  );
  create table policy_value (
    policy integer not null references policy (row),
    stream integer not null references stream (row) on delete cascade, value text not null,
    primary key (policy, stream)
  ) without rowid;
  create table word (
    row integer primary key autoincrement, policy integer not null references policy (row), stem text not null,
    documents integer not null, unique (policy, stem)
  );
  create table decision (
    row integer primary key, policy integer not null references policy (row), revision text not null,
    decided_at_ms integer not null, documents integer not null, words text not null
  );
  create table decision_clip (
    clip integer not null references clip (row) on delete cascade, revision text not null,
    decision integer not null references decision (row) on delete cascade,
    primary key (clip, revision)
  ) without rowid;
  create index decision_clip_decision on decision_clip (decision);
  create table entry (
    row integer primary key, id text not null unique, stream integer not null references stream (row),
    clip integer not null, kind text not null check (kind in ('episodic', 'semantic')),
    start_seconds real not null, end_seconds real not null, known_seconds real not null,
    written_at_ms integer not null, text text not null, speakers text not null, policy text not null,
    revision text not null, evidence text not null, closed_at_ms integer, closed_reason text, superseded_by text,
    has_vector integer not null
  );
  create index entry_time on entry (stream, start_seconds, id);
  create index entry_clip on entry (stream, clip);
  create table entry_speaker (
    name text not null, entry integer not null references entry (row) on delete cascade,
    primary key (name, entry)
  ) without rowid;
  create index entry_speaker_entry on entry_speaker (entry);
  create table entry_frame (
    hash text not null, entry integer not null references entry (row) on delete cascade,
    primary key (hash, entry)
  ) without rowid;
  create index entry_frame_entry on entry_frame (entry);
  create table blob (hash text primary key, bytes integer not null) without rowid;
  create table loose_blob (hash text primary key) without rowid;
  create table gap (
    stream integer not null references stream (row), start_seconds real not null, end_seconds real not null,
    reason text not null, detail text not null, primary key (stream, start_seconds, reason)
  ) without rowid;
  create table task (
    row integer primary key, id text not null unique, stream text, asked_at_ms integer not null,
    value text not null, feedback text
  );
  create index task_time on task (asked_at_ms, id);
  create table adapter (
    row integer primary key, id text not null unique, policy text not null, revision text not null,
    state text not null check (state in ('candidate', 'active', 'retired', 'refused')),
    reason text not null, at_ms integer not null, tasks text not null, file text not null
  );
  create unique index adapter_active on adapter (policy) where state = 'active';
  create table space (
    row integer primary key, words text not null, embedder text not null, dimension integer not null,
    current integer not null
  );
  -- Stems come ready made, so the tokenizer splits at white space only. Deleted terms are removed, not marked.
  create virtual table entry_text using fts5 (
    stems, speakers, tokenize = "unicode61 remove_diacritics 0 categories 'L* M* N* P* S* C*'"
  );
  insert into entry_text (entry_text, rank) values ('secure-delete', 1);
  `,
  `
  create table engine_answer (row integer primary key autoincrement, key text not null unique, said text not null);
  `,
  `
  alter table adapter add column history text not null default '[]';
  `,
  `
  create table change (
    row integer primary key autoincrement, kind text not null, id text, stream integer, clip integer, value text
  );
  create index change_id on change (id) where id is not null;
  `,
  `
  alter table stream add column left_out text not null default '[]';
  `,
  `
  alter table clip add column look text;
  `,
  // Who said what earlier decisions counted is unknown, so those counts go with the first person who is forgotten.
  `
  update decision set words = json_array(json_array(null, documents, json(words)))
    where (documents > 0 or words <> '[]') and json_type(words, '$[0]') is not 'array';
  `,
  // The checksums of rows are added by `checksums.ts` after the migrations.
  `
  alter table entry add column vector_checksum integer;
  `,
  `
  create table source_file (
    stream integer not null references stream (row) on delete cascade, id text not null, name text not null,
    start_seconds real not null, watched_seconds real not null, bytes integer not null, whole integer not null,
    primary key (stream, id)
  ) without rowid;
  alter table clip add column part integer not null default 1;
  create table decision_part (
    clip integer not null references clip (row) on delete cascade, revision text not null,
    part integer not null default 1, decision integer not null references decision (row) on delete cascade,
    primary key (clip, revision, part)
  ) without rowid;
  insert into decision_part (clip, revision, decision) select clip, revision, decision from decision_clip;
  drop table decision_clip;
  alter table decision_part rename to decision_clip;
  create index decision_clip_decision on decision_clip (decision);
  `,
  `
  create table waiting_vector (entry integer primary key references entry (row) on delete cascade);
  `,
  // The last entries whose vectors changed, for those who keep vectors in working memory (`vector-cache.ts`).
  `
  create table vector_change (revision integer primary key autoincrement, entry integer not null);
  create trigger vector_change_trim after insert on vector_change begin
    delete from vector_change where revision <= new.revision - 10000;
  end;
  create trigger vector_change_insert after insert on entry when new.has_vector begin
    insert into vector_change (entry) values (new.row);
  end;
  create trigger vector_change_update after update of has_vector, vector_checksum, closed_at_ms on entry begin
    insert into vector_change (entry) values (new.row);
  end;
  create trigger vector_change_delete after delete on entry when old.has_vector begin
    insert into vector_change (entry) values (old.row);
  end;
  `,
  `
  create table tombstone (row integer primary key, value text not null unique);
  `,
  `
  alter table source_file add column path text;
  `,
  `
  create table person (number integer primary key, id text not null unique, name text, into_id text);
  create table face (
    row integer primary key, id text not null unique,
    stream integer not null references stream (row) on delete cascade, clip integer not null, person text, maybe text,
    told text, crop text, exemplar integer not null, rejected integer not null, good integer not null, vector blob,
    value text not null
  );
  create index face_clip on face (stream, clip);
  create index face_person on face (person);
  create index face_crop on face (crop) where crop is not null;
  create index face_compared on face (row) where exemplar = 1 or rejected = 1;
  create table people_event (
    number integer primary key, at_ms integer not null, value text not null, undone integer not null default 0
  );
  create table people_number (name text primary key, last integer not null) without rowid;
  insert into people_number (name, last) values ('person', 0), ('event', 0);
  alter table entry add column told text;
  create index entry_told on entry (row) where told is not null;
  `,
  `
  create table pause (stream integer primary key references stream (row) on delete cascade, since_ms integer not null);
  create table spent (
    day text not null, stream integer references stream (row) on delete cascade, purpose text not null,
    calls integer not null, prompt_tokens integer not null, completion_tokens integer not null, usd real not null,
    unpriced integer not null
  );
  create unique index spent_key on spent (day, purpose, coalesce(stream, 0));
  `,
];

/** Vectors of one space; streams are partitions, so a search within a stream scans that stream only. */
export function vectorTableSql(table: string, dimension: number): string {
  return `create virtual table ${table} using vec0 (
    stream integer partition key, known_seconds float, closed_at_ms integer, vector float[${dimension}],
    chunk_size = 128
  )`;
}

export const vectorTable = (space: number): string => `entry_vector_${space}`;
