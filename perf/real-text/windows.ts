/**
 * A wearer's week of texts as windows, one decision each: what is said and, where there are captions in English, what
 * captions tell. A window ends after 30 s or before its 41st word, so dense hours give as many usable windows as thin ones.
 */
import { globSync } from "node:fs";
import { join } from "node:path";
import { dayOf, hourOf } from "../../src/benchmarks/datasets/files/day-clock.ts";
import {
  readTranscript,
  readTranslated,
  type TextEntry,
} from "../../src/benchmarks/datasets/files/transcripts.ts";
import { DataError } from "../../src/errors.ts";
import type { Observation } from "../../src/perception/observation.ts";
import { seededRandom, shuffle } from "../../src/util/random.ts";
import { type Kind, kinds, speaksOf } from "./kinds.ts";

/** A window of a week. */
export interface Window {
  readonly id: string;
  readonly day: number;
  /** Hour of the week; windows of one hour are about the same things. */
  readonly hour: number;
  /** As the policy is shown them. */
  readonly lines: readonly string[];
  readonly observation: Observation;
  /** Names of the kinds that one of its lines speaks of, and no more than 45 % of them. */
  readonly kinds: readonly string[];
}

/** A wearer's windows: days 1 to 4 train, day 5 is for choosing, days 6 and 7 test. */
export interface Week {
  readonly wearer: string;
  readonly train: readonly Window[];
  readonly validation: readonly Window[];
  readonly test: readonly Window[];
}

const longestSeconds = 30;
const mostWords = 40;
const fewestWords = 24;
const fewestLines = 5;
const mostWordsOfLine = 30;
const mostShare = 0.45;
const fewestKinds = 2;

/**
 * Reads a wearer's week below EgoLife's root. Windows that speak of fewer than two kinds are left out.
 * @throws DataError `file-missing` without transcripts
 */
export function readWeek(root: string, wearer: string): Week {
  const transcripts = join(root, "EgoLifeCap", "Transcript", wearer);
  const said = globSync("DAY*/*.srt", { cwd: transcripts }).sort();
  if (said.length === 0)
    throw new DataError("file-missing", `Expected EgoLife's transcripts at ${transcripts}, found none`);
  const translated = join(root, "EgoLifeCap", "DenseCaption", "translated");
  const seen = globSync(`${wearer}_*.jsonl`, { cwd: translated }).sort();
  const entries = [
    ...said.flatMap((name) => readTranscript(join(transcripts, name), "en", [])),
    ...seen.flatMap((name) => readTranslated(join(translated, name), [])),
  ].sort((a, b) => a.startSeconds - b.startSeconds);
  const windows = cut(entries.flatMap(shortened), wearer).filter(isUsable);
  const of = (first: number, last: number) => {
    const some = windows.filter(({ day }) => day >= first && day <= last);
    return shuffle(seededRandom(`${wearer} ${first}`), some);
  };
  return { wearer, train: of(1, 4), validation: of(5, 5), test: of(6, 7) };
}

/** A line of at most 30 words; nothing of speech of one or two. */
function shortened(entry: TextEntry): TextEntry[] {
  const words = entry.text.replaceAll('"', "'").split(/\s+/);
  if (entry.kind === "speech" && words.length < 3) return [];
  return [{ ...entry, text: words.slice(0, mostWordsOfLine).join(" ") }];
}

const lineOf = ({ speaker, text }: TextEntry) => (speaker === null ? text : `${speaker} says: ${text}`);

function cut(entries: readonly TextEntry[], wearer: string): Window[] {
  const windows: Window[] = [];
  let open: TextEntry[] = [];
  let words = 0;
  const close = () => {
    if (open.length > 0) windows.push(windowOf(open, wearer, windows.length));
    open = [];
    words = 0;
  };
  for (const entry of entries) {
    const own = lineOf(entry).split(" ").length;
    const began = open[0]?.startSeconds ?? entry.startSeconds;
    if (entry.startSeconds - began > longestSeconds || words + own > mostWords) close();
    if (open.some((other) => lineOf(other) === lineOf(entry))) continue;
    open.push(entry);
    words += own;
  }
  close();
  return windows;
}

function windowOf(entries: readonly TextEntry[], wearer: string, clip: number): Window {
  const lines = entries.map(lineOf);
  const { startSeconds } = entries[0]!;
  const { endSeconds } = entries.at(-1)!;
  const texts = (kind: TextEntry["kind"]) =>
    entries.filter((entry) => entry.kind === kind).map(({ kind: _, ...text }) => text);
  return {
    ...{ id: `${wearer}-${clip}`, day: dayOf(startSeconds), hour: hourOf(startSeconds), lines },
    observation: {
      ...{ stream: wearer, clip, startSeconds, endSeconds },
      ...{ speech: texts("speech"), captions: texts("caption") },
      ...{ frames: [], screen: [], shots: [], people: [], tiers: {}, problems: [] },
    },
    kinds: kinds.filter((kind) => isOf(lines, kind)).map(({ name }) => name),
  };
}

function isOf(lines: readonly string[], { words }: Kind): boolean {
  const count = lines.filter((line) => speaksOf(line, words)).length;
  return count > 0 && count <= mostShare * lines.length;
}

function isUsable({ lines, kinds }: Window): boolean {
  const words = lines.join(" ").split(" ").length;
  return kinds.length >= fewestKinds && words >= fewestWords && lines.length >= fewestLines;
}
