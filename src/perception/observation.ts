/**
 * What perception makes of one clip, which is all that a policy sees of it. Plain data, stored as JSON with frames by
 * hash.
 */
import type { Audio, Frame } from "../stream/clip.ts";
import type { ClipFaces, FaceBox } from "./faces.ts";
import type { Look } from "./look.ts";
import type { ClipVoices } from "./voices.ts";

/** Something said. */
export interface Utterance {
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly text: string;
  /** Name of the speaker, from the source, the id of a person known by voice (`person_3`), or `null`. */
  readonly speaker: string | null;
}

/** A sentence about the picture that came with the stream. */
export interface Caption {
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly text: string;
  readonly speaker: string | null;
}

/** Text read from the picture. */
export interface ScreenText {
  /** First moment it was read; `endSeconds` is the last. */
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly text: string;
  /** Confidence of the screen reader, 0 to 100. */
  readonly confidence: number;
}

/** A stretch of sound whose words are not known. */
export interface Heard {
  /** `speech` where somebody speaks, `sound` for music or noise without speech; what is in neither is silence. */
  readonly kind: "speech" | "sound";
  readonly startSeconds: number;
  readonly endSeconds: number;
  /** How many voices are told apart in it, where there are several. @default one, or no one told them apart */
  readonly voices?: number;
}

/** A person seen or heard. */
export interface Person {
  /** Id of the person, stable over the whole memory. */
  readonly id: string;
  readonly name: string | null;
  readonly atSeconds: readonly number[];
  /** Where the face was at each, as shares of the picture from 0 to 1. @default not known */
  readonly boxes?: readonly FaceBox[];
  /** Whether the person is known to be there by voice alone. @default false */
  readonly heard?: true;
}

/** The tier of each perceptor that ran, as provenance: `{speech: "embedded", screen: "tesseract 5.3.0"}`. */
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
  /** What is heard where no words are known. @default no one listened */
  readonly heard?: readonly Heard[];
  readonly shots: readonly number[];
  readonly people: readonly Person[];
  readonly tiers: Tiers;
  /** Failures of perceptors on this clip, one sentence each; the clip is kept without their output. */
  readonly problems: readonly string[];
  /** One of this many pictures was looked at, as the senses were late. @default 1 */
  readonly every?: number;
  /** What a cheap look tells of it. @default nothing */
  readonly look?: Look;
  /** Faces, as they were found; the memory knows whose they are and gives `people`. @default none */
  readonly faces?: ClipFaces;
  /** Voices, likewise; `speech` then tells who says it, where it was not known. @default none */
  readonly voices?: ClipVoices;
  /** The pushed items, if the clip was pushed. @default absent */
  readonly pushed?: Pushed;
}

/** State of a clip whose items are pushed one by one. */
export interface Pushed {
  /** Whether perception has run; before that the observation holds the items as they were pushed. */
  readonly perceived: boolean;
  /** Ids of the items, to notice one that is pushed again. */
  readonly ids: readonly string[];
  /** Sound that is not yet transcribed, in the order it was pushed. */
  readonly sounds: readonly Audio[];
}

/** A text that perception found, kept as evidence of an entry. */
export interface SourceText {
  /**
   * `sound` is told by a sense without words: that somebody speaks, that there is music or noise; `person` by what tells
   * people apart: that someone is seen or heard.
   */
  readonly kind: "speech" | "caption" | "screen" | "sound" | "person";
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly text: string;
  readonly speaker: string | null;
  readonly confidence: number | null;
}

/** All texts of a clip in time order, with white space as single blanks; sound without words is none. */
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

/** One person from several sightings, in time order. */
export function joinSightings(sightings: readonly Person[]): Person {
  const [first] = sightings;
  const moments = sightings
    .flatMap(({ atSeconds, boxes }) => atSeconds.map((at, i) => ({ at, box: boxes?.[i] })))
    .sort((a, b) => a.at - b.at);
  const boxes = moments.flatMap(({ box }) => box ?? []);
  const { boxes: _, heard: __, ...person } = first!;
  return {
    ...person,
    atSeconds: moments.map(({ at }) => at),
    // Where some are not known, it is not known which they are.
    ...(boxes.length === moments.length && boxes.length > 0 && { boxes }),
    ...(sightings.every(({ heard }) => heard) && { heard: true }),
  };
}
