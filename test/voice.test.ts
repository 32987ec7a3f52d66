/**
 * Voices, found by the net that `models pull voice` fetches: a real talk is found to the tenth of a second, a tone and
 * silence are no speech, what is found becomes memory, and a net that cannot be loaded costs a clip this sense alone.
 */
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { detectionErrors } from "../perf/sound/detection.ts";
import { readRttm } from "../perf/sound/rttm.ts";
import { wavSamples } from "../perf/sound/wav.ts";
import { runtimeFiles } from "../src/engines/onnx-runtime.ts";
import { voiceFinder } from "../src/engines/voice/voice-finder.ts";
import { perceive } from "../src/perception/perceive.ts";
import type { Clip } from "../src/stream/clip.ts";
import { taskmem, temporaryFolder } from "./support/cli.ts";
import { pulledForTests } from "./support/pulled.ts";
import { sharedData } from "./support/shared-data.ts";

const [found, runtime] = [await pulledForTests("voice"), runtimeFiles()];
const skip = "skip" in found ? found.skip : runtime === null ? "onnxruntime-web is not installed" : false;
const open = (folder = (found as { folder: string }).folder) => voiceFinder({ folder, runtime: runtime! });
const audio = shared("audio");

function shared(name: string) {
  const { path, skip } = sharedData("videos");
  return { path: join(path, name), skip };
}

const tone = Int16Array.from({ length: 80_000 }, (_, i) => 6000 * Math.sin(i / 5));
const clip = (samples: Int16Array): Clip => ({
  ...{ kind: "clip", stream: "s", index: 0, startSeconds: 0, endSeconds: 10, shots: [], cues: [] },
  ...{ frames: [], largeFrames: [], audio: { startSeconds: 0, samples } },
});
const senses = { transcriber: null, language: null, screenReader: null };

describe("voices", { skip }, () => {
  test("a tone and silence are no speech", async () => {
    const voice = open();
    const at = (samples: Int16Array) => voice.find({ startSeconds: 0, samples });
    assert.deepEqual(
      [await at(tone), await at(new Int16Array(80_000)), await at(new Int16Array())],
      [[], [], []],
    );
    const { heard, look, tiers } = await perceive(clip(tone), { ...senses, voice });
    assert.deepEqual(heard, [{ kind: "sound", startSeconds: 0, endSeconds: 5 }]);
    assert.deepEqual([look!.sound!.byVoice, look!.sound!.speechSeconds, tiers.voice], [true, 0, "silero-v5"]);
    await voice.close!();
  });

  test("a net that cannot be loaded costs this sense, and says so", async () => {
    const folder = mkdtempSync(join(tmpdir(), "no-net-"));
    const { heard, problems, look } = await perceive(clip(tone), { ...senses, voice: open(folder) });
    rmSync(folder, { recursive: true });
    assert.equal(heard, undefined);
    assert.match(problems.join(), /voices: What finds voices failed: .*voice\.onnx/);
    assert.equal(look!.sound!.byVoice, undefined);
  });

  test("misses and invents at most a fiftieth of a real talk", { skip: audio.skip }, async () => {
    const samples = wavSamples(readFileSync(join(audio.path, "two-speakers-30s.wav")));
    const turns = readRttm(readFileSync(join(audio.path, "two-speakers-30s.rttm"), "utf8"));
    const voice = open();
    const { miss, falseAlarm } = detectionErrors(turns, await voice.find({ startSeconds: 0, samples }));
    await voice.close!();
    assert.ok(miss <= 0.02, `miss ${miss}`);
    assert.ok(falseAlarm <= 0.02, `false alarm ${falseAlarm}`);
  });

  test("a talk without words is remembered, and asked about", { skip: audio.skip }, async () => {
    const memory = temporaryFolder();
    const env = { TASKMEM_MODELS: temporaryFolder() };
    // Beside other tests' pulled models, its words would be heard too.
    const { folder } = found as { folder: string };
    cpSync(folder, join(env.TASKMEM_MODELS, "voice"), { recursive: true });
    cpSync(join(folder, "../models.lock.json"), join(env.TASKMEM_MODELS, "models.lock.json"));
    const watched = await taskmem(["watch", join(audio.path, "two-speakers-30s.wav"), "--memory", memory], {
      env,
    });
    assert.equal(watched.code, 0, watched.stderr);
    const { rows } = await taskmem(["timeline", "--json", "--memory", memory], { env });
    const texts = rows.flatMap(({ text }) => (typeof text === "string" ? [text] : []));
    assert.ok(texts.includes("Somebody speaks for at least 23 s."), texts.join("\n"));
    const asked = await taskmem(["ask", "When does somebody speak?", "--memory", memory], { env });
    assert.match(asked.stdout, /Somebody speaks/);
  });
});
