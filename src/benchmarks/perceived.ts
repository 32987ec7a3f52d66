/**
 * Senses that remember what they read and heard, on disk: every row of a run then writes about the very same
 * observations, and reading a picture or transcribing a clip is done, and paid for, once.
 */
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TranscribedSegment } from "../engine.ts";
import type { ScreenText } from "../perception/observation.ts";
import type { Perceptors } from "../perception/perceive.ts";
import { sha256 } from "../util/hash.ts";

/** The same senses over a folder of what they found, by the hash of what they were given. Failures are not kept. */
export function rememberingPerceptors(perceptors: Perceptors, folder: string): Perceptors {
  const { transcriber, screenReader } = perceptors;
  return {
    ...perceptors,
    transcriber: transcriber && {
      id: transcriber.id,
      transcribe: (audio, options) => {
        const { buffer, byteOffset, byteLength } = audio.samples;
        const heard = sha256(new Uint8Array(buffer, byteOffset, byteLength));
        const key = [transcriber.id, options.language ?? null, audio.startSeconds, heard];
        return remembered<TranscribedSegment[]>(folder, key, () => transcriber.transcribe(audio, options));
      },
    },
    screenReader: screenReader && {
      id: screenReader.id,
      read: (frames, signal) => {
        if (frames.length === 0) return Promise.resolve([]);
        const key = [screenReader.id, frames.map(({ atSeconds, jpeg }) => [atSeconds, sha256(jpeg)])];
        return remembered<ScreenText[]>(folder, key, () => screenReader.read(frames, signal));
      },
    },
  };
}

async function remembered<T>(folder: string, key: unknown, find: () => Promise<T>): Promise<T> {
  const path = join(folder, `${sha256(JSON.stringify(key))}.json`);
  if (existsSync(path)) return JSON.parse(readFileSync(path, "utf8")) as T;
  const found = await find();
  mkdirSync(folder, { recursive: true });
  // Two memories of one stream may be written at once.
  const unfinished = `${path}.${randomUUID()}`;
  writeFileSync(unfinished, JSON.stringify(found));
  renameSync(unfinished, path);
  return found;
}
