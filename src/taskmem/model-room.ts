/** Whether a model has room for the prompts of a set-up, and how long it takes for them. */
import { type Config, configuredPreset, policyName } from "../config.ts";
import { wordSpace } from "../engines/local/index.ts";
import { madeUpClip } from "../policies/model/form-probe.ts";
import { frameTokens } from "../policy/pictures.ts";
import { memoryInstructions, memoryPrompt } from "../policy/prompts.ts";
import { pictureTokens } from "../presets/presets.ts";
import { configuredTemplate } from "./assembly.ts";
import { broken, type Checked, type Finding, missing, ok, writesMemories } from "./check.ts";

/** Tokens that an answer needs: a memory, and the JSON around it. */
const answerTokens = 400;

/** Whether its context holds a prompt and a window's pictures, and whether it answers one request at a time. */
export function limitsFinding({ config, can }: Checked): Finding {
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
  const texts = memoryPrompt(madeUpClip([]), words).flatMap((part) =>
    part.type === "text" ? part.text : [],
  );
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

/** Tokens of a usual memory, and the JSON around it. */
const usualTokens = 80;

/** The speed of its answers so far, and how long a memory takes at that speed with the pictures of a whole window. */
export function speedFinding({ config, model, can }: Checked): Finding | null {
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
