/** What a question asks, as the reader without a model compares it: its words, its people, and the kind of answer. */
import type { ReadRequest } from "../../answer/reader.ts";
import { type Dimension, isPastForm, measured, unitOf } from "../../answer/words/forms.ts";
import { asksWhen, type LanguageCode } from "../../answer/words/languages.ts";
import {
  isChangeWord,
  isTimeWord,
  type Wanted,
  type WhichValue,
  wantedBy,
  whichValue,
  withoutCourtesy,
} from "../../answer/words/question-words.ts";
import { soughtForms, type Token, tokensOf } from "../../answer/words/tokens.ts";
import type { WordSpace } from "../../engine.ts";

/** Weight of a word that asks for a kind of answer and need not appear in it, and of one that a unit may stand for. */
const askingWeight = 0.2;
const measuredWeight = 0.5;

export const askingWords = `
  time hour clock o'clock date day when moment colour color room place location spot where city name word title text kind type sort
  person people man woman guy somebody someone speaker character number amount reason way topic subject video clip scene
  screen picture image sign show shown display written mention tell told speak spoke spoken happen occur describe
  wear wore dress put place leave left keep kept use used do first last before after according following true correct statement
  number many much ask answer question know remember see saw seen hear heard call called appear there exactly value
  expected due planned scheduled supposed
`;
const saying =
  /\b(?:say|says|said|saying|tell|tells|told|mention|mentions|mentioned|according to|talk(?:s|ed|ing)? about|announce[sd]?|report(?:s|ed)?|explain(?:s|ed)?|claim(?:s|ed)?|suggest(?:s|ed)?|ask(?:s|ed)?|answer(?:s|ed)?|promise[sd]?|recommend(?:s|ed)?|blame[sd]?|think|thinks|thought|believe[sd]?|reckon(?:s|ed)?|guess(?:es|ed)?|estimate[sd]?|praise[sd]?|joke[sd]?|compare[sd]?|liken(?:s|ed)?|describe[sd]?|complain(?:s|ed)?|admit(?:s|ted)?|propose[sd]?|advise[sd]?|warn(?:s|ed)?|(?:view|opinion)|sagt|sagte|erw[äa]hnt|dit|disait|dice|dijo|diz|disse|ha detto|zegt|zei|m[óo]wi|powiedzia[łl]a?|говорит|сказала?)\b|说|說|言/iu;

/** What is before the unit of a rate, "50 a day", which is no amount itself; of these the first always tells one. */
const beforeRate = /^(?:per|each|every|an?)$/;
const rate = /\bper \p{L}/iu;

/** A word of a question. */
export interface Term {
  /** As the question writes it. */
  readonly word: string;
  /** A sentence with any of these holds it. */
  readonly forms: readonly string[];
  readonly weight: number;
  /** Whether a sentence without it is about something else. */
  readonly required: boolean;
  /** Whether it asks rather than tells. */
  readonly isAsking: boolean;
  /** Moment of stream time it may stand for, in seconds. */
  readonly atSeconds: number | null;
  /** What it asks to be measured. */
  readonly measures: Dimension | null;
  /** Whether a change of home tells it: "lives", and in questions about changes "moved". */
  readonly isHome: boolean;
}

/** Whether a word tells what a question is about, and not what kind of answer it asks for. */
export const isSubjectWord = ({ weight, isAsking }: Term): boolean => weight === 1 && !isAsking;

/** A person a question names. */
export interface AskedName {
  readonly word: string;
  readonly forms: readonly string[];
  /** Whether the person is who does or has what is asked about. */
  readonly isSubject: boolean;
  /** Whether it is asked for a thing of theirs: "Bob's parcel". */
  readonly isOwner: boolean;
}

/** What a question asks. */
export interface Asked {
  readonly text: string;
  readonly language: LanguageCode;
  readonly terms: readonly Term[];
  readonly names: readonly AskedName[];
  /** Forms of all names that memory's speakers have. */
  readonly people: ReadonlySet<string>;
  /** Every form of the question, to tell what a sentence adds. */
  readonly held: ReadonlySet<string>;
  /** Forms of each word of an answer that it offers itself: "… , is it a holiday?" */
  readonly offered: readonly (readonly string[])[];
  readonly negated: boolean;
  /** Whether it denies something beside what it asks: "… since she had no lamp". A sentence may deny that, too. */
  readonly deniesBeside: boolean;
  readonly which: WhichValue;
  readonly wanted: Wanted;
  readonly wantsMoment: boolean;
  readonly ofSaying: boolean;
}

/** What is written in capitals and names no one thing. */
const everydayCapitals: ReadonlySet<string> = new Set(
  "tv tvs pc pcs cd cds dvd dvds sms id ids wifi usb gps pin atm diy faq ceo phd led".split(" "),
);
const auxiliary = /^(?:do|does|did|is|are|was|were|has|have|had|can|could|will|would|should|that)$/;
const determiner =
  /^(?:the|a|an|this|that|these|those|my|your|his|her|its|our|their|there|it|he|she|they|we|you|i|any|some|someone|anyone|one|anybody|somebody|not|people|everyone|everybody|what|which|who|also|always|never|ever|still|most|all|both|most|each)$/;

export function askedOf(
  { question, recalled }: Pick<ReadRequest, "question" | "recalled">,
  words: WordSpace,
  asking: ReadonlySet<string>,
): Asked {
  const { which, rest } = whichValue(withoutCourtesy(question.text));
  const { language, all, negated: denies } = tokensOf(rest, words);
  const main = mainPart(rest);
  const { negated, all: inMain } = tokensOf(main, words);
  const isEnglish = language === "en";
  const kind = isEnglish ? wantedBy(rest) : "statement";
  const people = new Set(
    recalled.flatMap(({ entry }) =>
      entry.speakers.flatMap((name) => tokensOf(name, words, "en").all.flatMap(({ forms }) => forms)),
    ),
  );
  const asksFrom = /\bfrom\s*\?*$/i.test(rest);
  const names: AskedName[] = [];
  const terms: Term[] = [];
  // Where every noun or every word begins with a capital, a capital tells nothing.
  const capitals = all.filter(({ isCapital }) => isCapital).length;
  // Who writes a capital elsewhere writes names with one.
  const writesCapitals = all.some(({ isCapital }, i) => isCapital && i > 0);
  const tellingCapitals = language !== "de" && !(all.length > 3 && capitals > all.length / 2);
  for (const [i, token] of all.entries()) {
    if (token.forms.length === 0) continue;
    const before = all[i - 1]?.folded ?? "";
    const isFirst = i === 0;
    const isSpeaker = token.forms.some((form) => people.has(form));
    const isBareSubject =
      isEnglish &&
      (token.isCapital || (!writesCapitals && !/(?:ing|[^s]s)$/.test(token.folded))) &&
      auxiliary.test(before) &&
      !isPassive(all, i) &&
      !isParticiple(all, i) &&
      !determiner.test(token.folded) &&
      !isPossessed(all, i) &&
      i + 1 < all.length;
    const isTime = kind === "moment" && isTimeWord(token.folded);
    if (isTime) continue;
    const unit = token.isNumber ? undefined : unitOf(token.folded)?.of;
    const isRate = unit !== undefined && beforeRate.test(before);
    const isAsking = !isRate && token.forms.some((form) => asking.has(form));
    const isCapitalName =
      token.isCapital &&
      tellingCapitals &&
      !isFirst &&
      !isAsking &&
      !token.isNumber &&
      !everydayCapitals.has(token.folded);
    const forms = soughtForms(token);
    if (isAsking && asksFrom) continue;
    const isPerson = isSpeaker || (isCapitalName && isPersonal(all, i));
    if (isPerson || (isBareSubject && !isAsking && !token.isNumber)) {
      const isSubject = isPerson && isEnglish && isSubjectAt(all, i);
      names.push({ word: plainWord(token.word), forms, isSubject, isOwner: /'s?$/.test(token.folded) });
      continue;
    }
    if (terms.some((term) => term.forms[0] === forms[0])) continue;
    const measures =
      (!isRate &&
        (unit ??
          (isEnglish &&
            !isDescribing(all, i, rest) &&
            (measured[token.folded] ?? measured[token.forms[0]!])))) ||
      null;
    const required = (token.isNumber && /\d/.test(token.word)) || isCapitalName;
    const isChange = which === "changes" && isChangeWord(token.folded);
    const isHome = isEnglish && (token.forms[0] === homeForm || (isChange && /^mov/.test(token.folded)));
    const asks = isAsking || token.isNumber;
    const weight = required ? 1 : isChange ? 0 : measures ? measuredWeight : asks ? askingWeight : 1;
    terms.push({
      word: plainWord(token.word),
      forms,
      weight,
      required,
      isAsking,
      isHome,
      measures,
      atSeconds: momentOf(token),
    });
  }
  // A unit alone asks for no amount: "on that day".
  const isMeasured = ({ word, measures }: Term) =>
    measures !== null && unitOf(word.toLowerCase()) === undefined;
  const measuresSomething =
    (terms.some(isMeasured) || rate.test(rest)) && /\b(?:what|which|how)\b/i.test(rest);
  // Where nothing else tells what it is about, the words that ask do.
  const isBare = terms.every(({ weight }) => weight < measuredWeight);
  return {
    text: rest,
    language,
    terms: isBare ? terms.map((term) => ({ ...term, weight: 1, required: true })) : terms,
    names,
    people,
    held: new Set(all.flatMap(({ forms }) => forms)),
    offered: isEnglish ? offeredBy(rest, words) : [],
    negated,
    deniesBeside: denies && !negated,
    which,
    wanted: measuresSomething && kind !== "moment" && isEnglish ? "number" : kind,
    wantsMoment:
      asksWhen(
        main,
        inMain.map(({ folded }) => folded),
      ) || which === "since",
    ofSaying: saying.test(rest),
  };
}

const aside = /[\s,](?:when|while|because|since|as|after|before|although|though|so that)\s/iu;

/** A question without what it tells beside: what that denies, "… when she had no lamp", is not asked. */
function mainPart(text: string): string {
  const at = text.search(aside);
  return at > 0 && asks.test(text.slice(0, at)) ? text.slice(0, at) : text;
}

const asks = /\b(?:what|which|who|whom|whose|where|when|why|how)\b/i;

/** Forms of each word behind the last comma or colon of a question, where it asks before it and not behind it. */
function offeredBy(text: string, words: WordSpace): readonly (readonly string[])[] {
  const at = text.search(/[,:–—]\s[^,:–—]*$/);
  if (at < 0 || !asks.test(text.slice(0, at)) || asks.test(text.slice(at))) return [];
  return tokensOf(text.slice(at), words, "en").all.flatMap((token) =>
    token.forms.length > 0 ? [soughtForms(token)] : [],
  );
}

/** The form of "live", "lives", "resides". */
export const homeForm = "liv";
const plainWord = (word: string) => word.replace(/['’]s?$/, "");
/** Whether a noun follows its article or a word that describes it. */
const isPossessed = (all: readonly Token[], i: number) => /'s$/.test(all[i - 1]?.folded ?? "");
/** Whether a capital word stands where people do: before a verb's auxiliary, as an owner, or after one. */
const isPersonal = (all: readonly Token[], i: number) =>
  /'s?$/.test(all[i]!.folded) ||
  (auxiliary.test(all[i - 1]?.folded ?? "") && !isPassive(all, i) && !/^\p{Lu}{2,}$/u.test(all[i]!.word));
/** Whether the question makes a person the one who does or has something: "did Bob …", "Bob's …", "that Bob …". */
const isSubjectAt = (all: readonly Token[], i: number) =>
  /'s?$/.test(all[i]!.folded) ||
  (auxiliary.test(all[i - 1]?.folded ?? "") && !isPassive(all, i)) ||
  (i > 1 && all[i - 1]!.isCapital && auxiliary.test(all[i - 2]!.folded) && !isPassive(all, i));
/** "was Bob given", "is Bob called". */
const isPassive = (all: readonly Token[], i: number) =>
  /^(?:is|are|was|were)$/.test(all[i - 1]?.folded ?? "") &&
  /(?:ed|en|told|taught|sent|made|paid)$/.test(all[i + 1]?.folded ?? "");

/** "the old port", "the last train": a word that asks for a measure only behind "how". */
function isDescribing(all: readonly Token[], i: number, text: string): boolean {
  const { folded } = all[i]!;
  if (folded === "last") return !/\bhow long\b/i.test(text);
  const isAdjective = /^(?:old|far|tall|high|deep|wide|warm|hot|cold|heavy|expensive)$/.test(folded);
  return isAdjective && all[i - 1]?.folded !== "how";
}

/** "were points taken", "was told": what was done, and no name. */
const isParticiple = (all: readonly Token[], i: number) =>
  /^(?:is|are|was|were|has|have|had)$/.test(all[i - 1]?.folded ?? "") &&
  !all[i]!.isCapital &&
  (isPastForm(all[i]!.folded) || /(?:ed|en|ing)$/.test(all[i]!.folded));

/** `1:05` → 65, `1:00:05` → 3605; other words are no moment. */
function momentOf({ word }: Token): number | null {
  if (!/^\d+(:\d\d){1,2}$/.test(word)) return null;
  return word.split(":").reduce((seconds, part) => seconds * 60 + Number(part), 0);
}
