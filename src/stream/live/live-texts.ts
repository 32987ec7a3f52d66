/** The texts of a live playlist beside its picture: read as they come, placed where the picture is. */
import { setTimeout as sleep } from "node:timers/promises";
import { SerialQueue } from "../../util/async.ts";
import type { Origin } from "../ffmpeg.ts";
import type { TimedText } from "../texts/subtitles/timed-text.ts";
import type { Hls } from "./hls.ts";

/** Texts that are kept to be placed again after a new connection, and how far from its start. */
const mostKept = 200;
const mostKeptSeconds = 600;

/** Follows the playlists of one live source over all its connections. */
export class LiveTexts implements AsyncDisposable {
  readonly #hls: Hls | null;
  readonly #stop = new AbortController();
  readonly #readings = new SerialQueue();
  #following: Promise<void> | null = null;
  #failure: { readonly error: unknown } | null = null;
  /** In the medium's own time. */
  #new: TimedText[] = [];
  #placed: TimedText[] = [];
  #mediaSeconds = 0;
  /** Stream time of the packet time 0; `null` before the first packet of a connection. */
  #offset: number | null = null;

  constructor(hls: Hls | null) {
    this.#hls = hls?.isFollowed ? hls : null;
  }

  /** A connection begins: reads the playlists, and continues reading them. */
  async begin(origin: Origin): Promise<void> {
    if (this.#hls === null) return;
    const hls = this.#hls;
    await this.#readings.run(() => hls.begin(origin));
    const mediaSeconds = origin.mediaSeconds ?? 0;
    this.#mediaSeconds = mediaSeconds;
    // Texts of an encoder's earlier run are on another clock.
    this.#placed = this.#placed.filter(
      ({ startSeconds }) => Math.abs(startSeconds - mediaSeconds) <= mostKeptSeconds,
    );
    this.#offset = null;
    await this.#read(hls);
    this.#following ??= this.#follow(hls);
  }

  /** Says where packet time 0 is in the stream, and up to where the stream is covered. */
  place(offset: number, coveredTo: number): void {
    this.#offset = offset;
    const again = this.#placed.filter((text) => this.#shifted(text).startSeconds >= coveredTo);
    this.#new.unshift(...again);
    this.#placed = this.#placed.filter((text) => !again.includes(text));
  }

  /** The texts that came since, in stream time. */
  take(): TimedText[] {
    if (this.#failure) throw this.#failure.error;
    if (this.#offset === null || this.#new.length === 0) return [];
    const texts = this.#new;
    this.#new = [];
    this.#placed = [...this.#placed, ...texts].slice(-mostKept);
    return texts.map((text) => this.#shifted(text));
  }

  /** Reads what came last, where the source ended. */
  async finish(): Promise<void> {
    if (this.#hls !== null && this.#offset !== null) await this.#read(this.#hls);
  }

  /** Ends the reading. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#following;
  }

  /** Reads what is new; one reading at a time, so that none ends without what another is fetching. */
  async #read(hls: Hls): Promise<void> {
    await this.#readings.run(async () => this.#new.push(...(await hls.refresh())));
  }

  async #follow(hls: Hls): Promise<void> {
    const { signal } = this.#stop;
    try {
      for (;;) {
        await sleep(1000 * Math.max(1, hls.targetSeconds), undefined, { signal });
        await this.#read(hls);
      }
    } catch (error) {
      if (!signal.aborted) this.#failure = { error };
    }
  }

  #shifted(text: TimedText): TimedText {
    return shifted(text, this.#offset! - this.#mediaSeconds);
  }
}

/** A span of time that is moved, without the rounding error of adding. */
export function shifted<T extends { readonly startSeconds: number; readonly endSeconds: number }>(
  span: T,
  seconds: number,
): T {
  const moved = (at: number) => Math.round((at + seconds) * 1e6) / 1e6;
  return { ...span, startSeconds: moved(span.startSeconds), endSeconds: moved(span.endSeconds) };
}
