/** Who speaks, as a line says itself: `Jake: …`, `- MARY: …`, `(JOHN) …`, `li wei: …` where a file is written so. */
import { nameInTag } from "./sounds.ts";

/** Words before a colon that are no speaker. Lower case. */
const noNames = new Set(
  (
    "note notes warning caution tip hint hints example examples question answer chapter part section step scene act " +
    "today tomorrow yesterday update remember attention important problem solution result results summary subtitle " +
    "subtitles translation translated transcript caption captions reminder ps re subject title time date place " +
    "location address source sources credit credits copyright http https www first second third finally next then " +
    "also plus warning error fact facts listen look see wait conclusion introduction topic agenda option options"
  ).split(" "),
);
const word = String.raw`[\p{L}\p{M}\p{N}_'’.#-]*`;
const namePattern = new RegExp(
  `^(?:>>+\\s*)?(\\p{Lu}${word}(?: [\\p{Lu}\\p{N}#]${word}){0,2}|\\p{Lu}[\\p{Lu}\\p{N}.'’#-]*(?: [\\p{Lu}\\p{N}.'’#&-]+){3,5})` +
    String.raw`(?:\s*[([][^)\]]{1,30}[)\]])?\s*[:：](?!//)\s*(.*)$`,
  "u",
);

/** Names of a file that only its pattern tells, and the tags that stand for speakers in it. */
export interface NameHabits {
  /** Whether a text before a colon is a speaker in this file. */
  readonly isName: (prefix: string) => boolean;
  /** Whether a text in brackets before a line is a speaker in this file. */
  readonly isTagName: (tag: string) => boolean;
}

const noHabits: NameHabits = { isName: () => false, isTagName: () => false };

/** Longest start of a line in which a speaker is looked for. */
const headLength = 100;

/**
 * A speaker named before a line: `Jake: …`, `NAR: …`, `>> DR. SMITH: …`, `Speaker 2: …`, `[John] …`.
 *
 * A speaker is one to three capitalised words of at most 30 characters, or what the file's habits tell. Words such as
 * "Note" and times such as "10:30" are no speakers.
 */
export function splitSpeaker(
  line: string,
  habits: NameHabits = noHabits,
): { speaker: string | null; rest: string } {
  const head = line.slice(0, headLength);
  const tag = /^(?:>>+\s*)?\[([^[\]]{1,40})\]:?\s*/.exec(head);
  const tagged = tag ? nameInTag(tag[1]!, habits.isTagName) : null;
  if (tag && tagged !== null) return { speaker: tagged, rest: line.slice(tag[0].length) };
  const prefix = prefixOf(head);
  if (prefix !== null && habits.isName(prefix.name)) {
    return { speaker: prefix.name, rest: line.slice(prefix.length).trimStart() };
  }
  const match = namePattern.exec(head);
  const name = match?.[1] ?? "";
  const [firstWord = ""] = name.toLowerCase().split(/[ .]/);
  if (!match || name.length > 30 || noNames.has(firstWord)) {
    return { speaker: null, rest: line.replace(/^>>+\s*/, "") };
  }
  return { speaker: name, rest: match[2]! + line.slice(headLength) };
}

/** What stands before the first colon of a line, if it may be a name: at most five words, no sentence, no time. */
function prefixOf(head: string): { name: string; length: number } | null {
  const match = /^(?:>>+\s*)?([^:：]{2,40})[:：](?!\/\/|\d)/u.exec(head);
  if (!match) return null;
  const name = match[1]!.replace(/\s*[([][^)\]]{1,30}[)\]]\s*$/, "").trim();
  const words = name.split(" ");
  const isSentence = words.length > 5 || /[.!?…;]\s/.test(name.replace(/\b\p{L}{1,3}\.\s/gu, ""));
  if (isSentence || !/\p{L}/u.test(name) || noNames.has(words[0]!.toLowerCase())) return null;
  return { name, length: match[0].length };
}

/** Learns from the lines of a file how it names its speakers. */
export class SpeakerHabits implements NameHabits {
  readonly #prefixes = new Map<string, number>();
  readonly #tags = new Map<string, number>();
  #cues = 0;
  #prefixed = 0;

  /** Takes the lines of one cue, without markup and dashes. */
  see(lines: readonly string[]): void {
    if (lines.length === 0) return;
    this.#cues += 1;
    const prefixes = lines.map((line) => prefixOf(line.slice(0, headLength))).filter((name) => name !== null);
    if (prefixes.length > 0) this.#prefixed += 1;
    for (const { name } of prefixes) count(this.#prefixes, name);
    for (const line of lines) {
      const tag = /^[[(]([^[\]()]{2,30})[\])]\s*[\p{L}\p{N}"“¿¡]/u.exec(line.slice(0, headLength));
      if (tag) count(this.#tags, tag[1]!.trim());
    }
  }

  /** A file in which half the cues start so means speakers by it; otherwise a name must come back often. */
  isName = (prefix: string): boolean => {
    const n = this.#prefixes.get(prefix) ?? 0;
    const isTranscript = this.#cues >= 2 && this.#prefixed >= this.#cues / 2;
    return n > 0 && (isTranscript || (n >= 3 && n >= this.#cues / 20));
  };

  isTagName = (tag: string): boolean => (this.#tags.get(tag) ?? 0) >= 2 || this.#prefixes.has(tag);
}

function count(counts: Map<string, number>, key: string): void {
  if (counts.size < 10_000 || counts.has(key)) counts.set(key, (counts.get(key) ?? 0) + 1);
}
