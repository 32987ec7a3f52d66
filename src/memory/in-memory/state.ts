/** What the in-memory store holds: maps of plain data, each with what is derived from it. */

import type { WordSpace } from "../../engine.ts";
import type { KnownOne, PeopleEvent, SeenFace } from "../../identity/records.ts";
import type { Task } from "../../tasks/task.ts";
import { keptChanges, type LoggedChange, mostForgotten } from "../change-feed.ts";
import { distinctNames, foldName, mentions, sameName } from "../names.ts";
import { hashesIn } from "../packed.ts";
import type {
  ClipRecord,
  Entry,
  EntryFilter,
  Gap,
  JsonValue,
  KeptAdapter,
  PackedObservation,
  SourceFile,
  SpentDay,
  StreamRecord,
  Tombstone,
} from "../records.ts";
import type { SpeakerCounts } from "../speaker-counts.ts";

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

export interface KeptStream {
  readonly record: Mutable<StreamRecord>;
  /** First clip never perceived. It only grows, so that a forgotten clip is not watched again. */
  nextClip: number;
  gaps: Gap[];
  /** Wall time since when it is paused; `null` where it is not. */
  pausedSinceMs: number | null;
  /** Files by their ids. */
  readonly files: Map<string, SourceFile>;
}

export interface KeptClip {
  /** Place in the order of perception. */
  readonly row: number;
  readonly stream: string;
  readonly clip: number;
  startSeconds: number;
  endSeconds: number;
  state: ClipRecord["state"];
  failure: ClipRecord["failure"];
  attempts: number;
  /** How often the clip was opened, counted from 1. */
  part: number;
  look: ClipRecord["look"];
  observation: PackedObservation | null;
  /** The parts that were decided, each with the revision: see `decidedKey`. */
  readonly decided: Set<string>;
}

export interface KeptDecision {
  readonly policy: string;
  readonly revision: string;
  readonly decidedAtMs: number;
  /** Keys of its clips, each with the part decided about. */
  readonly clips: Map<string, number>;
  /** What it counted by speaker, which forgetting subtracts. */
  counts: readonly KeptCounts[];
}

export interface KeptCounts extends SpeakerCounts {
  readonly words: Map<string, number>;
}

export interface KeptPolicy {
  documents: number;
  readonly words: Map<string, number>;
  /** Value of each stream. */
  readonly values: Map<string, JsonValue>;
}

export interface KeptEntry {
  entry: Entry;
  /** Moment of stream time from which it is known. */
  readonly knownSeconds: number;
  /** How often each stem occurs in its text and among its speakers. */
  readonly stems: ReadonlyMap<string, number>;
  /** Number of stems. */
  readonly length: number;
  /** Folded names. */
  readonly speakers: ReadonlySet<string>;
  /** The text with references to people; `null` where it refers to no one. */
  readonly told: string | null;
  vector: Float32Array;
  /** The text around it that its vector takes in; `null` where the vector is not made of it. */
  madeOf: string | null;
  /** Hashes of its frames whose bytes are here. */
  readonly frames: ReadonlySet<string>;
}

export interface KeptChange {
  readonly number: number;
  readonly change: LoggedChange;
  /** The entry, task or adapter, and the stream, whose forgetting removes it from the log. */
  readonly id: string | null;
  readonly stream: string | null;
}

/** An item with its place among those of its kind. Places rise and are never reused. */
export interface Placed<Item> {
  readonly row: number;
  readonly item: Item;
}

export interface State {
  /** The last place that was given. */
  lastRow: number;
  readonly streams: Map<string, KeptStream>;
  readonly clips: Map<string, KeptClip>;
  readonly decisions: Set<KeptDecision>;
  readonly policies: Map<string, KeptPolicy>;
  readonly entries: Map<string, KeptEntry>;
  readonly tasks: Map<string, Placed<Task>>;
  readonly adapters: Map<string, Placed<KeptAdapter>>;
  readonly blobs: Map<string, Uint8Array>;
  /** By `tombstoneKey`. */
  readonly tombstones: Map<string, Tombstone>;
  readonly people: { last: number; readonly known: Map<string, KnownOne> };
  readonly faces: Map<string, SeenFace>;
  readonly peopleEvents: PeopleEvent[];
  spent: readonly SpentDay[];
  readonly log: { last: number; changes: KeptChange[] };
}

export function emptyState(): State {
  return {
    lastRow: 0,
    streams: new Map(),
    clips: new Map(),
    decisions: new Set(),
    policies: new Map(),
    entries: new Map(),
    tasks: new Map(),
    adapters: new Map(),
    blobs: new Map(),
    tombstones: new Map(),
    people: { last: 0, known: new Map() },
    faces: new Map(),
    peopleEvents: [],
    spent: [],
    log: { last: 0, changes: [] },
  };
}

/** What the text index holds of an entry. */
export function indexedStems({ text, speakers }: Pick<Entry, "text" | "speakers">, words: WordSpace) {
  const all = [...words.stems(text), ...speakers.flatMap((name) => words.stems(name))];
  const stems = new Map<string, number>();
  for (const stem of all) stems.set(stem, (stems.get(stem) ?? 0) + 1);
  return { stems, length: all.length };
}

/** A place after all given before. */
export function nextRow(state: State): number {
  state.lastRow += 1;
  return state.lastRow;
}

/** Puts a task or an adapter into its present place, or a new one. */
export function put<Item extends { readonly id: string }>(
  state: State,
  map: Map<string, Placed<Item>>,
  item: Item,
): void {
  map.set(item.id, { row: map.get(item.id)?.row ?? nextRow(state), item });
}

export const itemsOf = <Item>(map: ReadonlyMap<string, Placed<Item>>): Item[] =>
  [...map.values()].map(({ item }) => item);

export const decidedKey = (part: number, revision: string): string => JSON.stringify([part, revision]);

export const clipKey = (stream: string, clip: number): string => JSON.stringify([stream, clip]);

/** Whether a clip is undecided: perceived, or failed with a retryable failure. */
export const waits = ({ state, failure }: KeptClip): boolean =>
  state !== "stored" && (failure?.retryable ?? true);

/** Clips of a stream by their number. */
export function clipsOf(state: State, stream: string): KeptClip[] {
  return [...state.clips.values()].filter((clip) => clip.stream === stream).sort((a, b) => a.clip - b.clip);
}

export function toClipRecord({ stream, clip, startSeconds, endSeconds, ...kept }: KeptClip): ClipRecord {
  const { state, failure, attempts, look } = kept;
  return { stream, clip, state, startSeconds, endSeconds, failure, attempts, look };
}

/** Entries that pass a filter, in time order: by stream, then start, then id. */
export function entriesPassing(state: State, filter: EntryFilter): KeptEntry[] {
  const passes = filterOf(filter);
  return [...state.entries.values()].filter(passes).sort(inTimeOrder);
}

export function inTimeOrder({ entry: a }: { entry: Entry }, { entry: b }: { entry: Entry }): number {
  return compare(a.stream, b.stream) || a.startSeconds - b.startSeconds || compare(a.id, b.id);
}

export const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Whether one of some speakers has a name, however it is typed. */
export function isSpeaker(speakers: ReadonlySet<string>, name: string): boolean {
  return speakers.has(name) || [...speakers].some((speaker) => sameName(speaker, name));
}

/** Whether an entry passes a filter. An entry closed after `writtenByMs` counts as open, as it was known then. */
export function filterOf(filter: EntryFilter): (kept: KeptEntry) => boolean {
  const { streams, kinds, fromSeconds, toSeconds, asOfSeconds, writtenByMs, clips, includeClosed } = filter;
  const names = filter.speakers?.map(foldName).filter((name) => name !== "");
  return ({ entry, knownSeconds, speakers }) =>
    (streams?.includes(entry.stream) ?? true) &&
    (kinds?.includes(entry.kind) ?? true) &&
    (clips?.includes(entry.clip) ?? true) &&
    (fromSeconds === undefined || entry.endSeconds > fromSeconds || entry.startSeconds >= fromSeconds) &&
    (toSeconds === undefined || entry.startSeconds < toSeconds) &&
    (asOfSeconds === undefined || knownSeconds <= asOfSeconds) &&
    (writtenByMs === undefined || entry.writtenAtMs <= writtenByMs) &&
    (includeClosed === true ||
      entry.closed === null ||
      (writtenByMs !== undefined && entry.closed.atMs > writtenByMs)) &&
    (names?.some((name) => isSpeaker(speakers, name) || mentions(entry.text, name)) ?? true);
}

/** Names of speakers in current entries. */
export function speakersOf(state: State): string[] {
  const current = [...state.entries.values()].filter(({ entry }) => entry.closed === null);
  return distinctNames(current.flatMap(({ entry }) => entry.speakers));
}

/** Logs a change. */
export function logChange(
  { log }: State,
  change: LoggedChange,
  of: { readonly id?: string; readonly stream?: string } = {},
): void {
  log.last += 1;
  log.changes.push({ number: log.last, change, id: of.id ?? null, stream: of.stream ?? null });
  if (log.changes.length > 2 * keptChanges) log.changes = log.changes.slice(-keptChanges);
}

/** Removes what was forgotten from the log, and logs that it was forgotten. */
export function logForgotten(
  state: State,
  { streams, ...gone }: Record<"entries" | "tasks" | "adapters" | "streams", readonly string[]>,
): void {
  const ids = new Set([...gone.entries, ...gone.tasks, ...gone.adapters]);
  if (ids.size === 0 && streams.length === 0) return;
  const stays = ({ id, stream }: KeptChange) =>
    (id === null || !ids.has(id)) && (stream === null || !streams.includes(stream));
  state.log.changes = ids.size > mostForgotten ? [] : state.log.changes.filter(stays);
  logChange(state, ids.size > mostForgotten ? { kind: "reset" } : { kind: "forgotten", ...gone });
}

/** Deletes blobs that nothing names. @returns how many there were */
export function sweepBlobs(state: State): { readonly blobs: number; readonly bytes: number } {
  const named = new Set<string>();
  for (const { frames } of state.entries.values()) for (const hash of frames) named.add(hash);
  for (const { observation } of state.clips.values())
    for (const hash of observation ? hashesIn(observation) : []) named.add(hash);
  for (const { crop } of state.faces.values()) if (crop !== null) named.add(crop);
  let blobs = 0;
  let bytes = 0;
  for (const [hash, blob] of state.blobs) {
    if (named.has(hash)) continue;
    blobs += 1;
    bytes += blob.byteLength;
    state.blobs.delete(hash);
  }
  return { blobs, bytes };
}
