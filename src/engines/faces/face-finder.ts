/**
 * Faces in pictures, found in the thread of the senses: nothing is loaded before the first picture, and a crash costs the
 * faces of a clip.
 */
import { EngineError } from "../../errors.ts";
import type { FaceFinder, FoundFace, FrameFaces } from "../../perception/faces.ts";
import { openSense, type SenseThread } from "../sense-thread.ts";
import type { FaceSetup, FoundFaces, PictureWithFaces } from "./face-thread.ts";

/** How a finder is opened. */
export interface FaceFinderOptions extends FaceSetup {
  /** Where it runs. @default the thread that all senses of this process share */
  readonly thread?: SenseThread;
}

/** Name of the space of its vectors: those of another are not compared. */
export const faceSpace = "face-api@1.7.15";

/** A face that is still there as it was: another picture of it tells nothing new. */
const still = (face: FoundFace): FoundFace => ({ ...face, vector: null, crop: null });

/** A finder over pulled nets. Its thread starts with the first picture. Where a picture did not change, its faces are those before. */
export function faceFinder({ thread, ...setup }: FaceFinderOptions): FaceFinder {
  const failed = (why: string) =>
    new EngineError("face-finder-failed", `The finder of faces failed: ${why}`, { isRetryable: true });
  const module = new URL("./face-thread", import.meta.url);
  const sense = openSense<PictureWithFaces, FoundFaces>({ module, setup, failed, thread });
  return {
    id: faceSpace,
    find: async (frames, signal) => {
      const found: FrameFaces[] = [];
      let before: Uint8Array | null = null;
      for (const { atSeconds, width, height, jpeg } of frames) {
        signal?.throwIfAborted();
        const { faces, look }: FoundFaces = await sense.ask({ jpeg, before });
        if (faces) before = look;
        found.push({ atSeconds, width, height, faces: faces ?? found.at(-1)!.faces.map(still) });
      }
      return found;
    },
    close: () => sense.close(),
  };
}
