/** Small made-up media for whole flows: synthetic pictures and invented talk. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { requireProgram } from "../../src/util/program.ts";
import { pick, seededRandom } from "../../src/util/random.ts";

const people = ["Mira", "Tomas", "Ines", "Bruno"];
const things = [
  "kettle",
  "ladder",
  "umbrella",
  "telescope",
  "notebook",
  "lantern",
  "compass",
  "blanket",
  "violin",
  "hammer",
];
const places = ["cellar", "balcony", "garage", "attic", "pantry", "hallway", "greenhouse", "workshop"];

const stamp = (seconds: number) =>
  new Date(Math.round(seconds * 1000)).toISOString().slice(11, 23).replace(".", ",");

/** SRT of one invented sentence every `every` seconds. */
export function inventedSubtitles(seconds: number, every = 4, seed = "subtitles"): string {
  const random = seededRandom(seed);
  const cues: string[] = [];
  for (let at = 0.5, number = 1; at + 2 < seconds; at += every, number++) {
    const line = `${pick(random, people)}: the ${pick(random, things)} number ${number} is in the ${pick(random, places)}`;
    cues.push(`${number}\n${stamp(at)} --> ${stamp(at + 2)}\n${line}\n`);
  }
  return cues.join("\n");
}

/** A small test-pattern mp4 with a tone and, beside it, invented subtitles. Returns the video's path. */
export function inventedVideo(
  folder: string,
  seconds: number,
  options: { name?: string; size?: string; subtitles?: boolean } = {},
): string {
  const { name = "invented", size = "160x90", subtitles = true } = options;
  const path = join(folder, `${name}.mp4`);
  const input = [
    "-f",
    "lavfi",
    "-i",
    `testsrc=size=${size}:rate=5:duration=${seconds}`,
    "-f",
    "lavfi",
    "-i",
    `sine=frequency=330:duration=${seconds}`,
  ];
  const coding = [
    "-c:v",
    "libx264",
    "-preset",
    "ultrafast",
    "-g",
    "25",
    "-pix_fmt",
    "yuv420p",
    "-c:a",
    "aac",
    "-b:a",
    "32k",
    "-shortest",
  ];
  execFileSync(requireProgram("ffmpeg"), ["-v", "error", "-y", ...input, ...coding, path]);
  if (subtitles) writeFileSync(join(folder, `${name}.srt`), inventedSubtitles(seconds));
  return path;
}
