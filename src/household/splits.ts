/**
 * Which episodes are for what, in one place, so that nothing is measured on what it was trained or chosen on.
 *
 * Episodes of `train` train a policy, each of its stages on its own. Those of `validation` choose settings and try
 * adapters. Those of `held-out` are measured while the project changes, and those of `final` once a release (`npm run
 * final`): figures that were looked at often are no longer untouched. A use that runs past its episodes fails.
 */
import { episodeSeed, type Split } from "./world.ts";

/** Some episodes of one split in a row. */
export interface Episodes {
  readonly split: Split;
  /** Number of the first. */
  readonly from: number;
  readonly episodes: number;
}

/** What trains each policy. */
export const trainingEpisodes = {
  nano: {
    /** 3,000 steps of 16 clips, eight an episode. */
    captions: { split: "train", from: 0, episodes: 6_000 },
    /** 500 steps of 24 clips. */
    memories: { split: "train", from: 500_000, episodes: 1_500 },
    phaseOne: { split: "train", from: 800_000, episodes: 50_000 },
    phaseTwo: { split: "train", from: 900_000, episodes: 8 },
  },
  householdVl: {
    /** 120,000 clips, eight an episode. */
    captions: { split: "train", from: 0, episodes: 15_000 },
    /** 30,000 clips. */
    memories: { split: "train", from: 500_000, episodes: 3_750 },
    phaseTwo: { split: "train", from: 900_000, episodes: 12 },
  },
  choice: {
    /** What adapters are taught of in `perf/choice-adapter.ts` and `perf/best-of-n.ts`. */
    tasks: { split: "train", from: 0, episodes: 1_000 },
    phaseOne: { split: "train", from: 900_000, episodes: 50_000 },
  },
} as const satisfies Record<string, Record<string, Episodes>>;

/** What settings are chosen and adapters are tried on. */
export const choosingEpisodes = {
  nanoGate: { split: "validation", from: 0, episodes: 16 },
  nanoPretraining: { split: "validation", from: 0, episodes: 1_000 },
  /** 512 clips. */
  householdVl: { split: "validation", from: 0, episodes: 64 },
} as const satisfies Record<string, Episodes>;

/** What is measured and shown; a release's own figures come from `finalEpisodes`. */
export const measuredEpisodes = {
  /** `bench household` and the table of `demo`, 64 of them by default; `perf/` measures on the first of them too. */
  benchmark: { split: "held-out", from: 0, episodes: 1_000 },
  /** The day that `demo` films, by its seed. */
  demo: { split: "held-out", from: 1_000, episodes: 2 ** 32 },
  /** The two days of `demo --policy choice`, by its seed. */
  demoChoice: { split: "held-out", from: 0, episodes: 2 ** 33 },
} as const satisfies Record<string, Episodes>;

/** What is measured once a release. */
export const finalEpisodes: Episodes = { split: "final", from: 0, episodes: 64 };

/** What speed is measured on: nothing is trained or judged by it. */
export const timingEpisodes: Episodes = { split: "train", from: 990_000, episodes: 16 };

/** Seed of the n-th of some episodes. @throws RangeError past their end, where another use's may begin */
export function seedOf({ split, from, episodes }: Episodes, n: number): string {
  if (n >= episodes)
    throw new RangeError(
      `Expected one of the ${episodes} episodes from ${split}-${from} on, got number ${n}: those after them are for other uses (household/splits.ts)`,
    );
  return episodeSeed(split, from + n);
}
