/**
 * Engines that remember what they said, on disk: every row of a run writes about the very same observations, equal
 * answers are judged once, and what a run did before it stopped, or before an engine failed, is not paid for again when
 * it is resumed.
 *
 * Kept by the hash of all that was asked; failures are not kept.
 */
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import {
  type Completion,
  type GenerateRequest,
  type Model,
  noCost,
  type Part,
  type TranscribedSegment,
} from "../engine.ts";
import type { ScreenText } from "../perception/observation.ts";
import type { Perceptors } from "../perception/perceive.ts";
import { sha256 } from "../util/hash.ts";

/** The same senses over a folder of what they found. */
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

/**
 * The same model over a folder of what it said; what is said again costs nothing. Log-probabilities are not kept, nor
 * asked for.
 */
export function rememberingModel(model: Model, folder: string): Model {
  return {
    ...model,
    capabilities: async (signal) => ({ ...(await model.capabilities(signal)), logprobs: false }),
    generate: async (request) => {
      let cost = noCost;
      const completions = await remembered<Completion[]>(folder, askedOf(model, request), async () => {
        const generation = await model.generate({ ...request, logprobs: false });
        cost = generation.cost;
        return generation.completions.map(({ handle: _, ...completion }) => ({
          ...completion,
          tokens: null,
        }));
      });
      return { completions, cost };
    },
  };
}

/** All that what a model says depends on, pictures by their hashes. */
function askedOf({ id }: Model, { system, parts, n = 1, sampling, schema, adapter }: GenerateRequest) {
  const shown = (part: Part) =>
    part.type === "text"
      ? part.text
      : part.type === "image"
        ? [part.atSeconds, sha256(part.bytes)]
        : part.frames.map(({ atSeconds, jpeg }) => [atSeconds, sha256(jpeg)]);
  return [id, system, parts.map(shown), n, sampling, schema, adapter?.revision];
}

/** What is being found, by the file it will be in: two memories of one stream may ask for it at once. */
const pending = new Map<string, Promise<unknown>>();

async function remembered<T>(folder: string, key: unknown, find: () => Promise<T>): Promise<T> {
  const hash = sha256(JSON.stringify(key));
  const path = resolve(folder, hash.slice(0, 2), `${hash}.json`);
  if (existsSync(path)) return JSON.parse(readFileSync(path, "utf8")) as T;
  const finding = pending.get(path) ?? find().then((found) => keep(path, found));
  pending.set(path, finding);
  try {
    return (await finding) as T;
  } finally {
    pending.delete(path);
  }
}

function keep<T>(path: string, found: T): T {
  mkdirSync(dirname(path), { recursive: true });
  // Another process may keep the same.
  const unfinished = `${path}.${randomUUID()}`;
  writeFileSync(unfinished, JSON.stringify(found));
  renameSync(unfinished, path);
  return found;
}
