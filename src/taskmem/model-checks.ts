/**
 * What a configured model can do in fact: it answers questions with one right answer, and writes the memory of a made-up
 * clip. Nothing is stored.
 *
 * Its capabilities say which requests a server accepts. They do not say whether the model obeys, sees what a picture
 * shows, ends its thinking, or has room for a prompt.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseAdapter } from "../adapter/adapter-file.ts";
import { type Config, configuredPreset, namesFolder, policyName } from "../config.ts";
import type { Completion, Model, ModelCapabilities, OnProgress } from "../engine.ts";
import { localEmbedder, wordSpace } from "../engines/local/index.ts";
import { isTaskMemError, type TaskMemError } from "../errors.ts";
import type { Observation } from "../perception/observation.ts";
import { frameTokens } from "../policy/pictures.ts";
import type { Context } from "../policy/policy.ts";
import { memoryInstructions, memoryPrompt } from "../policy/prompts.ts";
import { pictureTokens } from "../presets/presets.ts";
import { oneLine } from "../util/plain-text.ts";
import {
  adapterTarget,
  configuredModel,
  configuredModelPolicy,
  configuredTemplate,
  isFolderModel,
  openConfiguredMemory,
  openConfiguredModel,
} from "./assembly.ts";
import {
  formQuestion,
  isThinking,
  pictureOfTwoColours,
  pictureQuestion,
  putQuestion,
  thinkingTokens,
  wordQuestion,
} from "./model-questions.ts";

/** One thing that was checked. */
export interface Check {
  readonly check: string;
  /** `missing` is something TaskMem works without. */
  readonly state: "ok" | "missing" | "broken";
  readonly detail: string;
  /** What to do about it. */
  readonly fix: string | null;
}

type Finding = Omit<Check, "check">;

/** What the checks of a model share. */
interface Checked {
  readonly config: Config;
  readonly model: Model;
  readonly can: ModelCapabilities;
  readonly signal: AbortSignal | undefined;
  /** Milliseconds. */
  readonly now: () => number;
}

/** A model that answers: what it said when it was told to say a word, and whether it thought first. */
interface Answering extends Checked {
  readonly word: Completion;
  readonly thinks: boolean;
}

/** How a model is checked. */
interface HowChecked {
  readonly signal?: AbortSignal;
  readonly onProgress?: OnProgress;
  /** Milliseconds, to tell how long a memory takes. @default performance.now */
  readonly now?: () => number;
}

/**
 * Checks the configured model, one check at a time; nothing without a model. What is broken ends it, because what would
 * be checked next cannot work.
 * @throws the signal's reason
 */
export async function* checkModel(config: Config, how: HowChecked = {}): AsyncGenerator<Check> {
  let check = "model";
  try {
    const checks = namesFolder(config) ? folderChecks(config, how) : endpointChecks(config, how);
    for await (const [next, finding] of checks) {
      check = next;
      if (finding === null) continue;
      yield { check, ...finding };
      if (finding.state === "broken") return;
    }
  } catch (error) {
    how.signal?.throwIfAborted();
    if (!isTaskMemError(error)) throw error;
    yield { check, ...broken(error.message, await wayOut(config, error)) };
  }
}

/** A check that begins (`null`), or what it found. */
type Step = readonly [check: string, finding: Finding | null];

async function* endpointChecks(
  config: Config,
  { signal, onProgress, now }: HowChecked,
): AsyncGenerator<Step> {
  const model = configuredModel(withFewRetries(config), undefined, onProgress);
  if (model === null) return;
  const can = await model.capabilities(signal);
  const checked: Checked = { config, model, can, signal, now: now ?? (() => performance.now()) };
  yield ["model", ok(`${model.id} can ${abilities(can)}`)];
  yield ["model name", nameFinding(checked)];
  yield ["model limits", limitsFinding(checked)];
  yield ["model adapter", null];
  yield ["model adapter", await adapterFinding(checked)];
  yield ["model thinking", null];
  const answering = { ...checked, ...(await sayWord(checked)) };
  for (const [check, find] of answerChecks) {
    yield [check, null];
    yield [check, await find(answering)];
  }
}

/** A model in a folder begins each answer as that of a memory, so it is asked for one and nothing else. */
async function* folderChecks(config: Config, { signal, now }: HowChecked): AsyncGenerator<Step> {
  const model = await openConfiguredModel(config);
  if (!isFolderModel(model)) return;
  try {
    const can = await model.capabilities(signal);
    yield ["model", ok(`${model.id} can ${abilities(can)}`)];
    yield ["model memory", null];
    yield [
      "model memory",
      await memoryFinding({ config, model, can, signal, now: now ?? (() => performance.now()) }),
    ];
  } finally {
    model.engine.close();
  }
}

/** In order: each needs what the ones before it found. `null`: nothing to check. */
const answerChecks: readonly [string, (answering: Answering) => Finding | null | Promise<Finding | null>][] =
  [
    ["model thinking", thinkingFinding],
    ["model instructions", instructionsFinding],
    ["model JSON", formFinding],
    ["model pictures", picturesFinding],
    ["model memory", memoryFinding],
    ["model speed", speedFinding],
  ];

const ok = (detail: string, fix: string | null = null): Finding => ({ state: "ok", detail, fix });
const missing = (detail: string, fix: string): Finding => ({ state: "missing", detail, fix });
const broken = (detail: string, fix: string | null): Finding => ({ state: "broken", detail, fix });

/** Whether the model writes the memories; otherwise it reads them, or judges. */
function writesMemories(config: Config): boolean {
  return policyName(config) === "model" || policyName(config) === "best-of-n";
}

/** A person waits: an endpoint that does not answer is asked once more, not five times. */
function withFewRetries(config: Config): Config {
  return { ...config, model: { ...config.model, maxRetries: Math.min(1, config.model.maxRetries) } };
}

function abilities(can: ModelCapabilities): string {
  const able = Object.entries(can).filter(([, value]) => value === true);
  return able.map(([name]) => name).join(", ") || "text only";
}

/** What to do about an endpoint that cannot be asked. */
async function wayOut({ model }: Config, { code, details }: TaskMemError): Promise<string | null> {
  if (code === "unreachable") return "start the server, or correct --base-url";
  if (code === "unauthorized") return "export TASKMEM_API_KEY=<key>";
  const served = (details.served ?? []) as readonly string[];
  if (code !== "unknown-model" || served.length === 0) return null;
  return `--model ${await nearest(model.model!, served)}`;
}

/** The name that is spelled most alike. */
async function nearest(name: string, names: readonly string[]): Promise<string> {
  const [wanted, ...vectors] = await localEmbedder.embed([name, ...names]);
  const likeness = vectors.map((vector) => vector.reduce((sum, value, i) => sum + value * wanted![i]!, 0));
  return names[likeness.indexOf(Math.max(...likeness))]!;
}

function nameFinding({ config, can: { served } }: Checked): Finding {
  const name = config.model.model!;
  if (served === null) return ok(`${name}; the server does not list what it serves`);
  if (served.includes(name)) return ok(`${name}, as the server lists it`);
  const detail = `the server does not list ${name}, but ${served.join(", ")}, and answers under any name`;
  return ok(detail, "name the model that it lists, so that memory says who wrote it");
}

/** Tokens that an answer needs: a memory, and the JSON around it. */
const answerTokens = 400;

function limitsFinding({ config, can }: Checked): Finding {
  const { contextTokens, slots } = can;
  const told = [
    contextTokens === null ? "context unknown" : `a context of ${contextTokens} tokens`,
    ...(slots === null ? [] : [slots === 1 ? "one request at a time" : `${slots} requests at a time`]),
  ].join(", ");
  const slow =
    slots === 1 && policyName(config) === "best-of-n"
      ? ": each sample is drawn by itself, the pictures read again for each"
      : "";
  if (contextTokens === null) return slow === "" ? ok(told) : missing(`${told}${slow}`, moreSlots);
  const prompt = promptTokens(config, can.images);
  const { frames, tokens } = pictureNeed(config, can.images);
  const least = prompt + tokens + answerTokens;
  if (contextTokens < least) {
    const detail = `${told}, too few: a prompt with one picture and its answer take about ${least}`;
    return broken(can.images ? detail : detail.replace(" with one picture", ""), moreContext);
  }
  const room = Math.floor((contextTokens - prompt - answerTokens) / (tokens || 1));
  if (can.images && room < frames)
    return missing(`${told}, which hold about ${room} of the ${frames} pictures of a window`, moreContext);
  return slow === "" ? ok(told) : missing(`${told}${slow}`, moreSlots);
}

const moreContext = "give it more: llama-server -c 16384 (for each slot), vLLM --max-model-len 16384";
const moreSlots = "llama-server --parallel 4, with four times the -c";

/** Tokens of a prompt without pictures, at four characters a token. */
function promptTokens(config: Config, pictures: boolean): number {
  const { semantic } = config;
  const words = { semantic, countTokens: wordSpace.countTokens, template: configuredTemplate(config) };
  const texts = memoryPrompt(clipOf([]), words).flatMap((part) => (part.type === "text" ? part.text : []));
  return Math.ceil([memoryInstructions(pictures, words), ...texts].join("").length / 4);
}

/** Pictures of a whole window, and the tokens of each. */
function pictureNeed(config: Config, images: boolean): { frames: number; tokens: number } {
  const { stream, model } = config;
  const preset = configuredPreset(config);
  const tokens = images ? ((preset && pictureTokens(preset, stream)) ?? frameTokens(stream)) : 0;
  const perClip = Math.min(model.framesPerClip ?? Infinity, Math.ceil(stream.clipSeconds * stream.fps));
  const most = model.pictureTokens === undefined ? Infinity : Math.floor(model.pictureTokens / tokens);
  return { frames: Math.min(most, stream.windowClips * perClip), tokens };
}

/** Whether the server applies the adapter that memories are written with; the engine asks it, and refuses otherwise. */
async function adapterFinding({ config, model, signal }: Checked): Promise<Finding | null> {
  if (policyName(config) !== "model" || !existsSync(join(config.memory, "memory.db"))) return null;
  const { memory } = await openConfiguredMemory(config, { mustExist: true, readOnly: "if-needed" });
  try {
    const [active] = await memory.adapters({ policy: "model", state: "active" });
    if (!active) return null;
    const { adapter } = parseAdapter(active.file, active.id, await adapterTarget("model", model));
    await model.generate({
      ...{ parts: wordQuestion.parts, adapter, sampling: { maxTokens: wordQuestion.tokens, temperature: 0 } },
      ...(signal && { signal }),
    });
    return ok(`the server applies the active adapter ${adapter.revision}`);
  } finally {
    await memory.close();
  }
}

async function sayWord({ model, signal }: Checked): Promise<Pick<Answering, "word" | "thinks">> {
  const word = await putQuestion(model, wordQuestion, { thinks: false, signal });
  if (!isThinking(word)) return { word, thinks: false };
  return { word: await putQuestion(model, wordQuestion, { thinks: true, signal }), thinks: true };
}

function thinkingFinding({ config, word, thinks }: Answering): Finding {
  if (!thinks) return ok("the model answers without thinking first");
  if (word.finish !== "length") return ok("the model thinks before it answers, and comes to an end");
  const detail = `the model does not stop thinking within ${thinkingTokens} tokens when it is told to say a word`;
  return broken(
    detail,
    config.model.thinking === false
      ? "--thinking off does not reach it: see its model card for the field that does, and send it with --extra-body"
      : "--thinking off",
  );
}

function instructionsFinding({ word }: Answering): Finding {
  const verdict = wordQuestion.judge(word);
  if (verdict === "obeys") return ok("the model says what it is told to say");
  if (verdict === "continues")
    return broken(
      `the model does not answer but continues the text, as a base model does, or one without its chat template: ${quoted(word.text)}`,
      "serve its instruction-tuned variant (…-Instruct, …-it), with its chat template",
    );
  return missing(
    `the model does not do what it is told, and says something else: ${quoted(word.text)}`,
    "expect poor memories, or serve a larger instruction-tuned model",
  );
}

async function formFinding({ model, can, thinks, signal }: Answering): Promise<Finding> {
  const question = formQuestion(can.jsonSchema);
  const answer = await putQuestion(model, question, { thinks, signal });
  const verdict = question.judge(answer);
  const asked = can.jsonSchema ? "a schema" : "words, because the server enforces no schema";
  if (verdict === "right")
    return ok(`the model fills the form that memories are written in, asked by ${asked}`);
  if (verdict === "wrong")
    return missing(
      `the model fills the form that memories are written in, but mistakes a green coat: ${quoted(answer.text)}`,
      "expect wrong memories, or serve a larger model",
    );
  return broken(
    `the model does not write the JSON object it is asked for by ${asked}: ${quoted(answer.text)}`,
    can.jsonSchema ? "serve a larger model" : "use a server that enforces JSON schemas, or a larger model",
  );
}

async function picturesFinding({ config, model, can, thinks, signal }: Answering): Promise<Finding | null> {
  if (!writesMemories(config)) return null;
  if (!can.images)
    return missing(
      "the model takes no pictures: only texts can be watched",
      "serve a model that sees (llama-server: with its --mmproj file), or use --policy choice",
    );
  const question = pictureQuestion(await pictureOfTwoColours(config.stream, signal), can.jsonSchema);
  const answer = await putQuestion(model, question, { thinks, signal });
  if (question.judge(answer) === "sees") return ok("the model sees what a picture shows");
  return broken(
    `the model takes pictures and does not see that one is red above and blue below: ${quoted(answer.text)}`,
    "serve a model that sees, with the vision part that belongs to it (llama-server: its --mmproj file), or use --policy choice",
  );
}

/** Lets it write the memory of a clip as long, and with as many pictures, as those of a stream. */
async function memoryFinding({ config, model, can, signal, now }: Checked): Promise<Finding | null> {
  if (!writesMemories(config)) return null;
  const { clipSeconds, fps, width, height } = config.stream;
  const jpeg = can.images ? await pictureOfTwoColours(config.stream, signal) : null;
  const frames = Array.from({ length: jpeg === null ? 0 : Math.ceil(clipSeconds * fps) }, (_, i) => ({
    ...{ atSeconds: i / fps, width, height, jpeg: jpeg! },
  }));
  const began = now();
  const policy = configuredModelPolicy(config, model);
  const { actions, cost } = await policy.decide(clipOf(frames, clipSeconds), signal ? { signal } : {});
  const seconds = (now() - began) / 1000;
  const [action] = actions;
  const spent = `${seconds.toFixed(1)} s, ${cost.promptTokens} tokens read and ${cost.completionTokens} written in ${cost.calls === 1 ? "a call" : `${cost.calls} calls`}`;
  if (action!.issues.length > 0) {
    const problems = action!.issues.map(({ message }) => message).join("; ");
    return broken(
      `the model wrote no usable memory of a made-up clip, since ${problems} (${spent})`,
      "serve a larger instruction-tuned model",
    );
  }
  const text = action!.statements.map((statement) => statement.text).join(" ");
  if (!/suitcase/i.test(text))
    return missing(
      `the model's memory of a made-up clip does not hold what was said in it: ${quoted(text)} (${spent})`,
      "expect poor memories, or serve a larger model",
    );
  return ok(`the model wrote of a made-up clip: ${quoted(text)} (${spent})`);
}

/** Tokens of a usual memory, and the JSON around it. */
const usualTokens = 80;

/** The speed of its answers so far, and how long a memory takes at that speed with the pictures of a whole window. */
function speedFinding({ config, model, can }: Answering): Finding | null {
  const { promptPerSecond: read = null, writtenPerSecond: written = null } = model.speed?.() ?? {};
  if (read === null || written === null) return null;
  const shown = (amount: number) => amount.toFixed(amount < 10 ? 1 : 0);
  const measured = `the model reads ${shown(read)} and writes ${shown(written)} tokens a second`;
  if (!writesMemories(config)) return ok(measured);
  const { frames, tokens } = pictureNeed(config, can.images);
  const seconds = (promptTokens(config, can.images) + frames * tokens) / read + usualTokens / written;
  const { clipSeconds } = config.stream;
  const detail = `${measured}: about ${shown(seconds)} s for the memory of a clip of ${clipSeconds} s`;
  if (seconds <= clipSeconds) return ok(detail);
  return missing(
    detail,
    "files are watched at that speed; for a live stream, show it less with --frames-per-clip, or use a faster server",
  );
}

/** A context of one clip in which a sentence is said. */
function clipOf(frames: Observation["frames"], clipSeconds = 10): Context {
  const observation: Observation = {
    ...{ stream: "check", clip: 0, startSeconds: 0, endSeconds: clipSeconds, frames },
    speech: [
      { startSeconds: 1, endSeconds: 4, text: "I put the blue suitcase under the stairs.", speaker: "Mara" },
    ],
    ...{ captions: [], screen: [], shots: [], people: [], tiers: {}, problems: [] },
  };
  return {
    observations: [observation],
    recent: { observations: [], entries: [] },
    state: { value: null, documents: 0, words: new Map() },
  };
}

/** The beginning of what a model wrote, on one line. */
function quoted(text: string): string {
  const line = oneLine(text);
  return JSON.stringify(line.length > 120 ? `${line.slice(0, 119)}…` : line);
}
