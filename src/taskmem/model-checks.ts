import { parseAdapter } from "../adapter/adapter-file.ts";
import { type Config, localName, namesFolder, policyName } from "../config.ts";
import type { Completion, ModelCapabilities, OnProgress } from "../engine.ts";
import { localEmbedder } from "../engines/local/index.ts";
import { isTaskMemError, type TaskMemError } from "../errors.ts";
import { hasMemory } from "../memory/place.ts";
import {
  adapterTarget,
  configuredModel,
  isFolderModel,
  openConfiguredMemory,
  openConfiguredModel,
} from "./assembly.ts";
import {
  broken,
  type Check,
  type Checked,
  type Finding,
  missing,
  ok,
  quoted,
  writesMemories,
} from "./check.ts";
import {
  formQuestion,
  isThinking,
  pictureOfTwoColours,
  pictureQuestion,
  putQuestion,
  thinkingTokens,
  wordQuestion,
} from "./model-questions.ts";
import { limitsFinding, speedFinding } from "./model-room.ts";
import { memoryFinding } from "./model-trial.ts";

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
    const { now = () => performance.now(), signal } = how;
    const known = { config, signal, now };
    const checks = namesFolder(config) ? folderChecks(known) : endpointChecks(known, how.onProgress);
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

type Known = Pick<Checked, "config" | "signal" | "now">;

/** A check that begins (`null`), or what it found. */
type Step = readonly [check: string, finding: Finding | null];

async function* endpointChecks(known: Known, onProgress: OnProgress | undefined): AsyncGenerator<Step> {
  const { config, signal } = known;
  const model = configuredModel(withFewRetries(config), undefined, onProgress);
  if (model === null) return;
  const can = await model.capabilities(signal);
  const checked: Checked = { ...known, model, can };
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
async function* folderChecks(known: Known): AsyncGenerator<Step> {
  const model = await openConfiguredModel(known.config);
  if (!isFolderModel(model)) return;
  try {
    const can = await model.capabilities(known.signal);
    yield ["model", ok(`${model.id} can ${abilities(can)}`)];
    yield ["model memory", null];
    yield ["model memory", await memoryFinding({ ...known, model, can })];
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

function nameFinding({ config, can: { served } }: Checked): Finding | null {
  if (localName(config.model) !== null) return null;
  const name = config.model.model!;
  if (served === null) return ok(`${name}; the server does not list what it serves`);
  if (served.includes(name)) return ok(`${name}, as the server lists it`);
  const detail = `the server does not list ${name}, but ${served.join(", ")}, and answers under any name`;
  return ok(detail, "name the model that it lists, so that memory says who wrote it");
}

/** Whether the server applies the adapter that memories are written with; the engine asks it, and refuses otherwise. */
async function adapterFinding({ config, model, signal }: Checked): Promise<Finding | null> {
  if (policyName(config) !== "model" || !(await hasMemory(config.memory))) return null;
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
