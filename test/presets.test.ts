/**
 * Presets at work: what each family's row makes of a request, as a real server receives it; the user's own options over
 * it; the released checkpoint from one flag; and what `doctor` says of them.
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, type TestContext, test } from "node:test";
import { createCanvas } from "@napi-rs/canvas";
import { type ConfigInput, configuredPreset, parseConfig } from "../src/config.ts";
import type { Context } from "../src/policy/policy.ts";
import { type PresetName, presetNames, presets, thinkingFields } from "../src/presets/presets.ts";
import { configuredModel, configuredModelPolicy, openConfiguredSource } from "../src/taskmem/assembly.ts";
import { effectiveOptions } from "../src/taskmem/effective-options.ts";
import { seededRandom } from "../src/util/random.ts";
import { taskmem, temporaryFolder } from "./support/cli.ts";
import { inventedVideo } from "./support/media.ts";
import { type Json, type OpenAiServer, startOpenAiServer } from "./support/openai-server.ts";

const folder = temporaryFolder();
const grey = createCanvas(32, 32).toBuffer("image/jpeg");
let video: string;

before(() => {
  video = inventedVideo(folder, 22, { size: "640x360" });
});

async function start(t: TestContext, models: readonly string[]): Promise<OpenAiServer> {
  const server = await startOpenAiServer({ models });
  t.after(() => server.close());
  return server;
}

/** A clip in which something is said, and no pictures. */
const context: Context = {
  observations: [
    {
      ...{ stream: "hall", clip: 0, startSeconds: 0, endSeconds: 10, frames: [], captions: [], screen: [] },
      speech: [{ startSeconds: 1, endSeconds: 2, text: "The keys are on the shelf.", speaker: "Ana" }],
      ...{ shots: [], people: [], tiers: {}, problems: [] },
    },
  ],
  recent: { observations: [], entries: [] },
  state: { value: null, documents: 0, words: new Map() },
};

const samplingFields = [
  ...["temperature", "top_p", "top_k", "min_p", "repetition_penalty", "repeat_penalty"],
  ...["presence_penalty", "frequency_penalty", "max_tokens", "seed"],
];
const toldBy = ["chat_template_kwargs", "reasoning_effort", "reasoning", "thinking"];

/** What a request for a memory of the clip says of sampling and thinking. */
async function wireOf(server: OpenAiServer, model: ConfigInput["model"], random = false): Promise<Json> {
  const config = parseConfig({ model: { baseUrl: server.baseURL, ...model } });
  const policy = configuredModelPolicy(config, configuredModel(config)!);
  await policy.decide(context, random ? { random: seededRandom(1) } : {});
  const { body } = server.requests.at(-1)!;
  const said = [...samplingFields, ...toldBy].filter((field) => body[field] !== undefined);
  return Object.fromEntries(said.map((field) => [field, body[field]]));
}

const greedy = { temperature: 0, max_tokens: 4096 };
const qwenThinks = {
  temperature: 1,
  top_p: 0.95,
  top_k: 20,
  min_p: 0,
  presence_penalty: 0,
  max_tokens: 4096,
};
const qwenAnswers = {
  ...{ temperature: 0.7, top_p: 0.8, top_k: 20, min_p: 0, presence_penalty: 1.5, max_tokens: 4096 },
};
const gemma = { temperature: 1, top_p: 0.95, top_k: 64, max_tokens: 4096 };
const told = (on: boolean) => ({ chat_template_kwargs: { enable_thinking: on } });

/**
 * A model of each family, and what is sent: when nothing is said of thinking, when it is switched on, and off. `null`
 * where the family cannot be told.
 */
const rows: readonly [PresetName, string, Json, on: Json | null, off: Json | null][] = [
  ["household-vl", "household-vl", greedy, null, greedy],
  ["qwen2.5-vl", "Qwen/Qwen2.5-VL-7B-Instruct", greedy, null, greedy],
  [
    ...(["qwen3-vl-thinking", "Qwen3-VL-30B-A3B-Thinking-FP8"] as const),
    { temperature: 1, top_p: 0.95, top_k: 20, presence_penalty: 0, max_tokens: 4096 },
    { temperature: 1, top_p: 0.95, top_k: 20, presence_penalty: 0, max_tokens: 4096 },
    null,
  ],
  [
    ...(["qwen3-vl", "qwen3_vl:8b"] as const),
    { temperature: 0.7, top_p: 0.8, top_k: 20, presence_penalty: 1.5, max_tokens: 4096 },
    null,
    { temperature: 0.7, top_p: 0.8, top_k: 20, presence_penalty: 1.5, max_tokens: 4096 },
  ],
  [
    ...(["qwen3.5", "unsloth/Qwen3.5-27B-GGUF"] as const),
    { ...qwenThinks, presence_penalty: 1.5 },
    { ...qwenThinks, presence_penalty: 1.5, ...told(true) },
    { ...qwenAnswers, ...told(false) },
  ],
  ...(["qwen3.6", "qwen3.8"] as const).map((name): (typeof rows)[number] => [
    ...([name, `Qwen/${name}-27B`, qwenThinks] as const),
    { ...qwenThinks, ...told(true) },
    { ...qwenAnswers, ...told(false) },
  ]),
  ["gemma-3", "google/gemma-3-4b-it", gemma, null, gemma],
  ["gemma-4", "gemma4:26b", gemma, { ...gemma, ...told(true) }, { ...gemma, ...told(false) }],
  ["smolvlm", "HuggingFaceTB/SmolVLM2-2.2B-Instruct", greedy, null, greedy],
  ["internvl", "OpenGVLab/InternVL3_5-8B", greedy, null, greedy],
  [
    ...(["gpt-oss", "openai/gpt-oss-20b"] as const),
    { temperature: 1, top_p: 1, max_tokens: 4096 },
    { temperature: 1, top_p: 1, max_tokens: 4096, reasoning_effort: "medium" },
    null,
  ],
  [
    ...(["openai-gpt-5.1", "gpt-5.1-mini", greedy] as const),
    { ...greedy, reasoning_effort: "medium" },
    { ...greedy, reasoning_effort: "none" },
  ],
  ["openai-reasoning", "openai/o4-mini", greedy, { ...greedy, reasoning_effort: "medium" }, null],
  ["openai", "gpt-4.1", greedy, null, greedy],
  [
    ...(["gemini-2.5-flash", "gemini-2.5-flash-lite", greedy] as const),
    { ...greedy, reasoning_effort: "medium" },
    { ...greedy, reasoning_effort: "none" },
  ],
  ["gemini-2.5-pro", "google/gemini-2.5-pro", greedy, greedy, null],
  [
    ...(["gemini", "models/gemini-3-pro-preview"] as const),
    { temperature: 1, max_tokens: 4096 },
    { temperature: 1, max_tokens: 4096 },
    null,
  ],
  [
    ...(["claude", "anthropic/claude-sonnet-4.5", greedy] as const),
    { temperature: 1, max_tokens: 4096, thinking: { type: "enabled", budget_tokens: 1024 } },
    greedy,
  ],
];

test("every preset but the checkpoint is in the table", () => {
  assert.deepEqual(["taskmem-checkpoint", ...rows.map(([name]) => name)].sort(), [...presetNames].sort());
});

for (const [name, model, plain, on, off] of rows)
  test(`${name} is told by the name ${model}, and its options reach the server`, async (t) => {
    const server = await start(t, [model, "served"]);
    assert.equal(parseConfig({ model: { baseUrl: server.baseURL, model } }).model.preset, name);
    assert.deepEqual(await wireOf(server, { model }), plain);
    assert.deepEqual(await wireOf(server, { model: "served", preset: name }), plain);
    for (const [thinking, expected] of [
      [true, on],
      [false, off],
    ] as const) {
      if (expected !== null) assert.deepEqual(await wireOf(server, { model, thinking }), expected);
      else
        await assert.rejects(wireOf(server, { model, thinking }), {
          code: "config-invalid",
          message: new RegExp(`model\\.thinking: models of the preset ${name.replace(".", "\\.")} `),
        });
    }
    assert.deepEqual(await wireOf(server, { model, preset: "none" }), greedy);
  });

test("models of other families have no preset, and are told to think as most chat templates are", async (t) => {
  const server = await start(t, ["eyes", "gpt-5-chat-latest", "my-gpt-4"]);
  const config = parseConfig({ model: { baseUrl: server.baseURL, model: "eyes" } });
  assert.deepEqual([config.model.preset, configuredPreset(config)], ["none", null]);
  assert.deepEqual(await wireOf(server, { model: "eyes" }), greedy);
  assert.deepEqual(await wireOf(server, { model: "eyes", thinking: false }), { ...greedy, ...told(false) });
  const named = (model: string) => parseConfig({ model: { baseUrl: server.baseURL, model } }).model.preset;
  assert.deepEqual(["gpt-5-chat-latest", "my-gpt-4"].map(named), ["openai", "none"]);
});

test("some servers are told to think in their own way, where the family can be told at all", () => {
  const at = (baseUrl: string, name: PresetName | null, on: boolean) =>
    thinkingFields(name && presets[name], baseUrl, on);
  const openRouter = "https://openrouter.ai/api/v1";
  const ollama = "http://localhost:11434/v1";
  assert.deepEqual(at(openRouter, "qwen3.6", false), { reasoning: { enabled: false } });
  assert.deepEqual(at(openRouter, null, true), { reasoning: { enabled: true } });
  assert.deepEqual(at(ollama, "qwen3.6", false), { reasoning_effort: "none" });
  assert.deepEqual(at(ollama, "gemma-4", true), { reasoning_effort: "medium" });
  assert.deepEqual(at("http://localhost:8000/v1", "gemma-4", true), told(true));
  assert.deepEqual([at(ollama, "gemma-3", false), at(ollama, "gemma-3", true)], [{}, null]);
});

test("a user's own option wins over the preset, whichever of its options are left out", async (t) => {
  const model = "Qwen/Qwen3.6-27B";
  const server = await start(t, [model]);
  const own = {
    model,
    thinking: false,
    sampling: { topP: 0.5, maxTokens: 100, seed: 7, repetitionPenalty: 1.1 },
  };
  assert.deepEqual(await wireOf(server, own), {
    ...{ ...qwenAnswers, top_p: 0.5, max_tokens: 100, seed: 7 },
    ...{ repetition_penalty: 1.1, repeat_penalty: 1.1 },
    ...told(false),
  });
  for (const temperature of [{ temperature: 0.2 }, { sampling: { temperature: 0.2 } }])
    assert.deepEqual(await wireOf(server, { model, ...temperature }), { ...qwenThinks, temperature: 0.2 });
  const extraBody = { chat_template_kwargs: { enable_thinking: true, language: "en" } };
  assert.deepEqual(
    (await wireOf(server, { model, thinking: false, extraBody })).chat_template_kwargs,
    extraBody.chat_template_kwargs,
  );
});

test("draws for training have seeds of their own, whatever seed is configured", async (t) => {
  const server = await start(t, ["eyes"]);
  const drawn = await wireOf(server, { model: "eyes", sampling: { seed: 7, topK: 5 } }, true);
  assert.deepEqual(
    { ...drawn, seed: null },
    { ...greedy, temperature: 0.6, top_p: 0.95, top_k: 5, seed: null },
  );
  assert.notEqual(drawn.seed, 7);
});

test("a server that refuses an option of sampling is asked without", async (t) => {
  const server = await start(t, ["gemma-3-4b"]);
  server.setFaults(({ body }) =>
    body.top_k === undefined
      ? undefined
      : { kind: "status", status: 400, message: "Unrecognized request argument supplied: top_k" },
  );
  assert.deepEqual(await wireOf(server, { model: "gemma-3-4b" }), { temperature: 1, max_tokens: 4096 });
});

test("frames need no fitting by the server, for the policy that asks the model alone", async () => {
  const sizeOf = async (options: ConfigInput) => {
    const source = await openConfiguredSource(parseConfig(options), video);
    for await (const piece of source.open()) {
      const [frame] = piece.kind === "clip" ? piece.frames : [];
      if (frame) return [frame.width, frame.height];
    }
    return null;
  };
  const model = { baseUrl: "http://localhost:1/v1", model: "qwen3-vl-8b" };
  assert.deepEqual(await sizeOf({ model }), [448, 256]);
  assert.deepEqual(await sizeOf({ model, policy: "choice" }), [448, 252]);
  assert.deepEqual(await sizeOf({ model, stream: { width: 160, multiple: 2 } }), [160, 90]);
});

test("--preset taskmem-checkpoint: one flag sets up the released checkpoint", async (t) => {
  const server = await start(t, ["checkpoint"]);
  const sentences = ["Ana comes into the hall.", "She looks for her keys.", "Tomas finds them on the shelf."];
  server.setFaults(({ text }) => {
    const clip = ["00:00:00", "00:00:10", "00:00:20"].findIndex((at) => text.includes(`runs from ${at}`));
    const description = sentences[Math.max(0, clip)]!;
    return { kind: "content", content: `<think>Who is there?</think>\n{"description": "${description}"}` };
  });
  const memory = join(folder, "checkpoint");
  const endpoint = ["--base-url", server.baseURL, "--model", "checkpoint"];
  const run = await taskmem([
    ...["watch", video, "--json", "--no-screen-text", "--memory", memory],
    ...[...endpoint, "--preset", "taskmem-checkpoint"],
  ]);
  assert.equal(run.code, 0, run.stderr);
  const ends = run.rows.filter(({ event }) => event === "clip-end");
  assert.deepEqual(
    ends.map(({ startSeconds }) => startSeconds),
    [0, 10, 20],
  );
  const { body, pictures, text } = server.requests.at(-1)!;
  const { temperature, top_p, top_k, max_tokens, chat_template_kwargs, response_format } = body;
  assert.deepEqual([temperature, top_p, top_k, max_tokens], [0.6, 0.95, 20, 8192]);
  assert.equal(chat_template_kwargs, undefined, "a model that always thinks is not told to");
  const { properties } = (response_format as { json_schema: { schema: Json } }).json_schema.schema;
  assert.deepEqual(Object.keys(properties as Json), ["description"]);
  // One message: a text, the video of the window at 2 frames a second, a text.
  const [message, ...others] = body.messages as { role: string; content: { type: string }[] }[];
  assert.deepEqual([message!.role, others.length], ["user", 0]);
  assert.deepEqual(
    message!.content.map(({ type }) => type),
    ["text", "video_url", "text"],
  );
  assert.equal(pictures.length, 44);
  assert.match(text, /what came before:\n\nAna comes into the hall\. She looks for her keys\.$/);
  const replaced = join(folder, "authors.txt");
  writeFileSync(
    replaced,
    "=== user ===\n{earlier_text}\n\n{video}\n\n{stream}\n\nSay it. {supplement}\n\nSay it.",
  );
  const own = await taskmem([
    ...["watch", video, "--json", "--no-screen-text", "--memory", join(folder, "own"), ...endpoint],
    ...["--preset", "taskmem-checkpoint", "--prompt-template", replaced, "--sampling", "top_k=40"],
  ]);
  assert.equal(own.code, 0, own.stderr);
  const last = server.requests.at(-1)!;
  assert.match(last.text, /\nSay it\.$/);
  assert.deepEqual([last.body.top_k, last.body.top_p], [40, 0.95]);
  const revision = (of: typeof run) => of.rows.find(({ event }) => event === "clip-end")!.revision;
  assert.notEqual(revision(own), revision(run));
});

test("the released checkpoint may say that nothing is new in a scene that stays the same", async (t) => {
  const server = await start(t, ["checkpoint"]);
  const still = "A cup stands on the table.";
  const report = "Mara puts the blue suitcase under the stairs.";
  server.setFaults(({ text }) => {
    const seen = text.includes("suitcase") ? report : still;
    const description = text.includes("It could not be used") ? "" : seen;
    return { kind: "content", content: JSON.stringify({ description }) };
  });
  const model = { baseUrl: server.baseURL, model: "checkpoint", preset: "taskmem-checkpoint" as const };
  const config = parseConfig({ model });
  const policy = configuredModelPolicy(config, configuredModel(config)!);
  const { actions } = await policy.decide({
    ...context,
    recent: { observations: [], entries: [{ clip: 0, kind: "episodic", text: still }] },
  });
  assert.deepEqual([actions[0]!.issues, actions[0]!.statements], [[], []]);
  assert.match(server.requests.at(-1)!.text, /It could not be used: the answer said again what was written/);
});

test("a template with a wrong place is refused before anything is watched", async (t) => {
  const server = await start(t, ["eyes"]);
  const file = join(folder, "wrong.txt");
  writeFileSync(file, "=== user ===\n{earlier}\n\n{picture}\n\n{stream}\n{supplement}\n");
  const watch = (...flags: string[]) =>
    taskmem(["watch", video, "--memory", join(folder, "wrong"), "--prompt-template", ...flags]);
  const endpoint = ["--base-url", server.baseURL, "--model", "eyes"];
  const wrong = await watch(file, ...endpoint);
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /line 4: \{picture\} is no place/);
  assert.match(wrong.stderr, /line 1: this part needs \{pictures\} or \{video\}/);
  const missing = await watch(join(folder, "nowhere.txt"), ...endpoint);
  assert.equal(missing.code, 2);
  assert.match(missing.stderr, /Cannot read the prompt template .*nowhere\.txt.*taskmem prompt/);
  const nano = await watch(file, ...endpoint, "--policy", "nano");
  assert.equal(nano.code, 2);
  assert.match(nano.stderr, /model\.promptTemplate: only the `model` and `best-of-n` policies.* `nano`/);
  assert.equal(server.requests.length, 0);
});

test("taskmem prompt prints a template that gives the built-in prompt, and checks one", async (t) => {
  const server = await start(t, ["eyes"]);
  const file = join(folder, "printed.txt");
  const printed = await taskmem(["prompt"]);
  assert.equal(printed.code, 0, printed.stderr);
  writeFileSync(file, printed.stdout);
  const endpoint = { baseUrl: server.baseURL, model: "eyes" };
  const policyOf = (model: ConfigInput["model"]) => {
    const config = parseConfig({ model });
    return configuredModelPolicy(config, configuredModel(config)!);
  };
  assert.equal(policyOf({ ...endpoint, promptTemplate: file }).revision, policyOf(endpoint).revision);
  const again = await taskmem(["prompt", "--prompt-template", file]);
  assert.equal(again.stdout, printed.stdout);
  const knowledge = await taskmem(["prompt", "--semantic", "--prompt-template", file]);
  assert.match(knowledge.stderr, /this part needs \{known\}/);
});

test("the reader and the judge are greedy unless they are told", async (t) => {
  const server = await start(t, ["gemma-3-4b"]);
  const memory = join(folder, "asked");
  const endpoint = ["--base-url", server.baseURL, "--model", "gemma-3-4b", "--memory", memory];
  const said = join(folder, "said.srt");
  writeFileSync(said, "1\n00:00:01,000 --> 00:00:03,000\nAna: The keys are on the shelf.\n");
  assert.equal((await taskmem(["watch", said, "--policy", "choice", ...endpoint])).code, 0);
  const ask = async (...flags: string[]) => {
    const { code, stderr } = await taskmem(["ask", "Where are the keys?", ...endpoint, ...flags]);
    assert.equal(code, 0, stderr);
    const { temperature, top_p, top_k, max_tokens } = server.requests.at(-1)!.body;
    return [temperature, top_p, top_k, max_tokens];
  };
  assert.deepEqual((await ask()).slice(1), [undefined, undefined, 2048]);
  assert.deepEqual(await ask("--answer-sampling", "temperature=0.3,top-p=0.9,max_tokens=500"), [
    ...[0.3, 0.9, undefined, 500],
  ]);
});

test("doctor tells every option and what set it", async (t) => {
  const server = await start(t, ["Qwen/Qwen3.6-27B"]);
  const file = join(folder, "doctor.json");
  writeFileSync(
    file,
    JSON.stringify({ model: { framesPerClip: 4, sampling: { minP: 0.1 } }, semantic: true }),
  );
  const flags = ["--config", file, "--thinking", "off", "--sampling", "top_p=0.9", "--json"];
  const { rows: checks } = await taskmem(["doctor", "--base-url", server.baseURL, ...flags], {
    env: { TASKMEM_MODEL: "Qwen/Qwen3.6-27B" },
  });
  const options = checks.find(({ check }) => check === "configuration")!.options as Json[];
  const found = Object.fromEntries(options.map(({ option, value, from }) => [String(option), [value, from]]));
  const expected = {
    semantic: [true, "file"],
    "stream.height": [256, "preset"],
    "stream.fps": [1, "default"],
    "model.baseUrl": [server.baseURL, "flag"],
    "model.model": ["Qwen/Qwen3.6-27B", "environment"],
    "model.preset": ["qwen3.6", "model-name"],
    "model.thinking": [false, "flag"],
    "model.framesPerClip": [4, "file"],
    "model.sampling.temperature": [0.7, "preset"],
    "model.sampling.topP": [0.9, "flag"],
    "model.sampling.minP": [0.1, "file"],
    "model.sampling.presencePenalty": [1.5, "preset"],
  };
  for (const [option, of] of Object.entries(expected)) assert.deepEqual(found[option], of, option);
  assert.ok(!("model.temperature" in found), "a temperature is told once");
  const plain = await effectiveOptions({}, { cwd: folder, env: {} });
  assert.ok(plain.every(({ from }) => from === "default"));
});

test("doctor says what is painted on frames, where that is asked for", async (t) => {
  const server = await start(t, ["checkpoint"]);
  const endpoint = ["--base-url", server.baseURL, "--model", "checkpoint"];
  const overlay = async (...flags: string[]) => {
    const { rows: checks } = await taskmem(["doctor", ...endpoint, "--json", ...flags], { cwd: folder });
    return checks.find(({ check }) => check === "overlay");
  };
  assert.equal(await overlay(), undefined);
  const detail = "what is said is painted on frames; tags of people are, with --people";
  const told = await overlay("--preset", "taskmem-checkpoint");
  assert.ok(told!.detail === detail || told!.state === "missing", JSON.stringify(told));
});

test("each row says where its facts are from, and its frames are multiples within their box", () => {
  for (const [name, { source, frames }] of Object.entries(presets)) {
    assert.match(source, /model card|documentation|config\.json|OpenAI|Gemini|Claude|released code/, name);
    if (frames === null) continue;
    assert.deepEqual([frames.width % frames.multiple, frames.height % frames.multiple], [0, 0], name);
  }
});

test("--picture-tokens counts a picture as the family does", async (t) => {
  const server = await start(t, ["google/gemma-3-4b-it", "qwen3-vl-8b", "eyes"]);
  const framesSent = async (name: string) => {
    const model = { baseUrl: server.baseURL, model: name, pictureTokens: 600 };
    const config = parseConfig({ model });
    const frames = Array.from({ length: 10 }, (_, i) => ({
      ...{ atSeconds: i, width: config.stream.width, height: config.stream.height, jpeg: grey },
    }));
    const [clip] = context.observations;
    const policy = configuredModelPolicy(config, configuredModel(config)!);
    await policy.decide({ ...context, observations: [{ ...clip!, frames }] });
    return server.requests.at(-1)!.pictures.length;
  };
  // The 10 frames are halved until they fit: 256 tokens each leave 2, 14 · 8 leave 5, 16 · 9 leave 2.
  assert.equal(await framesSent("google/gemma-3-4b-it"), 2);
  assert.equal(await framesSent("qwen3-vl-8b"), 5);
  assert.equal(await framesSent("eyes"), 2);
});

test("a preset names the recipe of its model's adapters, which a recipe of the user's replaces or changes", () => {
  const recipe = (given: object) =>
    parseConfig({ policy: "model", model: { model: "household-vl" }, ...given }).adapt.recipe;
  assert.deepEqual(recipe({}), { name: "household-vl" });
  assert.deepEqual(recipe({ adapt: { recipe: "paper" } }), { name: "paper" });
  assert.deepEqual(recipe({ adapt: { recipe: { contexts: 4 } } }), { name: "household-vl", contexts: 4 });
  assert.equal(recipe({ policy: "choice" }), undefined);
});
