/**
 * A reader without a model: it answers where the words of one remembered sentence answer, and abstains elsewhere.
 *
 * A sentence is evidence when it covers the question's content words: every name and number, and 7/10 of all by
 * weight. Multiple choice takes the option whose own words, those not in the question, stand in such a
 * sentence; free-form questions get the sentences themselves. Where two statements conflict about the same thing, the
 * later one wins (the earlier one if the question says "first"). It abstains where one sentence supports two options
 * equally, where the question or the sentence is negated, or where a word of weight is missing.
 *
 * Questions of the whole ("What happened?", "How long is it?") are answered by `whole-reading.ts`.
 *
 * What it cannot do: synonyms, inference over several sentences, counting, "why". An option scores by its best entry and
 * wins by a factor of 1.1. Words are not weighted by idf, because recalled entries are a sample biased towards the
 * question. Instead, words that ask rather than tell ("time", "colour", "show") count a fifth.
 */
import type { Reader, Reading, ReadRequest } from "../../answer/reader.ts";
import { noCost, type WordSpace } from "../../engine.ts";
import type { Entry } from "../../memory/memory.ts";
import type { Option, Question } from "../../tasks/task.ts";
import { readWhole } from "./whole-reading.ts";

/** Share of the question's weight that a sentence must cover. */
const leastCover = 0.7;
/** Share of an option's own words that a sentence must hold. */
const leastOwn = 0.5;
/** The best option must beat the next by this factor, otherwise the later statement decides. */
const margin = 1.1;
/** Weight of a word that asks for a kind of answer and need not appear in it. */
const askingWeight = 0.2;
/** Most sentences a free-form answer quotes. */
const mostQuoted = 3;

const askingWords = `
  time hour clock o'clock date day when moment colour color room place location spot where city name word title text kind type sort
  person people man woman guy somebody someone speaker character number amount reason way topic subject video clip scene
  screen picture image sign show shown display written mention tell told speak spoke spoken happen occur describe
  wear wore dress put place leave left keep kept use used do first last before after according following true correct statement
  number many much ask answer question know remember see saw seen hear heard call called appear there
`;

/** Options of `lexicalReader`. */
export interface LexicalReaderOptions {
  readonly words: WordSpace;
}

/** A reader without a model: quotes the sentence that shares most with the question, and abstains where too little is shared. */
export function lexicalReader({ words }: LexicalReaderOptions): Reader {
  const asking = new Set(words.stems(askingWords));
  return {
    id: "lexical@1",
    tokenBudget: 2000,
    read: async (request) => {
      const ofWhole = request.whole ? readWhole(request, request.whole, words) : null;
      if (ofWhole) return ofWhole;
      const asked = askedWords(request, words, asking);
      const sentences = request.recalled.flatMap(({ entry }) => sentencesOf(entry, words));
      if (asked.size === 0) return abstain("The question holds no word that could be looked up in memory.");
      if (request.question.options.length > 0) return choose(request.question, asked, sentences, words);
      return quote(request.question, asked, sentences, words);
    },
  };
}

interface Asked {
  readonly stem: string;
  /** The word as the question writes it. */
  readonly word: string;
  readonly weight: number;
  /** Whether it is a name or a number: a sentence without it is about something else. */
  readonly required: boolean;
  /** Moment of stream time the word may stand for, in seconds. */
  readonly atSeconds: number | null;
}

interface Sentence {
  readonly entry: Entry;
  /** Which sentence of the entry it is. */
  readonly place: number;
  readonly text: string;
  /** Its stems in order, followed by those of its speakers. */
  readonly stems: readonly string[];
  readonly holds: ReadonlySet<string>;
  /** Stems of the whole entry where a pronoun may refer to them; otherwise empty. */
  readonly context: ReadonlySet<string>;
  readonly negated: boolean;
}

/** The question's content words by stem. A name is a speaker's name or begins with a capital. */
function askedWords(
  { question, recalled }: ReadRequest,
  words: WordSpace,
  asking: Set<string>,
): Map<string, Asked> {
  const speakers = new Set(
    recalled.flatMap(({ entry }) => entry.speakers.flatMap((name) => words.stems(name))),
  );
  const asked = new Map<string, Asked>();
  for (const word of question.text.split(/\s+/)) {
    for (const stem of words.stems(word)) {
      const isCapital = /^\P{L}*\p{Lu}\p{Ll}/u.test(word) && !asking.has(stem);
      const required = isCapital || speakers.has(stem) || /^\d/.test(stem);
      const weight = !required && asking.has(stem) ? askingWeight : 1;
      const plain = word.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, "");
      if (!asked.has(stem))
        asked.set(stem, { stem, word: plain, weight, required, atSeconds: momentOf(stem) });
    }
  }
  return asked;
}

/** `1:05` → 65, `1:00:05` → 3605; other words are no moment. */
function momentOf(stem: string): number | null {
  if (!/^\d+(:\d\d){1,2}$/.test(stem)) return null;
  return stem.split(":").reduce((seconds, part) => seconds * 60 + Number(part), 0);
}

const pronoun = /\b(he|she|they|it|him|her|his|hers|them|their|its)\b/i;
const negation = /\b(not|never|nobody|nothing|nowhere|none|neither|except)\b|n['’]t\b/i;

function sentencesOf(entry: Entry, words: WordSpace): Sentence[] {
  const speakers = entry.speakers.flatMap((name) => words.stems(name));
  const whole = new Set([...words.stems(entry.text), ...speakers]);
  return entry.text
    .split(/(?<=[.!?]["'”’)]*)\s+|(?<=[。！？])|\n+/)
    .filter((text) => text.trim() !== "")
    .map((text, place) => {
      const stems = [...words.stems(text), ...speakers];
      const context = pronoun.test(text) ? whole : new Set<string>();
      return {
        entry,
        place,
        text: text.trim(),
        stems,
        holds: new Set(stems),
        context,
        negated: negation.test(text),
      };
    });
}

/** Share of the question's weight that a sentence covers; 0 where a name or number of the question is missing. */
function coverOf({ holds, context, entry }: Sentence, asked: ReadonlyMap<string, Asked>): number {
  let covered = 0;
  let fromContext = 0;
  let all = 0;
  for (const { stem, weight, required, atSeconds } of asked.values()) {
    all += weight;
    if (holds.has(stem) || (atSeconds !== null && wasAt(entry, atSeconds))) covered += weight;
    else if (context.has(stem)) fromContext += weight;
    else if (required) return 0;
  }
  return covered === 0 ? 0 : (covered + 0.9 * fromContext) / all;
}

/** Whether an entry is about a moment, give or take 5 s. */
function wasAt({ startSeconds, endSeconds }: Entry, seconds: number): boolean {
  return seconds >= startSeconds - 5 && seconds <= endSeconds + 5;
}

/** A sentence that supports an option. */
interface Support {
  readonly option: Option;
  readonly sentence: Sentence;
  /** Cover of the question times the share of the option's own words, 0 to 1. */
  readonly strength: number;
}

function choose(
  question: Question,
  asked: ReadonlyMap<string, Asked>,
  sentences: readonly Sentence[],
  words: WordSpace,
): Reading {
  if (negation.test(question.text)) return abstain("A negated question needs a reader with a model.");
  const own = new Map(
    question.options.map((option) => [option, words.stems(option.text).filter((stem) => !asked.has(stem))]),
  );
  const supports: Support[] = [];
  let nearest = 0;
  for (const sentence of sentences) {
    const cover = coverOf(sentence, asked);
    nearest = Math.max(nearest, cover);
    if (cover >= leastCover && !sentence.negated) supports.push(...supportsOf(sentence, cover, own));
  }
  const prefers = asked.has("first") ? (a: Support, b: Support) => isLater(b, a) : isLater;
  const best = strongestByOption(supports, prefers);
  const [first] = best;
  if (first === undefined) {
    return nearest >= leastCover
      ? abstain("Memory speaks of this, but of none of the options.")
      : abstain(whatIsMissing(asked, sentences));
  }
  const rivals = best.filter(({ strength }) => strength * margin >= first.strength);
  const { option, sentence } = rivals.reduce((a, b) => (prefers(b, a) ? b : a));
  if (rivals.some((rival) => rival.option !== option && rival.sentence === sentence)) {
    return abstain("One memory speaks for more than one option.");
  }
  return {
    answer: option.text,
    option: option.letter,
    abstained: false,
    cited: [sentence.entry.id],
    cost: noCost,
  };
}

/** Options a sentence supports. An option whose words are all part of a longer matching option gets no support. */
function supportsOf(
  sentence: Sentence,
  cover: number,
  own: ReadonlyMap<Option, readonly string[]>,
): Support[] {
  const held = [...own].map(([option, stems]) => ({ option, stems, share: ownShare(sentence, stems) }));
  return held
    .filter(({ share }) => share >= leastOwn)
    .filter(({ stems, share }) =>
      held.every(
        (other) =>
          other.share < share ||
          other.stems.length <= stems.length ||
          !stems.every((stem) => other.stems.includes(stem)),
      ),
    )
    .map(({ option, share }) => ({ option, sentence, strength: cover * share }));
}

/** Share of an option's own words that a sentence holds; its numbers must appear whole and in one piece. */
function ownShare({ stems, holds }: Sentence, own: readonly string[]): number {
  if (own.length === 0) return 0;
  const numbers = own.filter((stem) => /^\d/.test(stem)).join(" ");
  if (numbers !== "" && !` ${stems.join(" ")} `.includes(` ${numbers} `)) return 0;
  return own.filter((stem) => holds.has(stem)).length / own.length;
}

/** The sentence with the best support for each option, strongest first; `prefers` decides between equals. */
function strongestByOption(
  supports: readonly Support[],
  prefers: (a: Support, b: Support) => boolean,
): Support[] {
  const strongest = new Map<Option, Support>();
  for (const support of supports) {
    const known = strongest.get(support.option);
    const wins = known === undefined || support.strength > known.strength;
    if (wins || (support.strength === known.strength && prefers(support, known))) {
      strongest.set(support.option, support);
    }
  }
  return [...strongest.values()].sort((a, b) => b.strength - a.strength);
}

/** Whether the first of two statements is later: by stream time within a stream, by writing time between streams. */
function isLater({ sentence: a }: { sentence: Sentence }, { sentence: b }: { sentence: Sentence }): boolean {
  if (a.entry === b.entry) return a.place > b.place;
  if (a.entry.stream !== b.entry.stream) return a.entry.writtenAtMs > b.entry.writtenAtMs;
  return a.entry.startSeconds > b.entry.startSeconds;
}

/** Answers a free-form question with the sentences that cover it best. */
function quote(
  question: Question,
  asked: ReadonlyMap<string, Asked>,
  sentences: readonly Sentence[],
  words: WordSpace,
): Reading {
  const wantsNumber = /\b(when|what time|how (many|much|old|long))\b/i.test(question.text);
  const hits = sentences
    .map((sentence) => ({
      sentence,
      cover: coverOf(sentence, asked),
      news: newsOf(sentence, asked, wantsNumber),
    }))
    .filter(({ cover, news }) => cover >= leastCover && news > 0)
    .sort((a, b) => b.cover * b.news - a.cover * a.news || (isLater(a, b) ? -1 : 1));
  const [first] = hits;
  if (first === undefined) return abstain(whatIsMissing(asked, sentences));
  const quoted = new Map<string, Sentence>();
  for (const { sentence, cover, news } of hits) {
    const key = words.stems(sentence.text).join(" ");
    if (cover * news * margin >= first.cover * first.news && quoted.size < mostQuoted && !quoted.has(key)) {
      quoted.set(key, sentence);
    }
  }
  const texts = [...quoted.values()].map(({ text }) => text);
  const cited = [...new Set([...quoted.values()].map(({ entry }) => entry.id))];
  return { answer: texts.join("\n"), option: null, abstained: false, cited, cost: noCost };
}

/** How much a sentence adds to the question: nothing added is no answer; a number where one is wanted is best. */
function newsOf({ stems, text }: Sentence, asked: ReadonlyMap<string, Asked>, wantsNumber: boolean): number {
  if (/\?["'”’)]*$/.test(text)) return 0.5; // a question seldom answers one
  if (wantsNumber && stems.some((stem) => /^\d/.test(stem))) return 1.25;
  return stems.some((stem) => !asked.has(stem)) ? 1 : 0.75;
}

function whatIsMissing(asked: ReadonlyMap<string, Asked>, sentences: readonly Sentence[]): string {
  const missing = [...asked.values()].filter(
    ({ stem, weight }) => weight === 1 && !sentences.some(({ holds }) => holds.has(stem)),
  );
  if (missing.length === 0) {
    const isHeld = ({ stem }: Asked) => sentences.some(({ holds }) => holds.has(stem));
    return [...asked.values()].every(isHeld)
      ? "Memory holds these words, but no statement that brings them together."
      : "Memory holds no statement that answers this.";
  }
  return `Memory holds nothing about ${missing.map(({ word }) => `"${word}"`).join(", ")}.`;
}

function abstain(missing: string): Reading {
  return { answer: missing, option: null, abstained: true, cited: [], cost: noCost };
}
