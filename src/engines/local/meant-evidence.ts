/**
 * Evidence by meaning, for the reader without a model: what recall compared by an encoder of sentences.
 *
 * Where no sentence holds the words of a question, it is answered by
 * 1. the entry that is nearest in meaning and in words, if it leads clearly over what was said at other times;
 * 2. what was said in reply to a question like this one.
 * Names, numbers, kinds of answers and denials are asked for as everywhere else.
 */
import { wantedBy } from "../../answer/words/question-words.ts";
import type { RecalledEntry } from "../../memory/memory.ts";
import type { Asked } from "./asked-question.ts";
import { coverOf, isAbout, isKindAsked } from "./evidence.ts";
import { has, isNumeric, type Sentence, talkSeconds } from "./sentences.ts";

/** Least cosine of an answer, and its lead over entries of other times. */
const leastMeant = 0.5;
const leastLead = 0.1;
/** The same for an answer that holds a name or number of the question, and what kind it asks for. */
const leastNamed = 0.4;
/** Least cosine of a question like the one that is asked, and the share of words it holds. */
const leastAsked = 0.4;
const leastAskedCover = 0.5;
/** How soon a reply follows, in seconds. */
const replySeconds = 10;
/** A second later, a reply must be nearer by this cosine. */
const latenessWeight = 0.04;
/** Only entries this near by meaning are looked at. */
const mostRank = 3;

/** The sentence that answers by meaning; `null` where none does clearly, or nothing was compared by meaning. */
export function meantSentence(
  asked: Asked,
  sentences: readonly Sentence[],
  recalled: readonly RecalledEntry[],
): Sentence | null {
  return nearestSentence(asked, sentences, recalled) ?? replyTo(asked, sentences, recalled);
}

/** Cosine of a question and an entry by meaning; 0 where no encoder compared them. */
export const meaningOf = ({ score: { vector } }: RecalledEntry): number =>
  vector?.byMeaning ? vector.score : 0;

/** Where the last of many lines is this near, an encoder puts everything near, and far lines are at `farMeant` elsewhere. */
const crowded = 0.5;
const farMeant = 0.3;
const fewestCompared = 15;

/**
 * Recalled entries with their cosines on one scale: some encoders (e5) put unrelated lines at 0.8 and not near 0, so
 * cosines are stretched until the last of many lines is where it is with others.
 */
export function onOneScale(recalled: readonly RecalledEntry[]): readonly RecalledEntry[] {
  const meanings = recalled.map(meaningOf).filter((meaning) => meaning > 0);
  const last = Math.min(...meanings);
  if (meanings.length < fewestCompared || last < crowded) return recalled;
  const floor = (last - farMeant) / (1 - farMeant);
  return recalled.map((one) => {
    const { vector } = one.score;
    if (!vector?.byMeaning) return one;
    return {
      ...one,
      score: { ...one.score, vector: { ...vector, score: (vector.score - floor) / (1 - floor) } },
    };
  });
}

function nearestSentence(
  asked: Asked,
  sentences: readonly Sentence[],
  recalled: readonly RecalledEntry[],
): Sentence | null {
  const [first, ...others] = recalled;
  const meaning = first && meaningOf(first);
  if (!first || !meaning || first.score.vector!.rank > 2) return null;
  if ((first.score.fullText?.rank ?? mostRank + 1) > mostRank) return null;
  const { stream, startSeconds } = first.entry;
  const isApart = ({ entry }: RecalledEntry) =>
    entry.stream !== stream || Math.abs(entry.startSeconds - startSeconds) > talkSeconds;
  const rival = Math.max(0, ...others.filter(isApart).map(meaningOf));
  const fitting = sentences.filter(
    (sentence) => sentence.entry === first.entry && isFitting(sentence, asked),
  );
  const isClear = meaning >= leastMeant && meaning - rival >= leastLead;
  const required = asked.terms.filter((term) => term.required);
  const isNamed = required.length > 0 && asked.wanted === "number" && meaning >= leastNamed;
  return (isClear || isNamed ? fitting[0] : null) ?? null;
}

/** Whether a sentence could answer: of the people and names asked for, and of the kind. */
function isFitting(sentence: Sentence, asked: Asked): boolean {
  if (sentence.isQuestion || sentence.negated !== asked.negated) return false;
  const { holds, context } = sentence;
  const isWhole = asked.terms.every(
    ({ required, forms }) => !required || has(holds, forms) || has(context, forms),
  );
  // A word of the question must be there; where it names who says it and what kind is asked for, the name is enough.
  const isTold =
    (asked.names.length > 0 && asked.wanted !== "thing") ||
    asked.terms.some(({ weight, forms }) => weight === 1 && has(sentence.holds, forms));
  // A question of many words is not answered by some of them.
  const isAdding =
    asked.wanted !== "thing" ||
    sentence.tokens.some(
      (token) => isNumeric(token) || (token.forms.length > 0 && !has(asked.held, token.forms)),
    );
  return (
    isWhole &&
    isTold &&
    isAdding &&
    asked.names.every((name) => isAbout(name, sentence, asked, 1)) &&
    isKindAsked(sentence, asked)
  );
}

/** Whether a remembered question asks for what is asked now: "Why …?" is no "What …?", "Are there …?" may be "How many …?". */
function asksAlike(question: string, { wanted }: Asked): boolean {
  const own = wantedBy(question);
  return own === "statement" || wanted === "statement" || own === wanted;
}

/** What another person said in reply to a question like this one. */
export function replyTo(
  asked: Asked,
  sentences: readonly Sentence[],
  recalled: readonly RecalledEntry[],
): Sentence | null {
  for (const one of recalled) {
    const { entry, score } = one;
    if (meaningOf(one) < leastAsked || score.vector!.rank > mostRank) continue;
    const question = sentences.find(
      (sentence) =>
        sentence.entry === entry &&
        sentence.isQuestion &&
        asksAlike(sentence.text, asked) &&
        coverOf(sentence, asked) >= leastAskedCover,
    );
    const isOther = ({ entry: reply }: Sentence) =>
      reply.speakers.length > 0 && reply.speakers.every((name) => !entry.speakers.includes(name));
    const reply = question && saidAfter(question, asked, sentences.filter(isOther), recalled);
    if (reply) return reply;
  }
  return null;
}

/**
 * What was said soon after a sentence that only repeats what is asked, and adds to it: the nearest by meaning and in time.
 * `null` where nothing was, or nothing was compared by meaning.
 */
export function saidAfter(
  { entry, place }: Sentence,
  asked: Asked,
  sentences: readonly Sentence[],
  recalled: readonly RecalledEntry[],
): Sentence | null {
  const meanings = new Map(recalled.map((one) => [one.entry, meaningOf(one)]));
  const near = (one: Sentence) => meanings.get(one.entry) ?? 0;
  const fit = (one: Sentence) => near(one) - latenessWeight * (one.entry.startSeconds - entry.startSeconds);
  const isAfter = (one: Sentence) =>
    one.entry === entry
      ? one.place > place
      : one.entry.stream === entry.stream &&
        one.entry.startSeconds >= entry.startSeconds &&
        one.entry.startSeconds - entry.startSeconds <= replySeconds;
  const isAdding = ({ tokens }: Sentence) =>
    tokens.some(({ forms }) => forms.length > 0 && !has(asked.held, forms));
  const found = sentences
    .filter((one) => isAfter(one) && near(one) > 0 && !one.isQuestion && one.negated === asked.negated)
    .filter((one) => isAdding(one) && isKindAsked(one, asked))
    .sort((a, b) => fit(b) - fit(a));
  return found[0] ?? null;
}
