/**
 * How long Phase Two of nano should train, and what: prints Markdown.
 *
 * From the same pairs of five questions of a kind, by the judge of words, 40 steps train the adapter, and 10 and 40 steps train
 * all weights of the transformer. What is tried is written of held-out films, each clip behind the memories that the policy
 * wrote without a lesson: by the judge of words it wins or loses against that policy's own memory, and the household's truth says
 * whether it is true and new. The adapter that ships is the one of ten steps at a quarter of the stream's length. One seed; means
 * over the kinds. The household is a toy with a small closed language.
 *
 * `node perf/phase-two-ablations.ts [--films 16] [--kinds place,…] [--runs DIR]`; needs ffmpeg. A run that was stopped continues with the next kind.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { VectorAdapter } from "../src/adapter/adapter.ts";
import { rescaleAdapter } from "../src/adapter/arithmetic.ts";
import { filmHousehold } from "../src/benchmarks/datasets/household/films.ts";
import { wordSpace } from "../src/engines/local/index.ts";
import { NanoModel, nanoPrograms, readNano } from "../src/engines/nano/nano-model.ts";
import { nanoConfig } from "../src/engines/nano/network.ts";
import { shippedWeights } from "../src/engines/nano/shipped.ts";
import type { FactKind } from "../src/household/index.ts";
import { measuredEpisodes } from "../src/household/splits.ts";
import {
  NanoWeightsTrainer,
  nanoAdapterTrainer,
  nanoPhaseOneRecipe,
  nanoPolicy,
  nanoVectorTrainer,
  nanoPhaseTwoRecipe as recipe,
} from "../src/policies/nano/index.ts";
import type { Policy } from "../src/policy/policy.ts";
import { preferredPairs, trainOnPairs } from "../src/training/phase-two.ts";
import {
  afterEachStep,
  byWords,
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
} from "./phase-two-trials.ts";

const { count, kinds, runs } = trialFlags(join("runs", "phase-two-ablations"));
const { countTokens } = wordSpace;
const path = shippedWeights("nano");
const { weights, checksum } = await readNano(path);
const programs = nanoPrograms(weights);
const model = new NanoModel(weights, checksum, programs);
const base = nanoPolicy(model, null, countTokens);

/** What every lesson is tried on and trained from; made where a kind's figures are not there yet. */
async function prepare() {
  const films = await filmHousehold({
    ...{ ...measuredEpisodes.benchmark, films: count, clips: 6, questionsPerKind: 5 },
  });
  return {
    trials: await trialsOn(films, base),
    cache: await nanoAdapterTrainer({ model, countTokens, judge: byWords }).cache(),
  };
}
let prepared: ReturnType<typeof prepare> | null = null;

/** Trains and tries everything on five questions of a kind. */
async function lessonOf(kind: FactKind): Promise<Lesson> {
  prepared ??= prepare();
  const { trials, cache } = await prepared;
  const tasks = lessonQuestions(kind).map(({ text, options }) => ({ question: { text, options } }));
  const questions = tasks.map(({ question }) => question);
  const { pairs } = await preferredPairs(cache, tasks, {
    ...{ judge: byWords, seed: "nano", tokenMargin: recipe.tokenMargin },
  });
  const samples = pairs.map(({ chosen, rejected }) => ({
    ...{ chosen: chosen.sample, rejected: rejected.sample },
  }));
  const tried: Record<string, Tried> = { itself: await trials.itself(questions) };
  const tryOut = async (name: string, policy: Policy) => {
    tried[name] = await trials.tried(await trials.written(policy), questions);
    console.error(`${kind}, ${name}: ${seconds()} s`);
  };

  const vector = nanoVectorTrainer(model);
  const snapshots: VectorAdapter[] = [];
  const keeping = afterEachStep(vector, async () => {
    snapshots.push(await vector.snapshot());
  });
  await trainOnPairs(keeping, samples, { ...recipe.dpo, steps, seed: "nano" });
  const adapted = (adapter: VectorAdapter) => nanoPolicy(model, adapter, countTokens);
  for (const step of triedAfter) await tryOut(`adapter ${step}`, adapted(snapshots[step - 1]!));
  const shown = cache.flatMap(({ candidates }) => candidates.map(({ sample }) => sample)).slice(0, 64);
  const norm = recipe.vectorShare * (await vector.streamNorm(shown));
  await tryOut("adapter 10 at its length", adapted(rescaleAdapter(snapshots[9]!, norm)));

  for (const step of [10, 40]) {
    const all = new NanoWeightsTrainer(nanoConfig, (await readNano(path)).weights, join(runs, "all"));
    await trainOnPairs(all, samples, {
      ...{ ...recipe.dpo, learningRate: nanoPhaseOneRecipe.config.learningRate },
      ...{ maxGradientNorm: nanoPhaseOneRecipe.config.maxGradientNorm, steps: step, seed: "nano" },
    });
    const trained = new NanoModel(all.weights, `all-${kind}-${step}`, programs);
    await tryOut(`all ${step}`, nanoPolicy(trained, null, countTokens));
  }
  return { pairs: pairs.length, films: trials.films, curve: curveOf(snapshots), tried };
}

const began = performance.now();
const seconds = () => Math.round((performance.now() - began) / 1000);

const folder = join(runs, `${checksum.slice(0, 12)}-${count}`);
mkdirSync(folder, { recursive: true });
const lessons: Lesson[] = [];
for (const kind of kinds) lessons.push(await keptLesson(join(folder, `${kind}.json`), () => lessonOf(kind)));
printLessons(lessons, {
  ...{ count, kinds },
  named: {
    "Phase One, against itself": "itself",
    "adapter, 10 steps, at its length (ships)": "adapter 10 at its length",
    "adapter, 40 steps": "adapter 40",
    "all weights, 10 steps": "all 10",
    "all weights, 40 steps": "all 40",
  },
});
