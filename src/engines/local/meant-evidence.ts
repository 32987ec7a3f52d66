/**
 * Evidence by meaning, for the reader without a model: what recall compared by an encoder of sentences.
 *
 * Where no sentence holds the words of a question, it is answered by
 * 1. the entry that is nearest in meaning and in words, if it leads clearly over what was said at other times;
 * 2. what was said in reply to a question like this one;
 * 3. what was said at the moment that is nearest, if the sentence that is nearest alone was said then, too;
 * 4. that sentence, if it leads far.
 * Names, numbers, kinds of answers and denials are asked for as everywhere else.
 */
import { wantedBy, wantedInAny } from "../../answer/words/question-words.ts";
import { isFact } from "../../memory/facts.ts";
import type { Entry, RecalledEntry } from "../../memory/memory.ts";
import { type Asked, isSubjectWord } from "./asked-question.ts";
import type { Compared } from "./compared-alone.ts";
import { agrees, coverOf, isAbout, isKindAsked, isNumbered, tellsMoment } from "./evidence.ts";
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

/** The sentences that answer by meaning, in time order; none where none does clearly, or nothing was compared by meaning. */
export async function meantSentences(
  asked: Asked,
  sentences: readonly Sentence[],
  recalled: readonly RecalledEntry[],
  alone: () => Promise<readonly Compared[]>,
): Promise<readonly Sentence[]> {
  const one = nearestSentence(asked, sentences, recalled) ?? replyTo(asked, sentences, recalled);
  if (one) return [one];
  const compared = await alone();
  const [nearest] = compared;
  const { quoted, isApart } = sentencesOfMoment(asked, sentences, recalled);
  // What is around a line brings it near: the moment holds what is nearest alone, too.
  if (quoted.length > 0 && !(nearest && isApart(nearest.sentence))) return quoted;
  const found = sentenceAlone(asked, compared);
  return found ? [found] : [];
}

/**
 * Least cosine of a moment and its lead over others: where it holds a word of the question; and where it holds none, which
 * is never enough for an amount, because other things are weighed and counted in the same words.
 */
const leastMoment = { told: { meaning: 0.38, lead: 0.03 }, untold: { meaning: 0.41, lead: 0.05 } } as const;
const amounts: ReadonlySet<Asked["wanted"]> = new Set(["number", "colour", "moment"]);
/** Sentences of a moment that are quoted. */
export const mostOfMoment = 3;

/**
 * What was said at the moment that is nearest by meaning: an answer seldom repeats what is asked, but stands beside words
 * that do. The moment must lead over all others at which the people of the question speak or are spoken of, and its
 * sentences must hold every number and name of the question, and the kind of answer that is asked for. The line that is
 * nearest must be among those that answer, unless it is a question or says nothing new.
 */
function sentencesOfMoment(
  asked: Asked,
  sentences: readonly Sentence[],
  recalled: readonly RecalledEntry[],
): { readonly quoted: readonly Sentence[]; readonly isApart: (one: Sentence) => boolean } {
  const none = { quoted: [], isApart: () => true };
  const meanings = new Map(recalled.map((one) => [one.entry, meaningOf(one)]));
  const own = sentences.filter(
    ({ entry, holds, speakers }) =>
      meanings.get(entry)! > 0 && asked.names.every(({ forms }) => has(holds, forms) || has(speakers, forms)),
  );
  const near = ({ entry }: Sentence) => meanings.get(entry)!;
  const [first] = own.toSorted((a, b) => near(b) - near(a));
  // Words of another language tell nothing of it: `across-languages.ts`.
  const isRead = ({ entry, language }: Sentence) => entry === first?.entry && language === asked.language;
  if (!first || !sentences.some(isRead)) return none;
  const isApart = apartFrom(
    first.entry,
    own.map(({ entry }) => entry),
  );
  const rival = Math.max(0, ...own.filter(isApart).map(near));
  const around = sentences.filter((one) => !isApart(one));
  const isHeld = (forms: readonly string[]) => around.some(({ holds }) => has(holds, forms));
  if (asked.terms.some(({ required, forms }) => required && !isHeld(forms))) return none;
  const isTold =
    asked.language === "en" && !isFact(first.entry)
      ? around.some((one) => isTelling(one, asked))
      : isMostlyTold(asked, isHeld);
  const isAmount = asksAmount(asked);
  if (!isTold && (isAmount || isFact(first.entry) || !areSpeaking(asked, first))) return none;
  const least = isTold ? leastMoment.told : leastMoment.untold;
  if (near(first) < least.meaning || near(first) - rival < least.lead) return none;
  const quoted = own
    .filter((one) => !isApart(one) && mayTell(one, asked))
    .sort((a, b) => near(b) - near(a))
    .slice(0, mostOfMoment)
    .sort((a, b) => a.entry.startSeconds - b.entry.startSeconds || a.place - b.place);
  // An amount is seldom in the line that is nearest.
  const isFirst = ({ entry }: Sentence) => entry === first.entry;
  const saysMore = sentences.some((one) => isFirst(one) && !one.isQuestion && isAdding(one, asked));
  return isAmount || !saysMore || quoted.some(isFirst) ? { quoted, isApart } : none;
}

export const wantedOf = ({ language, wanted, text }: Asked) =>
  language === "en" ? wanted : wantedInAny(text);
const asksAmount = (asked: Asked) =>
  amounts.has(wantedOf(asked)) || (asked.language !== "en" && asked.wantsMoment);

/** Whether a sentence that is near by meaning could answer: of the people asked for, of the kind, and more than is asked. */
function mayTell(one: Sentence, asked: Asked, isFar = false): boolean {
  const wanted = wantedOf(asked);
  return (
    !one.isQuestion &&
    agrees(one, asked) &&
    asked.names.every((name) => isAbout(name, one, asked, 1)) &&
    isKindAsked(one, asked) &&
    isAdding(one, asked) &&
    tellsSomebody(one, asked) &&
    (asked.wanted !== "moment" || tellsMoment(one, asked)) &&
    (asked.wanted !== "reason" || tellsReason.test(one.text)) &&
    (!amounts.has(wanted) ||
      ((isTelling(one, asked) || (isFar && wanted === "moment")) && !isOfOthers(one, asked))) &&
    (wanted !== "number" || holdsNumber(one, asked))
  );
}

/** Least share of a sentence that answers alone, and its lead over sentences of other times. */
const leastAlone = 0.22;
const leastAloneLead = 0.2;
/** The same where a sentence tells a time and none of the question's words. */
const leastFar = 0.35;
const leastFarLead = 0.25;

/** The sentence that answers alone, because it is far nearer than what was said at other times; `null` where none is. */
export function sentenceAlone(asked: Asked, compared: readonly Compared[]): Sentence | null {
  const [first] = compared;
  if (!first || first.share < leastAlone) return null;
  const { sentence, share } = first;
  const isApart = apartFrom(
    sentence.entry,
    compared.map((one) => one.sentence.entry),
  );
  const rival = Math.max(0, ...compared.filter((one) => isApart(one.sentence)).map((one) => one.share));
  const isWhole = asked.terms.every(({ required, forms }) => !required || has(sentence.holds, forms));
  // An amount beside every name of the question is its own.
  const isNamed = wantedOf(asked) === "number" && asked.terms.some(({ required }) => required);
  const isClear = isNamed || share - rival >= leastAloneLead;
  const isFar = share >= leastFar && share - rival >= leastFarLead;
  const isOwn =
    sentence.language === asked.language && (!asked.wantsMoment || isTelling(sentence, asked) || isFar);
  return isClear && isOwn && isWhole && isMuchTold(sentence, asked) && mayTell(sentence, asked, isFar)
    ? sentence
    : null;
}

/** Whether a sentence names others than the question does, and not all that it does: an amount in it is theirs. */
const isOfOthers = ({ tokens, holds }: Sentence, { terms, held }: Asked): boolean =>
  terms.some(({ required, forms }) => required && !has(holds, forms)) &&
  tokens.some(({ isCapital, forms }, at) => isCapital && at > 0 && forms.length > 0 && !has(held, forms));

/** What tells a reason where the words of the question do not: "to" and "as" tell one beside them alone. */
const tellsReason = /\b(?:because|since|so|due|cause[sd]?|reason|therefore|otherwise|too)\b/i;

/** Verbs that tell nothing of what is done. */
const lightVerbs =
  /^(?:get|got|give|gave|given|go|went|gone|come|came|make|made|take|took|taken|have|had)s?$/i;

/** Words of a question that tell what it is about. */
const tellingTerms = ({ terms }: Asked) =>
  terms.filter((term) => isSubjectWord(term) && !lightVerbs.test(term.word));

/** Whether a sentence holds a word of the question that tells what it is about; a name alone does not where others do. */
function isTelling(one: Sentence, asked: Asked): boolean {
  const telling = tellingTerms(asked);
  const others = telling.filter(({ required }) => !required);
  return (
    isNumbered(one, asked) ||
    (others.length > 0 ? others : telling).some(({ forms }) => has(one.holds, forms))
  );
}

/** Whether those whom a question names say a sentence: where it names them, it is near to the question by the name alone. */
const areSpeaking = ({ names }: Asked, { speakers }: Sentence): boolean =>
  names.every(({ forms }) => has(speakers, forms));

/**
 * Whether most words that tell what a question is about are held. One is too little where verbs are not told from nouns,
 * and in a fact, which is no talk: what it is about stands in it.
 */
function isMostlyTold(asked: Asked, isHeld: (forms: readonly string[]) => boolean): boolean {
  const telling = tellingTerms(asked);
  return telling.filter(({ forms }) => isHeld(forms)).length > telling.length / 2;
}

/** The same of one sentence, where it is asked for. */
const isMuchTold = ({ entry, holds }: Sentence, asked: Asked): boolean =>
  (asked.language === "en" && !isFact(entry)) || isMostlyTold(asked, (forms) => has(holds, forms));

/**
 * What was said at another moment than an entry. Facts, and notes of no speaker that were told at once, are no talk: each
 * is a moment.
 */
function apartFrom(of: Entry, entries: readonly Entry[]): (other: { readonly entry: Entry }) => boolean {
  const { id, stream, startSeconds, speakers } = of;
  const isElsewhere = (other: Entry) =>
    other.stream !== stream || Math.abs(other.startSeconds - startSeconds) > talkSeconds;
  const isTalk = !isFact(of) && (speakers.length > 0 || entries.some(isElsewhere));
  return isTalk ? ({ entry }) => isElsewhere(entry) : ({ entry }) => entry.id !== id;
}

/** Whether a sentence tells a number that the question does not, in digits or in words of any script. */
export const holdsNumber = ({ tokens, body, language }: Sentence, { held }: Asked): boolean =>
  tokens.some((token) => isNumeric(token) && !has(held, token.forms)) ||
  (language === "zh" && /[一二三四五六七八九十百千两]/u.test(body));

/** Whether a sentence tells of somebody whom the question does not name, where somebody is asked for. */
const tellsSomebody = ({ references, speakers }: Sentence, { wanted, held }: Asked): boolean =>
  wanted !== "person" ||
  speakers.size > 0 ||
  references.some((one) => one.who !== "named" || !has(held, one.forms));

/** Whether a sentence says more than the question. */
export const isAdding = ({ tokens }: Sentence, { held }: Asked): boolean =>
  tokens.some((token) => isNumeric(token) || (token.forms.length > 0 && !has(held, token.forms)));

/** Cosine of a question and an entry by meaning; 0 where no encoder compared them. */
export const meaningOf = ({ score: { vector } }: RecalledEntry): number =>
  vector?.byMeaning ? vector.score : 0;

/** Where the last of many lines is this near, an encoder puts everything near, and far lines are at `farMeant` elsewhere. */
const crowded = 0.5;
const farMeant = 0.2;
/** How much wider cosines lie apart elsewhere. */
const stretch = 6;
const fewestCompared = 15;

/**
 * Recalled entries with their cosines on one scale: some encoders (e5) put unrelated lines at 0.8 and not near 0, so
 * cosines are stretched until the last of many lines, and how far others are from it, is as with encoders that do not.
 */
export function onOneScale(recalled: readonly RecalledEntry[]): readonly RecalledEntry[] {
  const meanings = recalled.map(meaningOf).filter((meaning) => meaning > 0);
  const last = Math.min(...meanings);
  if (meanings.length < fewestCompared || last < crowded) return recalled;
  return recalled.map((one) => {
    const { vector } = one.score;
    if (!vector?.byMeaning) return one;
    return {
      ...one,
      score: {
        ...one.score,
        vector: { ...vector, score: Math.min(1, farMeant + stretch * (vector.score - last)) },
      },
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
  const isApart = apartFrom(
    first.entry,
    others.map(({ entry }) => entry),
  );
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
  if (sentence.isQuestion || !agrees(sentence, asked)) return false;
  const { holds, context } = sentence;
  const isWhole = asked.terms.every(
    ({ required, forms }) => !required || has(holds, forms) || has(context, forms),
  );
  // A word of the question must be there; where it names who says it and what kind is asked for, the name is enough.
  const isTold =
    (asked.names.length > 0 && asked.wanted !== "thing" && areSpeaking(asked, sentence)) ||
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
    isMuchTold(sentence, asked) &&
    isAdding &&
    tellsSomebody(sentence, asked) &&
    asked.names.every((name) => isAbout(name, sentence, asked, 1)) &&
    isKindAsked(sentence, asked)
  );
}

/** Whether a remembered question asks for what is asked now: "Why …?" is no "What …?", "Are there …?" may be "How many …?". */
function asksAlike(question: string, { wanted }: Asked): boolean {
  const own = wantedBy(question);
  return (own === "statement" && wanted === "number") || wanted === "statement" || own === wanted;
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
 * @param leastShare least cosine, as a share of the sentence's own @default any
 */
export function saidAfter(
  { entry, place }: Sentence,
  asked: Asked,
  sentences: readonly Sentence[],
  recalled: readonly RecalledEntry[],
  leastShare = 0,
): Sentence | null {
  const meanings = new Map(recalled.map((one) => [one.entry, meaningOf(one)]));
  const near = (one: Sentence) => meanings.get(one.entry) ?? 0;
  const least = leastShare * (meanings.get(entry) ?? 0);
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
    .filter(
      (one) => isAfter(one) && near(one) > 0 && near(one) >= least && !one.isQuestion && agrees(one, asked),
    )
    .filter((one) => isAdding(one) && isKindAsked(one, asked))
    .sort((a, b) => fit(b) - fit(a));
  return found[0] ?? null;
}
