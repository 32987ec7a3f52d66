/** Recorded media as a source: one file, a finite URL, or many files on one timeline. */
import { open } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { DataError } from "../errors.ts";
import { sha256 } from "../util/hash.ts";
import type { Clock } from "../util/time.ts";
import type { LeftOut, Source } from "./clip.ts";
import { placeByNames } from "./clock-names.ts";
import { type FrameOptions, type MediaInput, probeMedia, scanDuration } from "./ffmpeg.ts";
import { textsOf } from "./media-texts.ts";
import { cutRecorded, type TimedMedia } from "./recorded.ts";

/** How recorded media are cut, and which texts belong to them. */
export interface MediaSourceOptions {
  readonly id: string;
  readonly description: string;
  readonly clipSeconds: number;
  readonly frames: FrameOptions;
  readonly languages: readonly string[];
  /** Subtitle file or http URL to use instead of those beside or inside the medium. */
  readonly subtitles?: string | undefined;
  /** What was left out of the files. @default nothing */
  readonly leftOut?: readonly LeftOut[];
  readonly signal?: AbortSignal | undefined;
}

/** One file as a source. @throws DataError if it or its subtitles cannot be read */
export async function fileSource(path: string, options: MediaSourceOptions): Promise<Source> {
  const input = fileInput(path);
  const info = await probeMedia(input, options.signal);
  const { texts, leftOut } = await textsOf(path, info, options);
  const { clock, placed } = placeByNames([path]) ?? unplaced([path]);
  const startSeconds = placed[0]!.startSeconds;
  return recordedSource(
    [{ input, startSeconds, untilSeconds: null, load: () => Promise.resolve({ info, texts }) }],
    {
      clock,
      leftOut,
      endSeconds: info.durationSeconds === null ? null : startSeconds + info.durationSeconds,
      fingerprint: await fingerprintOf(path),
    },
    options,
  );
}

/**
 * Files on one timeline as a source: placed by the clocks in their names if all carry one, otherwise one after the
 * other in natural order. An unreadable file is a gap.
 */
export async function filesSource(paths: readonly string[], options: MediaSourceOptions): Promise<Source> {
  const byNames = placeByNames(paths);
  const { clock, placed } = byNames ?? unplaced(paths);
  const files: TimedMedia[] = [];
  /** Grows as files are opened. */
  const leftOut: LeftOut[] = [...(options.leftOut ?? [])];
  const opened = new Set<string>();
  let end = 0;
  for (const [i, { path, startSeconds }] of placed.entries()) {
    const input = fileInput(path);
    const start = byNames ? startSeconds : end;
    // Files without clocks must be opened to know where the next one starts.
    if (!byNames) end = start + (await durationOf(input, options));
    files.push({
      input,
      startSeconds: start,
      untilSeconds: byNames ? (placed[i + 1]?.startSeconds ?? null) : end,
      load: async (signal) => {
        const info = await probeMedia(input, signal);
        const { texts, leftOut: left } = await textsOf(path, info, options);
        if (!opened.has(path)) leftOut.push(...left);
        opened.add(path);
        return { info, texts };
      },
    });
  }
  const fingerprint = await fingerprintOf(placed[0]!.path);
  return recordedSource(files, { clock, leftOut, endSeconds: byNames ? null : end, fingerprint }, options);
}

const unplaced = (paths: readonly string[]) => ({
  clock: { kind: "media" } as Clock,
  placed: paths.map((path) => ({ path, startSeconds: 0 })),
});

/** A path that ffmpeg cannot take for a pattern, an option or a protocol. */
const fileInput = (path: string): MediaInput => ({ url: `file:${path}`, args: [], name: path });

function recordedSource(
  files: readonly TimedMedia[],
  facts: Pick<Source, "clock" | "leftOut" | "endSeconds" | "fingerprint">,
  { id, description, clipSeconds, frames }: MediaSourceOptions,
): Source {
  return {
    id,
    description,
    live: false,
    clipSeconds,
    ...facts,
    open: ({ fromSeconds = 0, signal } = {}) =>
      cutRecorded(files, { stream: id, clipSeconds, frames, fromSeconds, signal }),
  };
}

/** Length of a file, by its container or by reading it to the end. An unreadable file counts as one clip. */
async function durationOf(input: MediaInput, { signal, clipSeconds }: MediaSourceOptions): Promise<number> {
  try {
    return (await probeMedia(input, signal)).durationSeconds ?? (await scanDuration(input, signal));
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    return clipSeconds;
  }
}

/** Bytes that identify a file: its head, so that a recording may still grow. */
const headBytes = 1 << 20;

async function fingerprintOf(path: string): Promise<string> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(headBytes), 0, headBytes, 0);
    return sha256(buffer.subarray(0, bytesRead));
  } finally {
    await file.close();
  }
}

/** A readable id for a path: its last part, without extension. */
export function idOfPath(path: string): string {
  return basename(path).replace(/\.[^.]+$/, "") || basename(dirname(path));
}
