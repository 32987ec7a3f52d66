/** Senses that find again what they found: every row of a run writes about the very same observations. */
import type { EngineCache, TranscribedSegment } from "../../engine.ts";
import { cachedAnswer } from "../../engines/cached-model.ts";
import type { ScreenText } from "../../perception/observation.ts";
import type { Perceptors } from "../../perception/perceive.ts";
import { sha256 } from "../../util/hash.ts";

/** The same senses over a cache. */
export function cachedPerceptors(perceptors: Perceptors, cache: EngineCache): Perceptors {
  const { transcriber, screenReader } = perceptors;
  return {
    ...perceptors,
    transcriber: transcriber && {
      id: transcriber.id,
      ...(transcriber.mostSeconds !== undefined && { mostSeconds: transcriber.mostSeconds }),
      transcribe: (audio, options) => {
        const { buffer, byteOffset, byteLength } = audio.samples;
        const heard = sha256(new Uint8Array(buffer, byteOffset, byteLength));
        const asked = [transcriber.id, options.language ?? null, audio.startSeconds, heard];
        return cachedAnswer<TranscribedSegment[]>(cache, asked, () => transcriber.transcribe(audio, options));
      },
    },
    screenReader: screenReader && {
      id: screenReader.id,
      read: (frames, signal) => {
        if (frames.length === 0) return Promise.resolve([]);
        const asked = [screenReader.id, frames.map(({ atSeconds, jpeg }) => [atSeconds, sha256(jpeg)])];
        return cachedAnswer<ScreenText[]>(cache, asked, () => screenReader.read(frames, signal));
      },
    },
  };
}
