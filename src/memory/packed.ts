/** Observations as stores keep them: pictures and sound by hash, everything else unchanged. */
import { type HeardClip, type ObservedVoices, type Spoken, withSpeakers } from "../identity/hear.ts";
import type { Rejoining } from "../identity/rejoin.ts";
import type { ObservedFaces, Seen } from "../identity/see.ts";
import { joinSightings, type Observation } from "../perception/observation.ts";
import { type Blob, blobOf } from "./blob.ts";
import { joinLooks } from "./floor.ts";
import type { PackedObservation } from "./records.ts";

/** Packs an observation. @returns the observation with hashes, its blobs, and its faces, which are kept for themselves */
export function packObservation(observation: Observation): {
  readonly packed: PackedObservation;
  readonly blobs: readonly Blob[];
  readonly faces: ObservedFaces | null;
  readonly voices: ObservedVoices | null;
} {
  const blobs: Blob[] = [];
  const keep = (bytes: Uint8Array) => {
    const blob = blobOf(bytes);
    blobs.push(blob);
    return blob.hash;
  };
  const { frames, pushed, faces: found, voices: heard, ...plain } = observation;
  const packed: PackedObservation = {
    ...plain,
    frames: frames.map(({ atSeconds, width, height, jpeg }) => {
      return { atSeconds, width, height, hash: keep(jpeg) };
    }),
    ...(pushed && {
      pushed: {
        ...pushed,
        sounds: pushed.sounds.map(({ startSeconds, samples }) => {
          const { buffer, byteOffset, byteLength } = samples;
          return { startSeconds, hash: keep(new Uint8Array(buffer, byteOffset, byteLength)) };
        }),
      },
    }),
  };
  const { stream, clip, screen, speech } = observation;
  const faces = found && {
    ...{ ...found, stream, clip, screen, speech },
    tracks: found.tracks.map((track) => ({ ...track, crop: keep(track.crop) })),
  };
  const voices = heard ? { ...heard, stream, clip, speech } : null;
  return { packed, blobs, faces: faces ?? null, voices };
}

/**
 * The observation with its pictures and sound. Bytes are read at each access, because after an outage a whole day of
 * clips may be waiting.
 */
export function unpackObservation(
  packed: PackedObservation,
  read: (hash: string) => Uint8Array,
): Observation {
  const { frames, pushed, ...plain } = packed;
  return {
    ...plain,
    frames: frames.map(({ hash, ...frame }) => ({
      ...frame,
      get jpeg() {
        return read(hash);
      },
    })),
    ...(pushed && {
      pushed: {
        ...pushed,
        sounds: pushed.sounds.map(({ hash, startSeconds }) => ({
          startSeconds,
          get samples() {
            return new Int16Array(Uint8Array.from(read(hash)).buffer);
          },
        })),
      },
    }),
  };
}

/** Two observations of one clip as one, each list in time order. */
export function joinObservations(a: PackedObservation, b: PackedObservation): PackedObservation {
  const inOrder = <Item extends { readonly startSeconds: number }>(
    one: readonly Item[],
    other: readonly Item[],
  ) => [...one, ...other].sort((x, y) => x.startSeconds - y.startSeconds);
  const ran = Object.entries(b.tiers).filter(([sense, tier]) => tier !== "none" || !(sense in a.tiers));
  const joined: PackedObservation = {
    ...a,
    startSeconds: Math.min(a.startSeconds, b.startSeconds),
    endSeconds: Math.max(a.endSeconds, b.endSeconds),
    frames: [...a.frames, ...b.frames].sort((x, y) => x.atSeconds - y.atSeconds),
    speech: inOrder(a.speech, b.speech),
    captions: inOrder(a.captions, b.captions),
    screen: inOrder(a.screen, b.screen),
    ...((a.heard || b.heard) && { heard: inOrder(a.heard ?? [], b.heard ?? []) }),
    shots: [...a.shots, ...b.shots].sort((x, y) => x - y),
    people: joinPeople([...a.people, ...b.people]),
    tiers: { ...a.tiers, ...Object.fromEntries(ran) },
    problems: [...new Set([...a.problems, ...b.problems])],
  };
  const looked = [a, b].flatMap(({ startSeconds, endSeconds, look }) =>
    look ? [{ startSeconds, endSeconds, look }] : [],
  );
  return looked.length === 0 ? joined : { ...joined, look: joinLooks(looked) };
}

/** Who was recognised in a clip, and when they speak in it. */
export interface Recognised {
  readonly people: PackedObservation["people"];
  readonly spoken: readonly Spoken[];
  /** Earlier people who turn out to be one with another. */
  readonly rejoined: readonly Rejoining[];
}

/** Whom a clip shows and lets hear. */
export const recognised = (seen: Seen | null, heard: HeardClip | null): Recognised => ({
  people: [...(seen?.told ?? []), ...(heard?.told ?? [])],
  spoken: heard?.spoken ?? [],
  rejoined: seen?.rejoined ?? [],
});

/** An observation with the people who were recognised in it. */
export function withPeople<Of extends Pick<PackedObservation, "people" | "speech">>(
  observation: Of,
  { people, spoken }: Pick<Recognised, "people" | "spoken">,
): Of {
  return people.length === 0
    ? observation
    : {
        ...observation,
        people: joinPeople([...observation.people, ...people]),
        speech: withSpeakers(observation.speech, spoken),
      };
}

function joinPeople(people: PackedObservation["people"]): PackedObservation["people"] {
  return [...Map.groupBy(people, ({ id }) => id).values()].map(joinSightings);
}

/** Numbers of 32 bits as base64, for an export. */
export function packVector(vector: Float32Array | null): string | null {
  return vector && Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString("base64");
}

/** What `packVector` packed. */
export function unpackVector(packed: string | null): Float32Array | null {
  return packed === null ? null : new Float32Array(Uint8Array.from(Buffer.from(packed, "base64")).buffer);
}

/** Hashes of the blobs an observation names. */
export function hashesIn({ frames, pushed }: PackedObservation): string[] {
  return [...frames, ...(pushed?.sounds ?? [])].map(({ hash }) => hash);
}
