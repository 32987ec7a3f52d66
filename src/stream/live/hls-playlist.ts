/**
 * HLS playlists as data (RFC 8216): variants and subtitle renditions of a master playlist, segments of a media playlist.
 *
 * Pure. Encryption, byte ranges of pictures and low-latency parts are ffmpeg's affair and left out.
 */

/** A text track that a master playlist offers. */
export interface Rendition {
  /** `null` for a track without a playlist of its own, such as closed captions inside the picture. */
  readonly url: string | null;
  readonly kind: "subtitles" | "closed-captions";
  readonly name: string;
  /** BCP 47 tag. */
  readonly language: string | null;
  readonly isDefault: boolean;
  /** Only what a viewer needs who understands the sound: signs, other languages. */
  readonly isForced: boolean;
  /** Sounds are described too. */
  readonly isForDeaf: boolean;
}

/** A master playlist. */
export interface MasterPlaylist {
  readonly kind: "master";
  /** Media playlists of the picture, in the playlist's order. */
  readonly variants: readonly string[];
  readonly texts: readonly Rendition[];
}

/** A piece of a media playlist. */
export interface Segment {
  readonly url: string;
  /** Number that counts on while the playlist slides. */
  readonly sequence: number;
  /** Distance to the start of the playlist's first segment. Seconds. */
  readonly startSeconds: number;
  readonly durationSeconds: number;
  /** Wall time of its start, from EXT-X-PROGRAM-DATE-TIME here or before. Milliseconds. */
  readonly dateMs: number | null;
  /** How many discontinuities came before it. */
  readonly part: number;
  /** Bytes of the file, where it is a piece of one. */
  readonly bytes: { readonly offset: number; readonly length: number } | null;
}

/** A media playlist. */
export interface MediaPlaylist {
  readonly kind: "media";
  readonly segments: readonly Segment[];
  /** Longest duration of a segment. Seconds. */
  readonly targetSeconds: number;
  /** Whether nothing will be added. */
  readonly isEnded: boolean;
}

/** Reads a playlist; `null` if the text is none. @param base its URL, for the URLs in it */
export function parsePlaylist(text: string, base: string): MasterPlaylist | MediaPlaylist | null {
  const lines = text
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
  if (!lines[0]?.startsWith("#EXTM3U")) return null;
  const isMaster = lines.some((line) => /^#EXT-X-(STREAM-INF|MEDIA):/.test(line));
  return isMaster ? masterPlaylist(lines, base) : mediaPlaylist(lines, base);
}

function masterPlaylist(lines: readonly string[], base: string): MasterPlaylist {
  const variants: string[] = [];
  const texts: Rendition[] = [];
  for (const [i, line] of lines.entries()) {
    if (line.startsWith("#EXT-X-STREAM-INF:")) {
      const url = lines.slice(i + 1).find((next) => !next.startsWith("#"));
      const resolved = url === undefined ? null : absolute(url, base);
      if (resolved !== null) variants.push(resolved);
    }
    if (!line.startsWith("#EXT-X-MEDIA:")) continue;
    const { TYPE, NAME, LANGUAGE, DEFAULT, FORCED, URI, CHARACTERISTICS } = attributes(line);
    if (TYPE !== "SUBTITLES" && TYPE !== "CLOSED-CAPTIONS") continue;
    texts.push({
      url: URI === undefined ? null : absolute(URI, base),
      kind: TYPE === "SUBTITLES" ? "subtitles" : "closed-captions",
      name: NAME ?? LANGUAGE ?? "subtitles",
      language: LANGUAGE ?? null,
      isDefault: DEFAULT === "YES",
      isForced: FORCED === "YES",
      isForDeaf: /describes-music-and-sound|transcribes-spoken-dialog/.test(CHARACTERISTICS ?? ""),
    });
  }
  return { kind: "master", variants, texts };
}

function mediaPlaylist(lines: readonly string[], base: string): MediaPlaylist {
  const segments: Segment[] = [];
  let targetSeconds = 0;
  let sequence = 0;
  let isEnded = false;
  let startSeconds = 0;
  let durationSeconds: number | null = null;
  let dateMs: number | null = null;
  let part = 0;
  let bytes: Segment["bytes"] = null;
  for (const line of lines) {
    const [, tag = "", value = ""] = /^#(EXT[A-Z-]*)(?::(.*))?$/.exec(line) ?? [];
    if (tag === "EXT-X-TARGETDURATION") targetSeconds = number(value) ?? 0;
    else if (tag === "EXT-X-MEDIA-SEQUENCE") sequence = number(value) ?? 0;
    else if (tag === "EXT-X-ENDLIST") isEnded = true;
    else if (tag === "EXTINF") durationSeconds = number(value);
    else if (tag === "EXT-X-PROGRAM-DATE-TIME") dateMs = date(value);
    else if (tag === "EXT-X-BYTERANGE") bytes = byteRange(value, segments.at(-1)?.bytes ?? null);
    else if (tag === "EXT-X-DISCONTINUITY") {
      part += 1;
      dateMs = null; // the clock does not continue over a cut unless the playlist says so
    } else if (!line.startsWith("#")) {
      const url = absolute(line, base);
      const length = durationSeconds ?? targetSeconds;
      if (url !== null)
        segments.push({ url, sequence, startSeconds, durationSeconds: length, dateMs, part, bytes });
      sequence += 1;
      startSeconds += length;
      if (dateMs !== null) dateMs += length * 1000;
      durationSeconds = null;
      bytes = null;
    }
  }
  return { kind: "media", segments: dated(segments), targetSeconds, isEnded };
}

/** Segments before the first date of their part are dated by it too. */
function dated(segments: readonly Segment[]): Segment[] {
  const all: Segment[] = [];
  for (const segment of segments.toReversed()) {
    const next = all.at(-1);
    const dateMs =
      next?.part === segment.part && next.dateMs !== null
        ? next.dateMs - segment.durationSeconds * 1000
        : null;
    all.push({ ...segment, dateMs: segment.dateMs ?? dateMs });
  }
  return all.reverse();
}

/** `NAME="English",DEFAULT=YES` as a record. */
function attributes(line: string): Record<string, string | undefined> {
  const list: Record<string, string> = Object.create(null);
  for (const [, key, quoted, bare] of line.matchAll(/([A-Z0-9-]+)=(?:"([^"]*)"|([^,]*))/g)) {
    list[key!] = quoted ?? bare ?? "";
  }
  return list;
}

/** An URL of a playlist made absolute; user and password of the playlist are kept for its own host. */
function absolute(url: string, base: string): string | null {
  const resolved = URL.canParse(url, base) ? new URL(url, base) : null;
  if (resolved === null || !/^https?:$/.test(resolved.protocol)) return null;
  const from = new URL(base);
  if (resolved.username === "" && resolved.host === from.host && resolved.protocol === from.protocol) {
    resolved.username = from.username;
    resolved.password = from.password;
  }
  return resolved.href;
}

function byteRange(value: string, before: Segment["bytes"]): Segment["bytes"] {
  const [, length, offset] = /^(\d+)(?:@(\d+))?/.exec(value) ?? [];
  if (length === undefined) return null;
  const start = offset === undefined ? (before ? before.offset + before.length : 0) : Number(offset);
  return { offset: start, length: Number(length) };
}

/** A date with a zone, also as `+0000`; without one it is UTC. */
function date(value: string): number | null {
  const zoned = value.trim().replace(/([+-]\d\d)(\d\d)$/, "$1:$2");
  const ms = Date.parse(/(Z|[+-]\d\d:\d\d)$/i.test(zoned) ? zoned : `${zoned}Z`);
  return Number.isNaN(ms) ? null : ms;
}

const number = (value: string): number | null => {
  const parsed = Number.parseFloat(value);
  return Number.isFinite(parsed) && parsed >= 0 ? parsed : null;
};
