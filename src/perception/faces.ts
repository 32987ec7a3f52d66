/**
 * Faces of one clip: what a finder tells of its frames, and the tracks they make. A face is followed from frame to frame by
 * its place, so that a profile or a covered face belongs to whoever stood there a second before; only good faces (sure, large,
 * frontal) have a vector, and a track without one is no sighting.
 */
import type { Frame } from "../stream/clip.ts";

/** A box in pixels of its picture. */
export interface FaceBox {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** A face in a picture. */
export interface FoundFace {
  readonly box: FaceBox;
  /** 0 to 1. */
  readonly score: number;
  /** What it is compared by, by Euclidean distance; `null` for a face that is too small, unsure or turned away. */
  readonly vector: Float32Array | null;
  /** JPEG of the face, where it has a vector. */
  readonly crop: Uint8Array | null;
}

/** The faces of a frame. */
export interface FrameFaces {
  readonly atSeconds: number;
  readonly width: number;
  readonly height: number;
  readonly faces: readonly FoundFace[];
}

/** Finds faces in pictures. */
export interface FaceFinder {
  /** Names the space of its vectors: those of another are not compared. */
  readonly id: string;
  /** The faces of each frame, in order. @throws Error if the finder itself fails */
  find(frames: readonly Frame[], signal?: AbortSignal): Promise<FrameFaces[]>;
  /** Frees what it holds. @default nothing */
  close?(): Promise<void>;
}

/** One person's face over several frames of a clip. */
export interface FaceTrack {
  /** The moments at which it was seen, in order. */
  readonly atSeconds: readonly number[];
  /** Where it was at each, as shares of the picture from 0 to 1. @default not known */
  readonly boxes?: readonly FaceBox[];
  /** Of its good faces, the vectors. */
  readonly vectors: readonly Float32Array[];
  /** The good face nearest to all of them. */
  readonly vector: Float32Array;
  /** Its crop, moment and place, the place as shares of the picture from 0 to 1. */
  readonly crop: Uint8Array;
  readonly cropSeconds: number;
  readonly box: FaceBox;
}

/** The faces of a clip. */
export interface ClipFaces {
  /** Names the space of their vectors. */
  readonly space: string;
  readonly tracks: readonly FaceTrack[];
  /** The moments at which one face alone was in the picture. */
  readonly aloneSeconds: readonly number[];
}

/** What a finder tells of a clip. */
export async function facesOf(
  finder: FaceFinder,
  frames: readonly Frame[],
  shots: readonly number[],
  signal?: AbortSignal,
): Promise<ClipFaces> {
  const found = await finder.find(frames, signal);
  return {
    space: finder.id,
    tracks: faceTracks(found, shots),
    aloneSeconds: found.filter(({ faces }) => faces.length === 1).map(({ atSeconds }) => atSeconds),
  };
}

/** Boxes of two frames that share more of their area are one face (IoU). */
const samePlace = 0.4;
/** A good face that moved this far is followed if it is alike. */
const nearPlace = 0.1;
const alikeVector = 0.4;
/** Good faces of a track that are farther apart are two people who changed places. */
const sameVector = 0.5;
/** Frames farther apart than this are not followed, in seconds. */
const mostApartSeconds = 2.5;

/** Euclidean distance of two vectors. */
export function distance(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return Math.sqrt(sum);
}

interface Growing {
  readonly faces: { readonly frame: FrameFaces; readonly face: FoundFace }[];
}

/**
 * The tracks of a clip that have a good face, by their first moment.
 * @param shots moments at which the picture changed to another shot: no face is followed across them
 */
export function faceTracks(frames: readonly FrameFaces[], shots: readonly number[]): FaceTrack[] {
  const done: Growing[] = [];
  let open: Growing[] = [];
  let last: number | null = null;
  for (const frame of frames) {
    const { atSeconds } = frame;
    const isCut =
      last !== null &&
      (atSeconds - last > mostApartSeconds || shots.some((shot) => shot > last! && shot <= atSeconds));
    if (isCut) open = [];
    const pairs = open
      .flatMap((track) => frame.faces.map((face) => ({ track, face, shared: shared(track, face) })))
      .filter(
        ({ track, face, shared }) =>
          shared > samePlace || (shared > nearPlace && isAlike(track, face, alikeVector)),
      )
      .sort((a, b) => b.shared - a.shared);
    const next: Growing[] = [];
    const taken = new Set<FoundFace | Growing>();
    for (const { track, face } of pairs) {
      if (taken.has(track) || taken.has(face) || isAlike(track, face, sameVector) === false) continue;
      taken.add(track).add(face);
      track.faces.push({ frame, face });
      next.push(track);
    }
    for (const face of frame.faces) {
      if (taken.has(face)) continue;
      const track = { faces: [{ frame, face }] };
      done.push(track);
      next.push(track);
    }
    open = next;
    last = atSeconds;
  }
  return done.flatMap((track) => trackOf(track) ?? []);
}

const shared = ({ faces }: Growing, { box }: FoundFace) => overlap(faces.at(-1)!.face.box, box);

/** Whether a good face is nearer than `below` to the latest good one of a track; `null` where one is not good. */
function isAlike({ faces }: Growing, { vector }: FoundFace, below: number): boolean | null {
  const latest = faces.findLast(({ face }) => face.vector !== null)?.face.vector;
  return vector && latest ? distance(latest, vector) < below : null;
}

function trackOf({ faces }: Growing): FaceTrack | null {
  const good = faces.flatMap(({ frame, face: { box, vector, crop } }) =>
    vector && crop ? [{ frame, box, vector, crop }] : [],
  );
  if (good.length === 0) return null;
  const far = (vector: Float32Array) => good.reduce((sum, other) => sum + distance(vector, other.vector), 0);
  const middle = good.reduce((best, one) => (far(one.vector) < far(best.vector) ? one : best));
  return {
    atSeconds: faces.map(({ frame }) => frame.atSeconds),
    boxes: faces.map(({ frame, face }) => rounded(sharesOf(face.box, frame))),
    vectors: good.map(({ vector }) => vector),
    vector: middle.vector,
    crop: middle.crop,
    cropSeconds: middle.frame.atSeconds,
    box: sharesOf(middle.box, middle.frame),
  };
}

/** A box as shares of its picture. */
const sharesOf = (box: FaceBox, { width, height }: FrameFaces): FaceBox => ({
  ...{ left: box.left / width, top: box.top / height },
  ...{ width: box.width / width, height: box.height / height },
});

/** To a thousandth: a box is stored for every picture. */
function rounded({ left, top, width, height }: FaceBox): FaceBox {
  const round = (share: number) => Math.round(1000 * share) / 1000;
  return { left: round(left), top: round(top), width: round(width), height: round(height) };
}

/** Area that two boxes share, as a part of the area that either covers (IoU). */
export function overlap(a: FaceBox, b: FaceBox): number {
  const width = Math.min(a.left + a.width, b.left + b.width) - Math.max(a.left, b.left);
  const height = Math.min(a.top + a.height, b.top + b.height) - Math.max(a.top, b.top);
  const both = Math.max(0, width) * Math.max(0, height);
  return both / (a.width * a.height + b.width * b.height - both);
}
