/**
 * A simulated camera: a stream of short texts that arrive in time, one a clip, named by when it began and how it runs. What it
 * said while nobody watched can be had later, as from a recorder. Every process that opens it sees the same.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Clip, Source } from "../../src/stream/clip.ts";

/** How a camera runs. */
export interface CameraOptions {
  readonly name: string;
  /** When its first clip began, in wall time. */
  readonly beganMs: number;
  /** Wall time between two clips. */
  readonly clipMs: number;
  /** How many clips it has; it then ends. @default it does not end */
  readonly clips?: number;
}

const clipSeconds = 10;

/** The text of a clip, by which it is known again. */
export const textOfClip = (name: string, clip: number) =>
  `Camera ${name} sees parcel number ${clip} on the shelf in hall ${clip % 7}.`;

/** The address of a camera, as a job names it. */
export const addressOf = (options: CameraOptions) =>
  `camera://x/?of=${encodeURIComponent(JSON.stringify(options))}`;

/** How many clips a camera has by now. */
export const clipsBy = (
  nowMs: number,
  { beganMs, clipMs, clips = Number.POSITIVE_INFINITY }: CameraOptions,
) => Math.min(clips, Math.max(0, Math.floor((nowMs - beganMs) / clipMs)));

/** Opens a camera by its address. */
export function openCamera(address: string): Source {
  const options = JSON.parse(new URL(address).searchParams.get("of")!) as CameraOptions;
  const { name, beganMs, clipMs } = options;
  return {
    ...{ id: name, description: `camera ${name}`, live: true, clock: { kind: "media" }, clipSeconds },
    ...{ endSeconds: null, fingerprint: null, leftOut: [] },
    async *open({ fromSeconds = 0, signal } = {}) {
      for (let clip = fromSeconds / clipSeconds; clip < (options.clips ?? Number.POSITIVE_INFINITY); clip++) {
        while (clipsBy(Date.now(), options) <= clip) {
          const waitMs = beganMs + (clip + 1) * clipMs - Date.now();
          await sleep(Math.max(1, waitMs), undefined, signal ? { signal } : {});
        }
        yield clipOf(name, clip);
      }
    },
  };
}

function clipOf(name: string, index: number): Clip {
  const startSeconds = index * clipSeconds;
  const span = { startSeconds, endSeconds: startSeconds + clipSeconds };
  return {
    ...{ kind: "clip", stream: name, index, ...span, frames: [], largeFrames: [], audio: null, shots: [] },
    cues: [
      {
        ...{ startSeconds: startSeconds + 1, endSeconds: startSeconds + 5, text: textOfClip(name, index) },
        ...{ speaker: null, kind: "speech", origin: "stream", language: null },
      },
    ],
  };
}
