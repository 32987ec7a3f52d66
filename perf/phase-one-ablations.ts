/**
 * What richness and the gate on negative samples do in Phase One: nano is trained from its base without the bonus for the richest
 * memory, and without the gate, and else as the weights that ship. Prints Markdown.
 *
 * The first table is of training, where a judge that knows the truth grades what is drawn; the second of what these weights, the
 * shipped ones and the base write of held-out films, and of the answers that are found in it. One seed. The household is a toy with
 * a small closed language.
 *
 * `node perf/phase-one-ablations.ts [--films 24] [--steps 60] [--only NAME,…] [--runs DIR]`; needs ffmpeg. A run that was
 * stopped continues from its checkpoint. `--only` trains some and prints nothing of the others.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { filmHousehold } from "../src/benchmarks/datasets/household/films.ts";
import { entryFigures, writtenOf } from "../src/benchmarks/datasets/household/memories.ts";
import { mean } from "../src/benchmarks/statistics.ts";
import { wordSpace } from "../src/engines/local/index.ts";
import { shippedWeights } from "../src/engines/nano/shipped.ts";
import { householdVideos } from "../src/household/index.ts";
import { measuredEpisodes } from "../src/household/splits.ts";
import {
  nanoPhaseOnePolicy,
  nanoPolicy,
  openNano,
  nanoPhaseOneRecipe as recipe,
} from "../src/policies/nano/index.ts";
import { householdJudge } from "../src/reward/household-judge.ts";
import { paperConstants } from "../src/reward/rules.ts";
import { type PhaseOneConfig, phaseOne, type RecordedStep } from "../src/training/phase-one.ts";
import { openPhaseOneRun } from "../src/training/phase-one-run.ts";
import { rightFrom } from "./household-trials.ts";
import { printTable } from "./markdown.ts";

const { values: flags } = parseArgs({
  options: {
    films: { type: "string", default: "24" },
    steps: { type: "string", default: String(recipe.config.steps) },
    only: { type: "string" },
    runs: { type: "string", default: join("runs", "phase-one-ablations") },
  },
});
const [films, steps] = [Number(flags.films), Number(flags.steps)];
for (const [name, count] of Object.entries({ films, steps }))
  if (!(Number.isInteger(count) && count >= 1))
    throw new RangeError(`Expected --${name} to be a whole number from 1 up, got ${count}`);

/** What each run leaves out. */
const variants = {
  "without richness": { richness: 0 },
  "without the gate": { gate: false },
} as const satisfies Record<string, { richness?: number; gate?: boolean }>;
type Variant = keyof typeof variants;
const names = Object.keys(variants) as Variant[];
const wanted = flags.only?.split(",").map((name) => name.trim()) ?? names;
const unknown = wanted.find((name) => !names.includes(name as Variant));
if (unknown !== undefined)
  throw new RangeError(`Expected --only to name some of ${names.join(", ")}, got ${unknown}`);

const { countTokens } = wordSpace;

/** Trains one of them, or the rest of it. */
async function train(name: Variant): Promise<{ weights: string; metrics: RecordedStep[] }> {
  const directory = join(flags.runs, `${name.replaceAll(" ", "-")}-${steps}`);
  const { richness = recipe.richness, ...changed }: { richness?: number; gate?: boolean } = variants[name];
  const config: PhaseOneConfig = { ...recipe.config, steps, ...changed };
  const videos = householdVideos(recipe.videos);
  const judge = householdJudge(videos.truthOf);
  const trainable = await nanoPhaseOnePolicy(
    shippedWeights("nano-base"),
    join(directory, "nano.safetensors"),
    countTokens,
  );
  const run = openPhaseOneRun(directory, { trainable: trainable.id, judge: judge.id, richness, ...config });
  const { trained } = await phaseOne({
    ...{ trainable, judge, config, run, video: videos.video },
    score: {
      ...{ countTokens, form: "description" },
      constants: { ...paperConstants, mostRichness: richness },
    },
    onStep: ({ step, reward, tokens }) =>
      console.error(`${name}, step ${step}: reward ${reward.toFixed(3)}, ${tokens.toFixed(1)} tokens`),
  });
  return { weights: trained.path, metrics: run.metrics() };
}

const trained: { name: Variant; weights: string; metrics: RecordedStep[] }[] = [];
for (const name of names.filter((name) => wanted.includes(name)))
  trained.push({ name, ...(await train(name)) });

const percent = (share: number) => (100 * share).toFixed(1);
const last = Math.min(10, steps);
console.log(
  `Training, ${steps} steps of ${recipe.config.batch} × ${recipe.config.group} memories; means of the last ${last} steps, and the least reward of a step with the policy's own history:\n`,
);
const stepRow = printTable(
  ...["", "reward", "without its richness", "least reward", "true, %", "new, %", "passing, %", "tokens"],
);
for (const { name, metrics } of trained) {
  const of = (key: "reward" | "richness" | "correct" | "clean" | "passing" | "tokens") =>
    mean(metrics.slice(-last).map((step) => step[key]));
  const own = metrics.filter(({ history }) => history === "on-policy").map(({ reward }) => reward);
  stepRow(
    ...[name, of("reward").toFixed(3), (of("reward") - of("richness")).toFixed(3)],
    own.length === 0 ? "–" : Math.min(...own).toFixed(3),
    ...[percent(of("correct")), percent(of("clean")), percent(of("passing")), of("tokens").toFixed(1)],
  );
}

const shown = await filmHousehold({ ...measuredEpisodes.benchmark, films, clips: 6, questionsPerKind: 5 });
const asked = shown.reduce((sum, { questions }) => sum + questions.length, 0);
console.log(
  `\nWhat they write of ${films} held-out films, and ${asked} questions of all kinds about them:\n`,
);
const filmRow = printTable(
  ...["", "true, %", "repeated, %", "passing, %", "facts a memory", "tokens", "right answers, %"],
);
const shipped = [
  { name: "base", weights: shippedWeights("nano-base") },
  { name: "Phase One, as shipped", weights: shippedWeights("nano") },
];
for (const { name, weights } of [...shipped, ...trained]) {
  const policy = nanoPolicy(await openNano(weights), null, countTokens);
  const written = [];
  for (const film of shown) written.push(await writtenOf(policy, film, undefined));
  const figures = entryFigures(shown, [written], countTokens);
  const right: number[] = [];
  for (const [i, { questions }] of shown.entries())
    right.push(...(await rightFrom(written[i]!.statements, questions)));
  filmRow(
    ...[name, ...[figures.trueShare, figures.redundantShare, figures.passing].map(percent)],
    ...[figures.factsPerEntry.toFixed(2), figures.tokensPerEntry.toFixed(1), percent(mean(right))],
  );
}
