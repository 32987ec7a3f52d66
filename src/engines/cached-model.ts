/**
 * A model that repeats its answers: each request is a key, and its answer is kept in any `EngineCache`, such as a
 * `Map`, a folder (`folderCache`) or a memory's file (`Memory.engineCache`). What was paid for once is not paid for
 * again, in this process or after a kill. Failures are not kept.
 */
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import {
  type Completion,
  type EngineCache,
  type GenerateRequest,
  type Model,
  noCost,
  type Part,
} from "../engine.ts";
import { sha256 } from "../util/hash.ts";

/** The same model over a cache. A repeated answer costs nothing. Log-probabilities are neither requested nor kept. */
export function cachedModel(model: Model, cache: EngineCache): Model {
  return {
    ...model,
    capabilities: async (signal) => ({ ...(await model.capabilities(signal)), logprobs: false }),
    generate: async (request) => {
      let cost = noCost;
      const completions = await cachedAnswer<Completion[]>(cache, askedOf(model, request), async () => {
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

/** Everything a model's answer depends on; pictures by their hashes. */
function askedOf({ id }: Model, { system, parts, n = 1, sampling, schema, adapter }: GenerateRequest) {
  const shown = (part: Part) =>
    part.type === "text"
      ? part.text
      : part.type === "image"
        ? [part.atSeconds, sha256(part.bytes)]
        : part.frames.map(({ atSeconds, jpeg }) => [atSeconds, sha256(jpeg)]);
  return [id, system, parts.map(shown), n, sampling, schema, adapter?.revision];
}

/** Answers on their way to each cache, by key: the same one may be requested twice at once. */
const pending = new WeakMap<EngineCache, Map<string, Promise<unknown>>>();

/**
 * An engine's answer, computed once per request; both are plain JSON.
 * @param asked everything the answer depends on
 */
export async function cachedAnswer<T>(
  cache: EngineCache,
  asked: unknown,
  find: () => Promise<T>,
): Promise<T> {
  const key = JSON.stringify(asked);
  const finding = pending.get(cache) ?? new Map<string, Promise<unknown>>();
  pending.set(cache, finding);
  const found =
    (finding.get(key) as Promise<T> | undefined) ??
    (async () => {
      const said = await cache.get(key);
      if (said !== undefined) return JSON.parse(said) as T;
      const answer = await find();
      await cache.set(key, JSON.stringify(answer));
      return answer;
    })();
  finding.set(key, found);
  try {
    return await found;
  } finally {
    finding.delete(key);
  }
}

/** A cache in a folder, one file per answer; several processes may share it. */
export function folderCache(folder: string): EngineCache {
  const pathOf = (key: string) => {
    const hash = sha256(key);
    return resolve(folder, hash.slice(0, 2), `${hash}.json`);
  };
  return {
    get: (key) => (existsSync(pathOf(key)) ? readFileSync(pathOf(key), "utf8") : undefined),
    set: (key, said) => {
      const path = pathOf(key);
      mkdirSync(dirname(path), { recursive: true });
      // Another process may be keeping the same answer.
      const unfinished = `${path}.${randomUUID()}`;
      writeFileSync(unfinished, said);
      renameSync(unfinished, path);
    },
  };
}
