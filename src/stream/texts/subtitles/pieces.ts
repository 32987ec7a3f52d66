/** What one cue says: one piece for each voice, dialogue dash, named speaker and language. */
import type { Script } from "../languages.ts";
import { scriptOf } from "../languages.ts";
import { cleanLine, voicesOf } from "./markup.ts";
import { nameInTag, saysSomething, withoutNotes, withoutSongs, withoutTags } from "./sounds.ts";
import { type NameHabits, splitSpeaker } from "./speakers.ts";
import type { TimedText } from "./timed-text.ts";

/** A spoken or written part of a cue. */
export interface Piece {
  readonly speaker: string | null;
  /** Whether the cue says that someone starts to speak here: by a voice, a dash or a name. */
  readonly isTurn: boolean;
  readonly lines: string[];
  script: Script;
}

/** How the texts of a file are read. */
export interface PieceOptions {
  readonly names: NameHabits;
  /** Whether sound tags are dropped: in subtitles of speech, not in captions of pictures. */
  readonly dropsSounds: boolean;
  /** Whether sung lines are kept: where the file is a song. */
  readonly keepsSongs: boolean;
}

const dash = /^[-–—]\s*(?=\S)/u;
/** Between two people on one line that starts with a dash: `- Hi. - Hello.` */
const innerDash = /(?<=[.!?…。！？]["'”’]?) [-–—] ?(?=\S)/u;

/** Lines of a cue without markup; a line with two dashes, or with `>>` inside, is two. */
export function linesOf(text: string): string[] {
  return text
    .split("\n")
    .map(cleanLine)
    .flatMap((line) => line.split(/ (?=>>)/))
    .filter((line) => line !== "")
    .flatMap((line) =>
      dash.test(line) ? line.split(innerDash).map((part, i) => (i > 0 ? `- ${part}` : part)) : [line],
    );
}

/** The pieces of a cue, in order. */
export function piecesOf({ text, speaker: given = null }: TimedText, options: PieceOptions): Piece[] {
  const pieces: Piece[] = [];
  for (const { voice, text: run } of voicesOf(text)) {
    const lines = spokenLines(run, options);
    const dashes = lines.filter((line) => dash.test(line)).length;
    for (const [i, line] of lines.entries()) {
      const isDash = dash.test(line);
      const { speaker, rest } = splitSpeaker(dashes > 0 ? line.replace(dash, "") : line, options.names);
      if (rest === "" || (options.dropsSounds && !saysSomething(rest))) continue;
      const script = scriptOf(rest);
      const last = pieces.at(-1);
      const isChange = line.startsWith(">>");
      const isTurn = speaker !== null || (voice !== null && i === 0) || isDash || isChange;
      const isNew =
        last === undefined ||
        speaker !== null ||
        isChange ||
        (voice !== null && voice !== last.speaker) ||
        (isDash && dashes > 1) ||
        (script !== null && last.script !== null && script !== last.script);
      if (isNew) pieces.push({ speaker: speaker ?? voice ?? given, isTurn, lines: [rest], script });
      else {
        last.lines.push(rest);
        last.script ??= script;
      }
    }
  }
  return pieces;
}

function spokenLines(run: string, { names, dropsSounds, keepsSongs }: PieceOptions): string[] {
  const lines = linesOf(run);
  if (!dropsSounds) return lines;
  const tagged = lines.join("\n");
  const untagged = /[[(［【（]/u.test(tagged)
    ? linesOf(withoutTags(tagged, (tag) => nameInTag(tag, names.isTagName) !== null))
    : lines;
  return (keepsSongs ? untagged : withoutSongs(untagged)).map(withoutNotes);
}
