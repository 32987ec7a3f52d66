/**
 * Rolling captions: each word once, at the time it first appears.
 *
 * Automatic and live captions show what was said before together with what is new: line by line, word by word, or as a
 * window that moves over the words. What a cue repeats from the end of the cue before it is dropped, if it can only be
 * a repetition on the screen: the two touch in time, and the words that come again are many, or stand for a file that
 * rolls, or could not be spoken in the time. Anything else said twice was said twice.
 */

/** Something said in one cue by one speaker. */
export interface Said {
  readonly speaker: string | null;
  readonly isTurn: boolean;
  readonly lines: readonly string[];
  readonly language: string | null;
  /** Whether it says the same in two languages. */
  readonly isBilingual: boolean;
}

/** A cue as said. */
export interface SaidCue {
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly said: readonly Said[];
  /** Its text with markup: words that come again in another style are shown again, not said. */
  readonly markup: string;
}

/** Something said that was not shown before. */
export interface Fragment extends Omit<Said, "lines"> {
  readonly startSeconds: number;
  endSeconds: number;
  text: string;
}

interface Word {
  /** As compared: lower case, letters and numbers only. */
  readonly key: string;
  readonly text: string;
  /** What stands before it: nothing between characters of Chinese, Japanese and Thai. */
  readonly space: string;
  readonly startsLine: boolean;
  /** Place of its speaker in the cue. */
  readonly part: number;
  readonly speaker: string | null;
}

const unspaced = String.raw`\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}`;
const wordPattern = new RegExp(
  `(\\s*)([${unspaced}][\\p{M}\\p{Lm}]*[^\\p{L}\\p{N}\\s]*|[^\\s${unspaced}]+)`,
  "gu",
);

function wordsOf({ said }: SaidCue): Word[] {
  return said.flatMap(({ speaker, lines }, part) =>
    lines.flatMap((line) =>
      Array.from(line.matchAll(wordPattern), ([, space = "", text = ""], i) => ({
        key: text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "") || text,
        ...{ text, space: i === 0 ? " " : space && " ", startsLine: i === 0, part, speaker },
      })),
    ),
  );
}

/** Words compared between two cues, and the least time between letters that are spoken. */
const mostCompared = 80;
const mostLettersPerSecond = 25;

/** How much two cues share: the last `count` words of one are the first of the next. */
interface Overlap {
  readonly count: number;
  /** Whether it starts a line of the first and is followed by a new line, or by nothing, in the second. */
  readonly isAligned: boolean;
  /** Whether the last shared word continues in the second: `th` → `this`. */
  readonly isPartWord: boolean;
}

function overlapOf(before: readonly Word[], after: readonly Word[]): Overlap {
  const most = Math.min(before.length, after.length);
  // All of the shorter one, of any length; less than that only of the words near the edge.
  for (let count = most; count > 0; count = Math.min(count - 1, mostCompared)) {
    const from = before.length - count;
    // Only what grows as a whole may grow inside a word.
    const mayGrow = from === 0 && count === before.length;
    let i = 0;
    while (i < count && isSame(before[from + i]!, after[i]!)) i += 1;
    const isPartWord = i === count - 1 && mayGrow && after[i]!.key.startsWith(before[from + i]!.key);
    if (i < count && !isPartWord) continue;
    const next = after[count];
    const isAligned = before[from]!.startsLine && (next === undefined || next.startsLine) && !isPartWord;
    return { count, isAligned, isPartWord };
  }
  return { count: 0, isAligned: false, isPartWord: false };
}

const isWordForWord = (a: readonly Word[], b: readonly Word[]) =>
  a.length === b.length && a.every(({ text }, i) => text === b[i]!.text);

const isSame = (a: Word, b: Word) =>
  a.key === b.key && (a.speaker === b.speaker || a.speaker === null || b.speaker === null);

/** Weight of words: a character of an unspaced script is half a word; a word said twice counts once. */
function weightOf(words: readonly Word[]): number {
  return [...new Set(words.map(({ key }) => key))].reduce(
    (sum, key) => sum + (/^[\p{L}]$/u.test(key) && key > "\u0e00" ? 0.5 : 1),
    0,
  );
}

/** Whether a second cue has the end of the first as it was written: `say?` continues in `say? Why?`, not in `say to him?`. */
const isSaidOut = (before: readonly Word[], after: readonly Word[]) =>
  after[before.length - 1]!.text.startsWith(before.at(-1)!.text);

const lettersOf = (words: readonly Word[]) => words.reduce((sum, { text }) => sum + text.length, 0);
const endsSentence = (words: readonly Word[]) => /[.!?。！？]["'”’)]*$/u.test(words.at(-1)?.text ?? "");

/** Longest time between a cue and one that repeats it. Seconds. */
const mostGapSeconds = { usual: 0.5, rolling: 1 };
/** What is shown no longer is a change of the picture, nothing said. Seconds. */
const leastShownSeconds = 0.15;
/** A line that grows further starts another. Letters. */
const mostLineLetters = 300;

/** So many pairs of cues tell whether a track rolls. */
const mostPairs = 24;

/** Takes cues in time order and gives what each says that was not shown before. */
export class RollingCaptions {
  #before: { cue: SaidCue; words: Word[] } | null = null;
  /** What was said last, while the next cue may still add to it. */
  #last: Fragment | null = null;
  /** Of pairs of cues that touch, whether the second repeats the first: beyond doubt, or by whole lines. */
  readonly #pairs: ("sure" | "likely" | "other")[] = [];
  #rolls: boolean | null = null;
  readonly #lasts: boolean;

  /** @param lasts whether only the last cues tell whether the track rolls, as of one that comes in */
  constructor(lasts = true) {
    this.#lasts = lasts;
  }

  /** Says whether the file is known to roll. */
  settle(rolls: boolean): void {
    this.#rolls = rolls;
  }

  /** When the fragment starts that is not yet given; `null` if there is none. */
  get heldFrom(): number | null {
    return this.#last?.startSeconds ?? null;
  }

  /** Whether so many cues repeat the one before them that others can be taken to do so. */
  get rolls(): boolean {
    if (this.#rolls !== null) return this.#rolls;
    const sure = this.#pairs.filter((kind) => kind === "sure").length;
    const likely = this.#pairs.filter((kind) => kind !== "other").length;
    const all = this.#pairs.length;
    return (sure >= 3 && sure >= all / 4) || (likely >= 4 && likely >= 0.6 * all);
  }

  add(cue: SaidCue): Fragment[] {
    const words = wordsOf(cue);
    if (words.length === 0) return [];
    const before = this.#before;
    const isTwice = before !== null && isDuplicate(before.cue, cue, before.words, words);
    if (isTwice) return [];
    const shared = before === null ? null : this.#repetition(before.cue, cue, before.words, words);
    this.#before = { cue, words };
    const rest = words.slice(shared?.count ?? 0);
    const last = this.#last;
    if (shared && last && rest.length === 0 && !shared.isPartWord) {
      last.endSeconds = Math.max(last.endSeconds, cue.endSeconds);
      return [];
    }
    if (shared?.isPartWord && last)
      last.text = last.text.slice(0, last.text.lastIndexOf(" ") + 1) + words[shared.count - 1]!.text;
    const fragments = this.#fragmentsOf(cue, rest);
    const [first] = fragments;
    const continues =
      shared &&
      last &&
      first &&
      !rest[0]!.startsLine &&
      last.text.length < mostLineLetters &&
      !first.isBilingual;
    if (continues) {
      last.text += rest[0]!.space + first.text;
      last.endSeconds = Math.max(last.endSeconds, cue.endSeconds);
      fragments.shift();
    } else if (shared?.isPartWord && last) last.endSeconds = Math.max(last.endSeconds, cue.endSeconds);
    const all = [...(last ? [last] : []), ...fragments];
    this.#last = all.pop() ?? null;
    return all;
  }

  /** Says that no cue starts before this moment any more. */
  advance(seconds: number): Fragment[] {
    const end = this.#before?.cue.endSeconds ?? 0;
    return seconds - end > mostGapSeconds.rolling ? this.finish() : [];
  }

  finish(): Fragment[] {
    const last = this.#last;
    this.#last = null;
    return last ? [last] : [];
  }

  #fragmentsOf({ startSeconds, endSeconds, said }: SaidCue, words: readonly Word[]): Fragment[] {
    const texts = new Map<number, string>();
    for (const { part, space, text } of words) texts.set(part, (texts.get(part) ?? "") + space + text);
    return Array.from(texts, ([part, text]) => {
      const { lines: _, ...about } = said[part]!;
      return { startSeconds, endSeconds, ...about, text: text.trim() };
    });
  }

  /** What a cue repeats of the one before it, or `null` if it says all of it again. */
  #repetition(a: SaidCue, b: SaidCue, before: readonly Word[], after: readonly Word[]): Overlap | null {
    const gap = b.startSeconds - a.endSeconds;
    if (gap > mostGapSeconds.rolling || b.startSeconds <= a.startSeconds) return null;
    const shared = overlapOf(before, after);
    const words = after.slice(0, shared.count);
    const weight = weightOf(words);
    const isWhole = shared.count === Math.max(before.length, after.length);
    const isLikely = shared.count > 0 && !isWhole && shared.isAligned;
    this.#pairs.push(weight >= 3 && !isWhole ? "sure" : isLikely ? "likely" : "other");
    if (this.#lasts && this.#pairs.length > mostPairs) this.#pairs.shift();
    const { rolls } = this;
    if (shared.count === 0 || gap > (rolls ? mostGapSeconds.rolling : mostGapSeconds.usual)) return null;
    return this.#isRepetition(a, b, before, after, shared, weight, rolls) ? shared : null;
  }

  #isRepetition(
    a: SaidCue,
    b: SaidCue,
    before: readonly Word[],
    after: readonly Word[],
    { count, isAligned, isPartWord }: Overlap,
    weight: number,
    rolls: boolean,
  ): boolean {
    const shown = (cue: SaidCue) => cue.endSeconds - cue.startSeconds;
    if (isPartWord && count === 1) return rolls || shown(a) <= 0.5;
    if (rolls && (isAligned || count === before.length || weight >= 2)) return true;
    const isTooFast = ({ cue, words }: { cue: SaidCue; words: readonly Word[] }) =>
      shown(cue) <= leastShownSeconds || lettersOf(words) > mostLettersPerSecond * shown(cue);
    if (count === after.length) {
      const isHeld = isTooFast({ cue: b, words: after }) || isTooFast({ cue: a, words: before });
      const isRestyled = isWordForWord(before, after) && a.markup !== b.markup;
      return isHeld || isRestyled || (count < before.length && isAligned && weight >= 4);
    }
    const isOpen = !endsSentence(before);
    if (count === before.length)
      return isOpen || (isSaidOut(before, after) && (weight >= 4 || (isAligned && weight >= 2)));
    const lines = before.slice(-count).filter(({ startsLine }) => startsLine).length;
    if (isAligned && lines >= 2) return true;
    return isAligned ? weight >= (isOpen ? 3 : 4) : weight >= (isOpen ? 3 : 5);
  }
}

/** The same text at the same time: layers of one line, or a cue in two segments. */
function isDuplicate(a: SaidCue, b: SaidCue, before: readonly Word[], after: readonly Word[]): boolean {
  return (
    Math.abs(a.startSeconds - b.startSeconds) < 0.02 &&
    Math.abs(a.endSeconds - b.endSeconds) < 0.02 &&
    before.length === after.length &&
    before.every((word, i) => isSame(word, after[i]!))
  );
}

/** Utterances that are taken as they are, but for what one repeats from the end of the one before it. */
export function withoutRepeats<T extends Utterance>(utterances: readonly T[]): T[] {
  const rolling = new RollingCaptions();
  const origins = new Map<string, T>();
  const fragments = utterances.flatMap((utterance) => {
    const { startSeconds, endSeconds, text, speaker, language = null } = utterance;
    const said = { speaker, isTurn: false, lines: [text], language, isBilingual: false };
    origins.set(`${startSeconds} ${speaker}`, utterance);
    return rolling.add({ startSeconds, endSeconds, said: [said], markup: text });
  });
  return [...fragments, ...rolling.finish()].map(({ startSeconds, endSeconds, text, speaker }) => ({
    ...origins.get(`${startSeconds} ${speaker}`)!,
    ...{ endSeconds, text },
  }));
}

interface Utterance {
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly text: string;
  readonly speaker: string | null;
  readonly language?: string | null;
}
