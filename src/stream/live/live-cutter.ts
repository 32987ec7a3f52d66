/**
 * Cuts the packets of a live source into clips, over all its connections: places them on the stream's clock, leaves out
 * what a playlist repeats after a reconnect, and adds the texts of playlists and tracks.
 */
import { type Clip, clipIndexAt, type Gap } from "../clip.ts";
import { ClipCutter } from "../clip-cutter.ts";
import type { Origin, Packet } from "../ffmpeg.ts";
import type { MediaTexts } from "../files/recorded.ts";
import type { CueReader } from "../texts/subtitles/cue-reader.ts";
import type { Hls } from "./hls.ts";
import { LiveTexts } from "./live-texts.ts";
import { PacketClock } from "./packet-clock.ts";

/** What is cut, and from where. */
export interface LiveCutterOptions {
  readonly id: string;
  readonly clipSeconds: number;
  /** Name of the source in gaps. */
  readonly name: string;
  /** Up to where earlier runs remembered the stream. Seconds. */
  readonly fromSeconds: number;
  /** When this run began. Seconds. */
  readonly openedSeconds: number;
  /** Wall time of second 0, in milliseconds; `null` on a clock that is not the wall's. */
  readonly originMs: number | null;
  /** The playlists of an HLS source. */
  readonly hls: Hls | null;
  /** Texts inside the medium that are read. */
  readonly texts: MediaTexts | null;
}

/** Most seconds that one track of a live source may lag behind another. */
const trackLagSeconds = 1;
/** Texts inside a medium come a little after its picture. Seconds. */
const textLagSeconds = 2;
/** Clips wait at most this long for a sentence that continues. Seconds. */
const mostHeldSeconds = 30;
/** Shorter times between two runs are no gap. Seconds. */
const leastGapSeconds = 1;
/** A playlist's segments come in bursts of up to this many seconds. */
const burstSeconds = 60;
/** A playlist's time stamps are its stream's clock as long as the two differ by less. Seconds. */
const mostDriftSeconds = 90;

type Media = Exclude<Packet, { kind: "end" }>;

/** Cuts one live stream. Dispose of it, to end the reading of playlists. */
export class LiveCutter implements AsyncDisposable {
  readonly #options: LiveCutterOptions;
  readonly #cutter: ClipCutter;
  readonly #playlist: LiveTexts;
  readonly #lagSeconds: number;
  /** Of the connection: its clock after the first packet, where its times count from, how far it came. */
  #clock: PacketClock | null = null;
  #origin: Origin | null = null;
  #reached: number | null = null;
  #repeatedTo = 0;
  #isBreakDue = false;
  #outage = "it ended";
  #readers: readonly CueReader[] = [];

  constructor(options: LiveCutterOptions) {
    const { id, clipSeconds, fromSeconds, hls, texts } = options;
    this.#options = options;
    this.#cutter = new ClipCutter(id, clipSeconds, fromSeconds);
    this.#playlist = new LiveTexts(hls);
    const textLag = hls?.hasTexts ? hls.targetSeconds : (texts?.tracks.length ?? 0) > 0 ? textLagSeconds : 0;
    this.#lagSeconds = trackLagSeconds + textLag;
  }

  /** Whether nothing was cut yet. */
  get isEmpty(): boolean {
    return this.#cutter.coveredTo === null;
  }

  /** Start of the first clip that is not complete. Seconds. */
  get nextSeconds(): number {
    const { clipSeconds, fromSeconds } = this.#options;
    return Math.max(
      fromSeconds,
      clipIndexAt(this.#cutter.coveredTo ?? fromSeconds, clipSeconds) * clipSeconds,
    );
  }

  /** Whether the connection has delivered. */
  get isConnected(): boolean {
    return this.#clock !== null;
  }

  /** Says where the times of the connection's packets count from, before the first. */
  readonly setOrigin = (origin: Origin): void => {
    this.#origin = origin;
  };

  /** Adds a packet that came at `nowSeconds`, and returns what is complete. */
  async add(packet: Media, nowSeconds: number): Promise<(Clip | Gap)[]> {
    this.#clock ??= await this.#connected();
    const told = this.#toldSeconds(packet.atSeconds, nowSeconds);
    const { atSeconds, isBreak } = this.#clock.place(packet.atSeconds, nowSeconds, told);
    this.#isBreakDue ||= isBreak;
    if (this.#reached === null && this.#isRepeated(atSeconds)) return [];
    const gaps = this.#isBreakDue ? this.#break(atSeconds, packet.atSeconds) : [];
    const end = packet.kind === "audio" ? atSeconds + packet.samples.length / 16_000 : atSeconds;
    this.#reached = Math.max(this.#reached ?? atSeconds, end);
    this.#put(packet, atSeconds);
    const complete = this.#reached - this.#lagSeconds;
    this.#addCues(complete);
    const held = this.#readers.map(({ heldFrom }) =>
      Math.max(heldFrom ?? complete, complete - mostHeldSeconds),
    );
    this.#cutter.advance(Math.min(complete, ...held));
    return [...gaps, ...this.#cutter.take()];
  }

  /** The connection is over; `outage` says why, for the gap that may follow. Returns what is complete. */
  async disconnect(outage: string): Promise<(Clip | Gap)[]> {
    this.#outage = outage;
    if (this.#reached !== null) {
      await this.#playlist.finish();
      this.#finishPiece(this.#reached);
    }
    this.#clock = null;
    this.#origin = null;
    this.#reached = null;
    return this.#cutter.take();
  }

  /** Nothing more comes. Returns the rest. */
  close(): (Clip | Gap)[] {
    this.#cutter.close();
    return this.#cutter.take();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#playlist[Symbol.asyncDispose]();
  }

  async #connected(): Promise<PacketClock> {
    const { hls, fromSeconds, openedSeconds, originMs } = this.#options;
    if (this.#origin !== null) await this.#playlist.begin(this.#origin);
    // A playlist begins with what was there before; any other source with what happens now.
    this.#repeatedTo = this.#cutter.coveredTo ?? (hls === null ? openedSeconds : fromSeconds);
    const isDated = originMs !== null && hls?.dateMsAt(0) != null;
    const leapSeconds = hls === null ? {} : { leapSeconds: burstSeconds };
    return new PacketClock({ coveredTo: this.#repeatedTo, isDated, ...leapSeconds });
  }

  /**
   * Stream time of a packet by the playlist's dates, otherwise by the medium's own time stamps, on whose zero the clock
   * of a playlist without dates begins; `null` if they are on another clock, as after an encoder started again.
   */
  #toldSeconds(packetSeconds: number, nowSeconds: number): number | null {
    const { hls, originMs } = this.#options;
    if (hls === null || originMs === null) return null;
    const dateMs = hls.dateMsAt(packetSeconds);
    if (dateMs !== null) return (dateMs - originMs) / 1000;
    if (this.#isPlaced || this.#origin?.mediaSeconds == null) return null;
    const seconds = this.#origin.mediaSeconds + packetSeconds;
    const { coveredTo } = this.#cutter;
    const goesOn = coveredTo !== null && Math.abs(coveredTo - seconds) <= mostDriftSeconds;
    return goesOn || Math.abs(nowSeconds - seconds) <= mostDriftSeconds ? seconds : null;
  }

  /** Whether a packet was there before: the last one of the connection before this included. */
  #isRepeated(atSeconds: number): boolean {
    return this.isEmpty ? atSeconds < this.#repeatedTo : atSeconds <= this.#repeatedTo + 1e-3;
  }

  get #isPlaced(): boolean {
    return this.#isBreakDue || this.#reached !== null;
  }

  /** A piece begins that does not follow on what came before. */
  #break(atSeconds: number, packetSeconds: number): Gap[] {
    const { id, name, fromSeconds } = this.#options;
    this.#isBreakDue = false;
    const isFirst = this.isEmpty && fromSeconds > 0 && atSeconds - fromSeconds >= leastGapSeconds;
    const span = { startSeconds: fromSeconds, endSeconds: Math.round(atSeconds * 1e6) / 1e6 };
    const gaps: Gap[] = isFirst
      ? [{ kind: "gap", stream: id, ...span, reason: "not-watched", detail: "no run was watching" }]
      : [];
    const why = this.#reached === null ? `was down: ${this.#outage}` : "leapt in time";
    if (this.#reached !== null) this.#finishPiece(this.#reached);
    const coveredTo = this.#cutter.coveredTo ?? this.#repeatedTo;
    this.#cutter.begin(
      Math.max(atSeconds, this.#cutter.coveredTo ?? atSeconds),
      "source-down",
      `${name} ${why}`,
    );
    this.#playlist.place(atSeconds - packetSeconds, coveredTo);
    const { hls, texts } = this.#options;
    this.#readers = [...(hls?.hasTexts ? [hls.reader()] : []), ...(texts?.tracks.map(texts.readerOf) ?? [])];
    this.#reached = atSeconds;
    return gaps;
  }

  #put(packet: Media, atSeconds: number): void {
    const cutter = this.#cutter;
    if (packet.kind === "picture") {
      if (packet.startsShot) cutter.addShot(atSeconds);
      if (packet.look) cutter.addLook({ ...packet.look, atSeconds });
    } else if (packet.kind === "audio") {
      cutter.addAudio({ startSeconds: atSeconds, samples: packet.samples });
    } else if (packet.kind === "text") {
      const endSeconds = atSeconds + packet.endSeconds - packet.atSeconds;
      const ofPlaylist = this.#options.hls?.hasTexts ? 1 : 0;
      this.#readers[ofPlaylist + packet.track]!.add({
        startSeconds: atSeconds,
        endSeconds,
        text: packet.text,
      });
    } else {
      const { width, height, jpeg } = packet;
      cutter.addFrame({ atSeconds, width, height, jpeg }, packet.kind === "frame" ? "policy" : "large");
    }
  }

  #addCues(completeSeconds: number): void {
    if (this.#options.hls?.hasTexts) for (const text of this.#playlist.take()) this.#readers[0]!.add(text);
    for (const reader of this.#readers) {
      reader.advance(completeSeconds);
      for (const cue of reader.take()) this.#cutter.addCue(cue);
    }
  }

  #finishPiece(reached: number): void {
    this.#addCues(reached);
    for (const reader of this.#readers) {
      reader.finish();
      for (const cue of reader.take()) this.#cutter.addCue(cue);
    }
    this.#cutter.finish(Math.max(reached, this.#cutter.coveredTo ?? reached));
  }
}
