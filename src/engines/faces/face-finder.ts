/**
 * Faces in pictures, found in a thread of this process: nothing is loaded before the first picture, and a crash costs the
 * faces of a clip.
 */
import { EngineError } from "../../errors.ts";
import type { FaceFinder } from "../../perception/faces.ts";
import { AskedThread } from "../../util/asked-thread.ts";
import type { FaceSetup, FoundFaces, PictureWithFaces } from "./face-thread.ts";

/** How a finder is opened. */
export interface FaceFinderOptions extends FaceSetup {
  /** A thread without a picture for this long ends, in milliseconds. @default 60000 */
  readonly idleMs?: number;
}

/** Name of the space of its vectors: those of another are not compared. */
export const faceSpace = "face-api@1.7.15";

/** A finder over pulled nets. Its thread starts with the first picture. */
export function faceFinder({ idleMs, ...setup }: FaceFinderOptions): FaceFinder {
  const failed = (why: string) =>
    new EngineError("face-finder-failed", `The finder of faces failed: ${why}`, { isRetryable: true });
  const program = new URL("./face-thread", import.meta.url);
  const thread = new AskedThread<PictureWithFaces, FoundFaces>({ program, setup, idleMs, failed });
  return {
    id: faceSpace,
    find: async (frames, signal) => {
      const found = [];
      for (const { atSeconds, width, height, jpeg } of frames) {
        signal?.throwIfAborted();
        const { faces } = await thread.ask({ jpeg });
        found.push({ atSeconds, width, height, faces });
      }
      return found;
    },
  };
}
