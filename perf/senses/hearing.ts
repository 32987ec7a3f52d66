/**
 * How well sound is heard: missed and invented speech, who speaks, words, and what a clip costs. The folder holds
 * `audio/two-speakers-30s.wav` with its RTTM, and `nasa_13013.mp4` with `subtitles/nasa_13013.srt`.
 *
 * Everything is heard by what `watch` hears with, clip by clip. Processor time is that of the whole process, once all is
 * loaded: its first clip is not counted.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../../src/config.ts";
import type { Observation } from "../../src/perception/observation.ts";
import { type Perceptors, perceive } from "../../src/perception/perceive.ts";
import { withSoundAhead } from "../../src/perception/speech-ahead.ts";
import { openSource } from "../../src/stream/open-source.ts";
import { configuredPerceptors } from "../../src/taskmem/assembly.ts";
import { printTable } from "../markdown.ts";
import { detectionErrors } from "../sound/detection.ts";
import { diarizationErrors } from "../sound/diarization.ts";
import { readRttm } from "../sound/rttm.ts";
import { wavSamples } from "../sound/wav.ts";
import { wordErrors, wordsOf } from "../sound/words.ts";

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

/** A sound track as a file of its own, which has no subtitles. */
function soundOf(video: string, track: number, folder: string): string {
  const file = join(folder, `${track}.wav`);
  const input = ["-v", "error", "-y", "-i", video, "-map", `0:a:${track}`];
  execFileSync("ffmpeg", [...input, "-ac", "1", "-ar", "16000", file]);
  return file;
}

interface Heard {
  readonly observations: readonly Observation[];
  /** Processor seconds of each clip. */
  readonly cpuSeconds: readonly number[];
}

async function listen(file: string, senses: Perceptors): Promise<Heard> {
  const source = await openSource(file, {});
  const observations: Observation[] = [];
  const cpuSeconds: number[] = [];
  let before = process.cpuUsage();
  for await (const { item, ahead } of withSoundAhead(source.open(), false)) {
    if (item.kind === "gap") continue;
    observations.push(await perceive(item, senses, { ahead }));
    const { user, system } = process.cpuUsage(before);
    cpuSeconds.push((user + system) / 1e6);
    before = process.cpuUsage();
  }
  return { observations, cpuSeconds };
}

/** Mean of all but the first, in which the nets are loaded. */
const later = ([, ...rest]: readonly number[]) =>
  rest.reduce((sum, one) => sum + one, 0) / Math.max(1, rest.length);

/** Prints the tables of hearing. @param videos folder of recordings */
export async function scoreHearing(videos: string): Promise<void> {
  const perceptors = configuredPerceptors(await loadConfig({ screenText: false }, {}));
  const folder = mkdtempSync(join(tmpdir(), "sound-"));
  try {
    await score(videos, perceptors, folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function score(videos: string, perceptors: Perceptors, folder: string): Promise<void> {
  const talk = join(videos, "audio/two-speakers-30s");
  const { voice, transcriber } = perceptors;
  if (voice) {
    const turns = readRttm(readFileSync(`${talk}.rttm`, "utf8"));
    const samples = wavSamples(readFileSync(`${talk}.wav`));
    const { miss, falseAlarm, speechSeconds } = detectionErrors(
      turns,
      await voice.find({ startSeconds: 0, samples }),
    );
    const row = printTable("voices", "speech", "missed", "invented");
    row("two-speakers-30s", `${speechSeconds.toFixed(1)} s`, percent(miss), percent(falseAlarm));
    console.log();
    const { speakers } = perceptors;
    if (speakers) {
      const audio = { startSeconds: 0, samples };
      const told = (await speakers.turns(audio, await voice.find(audio))).map((turn) => ({
        ...turn,
        speaker: String(turn.voice),
      }));
      const line = printTable("speakers", "voices", "missed", "invented", "confused", "DER");
      const [own, all] = [told, told.map((turn) => ({ ...turn, speaker: "all" }))].map((one) => {
        const errors = diarizationErrors(turns, one);
        return [errors.miss, errors.falseAlarm, errors.confusion, errors.rate].map(percent);
      });
      line("two-speakers-30s", new Set(told.map((turn) => turn.speaker)).size, ...own!);
      line("the same, all as one speaker", 1, ...all!);
      console.log();
    } else console.log("Speakers: `taskmem models pull speakers`.\n");
  } else console.log("Voices: `taskmem models pull voice`.\n");

  if (transcriber) {
    const said = wordsOf(saidBy(readFileSync(join(videos, "subtitles/nasa_13013.srt"), "utf8"), 12.5));
    const row = printTable("words", "said", "replaced", "missed", "invented", "WER", "heard");
    for (const track of [0, 1]) {
      const { observations } = await listen(
        soundOf(join(videos, "nasa_13013.mp4"), track, folder),
        perceptors,
      );
      const text = observations.flatMap(({ speech }) => speech.map((line) => line.text)).join(" ");
      const { words, replaced, missed, invented, rate } = wordErrors(said, wordsOf(text));
      row(`nasa, track ${track + 1}`, words, replaced, missed, invented, percent(rate), text);
    }
    console.log();
  } else console.log("Words: `taskmem models pull speech`.\n");

  const row = printTable("a clip of 10 s costs", "processor time");
  const senses: readonly (readonly [string, Perceptors])[] = [
    ["decoding and a look", { ...perceptors, voice: null, speakers: null, transcriber: null }],
    ["and voices", { ...perceptors, speakers: null, transcriber: null }],
    ["and who speaks in turn", { ...perceptors, transcriber: null }],
    ["or words", { ...perceptors, speakers: null }],
  ];
  for (const [name, own] of senses) {
    await listen(`${talk}.wav`, own);
    row(name, `${later((await listen(`${talk}.wav`, own)).cpuSeconds).toFixed(2)} s`);
  }
  console.log();
  await Promise.all([voice?.close?.(), perceptors.speakers?.close?.(), transcriber?.close?.()]);
}

/** What subtitles say up to a moment, without the speaker's name in front. */
function saidBy(subtitles: string, seconds: number): string {
  return subtitles
    .split(/\n\s*\n/)
    .flatMap((cue) => {
      const [, hours, minutes, rest] = /--> (\d+):(\d+):([\d,]+)/.exec(cue) ?? [];
      const end = Number(hours) * 3600 + Number(minutes) * 60 + Number(rest?.replace(",", "."));
      return end <= seconds
        ? [
            cue
              .split("\n")
              .slice(2)
              .join(" ")
              .replace(/^\w+: /, ""),
          ]
        : [];
    })
    .join(" ");
}
