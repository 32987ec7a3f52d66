/**
 * The sound behind each clip of a stream, for what is said across their borders. It is asked for only where somebody
 * speaks at the end of a clip, so that other clips do not wait for the next.
 */
import type { TranscribedSegment } from "../engine.ts";
import type { Audio, Clip, Gap } from "../stream/clip.ts";
import { samplesPerSecond } from "./speech-like.ts";

/** The sound behind a clip, and how far the stream was heard: one for a stream, from clip to clip. */
export interface SoundAhead {
  /** What is said up to here, in seconds of the stream, belongs to an earlier clip. Whoever hears a clip moves it. */
  saidUntilSeconds: number;
  /** What was said before that moment and belongs to the next clip, as it begins in it. */
  said: readonly TranscribedSegment[];
  /** The sound of the next clip, if it follows at once; otherwise, and if it does not come in time, `null`. */
  next(): Promise<Audio | null>;
}

/** Sound that begins within this of the end of a clip follows it. Seconds. */
const leastHoleSeconds = 0.1;
/** How long a live source may take for the next clip, in milliseconds: a camera that is down holds up no memory. */
const longestWaitMs = 15_000;

/** Items of a source one by one, each with the sound behind it; the next is read only when it is asked for. */
export async function* withSoundAhead(
  items: AsyncIterable<Clip | Gap>,
  isLive: boolean,
): AsyncGenerator<{ readonly item: Clip | Gap; readonly ahead: SoundAhead }> {
  const iterator = items[Symbol.asyncIterator]();
  let next: Promise<IteratorResult<Clip | Gap>> | null = null;
  const read = () => {
    next ??= iterator.next();
    // Thrown when its turn comes.
    next.catch(() => {});
    return next;
  };
  let saidUntilSeconds = Number.NEGATIVE_INFINITY;
  let said: SoundAhead["said"] = [];
  try {
    for (;;) {
      const { done, value: item } = await read();
      next = null;
      if (done) return;
      const ahead: SoundAhead = {
        saidUntilSeconds,
        said,
        next: async () => {
          const following = await (isLive ? inTime(read()) : read()).catch(() => null);
          return item.kind === "clip" && following && !following.done
            ? soundAfter(item, following.value)
            : null;
        },
      };
      yield { item, ahead };
      ({ saidUntilSeconds, said } = ahead);
    }
  } finally {
    await iterator.return?.();
  }
}

function soundAfter({ audio }: Clip, next: Clip | Gap): Audio | null {
  if (!audio || next.kind === "gap" || !next.audio) return null;
  const end = audio.startSeconds + audio.samples.length / samplesPerSecond;
  return Math.abs(next.audio.startSeconds - end) < leastHoleSeconds ? next.audio : null;
}

function inTime<T>(promise: Promise<T>): Promise<T | null> {
  const { promise: late, resolve } = Promise.withResolvers<null>();
  const timer = setTimeout(() => resolve(null), longestWaitMs);
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
