/** Observations as stores keep them: pictures and sound by hash, everything else unchanged. */
import type { Observation } from "../perception/observation.ts";
import { type Blob, blobOf } from "./blob.ts";
import type { PackedObservation } from "./records.ts";

/** Packs an observation. @returns the observation with hashes, and its blobs */
export function packObservation(observation: Observation): {
  readonly packed: PackedObservation;
  readonly blobs: readonly Blob[];
} {
  const blobs: Blob[] = [];
  const keep = (bytes: Uint8Array) => {
    const blob = blobOf(bytes);
    blobs.push(blob);
    return blob.hash;
  };
  const { frames, pushed, ...plain } = observation;
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
  return { packed, blobs };
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

/** Hashes of the blobs an observation names. */
export function hashesIn({ frames, pushed }: PackedObservation): string[] {
  return [...frames, ...(pushed?.sounds ?? [])].map(({ hash }) => hash);
}
