/** What the name of a text file or the title of a track says: its language, and what its texts are for. */
import { basename, dirname, extname } from "node:path";
import { canonical } from "./languages.ts";

/** What texts are for: all that is said, the same for people who hear badly, remarks on the film, or only what is foreign in it. */
export type TextRole = "full" | "sdh" | "commentary" | "forced";

/** What a name says of its texts. */
export interface NameFacts {
  /** BCP 47 tag; `null` if the name has none. */
  readonly language: string | null;
  readonly role: TextRole;
}

const roles: readonly (readonly [RegExp, TextRole])[] = [
  [/^(forced|foreign|signs?|songs?|narrative)$/i, "forced"],
  [/^(commentary|commentaries|comments?|director)$/i, "commentary"],
  [/^(sdh|cc|hoh|hearing|impaired|hearingimpaired)$/i, "sdh"],
];
/** Words in names that say nothing of language or use. */
const plainWords =
  /^(subs?|subtitles?|captions?|default|full|auto|orig|original|track|text|dialog(ue)?|web|only|and|&|\d+)$/i;

/** Languages that subtitles come in, whose names are known as words: `German`, `Deutsch`. */
const tags =
  "en fr de es it pt nl sv da nb no fi is pl cs sk hu ro hr sr sl bg mk uk ru be el tr he ar fa ur hi bn ta te ml kn th vi id ms tl zh ja ko ka hy et lv lt sq ca eu gl cy ga pt-br zh-hans zh-hant es-419".split(
    " ",
  );
const languageWords = wordsOfLanguages();

function wordsOfLanguages(): ReadonlyMap<string, string> {
  const words = new Map<string, string>();
  const english = new Intl.DisplayNames(["en"], { type: "language", languageDisplay: "standard" });
  for (const tag of tags) {
    const own = new Intl.DisplayNames([tag], { type: "language" });
    for (const name of [english.of(tag), own.of(tag)]) if (name) words.set(name.toLowerCase(), tag);
  }
  for (const [word, tag] of Object.entries({
    ...{
      brazilian: "pt-br",
      latino: "es-419",
      castilian: "es",
      castellano: "es",
      mandarin: "zh",
      cantonese: "yue",
    },
    ...{ chs: "zh-hans", sc: "zh-hans", gb: "zh-hans", cht: "zh-hant", tc: "zh-hant", big5: "zh-hant" },
    ...{
      jp: "ja",
      cn: "zh",
      br: "pt-br",
      farsi: "fa",
      norwegian: "no",
      flemish: "nl",
      persian: "fa",
      简体: "zh-hans",
      繁體: "zh-hant",
    },
  }))
    words.set(word, tag);
  return words;
}

const isLanguage = new Intl.DisplayNames(["en"], { type: "language", fallback: "none" });
/** Tags that are everyday words where no dot sets them apart: `as-it-is.srt`. */
const everydayWords = new Set(
  "is it no so to am as or an my be he me us we in on at by do go of if the and for not you".split(" "),
);

/** The language a word stands for, as a tag, a code or a name; `null` if none. */
function languageOfWord(word: string, isApart: boolean): string | null {
  const named = languageWords.get(word.toLowerCase());
  if (named !== undefined) return named;
  if (!/^[a-z]{2,3}([-_]([a-z]{2,4}|\d{3})){0,2}$/i.test(word)) return null;
  const isCode = isApart && (word === word.toLowerCase() || word === word.toUpperCase());
  if (
    !isCode &&
    word
      .toLowerCase()
      .split(/[-_]/)
      .some((part) => everydayWords.has(part))
  )
    return null;
  const tag = canonical(word);
  return isLanguage.of(tag.split("-")[0]!) === undefined ? null : tag;
}

/** What words say, or `null` if one of them is about something else. The last language counts. */
function factsOf(words: readonly string[], isApart: boolean): NameFacts | null {
  let language = null as string | null;
  let role: TextRole = "full";
  for (const word of words.filter((each) => each !== "")) {
    const said = roles.find(([pattern]) => pattern.test(word))?.[1];
    // `hi` is Hindi, and after another language "hearing impaired".
    const isHearing: boolean = word.toLowerCase() === "hi" && language !== null;
    const tag: string | null = isHearing ? null : languageOfWord(word, isApart);
    if (said ?? (isHearing ? "sdh" : null)) role = stronger(role, said ?? "sdh");
    else if (tag !== null) language = language?.startsWith(`${tag}-`) ? language : tag;
    else if (!plainWords.test(word)) return null;
  }
  return { language, role };
}

const strength: readonly TextRole[] = ["full", "sdh", "commentary", "forced"];
const stronger = (a: TextRole, b: TextRole) => (strength.indexOf(b) > strength.indexOf(a) ? b : a);

/** What the words after a medium's name say; `null` if they make it the file of something else. */
export function factsBeside(name: string, stem: string): NameFacts | null {
  const rest = basename(name, extname(name)).slice(stem.length);
  if (!name.startsWith(stem) || !/^([._ ([-]|$)/.test(rest)) return null;
  const words = rest.split(/[. ()[\]]+/).flatMap(partsOf);
  const facts = factsOf(words, true);
  // Behind a dot any word may stand, and the file is the medium's all the same: `talk.final.srt`, but not `talk-2.srt`.
  if (rest === "")
    return { language: null, role: roles.find(([pattern]) => pattern.test(stem))?.[1] ?? "full" };
  if (rest.startsWith(".")) return facts ?? factsOfName(name);
  return facts !== null && (facts.language !== null || facts.role !== "full") ? facts : null;
}

/** A word with dashes, as one tag (`pt-BR`) or several words. */
function partsOf(word: string): string[] {
  return languageOfWord(word, true) !== null ? [word] : word.split(/[-_]+/);
}

/** What the end of a file's name says: `talk.German.forced.srt`, `captions_zh-cn.vtt`. */
export function factsOfName(path: string): NameFacts {
  const dotted = dottedOf(path);
  const known = dotted.slice(knownFrom(dotted)).flatMap(partsOf);
  const facts = factsOf(known, true) ?? { language: null, role: "full" };
  if (facts.language !== null || known.length > 0) return facts;
  const [, tail = ""] = /[_-]([a-z]{2,3}(?:-[a-z]{2,4})?)$/i.exec(dotted.at(-1) ?? "") ?? [];
  return { ...facts, language: languageOfWord(tail, false) };
}

/** A file's name without what tells language and use: the recording's. */
export function stemOf(path: string): string {
  const dotted = dottedOf(path);
  return dotted.slice(0, knownFrom(dotted)).join(".");
}

const dottedOf = (path: string) => basename(path, extname(path)).split(/ ?[.()[\]]+/);

/** Place of the first of the words at the end of a name that tell language and use; never the first word. */
function knownFrom(dotted: readonly string[]): number {
  let from = dotted.length;
  while (from > 1 && factsOf(partsOf(dotted[from - 1]!), true) !== null) from -= 1;
  return from;
}

/** What the title of a track says: `English (SDH)`, `Signs & Songs`. */
export function factsOfTitle(title: string): NameFacts {
  const words = title.split(/[^\p{L}\p{N}-]+/u);
  const found = words.map((word) => factsOf([word], false)).filter((facts) => facts !== null);
  return {
    language: found.find(({ language }) => language !== null)?.language ?? null,
    role: found.reduce<TextRole>((role, facts) => stronger(role, facts.role), "full"),
  };
}

/** The language tag in a file's name; `null` if there is none. */
export const languageOfName = (path: string): string | null => factsOfName(path).language;

/**
 * Whether a name says that its texts describe pictures: "descriptions", as HTML calls such tracks. "captions" does not: on
 * the web it means subtitles.
 */
export function isCaptionName(path: string): boolean {
  const folders = dirname(path).split(/[\\/]/).slice(-4).join("/");
  return /dense.?caption/i.test(`${folders}/${basename(path)}`) || /descriptions?[._]/i.test(basename(path));
}
