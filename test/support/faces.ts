/** The nets that find faces, pulled once as users pull them, and frames of a film as `watch` sees them. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Frame } from "../../src/stream/clip.ts";
import { taskmem } from "./cli.ts";
import { lock, testCache } from "./python.ts";

/** Where the nets lie: `TASKMEM_MODELS` of a run that is to use them. */
export const faceModels = join(testCache, "models");

/** The folder of the nets; or why there is none. */
export async function faceNets(): Promise<{ readonly folder: string } | { readonly skip: string }> {
  const release = await lock(`${faceModels}.lock`);
  try {
    const run = await taskmem(["models", "pull", "faces", "--json"], { env: { TASKMEM_MODELS: faceModels } });
    return run.code === 0
      ? { folder: join(faceModels, "faces") }
      : { skip: `cannot be pulled here: ${run.stderr.trim()}` };
  } finally {
    release();
  }
}

/** A frame a second of a film, within 448 × 252. @param seconds how much of it @default all */
export function framesOf(
  film: string,
  { seconds, fps = 1 }: { seconds?: number; fps?: number } = {},
): Frame[] {
  const folder = mkdtempSync(join(tmpdir(), "film-"));
  const scale = "scale=448:252:force_original_aspect_ratio=decrease:force_divisible_by=2";
  const until = seconds === undefined ? [] : ["-t", `${seconds}`];
  execFileSync("ffmpeg", [
    "-v",
    "error",
    "-i",
    film,
    ...until,
    "-vf",
    `fps=${fps},${scale}`,
    "-q:v",
    "3",
    `${folder}/%04d.jpg`,
  ]);
  const frames = readdirSync(folder)
    .sort()
    .map((name, i) => {
      const jpeg = readFileSync(join(folder, name));
      return { atSeconds: i / fps, ...sizeOf(jpeg), jpeg };
    });
  rmSync(folder, { recursive: true });
  return frames;
}

/** Width and height in the header of a JPEG. */
function sizeOf(jpeg: Buffer): { width: number; height: number } {
  for (let at = 2; at < jpeg.length; at += 2 + jpeg.readUInt16BE(at + 2))
    if (jpeg[at + 1]! >= 0xc0 && jpeg[at + 1]! <= 0xc2)
      return { height: jpeg.readUInt16BE(at + 5), width: jpeg.readUInt16BE(at + 7) };
  throw new Error("no size in this JPEG");
}
