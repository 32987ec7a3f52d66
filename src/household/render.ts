/**
 * An episode as files: mp4, speech as SRT, descriptions as SRT, and the truth as JSON.
 *
 * The same seed gives the same bytes of texts and truth; the video's bytes depend on the encoder.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DataError } from "../errors.ts";
import { makeDirectory } from "../util/directory.ts";
import { requireProgram } from "../util/program.ts";
import { drawScene } from "./draw.ts";
import { sentenceOf, spokenLine } from "./language.ts";
import type { HouseholdQuestion } from "./questions.ts";
import { type Episode, sceneSeconds } from "./world.ts";

/** Frames per second of the video; scenes last 2.5 s. */
const frameRate = 8;

/** Paths of the files of a rendered episode. */
export interface RenderedEpisode {
  readonly video: string;
  /** SRT of what people say, `Ann: The train is at two.` */
  readonly subtitles: string;
  /** SRT of what the picture shows, one sentence per fact; `null` where none was wanted. */
  readonly descriptions: string | null;
  /** The episode and its questions as JSON. */
  readonly truth: string;
}

/** What a rendered episode contains. */
export interface RenderEpisodeOptions {
  /** File names without extension. @default "household" */
  readonly name?: string;
  /** Questions to keep beside the truth. @default none */
  readonly questions?: readonly HouseholdQuestion[];
  /** Whether what its pictures show is written beside it, for policies that do not see. @default true */
  readonly describes?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Writes `<name>.mp4`, `.srt`, `.descriptions.srt` and `.truth.json` into a folder. @throws DataError if ffmpeg fails
 */
export async function renderEpisode(
  episode: Episode,
  folder: string,
  { name = "household", questions = [], describes = true, signal }: RenderEpisodeOptions = {},
): Promise<RenderedEpisode> {
  makeDirectory(folder);
  const path = (extension: string) => join(folder, `${name}${extension}`);
  const files = {
    video: path(".mp4"),
    subtitles: path(".srt"),
    descriptions: describes ? path(".descriptions.srt") : null,
    truth: path(".truth.json"),
  };
  await Promise.all([
    writeFile(files.subtitles, subtitlesOf(episode)),
    files.descriptions !== null && writeFile(files.descriptions, captionsOf(episode)),
    writeFile(files.truth, `${JSON.stringify({ episode, questions }, null, 1)}\n`),
    encode(episode, files.video, signal),
  ]);
  return files;
}

/** SRT of what is said, each line in the scene that shows its speaker. */
export function subtitlesOf(episode: Episode): string {
  return srt(
    scenesOf(episode).flatMap(({ startSeconds, endSeconds, strips }) =>
      strips.flatMap((fact) =>
        fact?.kind === "speech"
          ? [
              {
                startSeconds: startSeconds + 0.25,
                endSeconds: endSeconds - 0.25,
                text: `${fact.person}: ${spokenLine(fact)}`,
              },
            ]
          : [],
      ),
    ),
  );
}

/** SRT of what is seen, one sentence per strip. */
export function captionsOf(episode: Episode): string {
  return srt(
    scenesOf(episode).flatMap(({ startSeconds, endSeconds, strips }) =>
      strips.flatMap((fact) =>
        fact !== null && fact.kind !== "speech" ? [{ startSeconds, endSeconds, text: sentenceOf(fact) }] : [],
      ),
    ),
  );
}

const scenesOf = (episode: Episode) => episode.clips.flatMap(({ scenes }) => scenes);

function srt(cues: readonly { startSeconds: number; endSeconds: number; text: string }[]): string {
  const stamp = (seconds: number) =>
    new Date(Math.round(seconds * 1000)).toISOString().slice(11, 23).replace(".", ",");
  return cues
    .map(
      ({ startSeconds, endSeconds, text }, i) =>
        `${i + 1}\n${stamp(startSeconds)} --> ${stamp(endSeconds)}\n${text}\n`,
    )
    .join("\n");
}

async function encode(episode: Episode, path: string, signal: AbortSignal | undefined): Promise<void> {
  const input = ["-f", "image2pipe", "-c:v", "png", "-framerate", String(1 / sceneSeconds), "-i", "-"];
  const coding = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-g", "40", "-pix_fmt", "yuv420p"];
  const output = [
    "-vf",
    `fps=${frameRate}`,
    "-t",
    String(episode.endSeconds),
    ...coding,
    "-movflags",
    "+faststart",
    path,
  ];
  const child = spawn(requireProgram("ffmpeg"), ["-v", "error", "-y", ...input, ...output], {
    stdio: ["pipe", "ignore", "pipe"],
    ...(signal && { signal, killSignal: "SIGKILL" as const }),
  });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-2000);
  });
  child.stdin.on("error", () => {}); // its exit code reports the failure
  const closed = once(child, "close") as Promise<[number | null]>;
  closed.catch(() => {}); // awaited below
  for (const scene of scenesOf(episode)) {
    if (child.exitCode !== null || signal?.aborted) break;
    if (!child.stdin.write(drawScene(scene).toBuffer("image/png")))
      await Promise.race([once(child.stdin, "drain"), closed]);
  }
  child.stdin.end();
  const [exitCode] = await closed;
  signal?.throwIfAborted();
  if (exitCode !== 0) throw new DataError("render-failed", `ffmpeg could not write ${path}: ${said.trim()}`);
}
