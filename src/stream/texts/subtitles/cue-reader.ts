/**
 * Timed texts → cues: each word once, each sentence whole, each with its speaker and language, without sound tags.
 *
 * It takes texts in time order and gives cues as soon as nothing that follows can change them: within half a minute of
 * stream time. What a file shows of its own habits (does it roll, how does it name its speakers, is it a song) is told
 * from all its texts where they are known, otherwise from those that came.
 */

import { inTwoLanguages } from "../../../util/two-languages.ts";
import type { Cue } from "../../clip.ts";
import { guessLatin, inLanguages, languageOfScript, type Script, scriptOf } from "../languages.ts";
import { linesOf, type Piece, piecesOf } from "./pieces.ts";
import { type Fragment, RollingCaptions, type Said, type SaidCue } from "./rolling.ts";
import { SentenceJoiner } from "./sentences.ts";
import { withoutSongs } from "./sounds.ts";
import { SpeakerHabits } from "./speakers.ts";
import type { TimedText } from "./timed-text.ts";

/** What the texts are, and which are wanted. */
export interface CueReaderOptions {
  readonly kind: Cue["kind"];
  readonly origin: Cue["origin"];
  /** BCP 47 tag of the texts, if known. */
  readonly language: string | null;
  /** Languages to keep, as BCP 47 tags. @default all */
  readonly languages?: readonly string[];
  /** Of a file that grew: whether an earlier run read a text. What came since is not joined to it. @default none */
  readonly wasRead?: ((text: TimedText) => boolean) | undefined;
  /** Whether each text is already one utterance, as in rows: only what rolls is joined. @default false */
  readonly isUttered?: boolean;
}

/** Longest pause after which a voice continues without being named again, in seconds. */
const mostVoicePauseSeconds = 3;

/** Reads the texts of one track. */
export class CueReader {
  readonly #options: CueReaderOptions;
  readonly #names = new SpeakerHabits();
  readonly #sentences = new SentenceJoiner();
  readonly #rolling = new RollingCaptions();
  #knowsHabits = false;
  #sung = 0;
  #spoken = 0;
  /** The languages of first and second lines, where both are written in Latin letters. */
  #lineLanguages: readonly [string, string] | null = null;
  /** Whether cues at equal times say the same in two languages, both in Latin letters. */
  #areTwins = false;
  /** A cue that waits for a twin in another language. */
  #waiting: SaidCue | null = null;
  #ready: Cue[] = [];
  /** Whether the texts name voices (`<v Ana>`): then a cue without one is said by the voice before it. */
  #namesVoices = false;
  #lastVoice: { readonly speaker: string; readonly endSeconds: number } | null = null;

  constructor(options: CueReaderOptions) {
    this.#options = options;
  }

  /** All cues of texts that are known from the start, and what is to be said of them. */
  static readAll(
    texts: readonly TimedText[],
    options: CueReaderOptions,
  ): { cues: Cue[]; problems: string[] } {
    const reader = new CueReader(options);
    const inOrder = texts.toSorted((a, b) => a.startSeconds - b.startSeconds);
    const read = inOrder.filter((text) => options.wasRead?.(text));
    const since = read.length === 0 ? inOrder : inOrder.filter((text) => !options.wasRead!(text));
    for (const part of [read, since]) {
      // What was read before is read as it was then.
      reader.#learn(part === read ? read : inOrder);
      for (const text of part) reader.add(text);
      reader.finish();
    }
    const cues = reader.take().sort((a, b) => a.startSeconds - b.startSeconds);
    return { cues, problems: reader.#problems() };
  }

  /** When the first cue starts that is not yet given; `null` if none is held. */
  get heldFrom(): number | null {
    const held = [this.#sentences.heldFrom, this.#rolling.heldFrom, this.#waiting?.startSeconds ?? null];
    const starts = held.filter((seconds) => seconds !== null);
    return starts.length === 0 ? null : Math.min(...starts);
  }

  add(text: TimedText): void {
    if (!this.#knowsHabits) this.#see(text);
    const cue = { ...spanOf(text), said: this.#saidIn(text), markup: text.text };
    const waiting = this.#waiting;
    if (waiting && isTwin(waiting, cue, this.#areTwins)) {
      this.#waiting = { ...waiting, said: [bilingual([waiting.said[0]!, cue.said[0]!])] };
      return;
    }
    this.#waiting = cue;
    if (waiting) this.#pass(waiting);
  }

  /** Says that no text starts before this moment any more. */
  advance(seconds: number): void {
    if (this.#waiting && seconds > this.#waiting.startSeconds) {
      this.#pass(this.#waiting);
      this.#waiting = null;
    }
    this.#join(this.#rolling.advance(Math.min(seconds, this.#waiting?.startSeconds ?? seconds)));
    // What is still held before it may continue a sentence.
    const held = [this.#rolling.heldFrom, this.#waiting?.startSeconds ?? null];
    this.#give(this.#sentences.advance(Math.min(seconds, ...held.map((from) => from ?? seconds))));
  }

  finish(): void {
    if (this.#waiting) this.#pass(this.#waiting);
    this.#waiting = null;
    this.#join(this.#rolling.finish());
    this.#give(this.#sentences.finish());
  }

  /** The complete cues, in the order of their ends. */
  take(): Cue[] {
    const ready = this.#ready;
    this.#ready = [];
    return ready;
  }

  /** Learns the habits of a whole file. */
  #learn(texts: readonly TimedText[]): void {
    this.#sung = 0;
    this.#spoken = 0;
    for (const text of texts) this.#see(text);
    const trial = new RollingCaptions(false);
    const fragments = texts.flatMap((text) =>
      trial.add({ ...spanOf(text), said: this.#saidIn(text), markup: text.text }),
    );
    this.#sentences.learn(fragments);
    this.#rolling.settle(trial.rolls);
    this.#lineLanguages = lineLanguagesOf(texts);
    this.#areTwins = this.#lineLanguages === null && areLatinTwins(texts);
    this.#knowsHabits = true;
  }

  #see(text: TimedText): void {
    const lines = linesOf(text.text).map((line) => line.replace(/^[-–—]\s*/u, ""));
    if (lines.length === 0) return;
    this.#names.see(lines);
    this.#namesVoices ||= /<v[ .\t]/.test(text.text);
    if (withoutSongs(lines).length === 0) this.#sung += 1;
    else this.#spoken += 1;
  }

  get #isSong(): boolean {
    return this.#sung >= 3 && this.#sung >= this.#spoken;
  }

  #saidIn(text: TimedText): Said[] {
    const pieces = piecesOf(text, {
      names: this.#names,
      dropsSounds: this.#options.kind === "speech" && this.#options.isUttered !== true,
      keepsSongs: this.#isSong,
    });
    const { language = this.#options.language } = text;
    const languages = this.#options.languages ?? [];
    const [only] = pieces;
    if (this.#lineLanguages && pieces.length === 1 && only!.lines.length === 2) {
      const said = only!.lines.map((line, i) =>
        saidBy({ ...only!, lines: [line] }, this.#lineLanguages![i]!),
      );
      const wanted = inLanguages(said, languages);
      return wanted.length === 2 ? [bilingual(said as [Said, Said])] : [...wanted];
    }
    return pairedByLanguage(pieces, language, languages);
  }

  #pass(cue: SaidCue): void {
    if (this.#options.kind === "speech") this.#join(this.#rolling.add(cue));
    else
      for (const { lines, ...said } of cue.said)
        this.#give([{ ...spanOf(cue), ...said, text: lines.join(" ") }]);
  }

  #join(fragments: readonly Fragment[]): void {
    for (const fragment of fragments)
      this.#give(this.#options.isUttered ? [fragment] : this.#sentences.add(fragment));
  }

  #give(sentences: readonly Fragment[]): void {
    const { kind, origin } = this.#options;
    for (const sentence of sentences) {
      const { startSeconds, endSeconds, text, language } = sentence;
      const speaker = sentence.speaker ?? this.#voiceOf(sentence);
      this.#lastVoice = speaker === null ? null : { speaker, endSeconds };
      this.#ready.push({ startSeconds, endSeconds, text, speaker, kind, origin, language });
    }
  }

  /** The voice that continues in a sentence without one: captions name a voice where it begins to speak. */
  #voiceOf({ startSeconds, isTurn }: Fragment): string | null {
    const last = this.#lastVoice;
    const { kind, isUttered } = this.#options;
    if (!last || !this.#namesVoices || isTurn || kind !== "speech" || isUttered === true) return null;
    return startSeconds - last.endSeconds <= mostVoicePauseSeconds ? last.speaker : null;
  }

  #problems(): string[] {
    const problems: string[] = [];
    const { parted } = this.#sentences;
    if (parted > 0)
      problems.push(
        `${parted === 1 ? "One very long cue is" : `${parted} very long cues are`} cut into sentences, whose times are estimated.`,
      );
    if (this.#sung > 0 && !this.#isSong && this.#options.kind === "speech")
      problems.push(
        `${this.#sung} ${this.#sung === 1 ? "cue that is" : "cues that are"} only sung (♪) are not remembered.`,
      );
    return problems;
  }
}

const spanOf = ({ startSeconds, endSeconds }: { startSeconds: number; endSeconds: number }) => ({
  startSeconds,
  endSeconds,
});

/**
 * The pieces of a cue as said. A cue that says the same in two languages, told by their scripts, says it once, with
 * both; of languages that are not wanted nothing is left.
 */
function pairedByLanguage(
  pieces: readonly Piece[],
  language: string | null,
  languages: readonly string[],
): Said[] {
  const scripts = [...new Set(pieces.map(({ script }) => script).filter((script) => script !== null))];
  const isJapanese = scripts.length === 2 && scripts.includes("ja") && scripts.includes("zh");
  const isOne = scripts.length < 2 || isJapanese;
  const said = pieces.map((piece) => saidBy(piece, languageOfScript(piece.script, language, !isOne)));
  if (isOne) return [...inLanguages(said, languages)];
  // What a second line translates is said by the speaker of the first.
  for (const [i, part] of said.entries())
    if (i > 0 && part.speaker === null) said[i] = { ...part, speaker: said[i - 1]!.speaker };
  const wanted = new Set(inLanguages(said, languages));
  const of = (script: Script) =>
    said.filter((part, i) => wanted.has(part) && (pieces[i]!.script ?? scripts[0]) === script);
  const [first, second] = [of(scripts[0]!), of(scripts[1]!)];
  if (scripts.length > 2 || first.length !== second.length) return [...wanted];
  return first.map((part, i) => bilingual([part, second[i]!]));
}

const saidBy = ({ speaker, isTurn, lines }: Piece, language: string | null): Said => ({
  ...{ speaker, isTurn, lines, language },
  isBilingual: false,
});

/** One thing said in two languages. A name in Latin letters is the speaker's, if there is one. */
function bilingual([a, b]: readonly [Said, Said]): Said {
  const inLatin = [a, b].find(({ speaker }) => /\p{Script=Latin}/u.test(speaker ?? ""));
  return {
    speaker: inLatin?.speaker ?? a.speaker ?? b.speaker,
    isTurn: a.isTurn || b.isTurn,
    lines: [inTwoLanguages(a.lines.join(" "), b.lines.join(" "))],
    language: null,
    isBilingual: true,
  };
}

const isSameTime = (a: { startSeconds: number; endSeconds: number }, b: typeof a) =>
  Math.abs(a.startSeconds - b.startSeconds) < 0.1 && Math.abs(a.endSeconds - b.endSeconds) < 0.1;

/** Whether two cues at the same time say the same in two languages. */
function isTwin(a: SaidCue, b: SaidCue, areTwins: boolean): boolean {
  const [first, second] = [a.said[0], b.said[0]];
  if (!first || !second || a.said.length + b.said.length > 2 || !isSameTime(a, b)) return false;
  if (first.isBilingual || second.isBilingual) return false;
  if (first.language !== null && second.language !== null && first.language !== second.language) return true;
  const scripts = [first, second].map(({ lines }) => scriptOf(lines.join(" ")));
  return scripts[0] !== scripts[1] ? !scripts.includes(null) : areTwins;
}

/** Fewer lines do not show a habit. */
const leastPairs = 2;

/** The languages of first and second lines in a file of cues of two lines; `null` if they are one language. */
function lineLanguagesOf(texts: readonly TimedText[]): [string, string] | null {
  const pairs = texts.map(({ text }) => linesOf(text)).filter(({ length }) => length === 2);
  return pairs.length >= 0.6 * texts.length ? twoLanguages(pairs as [string, string][]) : null;
}

function areLatinTwins(texts: readonly TimedText[]): boolean {
  const pairs: [string, string][] = [];
  for (let i = 1; i < texts.length; i++) {
    const isPair =
      isSameTime(texts[i - 1]!, texts[i]!) && !(texts[i + 1] && isSameTime(texts[i]!, texts[i + 1]!));
    if (isPair) pairs.push([texts[i - 1]!.text, texts[i]!.text]);
  }
  return pairs.length >= 0.4 * (texts.length / 2) && twoLanguages(pairs) !== null;
}

function twoLanguages(pairs: readonly (readonly [string, string])[]): [string, string] | null {
  if (pairs.length < leastPairs) return null;
  const [first, second] = [0, 1].map((i) => guessLatin(pairs.map((pair) => pair[i]!).join("\n")));
  return first && second && first !== second ? [first, second] : null;
}
