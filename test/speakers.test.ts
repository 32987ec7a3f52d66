/**
 * Voices told apart by the net that `models pull speakers` fetches: a real talk of two is told as two, and by turns; other
 * files are refused; what is told becomes memory, and nothing of a voice is kept.
 */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { diarizationErrors } from "../perf/sound/diarization.ts";
import { readRttm } from "../perf/sound/rttm.ts";
import { wavSamples } from "../perf/sound/wav.ts";
import { runtimeFiles } from "../src/engines/onnx-runtime.ts";
import { speakerFinder } from "../src/engines/speakers/speaker-finder.ts";
import { taskmem, temporaryFolder } from "./support/cli.ts";
import { pulledForTests } from "./support/pulled.ts";
import { sharedData } from "./support/shared-data.ts";

const [voice, speakers, runtime] = [
  await pulledForTests("voice"),
  await pulledForTests("speakers"),
  runtimeFiles(),
];
const lacking = [voice, speakers].map((one) => "skip" in one && one.skip).find(Boolean);
const skip = lacking || (runtime === null ? "onnxruntime-web is not installed" : false);
const videos = sharedData("videos");
const open = (folder: string) => speakerFinder({ folder, runtime: runtime! });

describe("speakers", { skip }, () => {
  const { folder } = speakers as { folder: string };
  const talk = join(videos.path, "audio/two-speakers-30s");

  test("of a real talk are told apart by turns", { skip: videos.skip }, async () => {
    const turns = readRttm(readFileSync(`${talk}.rttm`, "utf8"));
    const finder = open(folder);
    const stretches = [
      { startSeconds: 6.7, endSeconds: 17.9 },
      { startSeconds: 18.05, endSeconds: 21.5 },
      { startSeconds: 21.8, endSeconds: 30 },
    ];
    const samples = wavSamples(readFileSync(`${talk}.wav`));
    const told = await finder.turns({ startSeconds: 0, samples }, stretches);
    const { confusion, rate } = diarizationErrors(
      turns,
      told.map((turn) => ({ ...turn, speaker: String(turn.voice) })),
    );
    assert.equal(new Set(told.map((turn) => turn.voice)).size, 2);
    // All as one speaker are 0.4 and 0.5; a tenth of the speech is of two at once, and counts as missed.
    assert.ok(confusion <= 0.1, `confusion ${confusion}`);
    assert.ok(rate <= 0.2, `rate ${rate}`);
    // The same later in a stream.
    const later = await finder.turns(
      { startSeconds: 100, samples },
      stretches.map(({ startSeconds, endSeconds }) => ({
        ...{ startSeconds: startSeconds + 100, endSeconds: endSeconds + 100 },
      })),
    );
    assert.equal(later.length, told.length);
    assert.ok(Math.abs(later[1]!.startSeconds - told[1]!.startSeconds - 100) < 1e-6);
    await finder.close!();
  });

  test("that speak in turn are remembered as such", { skip: videos.skip }, async () => {
    const memory = temporaryFolder();
    const env = { TASKMEM_MODELS: join(folder, "..") };
    const watched = await taskmem(["watch", `${talk}.wav`, "--no-transcribe", "--memory", memory], { env });
    assert.equal(watched.code, 0, watched.stderr);
    assert.match(
      (await taskmem(["timeline", "--memory", memory], { env })).stdout,
      /More than one person speaks, in turn, for/,
    );
  });

  test("are not told by another file", async () => {
    const other = temporaryFolder();
    writeFileSync(join(other, "pretrained.pt"), "no weights");
    const tone = Int16Array.from({ length: 80_000 }, (_, i) => 6000 * Math.sin(i / 5));
    await assert.rejects(
      () => open(other).turns({ startSeconds: 0, samples: tone }, [{ startSeconds: 0, endSeconds: 5 }]),
      /What tells voices apart failed: Expected the 17090379 bytes/,
    );
    assert.deepEqual(await open(other).turns({ startSeconds: 0, samples: tone }, []), []);
  });
});
