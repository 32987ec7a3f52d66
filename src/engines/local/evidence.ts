/** Whether a sentence is evidence for a question: about the same people and things, and of the kind that is asked for. */

import type { Reading } from "../../answer/reader.ts";
import { measured } from "../../answer/words/forms.ts";
import {
  asksNumber,
  hasWanted,
  movedHome,
  movedOneself,
  toldMove,
  updating,
} from "../../answer/words/question-words.ts";
import type { Token } from "../../answer/words/tokens.ts";
import { noCost } from "../../engine.ts";
import type { Entry } from "../../memory/memory.ts";
import { type Asked, type AskedName, homeForm, isSubjectWord } from "./asked-question.ts";
import { has, isNumeric, type Reference, type Sentence } from "./sentences.ts";

/** Whether a sentence is about a person of the question. */
export function isAbout(name: AskedName, sentence: Sentence, asked: Asked, matched: number): boolean {
  const { speakers, references, holds, context } = sentence;
  const spoke = has(speakers, name.forms);
  // A name of two words is one person.
  const isSayer =
    name.isSubject || asked.names.length === 1 || asked.names.every(({ forms }) => has(speakers, forms));
  if (asked.ofSaying && !isSayer) return has(holds, name.forms);
  if (asked.ofSaying && spoke) return true;
  const meant = (reference: Reference | undefined) =>
    reference !== undefined &&
    ((reference.who === "named" && name.forms.some((form) => reference.forms.includes(form))) ||
      (reference.who === "speaker" && spoke));
  if (!references.some(meant)) {
    if (!name.isSubject && (has(holds, name.forms) || has(context, name.forms))) return true;
    // "The parcel arrives tomorrow.", said by who owns one.
    return (
      spoke &&
      (isElliptical(sentence) ||
        (name.isOwner &&
          ofThing.test(sentence.body) &&
          references.every(({ who, at }) => who === "named" && at === 0)))
    );
  }
  if (!name.isSubject) return true;
  const people = references.filter((reference) => meant(reference) || !isOpening(reference, sentence, asked));
  const nearest = people.findLast(({ at }) => at < matched) ?? people.find(({ at }) => at >= matched);
  return meant(nearest);
}

const ofThing = /^(?:(?:and|but|so|oh|well|yes|no|now|then)[\s,]+)*the [\p{L}-]+(?![\p{L}'’-])/iu;

/** Whether a word has its capital from the beginning of a sentence alone: "Dressed in red is Bob." */
function isOpening(reference: Reference, { tokens }: Sentence, { terms }: Asked): boolean {
  if (reference.who !== "named" || reference.at > 0) return false;
  const isAsked = terms.some(({ forms }) => has(new Set(reference.forms), forms));
  return isAsked || /(?:ed|ing)$/.test(tokens[0]!.folded);
}

/** Whether a sentence leaves out "I": "Bought a lamp.", "So tired today." */
function isElliptical({ tokens, references }: Sentence): boolean {
  const [first] = tokens;
  if (!first) return false;
  // "Visited Bob.", but not "Dressed in red is Bob.", which has a subject of its own.
  const hasSubject = references.some(({ who, at }) => who === "named" && at > 1);
  const isVerb =
    (/(?:ed|ing)$/.test(first.folded) && !hasSubject) ||
    /^(?:bought|went|saw|ate|made|had|got|took|left|lost|found|met|sold|gave|forgot|put)$/.test(first.folded);
  if (isVerb) return true;
  if (references.some(({ who, at }) => who === "other" || (who === "named" && at > 0))) return false;
  return /^(?:so|too|just|still|not|very|really|also|already|gonna|never|always)$/.test(first.folded);
}

/**
 * Share of the question's weight that a sentence covers; 0 where it is about something or somebody else. What must be
 * there counts only where nothing else is asked about.
 */
export function coverOf(sentence: Sentence, asked: Asked): number {
  const { holds, context, entry, tokens } = sentence;
  const onlyRequired = asked.terms.every(({ required, weight }) => required || weight < 1);
  let [covered, all, told] = [0, 0, 0];
  for (const { forms, weight, required, atSeconds, measures, isHome } of asked.terms) {
    const isUnit = measures !== null && tokens.some((token) => token.measures === measures);
    const isMoved = isHome && (holds.has(homeForm) || movedHome.test(sentence.text));
    // "I moved my desk" tells of no other home.
    const isOther = isHome && asked.which === "changes" && asked.names.length > 0;
    const isSaid = has(holds, forms) && !(isOther && !movedOneself.test(sentence.text));
    const isHeld = isSaid || isUnit || isMoved || (atSeconds !== null && wasAt(entry, atSeconds));
    const share = isHeld ? 1 : has(context, forms) ? 0.9 : 0;
    if (required && share === 0) return 0;
    if (weight === 1 || isUnit) told += share;
    if (required && !onlyRequired) continue;
    all += weight;
    covered += weight * share;
  }
  const isKnown = asked.terms.length > 0;
  if (isKnown && told === 0) return 0;
  const matched = tokens.findIndex((token) =>
    asked.terms.some(
      ({ forms, weight, isHome }) =>
        weight === 1 && (has(new Set(token.forms), forms) || (isHome && /^(?:mov|liv)/.test(token.folded))),
    ),
  );
  // Without another word, the question is about whom the sentence begins with.
  const at = matched < 0 ? 1 : matched;
  if (!asked.names.every((name) => isAbout(name, sentence, asked, at))) return 0;
  if (isKnown) return covered / all;
  // "What does Bob say about Alice?"
  if (asked.ofSaying && asked.names.length > 1 && asked.names.some(({ forms }) => has(holds, forms)))
    return 1;
  return isPredicated(sentence, asked) ? 1 : 0;
}

/** A thing of the question that the answer may deny: "instead of a pencil". */
const exceptOne = /\b(?:instead of|rather than|apart from|besides|other than|except)\b/i;

/** Asks for more than what is known, says that there is more, and comes before what it is: "not just a boat, but …". */
const asksOther = /\b(?:else|other|another|also|besides|apart from)\b/i;
const isMore = /\bnot (?:just|only|merely|simply)\b/i;
const tellsMore = /\b(?:but|also)\b|[,;:–—]/i;

/** Whether it is asked what else there is, and a sentence says that there is more, and not what: "It is not just a boat." */
export function keepsOther({ body }: Sentence, { text }: Asked): boolean {
  const said = isMore.exec(body);
  return said !== null && asksOther.test(text) && !tellsMore.test(body.slice(said.index));
}

/** Whether a sentence denies exactly if the question does. Why something is not so is told without denying it. */
export const agrees = (sentence: Sentence, asked: Asked): boolean =>
  !keepsOther(sentence, asked) &&
  (sentence.negated === asked.negated ||
    asked.deniesBeside ||
    (asked.wanted === "reason" && asked.negated) ||
    exceptOne.test(asked.text));

/** Whether an entry is about a moment, give or take 5 s. */
function wasAt({ startSeconds, endSeconds }: Entry, seconds: number): boolean {
  return seconds >= startSeconds - 5 && seconds <= endSeconds + 5;
}

const isSomewhere =
  /(?:\b(?:is|am|are|was|were|went|goes|go|gone|going|came|comes|moved|lives?|stays?|stayed|sits?|sitting|stands?|arrived|works?|currently)\b|['’](?:m|s|re)\b)(?: \p{L}+)? (?:in|at|on|to|into|near|by|home|here|inside|outside|upstairs|downstairs|under|behind|beside)\b/iu;
const isSomebody = /(?:\b(?:is|am|was)\b|['’](?:m|s)\b) (?:an?|the|my|our|his|her|their)\b/i;
const isFromSomewhere =
  /(?:\b(?:is|am|are|was|were|comes?|came|coming|hails?|moved)\b|['’](?:m|s|re)\b)(?: \p{L}+)? from\b|\b(?:hometown|born|native)\b/iu;

/** Whether a sentence tells where or when something is, or that it became another: values that moves change. */
export const tellsMove = ({ text, tokens }: Sentence): boolean =>
  hasWanted(text, "place") || updating.test(text) || toldMove.test(text) || tokens.some(isNumeric);

/** Whether a sentence says of a person what a question without another word asks: where, who, or from where. */
function isPredicated({ text, tokens, references }: Sentence, { wanted, text: asked }: Asked): boolean {
  if (references.length === 0 || tokens.length < 3) return false;
  if (/\bfrom\b/i.test(asked)) return isFromSomewhere.test(text);
  if (wanted === "place") return isSomewhere.test(text);
  return wanted === "person" && /\bwho(?:['’]s| is| was)\b/i.test(asked) && isSomebody.test(text);
}

/** What asks for a name. */
const asksName =
  /^\s*(?:what|which)\s+(?:is|are|was|were|did|do|does|will|would|should|shall|name)\b.*\b(?:(?:call|name)(?!.*\b(?:about|for)\s*\?*$)|called|named|name)\b/iu;
const tellsName = /\b(?:call(?:s|ed)?|nam(?:e|es|ed))\b/i;

/** Whether a sentence may tell a name: with a capital, or said by itself, or as one. */
const mayTellName = ({ tokens, language, text }: Sentence, { held }: Asked): boolean =>
  language !== "en" ||
  tokens.length <= 2 ||
  tellsName.test(text) ||
  tokens.some(({ isCapital, forms }, at) => isCapital && at > 0 && forms.length > 0 && !has(held, forms));

const ofPart = /\bthe (\p{L}+) of (?:(?:the|an?|this|that|my|your|his|her|our|their) )?(\p{L}+)/iu;

/** Whether a sentence names the thing that a question asks of a part, and not the part: "the peel of the mango". */
function isOfWhole({ holds }: Sentence, { text, terms }: Asked): boolean {
  const [, part, whole] = ofPart.exec(text) ?? [];
  const find = (word: string | undefined) => terms.find((term) => term.word === word);
  const [own, of] = [find(part), find(whole)];
  if (!own || !of || own.isAsking || own.measures !== null) return false;
  return has(holds, of.forms) && !has(holds, own.forms);
}

const asksKind = /\b(?:what|which) (?:\p{L}+ )?(?:kind|sort|type|brand|make|breed|flavou?r)s? of (\p{L}+)/iu;

/** Whether a sentence may tell the kind of a thing: one that names the thing says more of it than "that bread". */
function tellsKind({ tokens, holds }: Sentence, { text, terms }: Asked): boolean {
  const thing = asksKind.exec(text)?.[1]?.toLowerCase();
  const term = terms.find(({ word }) => word.toLowerCase() === thing);
  if (!term || !has(holds, term.forms)) return true;
  return tokens.some(({ forms }, at) => {
    const [before, after] = [tokens[at - 1], tokens[at + 1]];
    const isDescribed =
      (before && isDescribing(before)) ||
      (after && /^(?:is|are|was|were|with|called|named|from|made|of)$/.test(after.folded));
    return has(new Set(forms), term.forms) && isDescribed;
  });
}

const countingWords = /^(?:much|many|more|some|any|enough|lot|lots|little|few|own|new|whole|other)$/;
/** Whether a word tells of the one behind it which one it is. */
const isDescribing = ({ forms, folded }: Token) => forms.length > 0 && !countingWords.test(folded);

/** A thing or person that is not named: "Something similar." */
const anything =
  /^(?:(?:it|that)['’]s )?(?:just )?some(?:thing|one|body|where) (?:similar|else|different|of (?:that|the) (?:kind|sort)|like (?:that|this|it))[.!…]*$/i;

/** Whether a sentence holds the kind of answer that is asked for. */
export function isKindAsked(sentence: Sentence, asked: Asked): boolean {
  const isNew = ({ forms }: Token) => forms.length > 0 && !has(asked.held, forms);
  if (isOffered(sentence, asked)) return true;
  if (asked.wanted !== "statement" && anything.test(sentence.body)) return false;
  switch (asked.wanted) {
    case "number":
      if (isOfWhole(sentence, asked)) return false;
      return sentence.tokens.some(
        (token, at) => isNumeric(token) && isNew(token) && isAmount(sentence, at, asked),
      );
    case "person":
      return (
        sentence.references.some(({ who }) => who === "speaker") ||
        sentence.tokens.some((token) => isNew(token) && !token.isNumber)
      );
    case "place":
      return hasWanted(sentence.text, "place") && sentence.tokens.some(isNew);
    case "colour":
      return hasWanted(sentence.text, "colour") && sentence.tokens.some(isNew) && !isOfWhole(sentence, asked);
    case "reason":
      return hasWanted(sentence.text, "reason") || tellsBeside(sentence, asked);
    case "moment":
      return tellsMoment(sentence, asked) || isDated(sentence, asked);
    case "thing": {
      if (asksName.test(asked.text) && !mayTellName(sentence, asked)) return false;
      if (!tellsKind(sentence, asked)) return false;
      // A question of many words may tell its answer: "What do they eat, braised stew?"
      const isLong = asked.terms.filter(({ weight }) => weight === 1).length >= 3;
      if (asked.wantsMoment)
        return saysWhen.test(asked.text) ? tellsMoment(sentence, asked) : tellsDone(sentence, asked);
      return isLong || sentence.tokens.some((token) => isNew(token) || isNumeric(token));
    }
    case "statement":
      return true;
  }
}

/** Words of a clause that tells more. */
const fewestBeside = 3;

/** Whether a clause says all that is asked about, and the next tells more: "I lock the shed, don't want it emptied." */
function tellsBeside({ tokens, body, text }: Sentence, { terms }: Asked): boolean {
  const telling = terms.filter(isSubjectWord);
  const end = /[,;–—]/.exec(body)?.index ?? body.length;
  const beside = text.slice(text.indexOf(body) + end).match(/\p{L}+/gu) ?? [];
  const clause = tokens.filter(({ word }) => body.indexOf(word) < end);
  const isIn = (forms: readonly string[]) => clause.some((token) => has(new Set(token.forms), forms));
  return telling.length >= 2 && telling.every(({ forms }) => isIn(forms)) && beside.length >= fewestBeside;
}

/** Whether a sentence holds all of an answer that a question offers itself: "Why is it closed, is it a holiday?" */
const isOffered = ({ holds }: Sentence, { offered }: Asked): boolean =>
  offered.length > 0 && offered.every((forms) => has(holds, forms));

/** Whether a word tells a time of its own, so that when it was said is not when it is. */
export const isOwnMoment = ({ forms, folded }: Token): boolean =>
  forms.some((form) => form.startsWith("t:")) || dayWords.test(folded);
const dayWords =
  /^(?:mon|tues|wednes|thurs|fri|satur|sun)days?$|^(?:january|february|march|april|june|july|august|september|october|november|december|spring|summer|autumn|winter)$|^(?:tomorrow|yesterday|noon|midnight|tonight)$/;
const weekdays = /^(?:mon|tues|wednes|thurs|fri|satur|sun)days?$|^(?:today|tomorrow|yesterday)$/;
const beforeHour = /^(?:at|until|till|by|from|since|before|after|around|about)$/;

/** Whether a sentence tells a time of its own, of the part that is asked for: a year, an hour, or any. */
export function tellsMoment({ tokens }: Sentence, { text }: Asked): boolean {
  const isYear = /\byear\b/i.test(text);
  const isWeekday = /\bweekday\b|\bday of the week\b/i.test(text);
  const isHour = /\bhour\b/i.test(text);
  return tokens.some((token, at) => {
    if (isWeekday) return weekdays.test(token.folded);
    if (isYear) return token.measures === null && /^(?:1[0-9]|20)\d\d$/.test(token.word);
    const isTold =
      token.forms.some((form) => form.startsWith("t:")) || /^(?:noon|midnight)$/.test(token.folded);
    const isBare = token.isNumber && token.measures === null && beforeHour.test(tokens[at - 1]?.folded ?? "");
    return isHour ? isTold || isBare : isOwnMoment(token);
  });
}

/** "When was the piano tuned?": the word at the end tells what was done. */
const whatWasDone = /\b(?:is|are|was|were|been|got)\b.*?(\p{L}+)\s*\?*\s*$/iu;

/** What tells of no deed: "When was it expected?" asks when it comes. */
const awaited = /^(?:expected|due|planned|scheduled|supposed|meant|intended|awaited)$/i;

/** Whether a sentence says that what a question asks the time of was done. */
function tellsDone({ holds }: Sentence, { text, terms }: Asked): boolean {
  const done = whatWasDone.exec(text)?.[1];
  if (done !== undefined && awaited.test(done)) return true;
  return terms.every(({ word, forms, required }) => word !== done || required || has(holds, forms));
}

/** Asks what somebody said of a time, "When did Ann say she gets up?", and not when they said it. */
const saysWhen =
  /\b(?:say|says|said|think|thinks|thought|tell|tells|told|plan|plans|planned|estimate[sd]?|guess(?:es|ed)?|reckon(?:s|ed)?)(?: that)? (?:he|she|they|it|we|i|you|one|the|her|his|their|my|our|to)\b/i;

/**
 * Whether when a sentence was said may answer: the hour of no statement, a date only where the stream has dates, a day only
 * where it has days.
 */
function isDated(sentence: Sentence, asked: Asked): boolean {
  const { clock } = sentence;
  if (/\bhour\b/i.test(asked.text) || saysWhen.test(asked.text)) return false;
  if (clock.kind !== "wall" && /\b(?:date|year|month|season|weekday|day of the week)\b/i.test(asked.text))
    return false;
  if (clock.kind === "media" && /\b(?:which|what) (?:week)?day\b/i.test(asked.text)) return false;
  return tellsDone(sentence, asked);
}

/** Before a number that is a name and no amount: "level 3", "room 12". */
const labels =
  /^(?:levels?|floors?|rooms?|pages?|chapters?|sections?|steps?|gates?|doors?|numbers?|no|nr|lines?|platforms?|tracks?|seasons?|episodes?|parts?|acts?|lessons?|versions?|channels?|buses|bus|routes?|flights?|trains?|streets?|highway|exits?|seats?|rows?|tables?|grades?|class|sizes?|cases?|flats?|apartments?|suites?|units?|figures?|days?|weeks?|model|type|stage|phase|option|unit|zone|terminal|pier|lot|bay|locker|station|team|group)$/;
/** Between a number and what it counts. */
const moreOf = /^(?:more|other|extra|further|additional|new|big|small|little|whole)$/;
/** Before a number that tells a place or a time. */
const locating = /^(?:in|on|at|by|until|till|from|to|after|before|since|near|past)$/;
/** What "how much" may be answered by where it does not say what is measured. */
const muchOf: ReadonlySet<string | null> = new Set(["money", "mass", "volume", "share"]);
const ofMoney =
  /\b(?:bought|buy|sold|sells?|charge[sd]?|worth|fees?|rent|bill|total|altogether|price[ds]?)\b/i;

/** Whether the number at a place is an amount of what is asked for: of its measure, or bare and not a name or a time. */
function isAmount({ tokens, text }: Sentence, at: number, asked: Asked): boolean {
  const { measures, forms } = tokens[at]!;
  const wanted = asked.terms.find((term) => term.measures !== null)?.measures ?? null;
  const isMuch = wanted === null && /\bhow much\b/i.test(asked.text);
  if (measures !== null)
    return isMuch
      ? muchOf.has(measures)
      : wanted === measures || (wanted === null && !ofCount.test(asked.text));
  const before = tokens[at - 1];
  if (asksNumber.test(asked.text)) return !forms.some((form) => form.startsWith("t:"));
  if (before && labels.test(before.folded)) return false;
  if (isOfCode(tokens, at) && !ofCode.test(asked.text)) return false;
  if (wanted === null && !isMuch) return true;
  if (forms.some((form) => form.startsWith("t:")) || (before && locating.test(before.folded))) return false;
  const ofWanted = isMuch ? "money" : wanted;
  const isTold =
    tokens.some(({ folded, forms: own }) => (measured[folded] ?? measured[own[0] ?? ""]) === ofWanted) ||
    (ofWanted === "money" && ofMoney.test(text));
  // What follows a number is what it counts: "3 legs", "one more box".
  const counted = moreOf.test(tokens[at + 1]?.folded ?? "") ? at + 2 : at + 1;
  return isTold || (tokens[counted]?.forms.length ?? 0) === 0;
}

/** Whether it is asked for the number of something, and a sentence has one: "We are number 31." */
export const isNumbered = ({ holds }: Sentence, { text }: Asked): boolean =>
  asksNumber.test(text) && holds.has("number");

const ofCode = /\b(?:code|pin|password|combination|passport|licen[cs]e|plate|phone|extension)\b/i;
const digitWord = /^(?:zero|oh|one|two|three|four|five|six|seven|eight|nine|\d)$/;

/** Whether a number is a digit of several that are told one by one, "four seven one": a code, and no amount. */
function isOfCode(tokens: readonly Token[], at: number): boolean {
  const isDigit = (i: number) => digitWord.test(tokens[i]?.folded ?? "");
  const beside = [at - 2, at - 1, at + 1, at + 2].map(isDigit);
  return (
    isDigit(at) && ((beside[0]! && beside[1]!) || (beside[1]! && beside[2]!) || (beside[2]! && beside[3]!))
  );
}

const ofCount = /\bhow many\b/i;

/** What an abstention says: which words memory does not hold. */
export function whatIsMissing({ terms, names }: Asked, sentences: readonly Sentence[]): string {
  const isHeld = (forms: readonly string[]) =>
    sentences.some(({ holds, speakers }) => has(holds, forms) || has(speakers, forms));
  const missing = [...names, ...terms.filter(isSubjectWord)].filter(({ forms }) => !isHeld(forms));
  if (missing.length > 0)
    return `Memory holds nothing about ${missing.map(({ word }) => `"${word}"`).join(", ")}.`;
  return terms.every(({ forms }) => isHeld(forms)) && terms.length > 0
    ? "Memory holds these words, but no statement that brings them together."
    : "Memory holds no statement that answers this.";
}

export function abstain(missing: string): Reading {
  return { answer: missing, option: null, abstained: true, cited: [], cost: noCost };
}
