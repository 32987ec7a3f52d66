/**
 * Live sources: network streams and capture devices, on a wall clock.
 *
 * The stream's clock starts when it is first watched. A later run keeps that clock, and the time between is a gap. A
 * connection that ends or stalls is opened again with back-off, and the outage is a gap. Clips wait in a short queue
 * for the consumer. If it is full the newest are dropped and their span is a gap, so that memory stays constant and the
 * lag bounded.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { DataError } from "../errors.ts";
import type { Random } from "../util/random.ts";
import { type Clip, clipIndexAt, type Gap, type OpenOptions, type Source } from "./clip.ts";
import { ClipCutter } from "./clip-cutter.ts";
import { decodeMedia, type FrameOptions, type MediaInput } from "./ffmpeg.ts";

/** How a live source is read, and when its connection counts as dead. */
export interface LiveSourceOptions {
  readonly id: string;
  readonly description: string;
  readonly clipSeconds: number;
  readonly frames: FrameOptions;
  /** Wall clock in milliseconds. @default Date.now */
  readonly now?: () => number;
  /** A connection without a packet for this long counts as dead, in milliseconds. @default 15000 */
  readonly stallMs?: number;
  /** First back-off before reconnecting, in milliseconds; doubled up to a minute. @default 1000 */
  readonly reconnectMs?: number;
  /** How many connections may fail in a row before the source counts as ended. @default Infinity */
  readonly maxReconnects?: number;
  /** Whether an end without an error is the end (as of a playlist), not an outage. @default false */
  readonly endsCleanly?: boolean;
  /** Most clips that wait. @default 12 */
  readonly queueClips?: number;
  readonly random?: Random;
}

/** A network stream or capture device as a source. */
export function liveSource(input: MediaInput, options: LiveSourceOptions): Source {
  const { id, description, clipSeconds, now = Date.now } = options;
  const clock = { kind: "wall", originMs: now() } as const;
  return {
    id,
    description,
    live: true,
    clock,
    clipSeconds,
    endSeconds: null,
    fingerprint: null,
    leftOut: [],
    open: (openOptions = {}) => watchLive(input, { clock, ...openOptions }, options),
  };
}

async function* watchLive(
  input: MediaInput,
  { clock, signal, fromSeconds = 0 }: OpenOptions,
  options: LiveSourceOptions,
): AsyncGenerator<Clip | Gap> {
  const { now = Date.now, queueClips = 12 } = options;
  const originMs = clock?.kind === "wall" ? clock.originMs : now();
  const secondsNow = () => Math.max(0, (now() - originMs) / 1000);
  const queue = new LiveQueue(queueClips);
  const stop = new AbortController();
  const all = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  const pumping = pump(input, { ...options, secondsNow, fromSeconds, signal: all }, (items) =>
    queue.add(items),
  ).then(
    () => queue.end(),
    (error: unknown) => queue.end(error),
  );
  try {
    yield* queue.items();
  } finally {
    stop.abort();
    await pumping;
  }
}

interface PumpOptions extends LiveSourceOptions {
  readonly secondsNow: () => number;
  readonly fromSeconds: number;
  readonly signal: AbortSignal;
}

/** Reconnects after each outage and delivers the clips. Ends when the source may not be reconnected. */
async function pump(
  input: MediaInput,
  options: PumpOptions,
  take: (items: (Clip | Gap)[]) => void,
): Promise<void> {
  const { id, clipSeconds, fromSeconds, frames, secondsNow, signal } = options;
  const {
    stallMs = 15_000,
    reconnectMs = 1000,
    maxReconnects = Number.POSITIVE_INFINITY,
    random = Math.random,
  } = options;
  // A clip that an earlier run finished is not cut again, even if this run starts inside its span.
  const start = Math.max(secondsNow(), fromSeconds);
  const cutter = new ClipCutter(id, clipSeconds, clipIndexAt(start, clipSeconds) * clipSeconds);
  if (fromSeconds > 0 && start > fromSeconds) {
    take([gap(id, fromSeconds, start, "not-watched", "no run was watching")]);
  }
  for (let failures = 0; ; failures++) {
    let offset: number | null = null;
    let reached = 0;
    let problem: string | null = null;
    let isOver = false;
    for await (const packet of decodeMedia({ input, info: null, texts: [], frames, stallMs, signal })) {
      if (packet.kind === "end") {
        problem = packet.problem;
        isOver = options.endsCleanly === true && offset !== null && !packet.failed;
        break;
      }
      if (offset === null) {
        // The first packet is now; later packets keep their distance to it.
        offset = Math.max(secondsNow() - packet.atSeconds, start, cutter.coveredTo ?? 0);
        cutter.begin(
          offset + packet.atSeconds,
          "source-down",
          `${input.name} was down: ${problem ?? "it ended"}`,
        );
        failures = 0;
      }
      const atSeconds = offset + packet.atSeconds;
      reached = Math.max(reached, atSeconds);
      if (packet.kind === "picture") {
        if (packet.startsShot) cutter.addShot(atSeconds);
        if (packet.look) cutter.addLook({ ...packet.look, atSeconds });
      } else if (packet.kind === "audio") {
        cutter.addAudio({ startSeconds: atSeconds, samples: packet.samples });
        reached = Math.max(reached, atSeconds + packet.samples.length / 16_000);
      } else if (packet.kind !== "text") {
        const { width, height, jpeg } = packet;
        cutter.addFrame({ atSeconds, width, height, jpeg }, packet.kind === "frame" ? "policy" : "large");
      }
      cutter.advance(reached - trackLagSeconds);
      take(cutter.take());
    }
    if (offset !== null) cutter.finish(Math.max(reached, cutter.coveredTo ?? reached));
    take(cutter.take());
    if (isOver || failures >= maxReconnects) {
      if (cutter.coveredTo === null) {
        throw new DataError(
          "source-down",
          `${input.name} sent no picture and no sound: ${problem ?? "it ended"}.`,
        );
      }
      cutter.close();
      take(cutter.take());
      return;
    }
    const backOffMs = Math.min(60_000, reconnectMs * 2 ** failures) * (0.5 + random() / 2);
    await sleep(backOffMs, undefined, { signal });
  }
}

/** Most seconds that one track of a live source may lag behind another. */
const trackLagSeconds = 1;

function gap(
  stream: string,
  startSeconds: number,
  endSeconds: number,
  reason: Gap["reason"],
  detail: string,
): Gap {
  return { kind: "gap", stream, startSeconds, endSeconds, reason, detail };
}

/** The queue of clips between producer and consumer. If too many wait, the newest are dropped. */
class LiveQueue {
  readonly #limit: number;
  readonly #waiting: (Clip | Gap)[] = [];
  #clips = 0;
  #ended: { error?: unknown } | null = null;
  #wake = Promise.withResolvers<void>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(items: readonly (Clip | Gap)[]): void {
    for (const item of items) {
      const last = this.#waiting.at(-1);
      if (item.kind === "clip" && this.#clips >= this.#limit) {
        const { stream, startSeconds, endSeconds } = item;
        if (last?.kind === "gap" && last.reason === "behind") {
          this.#waiting[this.#waiting.length - 1] = { ...last, endSeconds };
        } else {
          this.#waiting.push(
            gap(stream, startSeconds, endSeconds, "behind", "clips came faster than they were taken"),
          );
        }
        continue;
      }
      this.#waiting.push(item);
      if (item.kind === "clip") this.#clips += 1;
    }
    if (items.length > 0) this.#wake.resolve();
  }

  end(error?: unknown): void {
    this.#ended = error === undefined ? {} : { error };
    this.#wake.resolve();
  }

  async *items(): AsyncGenerator<Clip | Gap> {
    for (;;) {
      for (let item = this.#waiting.shift(); item; item = this.#waiting.shift()) {
        if (item.kind === "clip") this.#clips -= 1;
        yield item;
      }
      if (this.#ended) {
        if ("error" in this.#ended) throw this.#ended.error;
        return;
      }
      await this.#wake.promise;
      this.#wake = Promise.withResolvers();
    }
  }
}
