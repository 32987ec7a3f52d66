/**
 * What is painted on the frames of a window, for models that were trained to see it (the paper's identity overlay): a box and
 * the tag of each face that is known, and what is said as subtitles. Only what is to be painted; `paint.ts` paints it.
 *
 * Departures:
 * 1. A box stands at the frame, between the places of the seconds before and after; there it is drawn for every tenth of a
 *    second.
 * 2. A line that is said between two frames is painted on the nearer one, or it would be on none.
 */
import { type FaceBox, overlap } from "../perception/faces.ts";
import type { Observation, Person, Utterance } from "../perception/observation.ts";
import type { Frame } from "../stream/clip.ts";
import { tagOf } from "./identity-tags.ts";
import type { Context } from "./policy.ts";
import { shownSpeaker, type TaggedPerson } from "./window-people.ts";

/** What is painted on one frame. */
export interface Painting {
  readonly faces: readonly { readonly box: FaceBox; readonly label: string }[];
  readonly subtitles: readonly Subtitle[];
}

/** A line of speech on a frame. */
export interface Subtitle {
  readonly text: string;
  /** 0 is the lower row, 1 the one above, for a line that begins before another ends. */
  readonly row: 0 | 1;
  /** The line it is of. */
  readonly of: Utterance;
}

/** Farther from the moment of a face, in seconds, a frame has no box of it. */
const nearSeconds = 0.55;
/** Faces farther apart than this are not one movement. */
const mostApartSeconds = 1.3;

/** The paintings of frames that a window shows, in their order. */
export function paintingsOf(
  { observations, recent, tags }: Context,
  frames: readonly (readonly Frame[])[],
): readonly (readonly Painting[])[] {
  const clips = [...recent.observations, ...observations];
  const lines = subtitlesOf(clips, tags);
  const shown = frames.flat().map(({ atSeconds }) => atSeconds);
  const at = new Map(lines.map((line) => [line, momentsOf(line, shown)]));
  return clips.map((clip, i) =>
    frames[i]!.map(({ atSeconds }) => ({
      faces: facesAt(clip, atSeconds),
      subtitles: lines.filter((line) => at.get(line)!.has(atSeconds)),
    })),
  );
}

interface Line extends Subtitle {
  readonly startSeconds: number;
  readonly endSeconds: number;
}

/** What is said in the window; a line ends where the one after the next begins. */
function subtitlesOf(clips: readonly Observation[], tags?: readonly TaggedPerson[]): Line[] {
  const said = clips
    .flatMap(({ speech, people }) => speech.map((of) => ({ of, tag: tagOfSpeaker(of, people) })))
    .filter(({ of }) => of.text.trim() !== "")
    .sort((a, b) => a.of.startSeconds - b.of.startSeconds);
  const lines: Line[] = [];
  for (const [i, { of, tag }] of said.entries()) {
    const { startSeconds, endSeconds, text, speaker } = of;
    const before = lines.at(-1);
    const row = before && before.endSeconds > startSeconds && before.row === 0 ? 1 : 0;
    const until = Math.min(endSeconds, said[i + 2]?.of.startSeconds ?? endSeconds);
    const who = tag ?? shownSpeaker(speaker, tags);
    const words = text.replace(/\s+/g, " ").trim();
    lines.push({
      ...{ startSeconds, endSeconds: Math.max(startSeconds, until), row, of },
      text: who === null ? words : `${who}: ${words}`,
    });
  }
  return lines;
}

/** The tag of a speaker who is known by face too. */
function tagOfSpeaker({ speaker }: Utterance, people: readonly Person[]): string | null {
  const known = people.find(({ id, name }) => name !== null && name === speaker && /^face_\d+$/.test(id));
  return known ? tagOf(known.id) : null;
}

/** The frames that a line is painted on. */
function momentsOf({ startSeconds, endSeconds }: Line, shown: readonly number[]): ReadonlySet<number> {
  const during = shown.filter((at) => at >= startSeconds && at < endSeconds);
  if (during.length > 0 || shown.length === 0) return new Set(during);
  const middle = (startSeconds + endSeconds) / 2;
  return new Set([shown.reduce((best, at) => (Math.abs(at - middle) < Math.abs(best - middle) ? at : best))]);
}

/** The faces of a clip at a moment; only of people who have a tag. */
function facesAt({ people, shots }: Observation, atSeconds: number): Painting["faces"] {
  return people.flatMap((person) => {
    const box = boxAt(person, shots, atSeconds);
    return box ? [{ box, label: tagOf(person.id) }] : [];
  });
}

function boxAt({ atSeconds: moments, boxes }: Person, shots: readonly number[], at: number): FaceBox | null {
  if (!boxes) return null;
  const isCut = (a: number, b: number) =>
    shots.some((shot) => shot > Math.min(a, b) && shot <= Math.max(a, b));
  const after = moments.findIndex((moment) => moment >= at);
  const before = after < 0 ? moments.length - 1 : after - 1;
  const [a, b] = [boxes[before], after < 0 ? undefined : boxes[after]];
  if (a && b) {
    const [from, to] = [moments[before]!, moments[after]!];
    if (to - from <= mostApartSeconds && !isCut(from, to) && overlap(a, b) > 0)
      return between(a, b, (at - from) / (to - from));
  }
  const near = [before, after]
    .filter(
      (i) => moments[i] !== undefined && Math.abs(moments[i] - at) <= nearSeconds && !isCut(moments[i], at),
    )
    .sort((i, j) => Math.abs(moments[i]! - at) - Math.abs(moments[j]! - at));
  return near.length === 0 ? null : boxes[near[0]!]!;
}

function between(a: FaceBox, b: FaceBox, share: number): FaceBox {
  const part = (one: number, other: number) => one + share * (other - one);
  return {
    ...{ left: part(a.left, b.left), top: part(a.top, b.top) },
    ...{ width: part(a.width, b.width), height: part(a.height, b.height) },
  };
}
