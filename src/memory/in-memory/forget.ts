/** Forgetting in the in-memory store: removes from maps what `../forget.ts` removes from a file. */
import type { WordSpace } from "../../engine.ts";
import { peopleToForget } from "../forget-people.ts";
import {
  assertSaysWhat,
  forgottenMessage,
  isShown,
  leftOutKept,
  namelessFiles,
  nameStemsIn,
  outOfReach,
  type Reach,
  reachOf,
  sampleSize,
  taskGoes,
} from "../forget-request.ts";
import type { ForgetReport, ForgetRequest } from "../records.ts";
import { countsTakenBack, type SpeakerCounts, wordsOf } from "../speaker-counts.ts";
import { tombstoneKey, tombstoneOf } from "../tombstones.ts";
import { deletePeople, peopleState } from "./people.ts";
import {
  clipKey,
  filterOf,
  itemsOf,
  type KeptClip,
  type KeptEntry,
  type KeptPolicy,
  logForgotten,
  type State,
  sweepBlobs,
} from "./state.ts";

/** Forgets in the given state; a dry run passes a copy. @throws as `assertSaysWhat` */
export function forget(
  state: State,
  { words, atMs }: { readonly words: WordSpace; readonly atMs: number },
  request: ForgetRequest,
): Omit<ForgetReport, "dryRun"> {
  assertSaysWhat(request, words);
  sweepBlobs(state); // so that the report counts what this request frees
  const reach = reachOf(request, words);
  const streams = [...state.streams.keys()].filter((id) => request.streams?.includes(id) ?? true);
  const goneStreams = reach.wholeStreams ? streams : [];

  const entries = findEntries(state, request, reach);
  const ids = new Set(entries.map(({ entry }) => entry.id));
  const tasks = itemsOf(state.tasks).filter((task) => taskGoes(task, request, reach, ids));
  for (const { id } of tasks) state.tasks.delete(id);
  const goneTasks = tasks.map(({ id }) => id);
  const adapters = itemsOf(state.adapters).filter((adapter) =>
    adapter.tasks.some((task) => goneTasks.includes(task)),
  );
  for (const { id } of adapters) state.adapters.delete(id);
  logForgotten(state, {
    entries: [...ids],
    tasks: goneTasks,
    adapters: adapters.map(({ id }) => id),
    streams: goneStreams,
  });
  const inScope = new Set([...state.clips].filter(([, clip]) => scopeOf(request)(clip)).map(([key]) => key));
  const people = peopleToForget(
    peopleState(state),
    state.peopleEvents,
    reach,
    ({ stream, clip }) => reach.personOnly || inScope.has(clipKey(stream, clip)),
  );
  const goneIds = { entries: [...ids], people: [...people.people, ...people.faces.map(({ id }) => id)] };
  const tombstone = tombstoneOf(request, { streams, ...goneIds, tasks: goneTasks }, words, atMs);
  state.tombstones.set(tombstoneKey(tombstone), tombstone);
  const nameStems = nameStemsIn(
    request.person ?? "",
    entries.map(({ entry }) => entry.text),
    words,
  );
  deleteEntries(state, ids);

  const shown = new Set(reach.byText ? people.faces.map(({ stream, clip }) => clipKey(stream, clip)) : []);
  const clips = findClips(state, request, reach, entries, shown);
  // A recording would still show it.
  const touched = [...entries.map(({ entry }) => entry), ...clips.map(({ clip }) => clip)];
  for (const stream of new Set(touched.map((one) => one.stream)))
    for (const file of state.streams.get(stream)!.files.values())
      state.streams.get(stream)!.files.set(file.id, { ...file, path: "" });
  for (const [id, kept] of state.entries)
    if (shown.has(clipKey(kept.entry.stream, kept.entry.clip)))
      state.entries.set(id, { ...kept, frames: new Set() });
  deletePeople(state, people);
  const lowered = takeBackDecisions(state, words, request, reach, clips);
  if (reach.personOnly) deleteWords(state, [...nameStems], lowered);
  if (request.query !== undefined) {
    const unheld = words.stems(request.query).filter((stem) => !isHeld(state, stem));
    deleteWords(state, unheld, lowered);
  }
  if (reach.bySpan) for (const { clip } of clips) clip.look = null;
  const observed = clips.filter(({ clip }) => clip.observation !== null);
  for (const { clip } of observed) clip.observation = null;
  if (reach.byText) {
    for (const clip of state.clips.values())
      if (clip.failure && clip.observation === null && scopeOf(request)(clip))
        clip.failure = { ...clip.failure, message: forgottenMessage };
  }
  const gone = clips.filter(({ goes }) => goes);
  for (const { clip } of gone) deleteClip(state, clip);
  for (const decision of state.decisions) if (decision.clips.size === 0) state.decisions.delete(decision);

  for (const { record, files } of state.streams.values()) {
    record.leftOut = leftOutKept(record, request, reach);
    for (const file of namelessFiles(record.id, [...files.values()], request, reach))
      files.set(file.id, file);
  }
  const gaps = goneStreams.reduce((sum, id) => sum + state.streams.get(id)!.gaps.length, 0);
  for (const id of goneStreams) state.streams.delete(id);
  state.spent = state.spent.filter(({ stream }) => stream === null || !goneStreams.includes(stream));
  const freed = sweepBlobs(state);
  return {
    entries: entries.length,
    vectors: entries.filter(({ vector }) => vector.some((value) => value !== 0)).length,
    clips: gone.length,
    observations: observed.length,
    tasks: tasks.length,
    adapters: adapters.length,
    gaps,
    streams: goneStreams.length,
    blobs: freed.blobs,
    blobBytes: freed.bytes,
    words: lowered.size,
    people: people.people.length,
    faces: people.faces.length,
    outOfReach: outOfReach(request, reach, {
      streams: [...state.streams.values()].map(({ record }) => record),
      gaps: [...state.streams.values()].flatMap((stream) => stream.gaps),
      tasks: itemsOf(state.tasks),
    }),
    sample: entries.slice(0, sampleSize).map(({ entry: { id, text } }) => ({ id, text })),
  };
}

/** Entries to remove, closed ones too, in the order they were written. */
function findEntries(state: State, request: ForgetRequest, { meant }: Reach): KeptEntry[] {
  const { streams, fromSeconds, toSeconds, entries: ids, person, query } = request;
  const isInScope = filterOf({
    ...(streams && { streams }),
    ...(fromSeconds !== undefined && { fromSeconds }),
    ...(toSeconds !== undefined && { toSeconds }),
    includeClosed: true,
  });
  return [...state.entries.values()].filter((kept) => {
    const { id, text, speakers, evidence } = kept.entry;
    if (!isInScope(kept) || !(ids?.includes(id) ?? true)) return false;
    if (person === undefined && query === undefined) return true;
    return meant(
      [text],
      [...speakers, ...evidence.sources.flatMap((said) => [said.text, said.speaker ?? ""])],
    );
  });
}

function deleteEntries(state: State, ids: ReadonlySet<string>): void {
  for (const id of ids) state.entries.delete(id);
  for (const kept of state.entries.values()) {
    const { closed } = kept.entry;
    if (closed?.supersededBy && ids.has(closed.supersededBy))
      kept.entry = { ...kept.entry, closed: { ...closed, supersededBy: null } };
  }
}

/** Whether a clip is of the streams and times of a request. */
const scopeOf =
  ({ streams, fromSeconds, toSeconds }: ForgetRequest) =>
  (clip: KeptClip): boolean =>
    (streams?.includes(clip.stream) ?? true) &&
    (fromSeconds === undefined || clip.endSeconds > fromSeconds) &&
    (toSeconds === undefined || clip.startSeconds < toSeconds);

/**
 * Clips whose observation and word counts are removed, and whether they go too. Called after the entries are deleted.
 * @param shown clips that show people who are forgotten by name
 */
function findClips(
  state: State,
  request: ForgetRequest,
  { bySpan, byText, meant }: Reach,
  entries: readonly KeptEntry[],
  shown: ReadonlySet<string>,
): { readonly clip: KeptClip; readonly goes: boolean }[] {
  const keyOf = ({ entry }: KeptEntry) => clipKey(entry.stream, entry.clip);
  const lost = new Set([...entries.map(keyOf), ...shown]);
  const held = new Set([...state.entries.values()].map(keyOf));
  const isInScope = scopeOf(request);
  return [...state.clips].flatMap(([key, clip]) => {
    if (bySpan && isInScope(clip)) return [{ clip, goes: !held.has(key) }];
    const { observation } = clip;
    const shows = byText && isInScope(clip) && observation !== null && isShown(observation, meant);
    return lost.has(key) || shows ? [{ clip, goes: shows && clip.state !== "stored" }] : [];
  });
}

/** Subtracts what decisions counted of what is forgotten. @returns the words whose counts were lowered */
function takeBackDecisions(
  state: State,
  words: WordSpace,
  request: ForgetRequest,
  { byText, bySpeaker }: Reach,
  found: readonly { readonly clip: KeptClip }[],
): Set<string> {
  const keys = new Set(found.map(({ clip }) => clipKey(clip.stream, clip.clip)));
  const inScope = scopeOf(request);
  const chosen = countsTakenBack(request, words);
  const changed = new Set(found.map(({ clip }) => clip.stream));
  const lowered = new Set<string>();
  for (const decision of state.decisions) {
    const clips = [...decision.clips.keys()].map((key) => state.clips.get(key)!);
    const isFound = [...decision.clips.keys()].some((key) => keys.has(key));
    if (!isFound && !(byText && clips.some(inScope))) continue;
    const gone = isFound && !bySpeaker ? decision.counts : chosen(decision.counts);
    if (gone.length === 0) continue;
    takeBack(state.policies.get(decision.policy)!, gone);
    decision.counts = decision.counts.filter((share) => !gone.includes(share));
    for (const stem of wordsOf(gone).keys()) lowered.add(stem);
    for (const { stream } of clips) changed.add(stream);
  }
  for (const stream of changed) for (const { values } of state.policies.values()) values.delete(stream);
  return lowered;
}

function takeBack(policy: KeptPolicy, gone: readonly SpeakerCounts[]): void {
  for (const [stem, times] of wordsOf(gone)) {
    const left = (policy.words.get(stem) ?? 0) - times;
    if (left > 0) policy.words.set(stem, left);
    else policy.words.delete(stem);
  }
  const documents = gone.reduce((sum, share) => sum + share.documents, 0);
  policy.documents = Math.max(0, policy.documents - documents);
}

const isHeld = (state: State, stem: string): boolean =>
  [...state.entries.values()].some(({ stems }) => stems.has(stem));

function deleteWords(state: State, stems: readonly string[], lowered: Set<string>): void {
  for (const stem of stems) {
    for (const { words } of state.policies.values()) if (words.delete(stem)) lowered.add(stem);
    for (const { counts } of state.decisions) for (const { words } of counts) words.delete(stem);
  }
}

function deleteClip(state: State, { stream, clip }: KeptClip): void {
  const key = clipKey(stream, clip);
  state.clips.delete(key);
  for (const decision of state.decisions) decision.clips.delete(key);
}
