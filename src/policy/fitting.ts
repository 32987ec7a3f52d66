/**
 * What a model is shown of a window that is longer than its context.
 *
 * Less comes in steps. First half of the frames, those of older clips before those of the decided one, down to its last
 * (`framesShown`); then none, if something was said or read in the clip. Then half of the memories and half of the lines,
 * the newest kept. What is left out this way is said in a sentence: nothing is missing in silence.
 */
import { EngineError } from "../errors.ts";
import { sourceTexts } from "../perception/observation.ts";
import { framesShown, frameTokens } from "./pictures.ts";
import type { Context } from "./policy.ts";
import {
  linesShown,
  memoryInstructions,
  memoryPrompt,
  mostStreamTokens,
  type PromptOptions,
  showsPictures,
} from "./prompts.ts";

/** A context, and how much of it a prompt shows. */
export interface Shown {
  readonly context: Context;
  readonly options: PromptOptions;
}

/** Fewest tokens of lines that a prompt is cut to. */
const fewestStreamTokens = 100;
/** Room that is left for the answer: a memory is shorter, and a model that thinks gets what there is. */
const answerTokens = 400;

/** The most of `shown` that is estimated to leave room for an answer in a context of so many tokens. */
export function shownWithin(shown: Shown, contextTokens: number | null): Shown {
  return contextTokens === null ? shown : cutTo(shown, contextTokens - answerTokens);
}

/**
 * Less of `shown`, which overflowed a model's context, by as much as the model's server says is too much.
 * @throws the error where nothing more can be left out, and any that is no `context-overflow`
 */
export function lessAfter(error: unknown, shown: Shown): Shown {
  const less = isOverflow(error) ? lessOf(shown) : null;
  if (less === null) throw error;
  const { needed, available } = (error as EngineError).details as { needed?: number; available?: number };
  return needed && available ? cutTo(less, (estimateOf(shown) * available) / needed) : less;
}

function isOverflow(error: unknown): error is EngineError {
  return error instanceof EngineError && error.code === "context-overflow";
}

/** Steps down until the prompt is estimated to have so many tokens, or nothing more can be left out. */
function cutTo(shown: Shown, tokens: number): Shown {
  for (let now = shown; ; ) {
    const less = estimateOf(now) > tokens ? lessOf(now) : null;
    if (less === null) return now;
    now = less;
  }
}

/** The next smaller step; `null` where nothing more can be left out. */
function lessOf(shown: Shown): Shown | null {
  return fewerFrames(shown) ?? withoutLastFrames(shown) ?? fewerTexts(shown);
}

function fewerFrames({ context, options }: Shown): Shown | null {
  const less = {
    context,
    options: { ...options, pictureTokens: Math.floor(pictureTokensOf({ context, options }) / 2) },
  };
  return framesOf(less).length < framesOf({ context, options }).length ? less : null;
}

function withoutLastFrames(shown: Shown): Shown | null {
  const hasTexts = shown.context.observations.some((observation) => sourceTexts(observation).length > 0);
  return hasTexts && framesOf(shown).length > 0 ? withoutFrames(shown) : null;
}

function fewerTexts({ context, options }: Shown): Shown | null {
  const { entries } = context.recent;
  const { streamTokens = mostStreamTokens } = options;
  if (entries.length === 0 && streamTokens <= fewestStreamTokens) return null;
  const kept = Math.floor(entries.length / 2);
  const recent = { ...context.recent, entries: kept === 0 ? [] : entries.slice(-kept) };
  return {
    context: { ...context, recent },
    options: { ...options, streamTokens: Math.max(fewestStreamTokens, Math.floor(streamTokens / 2)) },
  };
}

/** The same without any picture, for a model that sees none. */
export function withoutFrames({ context, options }: Shown): Shown {
  const blind = (observations: Context["observations"]) =>
    observations.map((observation) => ({ ...observation, frames: [] }));
  const recent = { ...context.recent, observations: blind(context.recent.observations) };
  return { context: { ...context, observations: blind(context.observations), recent }, options };
}

/** What a prompt leaves out of what it should show, such as `31 of 50 frames and 2 of 4 memories`; `null` for nothing. */
export function leftOutOf(full: Shown, shown: Shown): string | null {
  const counts = [full, shown].map((one) => [
    framesOf(one).length,
    one.context.recent.entries.length,
    linesShown(one.context, one.options),
  ]);
  const parts = ["frames", "memories", "lines"].flatMap((name, i) => {
    const [all, kept] = [counts[0]![i]!, counts[1]![i]!];
    return kept < all ? [`${all - kept} of ${all} ${name}`] : [];
  });
  const last = parts.pop();
  if (last === undefined) return null;
  return parts.length === 0 ? last : `${parts.join(", ")} and ${last}`;
}

function framesOf({ context, options }: Shown) {
  const { recent, observations } = context;
  return framesShown([...recent.observations, ...observations], options, observations.length).flat();
}

function pictureTokensOf(shown: Shown): number {
  const { tokensPerFrame } = shown.options;
  return framesOf(shown).reduce((sum, frame) => sum + (tokensPerFrame ?? frameTokens(frame)), 0);
}

/** Estimated tokens of a prompt. Many tokenisers make a token of each digit, and moments are digits. */
function estimateOf(shown: Shown): number {
  const { context, options } = shown;
  const texts = memoryPrompt(context, options).flatMap((part) => (part.type === "text" ? [part.text] : []));
  const text = [memoryInstructions(showsPictures(context), options), ...texts].join("\n");
  return options.countTokens(text) + (text.match(/\d/g)?.length ?? 0) + pictureTokensOf(shown);
}
