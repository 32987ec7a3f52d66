/**
 * Faces in pictures, found in the thread of the senses: nothing is loaded before the first picture, and a crash costs the
 * faces of a clip.
 */
import { EngineError } from "../../errors.ts";
import type { FaceFinder } from "../../perception/faces.ts";
import { openSense, type SenseThread } from "../sense-thread.ts";
import type { FaceSetup, FoundFaces, PictureWithFaces } from "./face-thread.ts";

/** How a finder is opened. */
export interface FaceFinderOptions extends FaceSetup {
  /** Where it runs. @default the thread that all senses of this process share */
  readonly thread?: SenseThread;
}

/** Name of the space of its vectors: those of another are not compared. */
export const faceSpace = "face-api@1.7.15";

/** A finder over pulled nets. Its thread starts with the first picture. */
export function faceFinder({ thread, ...setup }: FaceFinderOptions): FaceFinder {
  const failed = (why: string) =>
    new EngineError("face-finder-failed", `The finder of faces failed: ${why}`, { isRetryable: true });
  const module = new URL("./face-thread", import.meta.url);
  const sense = openSense<PictureWithFaces, FoundFaces>({ module, setup, failed, thread });
  return {
    id: faceSpace,
    find: async (frames, signal) => {
      const found = [];
      for (const { atSeconds, width, height, jpeg } of frames) {
        signal?.throwIfAborted();
        const { faces } = await sense.ask({ jpeg });
        found.push({ atSeconds, width, height, faces });
      }
      return found;
    },
    close: () => sense.close(),
  };
}
