/**
 * Speech models of sherpa-onnx, in a process of their own: a tiny transducer made here takes the whole way from a file to
 * memory; native code that ends costs the words of a clip, and the next sound starts another process. Two tiny nets made here
 * tell voices apart. No published model was run: none can be fetched where these tests run.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { sherpaModel, sherpaSpeakerModel } from "../src/engines/sherpa/files.ts";
import { sherpaSpeakerFinder } from "../src/engines/sherpa/sherpa-speaker-finder.ts";
import { sherpaTranscriber } from "../src/engines/sherpa/sherpa-transcriber.ts";
import { EngineError } from "../src/errors.ts";
import { withVoices } from "../src/perception/speech-heard.ts";
import { hasPackage } from "../src/util/optional.ts";
import { taskmem, temporaryFolder } from "./support/cli.ts";
import { writeTinySpeakers } from "./support/tiny-speakers.ts";
import { writeTinyTransducer } from "./support/tiny-transducer.ts";

/** Three seconds, of which the second is loud. */
const sound = Int16Array.from({ length: 48_000 }, (_, i) =>
  i > 16_000 && i < 32_000 ? 12_000 * Math.sin(i / 5) + 4000 * Math.sin(i / 2) : i % 2,
);

test("a folder's model is told by the names of its files, those of 8 bits first", () => {
  const folder = temporaryFolder();
  const holding = (...names: string[]) => {
    const own = join(folder, String(names.length));
    mkdirSync(own, { recursive: true });
    for (const name of names) writeFileSync(join(own, name), "");
    const model = sherpaModel(own);
    return model && JSON.parse(JSON.stringify(model).replaceAll(`${own}/`, ""));
  };
  assert.equal(holding("tokens.txt"), null);
  assert.deepEqual(
    holding("encoder.int8.onnx", "encoder.onnx", "decoder.onnx", "joiner.onnx", "tokens.txt"),
    {
      tokens: "tokens.txt",
      transducer: { encoder: "encoder.int8.onnx", decoder: "decoder.onnx", joiner: "joiner.onnx" },
    },
  );
  assert.deepEqual(holding("tiny.en-encoder.onnx", "tiny.en-decoder.int8.onnx", "tiny.en-tokens.txt"), {
    tokens: "tiny.en-tokens.txt",
    whisper: { encoder: "tiny.en-encoder.onnx", decoder: "tiny.en-decoder.int8.onnx" },
  });
  const moonshine = [
    "preprocess.onnx",
    "encode.int8.onnx",
    "uncached_decode.int8.onnx",
    "cached_decode.int8.onnx",
  ];
  assert.deepEqual(holding(...moonshine, "tokens.txt", "README.md"), {
    tokens: "tokens.txt",
    moonshine: {
      ...{ preprocessor: "preprocess.onnx", encoder: "encode.int8.onnx" },
      ...{ uncachedDecoder: "uncached_decode.int8.onnx", cachedDecoder: "cached_decode.int8.onnx" },
    },
  });
});

test("nets that tell voices apart are told by their names, and a folder without both is refused", async () => {
  const folder = temporaryFolder();
  const model = () => sherpaSpeakerModel(folder);
  for (const name of ["model.onnx", "model.int8.onnx"]) writeFileSync(join(folder, name), "");
  assert.equal(model(), null);
  const net = "3dspeaker_speech_campplus_sv_en_voxceleb_16k.onnx";
  writeFileSync(join(folder, net), "");
  assert.deepEqual(model(), { segmentation: join(folder, "model.int8.onnx"), embedding: join(folder, net) });
  writeFileSync(join(folder, "another.onnx"), "");
  assert.equal(model(), null);
  const refused = await taskmem(["doctor", "--memory", folder, "--speakers", `local:${folder}`]);
  assert.match(refused.stderr, /Expected a folder with two nets of sherpa-onnx/);
});

const skip = hasPackage("sherpa-onnx-node") ? false : "sherpa-onnx-node is not installed";

describe("a recogniser of sherpa-onnx", { skip }, () => {
  const folder = join(temporaryFolder(), "tiny");
  writeTinyTransducer(folder);
  const open = (own = folder, times: { readonly idleMs?: number } = {}) =>
    sherpaTranscriber({
      ...{ name: "tiny", module: fileURLToPath(import.meta.resolve("sherpa-onnx-node")) },
      ...{ model: sherpaModel(own)!, language: null, ...times },
    });

  test("hears where a sound is loud, and nothing in silence", async () => {
    const transcriber = open();
    const [heard] = await transcriber.transcribe({ startSeconds: 40, samples: sound }, {});
    assert.match(heard!.text, /^beep( beep)+$/);
    assert.ok(heard!.startSeconds >= 40.9 && heard!.startSeconds <= 41.1, `${heard!.startSeconds}`);
    assert.ok(heard!.endSeconds >= 41.9 && heard!.endSeconds <= 42.6, `${heard!.endSeconds}`);
    const silence = { startSeconds: 0, samples: new Int16Array(16_000) };
    assert.deepEqual(await transcriber.transcribe(silence, {}), []);
    await transcriber.close!();
  });

  test("is another process after the first was idle", async () => {
    const transcriber = open(folder, { idleMs: 1 });
    const hear = async () => (await transcriber.transcribe({ startSeconds: 0, samples: sound }, {})).length;
    assert.equal(await hear(), 1);
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(await hear(), 1);
    await transcriber.close!();
  });

  test("that ends by itself fails a sound, not this process", async () => {
    const broken = join(temporaryFolder(), "broken");
    writeTinyTransducer(broken);
    writeFileSync(join(broken, "encoder.onnx"), "no net");
    await assert.rejects(
      () => open(broken).transcribe({ startSeconds: 0, samples: sound }, {}),
      (error) => error instanceof EngineError && error.code === "speech-failed" && error.isRetryable,
    );
  });

  test("is named by its folder, and what it hears becomes memory", async () => {
    const [own, memory] = [temporaryFolder(), temporaryFolder()];
    const wav = join(own, "beep.wav");
    const tone = "aevalsrc='if(between(t,1,2),0.4*sin(2000*t)+0.2*sin(5000*t),0)':d=3:s=16000";
    execFileSync("ffmpeg", ["-v", "error", "-f", "lavfi", "-i", tone, wav]);
    const watched = await taskmem([
      "watch",
      wav,
      "--memory",
      memory,
      "--transcribe-model",
      `local:${folder}`,
    ]);
    assert.equal(watched.code, 0, watched.stderr);
    assert.match((await taskmem(["timeline", "--memory", memory])).stdout, /00:00:01 {2}beep beep/);
  });
});

describe("voices told apart by sherpa-onnx", { skip }, () => {
  const folder = join(temporaryFolder(), "speakers");
  writeTinySpeakers(folder);
  const open = () =>
    sherpaSpeakerFinder({
      module: fileURLToPath(import.meta.resolve("sherpa-onnx-node")),
      model: sherpaSpeakerModel(folder)!,
    });
  /** A deep voice from second 1 to 4, a high one from 5 to 9. */
  const tone = (t: number) =>
    t < 1 || (t > 4 && t < 5) || t > 9 ? 0 : Math.sin(2 * Math.PI * (t < 5 ? 200 : 3000) * t);
  const samples = Int16Array.from({ length: 160_000 }, (_, i) => 12_000 * tone(i / 16_000));
  const audio = { startSeconds: 30, samples };

  test("are told with their turns, within the stretches that are asked about", async () => {
    const finder = open();
    assert.equal(finder.id, "sherpa:3dspeaker_tiny");
    const turns = await finder.turns(audio, [{ startSeconds: 30, endSeconds: 38 }]);
    assert.deepEqual(
      turns.map(({ voice, startSeconds, endSeconds }) => [
        voice,
        Math.round(startSeconds),
        Math.round(endSeconds),
      ]),
      [
        [0, 31, 34],
        [1, 35, 38],
      ],
    );
    assert.deepEqual(await finder.turns(audio, []), []);
    const talk = { kind: "speech" as const, startSeconds: 30, endSeconds: 40 };
    assert.deepEqual(await withVoices([talk], audio, finder), [{ ...talk, voices: 2 }]);
    await finder.close!();
  });

  test("cost a sound where a net is broken", async () => {
    writeFileSync(join(folder, "model.onnx"), "no net");
    await assert.rejects(
      () => open().turns(audio, [{ startSeconds: 30, endSeconds: 38 }]),
      (error) => error instanceof EngineError && error.code === "speaker-finder-failed" && error.isRetryable,
    );
  });
});
