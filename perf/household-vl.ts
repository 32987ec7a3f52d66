/**
 * household-VL before and after Phase One, with nothing, with five questions in its prompt, and with an adapter from them, on
 * films of the toy household: prints Markdown.
 *
 * Films are watched as the product perceives them from video, without captions, greedy, each clip behind the memories
 * written before. An adapter a kind is trained by the worker from memories of training films. Its judge is the household's,
 * which knows the truth. With `--sentences 1` all but the first sentence of each memory is dropped, so that
 * rows are about equally long; adapters are those of the run without it, where it was made. Seeds are of Phase One and of
 * lessons: other memories are drawn, and other pairs come first. Intervals draw films
 * and seeds. Memories, adapters and answers are kept in the run's folder, where a run that was stopped resumes.
 *
 * Phase One's weights are made first, by `taskmem train phase-one --policy model --model household-vl --kind all` under as many
 * seeds as lessons have, or as `--phase-one` says; with 0 its half of the table is left out. Needs ffmpeg and what
 * `taskmem train setup` installs.
 *
 * `node perf/household-vl.ts [--films 24] [--seeds 3] [--split held-out|validation] [--recipe household-vl]
 *    [--phase-one 3] [--sentences N] [--run runs/household-vl-two-by-two]`
 */
import { cpSync, existsSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  type HouseholdResult,
  type HouseholdRowName,
  householdBenchmark,
} from "../src/benchmarks/datasets/household/household.ts";
import { measureOf } from "../src/benchmarks/run/results.ts";
import { mean } from "../src/benchmarks/statistics.ts";
import { lexicalReader, wordSpace as words } from "../src/engines/local/index.ts";
import { factKinds } from "../src/household/index.ts";
import { choosingEpisodes, measuredEpisodes } from "../src/household/splits.ts";
import { modelPhaseTwoRecipeNamed } from "../src/policies/model/recipes.ts";
import { torchAdapterTrainer } from "../src/policies/model/torch-adapter-trainer.ts";
import { torchPolicy } from "../src/policies/model/torch-policy.ts";
import type { Policy } from "../src/policy/policy.ts";
import { taskSupplement } from "../src/policy/prompts.ts";
import { householdJudge } from "../src/reward/household-judge.ts";
import { sentencesOf } from "../src/reward/sentences.ts";
import { modelFolder } from "../src/taskmem/folder-model.ts";
import { sha256 } from "../src/util/hash.ts";
import {
  concurrency,
  householdVlRun,
  lessonStreams,
  openHouseholdVl,
  silentFilms,
  trainedPhaseOne,
} from "./household-vl-model.ts";
import { printTable, signed } from "./markdown.ts";
import { type Cell, difference, estimate } from "./real-text/intervals.ts";

const { values: given } = parseArgs({
  options: {
    films: { type: "string", default: "24" },
    seeds: { type: "string", default: "3" },
    split: { type: "string", default: "held-out" },
    recipe: { type: "string", default: "household-vl" },
    "phase-one": { type: "string" },
    sentences: { type: "string", default: "all" },
    run: { type: "string", default: householdVlRun },
  },
});
const [count, seeds] = [Number(given.films), Number(given.seeds)];
// The five questions of a kind are about the first film or two, whose memories stay as they were.
if (!(Number.isInteger(count) && count >= 3))
  throw new RangeError(`Expected --films to be a whole number from 3 up, got ${given.films}`);
if (!(Number.isInteger(seeds) && seeds >= 1))
  throw new RangeError(`Expected --seeds to be a whole number from 1 up, got ${given.seeds}`);
const splits = { "held-out": measuredEpisodes.benchmark, validation: choosingEpisodes.householdVl };
const episodes = splits[given.split as keyof typeof splits];
if (!episodes) throw new RangeError(`Expected --split to be held-out or validation, got ${given.split}`);
const recipe = modelPhaseTwoRecipeNamed(given.recipe);
const recipeId = sha256(JSON.stringify(recipe)).slice(0, 8);
const began = performance.now();
const tell = (what: string) => console.error(`${Math.round((performance.now() - began) / 1000)} s  ${what}`);

/** Most sentences that are kept of a memory. */
const sentences = given.sentences === "all" ? Infinity : Number(given.sentences);
if (!(sentences >= 1)) throw new RangeError(`Expected --sentences to be 1 or more, got ${given.sentences}`);

/** The folder of a model's weights under lessons of a seed. */
const folderOf = (weights: string, seed: number, kept = sentences) =>
  join(
    ...[given.run, `${given.split}-${count}${kept === Infinity ? "" : `-sentences-${kept}`}`],
    `${weights.replace(/\W+/g, "-")}-${recipeId}-${seed}`,
  );

const films = await silentFilms({ ...episodes, films: count, clips: 6, questionsPerKind: 5 });
tell(`${films.length} films`);
const { truthOf, streams } = await lessonStreams();

/** Tokens of the model that five questions of a kind take in its prompt, mean over the kinds. */
let questionTokens = 0;

/** What the folder's model does with nothing, with the prompt, and with adapters of a seed's lessons. */
async function threeOf(model: string, folder: string, seed: number): Promise<HouseholdResult> {
  const { engine, policy } = await openHouseholdVl(folder);
  try {
    const watched = new Map<string, string>();
    const trainer = torchAdapterTrainer({
      ...{ engine, policy, recipe, seed: String(seed), concurrency, watched },
      judge: householdJudge(truthOf),
    });
    const plain = torchPolicy(engine, null, policy);
    const supplements = factKinds.map((kind) => {
      const asked = films.flatMap(({ questions }) => questions.filter((question) => question.kind === kind));
      return taskSupplement(asked.slice(0, 5).map(({ text }) => text));
    });
    questionTokens = mean((await engine.encode(supplements)).map(({ ids }) => ids.length));
    const weights = `${model} ${engine.about.model}`;
    const directory = folderOf(weights, seed);
    // What was written without a lesson is the same under every seed.
    const [first, own] = [folderOf(weights, 0), directory].map((place) => join(place, "memories"));
    if (existsSync(first!) && !existsSync(own!)) cpSync(first!, own!, { recursive: true });
    const [whole, cut] = [folderOf(weights, seed, Infinity), directory].map((place) =>
      join(place, "adapters.json"),
    );
    if (existsSync(whole!) && !existsSync(cut!)) cpSync(whole!, cut!);
    const unadapted = shortened(plain);
    return await householdBenchmark({
      ...{ films, directory, concurrency, reader: lexicalReader({ words }), countTokens: words.countTokens },
      policies: {
        ...{ base: unadapted, takesSupplement: true, phaseOne: unadapted },
        adapted: (adapter) => shortened(torchPolicy(engine, adapter, policy)),
        learn: async (tasks) => {
          const asked = tasks.map(({ question }, i) => ({ ...unanswered, id: String(i), question }));
          const { adapter, problem, found } = await trainer.train(asked, streams);
          tell(`${problem ?? "an adapter"} ${JSON.stringify(found)}`);
          return problem === null ? adapter : null;
        },
      },
      onLearn: tell,
    });
  } finally {
    engine.close();
  }
}

/** The policy, of whose memories the first sentences are kept; later clips see those. */
function shortened(policy: Policy): Policy {
  if (sentences === Infinity) return policy;
  return {
    ...policy,
    decide: async (context, options) => {
      const { actions, cost } = await policy.decide(context, options);
      const shorter = actions.map((action) => ({
        ...action,
        statements: action.statements.map((statement) => ({
          ...statement,
          text: sentencesOf(statement.text).slice(0, sentences).join(" "),
        })),
      }));
      return { actions: shorter, cost };
    },
  };
}

/** A task of which only the question counts. */
const unanswered = {
  ...{ askedAtMs: 0, asOfSeconds: null, stream: null, answer: "", option: null, abstained: false },
  ...{ citations: [], reader: "none", feedback: null },
};

/** Names of a model's three rows: the last two are called after another model's in the benchmark. */
const ways = { "": "base", " + prompt": "base + task prompt", " + adapter": "TaskMem" } as const;
const runs = Number(given["phase-one"] ?? seeds);
if (!(Number.isInteger(runs) && runs >= 0))
  throw new RangeError(`Expected --phase-one to be a whole number from 0 up, got ${given["phase-one"]}`);
const phaseOne = Array.from({ length: runs }, (_, seed) => trainedPhaseOne(given.run, seed).weights);
const models = {
  base: [modelFolder("household-vl")],
  ...(phaseOne.length > 0 && { "Phase One": phaseOne }),
};
const results = new Map<string, HouseholdResult[]>();
for (const [model, folders] of Object.entries(models)) {
  const ofSeeds: HouseholdResult[] = [];
  for (let seed = 0; seed < seeds; seed++)
    ofSeeds.push(await threeOf(model, folders[seed % folders.length]!, seed));
  results.set(model, ofSeeds);
}

/** Points of each question under one way, of each seed: the hour of an interval is the film. */
function cellsOf(model: string, way: HouseholdRowName): Cell[] {
  const ofSeeds = results.get(model)!;
  // Without a lesson, seeds differ by their weights alone.
  const isSeeded = way === "TaskMem" || (model !== "base" && phaseOne.length > 1);
  return (isSeeded ? ofSeeds : ofSeeds.slice(0, 1)).flatMap((result, seed) =>
    result.results
      .filter(({ row }) => row === way)
      .map((answer) => ({
        ...{ window: answer.task, wearer: "", kind: answer.types[0]!, day: 0 },
        ...{ hour: Number(/\d+/.exec(answer.stream)![0]), seed: isSeeded ? seed : null },
        value: 100 * measureOf(answer, "accuracy"),
      })),
  );
}

/** First less second of each question, of the same seed where both have seeds. */
function change(first: readonly Cell[], second: readonly Cell[]): string {
  const { mean: points, low, high } = estimate(difference(first, second));
  return `${signed(points)} [${signed(low)}, ${signed(high)}]`;
}

const percent = (share: number) => (100 * share).toFixed(1);
const row = printTable("", "accuracy, %", "true, %", "repeated, %", "passing, %", "tokens");
for (const [model, ofSeeds] of results)
  for (const [suffix, way] of Object.entries(ways)) {
    const rows = ofSeeds.map(
      ({ rows }) => rows.find(({ policy, kind }) => policy === way && kind === "all")!,
    );
    const over = (value: (one: (typeof rows)[number]) => number) => mean(rows.map(value));
    row(
      `${model}${suffix}`,
      ...[
        over(({ accuracy }) => accuracy),
        over(({ trueShare }) => trueShare),
        over(({ redundantShare }) => redundantShare),
        over(({ passing }) => passing),
      ].map(percent),
      over(({ tokensPerEntry }) => tokensPerEntry).toFixed(1),
    );
  }
const cells = Object.fromEntries(
  [...results.keys()].map((model) => [
    model,
    {
      nothing: cellsOf(model, "base"),
      prompt: cellsOf(model, "base + task prompt"),
      adapter: cellsOf(model, "TaskMem"),
    },
  ]),
);
const base = cells.base!;
for (const [model, { nothing, prompt, adapter }] of Object.entries(cells)) {
  console.log(`\n${model} + adapter − ${model}: ${change(adapter, nothing)}`);
  const own = (some: readonly Cell[], wanted: string) => some.filter(({ kind }) => kind === wanted);
  for (const kind of factKinds) console.log(`- ${kind}: ${change(own(adapter, kind), own(nothing, kind))}`);
  console.log(`\n${model} + adapter − (${model} + prompt): ${change(adapter, prompt)}`);
  if (model === "base") continue;
  console.log(`Phase One − base: ${change(nothing, base.nothing)}`);
  console.log(`TaskMem − (base + prompt): ${change(adapter, base.prompt)}`);
  console.log(`TaskMem − (base + adapter): ${change(adapter, base.adapter)}`);
}
console.log(`\nThe questions cost ${questionTokens.toFixed(0)} tokens of prompt a clip; an adapter none.`);
console.log(
  `\n${films.length} ${given.split} films, ${results.get("base")![0]!.rows.find(({ policy, kind }) => policy === "base" && kind === "all")!.n} questions, ${seeds} seeds, recipe ${given.recipe}${sentences === Infinity ? "" : `, of each memory at most ${sentences} sentences`}.`,
);
