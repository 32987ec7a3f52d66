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
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { VectorAdapter } from "../src/adapter/adapter.ts";
import { adapterNorm, rescaleAdapter } from "../src/adapter/arithmetic.ts";
import { filmHousehold } from "../src/benchmarks/datasets/household/films.ts";
import { clusterBootstrap, mean } from "../src/benchmarks/statistics.ts";
import { wordSpace as words } from "../src/engines/local/index.ts";
import { NanoModel, nanoPrograms, readNano, vectorOf } from "../src/engines/nano/nano-model.ts";
import { nanoConfig } from "../src/engines/nano/network.ts";
import { shippedWeights } from "../src/engines/nano/shipped.ts";
import { askAbout, createEpisode, factKinds } from "../src/household/index.ts";
import { measuredEpisodes, seedOf, trainingEpisodes } from "../src/household/splits.ts";
import {
  type NanoSample,
  NanoWeightsTrainer,
  nanoAdapterTrainer,
  nanoPhaseOneRecipe,
  nanoPolicy,
  nanoVectorTrainer,
  nanoPhaseTwoRecipe as recipe,
} from "../src/policies/nano/index.ts";
import type { Context, Policy } from "../src/policy/policy.ts";
import { householdJudge } from "../src/reward/household-judge.ts";
import type { Judge } from "../src/reward/judge.ts";
import { questionWordsJudge } from "../src/reward/question-words-judge.ts";
import { preferredPairs, trainOnPairs } from "../src/training/phase-two.ts";
import { decisionsOf } from "../src/training/replay.ts";
import { type Grade, laxVerdict, type Verdict, write } from "../src/training/validation.ts";
import { seededRandom } from "../src/util/random.ts";
import { replaceFile } from "../src/util/replace-file.ts";
import { printTable, signed } from "./markdown.ts";

const { values: flags } = parseArgs({
  options: {
    films: { type: "string", default: "16" },
    kinds: { type: "string", default: factKinds.join(",") },
    runs: { type: "string", default: join("runs", "phase-two-ablations") },
  },
});
const count = Number(flags.films);
if (!(Number.isInteger(count) && count >= 2))
  throw new RangeError(`Expected --films to be a whole number from 2 up, got ${flags.films}`);
const kinds = flags.kinds.split(",").map((name) => {
  const kind = factKinds.find((one) => one === name.trim());
  if (kind) return kind;
  throw new RangeError(`Expected --kinds to name some of ${factKinds.join(", ")}, got ${name}`);
});
const { countTokens } = words;
const steps = 40;
/** Steps after which the adapter is tried, as it is. */
const tried = [1, 10, 20, 30, 40];

/** What became of each context of one kind's questions: shape [contexts]. */
interface Tried {
  readonly verdicts: readonly Verdict[];
  readonly grades: readonly Grade[];
}
interface Lesson {
  readonly pairs: number;
  /** Which film each context is of, shape [contexts]. */
  readonly films: readonly number[];
  /** After each step: the adapter's length, and its cosine with that of the last. */
  readonly curve: readonly { readonly norm: number; readonly cosine: number }[];
  readonly tried: Readonly<Record<string, Tried>>;
}

const path = shippedWeights("nano");
const { weights, checksum } = await readNano(path);
const programs = nanoPrograms(weights);
const model = new NanoModel(weights, checksum, programs);
const base = nanoPolicy(model, null, countTokens);
const byWords = questionWordsJudge({ words });

/** What every lesson is tried on and trained from; made where a kind's figures are not there yet. */
async function prepare() {
  const films = await filmHousehold({
    ...{ ...measuredEpisodes.benchmark, films: count, clips: 6, questionsPerKind: 5 },
  });
  const factsOf = new Map(films.map(({ episode }) => [episode.seed, episode]));
  const contexts: { readonly film: number; readonly context: Context }[] = [];
  for (const [film, { observations }] of films.entries())
    for await (const { context } of decisionsOf(base, observations)) contexts.push({ film, context });
  /** Grades by the truth, compares by words. */
  const judge: Judge = {
    ...householdJudge((stream, clip) => factsOf.get(stream)?.clips[clip]?.facts ?? null),
    relevance: byWords.relevance,
  };
  const options = { judge, score: { countTokens, form: "description" as const } };
  /** Memories of one policy, the same draws for each. */
  const written = async (policy: Policy, draw = "memory") => {
    const all: { text: string; grade: Grade }[] = [];
    for (const [i, { context }] of contexts.entries()) {
      const { text, grade } = await write(context, policy, seededRandom(`ablation ${i} ${draw}`), options);
      all.push({ text, grade: grade! });
    }
    return all;
  };
  return {
    ...{ contexts, judge, written },
    before: await written(base),
    again: await written(base, "another memory"),
    cache: await nanoAdapterTrainer({ model, countTokens, judge: byWords }).cache(),
  };
}
let prepared: ReturnType<typeof prepare> | null = null;

/** Trains and tries everything on five questions of a kind. */
async function lessonOf(kind: (typeof factKinds)[number]): Promise<Lesson> {
  prepared ??= prepare();
  const { contexts, judge, written, before, again, cache } = await prepared;
  const asked = createEpisode(seedOf(trainingEpisodes.choice.tasks, 0), 48);
  const questions = askAbout(asked, seededRandom(`lesson ${kind}`), { kinds: [kind], perKind: 5 });
  const tasks = questions.map(({ text, options }) => ({ question: { text, options } }));
  const { pairs } = await preferredPairs(cache, tasks, {
    ...{ judge: byWords, seed: "nano", tokenMargin: recipe.tokenMargin },
  });
  const samples = pairs.map(({ chosen, rejected }) => ({
    ...{ chosen: chosen.sample, rejected: rejected.sample },
  }));
  const results: Record<string, Tried> = {};
  const tryOut = async (name: string, after: { text: string; grade: Grade }[]) => {
    const verdicts: Verdict[] = [];
    for (const [i, { text: first }] of after.entries()) {
      const second = before[i]!.text;
      const request = { context: contexts[i]!.context, questions: tasks.map(({ question }) => question) };
      verdicts.push(
        first === second ? "tie" : ((await laxVerdict(judge, { ...request, first, second })) ?? "tie"),
      );
    }
    results[name] = { verdicts, grades: after.map(({ grade }) => grade) };
    console.error(`${kind}, ${name}: ${seconds()} s`);
  };
  await tryOut("itself", again);

  const vector = nanoVectorTrainer(model);
  const snapshots: VectorAdapter[] = [];
  await trainOnPairs<NanoSample>(
    {
      logprobs: (some) => vector.logprobs(some),
      accumulate: (some, by) => vector.accumulate(some, by),
      snapshot: () => vector.snapshot(),
      save: (to) => vector.save(to),
      load: (from) => vector.load(from),
      step: async (how) => {
        const report = await vector.step(how);
        snapshots.push(await vector.snapshot());
        return report;
      },
    },
    samples,
    { ...recipe.dpo, steps, seed: "nano" },
  );
  const last = vectorOf(snapshots.at(-1)!);
  const curve = snapshots.map((one) => ({
    norm: adapterNorm(one),
    cosine: dot(vectorOf(one), last) / (adapterNorm(one) * Math.hypot(...last)),
  }));
  const adapted = (adapter: VectorAdapter) => written(nanoPolicy(model, adapter, countTokens));
  for (const step of tried) await tryOut(`adapter ${step}`, await adapted(snapshots[step - 1]!));
  const shown = cache.flatMap(({ candidates }) => candidates.map(({ sample }) => sample)).slice(0, 64);
  const norm = recipe.vectorShare * (await vector.streamNorm(shown));
  await tryOut("adapter 10 at its length", await adapted(rescaleAdapter(snapshots[9]!, norm)));

  for (const step of [10, 40]) {
    const all = new NanoWeightsTrainer(nanoConfig, (await readNano(path)).weights, join(flags.runs, "all"));
    await trainOnPairs(all, samples, {
      ...{ ...recipe.dpo, learningRate: nanoPhaseOneRecipe.config.learningRate },
      ...{ maxGradientNorm: nanoPhaseOneRecipe.config.maxGradientNorm, steps: step, seed: "nano" },
    });
    const trained = new NanoModel(all.weights, `all-${kind}-${step}`, programs);
    await tryOut(`all ${step}`, await written(nanoPolicy(trained, null, countTokens)));
  }
  return { pairs: pairs.length, films: contexts.map(({ film }) => film), curve, tried: results };
}

const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
const began = performance.now();
const seconds = () => Math.round((performance.now() - began) / 1000);

const lessons: Lesson[] = [];
const folder = join(flags.runs, `${checksum.slice(0, 12)}-${count}`);
mkdirSync(folder, { recursive: true });
for (const kind of kinds) {
  const file = join(folder, `${kind}.json`);
  const made: Lesson = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : await lessonOf(kind);
  if (!existsSync(file)) replaceFile(file, JSON.stringify(made));
  lessons.push(made);
}

const percent = (share: number) => (100 * share).toFixed(1);
/** Everything of one name, over the kinds. */
const of = (name: string) => {
  const verdicts = lessons.flatMap((lesson) => lesson.tried[name]!.verdicts);
  const grades = lessons.flatMap((lesson) => lesson.tried[name]!.grades);
  const share = (verdict: Verdict) =>
    percent(verdicts.filter((one) => one === verdict).length / verdicts.length);
  const points = verdicts.map((one) => (one === "win" ? 100 : one === "loss" ? -100 : 0));
  const { low, high } = clusterBootstrap(points, clusters, seededRandom("ablations"));
  return {
    verdicts: [share("win"), share("tie"), share("loss")],
    balance: `${signed(mean(points))} [${signed(low)}, ${signed(high)}]`,
    grades: [
      percent(mean(grades.map(({ correct }) => Number(correct)))),
      percent(mean(grades.map(({ clean }) => Number(clean)))),
      mean(grades.map(({ tokens }) => tokens)).toFixed(1),
    ],
  };
};
const clusters = lessons.flatMap(({ films }) => films);
const overKinds = (step: number, key: "norm" | "cosine") =>
  mean(lessons.map(({ curve }) => curve[step - 1]![key]));

console.log(
  `${lessons[0]!.films.length} clips of ${count} held-out films, questions of ${kinds.join(", ")}, ${lessons.map(({ pairs }) => pairs).join(", ")} pairs; the adapter as it is after each number of steps:\n`,
);
const curveRow = printTable("steps", "won, %", "tied, %", "lost, %", "length", "cosine with step 40");
curveRow("none", ...of("itself").verdicts, "–", "–");
for (const step of tried)
  curveRow(
    step,
    ...of(`adapter ${step}`).verdicts,
    ...[overKinds(step, "norm").toFixed(2), overKinds(step, "cosine").toFixed(2)],
  );

console.log("\nWhat is trained; won less lost in points, with intervals over films:\n");
const row = printTable("", "won, %", "tied, %", "lost, %", "won − lost", "true, %", "new, %", "tokens");
const named = {
  "Phase One, against itself": "itself",
  "adapter, 10 steps, at its length (ships)": "adapter 10 at its length",
  "adapter, 40 steps": "adapter 40",
  "all weights, 10 steps": "all 10",
  "all weights, 40 steps": "all 40",
};
for (const [what, name] of Object.entries(named)) {
  const { verdicts, balance, grades } = of(name);
  row(what, ...verdicts, balance, ...grades);
}
