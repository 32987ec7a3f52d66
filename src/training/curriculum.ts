/**
 * The streaming curriculum of Phase One: live instances walk along videos, as many as a batch holds.
 *
 * After each step an instance is extended (the chosen memory joins its history and it moves to the next clip) or
 * resampled (it starts in another video). Below `leastSteps` it is always extended, above `mostSteps` never, and
 * between them it is resampled with a small probability per step. This is Algorithm 1 of the paper. The
 * released code draws the schedule before training and keeps it in files; here it is a state that goes in and out.
 *
 * Departures:
 * 1. An instance at the end of its video is resampled; the released code lets it run on.
 * 2. The probability is that of resampling, as in the released code (16 steps per video on average); the paper's text
 *    can be read as that of extending.
 */
import { type Random, randomInt } from "../util/random.ts";

/** How long an instance stays in a video. */
export interface CurriculumOptions {
  /** Least steps of an instance in a video, n_min. @default 11 */
  readonly leastSteps: number;
  /** Steps after which it leaves, n_max. @default 22 */
  readonly mostSteps: number;
  /** Probability per step, between the two, that it leaves. @default 0.13 */
  readonly resampleProbability: number;
}

/** The default stay in a video: 16 steps on average. */
export const curriculumDefaults: CurriculumOptions = {
  leastSteps: 11,
  mostSteps: 22,
  resampleProbability: 0.13,
};

/** The position of an instance, as plain data, so that a checkpoint can hold it. */
export interface Place {
  /** Number of its video, counted over the run. */
  readonly video: number;
  /** Its next decision in the video, from 0. */
  readonly at: number;
  /** Decisions it has made in this video, c_j. */
  readonly steps: number;
}

/** The place of an instance after one more decision: the next one in its video, or `null` where it leaves. */
export function nextPlace(
  place: Place,
  decisions: number,
  random: Random,
  { leastSteps, mostSteps, resampleProbability }: CurriculumOptions = curriculumDefaults,
): Place | null {
  const steps = place.steps + 1;
  // Drawn in any case, so that the sequence of numbers does not depend on the place.
  const leaves = random() < resampleProbability;
  const isOver = place.at + 1 >= decisions || steps > mostSteps || (steps >= leastSteps && leaves);
  return isOver ? null : { video: place.video, at: place.at + 1, steps };
}

/** A random start in a video of this many decisions, with room for `leastSteps` where the video is long enough. */
export function startIn(
  video: number,
  decisions: number,
  random: Random,
  { leastSteps }: Pick<CurriculumOptions, "leastSteps"> = curriculumDefaults,
): Place {
  const starts = Math.max(1, decisions - leastSteps + 1);
  return { video, at: randomInt(random, starts), steps: 0 };
}
