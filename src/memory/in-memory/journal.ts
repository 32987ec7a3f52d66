/**
 * The journal of the in-memory store: streams, clips, decisions and policy state. Each call changes everything or
 * nothing.
 */
import type { WordSpace } from "../../engine.ts";
import { StoreError } from "../../errors.ts";
import type { Observation } from "../../perception/observation.ts";
import { holesIn, isSameSpan, overlap, parted, type Span } from "../../stream/spans.ts";
import { maskedMessage } from "../../util/secrets.ts";
import { changedStream, decidedClip, unknownClip, unknownStream } from "../errors.ts";
import { floorRows, joinLooks } from "../floor.ts";
import { foldName } from "../names.ts";
import {
  joinObservations,
  packObservation,
  type Recognised,
  unpackObservation,
  withPeople,
} from "../packed.ts";
import type {
  ClipDecision,
  ClipFailure,
  Decision,
  Entry,
  FloorFilter,
  FloorRow,
  Gap,
  GapFilter,
  LeftOut,
  NewStream,
  PackedObservation,
  PolicyState,
  Progress,
  Receipt,
  RetriedClips,
  SourceFile,
  StreamRecord,
} from "../records.ts";
import { givenUp, keptObservations, mostWaiting, mostWithFrames } from "../retention.ts";
import { pathToKeep, withoutPath } from "../source-files.ts";
import { bySpeaker, type SpeakerCounts, wordsOf } from "../speaker-counts.ts";
import { candidatesOf, evidenceOf, named } from "../statements.ts";
import { assertStream } from "../strict.ts";
import { addSightings, trimFaces } from "./people.ts";
import {
  clipKey,
  clipsOf,
  compare,
  decidedKey,
  indexedStems,
  type KeptClip,
  type KeptEntry,
  type KeptPolicy,
  type KeptStream,
  logChange,
  nextRow,
  type State,
  waits,
} from "./state.ts";

/** A plain copy of a value, as a file would return it. */
export const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

export function addStream(state: State, stream: NewStream, addedAtMs: number): StreamRecord {
  assertStream(stream);
  const { id, description, clipSeconds, clock, fingerprint } = stream;
  const known = state.streams.get(id)?.record;
  if (known && known.clipSeconds !== clipSeconds)
    throw changedStream(id, `clip length (${known.clipSeconds} s)`);
  if (known && fingerprint !== null && known.fingerprint !== fingerprint) throw changedStream(id, "content");
  if (known) return { ...known };
  const record = {
    ...{ id, description, clipSeconds, clock: plain(clock), fingerprint, addedAtMs },
    ...{ ended: false, leftOut: [] },
  };
  state.streams.set(id, { record, nextClip: 0, gaps: [], pausedSinceMs: null, files: new Map() });
  return { ...record };
}

/** Keeps what a run left out of a stream. @throws StoreError `stream-unknown` */
export function keepLeftOut(state: State, stream: string, items: readonly LeftOut[]): void {
  streamOf(state, stream).record.leftOut = plain(items);
}

/** The stream with an id. @throws StoreError `stream-unknown` */
export function streamOf(state: State, id: string): KeptStream {
  const stream = state.streams.get(id);
  if (stream) return stream;
  throw unknownStream(id);
}

/**
 * Journals a clip as perceived. A waiting clip stays as it is, but for `grow` and `files`.
 * @throws StoreError `clip-decided`
 */
export function addObservation(
  state: State,
  observation: Observation,
  { grow = false, files }: { readonly grow?: boolean; readonly files?: readonly SourceFile[] | undefined },
): SeenObservation {
  const { clip, startSeconds, endSeconds } = observation;
  const stream = streamOf(state, observation.stream);
  const key = clipKey(observation.stream, clip);
  const known = state.clips.get(key);
  if (files) {
    keepFiles(state, observation.stream, files);
    cutGaps(stream, observation);
    if (known) {
      const seen = seenIn(state, observation, { grow });
      openAgain(state, known, seen.observation);
      return seen;
    }
  }
  if (known && !waits(known)) throw decidedClip(observation.stream, clip);
  if (known && !grow) return { observation: withoutFaces(observation), rejoined: [] };
  const seen = seenIn(state, observation, { grow });
  const span = { startSeconds, endSeconds, look: observation.look ? plain(observation.look) : null };
  if (known) Object.assign(known, { ...span, observation: packed(state, seen.observation) });
  if (known) return seen;
  state.clips.set(key, {
    row: nextRow(state),
    ...{ stream: observation.stream, clip, ...span },
    ...{ state: "perceived", failure: null, attempts: 0, part: 1, decided: new Set() },
    observation: packed(state, seen.observation),
  });
  stream.nextClip = Math.max(stream.nextClip, clip + 1);
  stream.record.ended = false;
  return seen;
}

function withoutFaces({ faces: _, voices: __, ...observation }: Observation): Observation {
  return observation;
}

/** An observation with the people that its faces belong to, and earlier people who turn out to be one with another. */
export interface SeenObservation extends Pick<Recognised, "rejoined"> {
  readonly observation: Observation;
}

/** An observation as it is journaled; its faces are kept. */
function seenIn(state: State, observation: Observation, how: { readonly grow: boolean }): SeenObservation {
  const { stream, clip } = observation;
  const { faces, voices, blobs } = packObservation(observation);
  if (faces === null && voices === null) return { observation, rejoined: [] };
  for (const { hash, bytes } of blobs)
    if (faces?.tracks.some(({ crop }) => crop === hash)) state.blobs.set(hash, Uint8Array.from(bytes));
  const told = addSightings(state, { stream, clip, faces, voices, ...how });
  return { observation: withPeople(withoutFaces(observation), told), rejoined: told.rejoined };
}

/**
 * Opens a known clip for new material: a waiting one waits with all of its material, a decided one waits as another part
 * with the new alone. Its span and look become those of all parts.
 */
function openAgain(state: State, known: KeptClip, observation: Observation): void {
  const added = packed(state, observation);
  const earlier = waits(known) ? known.observation : null;
  const looks = [known, added].flatMap(({ startSeconds, endSeconds, look }) =>
    look ? [{ startSeconds, endSeconds, look }] : [],
  );
  Object.assign(known, {
    ...{ state: "perceived", failure: null, part: known.part + (earlier ? 0 : 1) },
    startSeconds: Math.min(known.startSeconds, added.startSeconds),
    endSeconds: Math.max(known.endSeconds, added.endSeconds),
    look: looks.length === 0 ? null : joinLooks(looks),
    observation: earlier ? joinObservations(earlier, added) : added,
  });
  const stream = streamOf(state, known.stream);
  stream.record.ended = false;
}

export function sourceFiles(state: State, stream: string): SourceFile[] {
  return [...streamOf(state, stream).files.values()].sort(
    (a, b) => a.startSeconds - b.startSeconds || compare(a.id, b.id),
  );
}

/** Keeps up to where files were watched. */
export function keepFiles(state: State, stream: string, files: readonly SourceFile[]): void {
  const kept = streamOf(state, stream).files;
  for (const file of files) {
    const path = pathToKeep(file, kept.get(file.id));
    kept.set(file.id, plain({ ...withoutPath(file), ...(path !== undefined && { path }) }));
  }
}

const byStartThenReason = (a: Gap, b: Gap) => a.startSeconds - b.startSeconds || compare(a.reason, b.reason);

/** Cuts what was watched after all out of the gaps. */
export function cutGaps(stream: KeptStream, { startSeconds, endSeconds }: Span): void {
  const span = { startSeconds, endSeconds };
  const [met, others] = parted(stream.gaps, (gap) => overlap(gap, span));
  const left = met.flatMap((gap) => holesIn(gap, [span]).map((rest) => ({ ...gap, ...rest })));
  // One that touches the clip may have been kept again by this run.
  const rest = left.filter((gap) => !others.some((other) => isSameSpan(other, gap)));
  stream.gaps = [...others, ...rest].sort(byStartThenReason);
}

function packed(state: State, observation: Observation): PackedObservation {
  const { packed, blobs } = packObservation(observation);
  for (const { hash, bytes } of blobs)
    if (!state.blobs.has(hash)) state.blobs.set(hash, Uint8Array.from(bytes));
  return plain(packed);
}

/** The observation with its blobs; bytes are read at each access. */
function unpacked(blobs: () => ReadonlyMap<string, Uint8Array>, observation: PackedObservation): Observation {
  return unpackObservation(plain(observation), (hash) => {
    const bytes = blobs().get(hash);
    if (bytes) return bytes;
    throw new StoreError("blob-missing", `The blob ${hash} is gone: it was deleted or forgotten.`);
  });
}

/** Journals a clip as failed; a stored clip stays stored. @throws StoreError `clip-unknown` */
export function failClip(
  state: State,
  stream: string,
  clip: number,
  { code, message, retryable }: Omit<ClipFailure, "attempts">,
): void {
  streamOf(state, stream);
  const known = state.clips.get(clipKey(stream, clip));
  if (!known) throw unknownClip(stream, clip);
  known.attempts += 1;
  if (known.state === "stored") return;
  known.state = "failed";
  known.failure = { code, message: maskedMessage(message), retryable };
  logChange(state, { kind: "clip", stream, clip, state: "failed" }, { stream });
}

/** Makes failed clips wait no longer. */
export function giveUpClips(state: State, stream: string, clips: readonly number[]): void {
  streamOf(state, stream);
  for (const clip of clips) giveUp(state.clips.get(clipKey(stream, clip)));
}

function giveUp(clip: KeptClip | undefined, why = ""): void {
  if (clip?.state !== "failed") return;
  const { code, message } = clip.failure!;
  clip.failure = { code, message: `${message}${why}`, retryable: false };
}

/** Makes clips that failed for good wait again where their observation is kept. */
export function retryClips(state: State, stream: string): RetriedClips {
  streamOf(state, stream);
  const failed = clipsOf(state, stream).filter((clip) => clip.state === "failed" && !waits(clip));
  const [waiting, gone] = [true, false].map((kept) =>
    failed.filter(({ observation }) => (observation !== null) === kept),
  );
  for (const clip of waiting!) clip.failure = { ...clip.failure!, retryable: true };
  const numbers = (clips: readonly KeptClip[]) => clips.map(({ clip }) => clip);
  return { waiting: numbers(waiting!), gone: numbers(gone!) };
}

export function clipFailures(
  state: State,
  stream?: string,
): { stream: string; clip: number; failure: ClipFailure }[] {
  const streams = stream === undefined ? [...state.streams.keys()] : [stream];
  return streams
    .flatMap((id) => clipsOf(state, id))
    .filter((clip) => clip.state === "failed")
    .map(({ stream, clip, failure, attempts }) => ({ stream, clip, failure: { ...failure!, attempts } }));
}

/** Who decided about the clips of a stream. @throws DataError `stream-unknown` */
export function decisions(state: State, stream: string): ClipDecision[] {
  streamOf(state, stream);
  return clipsOf(state, stream).flatMap(({ clip }) =>
    [...state.decisions]
      .filter(({ clips }) => clips.has(clipKey(stream, clip)))
      .map(({ policy, revision, decidedAtMs }) => ({ clip, policy, revision, decidedAtMs })),
  );
}

export function progress(state: () => State, id: string, windowClips: number): Progress {
  const { nextClip } = streamOf(state(), id);
  const clips = clipsOf(state(), id);
  const observed = clips.filter(({ observation }) => observation !== null);
  const unpack = ({ observation }: KeptClip) => unpacked(() => state().blobs, observation!);
  const recent = observed.filter((clip) => !waits(clip));
  return {
    nextClip,
    pending: observed.filter(waits).map(unpack),
    recent: windowClips > 1 ? recent.slice(1 - windowClips).map(unpack) : [],
    storedClips: clips.filter((clip) => clip.state === "stored").length,
    failedClips: clips.filter((clip) => clip.state === "failed").length,
  };
}

export function decidedObservations(
  state: () => State,
  id: string,
  which: "stored" | "failed" = "stored",
): Observation[] {
  streamOf(state(), id);
  return clipsOf(state(), id)
    .filter((clip) => clip.state === which && !waits(clip) && clip.observation !== null)
    .slice(-keptObservations)
    .map(({ observation }) => unpacked(() => state().blobs, observation!));
}

/** Deletes frames of a stream's decided clips, keeping the newest `kept`. */
export function trimFrames(state: State, stream: string, kept: number): void {
  const decided = clipsOf(state, stream).filter((clip) => !waits(clip));
  for (const clip of decided.slice(0, Math.max(0, decided.length - kept))) dropFrames(clip);
}

/**
 * Gives up the oldest waiting clips beyond each stream's limit. Deletes frames of decided clips beyond the limit of all
 * streams together, and observations beyond each stream's limit.
 */
export function trimAll(state: State, windowClips: number): void {
  const failed = [...state.clips.values()].filter((clip) => clip.state === "failed" && waits(clip));
  for (const clips of Map.groupBy(failed, ({ stream }) => stream).values())
    for (const clip of clips.sort((a, b) => b.clip - a.clip).slice(mostWaiting)) giveUp(clip, givenUp);
  trimFaces(state);
  const decided = [...state.clips.values()].filter((clip) => clip.observation && !waits(clip));
  for (const clips of Map.groupBy(decided, ({ stream }) => stream).values()) {
    const newest = clips.sort((a, b) => b.clip - a.clip);
    for (const clip of newest.slice(keptObservations)) clip.observation = null;
  }
  const pictured = decided.filter(({ observation }) => observation && observation.frames.length > 0);
  const inWindow = new Set(
    [...Map.groupBy(pictured, ({ stream }) => stream).values()].flatMap((clips) =>
      clips.sort((a, b) => b.clip - a.clip).slice(0, windowClips),
    ),
  );
  const latest = pictured.toSorted((a, b) => b.row - a.row);
  for (const clip of latest.slice(mostWithFrames)) if (!inWindow.has(clip)) dropFrames(clip);
}

function dropFrames(clip: KeptClip): void {
  if (clip.observation && clip.observation.frames.length > 0)
    clip.observation = { ...clip.observation, frames: [] };
}

/** The floor of streams, from the looks of their clips. */
export function floor(
  state: State,
  { streams, fromSeconds, toSeconds, asOfSeconds }: FloorFilter,
): FloorRow[] {
  const clips = [...state.clips.values()].flatMap((clip) =>
    clip.look ? [{ ...clip, look: clip.look }] : [],
  );
  const passing = clips.filter(
    ({ stream, startSeconds, endSeconds }) =>
      (streams?.includes(stream) ?? true) &&
      (fromSeconds === undefined || endSeconds > fromSeconds) &&
      (toSeconds === undefined || startSeconds < toSeconds) &&
      (asOfSeconds === undefined || endSeconds <= asOfSeconds),
  );
  return floorRows(passing.sort((a, b) => compare(a.stream, b.stream) || a.startSeconds - b.startSeconds));
}

/** Keeps a gap; if a later run meets it again, the later end is kept, and of one span the later reason. @returns whether anything changed */
export function addGap(state: State, gap: Gap): boolean {
  const { gaps } = streamOf(state, gap.stream);
  const { stream, startSeconds, endSeconds, reason, detail } = gap;
  const place = gaps.findIndex((known) => known.startSeconds === startSeconds && known.reason === reason);
  if (place >= 0 && gaps[place]!.endSeconds >= endSeconds) return false;
  gaps.splice(place >= 0 ? place : gaps.length, place >= 0 ? 1 : 0, {
    ...{ kind: "gap", stream, startSeconds, endSeconds, reason, detail },
  });
  for (const other of gaps.filter((one) => one.startSeconds === startSeconds && one.reason !== reason))
    if (other.endSeconds === endSeconds) gaps.splice(gaps.indexOf(other), 1);
  gaps.sort(byStartThenReason);
  logChange(state, { kind: "gap", stream, startSeconds, endSeconds }, { stream });
  return true;
}

export function gaps(state: State, { streams, fromSeconds, toSeconds }: GapFilter): Gap[] {
  return [...state.streams.keys()]
    .filter((id) => streams?.includes(id) ?? true)
    .sort(compare)
    .flatMap((id) => state.streams.get(id)!.gaps)
    .filter(
      (gap) =>
        (fromSeconds === undefined || gap.endSeconds > fromSeconds) &&
        (toSeconds === undefined || gap.startSeconds < toSeconds),
    )
    .map((gap) => ({ ...gap }));
}

export function policyState(state: State, policy: string, stream: string): PolicyState {
  const known = state.policies.get(policy);
  return {
    value: plain(known?.values.get(stream) ?? null),
    documents: known?.documents ?? 0,
    words: new Map(known?.words),
  };
}

export function policyOf(state: State, id: string): KeptPolicy {
  const known = state.policies.get(id);
  if (known) return known;
  const policy: KeptPolicy = { documents: 0, words: new Map(), values: new Map() };
  state.policies.set(id, policy);
  return policy;
}

/** Records a decision and adds up what it counted. */
export function addDecision(
  state: State,
  decision: { readonly policy: string; readonly revision: string; readonly decidedAtMs: number },
  clips: readonly Pick<KeptClip, "stream" | "clip" | "part" | "decided">[],
  counts: readonly SpeakerCounts[],
): void {
  const policy = policyOf(state, decision.policy);
  for (const { documents } of counts) policy.documents += documents;
  for (const [stem, times] of wordsOf(counts)) policy.words.set(stem, (policy.words.get(stem) ?? 0) + times);
  for (const clip of clips) clip.decided.add(decidedKey(clip.part, decision.revision));
  const parts = clips.map(({ stream, clip, part }) => [clipKey(stream, clip), part] as const);
  const kept = counts.map(({ words, ...share }) => ({ ...share, words: new Map(words) }));
  state.decisions.add({ ...decision, clips: new Map(parts), counts: kept });
}

/** Adds an entry with what is derived from it. */
export function addEntry(
  state: State,
  entry: Entry,
  derived: Pick<KeptEntry, "knownSeconds" | "vector" | "told"> & {
    readonly words: WordSpace;
    /** Hashes whose blobs are here; all by default. */
    readonly frames?: ReadonlySet<string>;
  },
): void {
  const { words, knownSeconds, vector, told } = derived;
  state.entries.set(entry.id, {
    entry: plain(entry),
    knownSeconds,
    told,
    ...indexedStems(entry, words),
    speakers: new Set(entry.speakers.map(foldName)),
    vector,
    madeOf: null,
    frames: derived.frames ?? new Set(entry.evidence.frames.map(({ hash }) => hash)),
  });
  const { id, stream, clip } = entry;
  logChange(state, { kind: "entry", entry: id, stream, clip }, { id, stream });
}

/** Stores a decision whose candidates have their vectors. All checks come before anything is stored. */
export function commit(
  state: State,
  decision: Decision,
  { vectors, words, now }: { vectors: readonly Float32Array[]; words: WordSpace; now: () => number },
): Receipt {
  const candidates = named(candidatesOf(decision), [...state.people.known.values()]);
  streamOf(state, decision.stream);
  const clips = new Map(decision.clips.map((clip) => [clip, openClip(state, decision, clip)]));
  const chosen: (Pick<KeptEntry, "knownSeconds" | "vector" | "told"> & { readonly entry: Entry })[] = [];
  const skipped: Receipt["skipped"][number][] = [];
  for (const [i, { statement, text, id, told }] of candidates.entries()) {
    const { kept, isDecided, texts } = clips.get(statement.clip)!;
    const key = JSON.stringify([statement.kind, text]);
    const isStored = isDecided || state.entries.has(id);
    const reason = text === "" ? "empty" : isStored ? "already-stored" : texts.has(key) ? "duplicate" : null;
    if (reason) {
      skipped.push({ statement, reason });
      continue;
    }
    texts.add(key);
    const { kind, startSeconds, endSeconds } = statement;
    const { stream, policy, revision } = decision;
    const entry: Entry = {
      ...{ id, stream, clip: statement.clip, kind, startSeconds, endSeconds, writtenAtMs: now(), text },
      ...{ speakers: [...new Set(statement.speakers)], policy, revision },
      ...{ evidence: evidenceOf(statement, kept.observation), closed: null },
    };
    const knownSeconds = Math.max(endSeconds, kept.endSeconds);
    chosen.push({ entry, knownSeconds, vector: vectors[i]!, told });
  }
  for (const { entry, ...derived } of chosen) addEntry(state, entry, { ...derived, words });
  const undecided = [...clips.values()].filter(({ isDecided }) => !isDecided).map(({ kept }) => kept);
  if (undecided.length > 0) {
    const counted = decision.stateChange ?? { documents: 0, words: new Map<string, number>() };
    const observations = [...clips.values()].map(({ kept }) => kept.observation);
    markDecided(state, decision, undecided, bySpeaker(counted, observations, words), now());
  }
  return { stored: chosen.map(({ entry }) => entry), skipped };
}

/** @throws StoreError `clip-unknown` */
function openClip(state: State, { stream, revision }: Decision, clip: number) {
  const kept = state.clips.get(clipKey(stream, clip));
  if (!kept) throw unknownClip(stream, clip);
  const current = [...state.entries.values()]
    .map(({ entry }) => entry)
    .filter((entry) => entry.stream === stream && entry.clip === clip && entry.closed === null);
  const texts = new Set(current.map(({ kind, text }) => JSON.stringify([kind, text])));
  return { kept, isDecided: kept.decided.has(decidedKey(kept.part, revision)), texts };
}

function markDecided(
  state: State,
  { policy, revision, stream, stateChange }: Decision,
  clips: readonly KeptClip[],
  counts: readonly SpeakerCounts[],
  decidedAtMs: number,
): void {
  if (stateChange) policyOf(state, policy).values.set(stream, plain(stateChange.value));
  addDecision(state, { policy, revision, decidedAtMs }, clips, counts);
  for (const kept of clips) {
    kept.state = "stored";
    kept.failure = null;
    logChange(state, { kind: "clip", stream, clip: kept.clip, state: "stored" }, { stream });
  }
}
