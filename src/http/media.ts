/**
 * The recording that a moment was watched in, played from where it lies. Only a file that the stream was watched from is
 * opened, at the place that was kept then, and only if it still is that file: no link stands in its way, its size is the
 * same, and samples of its content are. Otherwise the answer is `media-gone`, with the pictures that memory kept.
 */
import { constants } from "node:fs";
import { type FileHandle, open, realpath } from "node:fs/promises";
import { extname } from "node:path";
import { Readable } from "node:stream";
import type { Context } from "hono";
import { z } from "zod";
import { Clocks } from "../contract/shapes.ts";
import { ConfigError, DataError } from "../errors.ts";
import type { SourceFile } from "../memory/memory.ts";
import { headOf } from "../stream/files/file-identity.ts";
import type { TaskMem } from "../taskmem.ts";
import { type Problem, problemOf, Refused } from "./problem.ts";

/** Types of what browsers may play, by extension. */
const types: Readonly<Record<string, string>> = {
  ...{ ".mp4": "video/mp4", ".m4v": "video/mp4", ".mov": "video/quicktime", ".webm": "video/webm" },
  ...{ ".mkv": "video/x-matroska", ".ogv": "video/ogg", ".avi": "video/x-msvideo", ".ts": "video/mp2t" },
  ...{ ".3gp": "video/3gpp", ".mpg": "video/mpeg", ".mpeg": "video/mpeg", ".flv": "video/x-flv" },
  ...{ ".mp3": "audio/mpeg", ".m4a": "audio/mp4", ".aac": "audio/aac", ".wav": "audio/wav" },
  ...{ ".flac": "audio/flac", ".ogg": "audio/ogg", ".oga": "audio/ogg", ".opus": "audio/ogg" },
};

const span = z.object({
  from: z.coerce.number().describe("seconds of stream time"),
  to: z.coerce.number().optional(),
});

/** A picture of a moment that cannot be played. */
export interface MomentFrame {
  readonly hash: string;
  readonly atSeconds: number;
  readonly at: string;
}

/** Most pictures of a moment. */
const mostFrames = 60;

/** What can be shown of a moment: its recording, and where in it the moment lies; or pictures, and why there is no more. */
export type Playable =
  | {
      readonly playable: true;
      readonly type: string;
      readonly offsetSeconds: number;
      readonly endSeconds: number;
    }
  | { readonly playable: false; readonly why: string; readonly frames: readonly MomentFrame[] };

/**
 * Answers with the recording that holds `from`, whole or the range that is asked for. `taskmem-offset-seconds` says where in
 * it the moment begins, `taskmem-end-seconds` where it ends. Who accepts JSON gets a `Playable` instead.
 * @throws ConfigError `input-invalid`, DataError `stream-unknown`
 */
export async function media(context: Context, memory: TaskMem, stream: string): Promise<Response> {
  const asked = span.safeParse(context.req.query());
  if (!asked.success)
    throw new ConfigError("input-invalid", `Expected from and to in seconds, got ${context.req.url}`);
  const { from, to = from } = asked.data;
  if (!(await memory.streams()).some(({ id }) => id === stream))
    throw new DataError("stream-unknown", `There is no stream ${stream}`);
  const files = await memory.store.sourceFiles(stream);
  const file = files.find(
    ({ startSeconds, watchedSeconds }) => from >= startSeconds && from < startSeconds + watchedSeconds,
  );
  const opened = file
    ? await openFile(file)
    : "It was not watched from a recording, so there is nothing to play.";
  const isDescribed = /\bapplication\/json\b/.test(context.req.header("accept") ?? "");
  if (typeof opened === "string") {
    const frames = await framesOf(memory, stream, from, to);
    return isDescribed
      ? context.json({ playable: false, why: opened, frames } satisfies Playable)
      : problemWith(context, { ...problemOf(new Refused("media-gone", opened)), frames });
  }
  const isHead = context.req.method === "HEAD";
  const type = types[extname(file!.path!).toLowerCase()]!;
  const offsetSeconds = from - file!.startSeconds;
  const endSeconds = Math.min(to - file!.startSeconds, file!.watchedSeconds);
  let isStreaming = false;
  try {
    if (isDescribed)
      return context.json({ playable: true, type, offsetSeconds, endSeconds } satisfies Playable);
    const { size, mtimeMs } = await opened.stat();
    const tag = `"${file!.id.slice(-20)}-${size}-${Math.round(mtimeMs)}"`;
    const headers = {
      ...{ "content-type": type, "accept-ranges": "bytes", etag: tag },
      ...{ "cache-control": "private, no-cache", "x-content-type-options": "nosniff" },
      ...{ "taskmem-offset-seconds": String(offsetSeconds), "taskmem-end-seconds": String(endSeconds) },
    };
    const ifRange = context.req.header("if-range");
    const wanted = ifRange === undefined || ifRange === tag ? context.req.header("range") : undefined;
    const range = wanted === undefined ? null : rangeOf(wanted, size);
    if (range === "none")
      return problemWith(
        context,
        problemOf(new Refused("range-invalid", `Expected a range within ${size} bytes`)),
        {
          "content-range": `bytes */${size}`,
        },
      );
    const { start, end } = range ?? { start: 0, end: size - 1 };
    const sized = {
      ...{ ...headers, "content-length": String(end - start + 1) },
      ...(range && { "content-range": `bytes ${start}-${end}/${size}` }),
    };
    const status = range ? 206 : 200;
    if (isHead) return context.body(null, status, sized);
    const bytes = opened.createReadStream({ start, end, autoClose: true });
    isStreaming = true;
    return context.body(Readable.toWeb(bytes) as ReadableStream, status, sized);
  } finally {
    if (!isStreaming) await opened.close();
  }
}

/** Opens a file that is still the one that was watched; otherwise says why it is not played. */
async function openFile({ id, path, bytes, whole }: SourceFile): Promise<FileHandle | string> {
  if (path === "") return "Something of this stream was forgotten, so its recordings are not shown any more.";
  if (path === undefined) return "Where its recording lies is not known here. Watching it again tells.";
  if (types[extname(path).toLowerCase()] === undefined)
    return "It was watched from a text, which is not played.";
  let file: FileHandle | undefined;
  try {
    if ((await realpath(path)) !== path) return "A link stands where its recording was.";
    file = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
    const found = await file.stat();
    const isAsLong = whole ? found.size === bytes : found.size >= bytes;
    const likeness = found.isFile() && isAsLong ? (await headOf(file, found.size)).likeness(id) : null;
    if (likeness === "equal" || (likeness === "but-header" && !whole)) {
      const opened = file;
      file = undefined;
      return opened;
    }
    return "Another file stands where its recording was.";
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return "Its recording is not there any more.";
    return `Its recording cannot be opened: ${code ?? "unknown"}.`;
  } finally {
    await file?.close();
  }
}

/** The bytes of a `Range` with one range; `null` for what is answered whole, "none" for one outside. */
export function rangeOf(header: string, size: number): { start: number; end: number } | "none" | null {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header.trim()) ?? [];
  if (first === undefined || last === undefined || (first === "" && last === "")) return null;
  const start = first === "" ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === "" || last === "" ? size - 1 : Math.min(Number(last), size - 1);
  return start > end || start >= size ? "none" : { start, end };
}

/** Pictures that memories of a moment rest on. */
async function framesOf(memory: TaskMem, stream: string, from: number, to: number): Promise<MomentFrame[]> {
  const clocks = await Clocks.of(memory);
  const entries = await memory.store.entries({
    ...{ streams: [stream], fromSeconds: from, toSeconds: Math.max(to, from + 1), limit: mostFrames },
  });
  const frames = new Map(entries.flatMap(({ evidence }) => evidence.frames.map((one) => [one.hash, one])));
  return [...frames.values()]
    .sort((a, b) => a.atSeconds - b.atSeconds)
    .slice(0, mostFrames)
    .map(({ hash, atSeconds }) => ({ hash, atSeconds, at: clocks.at(stream, atSeconds) }));
}

function problemWith(
  context: Context,
  problem: Problem & { readonly frames?: readonly MomentFrame[] },
  headers: Record<string, string> = {},
): Response {
  return context.body(JSON.stringify(problem), problem.status as 400, {
    ...{ "content-type": "application/problem+json", "cache-control": "no-store" },
    ...headers,
  });
}
