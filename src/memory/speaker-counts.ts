/**
 * What a decision counted, by who said it, so that forgetting a person takes back what they said, at any age, and leaves
 * the counts of others as they are.
 *
 * A policy counts words, not speakers, so its counts are divided here among the lines of the clips it decided about. A
 * word of one speaker's lines alone is theirs, however often the policy counted it. A word that no line holds, such as a
 * model's own, may repeat anyone: its speaker is unknown, and it goes with any person.
 */
import type { WordSpace } from "../engine.ts";
import { foldName, mentions } from "./names.ts";
import type { ForgetRequest, MemoryRow, PackedObservation, PolicyStateChange } from "./records.ts";

/** One speaker's share of what a decision counted. */
export interface SpeakerCounts {
  /** Folded name; empty for lines without one; `null` if it is unknown whose words these are. */
  readonly speaker: string | null;
  readonly documents: number;
  readonly words: ReadonlyMap<string, number>;
}

/** Divides what a decision counted among those who spoke in its clips. @param observations `null` where one is gone */
export function bySpeaker(
  counted: Pick<PolicyStateChange, "documents" | "words">,
  observations: readonly (Pick<PackedObservation, "speech" | "captions" | "screen"> | null)[],
  words: WordSpace,
): SpeakerCounts[] {
  const lines = observations.some((observation) => observation === null)
    ? []
    : distinctLines(observations.flatMap((observation) => observation ?? []));
  /** Who said each word, once a line. */
  const holders = new Map<string, string[]>();
  for (const { speaker, text } of lines) {
    for (const stem of new Set(words.stems(text))) {
      const known = holders.get(stem);
      if (known) known.push(speaker);
      else holders.set(stem, [speaker]);
    }
  }
  const shares = new Map<string | null, { documents: number; words: Map<string, number> }>();
  const shareOf = (speaker: string | null) => {
    const known = shares.get(speaker) ?? { documents: 0, words: new Map() };
    shares.set(speaker, known);
    return known;
  };
  const speakers = lines.map(({ speaker }) => speaker);
  for (const [speaker, part] of divided(counted.documents, speakers)) shareOf(speaker).documents = part;
  for (const [stem, times] of counted.words) {
    for (const [speaker, part] of divided(times, holders.get(stem) ?? []))
      if (part !== 0) shareOf(speaker).words.set(stem, part);
  }
  return [...shares]
    .map(([speaker, share]) => ({ speaker, ...share }))
    .filter(({ documents, words }) => documents !== 0 || words.size > 0);
}

/** What all speakers' shares add up to. */
export function wordsOf(counts: readonly Pick<SpeakerCounts, "words">[]): Map<string, number> {
  const total = new Map<string, number>();
  for (const { words } of counts)
    for (const [stem, times] of words) total.set(stem, (total.get(stem) ?? 0) + times);
  return total;
}

type DecisionRow = Extract<MemoryRow, { row: "decision" }>;

/** Counts as an export's row of a decision holds them. */
export function countsRow(
  counts: readonly SpeakerCounts[],
): Pick<DecisionRow, "words"> & Required<Pick<DecisionRow, "bySpeaker">> {
  return {
    words: [...wordsOf(counts)],
    bySpeaker: counts.map(({ words, ...share }) => ({ ...share, words: [...words] })),
  };
}

/** Counts from an export's row of a decision. */
export function countsIn({ documents, words, bySpeaker: shares }: DecisionRow): SpeakerCounts[] {
  const known = shares ?? [{ speaker: null, documents, words }];
  return known.map(({ words, ...share }) => ({ ...share, words: new Map(words) }));
}

/** The lines of observations with their folded speakers; a line said again by the same person counts once. */
function distinctLines(
  observations: readonly Pick<PackedObservation, "speech" | "captions" | "screen">[],
): { readonly speaker: string; readonly text: string }[] {
  const lines = observations.flatMap(({ speech, captions, screen }) => [
    ...[...speech, ...captions].map(({ speaker, text }) => ({ speaker: foldName(speaker ?? ""), text })),
    ...screen.map(({ text }) => ({ speaker: "", text })),
  ]);
  return [...new Map(lines.map((line) => [JSON.stringify([line.speaker, line.text]), line])).values()];
}

/** A count divided among the speakers of lines, in proportion to their lines; all of it unknown without lines. */
function divided(total: number, speakers: readonly string[]): Map<string | null, number> {
  if (speakers.length === 0) return new Map([[null, total]]);
  const parts = new Map<string | null, number>();
  for (const speaker of speakers) parts.set(speaker, (parts.get(speaker) ?? 0) + 1);
  let left = total;
  for (const [speaker, lines] of parts) {
    const part = Math.floor((total * lines) / speakers.length);
    parts.set(speaker, part);
    left -= part;
  }
  for (const [speaker, part] of parts) {
    const more = Math.min(1, left);
    parts.set(speaker, part + more);
    left -= more;
  }
  return parts;
}

/**
 * Which counts of a decision in its scope a request by person or query takes back.
 *
 * With a query, those of decisions that counted all its words. With a person, what they said and what may be theirs, or
 * everything if the decision counted their name.
 */
export function countsTakenBack(
  { person, query }: Pick<ForgetRequest, "person" | "query">,
  words: WordSpace,
): <Counts extends SpeakerCounts>(decision: readonly Counts[]) => readonly Counts[] {
  const name = person === undefined ? undefined : foldName(person);
  const nameStems = words.stems(person ?? "");
  const queryStems = words.stems(query ?? "");
  return (decision) => {
    const holds = (stems: readonly string[]) =>
      stems.every((stem) => decision.some((counts) => counts.words.has(stem)));
    if (!holds(queryStems)) return [];
    if (name === undefined || (nameStems.length > 0 && holds(nameStems))) return decision;
    return decision.filter(({ speaker }) => speaker === null || mentions(speaker, name));
  };
}
