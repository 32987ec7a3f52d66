/**
 * What a policy is shown, built in one place for acting, learning, trying an adapter and Phase One:
 * the clips to decide about, the earlier clips of the window, and the entries written about those.
 *
 * The only parameters are the length of the window and the number of episodic entries shown. The caller supplies
 * observations and entries, from a store, a replay or a simulated history. People whom the memory knows by their faces get
 * tags of the window here, and here alone (`window-people.ts`).
 */
import type { PolicyState } from "../memory/memory.ts";
import type { Observation } from "../perception/observation.ts";
import type { Context, ShownEntry } from "./policy.ts";
import { taggedClip, taggedText, tagPeople } from "./window-people.ts";

/** How much a policy is shown. */
export interface ContextLimits {
  /** Clips in the window, including those to decide about, from 1 up. @default 5 */
  readonly windowClips: number;
  /** Episodic entries of the window's earlier clips, from 0 up; semantic ones are all shown. @default 4 */
  readonly recentEntries: number;
}

/** As in the paper: 50 s of stream and 4 memories. */
export const contextDefaults: ContextLimits = { windowClips: 5, recentEntries: 4 };

/** What came before the clips to decide about. It may reach further back than the window. */
export interface History {
  /** Earlier observations of the stream, oldest first. */
  readonly observations: readonly Observation[];
  /** What was written about them, oldest first. */
  readonly entries: readonly ShownEntry[];
  readonly state: PolicyState;
  /** Plain-text supplement of the prompt (the task-prompt baseline). */
  readonly supplement?: string;
}

/** The context of one decision. @param clips those to decide about, oldest first, not empty */
export function buildContext(
  clips: readonly Observation[],
  { observations, entries, state, supplement }: History,
  limits: ContextLimits = contextDefaults,
): Context {
  const earlier = lastOf(observations, earlierClips(clips.length, limits));
  const inWindow = new Set(earlier.map(({ clip }) => clip));
  const shown = shownEntries(
    entries.filter(({ clip }) => inWindow.has(clip)),
    limits,
  );
  const tags = tagPeople([...earlier, ...clips], shown);
  const tagged = (observations: readonly Observation[]) =>
    tags.length === 0 ? observations : observations.map((one) => taggedClip(one, tags));
  return {
    observations: tagged(clips),
    recent: {
      observations: tagged(earlier),
      entries:
        tags.length === 0 ? shown : shown.map((entry) => ({ ...entry, text: taggedText(entry.text, tags) })),
    },
    state,
    ...(tags.length > 0 && { tags }),
    ...(supplement !== undefined && { supplement }),
  };
}

/** How many earlier clips are shown beside this many new ones: at least one, however many are decided about together. */
export function earlierClips(newClips: number, { windowClips }: Pick<ContextLimits, "windowClips">): number {
  return Math.max(1, windowClips - newClips);
}

/** The last episodic entries up to the limit, and all semantic ones. */
function shownEntries(
  entries: readonly ShownEntry[],
  { recentEntries }: Pick<ContextLimits, "recentEntries">,
): ShownEntry[] {
  const episodic = lastOf(
    entries.filter(({ kind }) => kind === "episodic"),
    recentEntries,
  );
  const shown = new Set(episodic);
  return entries.filter((entry) => entry.kind === "semantic" || shown.has(entry));
}

const lastOf = <T>(items: readonly T[], count: number) => (count === 0 ? [] : items.slice(-count));
