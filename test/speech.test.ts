/**
 * Words, heard by the model that `models pull speech` fetches: real speech is written down in whole sentences across clips
 * and becomes memory; a tiny model made here takes the same way where nothing can be pulled; what cannot be loaded says so
 * and costs the words alone.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { wordErrors, wordsOf } from "../perf/sound/words.ts";
import { runtimeFiles } from "../src/engines/onnx-runtime.ts";
import { whisperTranscriber } from "../src/engines/speech/whisper-transcriber.ts";
import { taskmem, temporaryFolder } from "./support/cli.ts";
import { pulledForTests } from "./support/pulled.ts";
import { sharedData } from "./support/shared-data.ts";
import { writeTinyWhisper } from "./support/tiny-whisper.ts";

const runtime = runtimeFiles();
const noRuntime = runtime === null ? "onnxruntime-web is not installed" : false;
const hum = Int16Array.from({ length: 48_000 }, (_, i) => 4000 * Math.sin(i / 9) * Math.sin(i / 2000));

describe("a speech model", { skip: noRuntime }, () => {
  const opened = (folder: string) => whisperTranscriber({ name: "tiny", folder, runtime: runtime! });

  test("of random weights writes the same each time, within the sound or nothing", async () => {
    const folder = join(temporaryFolder(), "tiny");
    writeTinyWhisper(folder);
    const transcriber = opened(folder);
    const [first, second] = [1, 2].map(() => transcriber.transcribe({ startSeconds: 40, samples: hum }, {}));
    assert.deepEqual(await first, await second);
    for (const { startSeconds, endSeconds, language } of await first!) {
      assert.ok(40 <= startSeconds && startSeconds <= endSeconds && endSeconds <= 43);
      assert.equal(language, "en");
    }
    await transcriber.close!();
  });

  test("that cannot be used says what is wrong with it", async () => {
    const folder = join(temporaryFolder(), "tiny");
    const heard = () => opened(folder).transcribe({ startSeconds: 0, samples: hum }, {});
    writeTinyWhisper(folder, "int8");
    await assert.rejects(heard, /What hears words failed: .*expected 16 or 32 bits, not 8/);
    writeFileSync(join(folder, "model.bin"), "no model at all");
    await assert.rejects(heard, /no Whisper model of CTranslate2|cut off/);
    rmSync(folder, { recursive: true });
    await assert.rejects(heard, /model\.bin/);
  });

  test("is named by a folder or a pulled name, and by nothing else", async () => {
    const [folder, memory] = [temporaryFolder(), temporaryFolder()];
    const wav = join(folder, "hum.wav");
    execFileSync("ffmpeg", ["-v", "error", "-f", "lavfi", "-i", "sine=d=3", "-ar", "16000", wav]);
    const watch = (model: string) => taskmem(["watch", wav, "--memory", memory, "--transcribe-model", model]);
    const missing = await watch("local:nowhere");
    assert.match(missing.stderr, /got local:nowhere\..*taskmem models pull speech/);
    mkdirSync(join(folder, "empty"));
    assert.match((await watch(`local:${join(folder, "empty")}`)).stderr, /model\.bin and vocabulary\.txt/);
    writeTinyWhisper(join(folder, "tiny"));
    const watched = await watch(`local:${join(folder, "tiny")}`);
    assert.equal(watched.code, 0, watched.stderr);
    assert.match((await watch("whisper-1")).stderr, /give both baseUrl and model/);
  });
});

const [voice, speech] = [await pulledForTests("voice"), await pulledForTests("speech")];
const skip = noRuntime || [voice, speech].map((one) => "skip" in one && one.skip).find(Boolean) || false;

describe("words of real speech", { skip }, () => {
  const env = { TASKMEM_MODELS: join((speech as { folder: string }).folder, "..") };
  const videos = sharedData("videos");

  test("are written down across a border of clips", { skip: videos.skip }, async () => {
    const [folder, memory] = [temporaryFolder(), temporaryFolder()];
    const wav = join(folder, "nasa.wav");
    const video = join(videos.path, "nasa_13013.mp4");
    execFileSync("ffmpeg", ["-v", "error", "-i", video, "-map", "0:a:1", "-ac", "1", "-ar", "16000", wav]);
    const watched = await taskmem(["watch", wav, "--memory", memory], { env });
    assert.equal(watched.code, 0, watched.stderr);
    const { rows } = await taskmem(["timeline", "--json", "--memory", memory], { env });
    const said =
      "This is the optical and science segment of the Webb space telescope in one of the largest cleanrooms in the world at NASA's Goddard Space Flight Center in Greenbelt, Maryland.";
    const text = rows.flatMap((row) => (row.kind === "episodic" ? [row.text] : [])).join(" ");
    const { rate } = wordErrors(wordsOf(said), wordsOf(text));
    assert.ok(rate <= 0.15, `${rate}: ${text}`);
    const asked = await taskmem(["ask", "Where is the Goddard Space Flight Center?", "--memory", memory], {
      env,
    });
    assert.match(asked.stdout, /Greenbelt, Maryland/);
    const off = temporaryFolder();
    await taskmem(["watch", wav, "--memory", off, "--no-transcribe"], { env });
    const without = await taskmem(["timeline", "--memory", off], { env });
    assert.match(without.stdout, /Somebody speaks for/);
    assert.doesNotMatch(without.stdout, /Webb/);
  });

  test("are not made of a hum", async () => {
    const { folder } = speech as { folder: string };
    const transcriber = whisperTranscriber({ name: "speech", folder, runtime: runtime! });
    const heard = await transcriber.transcribe({ startSeconds: 0, samples: hum }, {});
    assert.deepEqual(
      heard.map(({ text }) => text),
      [],
    );
    await transcriber.close!();
  });
});
