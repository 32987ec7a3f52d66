/**
 * household-VL, the small Qwen3-VL that ships: it is a model by name, keeps what training needs, tells held-out clips
 * truly, and says in llama.cpp what it says in the worker.
 *
 * llama.cpp counts in another order and keeps keys and values in 16 bits, so where two tokens are nearly as likely a
 * text may part: one of ten may.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import { allFacts } from "../scripts/nano/facts.ts";
import { parseConfig } from "../src/config.ts";
import type { Part } from "../src/engine.ts";
import { wordSpace } from "../src/engines/local/index.ts";
import { openaiModel } from "../src/engines/openai/index.ts";
import { checkTorchModel, openTorchEngine, torchModel, workerCommand } from "../src/engines/torch/index.ts";
import {
  createEpisode,
  type EpisodeClip,
  episodeSeed,
  observeClip,
  sentenceOf,
} from "../src/household/index.ts";
import type { Observation } from "../src/perception/observation.ts";
import { modelPolicy } from "../src/policies/model/model-policy.ts";
import { buildContext } from "../src/policy/context.ts";
import { memoryInstructions, memoryPrompt } from "../src/policy/prompts.ts";
import { freshState } from "../src/policy/state.ts";
import { modelPolicyOptions } from "../src/taskmem/assembly.ts";
import { folderPrompting, modelFolder } from "../src/taskmem/folder-model.ts";
import { createCanvas, loadImage } from "../src/util/canvas.ts";
import { formatTenths } from "../src/util/time.ts";
import { findLlama } from "./support/llama-server.ts";
import { torchPython } from "./support/torch-python.ts";

const name = "household-vl";
const torch = await torchPython();
const python = "python" in torch ? torch.python : "";
const config = parseConfig({ policy: "model", model: { model: name } });
const sentences = new Set(allFacts().map(sentenceOf));
const open = () =>
  openTorchEngine({
    ...{ model: modelFolder(name), command: workerCommand(python), threads: 1 },
    train: { kind: "vector" },
  });

/** Clips of held-out days, and how they are perceived. */
async function heldOut(count: number): Promise<{ clip: EpisodeClip; observation: Observation }[]> {
  const clips = Array.from(
    { length: count },
    (_, n) => createEpisode(episodeSeed("held-out", n), 6).clips[n % 6]!,
  );
  return Promise.all(
    clips.map(async (clip) => ({ clip, observation: await observeClip(clip, { stream: "day" }) })),
  );
}

const contextOf = (observation: Observation) =>
  buildContext([observation], { observations: [], entries: [], state: freshState() });

describe("household-VL", { skip: "skip" in torch ? torch.skip : false }, () => {
  test("is found by its name and keeps every invariant", async () => {
    const broken: string[] = [];
    let rows = 0;
    const checked = checkTorchModel({
      ...{ model: modelFolder(name), command: workerCommand(python), threads: 1 },
      train: { kind: "vector" },
    });
    for await (const { invariant, ok, deviation } of checked) {
      rows += 1;
      if (!ok) broken.push(`${invariant}: ${deviation}`);
    }
    assert.deepEqual(broken, []);
    assert.ok(rows >= 16, `${rows} invariants`);
  });

  test("tells held-out clips truly, as the model policy asks it by its name", async () => {
    const engine = await open();
    try {
      const model = torchModel(engine, folderPrompting(config));
      const policy = modelPolicy({ ...modelPolicyOptions(config, model), model });
      let stated = 0;
      const wrong: string[] = [];
      for (const { clip, observation } of await heldOut(16)) {
        const { actions } = await policy.decide(contextOf(observation));
        assert.deepEqual(actions[0]!.issues, []);
        const truths = new Set(clip.facts.map(sentenceOf));
        for (const { text } of actions[0]!.statements)
          for (const sentence of text.split(/(?<=\.) /)) {
            assert.ok(sentences.has(sentence), sentence);
            stated += 1;
            if (!truths.has(sentence)) wrong.push(sentence);
          }
      }
      assert.ok(stated >= 16, `${stated} statements`);
      assert.ok(wrong.length <= 0.1 * stated, `${wrong.length} of ${stated} are wrong: ${wrong.join(" ")}`);
    } finally {
      engine.close();
    }
  });

  test("says in llama.cpp what it says in the worker, of texts and of pictures", async (t) => {
    const llama = await findLlama();
    if ("skip" in llama) return t.skip(llama.skip);
    const folder = mkdtempSync(join(tmpdir(), "household-vl-"));
    const script = resolve(import.meta.dirname, "../scripts/household-vl/to_gguf.py");
    await promisify(execFile)(python, [script, modelFolder(name), folder]);
    const server = await llama.start({
      ...{ model: join(folder, "household-vl-f16.gguf"), name, context: 2048 },
      projector: join(folder, "household-vl-mmproj-f16.gguf"),
    });
    const engine = await open();
    try {
      const served = openaiModel({ baseURL: server.baseURL, model: name });
      const local = torchModel(engine);
      const differ: string[] = [];
      for (const request of await requests()) {
        const asked = { ...request, sampling: { temperature: 0, maxTokens: 64 } };
        const [there, here] = await Promise.all([served.generate(asked), local.generate(asked)]);
        const [ours, theirs] = [here.completions[0]!.text, there.completions[0]!.text];
        if (ours !== theirs) differ.push(`worker: ${ours}\nllama.cpp: ${theirs}`);
      }
      assert.ok(differ.length <= 1, differ.join("\n"));
    } finally {
      engine.close();
      await server.stop();
      rmSync(folder, { recursive: true });
    }
  });
});

/** Lines of speech alone, and clips with their pictures at the size the network sees, a moment between any two. */
async function requests(): Promise<{ system?: string; parts: Part[] }[]> {
  const spoken = [
    ["[00:00:12] Ann says: The dentist is at eight.", "[00:00:14] Bob says: The train is at one."],
    ["[00:00:31] Eve says: The lesson is at nine."],
  ].map((lines) => `<stream>\n${lines.join("\n")}\n</stream>\nList all that is shown and said.`);
  const clips = (await heldOut(8)).map(async ({ observation }) => {
    const frames = await Promise.all(
      observation.frames.map(async (f) => ({ ...f, jpeg: await shrunk(f.jpeg) })),
    );
    const context = contextOf({ ...observation, frames });
    const options = { semantic: false, countTokens: wordSpace.countTokens };
    const parts = memoryPrompt(context, options).flatMap((part): Part[] => {
      if (part.type !== "video") return [part];
      return part.frames.flatMap(({ jpeg, atSeconds }, i): Part[] => [
        ...(i === 0 ? [] : [{ type: "text" as const, text: formatTenths(atSeconds) }]),
        { type: "image", bytes: jpeg, mediaType: "image/jpeg" },
      ]);
    });
    return { system: memoryInstructions(true, options), parts };
  });
  return [
    ...spoken.map((text) => ({ parts: [{ type: "text" as const, text }] })),
    ...(await Promise.all(clips)),
  ];
}

async function shrunk(jpeg: Uint8Array): Promise<Uint8Array> {
  const canvas = createCanvas(160, 96);
  canvas.getContext("2d").drawImage(await loadImage(jpeg), 0, 0, 160, 96);
  return canvas.encode("jpeg", 95);
}
