/**
 * What is known about families of models: how a request tells them to think, which sampling their makers recommend, how
 * many tokens a picture takes, which frames need no fitting, whether they take video.
 *
 * A row holds facts only, each from the model card or the documentation that it names. A preset fills options that the
 * user leaves out; it never overrides one.
 */
import type { Sampling } from "../engine.ts";
import { checkpointTemplate } from "./checkpoint-template.ts";

/** Fields of a request's body. */
export type Fields = Readonly<Record<string, unknown>>;

/** How many tokens a picture takes: one for every square of `side` pixels, or `each`, whatever its size. */
export type PictureSize = { readonly side: number } | { readonly each: number };

/** A box for frames; their sides are rounded to multiples, so that the server need not fit them again. */
export interface FrameBox {
  readonly width: number;
  readonly height: number;
  readonly multiple: number;
}

/** What is known about a family of models. */
export interface Preset {
  /** Matches the names of its models; `null` where the name does not tell. */
  readonly models: RegExp | null;
  /** Where the facts are from. */
  readonly source: string;
  /** Whether it thinks when it is told nothing. */
  readonly thinks: boolean;
  /** The fields that tell it to think, or not to; `null` where it cannot be told. */
  readonly thinking: { readonly on: Fields | null; readonly off: Fields | null };
  /** The sampling its makers recommend, thinking or not. */
  readonly sampling: { readonly on?: Sampling; readonly off?: Sampling };
  /** `null` for one that sees no pictures. */
  readonly picture: PictureSize | null;
  /** Frames that need no fitting; `null` where it takes any size as well. */
  readonly frames: FrameBox | null;
  /** Whether it takes video parts, where its server does. */
  readonly video: boolean;
  /** Further options that go with it. */
  readonly options?: PresetOptions;
}

/** Options of a set-up as a whole, besides those of its family. */
export interface PresetOptions {
  readonly stream?: { readonly clipSeconds: number; readonly windowClips: number; readonly fps: number };
  readonly model?: {
    readonly thinking?: boolean;
    readonly video?: "auto";
    readonly overlay?: boolean;
    readonly framesPerClip?: number;
    readonly pictureTokens?: number;
    readonly corrections?: boolean;
  };
  readonly torch?: { readonly prefix: string };
  /** Name of the recipe its adapters are trained with. */
  readonly recipe?: "household-vl";
  /** Text of the prompt template. */
  readonly template?: string;
}

const byTemplate = {
  on: { chat_template_kwargs: { enable_thinking: true } },
  off: { chat_template_kwargs: { enable_thinking: false } },
};
/** A model that never thinks: nothing needs to be said to keep it from it. */
const never = { on: null, off: {} };
/** A model that always thinks. */
const always = { on: {}, off: null };
const effort = (level: string) => ({ reasoning_effort: level });

const qwenVision = {
  picture: { side: 32 },
  frames: { width: 448, height: 256, multiple: 32 },
  video: true,
};
const qwenThinking: Sampling = { temperature: 1, topP: 0.95, topK: 20, minP: 0, presencePenalty: 0 };
const qwenDirect: Sampling = { temperature: 0.7, topP: 0.8, topK: 20, minP: 0, presencePenalty: 1.5 };
const gemmaSampling: Sampling = { temperature: 1, topP: 0.95, topK: 64 };

/** The presets by name, the narrower of two families first. */
export const presets = {
  "taskmem-checkpoint": {
    models: null,
    source: "the released code of TaskMem (its constants), over Qwen3-VL-30B-A3B-Thinking",
    thinks: true,
    thinking: always,
    sampling: { on: { temperature: 0.6, topP: 0.95, topK: 20, maxTokens: 8192 } },
    ...qwenVision,
    options: {
      stream: { clipSeconds: 10, windowClips: 5, fps: 2 },
      model: { thinking: true, video: "auto", overlay: true },
      template: checkpointTemplate,
    },
  },
  "household-vl": {
    models: /household-?vl/,
    source: "documentation of its training (docs/models.md): four pictures of the clip alone, one prompt",
    thinks: false,
    thinking: never,
    sampling: {},
    picture: { each: 15 },
    frames: null,
    video: false,
    options: {
      model: { framesPerClip: 4, pictureTokens: 60, corrections: false },
      torch: { prefix: '{"description":"' },
      recipe: "household-vl",
    },
  },
  "qwen2.5-vl": {
    models: /qwen-?2\.5-?vl/,
    source: "model card of Qwen2.5-VL-7B-Instruct",
    thinks: false,
    thinking: never,
    sampling: {},
    picture: { side: 28 },
    frames: { width: 448, height: 252, multiple: 28 },
    video: true,
  },
  "qwen3-vl-thinking": {
    models: /qwen-?3-?vl.*thinking/,
    source: "model card of Qwen3-VL-30B-A3B-Thinking",
    thinks: true,
    thinking: always,
    sampling: { on: { temperature: 1, topP: 0.95, topK: 20, presencePenalty: 0 } },
    ...qwenVision,
  },
  "qwen3-vl": {
    models: /qwen-?3-?vl/,
    source: "model card of Qwen3-VL-30B-A3B-Instruct",
    thinks: false,
    thinking: never,
    sampling: { off: { temperature: 0.7, topP: 0.8, topK: 20, presencePenalty: 1.5 } },
    ...qwenVision,
  },
  "qwen3.5": {
    models: /qwen-?3\.5/,
    source: "model card of Qwen3.5-35B-A3B",
    thinks: true,
    thinking: byTemplate,
    sampling: { on: { ...qwenThinking, presencePenalty: 1.5 }, off: qwenDirect },
    ...qwenVision,
  },
  "qwen3.6": {
    models: /qwen-?3\.6/,
    source: "model card of Qwen3.6-27B",
    thinks: true,
    thinking: byTemplate,
    sampling: { on: qwenThinking, off: qwenDirect },
    ...qwenVision,
  },
  "qwen3.8": {
    models: /qwen-?3\.8/,
    source: "model card of Qwen3.8-27B",
    thinks: true,
    thinking: byTemplate,
    sampling: { on: qwenThinking, off: qwenDirect },
    ...qwenVision,
  },
  "gemma-3": {
    models: /gemma-?3(?!n)/,
    source: "model card of gemma-3-27b-it and its generation_config.json",
    thinks: false,
    thinking: never,
    sampling: { off: gemmaSampling },
    picture: { each: 256 },
    frames: null,
    video: false,
  },
  "gemma-4": {
    models: /gemma-?4/,
    source: "model card of gemma-4-31B-it",
    thinks: false,
    thinking: byTemplate,
    sampling: { on: gemmaSampling, off: gemmaSampling },
    picture: { each: 280 },
    frames: null,
    video: true,
  },
  smolvlm: {
    models: /smolvlm/,
    source: "preprocessor_config.json of SmolVLM2-500M-Video-Instruct: 64 tokens for 12 tiles and the whole",
    thinks: false,
    thinking: never,
    sampling: {},
    picture: { each: 832 },
    frames: null,
    video: true,
  },
  internvl: {
    models: /internvl/,
    source: "model card of InternVL3_5-8B: 256 tokens for two tiles of a wide picture and the whole",
    thinks: false,
    thinking: never,
    sampling: {},
    picture: { each: 768 },
    frames: null,
    video: true,
  },
  "gpt-oss": {
    models: /gpt-oss/,
    source: "model card of gpt-oss-20b",
    thinks: true,
    thinking: { on: effort("medium"), off: null },
    sampling: { on: { temperature: 1, topP: 1 } },
    picture: null,
    frames: null,
    video: false,
  },
  "openai-gpt-5.1": {
    models: /(^|\/)gpt-5\.\d/,
    source: "OpenAI, Reasoning models: effort none from gpt-5.1 on, which is their default",
    thinks: false,
    thinking: { on: effort("medium"), off: effort("none") },
    sampling: {},
    picture: { each: 255 },
    frames: null,
    video: false,
  },
  "openai-reasoning": {
    models: /(^|\/)(gpt-5|o[134])(?![\w.])(?!-chat)/,
    source: "OpenAI, Reasoning models",
    thinks: true,
    thinking: { on: effort("medium"), off: null },
    sampling: {},
    picture: { each: 255 },
    frames: null,
    video: false,
  },
  openai: {
    models: /(^|\/)(gpt-4|gpt-5-chat|chatgpt)/,
    source: "OpenAI, Images and vision",
    thinks: false,
    thinking: never,
    sampling: {},
    picture: { each: 255 },
    frames: null,
    video: false,
  },
  "gemini-2.5-flash": {
    models: /gemini-2\.5-flash/,
    source: "Gemini API, OpenAI compatibility",
    thinks: true,
    thinking: { on: effort("medium"), off: effort("none") },
    sampling: {},
    picture: { each: 258 },
    frames: null,
    video: false,
  },
  "gemini-2.5-pro": {
    models: /gemini-2\.5-pro/,
    source: "Gemini API, OpenAI compatibility",
    thinks: true,
    thinking: always,
    sampling: {},
    picture: { each: 258 },
    frames: null,
    video: false,
  },
  gemini: {
    models: /gemini-[3-9]/,
    source: "Gemini API, OpenAI compatibility, and Gemini 3 developer guide: temperature 1",
    thinks: true,
    thinking: always,
    sampling: { on: { temperature: 1 } },
    picture: { each: 1120 },
    frames: null,
    video: false,
  },
  claude: {
    models: /(^|\/)claude/,
    source: "Claude API, OpenAI SDK compatibility: thinking goes with temperature 1",
    thinks: false,
    thinking: { on: { thinking: { type: "enabled", budget_tokens: 1024 } }, off: {} },
    sampling: { on: { temperature: 1 } },
    picture: { side: 28 },
    frames: null,
    video: false,
  },
} as const satisfies Record<string, Preset>;

/** The name of a preset. */
export type PresetName = keyof typeof presets;

/** The names of all presets. */
export const presetNames = Object.keys(presets) as PresetName[];

/** The preset with this name; `null` for `none` or none. @throws RangeError for an unknown name */
export function presetNamed(name: string | null | undefined): Preset | null {
  if (name === null || name === undefined || name === "none") return null;
  if (Object.hasOwn(presets, name)) return presets[name as PresetName];
  throw new RangeError(`Expected a preset (${presetNames.join(", ")}) or none, got ${name}`);
}

/** The name of the preset that a model's name tells, or `null`: `Qwen/Qwen3-VL-8B-Instruct` → `qwen3-vl`. */
export function presetOfModel(model: string): PresetName | null {
  const written = model.toLowerCase().replace(/[_ ]/g, "-");
  return presetNames.find((name) => (presets[name] as Preset).models?.test(written)) ?? null;
}

/** Servers that are told to think in their own way, whatever the model. */
const servers: readonly {
  readonly is: (url: URL) => boolean;
  readonly fields: (on: boolean) => Fields;
}[] = [
  {
    is: ({ hostname }) => /(^|\.)openrouter\.ai$/.test(hostname),
    fields: (on) => ({ reasoning: { enabled: on } }),
  },
  {
    // Ollama does not read `chat_template_kwargs`.
    is: ({ hostname, port }) => port === "11434" || /(^|\.)ollama\.com$/.test(hostname),
    fields: (on) => effort(on ? "medium" : "none"),
  },
];

/**
 * The fields that tell a model to think or not to; `null` where it cannot be told.
 * @param preset `null` for an unknown model, which is told as most chat templates are
 */
export function thinkingFields(preset: Preset | null, baseUrl: string, on: boolean): Fields | null {
  const fields = (preset?.thinking ?? byTemplate)[on ? "on" : "off"];
  if (fields === null || Object.keys(fields).length === 0) return fields;
  const server = servers.find(({ is }) => is(new URL(baseUrl)));
  return server ? server.fields(on) : fields;
}

/** Estimated tokens of a picture of this size; `null` for a model that sees none. */
export function pictureTokens(
  { picture }: Pick<Preset, "picture">,
  { width, height }: { readonly width: number; readonly height: number },
): number | null {
  if (picture === null) return null;
  if ("each" in picture) return picture.each;
  return Math.ceil(width / picture.side) * Math.ceil(height / picture.side);
}
