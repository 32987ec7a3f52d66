/**
 * Which adapter is in force when: learnt again and again from the questions asked so far, of all kinds together or of
 * each type for itself.
 *
 * A window is chosen with the last adapter whose questions were all asked before it starts, so none knows a question that
 * was yet to come. With `rechoose` the whole past is chosen anew, from texts nobody threw away, for each question, with
 * the last adapter from questions before that one.
 */
import type { Adapter } from "../../../adapter/adapter.ts";
import type { TextQuestion } from "./week.ts";

/** After how many questions an adapter is made: after every one, or after these numbers of them. */
export type Updates = "every" | readonly number[];

/** Updates of the reference for all types together. */
export const referenceUpdates: readonly number[] = [5, 10, 20, 30, 50, 75, 100, 150, 200, 250, 300, 350];

/** What the first `known` questions of a group taught. */
export interface TrainedAdapter {
  readonly known: number;
  /** When the last of them was asked. */
  readonly askedSeconds: number;
  readonly adapter: Adapter;
}

/** Numbers of questions after which there is a lesson, ascending, none above `total`. */
export function updatesWithin(updates: Updates, total: number): number[] {
  if (updates === "every") return Array.from({ length: total }, (_, i) => i + 1);
  return updates.filter((count) => count <= total).toSorted((a, b) => a - b);
}

/** The last lesson whose questions were all asked before a moment, or `null`. @param lessons in order */
export function lessonBefore(lessons: readonly TrainedAdapter[], seconds: number): TrainedAdapter | null {
  return lessons.findLast(({ askedSeconds }) => askedSeconds < seconds) ?? null;
}

/** A memory for every question, by its place in the order they were asked. */
export type Memories = (question: number) => Uint8Array;

export interface TaughtOptions {
  /** In the order they were asked. */
  readonly questions: readonly TextQuestion[];
  /** Whether each type has a memory and adapters of its own. */
  readonly byType: boolean;
  readonly updates: Updates;
  readonly rechoose: boolean;
  /** The adapter from the first `known` of these questions. */
  readonly teach: (questions: readonly TextQuestion[], known: number) => Promise<Adapter>;
  /** What is kept of the stream up to a moment with the adapter in force at a window's start. */
  readonly keep: (
    adapterAt: (startSeconds: number) => Adapter | null,
    untilSeconds: number,
  ) => Promise<Uint8Array>;
}

/** What is remembered for each question where questions teach. */
export async function taughtMemories(options: TaughtOptions): Promise<Memories> {
  const { questions, byType, updates, rechoose, teach, keep } = options;
  const memories: Uint8Array[] = [];
  const groups = Map.groupBy(questions.keys(), (i) => (byType ? questions[i]!.type : "all"));
  for (const members of groups.values()) {
    const group = members.map((i) => questions[i]!);
    const lessons: TrainedAdapter[] = [];
    for (const known of updatesWithin(updates, group.length)) {
      const { askedSeconds } = group[known - 1]!;
      lessons.push({ known, askedSeconds, adapter: await teach(group, known) });
    }
    if (!rechoose) {
      const kept = await keep(
        (startSeconds) => lessonBefore(lessons, startSeconds)?.adapter ?? null,
        Infinity,
      );
      for (const i of members) memories[i] = kept;
      continue;
    }
    const versions = Map.groupBy(members.keys(), (place) => lessons.findLast(({ known }) => known <= place));
    for (const [lesson, places] of versions) {
      const lastAsked = group[places.at(-1)!]!.askedSeconds;
      const kept = await keep(() => lesson?.adapter ?? null, lastAsked);
      for (const place of places) memories[members[place]!] = kept;
    }
  }
  return (question) => memories[question]!;
}
