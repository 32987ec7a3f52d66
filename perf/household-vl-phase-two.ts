/**
 * How long Phase Two of household-VL should train, and what: prints Markdown.
 *
 * From the same pairs of five questions of a kind 40 steps train the adapter, and all weights of the model. What is tried
 * is written of held-out films, each clip behind the memories that Phase One wrote without a lesson: by the judge of words it
 * wins or loses against that policy's own memory, and the household's truth says whether it is true and new. Lessons are by the
 * same judges. The rate falls over the steps, so that ten of 40 are not a run of ten. The adapter that ships is the one of 40
 * steps at the strength that gains most on clips of its own. All weights are trained at Phase One's rate. Phase One is the first
 * of a run of `perf/household-vl.ts`, trained where it is not there. One seed; means over the kinds. The household is a toy with a
 * small closed language.
 *
 * `node perf/household-vl-phase-two.ts [--films 16] [--kinds place,…] [--runs DIR] [--household-vl runs/household-vl-two-by-two]`;
 * needs ffmpeg and what `taskmem train setup` installs. A run that was stopped continues with the next kind.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { VectorAdapter } from "../src/adapter/adapter.ts";
import { adapterNorm, rescaleAdapter } from "../src/adapter/arithmetic.ts";
import { wordSpace } from "../src/engines/local/index.ts";
import { torchModel } from "../src/engines/torch/index.ts";
import type { FactKind } from "../src/household/index.ts";
import { measuredEpisodes } from "../src/household/splits.ts";
import { lessonContexts } from "../src/policies/model/lesson-contexts.ts";
import { modelPolicy } from "../src/policies/model/model-policy.ts";
import { modelPhaseOneRecipes } from "../src/policies/model/phase-one-recipe.ts";
import { modelPhaseTwoRecipeNamed } from "../src/policies/model/recipes.ts";
import { learningRate, measured } from "../src/policies/model/torch-adapter-trainer.ts";
import { torchPhaseOnePolicy, torchPolicy, trainableTorch } from "../src/policies/model/torch-policy.ts";
import { TorchVectorTrainer } from "../src/policies/model/torch-trainer.ts";
import { evenlySpaced } from "../src/policy/pictures.ts";
import type { Policy } from "../src/policy/policy.ts";
import { preferredPairs, rollOut, trainOnPairs } from "../src/training/phase-two.ts";
import { tryStrengths } from "../src/training/strength.ts";
import {
  concurrency,
  householdVlRun,
  lessonStreams,
  openHouseholdVl,
  silentFilms,
  trainedPhaseOne,
} from "./household-vl-model.ts";
import {
  afterEachStep,
  curveOf,
  keptLesson,
  type Lesson,
  lessonQuestions,
  printLessons,
  steps,
  type Tried,
  trialFlags,
  trialsOn,
  triedAfter,
  truthAndWords,
} from "./phase-two-trials.ts";

const flags = trialFlags(join("runs", "household-vl-phase-two"), { "household-vl": householdVlRun });
const { count, kinds, runs } = flags;
const { countTokens } = wordSpace;
const recipe = modelPhaseTwoRecipeNamed("household-vl");
const { block, at } = recipe;
const phaseOne = modelPhaseOneRecipes["household-vl"];
/** Of the draws, as the first lessons of `perf/household-vl.ts`. */
const seed = "0";
const began = performance.now();
const tell = (what: string) => console.error(`${Math.round((performance.now() - began) / 1000)} s  ${what}`);

const { weights } = trainedPhaseOne(flags["household-vl"]);
const { engine, policy } = await openHouseholdVl(weights, { kind: "vector", block: block as number, at });
const base = torchPolicy(engine, null, policy);

/** What every lesson is tried on and trained from; made where a kind's figures are not there yet. */
async function prepare() {
  const { truthOf, streams } = await lessonStreams();
  const judge = truthAndWords(truthOf);
  const score = { countTokens, form: "description" as const };
  const { earlier, between } = await lessonContexts(base, streams, { ...recipe, concurrency });
  const cache = await rollOut(trainableTorch(engine, policy), earlier, {
    ...{ samples: recipe.samples, seed, countTokens, concurrency, quality: { judge, score } },
  });
  tell(`${cache.length} contexts of lessons`);
  const films = await silentFilms({
    ...{ ...measuredEpisodes.benchmark, films: count, clips: 6, questionsPerKind: 5 },
  });
  const trials = await trialsOn(films, base, concurrency);
  tell(`${trials.films.length} clips of films`);
  return { judge, score, between, cache, trials };
}
let prepared: ReturnType<typeof prepare> | null = null;

/** Trains and tries everything on five questions of a kind. */
async function lessonOf(kind: FactKind): Promise<Lesson> {
  prepared ??= prepare();
  const { judge, score, between, cache, trials } = await prepared;
  const tasks = lessonQuestions(kind).map(({ text, options }) => ({ question: { text, options } }));
  const questions = tasks.map(({ question }) => question);
  const { pairs } = await preferredPairs(cache, tasks, {
    ...{ judge, seed, tokenMargin: recipe.tokenMargin, take: recipe.pairs, concurrency },
  });
  const samples = pairs.map(({ context, chosen, rejected }) => ({
    ...{ context, chosen: chosen.sample, rejected: rejected.sample },
  }));
  const tried: Record<string, Tried> = { itself: await trials.itself(questions) };
  const tryOut = async (name: string, one: Policy) => {
    tried[name] = await trials.tried(await trials.written(one), questions);
    tell(`${kind}, ${name}`);
  };

  await engine.reset();
  const prompts = [...new Set(samples.map(({ chosen }) => chosen.prompt))];
  const stream = (await engine.streamNorm(evenlySpaced(prompts, measured))).mean;
  const vector = new TorchVectorTrainer(engine);
  const snapshots: VectorAdapter[] = [];
  const keeping = afterEachStep(vector, async () => {
    snapshots.push(await vector.snapshot());
  });
  const rate = learningRate(recipe, stream, engine.about.width);
  await trainOnPairs(keeping, samples, { ...recipe.dpo, steps, learningRate: rate, seed });
  const adapted = (adapter: VectorAdapter) => torchPolicy(engine, adapter, policy);
  for (const step of triedAfter) await tryOut(`adapter ${step}`, adapted(snapshots[step - 1]!));

  const trained = snapshots.at(-1)!;
  await tryOut("adapter 10 as long", adapted(rescaleAdapter(snapshots[9]!, adapterNorm(trained))));
  const scaled = (scale: number) => adapted(rescaleAdapter(trained, scale * adapterNorm(trained)));
  const contexts = between.map(({ context }) => context);
  const { scale } = await tryStrengths(base, scaled, contexts, tasks, {
    ...{ judge, score: { ...score, questions }, seed, concurrency },
    ...{ scales: recipe.strengths, tokenRatio: recipe.margins.tokenRatio },
  });
  tell(`${kind}: strength ${scale}`);
  await tryOut("adapter at its strength", scale === 0 ? base : scaled(scale));

  await trainAll(cache, samples, async (step, one) => {
    if (step === 10 || step === steps) await tryOut(`all ${step}`, one);
  });
  return { pairs: pairs.length, films: trials.films, curve: curveOf(snapshots), tried };
}

/** Trains all weights on the pairs in an engine of its own, and gives the policy that they are after each step. */
async function trainAll(
  cache: Awaited<ReturnType<typeof prepare>>["cache"],
  samples: Parameters<typeof trainOnPairs<{ prompt: string; ids: Int32Array }>>[1],
  work: (step: number, policy: Policy) => Promise<void>,
): Promise<void> {
  const { engine: whole, policy: options } = await openHouseholdVl(weights, { kind: "all" });
  try {
    const { trainer, sampleOf } = torchPhaseOnePolicy(whole, join(runs, "all"), options);
    // A prompt has the same name in every engine, and is known where it was named.
    const unwritten = { text: "", statements: [], logprobs: null, revision: "", issues: [] };
    for (const { context } of cache) await sampleOf(context, unwritten);
    const model = torchModel(whole, { ...options.prompting, trained: true });
    const writing = modelPolicy({ ...options, model });
    const trying = afterEachStep(trainer, (step) => work(step, writing));
    await trainOnPairs(trying, samples, {
      ...{ ...recipe.dpo, steps, seed, learningRate: phaseOne.learningRate.all },
      maxGradientNorm: phaseOne.config.maxGradientNorm,
    });
  } finally {
    whole.close();
  }
}

const lessons: Lesson[] = [];
try {
  const folder = join(runs, `${engine.about.model}-${count}`);
  mkdirSync(folder, { recursive: true });
  for (const kind of kinds)
    lessons.push(await keptLesson(join(folder, `${kind}.json`), () => lessonOf(kind)));
} finally {
  engine.close();
}
printLessons(lessons, {
  ...{ count, kinds },
  named: {
    "Phase One, against itself": "itself",
    "adapter, 10 steps": "adapter 10",
    "adapter, 10 steps, as long as after 40": "adapter 10 as long",
    "adapter, 40 steps": "adapter 40",
    "adapter, 40 steps, at its strength (ships)": "adapter at its strength",
    "all weights, 10 steps": "all 10",
    "all weights, 40 steps": "all 40",
  },
});
