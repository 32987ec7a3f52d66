/**
 * How thinly a live stream is looked at. Its senses may take four fifths of the time that passes, on the one core that they
 * have. Where they take longer, they are late: then every second picture is looked at, then every fourth and every eighth,
 * and from the fourth on voices are not told apart. After a while with room they look at more again.
 *
 * What was recorded is looked at whole, however long it takes.
 */
import type { Clip } from "../stream/clip.ts";
import type { Observation } from "./observation.ts";
import { type Perceptors, perceive } from "./perceive.ts";
import type { SoundAhead } from "./speech-ahead.ts";

/** Part of the time that passes which the senses may take. */
const share = 0.8;
/** Later than this part of a clip, they look at less. */
const mostLate = 0.5;
/** At the least, one of this many pictures is looked at. */
const thinnest = 8;
/** From here on, voices are not told apart. */
const withoutSpeakers = 4;
/** Clips in a row that have room before more is looked at. */
const roomyClips = 3;

type Span = Pick<Clip, "startSeconds" | "endSeconds">;

/** From the time that each clip took to how much of the next is looked at. */
export class Pace {
  #every = 1;
  #lateSeconds = 0;
  #roomy = 0;
  #lastSeconds: number | null = null;

  /** One of this many pictures is looked at: 1, 2, 4 or 8. */
  get every(): number {
    return this.#every;
  }

  /**
   * @param tookSeconds that its senses took
   * @param waited whether they waited for what comes next, and so were in time
   */
  took({ startSeconds, endSeconds }: Span, tookSeconds: number, waited: boolean): void {
    const length = Math.max(endSeconds - startSeconds, startSeconds - (this.#lastSeconds ?? startSeconds));
    const room = share * length;
    this.#lastSeconds = startSeconds;
    this.#lateSeconds = waited ? 0 : Math.max(0, this.#lateSeconds + tookSeconds - room);
    if (this.#lateSeconds > mostLate * length) {
      this.#every = Math.min(thinnest, 2 * this.#every);
      this.#roomy = 0;
      return;
    }
    // Twice the pictures may take twice the time.
    const isRoomy = this.#every > 1 && this.#lateSeconds === 0 && 2 * tookSeconds <= room;
    this.#roomy = isRoomy ? this.#roomy + 1 : 0;
    if (this.#roomy < roomyClips) return;
    this.#every /= 2;
    this.#roomy = 0;
  }
}

/** Perceives the clips of one stream, one after the other, at its pace. */
export interface PacedSenses {
  perceive(
    clip: Clip,
    options?: { readonly signal?: AbortSignal; readonly ahead?: SoundAhead },
  ): Promise<Observation>;
}

/** @param clockMs milliseconds since some moment, by which it is told how long the senses took; `null` for what is not live */
export function pacedSenses(perceptors: Perceptors, clockMs: (() => number) | null): PacedSenses {
  if (clockMs === null) return { perceive: (clip, options) => perceive(clip, perceptors, options) };
  const pace = new Pace();
  return {
    perceive: async (clip, { signal, ahead } = {}) => {
      let beganMs = clockMs();
      let waited = false;
      if (ahead) {
        const next = ahead.next.bind(ahead);
        ahead.next = async () => {
          const askedMs = clockMs();
          const sound = await next();
          if (clockMs() - askedMs > leastWaitMs) [beganMs, waited] = [clockMs(), true];
          return sound;
        };
      }
      const { every } = pace;
      const senses = every >= withoutSpeakers ? { ...perceptors, speakers: null } : perceptors;
      const options = { ...(signal && { signal }), ...(ahead && { ahead }), every };
      const observation = await perceive(clip, senses, options);
      pace.took(clip, (clockMs() - beganMs) / 1000, waited);
      return observation;
    },
  };
}

/** A shorter wait for the next clip is no sign of being in time. Milliseconds. */
const leastWaitMs = 100;

/** How much is looked at, where it is not everything: `one of 4 pictures`. */
export const paceText = (every: number): string => `one of ${every} pictures`;
