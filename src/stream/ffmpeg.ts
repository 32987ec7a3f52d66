/**
 * The only file that runs ffmpeg and ffprobe: what a medium contains, and its decoded packets.
 *
 * One ffmpeg process per medium decodes once and writes Matroska to its pipes: the sampled frames in one or two sizes,
 * a tiny grey picture of every source frame (shot changes, progress), 16 kHz mono audio, text tracks. Memory is
 * constant: if no packets are taken, all pipes are paused and ffmpeg waits.
 *
 * A sampled frame is the first source frame of its grid cell, with that frame's own time: nothing is duplicated or
 * interpolated, so variable frame rates and late starts keep their times. Times are rounded to the millisecond.
 */
import { availableParallelism } from "node:os";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { DataError } from "../errors.ts";
import { requireProgram, runProgram, startProgram } from "../util/program.ts";
import { maskedMessage } from "../util/secrets.ts";
import { type ConnectionProblem, connectionProblem, type RemoteInput } from "./live/connection-problem.ts";
import { type MatroskaPacket, MatroskaReader } from "./matroska.ts";
import { type PictureLook, pictureLooker } from "./picture-look.ts";
import { lumaSize, shotDetector } from "./shots.ts";
import { blockOfAss } from "./texts/subtitles/ass.ts";
import type { TextRole } from "./texts/text-names.ts";

/** An input of ffmpeg, and its name in messages. */
export interface MediaInput {
  /** Path or URL as ffmpeg takes it. */
  readonly url: string;
  /** Options before `-i`: `["-f", "v4l2"]`. */
  readonly args: readonly string[];
  /** Name for people, without secrets. */
  readonly name: string;
  /** How it is reached, if it is no file. */
  readonly remote?: RemoteInput;
}

/** A picture track of a medium. */
export interface VideoTrack {
  readonly index: number;
  /** Display size: rotation and pixel shape applied. */
  readonly width: number;
  readonly height: number;
  readonly frameRate: number | null;
  readonly startSeconds: number;
  /** `null` if the container does not say. */
  readonly durationSeconds: number | null;
}

/** A sound track of a medium. */
export interface AudioTrack {
  readonly index: number;
  readonly startSeconds: number;
  readonly durationSeconds: number | null;
}

/** A subtitle track of a medium. */
export interface TextTrack {
  readonly index: number;
  readonly language: string | null;
  readonly isDefault: boolean;
  /** What its flags say it is for. */
  readonly role: TextRole;
  readonly title: string | null;
  /** Number of its cues, if the container says. */
  readonly cues: number | null;
  /** Whether its events have fields beside their texts, as those of ASS. */
  readonly isStyled: boolean;
}

/** What a medium contains; times are relative to its own start. */
export interface MediaInfo {
  readonly durationSeconds: number | null;
  /** The medium's own time at its start, such as an MPEG-TS time stamp. Seconds. */
  readonly originSeconds: number;
  /** Whether seeking needs a longer run-up: the container has no index of key frames. */
  readonly format: string;
  readonly video: VideoTrack | null;
  readonly audio: AudioTrack | null;
  readonly texts: readonly TextTrack[];
  /** Subtitles that are not read: pictures of text, captions inside the picture track. */
  readonly otherTexts: readonly { readonly language: string | null; readonly codec: string }[];
  /** Sound and picture tracks beside those that are decoded, as a person would name them: `eng`, `Commentary`. */
  readonly otherTracks: { readonly sound: readonly string[]; readonly picture: readonly string[] };
  /** When it was recorded, in wall time, as its container says; `null` if it does not. */
  readonly recordedAtMs: number | null;
  /** Whether a camera or a phone made it, as its tags say. */
  readonly isOfCamera: boolean;
}

/** What to decode and how large. */
export interface FrameOptions {
  /** Sampled frames per second. @default 1 */
  readonly fps: number;
  /** Box the policy's frames are fitted into; they are never enlarged. @default 448 × 252 */
  readonly width: number;
  readonly height: number;
  /** Their sides are rounded to multiples of this many pixels, an even number. @default 2 */
  readonly multiple?: number;
  /** Whether the same moments also come within 3840 × 2160. @default false */
  readonly largeFrames: boolean;
}

export const defaultFrames: FrameOptions = { fps: 1, width: 448, height: 252, largeFrames: false };
const largeBox = { width: 3840, height: 2160 };

/** A decoded piece of a medium: a frame, a picture change, sound, text, or the end. */
export type Packet =
  | {
      readonly kind: "frame" | "large-frame";
      readonly atSeconds: number;
      readonly width: number;
      readonly height: number;
      readonly jpeg: Uint8Array;
    }
  /** One per source frame. */
  | {
      readonly kind: "picture";
      readonly atSeconds: number;
      readonly startsShot: boolean;
      readonly look: PictureLook | null;
    }
  | { readonly kind: "audio"; readonly atSeconds: number; readonly samples: Int16Array }
  | {
      readonly kind: "text";
      readonly atSeconds: number;
      readonly endSeconds: number;
      readonly text: string;
      /** Where the track has a field for it. */
      readonly speaker?: string;
      /** Place in the list of text tracks asked for. */
      readonly track: number;
    }
  /** The last packet. `problem` is ffmpeg's last error line; `failed` is whether it exited with an error. */
  | {
      readonly kind: "end";
      readonly failed: boolean;
      readonly problem: string | null;
      /** Whether another try can only fail the same way. */
      readonly isLasting: boolean;
    };

/** Where the times of packets count from. */
export interface Origin {
  /** The medium's own time of packet time 0, such as an MPEG-TS time stamp; `null` if ffmpeg does not say. Seconds. */
  readonly mediaSeconds: number | null;
  /** URLs that were opened before the first packet: of a playlist, the playlists and the first segments. */
  readonly urls: readonly string[];
}

const textCodecs = new Set(["mov_text", "subrip", "srt", "webvtt", "ass", "ssa", "text"]);

interface ProbeStream {
  index: number;
  codec_type?: string;
  codec_name?: string;
  width?: number;
  height?: number;
  sample_aspect_ratio?: string;
  avg_frame_rate?: string;
  start_time?: string;
  duration?: string;
  sample_rate?: string;
  disposition?: Record<string, number>;
  tags?: Record<string, string>;
  nb_frames?: string;
  closed_captions?: number;
  side_data_list?: { rotation?: number }[];
}

/** Reads what a medium contains. @throws DataError if ffprobe cannot read it, or it has neither picture nor sound */
export async function probeMedia(input: MediaInput, signal?: AbortSignal): Promise<MediaInfo> {
  const args = ["-v", "error", "-of", "json", "-show_format", "-show_streams", ...input.args, input.url];
  const run = await runProgram(requireProgram("ffprobe"), args, { signal });
  if (run.exitCode !== 0) throw unreadable(input, run.stderr);
  const { streams = [], format = {} } = JSON.parse(run.stdout.toString()) as {
    streams?: ProbeStream[];
    format?: { start_time?: string; duration?: string; format_name?: string; tags?: Record<string, string> };
  };
  const origin = seconds(format.start_time) ?? 0;
  const best = (type: string) => {
    const candidates = streams.filter((stream) => stream.codec_type === type && isContent(stream));
    return candidates.find(({ disposition }) => disposition?.default === 1) ?? candidates[0];
  };
  const subtitles = streams.filter(({ codec_type }) => codec_type === "subtitle");
  const others = (type: string) =>
    streams
      .filter((stream) => stream.codec_type === type && isContent(stream) && stream !== best(type))
      .map((stream) => trackName(stream));
  const video = best("video");
  const audio = best("audio");
  if (format.format_name === "tty" || (!video && !audio)) throw unreadable(input, run.stderr);
  return {
    durationSeconds: seconds(format.duration),
    originSeconds: origin,
    format: format.format_name ?? "",
    recordedAtMs: recordedAt({ ...video?.tags, ...format.tags }),
    isOfCamera: Object.keys({ ...video?.tags, ...format.tags }).some((name) => cameraTag.test(name)),
    video: video
      ? { ...displaySize(video), ...timing(video, origin), frameRate: ratio(video.avg_frame_rate) }
      : null,
    audio: audio ? timing(audio, origin) : null,
    texts: subtitles.filter(({ codec_name }) => textCodecs.has(codec_name ?? "")).map(textTrack),
    otherTracks: { sound: others("audio"), picture: others("video") },
    otherTexts: [
      ...subtitles
        .filter(({ codec_name }) => !textCodecs.has(codec_name ?? ""))
        .map((stream) => ({ language: textTrack(stream).language, codec: stream.codec_name ?? "unknown" })),
      ...(video?.closed_captions === 1 ? [{ language: null, codec: "closed captions" }] : []),
    ],
  };
}

/** Length in seconds of a medium whose container does not give it: reads it to the end without decoding. */
export async function scanDuration(input: MediaInput, signal?: AbortSignal): Promise<number> {
  const entries = ["-show_entries", "packet=pts_time,duration_time", "-of", "csv=p=0"];
  const args = ["-v", "error", ...entries, ...input.args, input.url];
  const run = await runProgram(requireProgram("ffprobe"), args, { signal });
  let [first, end] = [Number.POSITIVE_INFINITY, 0];
  for (const line of run.stdout.toString().split("\n")) {
    const [at, duration] = line.split(",").map(Number);
    if (at === undefined || !Number.isFinite(at)) continue;
    first = Math.min(first, at);
    end = Math.max(end, at + (Number.isFinite(duration) ? duration! : 0));
  }
  return Math.max(0, end - first);
}

function textTrack({ index, codec_name, tags = {}, disposition = {}, nb_frames }: ProbeStream): TextTrack {
  const { language, title, handler_name } = tags;
  const counted = nb_frames ?? tags.NUMBER_OF_FRAMES ?? tags["NUMBER_OF_FRAMES-eng"];
  return {
    index,
    language: language && language !== "und" ? language : null,
    isDefault: disposition.default === 1,
    role:
      disposition.forced === 1
        ? "forced"
        : disposition.comment === 1
          ? "commentary"
          : disposition.hearing_impaired === 1
            ? "sdh"
            : "full",
    title: title ?? (handler_name === "SubtitleHandler" ? null : (handler_name ?? null)),
    cues: counted === undefined ? null : Number(counted),
    isStyled: codec_name === "ass" || codec_name === "ssa",
  };
}

function trackName({ index, tags = {} }: ProbeStream): string {
  const language = tags.language === "und" ? undefined : tags.language;
  return [language, tags.title].filter(Boolean).join(" ") || `track ${index}`;
}

function isContent({ disposition, codec_name, codec_type, width }: ProbeStream): boolean {
  if (disposition?.attached_pic === 1 || disposition?.timed_thumbnails === 1) return false;
  return codec_name !== undefined && codec_name !== "unknown" && (codec_type !== "video" || (width ?? 0) > 0);
}

function timing(stream: ProbeStream, origin: number) {
  const tagged = /^(\d+):(\d+):(\d+(?:\.\d+)?)$/.exec(stream.tags?.DURATION ?? "");
  return {
    index: stream.index,
    startSeconds: Math.max(0, (seconds(stream.start_time) ?? origin) - origin),
    durationSeconds:
      seconds(stream.duration) ??
      (tagged ? Number(tagged[1]) * 3600 + Number(tagged[2]) * 60 + Number(tagged[3]) : null),
  };
}

function displaySize(stream: ProbeStream): { width: number; height: number } {
  const shape = ratio(stream.sample_aspect_ratio?.replace(":", "/")) ?? 1;
  const width = (stream.width ?? 0) * shape;
  const height = stream.height ?? 0;
  const rotation =
    stream.side_data_list?.find((data) => data.rotation !== undefined)?.rotation ??
    Number(stream.tags?.rotate ?? 0);
  return Math.abs(rotation) % 180 === 90 ? { width: height, height: width } : { width, height };
}

/** Tags that hold a date of recording, the surest first. */
const dateTags = ["com.apple.quicktime.creationdate", "creation_time", "date_recorded"];

/** Tags that only cameras and phones write. */
const cameraTag =
  /(?:^|[._-])(?:make|model)$|^com\.android\.|^com\.apple\.quicktime\.creationdate$|^location/i;

/** The date of recording among a container's tags. Cameras without a clock write the start of an epoch. */
function recordedAt(tags: Record<string, string>): number | null {
  const known = new Map(Object.entries(tags).map(([name, value]) => [name.toLowerCase(), value]));
  const dates = dateTags.map((name) => Date.parse(known.get(name) ?? ""));
  return dates.find((ms) => ms > Date.UTC(1990)) ?? null;
}

const seconds = (text: string | undefined): number | null => {
  const value = Number.parseFloat(text ?? "");
  return Number.isFinite(value) ? value : null;
};

const ratio = (text: string | undefined): number | null => {
  const [numerator, denominator] = (text ?? "").split("/").map(Number);
  const value = (numerator ?? 0) / (denominator ?? 1);
  return Number.isFinite(value) && value > 0 ? value : null;
};

function unreadable(input: MediaInput, stderr: string): DataError {
  const { reason, isLasting } = problemOf(stderr, input) ?? { reason: null, isLasting: false };
  return new DataError(
    "media-unreadable",
    `ffmpeg finds no video or audio in ${input.name}${reason ? `: ${reason}` : "."}`,
    { details: { path: input.name, reason, isLasting } },
  );
}

/** What ffmpeg's error lines say: of a URL or a device why it cannot be reached, otherwise the last one. */
function problemOf(stderr: string, input: MediaInput): ConnectionProblem | null {
  const known = input.remote ? connectionProblem(stderr, input.remote) : null;
  if (known) return known;
  const said = complaint(stderr, input);
  return said === null ? null : { reason: said, isLasting: false };
}

/** ffmpeg's last error line, without secrets. */
function complaint(stderr: string, input: MediaInput): string | null {
  const line = stderr.trim().split(/\r?\n/).at(-1) ?? "";
  const said = line
    .replace(/^(\[[^\]]*\]\s*)+/, "")
    .replaceAll(input.url, input.name)
    .replace(`${input.name}: `, "")
    .replace(/\/\/[^/@\s]*@/g, "//")
    .trim();
  return said === "" ? null : maskedMessage(said);
}

/** What to decode, and from where. */
export interface DecodeRequest {
  readonly input: MediaInput;
  /** Tracks to decode; `null` for a live source, of which the first picture and sound track are taken. */
  readonly info: MediaInfo | null;
  readonly texts: readonly TextTrack[];
  readonly frames: FrameOptions;
  /** Where decoding starts, in whole seconds; packets keep their place in the medium. @default 0 */
  readonly startSeconds?: number;
  /** A live source without a packet for this long counts as dead; at its start, for 15 s at least. @default never */
  readonly stallMs?: number;
  /** Called once, before the first packet. */
  readonly onOrigin?: (origin: Origin) => void;
  readonly signal?: AbortSignal | undefined;
}

/** ffmpeg looks at a source for some seconds before it sends the first packet. Milliseconds. */
const firstPacketMs = 15_000;
/** Most bytes of packets that wait for the consumer before the pipes are paused. */
const waitingBytes = 1 << 20;

/**
 * Packets of a medium as ffmpeg decodes them, then `end`. They are in time order within a track, and nearly so across
 * tracks.
 *
 * Leaving the loop early, or an abort, kills ffmpeg. @throws the signal's reason when aborted.
 */
export async function* decodeMedia(request: DecodeRequest): AsyncGenerator<Packet> {
  const { input, signal, stallMs, onOrigin } = request;
  signal?.throwIfAborted();
  const outputs = outputArgs(request);
  const args = [
    ...["-v", onOrigin ? "level+info" : "error", "-hide_banner", "-nostats", "-nostdin"],
    ...["-threads", String(Math.min(4, availableParallelism()))],
    ...input.args,
    ...(request.startSeconds ? ["-ss", String(request.startSeconds)] : []),
    ...["-i", input.url, "-y"],
    ...outputs.flatMap((output, i) => [...output, "-f", "matroska", i === 0 ? "pipe:1" : `pipe:${i + 2}`]),
  ];
  let failure: unknown;
  let wake = Promise.withResolvers<void>();
  const kill = () => child.kill("SIGKILL");
  const fail = (error: unknown) => {
    failure ??= error;
    kill();
    wake.resolve();
  };
  const stdio = ["ignore", "pipe", "pipe", ...outputs.slice(1).map(() => "pipe" as const)] as const;
  const options = { stdio: [...stdio], windowsHide: true };
  const child = startProgram(requireProgram("ffmpeg"), args, options, fail);
  const pipes = child.stdio.filter((_, fd) => fd === 1 || fd > 2) as Readable[];
  const unpack = packetMaker(request);

  let packets: Packet[] = [];
  let bytes = 0;
  let stderr = "";
  let exitCode: number | null | undefined;
  let isStalled = false;
  let hasPackets = false;
  let lastPacketMs = performance.now();
  const log = onOrigin && new OriginReader();
  let isOriginDue = log !== undefined;
  child.stderr?.on("data", (chunk: Buffer) => {
    const text = chunk.toString();
    stderr = (stderr + (log?.read(text) ?? text)).slice(-8192);
    if (isOriginDue) wake.resolve();
  });
  const closed = Promise.withResolvers<void>();
  child.on("close", (code) => {
    exitCode = code;
    wake.resolve();
    closed.resolve();
  });
  for (const pipe of pipes) {
    const reader = new MatroskaReader();
    pipe.on("error", fail);
    pipe.on("data", (chunk: Buffer) => {
      try {
        for (const packet of reader.read(chunk)) packets.push(unpack(packet));
      } catch (error) {
        fail(error);
      }
      bytes += chunk.length;
      lastPacketMs = performance.now();
      hasPackets = true;
      if (bytes > waitingBytes) for (const each of pipes) each.pause();
      wake.resolve();
    });
  }
  const onAbort = () => fail(signal?.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  const silenceMs = () => (hasPackets ? stallMs! : Math.max(stallMs!, firstPacketMs));
  const watchdog =
    stallMs === undefined
      ? undefined
      : setInterval(() => {
          if (bytes > waitingBytes || performance.now() - lastPacketMs <= silenceMs()) return;
          isStalled = true;
          kill();
        }, 500);
  try {
    for (;;) {
      if (isOriginDue && failure === undefined) {
        if (!log!.isKnown && exitCode === undefined && bytes <= waitingBytes) {
          await wake.promise;
          wake = Promise.withResolvers();
          continue;
        }
        isOriginDue = false;
        onOrigin!(log!);
      }
      const batch = packets;
      packets = [];
      bytes = 0;
      for (const pipe of pipes) pipe.resume();
      yield* batch;
      if (failure !== undefined) throw failure;
      if (packets.length > 0) continue;
      if (exitCode !== undefined) break;
      await wake.promise;
      wake = Promise.withResolvers();
    }
    if (exitCode === 255) await sleep(200); // ffmpeg got the Ctrl-C meant for us: ours follows
    signal?.throwIfAborted();
    const problem = isStalled
      ? { reason: `it sent nothing for ${Math.round(silenceMs() / 1000)} s`, isLasting: false }
      : problemOf(stderr, input);
    const { reason, isLasting } = problem ?? { reason: null, isLasting: false };
    yield { kind: "end", failed: exitCode !== 0, problem: reason, isLasting };
  } finally {
    clearInterval(watchdog);
    signal?.removeEventListener("abort", onAbort);
    if (exitCode === undefined) {
      kill();
      for (const pipe of pipes) pipe.destroy();
      await closed.promise;
    }
  }
}

/** Finds in ffmpeg's log where times count from; what remains of the log are its errors. */
class OriginReader implements Origin {
  mediaSeconds: number | null = null;
  readonly urls: string[] = [];
  isKnown = false;
  #rest = "";

  /** Reads a piece of the log, and returns its lines of errors. */
  read(text: string): string {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop()!;
    if (!this.isKnown) for (const line of lines) this.#take(line);
    return lines
      .filter((line) => /\[(error|fatal|panic)\]/.test(line))
      .map((line) => `${line}\n`)
      .join("");
  }

  #take(line: string): void {
    const url = /Opening '(.*)' for reading/.exec(line)?.[1];
    if (url !== undefined) this.urls.push(url);
    const start = /Duration: [^,]+, start: (-?[\d.]+)/.exec(line)?.[1];
    if (start !== undefined) this.mediaSeconds = Number(start);
    // "start" is left out where it is unknown; the streams follow in any case.
    this.isKnown ||= start !== undefined || /Stream mapping:/.test(line);
  }
}

/** Arguments of each output. Recorded sound has an output of its own, so that a late first sound delays nothing. */
function outputArgs({ info, texts, frames, startSeconds = 0 }: DecodeRequest): string[][] {
  const video = info === null ? "0:V:0?" : info.video ? `0:${info.video.index}` : null;
  const audio = info === null ? "0:a:0?" : info.audio ? `0:${info.audio.index}` : null;
  const pictures = video === null ? [] : pictureArgs(video, info, frames, startSeconds);
  const sound = audio === null ? [] : ["-map", audio, "-ac", "1", "-ar", "16000", "-c:a", "pcm_s16le"];
  // Clusters are written when the next one starts, so text needs a dense track beside it.
  const optional = info === null ? "?" : "";
  const words = texts.flatMap(({ index, isStyled }, i) => [
    ...["-map", `0:${index}${optional}`, `-c:s:${i}`, isStyled ? "ass" : "subrip"],
  ]);
  const muxing = ["-threads", "1", "-max_interleave_delta", "1000000", "-cluster_time_limit", "500"];
  // Of a live source each packet is sent on at once; otherwise small ones would wait for many others.
  if (info === null) return [[...pictures, ...sound, ...words, ...muxing, "-flush_packets", "1"]];
  if (pictures.length === 0) return [[...sound, ...words, ...muxing]];
  const first = [...pictures, ...words, ...muxing];
  return sound.length === 0 ? [first] : [first, [...sound, ...muxing]];
}

function pictureArgs(
  map: string,
  info: MediaInfo | null,
  frames: FrameOptions,
  startSeconds: number,
): string[] {
  const cell = (time: string) => `floor((${time}+${startSeconds})*${frames.fps}+1e-6)`;
  const sample = `select='isnan(prev_selected_t)+gt(${cell("t")},${cell("prev_selected_t")})+lt(t,prev_selected_t)'`;
  const filters = [`${sample},${fitted(frames, info?.video)}`];
  if (frames.largeFrames) filters.push(`${sample},${fitted(largeBox, info?.video)}`);
  const jpegs = filters.flatMap((filter, i) => [
    ...["-map", map, `-filter:v:${i}`, filter, `-c:v:${i}`, "mjpeg", `-pix_fmt:v:${i}`, "yuvj420p"],
    ...[`-q:v:${i}`, i === 0 ? "3" : "2"],
  ]);
  const n = filters.length;
  const luma = `scale=${lumaSize.width}:${lumaSize.height}:flags=fast_bilinear,format=gray`;
  const grey = ["-map", map, `-filter:v:${n}`, luma, `-c:v:${n}`, "rawvideo", `-pix_fmt:v:${n}`, "gray"];
  return [...jpegs, ...grey, "-enc_time_base", "1:90000"];
}

/** Filter that fits pictures into a box without enlarging them, pixels made square, sides rounded to multiples. */
function fitted(
  box: Pick<FrameOptions, "width" | "height" | "multiple">,
  video: VideoTrack | null | undefined,
): string {
  const { multiple = 2 } = box;
  if (video) {
    const scale = Math.min(1, box.width / video.width, box.height / video.height);
    const side = (length: number) => multiple * Math.max(1, Math.round((length * scale) / multiple));
    return `scale=${side(video.width)}:${side(video.height)},setsar=1`;
  }
  const scale = `min(1,min(${box.width}/(iw*sar),${box.height}/ih))`;
  const side = (length: string) => `${multiple}*max(1,round(${length}*${scale}/${multiple}))`;
  return `scale=w='${side("iw*sar")}':h='${side("ih")}',setsar=1`;
}

/** Turns the data of the pipes into packets in the medium's own time. */
function packetMaker({ startSeconds = 0 }: DecodeRequest): (packet: MatroskaPacket) => Packet {
  const startsShot = shotDetector();
  const look = pictureLooker();
  let firstText: number | undefined;
  return ({ track, data, durationSeconds, ...packet }) => {
    const atSeconds = packet.atSeconds + startSeconds;
    if (track.codec === "V_MJPEG") {
      const { width, height } = track;
      const kind = track.number === 1 ? "frame" : "large-frame";
      return { kind, atSeconds, width, height, jpeg: Uint8Array.from(data) };
    }
    if (track.codec === "V_UNCOMPRESSED")
      return { kind: "picture", atSeconds, startsShot: startsShot(data), look: look(data, atSeconds) };
    if (track.codec.startsWith("S_TEXT")) {
      firstText = Math.min(firstText ?? track.number, track.number);
      const endSeconds = atSeconds + (durationSeconds ?? 0);
      const said = track.codec === "S_TEXT/ASS" ? blockOfAss(data.toString()) : { text: data.toString() };
      return { kind: "text", atSeconds, endSeconds, ...said, track: track.number - firstText };
    }
    const samples = new Int16Array(data.buffer.slice(data.byteOffset, data.byteOffset + (data.length & ~1)));
    return { kind: "audio", atSeconds, samples };
  };
}
