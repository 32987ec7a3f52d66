/**
 * Episodes of the train split as videos to learn from: an endless row, numbered, the same each time.
 *
 * What somebody else wrote about a clip (the off-policy history of Phase One) is one or two true sentences of it.
 */
import type { Observation } from "../perception/observation.ts";
import { randomInt, seededRandom, shuffle } from "../util/random.ts";
import { type Fact, sentenceOf } from "./language.ts";
import { observeClip } from "./observe.ts";
import { createEpisode, type Episode, episodeSeed, type Split } from "./world.ts";

/** One simulated video of Phase One. */
export interface HouseholdVideo {
  readonly clips: number;
  observe(clip: number): Promise<Observation>;
  written(clip: number): Promise<string>;
}

/** Which videos are made. */
export interface HouseholdVideosOptions {
  readonly split: Split;
  /** First episode. */
  readonly from: number;
  /** Clips of an episode. */
  readonly clips: number;
  /** Whether what is seen comes as captions too, for policies that look at no pictures. @default false */
  readonly captions?: boolean;
}

/** Videos by number, for Phase One. */
export interface HouseholdVideos {
  /** The n-th video, from 0. */
  video(n: number): HouseholdVideo;
  /** What is true of a clip of the stream `<split>-<episode>`; `null` for any other. */
  truthOf(stream: string, clip: number): readonly Fact[] | null;
}

/** Observations of a clip are kept for so many clips: an instance shows each one to the policy several times. */
const mostKept = 400;

/** Simulated videos, each made when it is asked for. */
export function householdVideos({
  split,
  from,
  clips,
  captions = false,
}: HouseholdVideosOptions): HouseholdVideos {
  const episodes = new Map<string, Episode>();
  const kept = new Map<string, Promise<Observation>>();
  const episodeOf = (seed: string): Episode => remembered(episodes, seed, () => createEpisode(seed, clips));
  return {
    video(n) {
      const seed = episodeSeed(split, from + n);
      return {
        clips,
        observe: (clip) =>
          remembered(kept, `${seed} ${clip}`, () =>
            observeClip(episodeOf(seed).clips[clip]!, { stream: seed, pictures: !captions, captions }),
          ),
        written: async (clip) => {
          const random = seededRandom(`written ${seed} ${clip}`);
          const facts = shuffle(random, episodeOf(seed).clips[clip]!.facts);
          return facts
            .slice(0, 1 + randomInt(random, 2))
            .map(sentenceOf)
            .join(" ");
        },
      };
    },
    truthOf: (stream, clip) =>
      stream.startsWith(`${split}-`) ? (episodeOf(stream).clips[clip]?.facts ?? null) : null,
  };
}

/** The value of a key, made where it is not there; the oldest goes when there are too many. */
function remembered<T>(values: Map<string, T>, key: string, make: () => T): T {
  const known = values.get(key);
  if (known !== undefined) return known;
  const made = make();
  values.set(key, made);
  if (values.size > mostKept) values.delete(values.keys().next().value!);
  return made;
}
