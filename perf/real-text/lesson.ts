/** A lesson: rollouts of the windows that speak of a kind, pairs by its five questions, and the vector they train. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { adapterNorm } from "../../src/adapter/arithmetic.ts";
import { wordSpace } from "../../src/engines/local/index.ts";
import { type TorchEngine, type TorchSample, torchAdapterSpace } from "../../src/engines/torch/index.ts";
import { DataError } from "../../src/errors.ts";
import { trainableLines } from "../../src/policies/model/line-policy.ts";
import type { ModelPhaseTwoRecipe } from "../../src/policies/model/recipes.ts";
import { agreeingBlock, blockAt } from "../../src/policies/model/steered-place.ts";
import { generalQuestions } from "../../src/reward/general-questions.ts";
import { type Judge, localJudge } from "../../src/reward/index.ts";
import {
  learnPairs,
  type PreferredPairs,
  preferredPairs,
  rollOut,
  wholeSteps,
} from "../../src/training/phase-two.ts";
import { openPhaseTwoRun } from "../../src/training/phase-two-run.ts";
import { seededRandom, shuffle } from "../../src/util/random.ts";
import { lineContext, trainableCopying } from "./copying-policy.ts";
import { type Kind, kinds } from "./kinds.ts";
import type { Arm, Results } from "./results.ts";
import type { Week } from "./windows.ts";

/** Says what is true, and knows words alone. */
export const mechanical = localJudge({ words: wordSpace });
/** Requests that are drawn for together. */
export const concurrency = 12;

/** A recipe of the library with what the flags change of it, and a name that tells both. */
export interface Recipe extends ModelPhaseTwoRecipe {
  readonly name: string;
}

/** A vector as it is kept, with where it is added. */
export interface Trained {
  readonly space: string;
  readonly values: readonly number[];
}

/** What a lesson is of. */
export interface Lesson {
  readonly week: Week;
  readonly kind: Kind;
  readonly seed: number;
  readonly recipe: Recipe;
  readonly how: Arm["how"];
}

/** What lessons run with. */
export interface LessonPlace {
  readonly engine: TorchEngine;
  readonly judge: Judge;
  /** Where figures go, and the folder where rollouts and vectors are kept. */
  readonly results: Results;
  readonly out: string;
}

/** Trains a kind's vector, unless it is there, and keeps it. */
export async function learnKind(place: LessonPlace, asked: Lesson): Promise<Trained> {
  const { engine, judge, results, out } = place;
  const { week, kind, seed, recipe, how } = asked;
  const path = `${pathOf(out, "lesson", how, week.wearer, kind.name, seed, recipe.name)}.json`;
  if (existsSync(path)) return JSON.parse(readFileSync(path, "utf8"));
  const { pairs: take, judge: judging, dpo, tokenMargin, rate, length, at } = recipe;
  const cpu = async () => Number((await engine.stats()).cpuSeconds);
  const lap = (since: number) => (performance.now() - since) / 1000;
  const [cpuBefore, began] = [await cpu(), performance.now()];

  await engine.steerAt(recipe.block === "agree" ? engine.about.block : blockAt(recipe.block, engine), at);
  const { trainer, cache } = await drawnFor(place, asked);
  const beforePairs = performance.now();
  const tasks = kind.taught.map((question) => ({ question }));
  const preferred = await preferredPairs(cache, tasks, {
    ...{ judge, seed: String(seed), tokenMargin, take, concurrency },
    others: judging === "contrast" ? generalQuestions : [],
  });
  if (preferred.pairs.length === 0) {
    const what = `Expected pairs to learn ${kind.name} from, but the encoder prefers no memory of ${cache.length} contexts`;
    throw new DataError(
      "no-pairs",
      `${what}. Take more --contexts, or an encoder that tells texts further apart.`,
    );
  }
  if (recipe.block === "agree") {
    const { block } = await agreeingBlock(engine, samplePairs(preferred), at);
    await engine.steerAt(block, at);
  }
  const beforePasses = await cpu();
  const passSeconds = await wholePass(engine, preferred);
  const passes = (await cpu()) - beforePasses;
  const prompts = [...new Set(preferred.pairs.map(({ chosen }) => chosen.sample.prompt))];
  const { mean } = await engine.streamNorm(prompts.slice(0, 16));
  const reach = wholeSteps(dpo.steps, dpo.decay) * Math.sqrt(engine.about.width);
  const learningRate = "learningRate" in rate ? rate.learningRate : (rate.share * mean) / reach;
  const beforeSteps = performance.now();
  const { adapter, curve, pairs } = await learnPairs(trainer, preferred, {
    ...{ seed: String(seed), dpo: { ...dpo, learningRate } },
    ...(length && { length: "share" in length ? { norm: length.share * mean } : length }),
  });
  const training = lap(beforeSteps);
  const quarter = Math.max(1, Math.floor(curve.length / 4));
  const meanLoss = (some: typeof curve) => some.reduce((sum, { loss }) => sum + loss, 0) / some.length;
  results.addLesson({
    lesson: { wearer: week.wearer, by: "vector", kind: kind.name, seed, recipe: recipe.name },
    ...{ contexts: cache.length, pairs, steps: curve.length, block: engine.about.block },
    loss: [meanLoss(curve.slice(0, quarter)), meanLoss(curve.slice(-quarter))],
    share: (adapterNorm(adapter) ?? 0) / mean,
    seconds: { rollouts: (beforePairs - began) / 1000, pairs: (beforeSteps - beforePairs) / 1000, training },
    worker: { cpuSeconds: (await cpu()) - cpuBefore - passes, passSeconds, bytes: largestChild() },
    load: loadavg()[1]!,
  });
  console.error(`${week.wearer} ${kind.name} ${seed}: ${pairs} pairs, ${lap(began).toFixed(0)} s`);
  const trained = { space: torchAdapterSpace(engine), values: [...(await engine.snapshot())] };
  writeFileSync(path, JSON.stringify(trained));
  return trained;
}

function pathOf(out: string, ...parts: readonly (string | number)[]): string {
  return join(out, parts.join("-").replace(/[^\w-]+/g, "_"));
}

/** Memories of windows that speak of the kind; those that another lesson of the seed drew are not drawn again. */
async function drawnFor({ engine, out }: LessonPlace, { week, kind, seed, recipe, how }: Lesson) {
  const { wearer, train } = week;
  const { contexts, samples, lines } = recipe;
  // Windows of many kinds first: their rollouts serve several lessons.
  const ordered = shuffle(seededRandom(`${wearer} ${seed}`), train).sort(
    (a, b) => b.kinds.length - a.kinds.length,
  );
  const taken = ordered.filter((window) => window.kinds.includes(kind.name)).slice(0, contexts);
  const questions = kinds.flatMap(({ taught }) => taught);
  const config = { model: engine.about.model, wearer, seed, samples, lines, questions };
  const openRollouts = () =>
    openPhaseTwoRun(pathOf(out, "rollouts", how, wearer, seed, samples, lines), config);
  const { countTokens } = wordSpace;
  const trainable = how === "line" ? trainableLines(engine, { countTokens }) : trainableCopying(engine);
  const cache = await rollOut(
    trainable,
    taken.map(({ id, observation }) => ({ id, context: lineContext(observation) })),
    {
      ...{ samples, lines, seed: String(seed), countTokens, run: openRollouts(), concurrency },
      quality: { judge: mechanical, score: { countTokens, form: "statements", questions } },
    },
  );
  return { trainer: trainable.trainer, cache };
}

function samplePairs({ pairs }: PreferredPairs<TorchSample>) {
  return pairs.map(({ context, chosen, rejected }) => ({
    ...{ context, chosen: chosen.sample, rejected: rejected.sample },
  }));
}

/**
 * Processor seconds of the worker for a pass forward and backward through the whole model over four pairs of four contexts,
 * nothing of it kept: what a lesson's seconds are compared with on another machine. The second of two passes.
 */
async function wholePass(engine: TorchEngine, { pairs }: PreferredPairs<TorchSample>): Promise<number> {
  const ofContexts = [...Map.groupBy(pairs, ({ context }) => context).values()].slice(0, 4);
  const samples = ofContexts.flatMap(([pair]) => [pair!.chosen.sample, pair!.rejected.sample]);
  const weights = samples.map(({ ids }) => new Float32Array(ids.length).fill(1));
  let seconds = 0;
  for (const _ of [1, 2]) {
    const before = Number((await engine.stats()).cpuSeconds);
    await engine.accumulate(samples, weights, { kept: false });
    seconds = Number((await engine.stats()).cpuSeconds) - before;
    await engine.reset();
  }
  return seconds;
}

/** The largest resident set that a child of this process has had, in bytes; 0 where /proc does not tell. */
function largestChild(): number {
  const tasks = "/proc/self/task";
  if (!existsSync(tasks)) return 0;
  const children = readdirSync(tasks).flatMap((task) =>
    readFileSync(join(tasks, task, "children"), "utf8")
      .split(" ")
      .filter(Boolean),
  );
  const sizes = children.map((pid) => {
    const [, kilobytes = "0"] = /VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return 1024 * Number(kilobytes);
  });
  return Math.max(0, ...sizes);
}
