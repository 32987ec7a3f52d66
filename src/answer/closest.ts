/**
 * What a declined question is shown: moments that could answer it, because the reader could not tell.
 *
 * Recall ranks what is near in words and meaning. Among those, what a person looks for is seldom a question, is often said
 * by who is named, and holds the kind of thing that is asked for. A line that repeats the question is nearer to it than
 * the line that answers, which stands beside it: a moment holds the lines before and after the one that was found.
 */
import { isFact } from "../memory/facts.ts";
import type { Entries, Entry, EntryList, RecalledEntry } from "../memory/memory.ts";
import { hasWanted, type Wanted, wantedInAny } from "./words/question-words.ts";

/** How much what could answer weighs beside its rank; its kind weighs more where words alone were compared. */
const weights = { question: 0.5, named: 1.5, kind: 1.25, kindByWords: 1.5 } as const;

/**
 * Recalled entries, those that could answer first.
 * @param text the question
 * @param recalled best first; what is put last, such as what a later statement replaced, stays behind
 */
export function closestTo(text: string, recalled: readonly RecalledEntry[]): Entry[] {
  const wanted = wantedInAny(text);
  const kind = isByWords(recalled) ? weights.kindByWords : weights.kind;
  let least = Number.POSITIVE_INFINITY;
  const weighed = recalled.map(({ entry, score }) => {
    least = Math.min(least, score.total);
    const isQuestion = /[?？]\s*$/u.test(entry.text);
    const isNamed = score.speaker?.score === 1;
    const weight =
      (isQuestion ? weights.question : 1) *
      (isNamed ? weights.named : 1) *
      (tellsKind(entry.text, wanted) ? kind : 1);
    return { entry, total: least * weight };
  });
  return weighed.toSorted((a, b) => b.total - a.total).map(({ entry }) => entry);
}

/** A stretch of talk, around what was found of it. */
export interface ClosestMoment {
  readonly found: Entry;
  /** In time order, `found` among them. */
  readonly lines: readonly Entry[];
}

/** How far from a line another of its moment begins, in seconds. */
const momentSeconds = 15;
/** Characters of a moment's lines; longer ones are told alone. */
const mostCharacters = 400;
/** Clips before and after a line's own in which another of its moment may be: each holds a line, or takes ten seconds. */
const clipsBeside = 2;

/**
 * The first different moments: no line is in two of them. Facts, which are no talk, are moments by themselves.
 * @param ranked best first
 * @param filter what else a line must be, such as known by then
 */
export async function momentsAround(
  ranked: readonly Entry[],
  most: number,
  memory: Pick<Entries, "entries">,
  filter: EntryList = {},
): Promise<ClosestMoment[]> {
  const moments: ClosestMoment[] = [];
  const shown = new Set<string>();
  for (const found of ranked) {
    if (moments.length === most) break;
    if (shown.has(found.id)) continue;
    const beside = isFact(found) ? [] : await linesBeside(found, memory, filter);
    const lines = [found];
    for (const line of beside) {
      const length = [...lines, line].reduce((sum, { text }) => sum + text.length, 0);
      if (!shown.has(line.id) && length <= mostCharacters) lines.push(line);
    }
    for (const { id } of lines) shown.add(id);
    moments.push({ found, lines: lines.toSorted((a, b) => a.startSeconds - b.startSeconds) });
  }
  return moments;
}

/** The line after one, which may answer it, and the line before. */
async function linesBeside(
  { id, stream, clip, startSeconds }: Entry,
  memory: Pick<Entries, "entries">,
  filter: EntryList,
): Promise<Entry[]> {
  const clips = Array.from({ length: 2 * clipsBeside + 1 }, (_, i) => clip - clipsBeside + i);
  const near = await memory.entries({ ...filter, streams: [stream], clips: clips.filter((one) => one >= 0) });
  const at = near.findIndex((one) => one.id === id);
  if (at < 0) return [];
  return [near[at + 1], near[at - 1]].filter(
    (one) => one !== undefined && Math.abs(one.startSeconds - startSeconds) <= momentSeconds,
  ) as Entry[];
}

/** Whether no entry was compared by meaning. */
export const isByWords = (recalled: readonly RecalledEntry[]): boolean =>
  recalled.every(({ score }) => !score.vector?.byMeaning);

const tellsReason = /\b(?:because|due to|so that|in order to|that['’]s why|reason)\b|因为|所以/iu;
const numbers =
  /\p{N}|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty|sixty|hundred|thousand|million|half|dozen|couple)\b|[一二三四五六七八九十百千两]/iu;

/** Whether a text tells a number, in digits or in everyday words. */
export const tellsNumber = (text: string): boolean => numbers.test(text);

/** Whether a text holds a word that few others hold and that the kind asked for needs. */
function tellsKind(text: string, wanted: Wanted): boolean {
  if (wanted === "number") return tellsNumber(text);
  if (wanted === "reason") return tellsReason.test(text);
  return wanted === "colour" && hasWanted(text, "colour");
}
