/** Films of the household: simulated days, coded as video and perceived, with what they are asked. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  askAbout,
  createEpisode,
  type Episode,
  type HouseholdQuestion,
  observeClip,
  renderEpisode,
} from "../../../household/index.ts";
import { type Episodes, seedOf } from "../../../household/splits.ts";
import type { Observation } from "../../../perception/observation.ts";
import { createPerceptors, perceive } from "../../../perception/perceive.ts";
import { openSource } from "../../../stream/open-source.ts";
import { turn } from "../../../util/async.ts";
import { seededRandom } from "../../../util/random.ts";

/** A film as it was perceived, with what it is asked. */
export interface HouseholdFilm {
  readonly episode: Episode;
  readonly observations: readonly Observation[];
  readonly questions: readonly HouseholdQuestion[];
}

/** Which episodes are filmed, and how. */
export interface FilmOptions extends Episodes {
  /** How many of them. */
  readonly films: number;
  /** Clips of a film. */
  readonly clips: number;
  readonly questionsPerKind: number;
  /** Whether what is seen comes as captions too, for policies that look at no pictures. @default false */
  readonly captions?: boolean;
  readonly onFilm?: (done: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Films episodes, codes them as video, and perceives the video. Needs ffmpeg. */
export async function filmHousehold(options: FilmOptions): Promise<HouseholdFilm[]> {
  const { films, clips, questionsPerKind, captions = false, onFilm, signal } = options;
  const perceptors = createPerceptors({ screenText: false });
  const folder = await mkdtemp(join(tmpdir(), "taskmem-films-"));
  const made: HouseholdFilm[] = [];
  try {
    for (let n = 0; n < films; n++) {
      await turn(signal);
      const episode = createEpisode(seedOf(options, n), clips);
      const { video } = await renderEpisode(episode, folder, { name: "film", ...(signal && { signal }) });
      const observations: Observation[] = [];
      for await (const item of (await openSource(video)).open(signal ? { signal } : {})) {
        if (item.kind !== "clip" || item.index >= clips) continue;
        const seen = await perceive(item, perceptors);
        const told = { stream: episode.seed, captions: true, pictures: false };
        observations.push({
          ...seen,
          stream: episode.seed,
          ...(captions && { captions: (await observeClip(episode.clips[item.index]!, told)).captions }),
        });
      }
      const questions = askAbout(episode, seededRandom(`questions ${episode.seed}`), {
        perKind: questionsPerKind,
      });
      made.push({ episode, observations, questions });
      onFilm?.(n + 1);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return made;
}
