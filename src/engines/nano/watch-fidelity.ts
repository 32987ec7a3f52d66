/**
 * How much of what a model writes is true when it watches real video: episodes filmed, coded, cut and perceived as any
 * stream is, each memory written with the model's own memory of the clip before in sight.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Adapter } from "../../adapter/adapter.ts";
import type { Model } from "../../engine.ts";
import { renderEpisode } from "../../household/render.ts";
import { createEpisode, episodeSeed, type Split } from "../../household/world.ts";
import { createPerceptors, perceive } from "../../perception/perceive.ts";
import { memoryPrompt } from "../../policy/prompts.ts";
import { openSource } from "../../stream/open-source.ts";
import { seenAndHeard } from "./examples.ts";
import { countStatements, type Fidelity, noStatements } from "./fidelity.ts";
import { encode } from "./vocabulary.ts";

export interface WatchOptions {
  readonly split: Split;
  readonly episodes: number;
  /** Clips of an episode, 10 s each. */
  readonly clips: number;
  /** @default 0.7 */
  readonly temperature?: number;
  readonly adapter?: Adapter | null;
}

/** Counts the statements of one memory a clip. Needs ffmpeg. */
export async function watchFidelity(model: Model, options: WatchOptions): Promise<Fidelity> {
  const { split, episodes, clips, temperature = 0.7, adapter = null } = options;
  const perceptors = createPerceptors({ screenText: false });
  const counts = noStatements();
  const folder = await mkdtemp(join(tmpdir(), "nano-watch-"));
  try {
    for (let n = 0; n < episodes; n++) {
      const episode = createEpisode(episodeSeed(split, n), clips);
      const { video } = await renderEpisode(episode, folder, { name: `episode-${n}` });
      let before = "";
      for await (const item of (await openSource(video)).open()) {
        if (item.kind !== "clip" || item.index >= clips) continue;
        const parts = memoryPrompt(
          {
            observations: [await perceive(item, perceptors)],
            recent: {
              observations: [],
              entries: before === "" ? [] : [{ clip: item.index - 1, kind: "episodic", text: before }],
            },
            state: { value: null, documents: 0, words: new Map() },
          },
          { semantic: false, countTokens: (text) => text.length },
        );
        const sampling = { temperature, seed: 1000 * n + item.index };
        const { completions } = await model.generate({ parts, sampling, adapter });
        const { text } = completions[0]!;
        countStatements(counts, encode(text), seenAndHeard(episode.clips[item.index]!).known, encode(before));
        before = text;
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return counts;
}
