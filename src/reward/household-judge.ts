/**
 * The judge that knows the household: it compares a memory with what is true in the simulated world.
 *
 * - **Correct**: every sentence is a sentence of the world's language, and true of the clip.
 * - **Clean**: no sentence is repeated, within the memory or from an earlier one.
 * - **Rich**: how many different true things it tells, of any kind, because the questions are not known yet.
 * - **Relevant**: how many of the true things it tells are of the kinds that the questions ask about. The first word of a
 *   question or sentence decides its kind (`household/language.ts`). False or repeated sentences count nothing.
 *
 * An unknown clip gets a failure, not a grade.
 */
import {
  type Fact,
  type FactKind,
  kindOfQuestion,
  kindOfSentence,
  sentenceOf,
} from "../household/language.ts";
import type { Context } from "../policy/policy.ts";
import type { Judge, JudgeFailure } from "./judge.ts";

/** What is true of a clip, or `null` for an unknown clip. */
export type TruthOf = (stream: string, clip: number) => readonly Fact[] | null;

/** A judge that reads the household's language and knows the truth of its clips. */
export function householdJudge(truthOf: TruthOf): Judge {
  const read = (context: Context, memory: string) => {
    const truths = context.observations.map(({ stream, clip }) => truthOf(stream, clip));
    if (truths.some((facts) => facts === null)) return null;
    return readHouseholdMemory(
      memory,
      truths.flatMap((facts) => facts!),
      context.recent.entries.map(({ text }) => text),
    );
  };
  return {
    id: "household@2",
    async quality({ context, memory, signal }) {
      signal?.throwIfAborted();
      const reading = read(context, memory);
      if (reading === null) return unknownClip;
      const { wrong, repeated, told } = reading;
      return {
        ok: true,
        value: {
          correct: wrong.length === 0 && told.length > 0,
          clean: repeated.length === 0,
          rationale:
            [
              ...wrong.map((sentence) => `Not so: ${sentence}`),
              ...repeated.map((sentence) => `Repeated: ${sentence}`),
            ].join(" ") || "All of it is true and new.",
        },
      };
    },
    async richness({ context, memories, signal }) {
      signal?.throwIfAborted();
      const readings = memories.map((memory) => read(context, memory));
      if (readings.includes(null)) return unknownClip;
      return { ok: true, value: readings.map((reading) => reading!.told.length) };
    },
    async relevance({ context, first, second, questions, signal }) {
      signal?.throwIfAborted();
      const readings = [first, second].map((memory) => read(context, memory));
      if (readings.includes(null)) return unknownClip;
      const asked = new Map<FactKind, number>();
      for (const { text } of questions) {
        const kind = kindOfQuestion(text);
        if (kind !== null) asked.set(kind, (asked.get(kind) ?? 0) + 1);
      }
      const [a, b] = readings.map((reading) =>
        reading!.told.reduce((sum, sentence) => sum + (asked.get(kindOfSentence(sentence)!) ?? 0), 0),
      ) as [number, number];
      return { ok: true, value: a === b ? "tie" : a > b ? "first" : "second" };
    },
  };
}

const unknownClip: JudgeFailure = {
  ok: false,
  reason: "no-evidence",
  message: "This clip is not of a household whose truth is known: judge it with a model.",
};

/** The sentences of a memory, sorted; a sentence can be both wrong and repeated. */
export interface HouseholdReading {
  /** Sentences that are not true of the clip, or not of the household's language. */
  readonly wrong: readonly string[];
  /** Sentences that repeat this memory or an earlier one. */
  readonly repeated: readonly string[];
  /** True sentences told for the first time. */
  readonly told: readonly string[];
  readonly sentences: number;
}

/** Sorts the sentences of a memory. @param facts what is true of the clip @param written the memories before it */
export function readHouseholdMemory(
  memory: string,
  facts: readonly Fact[],
  written: readonly string[],
): HouseholdReading {
  const truths = new Set(facts.map(sentenceOf));
  const said = new Set(written.flatMap(sentencesOf));
  const wrong: string[] = [];
  const repeated: string[] = [];
  const told: string[] = [];
  const sentences = sentencesOf(memory);
  for (const sentence of sentences) {
    if (said.has(sentence)) repeated.push(sentence);
    if (!truths.has(sentence)) wrong.push(sentence);
    else if (!said.has(sentence)) told.push(sentence);
    said.add(sentence);
  }
  return { wrong, repeated, told, sentences: sentences.length };
}

/** Sentences with their full stops; a last one that was cut off has none. */
function sentencesOf(text: string): string[] {
  return (text.match(/[^.]+\.?/g) ?? [])
    .map((sentence) => sentence.trim())
    .filter((sentence) => sentence !== "");
}
