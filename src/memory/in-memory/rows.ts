/** An in-memory store as rows, out and in, as `../rows.ts` does it for a file. */
import type { WordSpace } from "../../engine.ts";
import { sha256 } from "../../util/hash.ts";
import { added, assertTasksHeld } from "../adapter-history.ts";
import { packVector, unpackVector } from "../packed.ts";
import type { AddedRows, KeptAdapter, MemoryRow } from "../records.ts";
import { assertFits, assertHash, type Held, hashesOf, isWatchedFurther } from "../row-conflict.ts";
import { withoutPath } from "../source-files.ts";
import { countsIn, countsRow } from "../speaker-counts.ts";
import { tombstoneKey, withoutForgotten, withoutKind } from "../tombstones.ts";
import {
  addDecision,
  addEntry,
  addGap,
  cutGaps,
  gaps,
  keepFiles,
  plain,
  policyOf,
  sourceFiles,
  streamOf,
} from "./journal.ts";
import { addFace, addPerson, renderTexts } from "./people.ts";
import {
  clipKey,
  compare,
  decidedKey,
  itemsOf,
  type KeptClip,
  logChange,
  nextRow,
  put,
  type State,
  toClipRecord,
} from "./state.ts";

type RowOf<Name extends MemoryRow["row"]> = Extract<MemoryRow, { row: Name }>;

/** All rows, in written order within a kind. */
export function memoryRows(state: State): MemoryRow[] {
  const streams = [...state.streams.values()];
  const clips = [...state.clips.values()].sort((a, b) => a.row - b.row);
  const rows: MemoryRow[] = [
    ...streams.map(({ record, nextClip }) => {
      const files = sourceFiles(state, record.id).map(withoutPath);
      return { row: "stream" as const, ...record, nextClip, ...(files.length > 0 && { files }) };
    }),
    ...clips.map((clip) => ({
      row: "clip" as const,
      ...partOf(clip.part),
      ...toClipRecord(clip),
      observation: clip.observation,
    })),
    ...[...state.policies]
      .sort(([a], [b]) => compare(a, b))
      .flatMap(([policy, { values }]) =>
        streams
          .map(({ record }) => record.id)
          .filter((stream) => values.has(stream))
          .map((stream) => ({ row: "policy" as const, policy, stream, value: values.get(stream)! })),
      ),
    ...[...state.decisions].map(({ clips, counts, ...decision }) => ({
      row: "decision" as const,
      ...decision,
      documents: counts.reduce((sum, { documents }) => sum + documents, 0),
      clips: [...clips]
        .map(([key, part]) => ({ ...state.clips.get(key)!, part }))
        .sort((a, b) => a.row - b.row)
        .map(({ stream, clip, part }) => ({ stream, clip, ...partOf(part) })),
      ...countsRow(counts),
    })),
    ...[...state.people.known.values()]
      .toSorted((a, b) => a.number - b.number)
      .map((person) => ({ row: "person" as const, ...person })),
    ...[...state.faces.values()].map((face) => ({
      ...{ row: "face" as const, ...face, vector: packVector(face.vector) },
    })),
    ...[...state.entries.values()].map(({ entry, told }) => ({
      ...{ row: "entry" as const, ...entry, ...(told !== null && { told }) },
    })),
    ...streams.flatMap(({ record }) =>
      gaps(state, { streams: [record.id] }).map(({ kind: _, ...gap }) => ({ row: "gap" as const, ...gap })),
    ),
    ...itemsOf(state.tasks).map((task) => ({ row: "task" as const, ...task })),
    ...itemsOf(state.adapters).map((adapter) => ({ row: "adapter" as const, ...adapter })),
    ...[...state.tombstones.values()].map((tombstone) => ({ row: "forgotten" as const, ...tombstone })),
  ];
  return plain(rows);
}

/** The first part goes without saying. */
const partOf = (part: number) => (part > 1 ? { part } : {});

/** What a memory holds under the names of a row. */
const heldIn = (state: State): Held => ({
  stream: (id) => state.streams.get(id)?.record,
  clip: (stream, clip) => state.clips.get(clipKey(stream, clip)),
  entry: (id) => state.entries.get(id)?.entry,
  told: (id) => state.entries.get(id)?.told ?? null,
  task: (id) => state.tasks.get(id)?.item,
});

export interface Adding {
  readonly words: WordSpace;
  /** Vectors of the entries' texts. */
  readonly vectors: ReadonlyMap<string, Float32Array>;
  readonly blob: (hash: string) => Uint8Array | null;
  /** Whether also what was forgotten here. @default false */
  readonly forgotten?: boolean;
}

/** Adds rows to the given state, which is a copy: they are added all or not at all. */
export function addRows(state: State, rows: readonly MemoryRow[], adding: Adding): AddedRows {
  const held = heldIn(state);
  const found = new Set<string>();
  let count = 0;
  let left = 0;
  const wanted = adding.forgotten
    ? rows
    : withoutForgotten(rows, [...state.tombstones.values()], adding.words);
  for (const [index, row] of wanted.entries()) {
    if (row === null) {
      left += 1;
      continue;
    }
    assertFits(held, row, index);
    const frames = isNew(state, row) ? framesOf(state, row, adding.blob, index) : new Set<string>();
    for (const hash of frames) found.add(hash);
    if (addRow(state, row, frames, adding)) count += 1;
  }
  renderTexts(state, adding.words);
  return { added: count, skipped: rows.length - count - left, forgotten: left, blobs: found.size };
}

function isNew(state: State, row: MemoryRow): boolean {
  if (row.row === "entry") return !state.entries.has(row.id);
  if (row.row === "face") return !state.faces.has(row.id);
  if (row.row !== "clip") return false;
  return (state.clips.get(clipKey(row.stream, row.clip))?.part ?? 0) < (row.part ?? 1);
}

/** Adds the blobs of a row. @returns hashes of those that are here */
function framesOf(
  state: State,
  row: MemoryRow,
  read: (hash: string) => Uint8Array | null,
  index: number,
): Set<string> {
  const here = new Set<string>();
  for (const hash of hashesOf(row)) {
    const bytes = read(hash);
    if (bytes === null) continue;
    assertHash(hash, sha256(bytes), index);
    state.blobs.set(hash, Uint8Array.from(bytes));
    here.add(hash);
  }
  return here;
}

/** @returns false if it is already there or its clip was forgotten */
function addRow(state: State, row: MemoryRow, frames: ReadonlySet<string>, adding: Adding): boolean {
  switch (row.row) {
    case "stream":
      return addStreamRow(state, row);
    case "clip":
      return addClipRow(state, row, frames);
    case "policy":
      return addPolicyRow(state, row);
    case "decision":
      return addDecisionRow(state, row);
    case "entry":
      return addEntryRow(state, row, frames, adding);
    case "person": {
      const { row: _, ...person } = row;
      return addPerson(state, person);
    }
    case "face": {
      const { row: _, vector, crop, ...face } = row;
      const here = crop !== null && frames.has(crop) ? crop : null;
      return addFace(state, { ...face, crop: here, vector: unpackVector(vector) });
    }
    case "gap": {
      const { row: _, ...gap } = row;
      return addGap(state, { kind: "gap", ...gap });
    }
    case "task":
      return addTaskRow(state, row);
    case "adapter": {
      const { row: _, ...adapter } = row;
      return addAdapter(state, adapter);
    }
    case "forgotten": {
      const tombstone = withoutKind(row);
      const isNew = !state.tombstones.has(tombstoneKey(tombstone));
      state.tombstones.set(tombstoneKey(tombstone), tombstone);
      return isNew;
    }
  }
}

function addStreamRow(state: State, row: RowOf<"stream">): boolean {
  const isFurther = takeStream(state, row);
  const marks = streamOf(state, row.id).files;
  const further = (row.files ?? [])
    .filter((file) => isWatchedFurther(file, marks.get(file.id)))
    .map((file) => ({ ...marks.get(file.id), ...withoutPath(file) }));
  keepFiles(state, row.id, further);
  return isFurther || further.length > 0;
}

function takeStream(state: State, { row: _, nextClip, files: __, ...record }: RowOf<"stream">): boolean {
  const known = state.streams.get(record.id);
  if (!known) {
    state.streams.set(record.id, {
      record: plain(record),
      nextClip,
      gaps: [],
      pausedSinceMs: null,
      files: new Map(),
    });
    return true;
  }
  const isFurther = nextClip > known.nextClip || (nextClip === known.nextClip && record.ended);
  if (!isFurther || (nextClip === known.nextClip && known.record.ended)) return false;
  known.nextClip = nextClip;
  known.record.ended = record.ended;
  known.record.leftOut = plain(record.leftOut);
  return true;
}

/** The later part and the further state of a clip are kept, whichever memory has them. */
function addClipRow(state: State, { row: _, ...row }: RowOf<"clip">, frames: ReadonlySet<string>): boolean {
  const key = clipKey(row.stream, row.clip);
  const known = state.clips.get(key);
  const { part = 1 } = row;
  if (known && known.part > part) return false;
  if (known?.part === part) {
    if (known.state === "stored" || row.state === "perceived") return false;
    if (known.state === row.state && known.attempts >= row.attempts) return false;
    known.state = row.state;
    known.failure = plain(row.failure);
    known.attempts = row.attempts;
  } else {
    cutGaps(streamOf(state, row.stream), row);
    const kept = known ?? { row: nextRow(state), decided: new Set<string>() };
    const clip: KeptClip = { ...plain(row), part, row: kept.row, decided: kept.decided };
    if (clip.observation) {
      const held = clip.observation.frames.filter(({ hash }) => frames.has(hash));
      clip.observation = { ...clip.observation, frames: held };
    }
    state.clips.set(key, clip);
  }
  const { stream, clip } = row;
  if (row.state !== "perceived")
    logChange(state, { kind: "clip", stream, clip, state: row.state }, { stream });
  return true;
}

/** An existing value of this memory's policy stays. */
function addPolicyRow(state: State, { policy, stream, value }: RowOf<"policy">): boolean {
  streamOf(state, stream);
  const { values } = policyOf(state, policy);
  if (values.has(stream)) return false;
  values.set(stream, plain(value));
  return true;
}

function addDecisionRow(state: State, row: RowOf<"decision">): boolean {
  const clips = row.clips.flatMap(({ stream, clip, part = 1 }) => {
    const known = state.clips.get(clipKey(stream, clip));
    return known ? [{ stream, clip, part, decided: known.decided }] : [];
  });
  const isKnown = clips.some(({ part, decided }) => decided.has(decidedKey(part, row.revision)));
  if (clips.length === 0 || isKnown) return false;
  const { policy, revision, decidedAtMs } = row;
  addDecision(state, { policy, revision, decidedAtMs }, clips, countsIn(row));
  return true;
}

function addEntryRow(
  state: State,
  { row: _, told, ...entry }: RowOf<"entry">,
  frames: ReadonlySet<string>,
  { words, vectors }: Adding,
): boolean {
  const known = state.entries.get(entry.id);
  if (known) {
    if (known.entry.closed !== null || !entry.closed) return false;
    known.entry = { ...known.entry, closed: { ...entry.closed } };
    logChange(state, { kind: "entry-closed", entry: entry.id }, { id: entry.id });
    return true;
  }
  streamOf(state, entry.stream);
  const clipEnds = state.clips.get(clipKey(entry.stream, entry.clip))?.endSeconds ?? 0;
  const knownSeconds = Math.max(entry.endSeconds, clipEnds);
  addEntry(state, entry, {
    knownSeconds,
    words,
    told: told ?? null,
    vector: vectors.get(entry.text)!,
    frames,
  });
  return true;
}

function addTaskRow(state: State, { row: _, feedback, ...task }: RowOf<"task">): boolean {
  const known = state.tasks.get(task.id)?.item;
  const { id } = task;
  if (!known) {
    put(state, state.tasks, plain({ ...task, feedback: null }));
    logChange(state, { kind: "task", task: id }, { id });
  }
  const isNews = feedback !== null && (known?.feedback ?? null) === null;
  if (isNews) {
    put(state, state.tasks, { ...state.tasks.get(id)!.item, feedback: plain(feedback) });
    logChange(state, { kind: "feedback", task: id }, { id });
  }
  return !known || isNews;
}

/** Keeps an adapter. @throws StoreError `task-unknown` */
export function addAdapter(state: State, adapter: KeptAdapter): boolean {
  if (state.adapters.has(adapter.id)) return false;
  assertTasksHeld(adapter, (task) => state.tasks.has(task));
  putAdapters(state, added(adaptersOf(state, adapter.policy), plain(adapter)));
  return true;
}

export function adaptersOf(state: State, policy: string): KeptAdapter[] {
  return itemsOf(state.adapters).filter((adapter) => adapter.policy === policy);
}

export function putAdapters(state: State, changed: readonly KeptAdapter[]): void {
  for (const adapter of changed) {
    const { id, policy } = adapter;
    put(state, state.adapters, adapter);
    logChange(state, { kind: "adapter", adapter: id, policy, state: adapter.state }, { id });
  }
}
