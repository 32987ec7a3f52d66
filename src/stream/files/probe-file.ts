/**
 * What a file contains. Of a RIFF file (AVI, WAV) that is cut off, ffprobe tells the length of what is left; its header
 * still says how many bytes there should be.
 */
import { stat } from "node:fs/promises";
import { type MediaInfo, type MediaInput, probeMedia } from "../ffmpeg.ts";
import { readBytes } from "./file-identity.ts";

/** A path that ffmpeg cannot take for a pattern, an option or a protocol. */
export const fileInput = (path: string): MediaInput => ({ url: `file:${path}`, args: [], name: path });

/** Reads what a file contains, with the lengths it was meant to have. @throws DataError as `probeMedia` */
export async function probeFile(path: string, signal?: AbortSignal): Promise<MediaInfo> {
  const info = await probeMedia(fileInput(path), signal);
  const missing = await missingShare(path);
  if (missing <= 1) return info;
  const whole = (seconds: number | null) => (seconds === null ? null : seconds * missing);
  const track = <T extends { readonly durationSeconds: number | null }>(of: T | null) =>
    of && { ...of, durationSeconds: whole(of.durationSeconds ?? info.durationSeconds) };
  return {
    ...info,
    durationSeconds: whole(info.durationSeconds),
    video: track(info.video),
    audio: track(info.audio),
  };
}

/** How many times its bytes a RIFF file should have; 1 for a whole or another file. */
async function missingShare(path: string): Promise<number> {
  const head = Buffer.from(await readBytes(path, 0, 8));
  if (head.length < 8 || head.toString("latin1", 0, 4) !== "RIFF") return 1;
  const promised = head.readUInt32LE(4) + 8;
  const { size } = await stat(path);
  // While it is written, a recorder leaves 0 or the largest number there.
  return promised > 8 && promised < 0xffff_ff00 ? Math.max(1, promised / size) : 1;
}
