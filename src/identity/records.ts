/** What is kept of people: who there is, where each was seen, and what was changed by hand. */
import type { FaceBox } from "../perception/faces.ts";
import type { VoiceSpan } from "../perception/voices.ts";

/** A person of a memory. */
export interface KnownOne {
  /** Never used for another, in no memory. */
  readonly id: string;
  /** As it is shown: `person_3`. Never used again in this memory. */
  readonly number: number;
  /** What people call the person; given by hand, never guessed. */
  readonly name: string | null;
  /** The person that this one was merged into. */
  readonly into: string | null;
}

/**
 * One person's face over the frames of one clip in which it could be followed, or one voice of a clip. A voice has no
 * picture: its place is empty, and its moments are when it begins and ends to speak, by turns.
 */
export interface SeenFace {
  readonly id: string;
  /** @default a face */
  readonly kind?: "voice";
  readonly stream: string;
  readonly clip: number;
  readonly atSeconds: readonly number[];
  /** The moment of its crop, and where in the picture it was then, as shares from 0 to 1. */
  readonly shownSeconds: number;
  readonly box: FaceBox;
  /** How many of its pictures were good enough to compare; of a voice, how many its speech counts as. */
  readonly good: number;
  /** Names in print beside it, or that it gave itself, while it alone was in the picture; for a voice, how the source calls it. */
  readonly captions: readonly string[];
  /** Speakers of lines that were said while it alone was in the picture. @default none */
  readonly speakers?: readonly string[];
  /** Names the space of its vector. */
  readonly space: string;
  /** `null` once it is old and stands for no one. */
  readonly vector: Float32Array | null;
  /** Hash of its picture; `null` as the vector. */
  readonly crop: string | null;
  /** Who it is; `null` while that is not known. */
  readonly person: string | null;
  /** Who it may be, where it is not sure. */
  readonly maybe: string | null;
  /** As whom the policy was told of it. */
  readonly told: string | null;
  /** Who it is not, as someone said. */
  readonly not: readonly string[];
  /** Whether it may stand for its person. */
  readonly sure: boolean;
  /** Whether it does. */
  readonly exemplar: boolean;
}

/** Whether it is a voice. */
export const isVoice = ({ kind }: Pick<SeenFace, "kind">): boolean => kind === "voice";

/** When a voice speaks. */
export function spansOf({ atSeconds }: Pick<SeenFace, "atSeconds">): VoiceSpan[] {
  return atSeconds.flatMap((startSeconds, i) =>
    i % 2 === 0 ? [{ startSeconds, endSeconds: atSeconds[i + 1] ?? startSeconds }] : [],
  );
}

/** What is changed about people, mostly by hand. */
export type PeopleChange =
  /** `null` takes the name away. */
  | { readonly kind: "name"; readonly person: number; readonly name: string | null }
  /** All faces of others become those of `into`; the memory itself finds out that people were made too early. */
  | {
      readonly kind: "merge";
      readonly into: number;
      readonly people: readonly number[];
      /** @default by hand */
      readonly by?: "memory";
    }
  /** Some faces of a person become another person. */
  | { readonly kind: "split"; readonly person: number; readonly faces: readonly string[] }
  /** Faces are not this person. */
  | { readonly kind: "reject"; readonly person: number; readonly faces: readonly string[] }
  /** Faces that are no one's are this person's. */
  | { readonly kind: "add"; readonly person: number; readonly faces: readonly string[] };

/** Undoes a change. */
export interface PeopleUndo {
  readonly kind: "undo";
  /** @default the last made by hand that is not undone */
  readonly number?: number | undefined;
}

/** A change that was made, and how it is undone. */
export interface PeopleEvent {
  /** Counted from 1. */
  readonly number: number;
  readonly atMs: number;
  readonly change: PeopleChange;
  /** A person that it made. */
  readonly made: number | null;
  readonly undone: boolean;
  /** What it changed, as it was before. */
  readonly before: {
    readonly people: readonly KnownOne[];
    readonly faces: readonly FaceState[];
  };
}

/** The part of a face that is changed by hand. */
export type FaceState = Pick<SeenFace, "id" | "person" | "maybe" | "not" | "sure" | "exemplar">;

/** Rows to write, and people who are no more. */
export interface PeoplePatch {
  readonly people: readonly KnownOne[];
  readonly faces: readonly SeenFace[];
  readonly gone: readonly string[];
}

/** Rows to read: all that matters for what is to be decided. */
export interface PeopleState {
  readonly people: readonly KnownOne[];
  readonly faces: readonly SeenFace[];
}
