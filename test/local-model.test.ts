/**
 * A local model in llama.cpp, with no server: household-VL as a GGUF file, asked by texts and pictures, held to a form,
 * cut, stopped, killed in the middle of an answer, and used by the command line.
 */
import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import type { RemoteAdapter } from "../src/adapter/adapter.ts";
import { adapterOf } from "../src/adapter/exchange/block-vector.ts";
import { exportAdapter } from "../src/adapter/exchange/exchange.ts";
import type { GenerateRequest, Part } from "../src/engine.ts";
import { ggufFiles } from "../src/engines/llama/files.ts";
import { type LlamaModel, llamaModel } from "../src/engines/llama/index.ts";
import { wordSpace } from "../src/engines/local/index.ts";
import {
  openTorchEngine,
  type TorchEngine,
  torchModel,
  torchPrompt,
  workerCommand,
} from "../src/engines/torch/index.ts";
import type { EngineError } from "../src/errors.ts";
import { createEpisode, episodeSeed, observeClip } from "../src/household/index.ts";
import { buildContext } from "../src/policy/context.ts";
import { memoryInstructions, memoryPrompt } from "../src/policy/prompts.ts";
import { freshState } from "../src/policy/state.ts";
import { modelFolder } from "../src/taskmem/folder-model.ts";
import { createCanvas, loadImage } from "../src/util/canvas.ts";
import { seededRandom } from "../src/util/random.ts";
import { formatTenths } from "../src/util/time.ts";
import { taskmem } from "./support/cli.ts";
import { llamaModule } from "./support/llama-module.ts";
import { torchPython } from "./support/torch-python.ts";

const [torch, module] = [await torchPython(), await llamaModule()];
const skip = [torch, module].flatMap((found) => ("skip" in found ? [found.skip] : []))[0] ?? false;
const { python } = torch as { python: string };
const { binding, models } = module as { binding: string; models: string };
const block = 2;

describe("a local model", { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), "local-model-"));
  let model: LlamaModel;
  before(async () => {
    const script = resolve(import.meta.dirname, "../scripts/household-vl/to_gguf.py");
    await promisify(execFile)(python, [script, modelFolder("household-vl"), folder]);
    model = open();
  });
  after(() => {
    model?.close();
    rmSync(folder, { recursive: true });
  });
  const open = () =>
    llamaModel({ binding, ...ggufFiles(folder), name: "household-vl", contextTokens: 2048, threads: 1 });
  const textOf = async (request: GenerateRequest, of = model) =>
    (await of.generate({ ...request, sampling: greedy })).completions[0]!.text;
  const openTorch = (kind: "vector" | "rank-one") =>
    openTorchEngine({
      ...{ model: modelFolder("household-vl"), command: workerCommand(python), threads: 1 },
      train: { kind, block },
    });

  test("says what it can, and what torch says with the same weights, of texts and pictures", async () => {
    const { images, jsonSchema, contextTokens, slots } = await model.capabilities();
    assert.deepEqual({ images, jsonSchema, slots }, { images: true, jsonSchema: true, slots: 1 });
    assert.ok(contextTokens! <= 2048);
    const engine = await openTorch("vector");
    try {
      const requests = [spoken, ...(await clips(5))];
      const differ: string[] = [];
      for (const request of requests) {
        const [ours, torchs] = [await textOf(request), await textOf(request, torchModel(engine) as never)];
        if (ours !== torchs) differ.push(`llama.cpp: ${ours}\ntorch: ${torchs}`);
      }
      assert.ok(differ.length <= 1, differ.join("\n"));
    } finally {
      engine.close();
    }
  });

  test("draws samples one after the other, the same for the same seed, and a greedy one once", async () => {
    const sampling = { temperature: 1.2, seed: 7, maxTokens: 16 };
    const draw = async () =>
      (await model.generate({ ...spoken, n: 4, sampling })).completions.map(({ text }) => text);
    const first = await draw();
    assert.deepEqual(await draw(), first);
    assert.ok(new Set(first).size > 1, first.join("\n"));
    const once = await model.generate({ ...spoken, n: 3, sampling: greedy });
    assert.equal(once.completions.length, 3);
    assert.equal(once.cost.calls, 1);
    assert.ok(model.speed!().writtenPerSecond! > 0);
  });

  test("is held to a JSON schema", async () => {
    const schema = {
      type: "object",
      properties: { fits: { type: "boolean" } },
      required: ["fits"],
      additionalProperties: false,
    };
    const { completions } = await model.generate({
      ...{
        parts: spoken.parts,
        schema: { name: "fits", schema },
        sampling: { temperature: 0, maxTokens: 64 },
      },
    });
    assert.match(completions[0]!.text, /^\s*\{\s*"fits"\s*:/);
  });

  test("a prompt that is too long is refused with its length, and the next one is answered", async () => {
    const long = { parts: [{ type: "text" as const, text: "Ann says: the train is at nine. ".repeat(800) }] };
    await assert.rejects(model.generate(long), (error: EngineError) => {
      assert.equal(error.code, "context-overflow");
      assert.ok((error.details.needed as number) > (error.details.available as number));
      return true;
    });
    assert.notEqual(await textOf(spoken), "");
  });

  test("a picture that cannot be read costs itself", async () => {
    const [shown] = await clips(1);
    const broken: Part = {
      type: "image",
      bytes: Buffer.from("no picture"),
      mediaType: "image/jpeg",
      atSeconds: 4,
    };
    const text: Part = { type: "text", text: "and" };
    const { leftOut, completions } = await model.generate({
      ...shown!,
      ...{ parts: [broken, text, ...shown!.parts], sampling: greedy },
    });
    assert.match(leftOut!, /was not shown 1 picture of 00:00:04/);
    assert.notEqual(completions[0]!.text, "");
  });

  test("stops when it is told to", async () => {
    const stop = new AbortController();
    const schema = { type: "array", items: { type: "integer" }, minItems: 200 };
    const long = model.generate({
      ...{ parts: spoken.parts, schema: { name: "numbers", schema }, sampling: { temperature: 0 } },
      signal: stop.signal,
    });
    setTimeout(() => stop.abort(new Error("enough")), 100);
    await assert.rejects(long, /enough/);
    assert.notEqual(await textOf(spoken), "");
  });

  test("a process that is killed in the middle of an answer costs time alone; one that is killed each time, the answer", async () => {
    const expected = await textOf(spoken);
    const fresh = open();
    try {
      await fresh.capabilities();
      const answer = textOf(spoken, fresh);
      killChildren();
      assert.equal(await answer, expected);
      const lost = textOf(spoken, fresh);
      // A process that has loaded its model may answer before the first tick.
      killChildren();
      const killing = setInterval(killChildren, 20);
      await assert
        .rejects(lost, (error: EngineError) => {
          assert.deepEqual([error.code, error.isRetryable], ["worker-lost", true]);
          return true;
        })
        .finally(() => clearInterval(killing));
      assert.equal(await textOf(spoken, fresh), expected);
    } finally {
      fresh.close();
    }
  });

  test("writes with a LoRA, and without it as before", async () => {
    const engine = await openTorch("rank-one");
    const file = join(folder, "adapter-lora.gguf.bin");
    try {
      writeFileSync(file, await strongLora(engine));
    } finally {
      engine.close();
    }
    const adapter: RemoteAdapter = {
      ...{ kind: "remote", revision: "one", space: "weights:household-vl", format: "lora", norm: null },
      uri: `lora:${file}`,
    };
    const plain = await textOf(spoken);
    assert.notEqual(await textOf({ ...spoken, adapter }), plain);
    assert.equal(await textOf(spoken), plain);
  });

  test("writes and reads memory for the command line", async () => {
    const home = mkdtempSync(join(tmpdir(), "local-cli-"));
    try {
      const talk = join(home, "talk.srt");
      writeFileSync(talk, "1\n00:00:01,000 --> 00:00:04,000\nAnn: The dentist is at eight.\n");
      const env = { TASKMEM_MODELS: models };
      const options = ["--memory", join(home, "memory"), "--model", `local:${folder}`, "--json"];
      const watched = await taskmem(["watch", talk, ...options], { env });
      assert.equal(watched.code, 0, watched.stderr);
      const kept = await taskmem(["timeline", ...options], { env });
      assert.match(kept.stdout, /dentist/);
      // A LoRA is imported by its path, and written with from then on.
      const written = (await taskmem(["timeline", ...options], { env })).rows[0]!;
      const lora = join(folder, "adapter-lora.gguf.bin");
      const imported = await taskmem(["adapt", "import", `lora:${lora}`, "--policy", "model", ...options], {
        env,
      });
      assert.equal(imported.code, 0, imported.stderr);
      const adapter = String(imported.rows.at(-1)!.adapter ?? imported.rows.at(-1)!.id);
      const promoted = await taskmem(
        ["adapt", "promote", "--adapter", adapter, "--policy", "model", ...options],
        { env },
      );
      assert.equal(promoted.code, 0, promoted.stderr);
      const again = await taskmem(["watch", talk, "--stream", "again", ...options], { env });
      assert.equal(again.code, 0, again.stderr);
      const rows = (await taskmem(["timeline", "--stream", "again", ...options], { env })).rows;
      assert.notEqual(rows[0]!.revision, written.revision);
      const nowhere = await taskmem(["watch", talk, "--model", "local:no-such-model"], { env, cwd: home });
      assert.equal(nowhere.code, 2);
      assert.match(
        nowhere.stderr,
        /Expected a pulled model, a GGUF file or a folder with one, got local:no-such-model/,
      );
      const without = await taskmem(["watch", talk, "--model", `local:${folder}`], {
        ...{ env: { TASKMEM_MODELS: join(home, "none") }, cwd: home },
      });
      assert.match(without.stderr, /taskmem models pull llama\.cpp/);
    } finally {
      rmSync(home, { recursive: true });
    }
  });
});

const greedy = { temperature: 0, maxTokens: 48 };

const spoken: GenerateRequest = {
  parts: [
    {
      type: "text",
      text: "<stream>\n[00:00:12] Ann says: The dentist is at eight.\n</stream>\nList all that is shown and said.",
    },
  ],
};

/** Clips of held-out days with their pictures at the size the network sees, a moment between any two. */
async function clips(count: number): Promise<{ system: string; parts: Part[] }[]> {
  const options = { semantic: false, countTokens: wordSpace.countTokens };
  return Promise.all(
    Array.from({ length: count }, async (_, n) => {
      const clip = createEpisode(episodeSeed("held-out", n), 6).clips[n % 6]!;
      const observation = await observeClip(clip, { stream: "day" });
      const frames = await Promise.all(
        observation.frames.map(async (frame) => ({ ...frame, jpeg: await shrunk(frame.jpeg) })),
      );
      const context = buildContext([{ ...observation, frames }], {
        observations: [],
        entries: [],
        state: freshState(),
      });
      const parts = memoryPrompt(context, options).flatMap((part): Part[] => {
        if (part.type !== "video") return [part];
        return part.frames.flatMap(({ jpeg, atSeconds }, i): Part[] => [
          ...(i === 0 ? [] : [{ type: "text" as const, text: formatTenths(atSeconds) }]),
          { type: "image", bytes: jpeg, mediaType: "image/jpeg" },
        ]);
      });
      return { system: memoryInstructions(true, options), parts };
    }),
  );
}

async function shrunk(jpeg: Uint8Array): Promise<Uint8Array> {
  const canvas = createCanvas(160, 96);
  canvas.getContext("2d").drawImage(await loadImage(jpeg), 0, 0, 160, 96);
  return canvas.encode("jpeg", 95);
}

/** A LoRA of rank one that adds a vector three times as long as the stream. */
async function strongLora(engine: TorchEngine): Promise<Uint8Array> {
  const prompts = [spoken, ...(await clips(23))].map((request) => engine.name(torchPrompt(request)));
  const { values } = await engine.calibrate(prompts);
  const { mean } = await engine.streamNorm(prompts.slice(0, 4));
  const random = seededRandom("direction");
  const direction = Float32Array.from({ length: engine.about.width }, () => random() - 0.5);
  const vector = direction.map((value) => (3 * mean * value) / Math.hypot(...direction));
  const functional = { values, architecture: engine.about.architecture };
  return exportAdapter(adapterOf({ block, values: vector }, "household-vl"), "lora", { functional })[
    "adapter.gguf"
  ]!;
}

/** Ends the processes of local models that this one started, as a crash would. */
function killChildren(): void {
  try {
    execFileSync("pkill", ["-KILL", "-P", String(process.pid), "-f", "engines/llama/program"]);
  } catch {
    // None runs at this moment.
  }
}
