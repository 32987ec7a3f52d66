/**
 * A reader without a model: it answers where the words of one remembered sentence answer, and abstains elsewhere.
 *
 * A sentence is evidence for a question when it
 * 1. is about the same people: a name counts where the text speaks of that person, or where that person speaks of
 *    themselves ("I", "my"). Who said it counts only in questions about saying. A name alone is no evidence;
 * 2. holds every number and most content words of the question (`leastCover`);
 * 3. denies exactly if the question does;
 * 4. holds what kind of thing is asked for: a number for "how many", a place for "where", and so on.
 *
 * Free-form questions get such sentences. Of statements that replace one another the latest alone is the answer and the
 * others are told beside it, unless the question asks for the first, the previous, since when, or how often it
 * changed. Multiple choice takes the option whose own words, those not in the question, stand in such a sentence.
 *
 * Questions of the whole ("What happened?", "How long is it?") are answered by `whole-reading.ts`.
 *
 * What it cannot do: meaning beyond a few everyday words, inference over several sentences, counting. Words are not
 * weighted by rarity, because recalled entries are a sample biased towards the question. Instead, words that ask rather
 * than tell ("time", "show") count a fifth.
 */
import type { Reader, Reading, ReadRequest } from "../../answer/reader.ts";
import { type Dimension, measured, unitOf } from "../../answer/words/forms.ts";
import { asksWhen, type LanguageCode } from "../../answer/words/languages.ts";
import {
  adding,
  asksOfState,
  hasWanted,
  isChangeWord,
  movedHome,
  updating,
  type Wanted,
  type WhichValue,
  wantedBy,
  whichValue,
  withoutCourtesy,
} from "../../answer/words/question-words.ts";
import { soughtForms, type Token, tokensOf } from "../../answer/words/tokens.ts";
import { noCost, type WordSpace } from "../../engine.ts";
import type { Entry, RecalledEntry } from "../../memory/memory.ts";
import type { Option, Question } from "../../tasks/task.ts";
import { foldLetters } from "../../util/letters.ts";
import { type Clock, formatMoment } from "../../util/time.ts";
import { readWhole } from "./whole-reading.ts";

/** Share of the question's weight that a sentence must cover, without and with options. */
const leastCover = 0.6;
const leastCoverOfOptions = 0.55;
/** Share of an option's own words that a sentence must hold. */
const leastOwn = 0.5;
/** The best option or sentence must beat the next by this factor, otherwise the later statement decides. */
const margin = 1.1;
/** Weight of a word that asks for a kind of answer and need not appear in it, and of one that a unit may stand for. */
const askingWeight = 0.2;
const measuredWeight = 0.5;
/** Most sentences a free-form answer quotes. */
const mostQuoted = 3;

const askingWords = `
  time hour clock o'clock date day when moment colour color room place location spot where city name word title text kind type sort
  person people man woman guy somebody someone speaker character number amount reason way topic subject video clip scene
  screen picture image sign show shown display written mention tell told speak spoke spoken happen occur describe
  wear wore dress put place leave left keep kept use used do first last before after according following true correct statement
  number many much ask answer question know remember see saw seen hear heard call called appear there exactly value
`;
const saying =
  /\b(?:say|says|said|saying|tell|tells|told|mention|mentions|mentioned|according to|talk(?:s|ed|ing)? about|announce[sd]?|report(?:s|ed)?|explain(?:s|ed)?|claim(?:s|ed)?|suggest(?:s|ed)?|ask(?:s|ed)?|answer(?:s|ed)?|promise[sd]?|recommend(?:s|ed)?|blame[sd]?|think|thinks|thought|sagt|sagte|erw[äa]hnt|dit|disait|dice|dijo|diz|disse|ha detto|zegt|zei|m[óo]wi|powiedzia[łl]a?|говорит|сказала?)\b|说|說|言/iu;

/** Options of `lexicalReader`. */
export interface LexicalReaderOptions {
  readonly words: WordSpace;
}

/** A reader without a model: quotes the sentence that shares most with the question, and abstains where too little is shared. */
export function lexicalReader({ words }: LexicalReaderOptions): Reader {
  const asking = new Set(tokensOf(askingWords, words, "en").all.flatMap(({ forms }) => forms));
  return {
    id: "lexical@2",
    tokenBudget: 2000,
    find: (text, entries, clocks) => findEvent(text, entries, words, asking, clocks),
    read: async (request) => {
      const ofWhole = request.whole ? readWhole(request, request.whole, words) : null;
      if (ofWhole) return ofWhole;
      const entries = request.recalled.map(({ entry }) => entry);
      const clocks = request.clocks ?? new Map<string, Clock>();
      const asked = askedOf(request, words, asking);
      const sentences = entries.flatMap((entry) => sentencesOf(entry, words, asked.people, clocks));
      if (asked.terms.length === 0 && asked.names.length === 0)
        return abstain("The question holds no word that could be looked up in memory.");
      if (request.question.options.length > 0) return choose(request.question, asked, sentences, words);
      return quote(asked, sentences);
    },
  };
}

/** The entry that best speaks of an event, the latest of equals; `null` where none does. */
function findEvent(
  text: string,
  recalled: readonly RecalledEntry[],
  words: WordSpace,
  asking: ReadonlySet<string>,
  clocks: ReadonlyMap<string, Clock>,
): Entry | null {
  const asked = askedOf({ question: { text, options: [] }, recalled }, words, asking);
  const [best] = recalled
    .flatMap(({ entry }) => sentencesOf(entry, words, asked.people, clocks))
    .filter(({ isQuestion }) => !isQuestion)
    .map((sentence) => ({ sentence, cover: coverOf(sentence, asked) }))
    .filter(({ cover }) => cover >= leastCover)
    .sort((a, b) => b.cover - a.cover || (isLater(a, b) ? -1 : 1));
  return best?.sentence.entry ?? null;
}

/** A word of a question. */
interface Term {
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

/** A person a question names. */
interface AskedName {
  readonly word: string;
  readonly forms: readonly string[];
  /** Whether the person is who does or has what is asked about. */
  readonly isSubject: boolean;
}

/** What a question asks. */
interface Asked {
  readonly text: string;
  readonly language: LanguageCode;
  readonly terms: readonly Term[];
  readonly names: readonly AskedName[];
  /** Forms of all names that memory's speakers have. */
  readonly people: ReadonlySet<string>;
  /** Every form of the question, to tell what a sentence adds. */
  readonly held: ReadonlySet<string>;
  readonly negated: boolean;
  readonly which: WhichValue;
  readonly wanted: Wanted;
  readonly wantsMoment: boolean;
  readonly ofSaying: boolean;
}

const auxiliary = /^(?:do|does|did|is|are|was|were|has|have|had|can|could|will|would|should|that)$/;
const determiner =
  /^(?:the|a|an|this|that|these|those|my|your|his|her|its|our|their|there|it|he|she|they|we|you|i|any|some|someone|anyone|one|anybody|somebody|not|people|everyone|everybody|what|which|who|also|always|never|ever|still|most|all|both|most|each)$/;

function askedOf(
  { question, recalled }: Pick<ReadRequest, "question" | "recalled">,
  words: WordSpace,
  asking: ReadonlySet<string>,
): Asked {
  const { which, rest } = whichValue(withoutCourtesy(question.text));
  const { language, all, negated } = tokensOf(rest, words);
  const isEnglish = language === "en";
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
  const tellingCapitals = language !== "de" && !(all.length > 3 && capitals > all.length / 2);
  for (const [i, token] of all.entries()) {
    if (token.forms.length === 0) continue;
    const before = all[i - 1]?.folded ?? "";
    const isFirst = i === 0;
    const isSpeaker = token.forms.some((form) => people.has(form));
    const isBareSubject =
      isEnglish &&
      auxiliary.test(before) &&
      !isPassive(all, i) &&
      !determiner.test(token.folded) &&
      !isPossessed(all, i) &&
      i + 1 < all.length;
    const isAsking = token.forms.some((form) => asking.has(form));
    const isCapitalName = token.isCapital && tellingCapitals && !isFirst && !isAsking && !token.isNumber;
    const forms = soughtForms(token);
    if (isAsking && asksFrom) continue;
    const isPerson = isSpeaker || (isCapitalName && isPersonal(all, i));
    if (isPerson || (isBareSubject && !isAsking && !token.isNumber)) {
      const isSubject = isPerson && isEnglish && isSubjectAt(all, i);
      names.push({ word: plainWord(token.word), forms, isSubject });
      continue;
    }
    if (terms.some((term) => term.forms[0] === forms[0])) continue;
    const unit = token.isNumber ? undefined : unitOf(token.folded)?.of;
    const measures = (unit ?? (isEnglish && (measured[token.folded] ?? measured[token.forms[0]!]))) || null;
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
  const measuresSomething =
    terms.some(({ measures }) => measures !== null) && /\b(?:what|which|how)\b/i.test(rest);
  // Where nothing else tells what it is about, the words that ask do.
  const isBare = terms.every(({ weight }) => weight < measuredWeight);
  return {
    text: rest,
    language,
    terms: isBare ? terms.map((term) => ({ ...term, weight: 1, required: true })) : terms,
    names,
    people,
    held: new Set(all.flatMap(({ forms }) => forms)),
    negated,
    which,
    wanted: !isEnglish ? "statement" : measuresSomething ? "number" : wantedBy(rest),
    wantsMoment:
      asksWhen(
        rest,
        all.map(({ folded }) => folded),
      ) || which === "since",
    ofSaying: saying.test(rest),
  };
}

/** The form of "live", "lives", "resides". */
const homeForm = "liv";
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

/** `1:05` → 65, `1:00:05` → 3605; other words are no moment. */
function momentOf({ word }: Token): number | null {
  if (!/^\d+(:\d\d){1,2}$/.test(word)) return null;
  return word.split(":").reduce((seconds, part) => seconds * 60 + Number(part), 0);
}

/** Whom a word of a sentence refers to. */
type Reference =
  | { readonly at: number; readonly who: "speaker" | "other" }
  | { readonly at: number; readonly who: "named"; readonly forms: readonly string[] };

interface Sentence {
  readonly entry: Entry;
  /** Which sentence of the entry it is. */
  readonly place: number;
  readonly text: string;
  readonly tokens: readonly Token[];
  /** Forms of its words, without who says it. */
  readonly holds: ReadonlySet<string>;
  /** Forms of the whole entry where a pronoun may refer to them; otherwise empty. */
  readonly context: ReadonlySet<string>;
  readonly speakers: ReadonlySet<string>;
  readonly references: readonly Reference[];
  readonly negated: boolean;
  readonly isQuestion: boolean;
  readonly clock: Clock;
}

const firstPerson = new Set(
  `i i'm i've i'd i'll me my mine myself we we're we've us our ours ich mich mir mein meine meinen meiner wir uns unser unsere je j'ai j' moi mon
  ma mes nous notre nos yo mi mis conmigo nosotros io mio mia miei noi eu meu minha meus minhas ik mij mijn wij onze ja mnie moj moja moje jag
  mig min mitt mina jeg meg mit ben bana beni benim я меня мне мной мой моя моё мое мои мы нас нам наш мене мені мій אני שלי أنا انا μου εγώ मैं मेरा मेरी`.split(
    /\s+/,
  ),
);
const otherPerson = new Set(
  "he she they him her hers his them their theirs he's she's they're you your yours you're".split(" "),
);
const pronoun = /\b(he|she|they|it|him|her|his|hers|them|their|its|he's|she's|they're)\b/i;
const firstPersonInBigrams = /我|咱|私|僕|俺|わたし|ぼく|나는|내가|제가|저는|우리|ผม|ฉัน|เรา/u;

function sentencesOf(
  entry: Entry,
  words: WordSpace,
  people: ReadonlySet<string>,
  clocks: ReadonlyMap<string, Clock>,
): Sentence[] {
  const clock = clocks.get(entry.stream) ?? { kind: "media" };
  const speakers = new Set(
    entry.speakers.flatMap((name) => tokensOf(name, words, "en").all.flatMap(({ forms }) => forms)),
  );
  const whole = new Set(tokensOf(entry.text, words).all.flatMap(({ forms }) => forms));
  let named: Reference[] = [];
  return entry.text
    .split(/(?<=[.!?]["'”’)]*)\s+|(?<=[。！？])|\n+/)
    .filter((text) => text.trim() !== "")
    .flatMap((text, place) => {
      const body = place === 0 ? withoutSpeaker(text, entry.speakers) : text;
      return halvesOf(body).map((half) => ({ text, place, body: half }));
    })
    .map(({ text, place, body }) => {
      const { all, negated } = tokensOf(body, words);
      const references = referencesOf(body, all, people, named);
      named = [...named, ...references.filter(({ who }) => who === "named")];
      return {
        entry,
        place,
        text: text.trim(),
        tokens: all,
        holds: new Set(all.flatMap(({ forms }) => forms)),
        context: place > 0 && pronoun.test(body) ? whole : new Set<string>(),
        speakers,
        references,
        negated,
        isQuestion: /[?？]["'”’)]*$/.test(text.trim()),
        clock,
      };
    });
}

const unspaced = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}]/u;

/** The two halves of a line told in two languages, one of them written without spaces; other texts whole. */
function halvesOf(text: string): readonly string[] {
  const halves = text.split(" / ");
  return halves.length === 2 && halves.filter((half) => unspaced.test(half)).length === 1 ? halves : [text];
}

/** A text without the name of who says it in front. */
function withoutSpeaker(text: string, speakers: readonly string[]): string {
  const at = text.search(/[:：]/);
  if (at < 0) return text;
  const said = foldLetters(text.slice(0, at)).trim();
  return speakers.some((name) => foldLetters(name).trim() === said) ? text.slice(at + 1).trim() : text;
}

/** Whom a sentence speaks of, in order; "he" and "she" stand for the last one named before. */
function referencesOf(
  body: string,
  all: readonly Token[],
  people: ReadonlySet<string>,
  before: readonly Reference[],
): Reference[] {
  const references: Reference[] = [];
  for (const [at, token] of all.entries()) {
    const isName =
      token.forms.some((form) => people.has(form)) ||
      (token.isCapital && at > 0 && token.forms.length > 0 && !token.isNumber);
    const startsAsName = at === 0 && token.isCapital && token.forms.length > 0;
    if (firstPerson.has(token.folded) || token.folded.startsWith("i'"))
      references.push({ at, who: "speaker" });
    else if (isName || startsAsName) references.push({ at, who: "named", forms: token.forms });
    else if (otherPerson.has(token.folded)) {
      const last = [...before, ...references].findLast(({ who }) => who === "named");
      const isYou = token.folded.startsWith("you");
      references.push(
        !isYou && last?.who === "named" ? { at, who: "named", forms: last.forms } : { at, who: "other" },
      );
    }
  }
  if (references.every(({ who }) => who !== "speaker") && firstPersonInBigrams.test(body))
    references.push({ at: 0, who: "speaker" });
  return references;
}

const has = (holds: ReadonlySet<string>, forms: readonly string[]) => forms.some((form) => holds.has(form));

/** Whether a sentence is about a person of the question. */
function isAbout(name: AskedName, sentence: Sentence, asked: Asked, matched: number): boolean {
  const { speakers, references, holds, context } = sentence;
  const spoke = has(speakers, name.forms);
  const isSayer = name.isSubject || asked.names.length === 1;
  if (asked.ofSaying && !isSayer) return has(holds, name.forms);
  if (asked.ofSaying && spoke) return true;
  const meant = (reference: Reference | undefined) =>
    reference !== undefined &&
    ((reference.who === "named" && name.forms.some((form) => reference.forms.includes(form))) ||
      (reference.who === "speaker" && spoke));
  if (!references.some(meant)) {
    if (!name.isSubject && (has(holds, name.forms) || has(context, name.forms))) return true;
    return spoke && isElliptical(sentence);
  }
  if (!name.isSubject) return true;
  const nearest = references.findLast(({ at }) => at < matched) ?? references.find(({ at }) => at >= matched);
  return meant(nearest);
}

/** Whether a sentence leaves out "I": "Bought a lamp.", "So tired today." */
function isElliptical({ tokens, references }: Sentence): boolean {
  const [first] = tokens;
  if (!first) return false;
  const isVerb =
    /(?:ed|ing)$|^(?:bought|went|saw|ate|made|had|got|took|left|lost|found|met|sold|gave|forgot|put)$/.test(
      first.folded,
    );
  if (isVerb) return true;
  if (references.some(({ who, at }) => who === "other" || (who === "named" && at > 0))) return false;
  return /^(?:so|too|just|still|not|very|really|also|already|gonna|never|always)$/.test(first.folded);
}

/**
 * Share of the question's weight that a sentence covers; 0 where it is about something or somebody else. What must be
 * there counts only where nothing else is asked about.
 */
function coverOf(sentence: Sentence, asked: Asked): number {
  const { holds, context, entry, tokens } = sentence;
  const onlyRequired = asked.terms.every(({ required, weight }) => required || weight < 1);
  let [covered, all, told] = [0, 0, 0];
  for (const { forms, weight, required, atSeconds, measures, isHome } of asked.terms) {
    const isUnit = measures !== null && tokens.some((token) => token.measures === measures);
    const isMoved = isHome && (holds.has(homeForm) || movedHome.test(sentence.text));
    const isHeld = has(holds, forms) || isUnit || isMoved || (atSeconds !== null && wasAt(entry, atSeconds));
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

/** Whether an entry is about a moment, give or take 5 s. */
function wasAt({ startSeconds, endSeconds }: Entry, seconds: number): boolean {
  return seconds >= startSeconds - 5 && seconds <= endSeconds + 5;
}

const isSomewhere =
  /(?:\b(?:is|am|are|was|were|went|goes|go|gone|going|came|comes|moved|lives?|stays?|stayed|sits?|sitting|stands?|arrived|works?|currently)\b|['’](?:m|s|re)\b)(?: \p{L}+)? (?:in|at|on|to|into|near|by|home|here|inside|outside|upstairs|downstairs|under|behind|beside)\b/iu;
const isSomebody = /(?:\b(?:is|am|was)\b|['’](?:m|s)\b) (?:an?|the|my|our|his|her|their)\b/i;
const isFromSomewhere = /\b(?:from|hometown|born|native)\b/i;

/** Whether a sentence says of a person what a question without another word asks: where, who, or from where. */
function isPredicated({ text, tokens, references }: Sentence, { wanted, text: asked }: Asked): boolean {
  if (references.length === 0 || tokens.length < 3) return false;
  if (/\bfrom\b/i.test(asked)) return isFromSomewhere.test(text);
  if (wanted === "place") return isSomewhere.test(text);
  return wanted === "person" && /\bwho(?:['’]s| is| was)\b/i.test(asked) && isSomebody.test(text);
}

/** Whether a sentence holds the kind of answer that is asked for. */
function isKindAsked(sentence: Sentence, asked: Asked): boolean {
  const isNew = ({ forms }: Token) => forms.length > 0 && !has(asked.held, forms);
  switch (asked.wanted) {
    case "number": {
      const wanted = asked.terms.find(({ measures }) => measures !== null)?.measures ?? null;
      const numbers = sentence.tokens.filter((token) => isNumeric(token) && isNew(token));
      return numbers.some(({ measures }) => wanted === null || measures === null || measures === wanted);
    }
    case "person":
      return (
        sentence.references.some(({ who }) => who === "speaker") ||
        sentence.tokens.some((token) => isNew(token) && !token.isNumber)
      );
    case "place":
      return hasWanted(sentence.text, "place") && sentence.tokens.some(isNew);
    case "colour":
      return hasWanted(sentence.text, "colour") && sentence.tokens.some(isNew);
    case "reason":
      return hasWanted(sentence.text, "reason");
    case "thing": {
      // A question of many words may tell its answer: "What do they eat, braised stew?"
      const isLong = asked.terms.filter(({ weight }) => weight === 1).length >= 3;
      return asked.wantsMoment || isLong || sentence.tokens.some((token) => isNew(token) || isNumeric(token));
    }
    case "statement":
      return true;
  }
}

/** Whether a word tells a time of its own, so that when it was said is not when it is. */
const isOwnMoment = ({ forms, folded }: Token) =>
  forms.some((form) => form.startsWith("t:")) || dayWords.test(folded);
const dayWords =
  /^(?:mon|tues|wednes|thurs|fri|satur|sun)days?$|^(?:january|february|march|april|june|july|august|september|october|november|december)$|^(?:tomorrow|yesterday|noon|midnight|tonight)$/;

const isNumeric = ({ isNumber, forms }: Token) => isNumber || forms.some((form) => form.startsWith("n:"));

/** A sentence that supports an option. */
interface Support {
  readonly option: Option;
  readonly sentence: Sentence;
  /** Cover of the question times the share of the option's own words, 0 to 1. */
  readonly strength: number;
}

/** An option's own words, and whether it denies. */
interface Own {
  readonly terms: readonly Token[];
  readonly negated: boolean;
  /** Whether it holds any content word, if only one of the question. */
  readonly isTold: boolean;
}

function choose(question: Question, asked: Asked, sentences: readonly Sentence[], words: WordSpace): Reading {
  const own = new Map<Option, Own>(
    question.options.map((option) => {
      const { all, negated } = tokensOf(option.text, words);
      const content = all.filter(({ forms }) => forms.length > 0);
      const terms = content.filter(({ forms }) => !has(asked.held, forms));
      return [option, { terms, negated, isTold: content.length > 0 }];
    }),
  );
  // Where options differ in what they deny, a sentence must agree with the option, otherwise with the question.
  const differ = new Set([...own.values()].map(({ negated }) => negated)).size > 1;
  const supports: Support[] = [];
  let nearest = 0;
  for (const sentence of sentences) {
    const cover = coverOf(sentence, asked);
    nearest = Math.max(nearest, cover);
    if (cover < leastCoverOfOptions || sentence.isQuestion) continue;
    if (!differ && sentence.negated !== asked.negated) continue;
    supports.push(...supportsOf(sentence, cover, own, differ));
  }
  if (supports.length === 0 && !differ && !asked.negated)
    supports.push(...nearSupports(asked, sentences, own));
  const prefers = asked.which === "first" ? (a: Support, b: Support) => isLater(b, a) : isLater;
  const best = strongestByOption(supports, prefers);
  const [first] = best;
  if (first === undefined) {
    return nearest >= leastCoverOfOptions
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

/** How far apart two lines of one talk may lie, in seconds, and the weight that a word of the other line has. */
const talkSeconds = 40;
const talkWeight = 0.5;

/**
 * Support by a line that holds a whole option, where the talk around it is what the question is about: what is said in
 * answer to something does not repeat it. Only where that speaks for a single option.
 */
function nearSupports(
  asked: Asked,
  sentences: readonly Sentence[],
  own: ReadonlyMap<Option, Own>,
): Support[] {
  const terms = asked.terms.filter(({ weight, isAsking }) => weight === 1 && !isAsking);
  // A line of speech answers another; an option that the question holds itself cannot be told from it.
  if (terms.length === 0 || [...own.values()].some(({ terms }) => terms.length === 0)) return [];
  const supports = sentences
    .filter(({ isQuestion, negated, speakers }) => !isQuestion && !negated && speakers.size > 0)
    .flatMap((sentence) => {
      const around = sentences.filter((other) => isBeside(other, sentence));
      const shares = terms.map(({ forms }) =>
        has(sentence.holds, forms) ? 1 : around.some(({ holds }) => has(holds, forms)) ? talkWeight : 0,
      );
      const isOther = asked.names.some(
        ({ forms }) =>
          ![sentence, ...around].some(({ holds, speakers }) => has(holds, forms) || has(speakers, forms)),
      );
      const cover = shares.reduce<number>((sum, share) => sum + share, 0) / terms.length;
      const isRequired = asked.terms.every(
        ({ required, forms }) => !required || [sentence, ...around].some(({ holds }) => has(holds, forms)),
      );
      if (isOther || !isRequired || cover < leastNear) return [];
      return supportsOf(sentence, cover, own, false).filter(({ strength }) => strength >= cover);
    });
  return new Set(supports.map(({ option }) => option)).size === 1 ? supports : [];
}

const leastNear = 0.3;

/** Whether two sentences are of one talk. */
function isBeside({ entry: a }: Sentence, { entry: b }: Sentence): boolean {
  return a.stream === b.stream && Math.abs(a.startSeconds - b.startSeconds) <= talkSeconds;
}

/** Options a sentence supports. An option whose words are all part of a longer matching option gets no support. */
function supportsOf(
  sentence: Sentence,
  cover: number,
  own: ReadonlyMap<Option, Own>,
  differ: boolean,
): Support[] {
  const held = [...own]
    .filter(([, { negated }]) => !differ || negated === sentence.negated)
    .map(([option, { terms, isTold }]) => ({
      option,
      terms,
      share: differ && terms.length === 0 && isTold ? 1 : ownShare(sentence, terms),
    }));
  const isPart = (terms: readonly Token[], of: readonly Token[]) =>
    of.length > terms.length &&
    terms.every(({ forms }) => of.some((other) => has(new Set(other.forms), forms)));
  return held
    .filter(({ share }) => share >= leastOwn)
    .filter(({ terms, share }) => held.every((other) => other.share < share || !isPart(terms, other.terms)))
    .map(({ option, share }) => ({ option, sentence, strength: cover * share }));
}

/** Share of an option's own words that a sentence holds; its numbers must appear whole and in one piece. */
function ownShare({ tokens, holds }: Sentence, own: readonly Token[]): number {
  if (own.length === 0) return 0;
  const numbers = own.filter(({ isNumber }) => isNumber);
  const follows = (at: number) =>
    numbers.every((number, i) => has(new Set(tokens[at + i]?.forms ?? []), soughtForms(number)));
  if (numbers.length > 0 && !tokens.some((_, at) => follows(at))) return 0;
  return own.filter((token) => has(holds, soughtForms(token))).length / own.length;
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

/**
 * Whether the first of two statements is later: by stream time within a stream and between streams whose clocks agree on
 * the day, otherwise by writing time.
 */
function isLater({ sentence: a }: { sentence: Sentence }, { sentence: b }: { sentence: Sentence }): boolean {
  if (a.entry === b.entry) return a.place > b.place;
  if (a.entry.stream !== b.entry.stream && (a.clock.kind === "media" || a.clock.kind !== b.clock.kind))
    return a.entry.writtenAtMs > b.entry.writtenAtMs;
  return secondsOf(a) > secondsOf(b);
}

/** When a sentence begins, in seconds on its clock. */
function secondsOf({ clock, entry: { startSeconds } }: Sentence): number {
  return (clock.kind === "wall" ? clock.originMs / 1000 : 0) + startSeconds;
}

/** A sentence that answers a free-form question. */
interface Hit {
  readonly sentence: Sentence;
  readonly strength: number;
}

/** Answers a free-form question with the sentences that cover it best. */
function quote(asked: Asked, sentences: readonly Sentence[]): Reading {
  const anyPolarity = asked.wanted === "statement";
  const hits: Hit[] = sentences
    .filter(({ isQuestion }) => !isQuestion)
    .filter((sentence) => anyPolarity || sentence.negated === asked.negated)
    .map((sentence) => ({ sentence, strength: coverOf(sentence, asked) }))
    .filter(({ sentence, strength }) => strength >= leastCover && isKindAsked(sentence, asked))
    .map(({ sentence, strength }) => ({ sentence, strength: strength * newsOf(sentence, asked) }))
    .sort((a, b) => b.strength - a.strength || (isLater(a, b) ? -1 : 1));
  const [first] = hits;
  if (first === undefined) return abstain(whatIsMissing(asked, sentences));
  const best = hits.filter(
    ({ strength, sentence }) => strength * (updating.test(sentence.text) ? 1.5 : margin) >= first.strength,
  );
  const chain = asksOfState(asked.text) && !best.some(({ sentence }) => adding.test(sentence.text));
  if (!chain && asked.which === "any") return said(distinct(best).slice(0, mostQuoted), [], asked);
  return fromChain(valuesOf(best, asked), asked);
}

/** Statements of one thing after another, oldest first; a value said again belongs to the run it began. */
interface Value {
  readonly since: Sentence;
  readonly last: Sentence;
}

function valuesOf(hits: readonly Hit[], asked: Asked): Value[] {
  const inOrder = hits.toSorted((a, b) => (isLater(a, b) ? 1 : -1));
  const values: (Value & { readonly key: string })[] = [];
  for (const { sentence } of inOrder) {
    const key = valueKey(sentence, asked);
    const known = values.at(-1);
    if (known && known.key === key) values[values.length - 1] = { ...known, last: sentence };
    else values.push({ key, since: sentence, last: sentence });
  }
  return values;
}

/** What a sentence adds to the question, without the words that only say that something changed. */
function valueKey({ tokens }: Sentence, asked: Asked): string {
  const own = tokens
    .filter(({ forms, folded }) => forms.length > 0 && !has(asked.held, forms) && !updating.test(folded))
    .map(({ forms }) => forms[0]!);
  return [...new Set(own)].sort().join(" ");
}

function fromChain(values: readonly Value[], asked: Asked): Reading {
  const latest = values.at(-1)!;
  const before = values.slice(0, -1).map(({ since }) => since);
  switch (asked.which) {
    case "first":
      return said([values[0]!.since], [], asked);
    case "previous": {
      const previous = values.at(-2);
      if (previous === undefined) return abstain("Memory holds one statement of this and none before it.");
      return said([previous.last], before.slice(0, -1).reverse(), asked);
    }
    case "since":
      return said([latest.since], before.reverse(), asked);
    case "changes": {
      const times = before.length === 1 ? "once" : `${before.length} times`;
      const all = values.map(({ since }) => since);
      const told = said(all, [], asked);
      return {
        ...told,
        answer: `${before.length === 0 ? "It did not change" : `It changed ${times}`}:\n${told.answer}`,
      };
    }
    default:
      return said([latest.last], before.reverse(), asked);
  }
}

/** Sentences with different words, in their order. */
function distinct(hits: readonly Hit[]): Sentence[] {
  const found = new Map<string, Sentence>();
  for (const { sentence } of hits) {
    const key = sentence.tokens.flatMap(({ forms }) => forms.slice(0, 1)).join(" ");
    if (!found.has(key)) found.set(key, sentence);
  }
  return [...found.values()];
}

/** A reading that quotes sentences, each with its moment where one is asked for. */
function said(
  sentences: readonly Sentence[],
  earlier: readonly Sentence[],
  { wantsMoment, which }: Pick<Asked, "wantsMoment" | "which">,
): Reading {
  const always = which === "since" || which === "changes";
  const told = sentences.map(({ text, tokens, clock, entry: { startSeconds } }) =>
    (wantsMoment && !tokens.some(isOwnMoment)) || always
      ? `${formatMoment(startSeconds, clock)}: ${text}`
      : text,
  );
  const cited = [...new Set(sentences.map(({ entry }) => entry.id))];
  const others = [...new Set(earlier.map(({ entry }) => entry.id))].filter((id) => !cited.includes(id));
  return {
    answer: told.join("\n"),
    option: null,
    abstained: false,
    cited,
    ...(others.length > 0 && { earlier: others }),
    cost: noCost,
  };
}

/** How much a sentence adds to the question. */
function newsOf({ tokens }: Sentence, { held, wantsMoment }: Asked): number {
  const isNew = ({ forms }: Token) => forms.length > 0 && !has(held, forms);
  if (wantsMoment && tokens.some((token) => isNumeric(token) && isNew(token))) return 1.25;
  return tokens.some(isNew) ? 1 : 0.75;
}

function whatIsMissing({ terms, names }: Asked, sentences: readonly Sentence[]): string {
  const isHeld = (forms: readonly string[]) =>
    sentences.some(({ holds, speakers }) => has(holds, forms) || has(speakers, forms));
  const missing = [...names, ...terms.filter(({ weight, isAsking }) => weight === 1 && !isAsking)].filter(
    ({ forms }) => !isHeld(forms),
  );
  if (missing.length > 0)
    return `Memory holds nothing about ${missing.map(({ word }) => `"${word}"`).join(", ")}.`;
  return terms.every(({ forms }) => isHeld(forms)) && terms.length > 0
    ? "Memory holds these words, but no statement that brings them together."
    : "Memory holds no statement that answers this.";
}

function abstain(missing: string): Reading {
  return { answer: missing, option: null, abstained: true, cited: [], cost: noCost };
}
