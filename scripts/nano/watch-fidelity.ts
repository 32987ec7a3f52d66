/**
 * How much of a model's writing is true when it watches real video: episodes are filmed, coded, cut and perceived as any
 * stream, and each memory is written with the model's own memories of the earlier clips in sight.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encode } from "../../src/engines/nano/vocabulary.ts";
import { renderEpisode } from "../../src/household/render.ts";
import { type Episodes, seedOf } from "../../src/household/splits.ts";
import { createEpisode } from "../../src/household/world.ts";
import type { Observation } from "../../src/perception/observation.ts";
import { createPerceptors, perceive } from "../../src/perception/perceive.ts";
import type { Policy } from "../../src/policy/policy.ts";
import { openSource } from "../../src/stream/open-source.ts";
import { decisionsOf } from "../../src/training/replay.ts";
import { countStatements, type Fidelity, noStatements } from "./fidelity.ts";

/** Options of `watchFidelity`. */
export interface WatchOptions extends Episodes {
  /** Clips of an episode, 10 s each. */
  readonly clips: number;
}

/** Counts the statements of one memory a clip. Needs ffmpeg. */
export async function watchFidelity(policy: Policy, { clips, ...episodes }: WatchOptions): Promise<Fidelity> {
  const perceptors = createPerceptors({ screenText: false });
  const counts = noStatements();
  const folder = await mkdtemp(join(tmpdir(), "nano-watch-"));
  try {
    for (let n = 0; n < episodes.episodes; n++) {
      const episode = createEpisode(seedOf(episodes, n), clips);
      const { video } = await renderEpisode(episode, folder, { name: `episode-${n}` });
      const observations: Observation[] = [];
      for await (const item of (await openSource(video)).open())
        if (item.kind === "clip" && item.index < clips) observations.push(await perceive(item, perceptors));
      for await (const { context, action } of decisionsOf(policy, observations)) {
        const known = episode.clips[context.observations[0]!.clip]!.facts;
        const words = (entries: readonly { text: string }[]) => entries.flatMap(({ text }) => encode(text));
        countStatements(counts, words(action.statements), known, words(context.recent.entries));
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return counts;
}
