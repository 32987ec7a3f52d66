/**
 * Live sources: network streams and capture devices, on a wall clock.
 *
 * The stream's clock starts when it is first watched. A later run keeps that clock, and the time between is a gap. A
 * connection that ends or stalls is opened again with back-off, and the outage is a gap; why it is down is said at once
 * and then once a minute. Distances in time are measured by a clock that does not jump with the system's. Clips wait in
 * a short queue for the consumer. If it is full the newest are dropped and their span is a gap, so that memory stays
 * constant and the lag bounded.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { DataError } from "../../errors.ts";
import type { Random } from "../../util/random.ts";
import { steadyMs } from "../../util/steady-clock.ts";
import type { Clip, Gap, LeftOut, OpenOptions, Source } from "../clip.ts";
import { decodeMedia, type FrameOptions, type MediaInput, type Packet } from "../ffmpeg.ts";
import type { MediaTexts } from "../files/recorded.ts";
import { Connection } from "./connection.ts";
import type { Hls } from "./hls.ts";
import { LiveCutter } from "./live-cutter.ts";

/** When the connection of a live source counts as dead, how it reconnects, and how many clips may wait. */
export interface LiveSourceOptions {
  /** A connection without a packet for this long counts as dead, in milliseconds. @default 15000 */
  readonly stallMs?: number;
  /** First back-off before reconnecting, in milliseconds; doubled up to half a minute. @default 1000 */
  readonly reconnectMs?: number;
  /** How many connections may fail in a row before the source counts as ended. @default Infinity */
  readonly maxReconnects?: number;
  /** Time between two reports of the same outage, in milliseconds. @default 60000 */
  readonly remindMs?: number;
  /** Most clips that wait. @default 12 */
  readonly queueClips?: number;
}

/** How a live source is opened and read. */
export interface LiveSourceSetup extends LiveSourceOptions {
  readonly id: string;
  readonly description: string;
  readonly clipSeconds: number;
  readonly frames: FrameOptions;
  /** Wall clock in milliseconds. @default Date.now */
  readonly now?: () => number;
  /** A source that never connected is given up after this; 0 waits for ever. Seconds. @default 30 */
  readonly connectTimeoutSeconds?: number | undefined;
  /** Whether it was reached before it is opened, so that it is not given up. @default false */
  readonly wasConnected?: boolean;
  /** Opens the recording of the source, once its playlist has ended during an outage. */
  readonly openRecording?: () => Promise<Source>;
  /** The playlists of an HLS source: its clock and texts. */
  readonly hls?: Hls | null;
  /** Wall time of second 0 for a stream that is watched for the first time, in milliseconds. @default now */
  readonly originMs?: number;
  /** Texts inside the medium that are read too. */
  readonly texts?: MediaTexts;
  /** What is not read of it; it may grow. @default nothing */
  readonly leftOut?: readonly LeftOut[];
  readonly random?: Random;
}

/** A network stream or capture device as a source. */
export function liveSource(input: MediaInput, options: LiveSourceSetup): Source {
  const { id, description, clipSeconds, now = Date.now } = options;
  const clock = { kind: "wall", originMs: options.originMs ?? now() } as const;
  return {
    id,
    description,
    live: true,
    clock,
    clipSeconds,
    endSeconds: null,
    fingerprint: null,
    leftOut: options.leftOut ?? [],
    open: (openOptions = {}) => watchLive(input, { clock, ...openOptions }, options),
  };
}

async function* watchLive(
  input: MediaInput,
  { clock, signal, fromSeconds = 0, onStatus }: OpenOptions,
  options: LiveSourceSetup,
): AsyncGenerator<Clip | Gap> {
  const { id, now = Date.now, queueClips = 12, connectTimeoutSeconds, wasConnected, remindMs } = options;
  // On a clock that is not the wall's, a later run resumes where the last one stopped.
  const sinceOriginMs = clock?.kind === "wall" ? now() - clock.originMs : fromSeconds * 1000;
  const openedMs = steadyMs();
  const secondsNow = () => Math.max(0, (sinceOriginMs + steadyMs() - openedMs) / 1000);
  const originMs = clock?.kind === "wall" ? clock.originMs : null;
  const queue = new LiveQueue(queueClips);
  const stop = new AbortController();
  using connection = new Connection({
    stream: id,
    name: input.name,
    signal: signal ? AbortSignal.any([signal, stop.signal]) : stop.signal,
    ...{ connectTimeoutSeconds, wasConnected, remindMs, onStatus },
  });
  const pumping = pump(input, { ...options, originMs, secondsNow, fromSeconds, connection }, (items) =>
    queue.add(items),
  ).then(
    (end) => {
      queue.end();
      return end;
    },
    (error: unknown) => queue.end(error),
  );
  try {
    yield* queue.items();
    const goesOnAt = (await pumping)?.goesOnAt ?? null;
    if (goesOnAt === null || !options.openRecording) return;
    const recording = await options.openRecording();
    yield* recording.open({ fromSeconds: goesOnAt, ...(clock && { clock }), ...(signal && { signal }) });
  } finally {
    stop.abort();
    await pumping;
  }
}

interface PumpOptions extends Omit<LiveSourceSetup, "originMs"> {
  /** Wall time of second 0; `null` on a clock that is not the wall's. */
  readonly originMs: number | null;
  readonly secondsNow: () => number;
  readonly fromSeconds: number;
  readonly connection: Connection;
}

/**
 * Reconnects after each outage and delivers the clips. Ends when the source may not be reconnected, or when its
 * recording is to be read: from `goesOnAt` on.
 */
async function pump(
  input: MediaInput,
  options: PumpOptions,
  take: (items: readonly (Clip | Gap)[]) => void,
): Promise<{ readonly goesOnAt: number | null }> {
  const { frames, secondsNow, connection, hls = null, texts = null } = options;
  const { signal } = connection;
  const {
    stallMs = 15_000,
    reconnectMs = 1000,
    maxReconnects = Number.POSITIVE_INFINITY,
    random = Math.random,
  } = options;
  const openedSeconds = Math.max(secondsNow(), options.fromSeconds);
  await using cutter = new LiveCutter({ ...options, name: input.name, openedSeconds, hls, texts });
  for (let failures = 0; ; failures++) {
    let outage = "the connection ended";
    let hasEnded = false;
    let isOver = false;
    const packets = decodeMedia({
      ...{ input, info: null, texts: texts?.tracks ?? [], frames, stallMs, signal },
      ...(hls && { onOrigin: cutter.setOrigin }),
    });
    for await (const { packet, nowSeconds } of arrivals(packets, secondsNow)) {
      if (packet.kind === "end") {
        outage = packet.problem ?? outage;
        // ffmpeg also ends without an error where a playlist cannot be read any more.
        hasEnded = (await hls?.hasEnded()) ?? false;
        isOver = hasEnded && cutter.isConnected && !packet.failed && packet.problem === null;
        if (!hasEnded) connection.failed({ reason: outage, isLasting: packet.isLasting });
        break;
      }
      if (!cutter.isConnected) {
        failures = 0;
        connection.up();
      }
      take(await cutter.add(packet, nowSeconds));
    }
    take(await cutter.disconnect(outage));
    if (isOver || failures >= maxReconnects) {
      if (cutter.isEmpty && !isOver)
        throw new DataError("source-down", `${input.name} sent no picture and no sound: ${outage}.`);
      take(cutter.close());
      return { goesOnAt: null };
    }
    if (options.openRecording && hasEnded) return { goesOnAt: cutter.nextSeconds };
    const backOffMs = Math.min(30_000, reconnectMs * 2 ** failures) * (0.5 + random() / 2);
    await sleep(backOffMs, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

/** A packet, and when it would have come without delay. */
interface Arrival {
  readonly packet: Packet;
  readonly nowSeconds: number;
}

/** How long the first packets are held, to see how far they come late: ffmpeg looks at a stream before it sends it on. */
const lead = { seconds: 0.5, packets: 2000 };

/** Packets with the time of their arrival; the first ones with the time at which the source sent them. */
async function* arrivals(packets: AsyncGenerator<Packet>, secondsNow: () => number): AsyncGenerator<Arrival> {
  const held: Packet[] = [];
  let delay = Number.POSITIVE_INFINITY;
  let untilSeconds: number | null = null;
  try {
    let next = packets.next();
    for (;;) {
      const left = untilSeconds === null ? null : untilSeconds - secondsNow();
      const result = left === null ? await next : await withinMs(next, 1000 * left);
      if (result === null || result.done || held.length >= lead.packets) break;
      const nowSeconds = secondsNow();
      untilSeconds ??= nowSeconds + lead.seconds;
      held.push(result.value);
      if (result.value.kind === "end") break;
      delay = Math.min(delay, nowSeconds - result.value.atSeconds);
      next = packets.next();
    }
    for (const packet of held) {
      yield { packet, nowSeconds: packet.kind === "end" ? secondsNow() : packet.atSeconds + delay };
      if (packet.kind === "end") return;
    }
    for (let result = await next; !result.done; result = await packets.next()) {
      yield { packet: result.value, nowSeconds: secondsNow() };
    }
  } finally {
    await packets.return(undefined);
  }
}

/** What a promise gives, or `null` if it takes longer. */
async function withinMs<T>(promise: Promise<T>, ms: number): Promise<T | null> {
  const timer = new AbortController();
  try {
    return await Promise.race([promise, sleep(Math.max(0, ms), null, { signal: timer.signal })]);
  } finally {
    timer.abort();
  }
}

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
