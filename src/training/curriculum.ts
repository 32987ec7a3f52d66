/**
 * The streaming curriculum of Phase One: live instances walk along videos, as many as a batch holds.
 *
 * After each step an instance is extended (the chosen memory joins its history and it moves to the next clip) or
 * resampled (it starts in another video). Below `leastSteps` it is always extended, above `mostSteps` never, and
 * between them it is resampled with a small probability a step. After Algorithm 1 of the paper; the
 * released code draws the schedule before training and keeps it in files, here it is a state that goes in and out.
 *
 * Departures:
 * 1. An instance at the end of its video is resampled; the released code lets it run on.
 * 2. The probability is that of resampling, as in the released code (16 steps a video on average); the paper's text
 *    can be read as that of extending.
 */
import { type Random, randomInt } from "../util/random.ts";

export interface CurriculumOptions {
  /** Steps an instance stays in a video at least, n_min. @default 11 */
  readonly leastSteps: number;
  /** Steps after which it leaves, n_max. @default 22 */
  readonly mostSteps: number;
  /** Probability a step, between the two, that it leaves. @default 0.13 */
  readonly resampleProbability: number;
}

export const curriculumDefaults: CurriculumOptions = {
  leastSteps: 11,
  mostSteps: 22,
  resampleProbability: 0.13,
};

/** Where an instance stands; plain data, so that a checkpoint can hold it. */
export interface Place {
  /** Number of its video, counted over the run. */
  readonly video: number;
  /** Decision in the video it stands at, from 0. */
  readonly at: number;
  /** Decisions it has made in this video, c_j. */
  readonly steps: number;
}

/** What becomes of an instance that has made one more decision: on by one, or out of its video. */
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

/** A random start in a video of so many decisions that leaves room for `leastSteps` where there is any. */
export function startIn(
  video: number,
  decisions: number,
  random: Random,
  { leastSteps }: Pick<CurriculumOptions, "leastSteps"> = curriculumDefaults,
): Place {
  const starts = Math.max(1, decisions - leastSteps + 1);
  return { video, at: randomInt(random, starts), steps: 0 };
}
