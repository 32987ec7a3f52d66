/**
 * What an HLS playlist holds beside the picture and sound that ffmpeg reads: the wall clock of its segments
 * (EXT-X-PROGRAM-DATE-TIME) and subtitle renditions, which ffmpeg does not read.
 *
 * Renditions are WebVTT in segments (RFC 8216, 3.5): X-TIMESTAMP-MAP ties their times to the MPEG-TS time stamps of the
 * picture. Subtitles in fMP4 and closed captions inside the picture are left out by name.
 */
import { mapConcurrently } from "../../util/async.ts";
import type { Cue, LeftOut } from "../clip.ts";
import type { Origin } from "../ffmpeg.ts";
import { CueReader, type CueReaderOptions } from "../texts/subtitles/cue-reader.ts";
import type { TimedText } from "../texts/subtitles/timed-text.ts";
import { parseTexts } from "../texts/subtitles.ts";
import { inOrder, notTaken } from "../texts/text-candidates.ts";
import { factsOfTitle, type TextRole } from "../texts/text-names.ts";
import { withoutSecrets } from "./connection-problem.ts";
import { type MediaPlaylist, parsePlaylist, type Rendition, type Segment } from "./hls-playlist.ts";

/** Most bytes of a playlist or a segment of texts. */
const mostBytes = 32 << 20;
/** A request without an answer for this long is given up. Milliseconds. */
const answerMs = 15_000;
/** After this many seconds the 33 bits of an MPEG-TS time stamp start over. */
const wrapSeconds = 2 ** 33 / 90_000;
/** Segments of texts that are fetched at once. */
const fetchedAtOnce = 8;
/** Segments that are kept when they slid out of the list. */
const mostSlid = 200;
/** Times farther from their segment than this are not on the picture's clock. Seconds. */
const mostDriftSeconds = 60;

/** How playlists are fetched. */
export interface HlsOptions {
  /** Subtitle languages to keep, best first, as BCP 47 tags; an empty list keeps all. */
  readonly languages: readonly string[];
  /** Whether renditions are read at all: not if the user names subtitles. */
  readonly wantsTexts: boolean;
  readonly fetch?: typeof fetch | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A segment, with its distance to the first that was ever listed. Seconds. */
interface KnownSegment extends Segment {
  readonly at: number;
}

/** A text of a resource and its final URL, with the user and password of the first where the host is the same. */
interface Fetched {
  readonly text: string;
  readonly url: string;
}

/** The playlists behind one URL. */
export class Hls {
  /** What is not read of it; grows where a rendition fails. */
  readonly leftOut: LeftOut[];
  readonly #options: HlsOptions;
  readonly #pictureUrl: string;
  readonly #rendition: Rendition | null;
  #picture: MediaPlaylist;
  #isRecording = false;
  /** Segments of the picture, those that slid away included, while they may matter. */
  #known: KnownSegment[] = [];
  /** Where the times of packets count from: the place of a segment, and the medium's own time there. */
  #anchor: { at: number; mediaSeconds: number } | null = null;
  /** Segments of texts that were read, by number. */
  readonly #read = new Set<number>();
  /** Where each text ended when it was read last, so that a cue repeated in the next segment is one. */
  readonly #lastEnds = new Map<string, number>();
  /** How far the texts of a part, after a cut, lie from the medium's own time. */
  readonly #shifts = new Map<number, number>();

  private constructor(
    options: HlsOptions,
    picture: { url: string; playlist: MediaPlaylist },
    rendition: Rendition | null,
    leftOut: LeftOut[],
  ) {
    this.#options = options;
    this.#pictureUrl = picture.url;
    this.#picture = picture.playlist;
    this.#rendition = rendition;
    this.leftOut = leftOut;
    this.#remember(picture.playlist);
  }

  /** Reads the playlists at a URL. @returns `null` if they cannot be read */
  static async open(url: string, options: HlsOptions): Promise<Hls | null> {
    try {
      const top = await get(url, options);
      const playlist = parsePlaylist(top.text, top.url);
      if (playlist?.kind === "media") return new Hls(options, { url: top.url, playlist }, null, []);
      const variant = playlist?.variants[0];
      if (!playlist || variant === undefined) return null;
      const inner = await get(variant, options);
      const media = parsePlaylist(inner.text, inner.url);
      if (media?.kind !== "media") return null;
      const { chosen, leftOut } = chosenRendition(playlist.texts, options);
      return new Hls(options, { url: inner.url, playlist: media }, chosen, leftOut);
    } catch (error) {
      options.signal?.throwIfAborted();
      if (error instanceof RangeError || error instanceof TypeError || isFetchError(error)) return null;
      throw error;
    }
  }

  /** Whether it has texts or a clock of its own that must be followed while it is live. */
  get isFollowed(): boolean {
    return this.#rendition !== null || this.startMs !== null;
  }

  /** Whether more will be added. */
  get isLive(): boolean {
    return !this.#picture.isEnded;
  }

  get hasTexts(): boolean {
    return this.#rendition !== null;
  }

  get targetSeconds(): number {
    return this.#picture.targetSeconds;
  }

  /** Wall time of the first segment that is listed, in milliseconds; `null` if the playlist does not say. */
  get startMs(): number | null {
    return this.#picture.segments[0]?.dateMs ?? null;
  }

  /** Says that a recording is read from its start, where the medium's own time is `mediaSeconds`. */
  beginAtStart(mediaSeconds: number): void {
    this.#isRecording = true;
    this.#anchor = { at: this.#known[0]?.at ?? 0, mediaSeconds };
  }

  /** Says that ffmpeg began to read the live playlist, and finds the segment it began with. */
  async begin({ urls, mediaSeconds }: Origin): Promise<void> {
    await this.#quietly(() => this.#refreshPicture());
    const pathOf = (url: string) => url.split(/[?#]/)[0]!.replace(/\/\/[^/@]*@/, "//");
    const opened = new Set(urls.map(pathOf));
    const first = this.#known.find(({ url }) => opened.has(pathOf(url)));
    this.#anchor = first && mediaSeconds !== null ? { at: first.at, mediaSeconds } : null;
  }

  /** Reads the picture's playlist again. @returns whether nothing more will be added */
  async hasEnded(): Promise<boolean> {
    await this.#quietly(() => this.#refreshPicture());
    return !this.isLive;
  }

  /** Wall time of a packet, in milliseconds; `null` if the playlist does not say. */
  dateMsAt(packetSeconds: number): number | null {
    if (this.#anchor === null) return null;
    const at = this.#anchor.at + packetSeconds;
    const found = this.#known.findLast((segment) => segment.dateMs !== null && segment.at <= at + 1e-3);
    return found ? found.dateMs! + (at - found.at) * 1000 : null;
  }

  /**
   * Reads the playlists again, and the cues that are new, in the medium's own time. What cannot be fetched is tried
   * again the next time.
   */
  async refresh(): Promise<TimedText[]> {
    const texts: TimedText[] = [];
    await this.#quietly(async () => {
      if (!this.#picture.isEnded) await this.#refreshPicture();
      await this.#readTexts(texts);
    });
    return texts;
  }

  /** Makes cues of the texts, in time order. */
  reader(): CueReader {
    return new CueReader(this.#about);
  }

  get #about(): CueReaderOptions {
    const { languages } = this.#options;
    return { kind: "speech", origin: "embedded", language: this.#rendition?.language ?? null, languages };
  }

  /** Every cue of a recording, in the medium's own time; what cannot be fetched is left out by name. */
  async cues(): Promise<Cue[]> {
    const texts: TimedText[] = [];
    try {
      const missing = await this.#readTexts(texts);
      if (missing > 0) this.#leaveOut(`are not whole: ${missing} of their segments could not be fetched`);
    } catch (error) {
      this.#options.signal?.throwIfAborted();
      if (!isFetchError(error)) throw error;
      this.#leaveOut(`were not read: ${(error as Error).message}`);
    }
    return CueReader.readAll(texts, this.#about).cues;
  }

  async #refreshPicture(): Promise<void> {
    const { text, url } = await get(this.#pictureUrl, this.#options);
    const playlist = parsePlaylist(text, url);
    if (playlist?.kind === "media") this.#remember(playlist);
  }

  async #quietly(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#options.signal?.throwIfAborted();
      if (!isFetchError(error)) throw error;
    }
  }

  /** Reads the segments of texts that are new. @returns how many could not be fetched */
  async #readTexts(into: TimedText[]): Promise<number> {
    if (this.#rendition?.url == null) return 0;
    const { url, text } = await get(this.#rendition.url, this.#options);
    const playlist = parsePlaylist(text, url);
    // A rendition may be one file of WebVTT instead of a playlist.
    const isFile = playlist === null && isVtt(text);
    const segments = isFile ? [{ ...oneSegment, url }] : playlist?.kind === "media" ? playlist.segments : [];
    const nears = new Map(segments.map((segment) => [segment, this.#near(segment, segments)]));
    const unread = segments.filter(
      (segment) => !this.#read.has(segment.sequence) && !this.#isOver(segment, nears.get(segment)!),
    );
    const found = await mapConcurrently(unread, { concurrency: fetchedAtOnce }, (segment) =>
      isFile ? Promise.resolve(text) : this.#segmentText(segment),
    );
    let missing = 0;
    for (const [k, segment] of unread.entries()) {
      const vtt = found[k]!;
      if (vtt === null) missing += 1;
      else this.#read.add(segment.sequence);
      if (vtt !== null && isVtt(vtt)) into.push(...this.#placed(vtt, segment, nears.get(segment)!));
      else if (vtt !== null) this.#leaveOut("were not read: their segments are not WebVTT");
    }
    const [first] = segments;
    for (const sequence of this.#read) if (first && sequence < first.sequence) this.#read.delete(sequence);
    return missing;
  }

  /** Text of a segment; `null` if it cannot be fetched. */
  async #segmentText({ url, bytes }: Segment): Promise<string | null> {
    try {
      return (await get(url, this.#options, bytes)).text;
    } catch (error) {
      this.#options.signal?.throwIfAborted();
      if (!isFetchError(error)) throw error;
      return null;
    }
  }

  /** Whether a segment of a broadcast was over before it was watched. */
  #isOver({ durationSeconds }: Segment, near: number | null): boolean {
    if (this.#isRecording || this.#anchor === null || near === null) return false;
    return near + durationSeconds < this.#anchor.mediaSeconds - mostDriftSeconds;
  }

  /** The medium's own time at which a segment of texts starts, roughly; `null` if nothing tells it. */
  #near(segment: Segment, all: readonly Segment[]): number | null {
    if (this.#anchor === null) return null;
    const { at, mediaSeconds } = this.#anchor;
    if (this.#isRecording) return mediaSeconds + segment.startSeconds - at;
    const dated = this.#known.find(({ dateMs }) => dateMs !== null);
    if (segment.dateMs !== null && dated)
      return mediaSeconds + dated.at + (segment.dateMs - dated.dateMs!) / 1000 - at;
    // Both lists end where the broadcast is.
    const end = (last: Segment | undefined) => (last ? last.startSeconds + last.durationSeconds : 0);
    const last = this.#known.at(-1);
    const edge = last ? last.at + last.durationSeconds : at;
    return mediaSeconds + edge - at - (end(all.at(-1)) - segment.startSeconds);
  }

  /** The texts of a segment, in the medium's own time. */
  #placed(vtt: string, segment: Segment, near: number | null): TimedText[] {
    const read = parseTexts(vtt, `${this.#rendition!.name}.vtt`)?.texts ?? [];
    const shift = this.#shiftOf(vtt, segment, read, near);
    const placed: TimedText[] = [];
    const ends = new Map<string, number>();
    for (const text of read) {
      const startSeconds = text.startSeconds + shift;
      const endSeconds = text.endSeconds + shift;
      // A text that lasts beyond its segment stands in the next one too, whole or from its start on.
      const before = this.#lastEnds.get(text.text);
      ends.set(text.text, endSeconds);
      if (before === undefined || startSeconds > before + 0.1)
        placed.push({ ...text, startSeconds, endSeconds });
    }
    for (const [text, endSeconds] of ends) {
      this.#lastEnds.delete(text); // the newest are at the end
      this.#lastEnds.set(text, endSeconds);
    }
    for (const text of [...this.#lastEnds.keys()].slice(0, -1000)) this.#lastEnds.delete(text);
    return placed;
  }

  /** What a segment's times are shifted by, to be the medium's own. */
  #shiftOf(vtt: string, segment: Segment, texts: readonly TimedText[], near: number | null): number {
    const first = texts[0]?.startSeconds ?? 0;
    const map = timestampMap(vtt);
    if (map !== null) {
      const shift = map.mediaSeconds - map.localSeconds;
      if (near === null) return shift;
      const unwrapped = shift + Math.round((near - first - shift) / wrapSeconds) * wrapSeconds;
      const isNear = Math.abs(unwrapped + first - near) <= mostDriftSeconds + segment.durationSeconds;
      if (isNear || segment.part === 0) return unwrapped;
      // After a cut the picture's time stamps are others, but ffmpeg counts on: the cut is where the segment is.
      const base = this.#shifts.get(segment.part) ?? near - map.mediaSeconds;
      this.#shifts.set(segment.part, base);
      return shift + base;
    }
    if (near === null) return 0;
    // Without a map: times of the whole playlist, or of the segment alone.
    const start = near - segment.startSeconds;
    const last = Math.max(0, ...texts.map(({ endSeconds }) => endSeconds));
    const isOfSegment =
      segment.startSeconds > 0 && last <= Math.min(segment.durationSeconds + 1, segment.startSeconds);
    return isOfSegment ? near : start;
  }

  #remember(playlist: MediaPlaylist): void {
    this.#picture = playlist;
    const last = this.#known.at(-1);
    const [first] = playlist.segments;
    if (first === undefined) return;
    // Numbers that start over are another broadcast, which continues where the last one ended.
    const isAnother = last !== undefined && playlist.segments.at(-1)!.sequence < last.sequence;
    const same = isAnother ? undefined : this.#known.find(({ sequence }) => sequence === first.sequence);
    const missed =
      last && !same && !isAnother ? (first.sequence - last.sequence - 1) * playlist.targetSeconds : 0;
    const start = same?.at ?? (last ? last.at + last.durationSeconds + Math.max(0, missed) : 0);
    const kept = isAnother ? this.#known : this.#known.filter(({ sequence }) => sequence < first.sequence);
    const listed = playlist.segments.map((segment) => ({ ...segment, at: start + segment.startSeconds }));
    this.#known = [...kept.slice(-mostSlid), ...listed];
  }

  #leaveOut(what: string): void {
    const { name } = this.#rendition!;
    if (!this.leftOut.some((item) => item.name === name))
      this.leftOut.push({ kind: "track", name, reason: `The subtitles ${name} ${what}.` });
  }
}

const oneSegment: Segment = {
  ...{ url: "", sequence: 0, startSeconds: 0, durationSeconds: Number.MAX_VALUE },
  ...{ dateMs: null, part: 0, bytes: null },
};

/** One track of several, and why the others are not read. */
function chosenRendition(
  renditions: readonly Rendition[],
  { languages, wantsTexts }: HlsOptions,
): { chosen: Rendition | null; leftOut: LeftOut[] } {
  const candidates = renditions.flatMap((rendition) => {
    const { kind, url, name, language, isDefault } = rendition;
    if (kind !== "subtitles" || url === null) return [];
    const titled = factsOfTitle(name);
    const role: TextRole = rendition.isForced ? "forced" : rendition.isForDeaf ? "sdh" : titled.role;
    const facts = { name, language: language ?? titled.language, role, isDefault, from: { path: url } };
    return [{ candidate: facts, rendition }];
  });
  const all = candidates.map(({ candidate }) => candidate);
  const [best = null] = wantsTexts ? inOrder(all, languages) : [];
  const leftOut = notTaken(
    all,
    best,
    wantsTexts ? (best?.name ?? null) : "what --subtitles names",
    languages,
  );
  for (const { kind, name } of renditions) {
    if (kind === "closed-captions")
      leftOut.push({
        kind: "track",
        name,
        reason: `The closed captions ${name} are inside the picture, and not read.`,
      });
  }
  return { chosen: candidates.find(({ candidate }) => candidate === best)?.rendition ?? null, leftOut };
}

const isVtt = (text: string): boolean => /^\uFEFF?WEBVTT(\s|$)/.test(text);

/** The time stamp that a segment of WebVTT ties to one of its own times, both in seconds. */
function timestampMap(vtt: string): { mediaSeconds: number; localSeconds: number } | null {
  const line = /^X-TIMESTAMP-MAP=(.*)$/m.exec(vtt.slice(0, 2000))?.[1];
  const ticks = /MPEGTS:(\d+)/.exec(line ?? "")?.[1];
  const local = /LOCAL:(?:(\d+):)?(\d+):(\d+(?:\.\d+)?)/.exec(line ?? "");
  if (ticks === undefined || local === null) return null;
  const [, hours = "0", minutes, seconds] = local;
  return {
    mediaSeconds: Number(ticks) / 90_000,
    localSeconds: Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds),
  };
}

/** A request that failed, or an answer that is no success. */
class FetchError extends Error {}
const isFetchError = (error: unknown): boolean =>
  error instanceof FetchError || error instanceof TypeError || (error as Error).name === "TimeoutError";

/**
 * Fetches a text. User and password of the URL are sent to its own host only; `fetch` drops them at a redirect to
 * another.
 */
async function get(
  url: string,
  { fetch: send = fetch, signal }: HlsOptions,
  bytes: Segment["bytes"] = null,
): Promise<Fetched> {
  const target = new URL(url);
  const { username, password } = target;
  target.username = "";
  target.password = "";
  const headers: Record<string, string> = {};
  if (username !== "" || password !== "") {
    const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    headers.authorization = `Basic ${Buffer.from(pair).toString("base64")}`;
  }
  if (bytes !== null) headers.range = `bytes=${bytes.offset}-${bytes.offset + bytes.length - 1}`;
  const timeout = AbortSignal.timeout(answerMs);
  const request = { headers, signal: signal ? AbortSignal.any([signal, timeout]) : timeout };
  // A connection that the server has just closed fails once.
  const response = await send(target.href, request).catch(() => send(target.href, request));
  if (!response.ok) throw new FetchError(`${withoutSecrets(url)} answers ${response.status}`);
  const final = new URL(response.url || target.href);
  if (final.host === target.host) {
    final.username = username;
    final.password = password;
  }
  return { text: await boundedText(response), url: final.href };
}

async function boundedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > mostBytes) throw new FetchError(`more than ${mostBytes} bytes of text`);
    chunks.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}
