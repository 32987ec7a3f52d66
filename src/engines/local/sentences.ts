/** Memory in sentences, as the reader without a model compares them: their words, and whom they speak of. */
import type { LanguageCode } from "../../answer/words/languages.ts";
import { type Token, type Tokens, tokensOf } from "../../answer/words/tokens.ts";
import type { WordSpace } from "../../engine.ts";
import type { Entry } from "../../memory/memory.ts";
import { foldLetters } from "../../util/letters.ts";
import type { Clock } from "../../util/time.ts";
import { halvesOf } from "../../util/two-languages.ts";

/** Whom a word of a sentence refers to. */
export type Reference =
  | { readonly at: number; readonly who: "speaker" | "other" }
  | { readonly at: number; readonly who: "named"; readonly forms: readonly string[] };

/** How far apart two lines of one talk may lie, in seconds. */
export const talkSeconds = 40;

export interface Sentence {
  readonly entry: Entry;
  /** Which sentence of the entry it is. */
  readonly place: number;
  readonly text: string;
  /** Without the name of who says it, and without a tag. */
  readonly body: string;
  readonly language: LanguageCode;
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

/** Words for the speaker, by language: what is one of them in Italian is a name in English. */
const firstPerson: Readonly<Partial<Record<LanguageCode, ReadonlySet<string>>>> = Object.fromEntries(
  Object.entries({
    en: "i i'm i've i'd i'll me my mine myself we we're we've us our ours",
    de: "ich mich mir mein meine meinen meiner wir uns unser unsere",
    fr: "je j'ai j' moi mon ma mes nous notre nos",
    es: "yo mi mio mia mis conmigo nosotros",
    it: "io mi mio mia miei mie noi nostro nostra",
    pt: "eu meu minha meus minhas mim",
    nl: "ik mij mijn wij onze",
    pl: "ja mnie moj moja moje",
    sv: "jag mig min mitt mina jeg meg mit",
    tr: "ben bana beni benim",
    ru: "я меня мне мной мой моя моё мое мои мы нас нам наш",
    uk: "я мене мені мій моя моє ми нас нам наш",
    he: "אני שלי",
    ar: "أنا انا",
    el: "μου εγω εγώ",
    hi: "मैं मेरा मेरी",
  }).map(([language, words]) => [language, new Set(words.split(" "))]),
);
const otherPerson = new Set(
  "he she they him her hers his them their theirs he's she's they're you your yours you're".split(" "),
);
const pronoun = /\b(he|she|they|it|him|her|his|hers|them|their|its|he's|she's|they're)\b/i;
const firstPersonInBigrams = /我|咱|私|僕|俺|わたし|ぼく|나는|내가|제가|저는|우리|ผม|ฉัน|เรา/u;

export function sentencesOf(
  entry: Entry,
  words: WordSpace,
  people: ReadonlySet<string>,
  clocks: ReadonlyMap<string, Clock>,
): Sentence[] {
  const clock = clocks.get(entry.stream) ?? { kind: "media" };
  // Who speaks in a clip says a sentence only where the text says so: "Ann: I moved to Leeds."
  const isSpoken = withoutSpeaker(entry.text, entry.speakers) !== entry.text;
  const speakers = new Set(
    (isSpoken ? entry.speakers : []).flatMap((name) =>
      tokensOf(name, words, "en").all.flatMap(({ forms }) => forms),
    ),
  );
  const whole = new Set(tokensOf(entry.text, words).all.flatMap(({ forms }) => forms));
  let named: Reference[] = [];
  return entry.text
    .split(/(?<=[.!?]["'”’)]*)(?<!\b(?:Mr|Mrs|Ms|Dr|Prof|St|vs|approx)\.)\s+|(?<=[。！？])|\n+/u)
    .filter((text) => text.trim() !== "")
    .flatMap((text, place) => {
      const body = place === 0 ? withoutSpeaker(text, entry.speakers) : text;
      return halvesOf(body).map((half) => ({ text, place, body: half }));
    })
    .flatMap((one) => [one, ...affirmedParts(one.body, words).map((body) => ({ ...one, body }))])
    .map(({ text, place, body: told }) => {
      const body = withoutTag(told);
      const { all, negated, language } = tokensOf(body, words);
      const references = referencesOf(body, { all, language }, people, named);
      named = [...named, ...references.filter(({ who }) => who === "named")];
      return {
        entry,
        place,
        text: text.trim(),
        body,
        language,
        tokens: all,
        holds: new Set(all.flatMap(({ forms }) => [...forms, ...forms.flatMap(charactersOf)])),
        context: place > 0 && pronoun.test(body) ? whole : new Set<string>(),
        speakers,
        references,
        negated,
        isQuestion: body === told && /[?？]["'”’)]*$/.test(text.trim()),
        clock,
      };
    });
}

const isHan = /^\p{Script=Han}{2}$/u;
/** The characters of a bigram, of which each may be a word: a question asks for one of them. */
const charactersOf = (form: string): readonly string[] => (isHan.test(form) ? [...form] : []);

/** What is put behind a statement to have it confirmed: it is a statement all the same. */
const tag =
  /(?<=[\p{L}\p{N}%])\s*(?:,|，|…|\.\.\.)\s*(?:right|okay|ok|yeah|yes|no|huh|hm+|eh|you know|correct|remember|all right|alright|(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should|am)(?:n['’]t)? (?:it|that|this|he|she|they|we|you|i)(?: (?:okay|ok|right|fine|true|correct))?|nicht wahr|oder(?: nicht)?|gell|ne|n['’]est-ce pas|non|hein|d['’]accord|verdad|no es (?:cierto|as[íi])|vale|vero|no è vero|n[ãa]o [ée]|certo|toch|h[èe]|prawda|da|правда|да|верно|değil mi|是吧|对吧|對吧|对不对|是不是|好吗|行吗)\s*[?？]["'”’)]*\s*$/iu;
const asksFirst =
  /^\s*(?:what|which|who|whom|whose|where|when|why|how|is|are|was|were|do|does|did|has|have|had|can|could|will|would|should|wer|was|wo|wann|warum|wie|qui|que|quoi|où|quand|pourquoi|comment|qui[ée]n|qu[ée]|d[óo]nde|cu[áa]ndo|c[óo]mo)\b/iu;

const turn =
  /[,;–—]\s+(?=(?:but|though|although|while|whereas|aber|doch|mais|pero|ma|per[òo]|mas|maar|men|ale|но|але)\b|(?:(?:i|we|you|he|she|they|it) )?(?:(?:do|does|did|ca|could|would|wo|is|are|was|were)n['’]t|not|never)\b)/iu;

/** A text of more parts is no sentence. */
const mostParts = 6;

/** The parts of a sentence that say what is, where another part says what is not: "Four are clean, but I haven't seen the rest." */
function affirmedParts(body: string, words: WordSpace): readonly string[] {
  const parts = body.split(turn);
  const affirmed =
    parts.length > 1 && parts.length <= mostParts
      ? parts.filter((part) => !tokensOf(part, words).negated)
      : [];
  return affirmed.length < parts.length ? affirmed : [];
}

/** A statement without the tag that asks for a yes; a question, and a text without one, unchanged. */
const withoutTag = (text: string): string => (asksFirst.test(text) ? text : text.replace(tag, ""));

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
  { all, language }: Pick<Tokens, "all" | "language">,
  people: ReadonlySet<string>,
  before: readonly Reference[],
): Reference[] {
  const references: Reference[] = [];
  for (const [at, token] of all.entries()) {
    const isName =
      token.forms.some((form) => people.has(form)) ||
      (token.isCapital && at > 0 && token.forms.length > 0 && !token.isNumber);
    const startsAsName = at === 0 && token.isCapital && token.forms.length > 0;
    if (firstPerson[language]?.has(token.folded) || token.folded.startsWith("i'"))
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

/** Whether two sentences are of one talk. */
export const isBeside = ({ entry: a }: Sentence, { entry: b }: Sentence): boolean =>
  a.stream === b.stream && Math.abs(a.startSeconds - b.startSeconds) <= talkSeconds;

/** Whether a set of forms holds one of a word's. */
export const has = (holds: ReadonlySet<string>, forms: readonly string[]) =>
  forms.some((form) => holds.has(form));

/** Whether a word is a number, in digits or as a word. */
export const isNumeric = ({ isNumber, forms }: Token) =>
  isNumber || forms.some((form) => form.startsWith("n:"));

/**
 * Whether the first of two statements is later: by stream time within a stream and between streams whose clocks agree on
 * the day, otherwise by writing time.
 */
export function isLater(
  { sentence: a }: { sentence: Sentence },
  { sentence: b }: { sentence: Sentence },
): boolean {
  if (a.entry === b.entry) return a.place > b.place;
  if (a.entry.stream !== b.entry.stream && (a.clock.kind === "media" || a.clock.kind !== b.clock.kind))
    return a.entry.writtenAtMs > b.entry.writtenAtMs;
  return secondsOf(a) > secondsOf(b);
}

/** When a sentence begins, in seconds on its clock. */
function secondsOf({ clock, entry: { startSeconds } }: Sentence): number {
  return (clock.kind === "wall" ? clock.originMs / 1000 : 0) + startSeconds;
}
