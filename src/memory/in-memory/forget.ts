/** Forgetting in the in-memory store: removes from maps what `../forget.ts` removes from a file. */
import type { WordSpace } from "../../engine.ts";
import {
  assertSaysWhat,
  isShown,
  leftOutKept,
  type Reach,
  reachOf,
  sampleSize,
  taskGoes,
} from "../forget-request.ts";
import type { ForgetReport, ForgetRequest } from "../records.ts";
import {
  clipKey,
  filterOf,
  itemsOf,
  type KeptClip,
  type KeptEntry,
  logForgotten,
  type State,
  sweepBlobs,
} from "./state.ts";

/** Forgets in the given state; a dry run passes a copy. @throws as `assertSaysWhat` */
export function forget(state: State, words: WordSpace, request: ForgetRequest): Omit<ForgetReport, "dryRun"> {
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
  deleteEntries(state, ids);

  const clips = findClips(state, request, reach, entries);
  const lowered = takeBackDecisions(
    state,
    clips.map(({ clip }) => clip),
  );
  if (reach.personOnly) deleteWords(state, words.stems(request.person!), lowered);
  if (request.query !== undefined) {
    const unheld = words.stems(request.query).filter((stem) => !isHeld(state, stem));
    deleteWords(state, unheld, lowered);
  }
  if (reach.bySpan) for (const { clip } of clips) clip.look = null;
  const observed = clips.filter(({ clip }) => clip.observation !== null);
  for (const { clip } of observed) clip.observation = null;
  const gone = clips.filter(({ goes }) => goes);
  for (const { clip } of gone) deleteClip(state, clip);
  for (const decision of state.decisions) if (decision.clips.size === 0) state.decisions.delete(decision);

  for (const { record } of state.streams.values()) record.leftOut = leftOutKept(record, request, reach.meant);
  const gaps = goneStreams.reduce((sum, id) => sum + state.streams.get(id)!.gaps.length, 0);
  for (const id of goneStreams) state.streams.delete(id);
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

/**
 * Clips whose observation and word counts are removed, and whether they go too. Called after the entries are deleted.
 */
function findClips(
  state: State,
  { streams, fromSeconds, toSeconds, entries: ids }: ForgetRequest,
  { bySpan, meant }: Reach,
  entries: readonly KeptEntry[],
): { readonly clip: KeptClip; readonly goes: boolean }[] {
  const keyOf = ({ entry }: KeptEntry) => clipKey(entry.stream, entry.clip);
  const lost = new Set(entries.map(keyOf));
  const held = new Set([...state.entries.values()].map(keyOf));
  const isInScope = (clip: KeptClip) =>
    (streams?.includes(clip.stream) ?? true) &&
    (fromSeconds === undefined || clip.endSeconds > fromSeconds) &&
    (toSeconds === undefined || clip.startSeconds < toSeconds);
  return [...state.clips].flatMap(([key, clip]) => {
    if (bySpan && isInScope(clip)) return [{ clip, goes: !held.has(key) }];
    const { observation } = clip;
    const shows =
      !bySpan && ids === undefined && isInScope(clip) && observation !== null && isShown(observation, meant);
    return lost.has(key) || shows ? [{ clip, goes: shows && clip.state !== "stored" }] : [];
  });
}

/** Subtracts what decisions about these clips counted. @returns the words whose counts were lowered */
function takeBackDecisions(state: State, clips: readonly KeptClip[]): Set<string> {
  const lowered = new Set<string>();
  for (const { stream } of clips) for (const { values } of state.policies.values()) values.delete(stream);
  const keys = new Set(clips.map(({ stream, clip }) => clipKey(stream, clip)));
  for (const decision of state.decisions) {
    if (![...decision.clips].some((key) => keys.has(key))) continue;
    const policy = state.policies.get(decision.policy)!;
    for (const [stem, times] of decision.words) {
      const left = (policy.words.get(stem) ?? 0) - times;
      if (left > 0) policy.words.set(stem, left);
      else policy.words.delete(stem);
      lowered.add(stem);
    }
    policy.documents = Math.max(0, policy.documents - decision.documents);
    decision.documents = 0;
    decision.words.clear();
  }
  return lowered;
}

const isHeld = (state: State, stem: string): boolean =>
  [...state.entries.values()].some(({ stems }) => stems.has(stem));

function deleteWords(state: State, stems: readonly string[], lowered: Set<string>): void {
  for (const stem of stems) {
    for (const { words } of state.policies.values()) if (words.delete(stem)) lowered.add(stem);
    for (const { words } of state.decisions) words.delete(stem);
  }
}

function deleteClip(state: State, { stream, clip }: KeptClip): void {
  const key = clipKey(stream, clip);
  state.clips.delete(key);
  for (const decision of state.decisions) decision.clips.delete(key);
}
