/** What a policy learns on besides what a memory watched: sources that are perceived for it, and kept nowhere. */
import type { Observation } from "../perception/observation.ts";
import { type Perceptors, perceive } from "../perception/perceive.ts";
import type { Source } from "../stream/clip.ts";
import { sha256 } from "../util/hash.ts";

/** Observations to learn on. */
export interface Material {
  /** Tells what they show, so that what was kept of other material is not taken for it. */
  readonly id: string;
  /** The observations of each stream, in order. */
  readonly streams: readonly (readonly Observation[])[];
}

/** Options of `perceiveSources`. */
export interface PerceiveOptions {
  /** Called after each clip. */
  readonly onClip?: (clips: number, source: Source) => void;
  readonly signal?: AbortSignal;
}

/**
 * Perceives recorded sources to their end. Their pictures stay in memory: about 150 kB a clip of ten.
 * @throws the signal's reason
 */
export async function perceiveSources(
  sources: readonly Source[],
  perceptors: Perceptors,
  { onClip, signal }: PerceiveOptions = {},
): Promise<Material> {
  const streams: Observation[][] = [];
  let clips = 0;
  for (const source of sources) {
    const observations: Observation[] = [];
    for await (const item of source.open({ ...(signal && { signal }) })) {
      signal?.throwIfAborted();
      if (item.kind === "gap") continue;
      observations.push(
        await perceive({ ...item, stream: source.id }, perceptors, { ...(signal && { signal }) }),
      );
      clips += 1;
      onClip?.(clips, source);
    }
    streams.push(observations);
  }
  return { id: materialId(streams), streams };
}

/** A hash of the texts and of the pictures' bytes. */
export function materialId(streams: readonly (readonly Observation[])[]): string {
  const shown = streams.map((observations) =>
    observations.map(({ frames, ...texts }) => [
      texts,
      frames.map(({ atSeconds, jpeg }) => [atSeconds, sha256(jpeg)]),
    ]),
  );
  return sha256(JSON.stringify(shown)).slice(0, 16);
}
