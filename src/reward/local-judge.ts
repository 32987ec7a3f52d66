/**
 * A judge without a model: it compares a memory's words with the texts that perception had.
 *
 * It works by stems, so it knows whether something was mentioned but not whether it is told correctly: a negation, or who
 * did what to whom, is beyond it, and so is what only the pictures show. A clip without texts gets a failure, not a grade.
 *
 * - **Correct**: nearly all of what it tells is in the clip's texts, sentence by sentence; no name or number is made up.
 * - **Clean**: sentences, little in them repeated, no question that was not asked in the clip, no word to the judge.
 * - **Rich**: how much it tells per token of what the clip is about. Some tokens are added to every length, so that
 *   a single good word is not the richest text; only usable memories count.
 * - **Relevant**: how much of what it tells is mentioned in the questions or their options, rare words first; less what
 *   is mentioned as often in other questions, where those are given.
 */
import type { WordSpace } from "../engine.ts";
import type { Question } from "../tasks/task.ts";
import { type Evidence, evidenceOf } from "./evidence.ts";
import type { Judge, JudgeFailure } from "./judge.ts";
import { addressesJudge, sentencesOf, withoutQuotes } from "./sentences.ts";

/** Options of `localJudge`. */
export interface LocalJudgeOptions {
  readonly words: WordSpace;
}

/** Share of its stems that a memory, and each of its sentences, must find in the clip. */
const leastSupport = 2 / 3;
const leastSentenceSupport = 1 / 2;
/** A sentence with fewer stems is not measured by itself. */
const fewStems = 3;
/** A sentence repeats a text that holds this share of its stems. */
const repeats = 0.9;
/** How much denser than the clip's texts a memory may be before it is a list of keywords. */
const mostDensity = 1.4;
/** Share of its stems that a memory may repeat. */
const mostRepetition = 1 / 4;
/** Least tokens of a list of keywords; fewer are a few words. */
const shortestList = 8;
/**
 * Tokens added to every length, so that half a memory is not richer than the whole. With 10, the half of a summary of
 * 100 tokens was richer in three of four cases, with 60 in one of four; a policy would learn to be short.
 */
const addedTokens = 60;
/** Difference in relevance, as a share of the larger, up to which it is a tie. */
const tieMargin = 0.1;

/** Verbs and nouns for reporting what was heard and read: true of any clip. */
const reporting = `asks tells replies answers explains mentions adds states announces calls speaks speaking speech
  voice heard screen sign label reads shows shown appears text caption subtitle`;

/** A judge that needs no model and no network. */
export function localJudge({ words }: LocalJudgeOptions): Judge {
  const neutral = new Set(words.stems(reporting));
  const readingOf = (memory: string, evidence: Evidence) => readMemory(memory, evidence, words, neutral);
  return {
    id: `local@1:${words.id}`,
    async quality({ context, memory, signal }) {
      signal?.throwIfAborted();
      const evidence = evidenceOf(context, words);
      if (evidence.worth.size === 0) return noEvidence;
      const { untrue, unclean } = readingOf(memory, evidence);
      return {
        ok: true,
        value: {
          correct: untrue === null,
          clean: unclean === null,
          rationale:
            [untrue, unclean].filter((fault) => fault !== null).join(" ") || "All of it is in the clip.",
        },
      };
    },
    async richness({ context, memories, signal }) {
      signal?.throwIfAborted();
      const evidence = evidenceOf(context, words);
      if (evidence.worth.size === 0) return noEvidence;
      const value = memories.map((memory) => {
        const told = readingOf(memory, evidence).told;
        return sum(told, (stem) => evidence.worth.get(stem)!) / (words.countTokens(memory) + addedTokens);
      });
      return { ok: true, value };
    },
    async relevance({ context, first, second, questions, others = [], signal }) {
      signal?.throwIfAborted();
      const evidence = evidenceOf(context, words);
      if (evidence.worth.size === 0) return noEvidence;
      const asked = askedStems(questions, words);
      const askedElsewhere = askedStems(others, words);
      // As many times as if there were as many of them.
      const share = questions.length / Math.max(1, others.length);
      const interest = (stem: string) =>
        Math.log(1 + (asked.get(stem) ?? 0)) - Math.log(1 + share * (askedElsewhere.get(stem) ?? 0));
      const [a, b] = [first, second].map((memory) =>
        sum(readingOf(memory, evidence).told, (stem) => interest(stem) * evidence.rarity(stem)),
      ) as [number, number];
      const isTie = Math.abs(a - b) <= tieMargin * Math.max(Math.abs(a), Math.abs(b));
      return { ok: true, value: isTie ? "tie" : a > b ? "first" : "second" };
    },
  };
}

const noEvidence: JudgeFailure = {
  ok: false,
  reason: "no-evidence",
  message: "The clip has no texts to compare a memory with: judge it by its frames, with a model.",
};

interface MemoryReading {
  /** The fault in its truth, or in its form; `null` for none. */
  readonly untrue: string | null;
  readonly unclean: string | null;
  /** Stems of the clip that its usable sentences tell. */
  readonly told: ReadonlySet<string>;
}

function readMemory(
  memory: string,
  evidence: Evidence,
  words: WordSpace,
  neutral: ReadonlySet<string>,
): MemoryReading {
  const read = (text: string) => readSentence(text, evidence, words, neutral);
  const sentences = sentencesOf(memory).map(read);
  const unquoted = sentencesOf(withoutQuotes(memory)).map(read);
  const unclean = isList(memory, evidence, words)
    ? listOfWords
    : (impurity(unquoted, evidence) ?? repetition(sentences, evidence));
  const sound = sentences.filter(
    (one) => isSupported(one) && !asks(one, evidence) && !addressesJudge(one.text),
  );
  const told = unclean === listOfWords ? [] : sound.flatMap(({ supported }) => [...supported]);
  return {
    untrue: untruth(memory, sentences, evidence, words),
    unclean,
    told: new Set(told.filter((stem) => evidence.worth.get(stem)! > 0)),
  };
}

const listOfWords = "It is a list of words.";

interface Sentence {
  readonly text: string;
  /** Its content stems except those of reporting. */
  readonly stems: ReadonlySet<string>;
  /** Those in the clip. */
  readonly supported: ReadonlySet<string>;
  /** Those neither in the clip nor in what came before. */
  readonly unsupported: ReadonlySet<string>;
}

function readSentence(
  text: string,
  { worth, background }: Evidence,
  words: WordSpace,
  neutral: ReadonlySet<string>,
): Sentence {
  const stems = new Set(words.stems(text).filter((stem) => !neutral.has(stem) || worth.has(stem)));
  const supported = new Set([...stems].filter((stem) => worth.has(stem)));
  return {
    text,
    stems,
    supported,
    unsupported: new Set([...stems].filter((stem) => !supported.has(stem) && !background.has(stem))),
  };
}

function isSupported({ supported, unsupported }: Sentence): boolean {
  const counted = supported.size + unsupported.size;
  return counted < fewStems || supported.size >= leastSentenceSupport * counted;
}

function untruth(
  memory: string,
  sentences: readonly Sentence[],
  evidence: Evidence,
  words: WordSpace,
): string | null {
  const supported = new Set(sentences.flatMap((sentence) => [...sentence.supported]));
  const unsupported = new Set(sentences.flatMap((sentence) => [...sentence.unsupported]));
  if (supported.size === 0) return "It tells nothing that is in the clip.";
  if (supported.size < leastSupport * (supported.size + unsupported.size)) {
    return `The clip does not speak of ${[...unsupported].slice(0, 5).join(", ")}.`;
  }
  const bad = sentences.find((sentence) => !isSupported(sentence));
  if (bad) return `The clip does not tell this: ${bad.text}`;
  const invented = detailsOf(memory, evidence).find((detail) =>
    words.stems(detail).some((stem) => unsupported.has(stem)),
  );
  return invented === undefined ? null : `${invented} is not in the clip.`;
}

/** Names and longer numbers, which cannot be paraphrased. */
function detailsOf(memory: string, { capitalsMarkNames }: Evidence): string[] {
  const names = capitalsMarkNames ? (memory.match(/(?<=[\p{Ll}\p{N}][,;]? )\p{Lu}\p{Ll}+/gu) ?? []) : [];
  return [...names, ...(memory.match(/\d+(?:[.,:]\d+)+|\d{2,}/g) ?? [])];
}

/** Whether a text has many content words and little between them, compared with the clip's own texts. */
function isList(memory: string, { density }: Evidence, words: WordSpace): boolean {
  const tokens = words.countTokens(memory);
  return tokens >= shortestList && words.stems(memory).length > mostDensity * density * tokens;
}

function asks({ text, stems }: Sentence, { lines }: Evidence): boolean {
  const isAsked = lines.some((line) => line.isQuestion && holds(line.stems, stems));
  return /[?？]/.test(text) && stems.size >= fewStems && !isAsked;
}

/** The first sentence outside quotations that addresses the judge or asks, as a fault; `null` for none. */
function impurity(unquoted: readonly Sentence[], evidence: Evidence): string | null {
  const address = unquoted.find(({ text }) => addressesJudge(text));
  if (address) return `It speaks to its judge: ${address.text}`;
  const question = unquoted.find((sentence) => asks(sentence, evidence));
  return question ? `It asks instead of telling: ${question.text}` : null;
}

/** The fault of a memory too much of which is repeated. Small things happen again and again: a nod, an "OK". */
function repetition(sentences: readonly Sentence[], { written }: Evidence): string | null {
  const earlier = [...written];
  const repeated: Sentence[] = [];
  for (const sentence of sentences) {
    if (earlier.some((text) => holds(text, sentence.stems))) repeated.push(sentence);
    earlier.push(sentence.stems);
  }
  const lengthOf = (some: readonly Sentence[]) => some.reduce((total, { stems }) => total + stems.size, 0);
  const isMuch = lengthOf(repeated) > mostRepetition * lengthOf(sentences);
  return isMuch ? `It is repeated: ${repeated[0]!.text}` : null;
}

function holds(whole: ReadonlySet<string>, part: ReadonlySet<string>): boolean {
  return part.size > 0 && common(part, whole).size >= repeats * part.size;
}

/** Stems of the questions and their options, with the number of questions that hold them. */
function askedStems(questions: readonly Question[], words: WordSpace): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { text, options } of questions) {
    for (const stem of new Set(words.stems([text, ...options.map((option) => option.text)].join("\n")))) {
      counts.set(stem, (counts.get(stem) ?? 0) + 1);
    }
  }
  return counts;
}

function common(stems: ReadonlySet<string>, others: { has(stem: string): boolean }): Set<string> {
  return new Set([...stems].filter((stem) => others.has(stem)));
}

function sum(stems: ReadonlySet<string>, worth: (stem: string) => number): number {
  return [...stems].reduce((total, stem) => total + worth(stem), 0);
}
