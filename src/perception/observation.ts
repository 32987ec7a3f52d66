/**
 * What perception makes of one clip: the only thing a policy is shown. Plain data, stored as JSON with frames by hash.
 */
import type { Audio, Frame } from "../stream/clip.ts";

/** Something said. */
export interface Utterance {
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly text: string;
  /** A name where the source or an identity says, else `null`. */
  readonly speaker: string | null;
}

/** A sentence about the picture that came with the stream. */
export interface Caption {
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly text: string;
  readonly speaker: string | null;
}

/** Text read off the picture. */
export interface ScreenText {
  /** First and last moment it was read. */
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly text: string;
  /** The reader's own confidence, 0 to 100. */
  readonly confidence: number;
}

/** Somebody seen or heard. Filled by identity perceptors; empty until one runs. */
export interface Person {
  /** Stable over the whole memory. */
  readonly id: string;
  readonly name: string | null;
  readonly atSeconds: readonly number[];
}

/** Which tier of each perceptor ran, for provenance: `{speech: "embedded", screen: "tesseract 5.3.0"}`. */
export type Tiers = Readonly<Record<string, string>>;

/** What perception made of one clip. */
export interface Observation {
  readonly stream: string;
  readonly clip: number;
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly frames: readonly Frame[];
  readonly speech: readonly Utterance[];
  readonly captions: readonly Caption[];
  readonly screen: readonly ScreenText[];
  readonly shots: readonly number[];
  readonly people: readonly Person[];
  readonly tiers: Tiers;
  /** What a perceptor could not do for this clip, one sentence each; the clip is kept without it. */
  readonly problems: readonly string[];
  /** Of a clip whose items were pushed. @default absent */
  readonly pushed?: Pushed;
}

/** Items of a clip that were pushed one by one. */
export interface Pushed {
  /** Whether the senses have been at work; until then the observation holds the items as they came. */
  readonly perceived: boolean;
  /** Ids of items, so that pushing one again is noticed. */
  readonly ids: readonly string[];
  /** Sound that is not heard yet, in the order it was pushed. */
  readonly sounds: readonly Audio[];
}

/** A text perception had, kept as proof of an entry. */
export interface SourceText {
  readonly kind: "speech" | "caption" | "screen";
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly text: string;
  readonly speaker: string | null;
  readonly confidence: number | null;
}

/** All texts of a clip in time order, white space as single blanks. */
export function sourceTexts({ speech, captions, screen }: Observation): SourceText[] {
  return [
    ...speech.map((said) => ({ kind: "speech" as const, ...said, confidence: null })),
    ...captions.map((caption) => ({ kind: "caption" as const, ...caption, confidence: null })),
    ...screen.map((read) => ({ kind: "screen" as const, ...read, speaker: null })),
  ]
    .map(({ kind, startSeconds, endSeconds, text, speaker, confidence }) => ({
      kind,
      startSeconds,
      endSeconds,
      text: text.replace(/\s+/g, " ").trim(),
      speaker,
      confidence,
    }))
    .filter(({ text }) => text !== "")
    .sort((a, b) => a.startSeconds - b.startSeconds);
}
