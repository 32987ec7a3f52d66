/**
 * Episodes of the train split as videos to train on: numbered, the same each time.
 *
 * The off-policy history of Phase One, which another writer would have written, is one or two true sentences per clip.
 */
import type { Observation } from "../perception/observation.ts";
import { randomInt, seededRandom, shuffle } from "../util/random.ts";
import { type Fact, sentenceOf } from "./language.ts";
import { observeClip } from "./observe.ts";
import { type Episodes, seedOf } from "./splits.ts";
import { createEpisode, type Episode } from "./world.ts";

/** One episode as a video to train on. */
export interface HouseholdVideo {
  readonly clips: number;
  observe(clip: number): Promise<Observation>;
  written(clip: number): Promise<string>;
}

/** Which episodes to train on. */
export interface HouseholdVideosOptions extends Omit<Episodes, "episodes"> {
  /** How many there are. @default endless */
  readonly episodes?: number;
  /** Clips per episode. */
  readonly clips: number;
  /** Whether what is seen is also given as captions, for policies that take no pictures. @default false */
  readonly captions?: boolean;
}

/** Numbered training videos, and the truth about them. */
export interface HouseholdVideos {
  /** The n-th video, from 0. @throws RangeError past the last */
  video(n: number): HouseholdVideo;
  /** The facts of a clip of the stream `<split>-<episode>`; `null` for any other stream. */
  truthOf(stream: string, clip: number): readonly Fact[] | null;
}

/** How many clips keep their observation cached: an instance shows each one to the policy several times. */
const mostKept = 400;

/** Episodes of the train split as training videos. */
export function householdVideos({
  split,
  from,
  episodes: count = Number.POSITIVE_INFINITY,
  clips,
  captions = false,
}: HouseholdVideosOptions): HouseholdVideos {
  const episodes = new Map<string, Episode>();
  const kept = new Map<string, Promise<Observation>>();
  const episodeOf = (seed: string): Episode => remembered(episodes, seed, () => createEpisode(seed, clips));
  return {
    video(n) {
      const seed = seedOf({ split, from, episodes: count }, n);
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

/** The cached value of a key, made if missing. The oldest value is dropped when there are too many. */
function remembered<T>(values: Map<string, T>, key: string, make: () => T): T {
  const known = values.get(key);
  if (known !== undefined) return known;
  const made = make();
  values.set(key, made);
  if (values.size > mostKept) values.delete(values.keys().next().value!);
  return made;
}
