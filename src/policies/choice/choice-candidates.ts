/**
 * Candidates: the statements that perception already has, each a line the choice policy may keep.
 *
 * Speech gives `Name: text`, a caption its text, on-screen text `On screen: TEXT`. An utterance is kept whole. A line
 * repeated within one decision is the same candidate. Noise never becomes a candidate: laughter, a line without a content
 * word, on-screen text of low confidence, and on-screen text that was kept before and has not left the screen since.
 * Where no words are known, `Somebody speaks for 7 s.` is one (`choice-heard.ts`), and where people are known by their faces,
 * `[person_3] is seen.` (`choice-seen.ts`).
 */
import type { WordSpace } from "../../engine.ts";
import type { SourceText, Statement } from "../../memory/memory.ts";
import type { Observation } from "../../perception/observation.ts";
import { isKnownByVoice, keptSpeaker, type TaggedPerson } from "../../policy/window-people.ts";
import { halvesOf } from "../../util/two-languages.ts";
import { type HeardBefore, heardLines } from "./choice-heard.ts";
import { type SeenBefore, seenLines } from "./choice-seen.ts";

/** A line on offer. */
export interface Candidate {
  readonly statement: Statement;
  readonly tokens: number;
  /** 0 to 1: how far the text can be believed. */
  readonly trust: number;
  /** Distinct content stems of the text, in order of appearance. */
  readonly stems: readonly string[];
}

/** A line costs at least this many tokens: nothing shorter is worth an entry. */
const leastTokens = 3;
/** On-screen text trusted less than this is noise, even where nothing else is on offer. */
const leastTrust = 0.05;

/** What the lines of senses without words depend on. */
export interface SensedBefore {
  readonly heard?: HeardBefore | undefined;
  readonly seen?: SeenBefore | undefined;
  /** Who is known in the window, by tag. */
  readonly tags?: readonly TaggedPerson[] | undefined;
}

/**
 * The candidates of some clips in time order.
 * @param standing stems of on-screen text that was kept and never left the screen
 * @param before what was heard without words, and who was seen, before these clips
 */
export function candidatesOf(
  observations: readonly Observation[],
  words: WordSpace,
  standing: ReadonlySet<string>,
  before: SensedBefore = {},
): Candidate[] {
  const byLine = new Map<string, Candidate>();
  for (const observation of observations) {
    for (const source of sourcesOf(observation)) {
      const line = lineOf(source);
      const earlier = byLine.get(line);
      const candidate = earlier
        ? seenAgain(earlier, source)
        : candidateOf(line, source, observation, words, standing);
      if (candidate) byLine.set(line, candidate);
    }
  }
  const { heard = {}, seen = {}, tags = [] } = before;
  for (const { line, source } of [
    ...heardLines(observations, heard),
    ...seenLines(observations, tags, seen),
  ]) {
    const clip = observations.find(({ endSeconds }) => source.startSeconds < endSeconds) ?? observations[0]!;
    const candidate = candidateOf(line, source, clip, words, standing);
    if (candidate) byLine.set(line, candidate);
  }
  return [...byLine.values()].sort((a, b) => a.statement.startSeconds - b.statement.startSeconds);
}

/** Content stems of the on-screen text of some clips, believed or not. */
export function screenStems(observations: readonly Observation[], words: WordSpace): Set<string> {
  return new Set(observations.flatMap(({ screen }) => screen.flatMap(({ text }) => words.stems(text))));
}

/** All texts of a clip as evidence, speech before captions before on-screen text. */
function sourcesOf(observation: Observation): SourceText[] {
  return [
    ...observation.speech.map((said) => ({ kind: "speech" as const, ...said, confidence: null })),
    ...observation.captions.map((caption) => ({ kind: "caption" as const, ...caption, confidence: null })),
    ...observation.screen.map((read) => ({ kind: "screen" as const, ...read, speaker: null })),
  ].map(({ kind, startSeconds, endSeconds, text, speaker, confidence }) => ({
    kind,
    startSeconds,
    endSeconds,
    text: text.replace(/\s+/g, " ").trim(),
    speaker,
    confidence,
  }));
}

function lineOf({ kind, text, speaker }: SourceText): string {
  if (kind === "screen") return `On screen: ${text}`;
  if (speaker !== null && isKnownByVoice(speaker)) return `${keptSpeaker(speaker)}: ${text}`;
  if (kind === "speech" && speaker !== null && !text.toLowerCase().startsWith(`${speaker.toLowerCase()}:`)) {
    return `${speaker}: ${text}`;
  }
  return text;
}

function candidateOf(
  line: string,
  source: SourceText,
  observation: Observation,
  words: WordSpace,
  standing: ReadonlySet<string>,
): Candidate | null {
  const content = words.stems(source.text);
  if (content.length === 0 || isLaughter(source.text)) return null;
  const trust = source.kind === "screen" ? trustInScreen(source) : 1;
  if (trust < leastTrust || (source.kind === "screen" && content.every((stem) => standing.has(stem))))
    return null;
  return {
    statement: {
      clip: observation.clip,
      kind: "episodic",
      startSeconds: source.startSeconds,
      endSeconds: source.endSeconds,
      text: line,
      speakers: source.speaker === null || isKnownByVoice(source.speaker) ? [] : [source.speaker],
      sources: [source],
      frameSeconds: nearestFrame(observation, (source.startSeconds + source.endSeconds) / 2),
    },
    tokens: Math.max(leastTokens, tokensSaid(line, words)),
    trust,
    // Of the text alone: a label or a speaker's name stands on every such line and tells nothing about this one.
    stems: [...new Set(content)],
  };
}

/** "Ha ha ha.", "哈哈哈 / Hahaha". */
function isLaughter(text: string): boolean {
  const letters = text.toLowerCase().replace(/\P{L}+/gu, "");
  return /^(?:[hj]+[aeiou]+h?|[хг]+[аеи]+|[哈呵嘿嘻]|[ㅋㅎ]){2,}$/u.test(letters);
}

/** Tokens of what a line says: told in two languages it says it once, and costs what the longer half does. */
function tokensSaid(line: string, words: WordSpace): number {
  return Math.max(...halvesOf(line).map(words.countTokens));
}

/** Text that stays on the screen is one lasting statement; anything else that is repeated counts the first time. */
function seenAgain(candidate: Candidate, source: SourceText): Candidate {
  const { statement } = candidate;
  if (source.kind !== "screen" || source.endSeconds <= statement.endSeconds) return candidate;
  return {
    ...candidate,
    statement: { ...statement, endSeconds: source.endSeconds, sources: [...statement.sources, source] },
  };
}

/**
 * How far on-screen text can be trusted: its confidence, from 0 at 55 to 1 at 95, times the share of its characters that
 * stand in words or numbers, all squared. Reading noise has middling confidence, and its words are two or three times as
 * rare as real ones because none was seen before; unweighted, it wins.
 */
function trustInScreen({ text, confidence }: SourceText): number {
  const byConfidence = Math.min(1, Math.max(0, (confidence! - 55) / 40));
  const tokens = text.matchAll(/\p{N}+(?:[.,:]\p{N}+)*(?!\p{L})|[\p{L}\p{M}\p{N}]+/gu);
  const inWords = [...tokens].map(([token]) => token).filter(readsAsWord);
  return (byConfidence * (inWords.join("").length / text.replaceAll(" ", "").length)) ** 2;
}

/** Numbers of two digits, capitals as in BBC, Latin words with a vowel, two characters of any other script. */
function readsAsWord(token: string): boolean {
  if (/^[\p{N}.,:]+$/u.test(token)) return token.length >= 2;
  if (/^[A-Z]{3,5}$/.test(token)) return !/^[ILTJ]+$/.test(token);
  if (!/\p{Script=Latin}/u.test(token)) return token.length >= 2;
  const folded = token.normalize("NFD").toLowerCase();
  return (
    /[aeiouyæøœ]/.test(folded) && /[^aeiouyæøœ\p{M}]/u.test(folded) && /^\p{L}{3,}|^[A-Z]+\d+$/u.test(token)
  );
}

function nearestFrame({ frames }: Observation, atSeconds: number): number[] {
  const distance = (seconds: number) => Math.abs(seconds - atSeconds);
  const [first, ...rest] = frames.map((frame) => frame.atSeconds);
  if (first === undefined) return [];
  return [rest.reduce((best, seconds) => (distance(seconds) < distance(best) ? seconds : best), first)];
}
