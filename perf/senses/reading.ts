/** How well print is read: the clock and counters of a timecode video, and the names of a film with captions. */

import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ScreenReader } from "../../src/perception/screen-text.ts";
import { jpegSize } from "../../src/stream/jpeg.ts";
import { printTable } from "../markdown.ts";

/** Frames of a film at some moments, as large as they are. */
export function framesAt(film: string, fps: string, most: number) {
  const folder = mkdtempSync(join(tmpdir(), "frames-"));
  const filter = ["-vf", `fps=${fps}`, "-frames:v", `${most}`, "-q:v", "2"];
  execFileSync("ffmpeg", ["-v", "error", "-i", film, ...filter, `${folder}/%04d.jpg`]);
  const frames = readdirSync(folder)
    .sort()
    .map((name, atSeconds) => {
      const jpeg = readFileSync(join(folder, name));
      return { atSeconds, ...jpegSize(jpeg)!, jpeg };
    });
  rmSync(folder, { recursive: true });
  return frames;
}

/** Names in print, and the film that shows them. */
const shownNames = ["CARLO", "OMAR", "DE LONDRES", "GOOGLE", "PARIS", "Software Engineer"];

/** Prints the table of reading. @param videos folder of recordings */
export async function scoreReading(videos: string, reader: ScreenReader): Promise<void> {
  const row = printTable("print", "right", "of", "other lines", "processor time of a frame");
  const before = process.cpuUsage();
  const spentOf = (frames: number) => {
    const { user, system } = process.cpuUsage(before);
    return `${((user + system) / 1e6 / frames).toFixed(2)} s`;
  };
  // One every 30 s: of each the clock (mm:ss) and three counters of the same moment.
  const clocks = framesAt(join(videos, "timecode-300s.mp4"), "1/30", 10);
  let [right, others] = [0, 0];
  for (const frame of clocks) {
    const lines = (await reader.read([frame])).map(({ text }) => text.replace(/\s/g, ""));
    const clock = lines.find((text) => /^\d\d:\d\d$/.test(text));
    if (clock === undefined) continue;
    const [minutes, seconds] = clock.split(":").map(Number) as [number, number];
    const moment = 60 * minutes + seconds;
    const counters = lines.filter((text) => /^\d+(?:\.\d+)?s?$/.test(text));
    const isOf = (text: string) =>
      [0.5, 1, 2].some((pace) => Math.abs(Number.parseFloat(text) - pace * moment) <= 2);
    right += 1 + Math.min(3, counters.filter(isOf).length);
    others += lines.filter((text) => !/^\d\d:\d\d$|^\d+(?:\.\d+)?s?$|^[x×][\d.]+$/i.test(text)).length;
  }
  row("clock and counters (timecode)", right, 4 * clocks.length, others, spentOf(clocks.length));
  const film = framesAt(join(videos, "googlework_short.mp4"), "1", 36);
  const read = await reader.read(film);
  const has = (name: string) => read.some(({ text }) => text.includes(name));
  const found = shownNames.filter(has);
  const unknown = read.filter(({ text }) => !shownNames.some((name) => text.includes(name))).length;
  row(
    "names and places (googlework)",
    found.length,
    shownNames.length,
    unknown,
    spentOf(clocks.length + film.length),
  );
  const missing = shownNames.filter((name) => !has(name));
  if (missing.length > 0) console.log(`\nNot read: ${missing.join(", ")}.`);
  console.log();
}
