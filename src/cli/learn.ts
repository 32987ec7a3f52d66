/** Shared by `adapt run` and `train phase-two`: flags of a lesson, how far it is, and what came of it. */
import { join } from "node:path";
import type { AdapterWord } from "../adapter/adapter.ts";
import type { Config } from "../config.ts";
import { ConfigError } from "../errors.ts";
import { type RecipeOptions, recipeOf } from "../policies/model/recipe-options.ts";
import {
  type ModelPhaseTwoRecipe,
  modelPhaseTwoRecipeNamed,
  type PhaseTwoKind,
  phaseTwoKinds,
  recipeOfKind,
} from "../policies/model/recipes.ts";
import type { LearnOptions } from "../taskmem/learning.ts";
import type { TaskMem } from "../taskmem.ts";
import type { AdapterResult } from "../training/train-adapter.ts";
import { flagOf, judgeFlags } from "./flags.ts";
import type { Invocation } from "./invocation.ts";
import { counted, type Output } from "./output.ts";
import { showTraining } from "./progress.ts";

/** How many of the words an adapter weighs are told. */
export const wordsShown = 12;

interface LearnFlags extends RecipeFlags {
  readonly method?: string;
  readonly judge?: unknown;
  readonly judgeModel?: unknown;
  readonly run?: string;
  readonly seed?: string;
}

/** Flags of the model policy's recipe, and what they change of it. */
interface RecipeFlags {
  readonly recipe?: string;
  readonly kind?: string;
  readonly learningRate?: string;
  readonly tokens?: string;
  readonly block?: string;
  readonly contexts?: number;
  readonly heldOut?: number;
  readonly rollouts?: number;
  readonly steps?: number;
}

/** How to learn as the flags say, over what the configuration does. @throws ConfigError for a flag with a wrong value */
export function lessonOf(
  { output, options, signal }: Pick<Invocation, "output" | "options" | "signal">,
  { adapt }: Pick<Config, "adapt">,
): LearnOptions {
  const { method, run, seed, judge, judgeModel, ...recipe } = options as LearnFlags;
  return {
    ...{ method: methodOf(method), ...judgeFlags({ judge, judgeModel }), run, seed, signal },
    ...{ recipe: changedRecipe(recipe, adapt.recipe), onTraining: showTraining(output) },
  };
}

/** Learns, and tells the result. */
export async function learnAndTell(memory: TaskMem, output: Output, lesson: LearnOptions): Promise<void> {
  const result = await memory.learn(lesson);
  output.progress("");
  output.object(adaptEnd(result));
  printResult(output, result);
  if (result.run === null) return;
  output.text(output.dim(`learning curve: ${join(result.run, "curves.html")}`));
  if (result.id !== null) output.text(output.dim(`adapter:        ${join(result.run, "adapter.json")}`));
}

function methodOf(method: string | undefined): "closed-form" | "preferences" {
  if (method === undefined || method === "closed-form") return "closed-form";
  if (method === "preferences") return method;
  throw new ConfigError(
    "method-unknown",
    `Expected --method to be closed-form or preferences, got ${method}`,
  );
}

/** The recipe that flags name, with what they change of it; `undefined` where they say nothing. */
function changedRecipe(
  flags: RecipeFlags,
  configured: RecipeOptions | undefined,
): ModelPhaseTwoRecipe | undefined {
  const { recipe, kind, learningRate, tokens, block, contexts, heldOut, rollouts, steps } = flags;
  const given = [recipe, kind, learningRate, tokens, block, contexts, heldOut, rollouts, steps];
  if (given.every((flag) => flag === undefined)) return undefined;
  for (const [name, n] of Object.entries({ contexts, heldOut, rollouts, steps })) {
    const least = name === "rollouts" ? 2 : 1;
    if (n !== undefined && n < least)
      throw new ConfigError("number-invalid", `Expected ${flagOf(name)} to be ${least} or more, got ${n}`);
  }
  if (tokens !== undefined && tokens !== "all" && tokens !== "answer")
    throw new ConfigError("flags-invalid", `Expected --tokens to be all or answer, got ${tokens}`);
  const known = recipe === undefined ? recipeOf(configured) : modelPhaseTwoRecipeNamed(recipe);
  const named = kind === undefined ? known : recipeOfKind(known, kindOf(kind));
  if (named.kind !== "vector" && tokens === "answer")
    throw new ConfigError(
      "flags-invalid",
      `A LoRA stands at all tokens, got --tokens answer for ${named.kind}: leave one of them out`,
    );
  if (named.kind === "lora" && block !== undefined)
    throw new ConfigError(
      "flags-invalid",
      `The matrices of lora stand beside every block, got --block ${block}: leave it out, or train rank-one`,
    );
  return {
    ...named,
    ...(learningRate !== undefined && { rate: { learningRate: rateOf(learningRate) } }),
    ...(tokens !== undefined && { at: tokens }),
    ...(block !== undefined && { block: blockOf(block) }),
    ...(contexts !== undefined && { contexts }),
    ...(heldOut !== undefined && { heldOut }),
    ...(rollouts !== undefined && { samples: rollouts }),
    ...(steps !== undefined && { dpo: { ...named.dpo, steps } }),
  };
}

function kindOf(text: string): PhaseTwoKind {
  const kind = phaseTwoKinds.find((one) => one === text);
  if (kind) return kind;
  throw new ConfigError(
    "flags-invalid",
    `Expected --kind to be ${phaseTwoKinds.join(", ")}, got ${text}: all weights are trained by \`taskmem train phase-one --kind all\``,
  );
}

function rateOf(text: string): number {
  const rate = Number(text);
  if (rate > 0 && Number.isFinite(rate)) return rate;
  throw new ConfigError("number-invalid", `Expected --learning-rate to be a number above 0, got ${text}`);
}

/** `agree`, the number of a block, or a share of the depth such as 0.47. */
function blockOf(text: string): ModelPhaseTwoRecipe["block"] {
  if (text === "agree") return text;
  const number = Number(text);
  if (/^\d+$/.test(text)) return number;
  if (number > 0 && number < 1) return { share: number };
  throw new ConfigError(
    "flags-invalid",
    `Expected --block to be agree, the number of a block, or a share of the depth between 0 and 1, got ${text}`,
  );
}

/** Words and their weights in a line. */
export const shownWords = (words: readonly AdapterWord[]) =>
  words.map(({ word, weight }) => `${word} ${weight.toFixed(1)}`).join(", ");

/** The result of learning, as the object that `adapt run --json` prints. */
export function adaptEnd({ words: learnt, ...result }: AdapterResult) {
  return { event: "adapt-end", ...result, learnt };
}

/** What a training found out for itself, in a line or two. */
function foundLines({ found, pairs, steps }: AdapterResult): string[] {
  if (found === undefined) return [];
  const { kind, numbers, rate, block, tokens, agreement, strength, streamShare } = found;
  const short = (value: number | string) => Number(Number(value).toPrecision(2));
  const where =
    block === undefined
      ? "beside every block"
      : `behind block ${block}${agreement === undefined ? "" : ` (halves of the pairs agree by ${short(agreement)})`}, at ${tokens === "answer" ? "the answer's tokens" : "all tokens"}`;
  const share =
    streamShare === undefined ? "" : `, ${Math.round(100 * Number(streamShare))} % as long as the stream`;
  const how = strength === undefined ? "" : `strength ${short(strength)}${share}`;
  return [
    `trained ${kind === "lora" ? "a LoRA" : kind === "rank-one" ? "a LoRA of rank one" : "a vector"} of ${numbers} numbers ${where}`,
    `on ${counted(pairs, "pair")} in ${counted(steps, "step")}, rate ${short(rate ?? 0)}${how === "" ? "" : `; ${how}`}`,
  ];
}

/** Prints the result of learning for people. */
export function printResult(output: Output, report: AdapterResult): void {
  const percent = (share: number) => `${Math.round(100 * share)} %`;
  if (report.words.length > 0) {
    output.text(`learned to care about ${shownWords(report.words.slice(0, wordsShown))}`);
  }
  if (report.adapter !== null) {
    const { heldOut, winRate, lossRate, accuracyBefore, accuracyAfter, evidenceBefore, evidenceAfter } =
      report;
    const tried =
      report.triedOn === "questions"
        ? `${heldOut} questions it was not trained on: answered ${percent(accuracyBefore)} before, ${percent(accuracyAfter)} after; of their evidence kept ${percent(evidenceBefore)} before, ${percent(evidenceAfter)} after`
        : `${heldOut} clips it was not trained on: the better memory in ${percent(winRate)}, the worse in ${percent(lossRate)}`;
    const truth =
      report.graded > 0
        ? `; true ${percent(report.fidelityBefore)} before, ${percent(report.fidelityAfter)} after`
        : "";
    output.text(
      output.dim(
        `tried on ${tried}${truth}; memories ${report.tokenRatio.toFixed(2)} × as long; repeats ${percent(report.redundancyBefore)} before, ${percent(report.redundancyAfter)} after`,
      ),
    );
  }
  for (const line of foundLines(report)) output.text(output.dim(line));
  if (report.refusedClips > 0) {
    output.text(
      output.dim(`the model refused to write about ${report.refusedClips} clips: they were left out`),
    );
  }
  output.text(`${output.bold(report.activated ? "active" : "not active")}: ${report.reason}`);
}
