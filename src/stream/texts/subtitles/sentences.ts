/**
 * Sentences that go over several cues, as one utterance with one speaker.
 *
 * A sentence is joined where its cues follow closely, no one else starts to speak, and it ends within a few cues. What
 * does not end so soon stays as the cues have it. A cue in which one sentence ends and the next begins is parted there;
 * the time of the parting is estimated from the letters before it. Very long cues are parted into sentences too.
 */
import type { Fragment } from "./rolling.ts";

/** Something said, complete. */
export type Sentence = Fragment;

/** Longest pause inside a sentence, and the bounds of what is joined. */
const mostPauseSeconds = 1.5;
const mostSentenceSeconds = 25;
const mostSentenceLetters = 400;
const mostSentenceCues = 8;
/** A sentence without a full stop goes over no more further cues. */
const mostCuesWithoutEnd = 3;
/** A cue with more letters is parted into its sentences, or after this many letters. */
const mostCueLetters = 1000;

/** Takes fragments in time order and gives utterances. */
export class SentenceJoiner {
  /** Parts of a sentence that has not ended. */
  #open: Fragment[] = [];
  /** The whole sentences in front of the open part in its own cue; they belong together again if nothing is joined. */
  #head: Fragment | null = null;
  /** How many long cues were parted. */
  parted = 0;
  /** Of the cues that start with a capital, how many follow the end of a sentence; and the end of the last cue. */
  #seen = 0;
  #capitals = 0;
  #capitalsAfterEnd = 0;
  #hasLastEnded = true;
  #isLearned = false;

  /** When the first utterance starts that is not yet given; `null` if there is none. */
  get heldFrom(): number | null {
    return (this.#head ?? this.#open[0])?.startSeconds ?? null;
  }

  add(fragment: Fragment): Sentence[] {
    if (fragment.text.length > mostCueLetters) {
      this.parted += 1;
      return partsOf(fragment).flatMap((part) => this.#take(part));
    }
    return this.#take(fragment);
  }

  /** Learns from all fragments of a file how it writes sentences. */
  learn(fragments: readonly Fragment[]): void {
    for (const { text } of fragments) this.#see(text);
    this.#isLearned = true;
  }

  #see(text: string): void {
    this.#seen += 1;
    if (isCapital(text) && !isShouted(text)) {
      this.#capitals += 1;
      if (this.#hasLastEnded) this.#capitalsAfterEnd += 1;
    }
    this.#hasLastEnded = lastEndOf(text) === text.length;
  }

  /** Says that nothing starts before this moment any more. */
  advance(seconds: number): Sentence[] {
    const last = this.#open.at(-1);
    return last && seconds - last.endSeconds > mostPauseSeconds ? this.finish() : [];
  }

  finish(): Sentence[] {
    const [first, ...others] = this.#open;
    const head = this.#head;
    this.#open = [];
    this.#head = null;
    if (!first) return [];
    if (this.#isOneWithoutEnd(first, others)) return [...(head ? [head] : []), joined([first, ...others])];
    return head ? [joined([head, first]), ...others] : [first, ...others];
  }

  /** Whether a capital and the small letters after it tell a sentence, in a file that writes no full stops. */
  #isOneWithoutEnd(first: Fragment, others: readonly Fragment[]): boolean {
    if (others.length === 0 || others.length > mostCuesWithoutEnd || this.#capitals < this.#seen / 3)
      return false;
    return isCapital(first.text) && others.every(({ text }) => /^["'“‘(]*\p{Ll}/u.test(text));
  }

  #take(fragment: Fragment): Sentence[] {
    if (!this.#isLearned) this.#see(fragment.text);
    if (fragment.isBilingual) return [...this.finish(), fragment];
    const given = this.#open.length > 0 && !this.#continues(fragment) ? this.finish() : [];
    if (this.#open.length === 0) return [...given, ...this.#begin(fragment)];
    const end = endOf(fragment.text);
    if (end === null) {
      this.#open.push(fragment);
      return [...given, ...this.#shortened()];
    }
    const [last, rest] = parted(fragment, end);
    const sentence = joined([...this.#open, last]);
    given.push(...(this.#head ? [this.#head] : []), sentence);
    this.#open = [];
    this.#head = null;
    return rest === null ? given : [...given, ...this.#begin({ ...rest, isTurn: false })];
  }

  /** Takes a fragment that starts a sentence. What is complete in it is given or kept with the open rest. */
  #begin(fragment: Fragment): Sentence[] {
    const end = lastEndOf(fragment.text);
    if (end === fragment.text.length && !isSoft(fragment.text)) return [fragment];
    const [head, rest] =
      end === null || end === fragment.text.length ? [null, fragment] : parted(fragment, end);
    this.#head = head;
    this.#open = [rest!];
    return [];
  }

  /** Gives up the front of an open sentence that has become too long. */
  #shortened(): Sentence[] {
    const given: Sentence[] = [];
    while (this.#open.length > 1 && !isWithinBounds(this.#open)) {
      const [first, ...others] = this.#open;
      given.push(this.#head ? joined([this.#head, first!]) : first!);
      this.#head = null;
      this.#open = others;
    }
    return given;
  }

  #continues(next: Fragment): boolean {
    const last = this.#open.at(-1)!;
    const speaker = this.#open.find((part) => part.speaker !== null)?.speaker ?? null;
    if (next.startSeconds - last.endSeconds > mostPauseSeconds) return false;
    if (next.speaker !== null ? next.speaker !== speaker : next.isTurn) return false;
    if (last.language !== next.language) return false;
    if (isSoft(last.text)) return /^["'“‘(]*(?:\.\.|…|\p{Ll})/u.test(next.text);
    if (isShouted(last.text) && isShouted(next.text)) return true;
    if (startsLow(next.text) || /[,;:，、]$/u.test(last.text) || isCutShort(last.text)) return true;
    return this.#capitals >= 5 && this.#capitalsAfterEnd >= 0.75 * this.#capitals;
  }
}

function isWithinBounds(parts: readonly Fragment[]): boolean {
  const letters = parts.reduce((sum, { text }) => sum + text.length, 0);
  const seconds = parts.at(-1)!.startSeconds - parts[0]!.startSeconds;
  return parts.length <= mostSentenceCues && letters <= mostSentenceLetters && seconds <= mostSentenceSeconds;
}

/** Whether a text is all in capitals, which then say nothing. */
const isShouted = (text: string) => /\p{Lu}{2}/u.test(text) && text === text.toUpperCase();

const isCapital = (text: string) => /^["'“‘(]*\p{Lu}/u.test(text);

/** Whether a text may continue another: it starts with no capital. */
const startsLow = (text: string) => /^["'“‘(]*(?:\.\.|…|[\p{Ll}\p{Lo}\p{N}])/u.test(text);

/** Whether a text trails off or ends in initials: what follows may end the sentence or start another. */
const isSoft = (text: string) => /(?:\.\.|…|[-–—]|\p{L}\.\p{L}\.)["'”’)]*$/u.test(text.slice(-8));

/** Whether a text ends in a word that no sentence ends with, or in an abbreviation. */
const isCutShort = (text: string) => {
  const last = text.slice(text.lastIndexOf(" ") + 1).slice(-12);
  return last.endsWith(".") || neverLast.has(last);
};
const neverLast = new Set(
  "a an the of to in at on by for from with and or but my your our his her their its this that is are was were who which as".split(
    " ",
  ),
);

/** Before a name or a number these end no sentence. */
const titles = new Set("mr mrs ms dr prof st gen col lt sgt capt rev hon mt".split(" "));
const beforeNumbers = new Set("no nos vol fig ch pp".split(" "));
/** A run of marks is matched once and whole, so that a long one costs no more than its length. */
const sentenceEnd = /(?<![.!?…])[.!?…]+(?![.!?…])["'”’»)\]]*(?=\s|$)|(?<![。！？])[。！？]+["'”’」』）]*/gu;

/** Places after which a sentence ends in a text. */
function* endsOf(text: string): Generator<number> {
  for (const match of text.matchAll(sentenceEnd)) {
    const at = match.index;
    const end = at + match[0].length;
    const before = /[\p{L}.]{1,12}$/u.exec(text.slice(Math.max(0, at - 12), at))?.[0] ?? "";
    const after = text.slice(end, end + 4).trimStart();
    // Initials and `U.S.` end a sentence only where nothing follows: `George W. Bush`, `plan B.`
    const isShort = after !== "" && before !== "I" && /^\p{L}(?:\.\p{L})*$/u.test(before);
    const word = before.toLowerCase();
    const isShortened = isShort || titles.has(word) || (beforeNumbers.has(word) && /^\d/.test(after));
    if (match[0] === "." && isShortened) continue;
    if (after === "" || !/^["'“‘(¿¡]*\p{Ll}/u.test(after)) yield end;
  }
}

function endOf(text: string): number | null {
  for (const end of endsOf(text)) return end;
  return null;
}

function lastEndOf(text: string): number | null {
  let last: number | null = null;
  for (const end of endsOf(text)) last = end;
  return last;
}

/** A fragment in two, with the time between estimated from the letters. */
function parted(fragment: Fragment, at: number): [Fragment, Fragment | null] {
  const { startSeconds, endSeconds, text } = fragment;
  const rest = text.slice(at).trim();
  if (rest === "") return [fragment, null];
  const middle = startSeconds + ((endSeconds - startSeconds) * at) / text.length;
  const seconds = Math.round(middle * 1000) / 1000;
  return [
    { ...fragment, endSeconds: seconds, text: text.slice(0, at).trim() },
    { ...fragment, startSeconds: seconds, text: rest },
  ];
}

function joined(parts: readonly Fragment[]): Fragment {
  const [first] = parts;
  const text = parts
    .reduce((all, part) => all + (isSpaceless(all, part.text) ? "" : " ") + part.text, "")
    .trim();
  return {
    ...first!,
    endSeconds: Math.max(...parts.map(({ endSeconds }) => endSeconds)),
    speaker: parts.find(({ speaker }) => speaker !== null)?.speaker ?? null,
    text,
  };
}

/** Chinese, Japanese and Thai have no blanks between words. */
const unspaced = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}、。，]/u;
const isSpaceless = (before: string, after: string) =>
  unspaced.test(before.at(-1) ?? "") && unspaced.test(after[0] ?? "");

/** A long cue as its sentences; one without ends is cut between words. */
function partsOf(fragment: Fragment): Fragment[] {
  const parts: Fragment[] = [];
  let start = 0;
  const { text, startSeconds, endSeconds } = fragment;
  const at = (place: number) =>
    Math.round((startSeconds + ((endSeconds - startSeconds) * place) / text.length) * 1000) / 1000;
  const cut = (end: number) => {
    const part = text.slice(start, end).trim();
    if (part !== "")
      parts.push({
        ...fragment,
        startSeconds: at(start),
        endSeconds: at(end),
        text: part,
        isTurn: fragment.isTurn && start === 0,
      });
    start = end;
  };
  for (const end of [...endsOf(text), text.length]) {
    while (end - start > mostSentenceLetters) {
      const space = text.slice(start, start + mostSentenceLetters).lastIndexOf(" ");
      cut(start + (space > 0 ? space : mostSentenceLetters));
    }
    cut(end);
  }
  return parts;
}
