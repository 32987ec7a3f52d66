/**
 * A stream's material as a source: files as they lie, zip entries copied out while they are watched, pieces of a longer
 * recording cut once into a cache, transcripts of whole hours laid beside the recordings they are about.
 */
import { randomUUID } from "node:crypto";
import { statSync } from "node:fs";
import { mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { basename, extname, join, resolve } from "node:path";
import { DataError } from "../../../errors.ts";
import type { Source } from "../../../stream/clip.ts";
import { probeMedia } from "../../../stream/ffmpeg.ts";
import { clockOfName } from "../../../stream/files/clock-names.ts";
import { openSource, type SourceOptions } from "../../../stream/open-source.ts";
import { requireProgram, runProgram } from "../../../util/program.ts";
import type { FileReference, Span, StreamFiles } from "../../task.ts";
import { nameOf } from "./media-index.ts";
import { readTranscript } from "./transcripts.ts";
import { extractEntry } from "./zip.ts";

export interface OpenedStream {
  readonly source: Source;
  /** Removes what was copied out for it. */
  close(): Promise<void>;
}

/** A piece may end so much after its recording does, in seconds: lengths are rounded. */
const tolerance = 1;

/**
 * @param folders `scratch` for copies that go away again, `cuts` for pieces that stay
 * @throws DataError for material that cannot be read, and for a piece that lies outside its recording
 */
export async function openStream(
  { stream, media, subtitles, cut, transcripts = [] }: StreamFiles,
  folders: { readonly scratch: string; readonly cuts: string },
  options: Omit<SourceOptions, "id" | "subtitles"> = {},
): Promise<OpenedStream> {
  const scratch = join(folders.scratch, encodeURIComponent(stream));
  const close = () => rm(scratch, { recursive: true, force: true });
  try {
    await mkdir(scratch, { recursive: true });
    const whole: string[] = [];
    const cutPath = join(folders.cuts, `${encodeURIComponent(stream)}.mp4`);
    const isCut = cut !== null && (await probed(cutPath));
    if (!isCut) for (const file of media) whole.push(await unpacked(file, scratch));
    if (cut !== null && !isCut) await cutPiece(whole[0]!, cut, cutPath, options.signal);
    // One empty file of a week, whose download was cut short, is a gap.
    const sound = whole.filter((path) => statSync(path, { throwIfNoEntry: false })?.size !== 0);
    const found = cut !== null ? [cutPath] : sound.length > 0 ? sound : whole;
    const paths = transcripts.length === 0 ? found : await withSpeech(found, transcripts, scratch);
    const source = await openSource(paths, {
      ...options,
      id: stream,
      ...(subtitles && media.length === 1 && { subtitles: await unpacked(subtitles, scratch) }),
    });
    return { source, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function unpacked(file: FileReference, folder: string): Promise<string> {
  if (file.entry === undefined) return file.path;
  const path = join(folder, nameOf(file));
  await extractEntry(file.path, file.entry, path);
  return path;
}

/**
 * Links to recordings in order of time, each with what was said from its start to the next one's as rows beside it: that is
 * how a source of many files is told. A line in Chinese alone is left out.
 */
async function withSpeech(
  recordings: readonly string[],
  transcripts: readonly string[],
  folder: string,
): Promise<string[]> {
  const spoken = transcripts
    .flatMap((path) => readTranscript(path, "en", []))
    .sort((a, b) => a.startSeconds - b.startSeconds);
  const starts = recordings.map((path) => clockOfName(path)!.seconds);
  const links = join(folder, "spoken");
  // What a kill left behind.
  await rm(links, { recursive: true, force: true });
  const linked: string[] = [];
  let next = 0;
  for (const [i, recording] of recordings.entries()) {
    const [from, to] = [starts[i]!, starts[i + 1] ?? Number.POSITIVE_INFINITY];
    while (next < spoken.length && spoken[next]!.startSeconds < from) next += 1;
    const rows: string[] = [];
    for (; next < spoken.length && spoken[next]!.startSeconds < to; next++) {
      const { startSeconds, endSeconds, speaker, text } = spoken[next]!;
      const times = { startSeconds: startSeconds - from, endSeconds: endSeconds - from };
      rows.push(JSON.stringify({ ...times, speaker, text, kind: "speech" }));
    }
    const place = join(links, String(i));
    await mkdir(place, { recursive: true });
    const link = join(place, basename(recording));
    await symlink(resolve(recording), link);
    await writeFile(`${link.slice(0, -extname(link).length)}.jsonl`, rows.map((row) => `${row}\n`).join(""));
    linked.push(link);
  }
  return linked;
}

/** Whether a whole file is there: pieces get their name when they are complete. */
async function probed(path: string): Promise<boolean> {
  return probeMedia({ url: `file:${path}`, args: [], name: path }).then(
    () => true,
    (error: unknown) => {
      if (error instanceof DataError) return false;
      throw error;
    },
  );
}

/** Pictures and sound between two moments, encoded again so that it starts at the very frame. */
async function cutPiece(
  recording: string,
  { startSeconds, endSeconds }: Span,
  target: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { durationSeconds } = await probeMedia(
    { url: `file:${recording}`, args: [], name: recording },
    signal,
  );
  if (durationSeconds !== null && endSeconds > durationSeconds + tolerance) {
    throw new DataError(
      "piece-outside",
      `Expected ${recording} to last ${endSeconds} s, it lasts ${durationSeconds} s: it is another recording, or not whole`,
      { details: { path: recording } },
    );
  }
  await mkdir(join(target, ".."), { recursive: true });
  // Two memories of one stream may be written at once.
  const unfinished = `${target.slice(0, -extname(target).length)}.${randomUUID()}.part.mp4`;
  const length = String(endSeconds - startSeconds);
  const coding = [
    "-c:v",
    "libx264",
    "-preset",
    "veryfast",
    "-crf",
    "20",
    "-pix_fmt",
    "yuv420p",
    "-c:a",
    "aac",
  ];
  const run = await runProgram(
    requireProgram("ffmpeg"),
    [
      "-v",
      "error",
      "-y",
      "-ss",
      String(startSeconds),
      "-i",
      `file:${recording}`,
      "-t",
      length,
      ...coding,
    ].concat(["-map", "0:v:0?", "-map", "0:a:0?", "-movflags", "+faststart", `file:${unfinished}`]),
    { signal },
  );
  if (run.exitCode !== 0) {
    await rm(unfinished, { force: true });
    throw new DataError(
      "cut-failed",
      `Expected ffmpeg to cut ${recording}, it failed: ${run.stderr.trim()}`,
      {
        details: { path: recording },
      },
    );
  }
  await rename(unfinished, target);
}
