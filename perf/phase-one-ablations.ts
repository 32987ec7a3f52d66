/**
 * What richness and the gate on negative samples do in Phase One: a model is trained from its base without the bonus for the
 * richest memory, and without the gate, and else by its recipe. Prints Markdown.
 *
 * The first table is of training, where a judge that knows the truth grades what is drawn; the second of what these weights,
 * Phase One as it is and the base write of held-out films, and of the answers that are found in it. Each seed has its rows.
 * Nano's Phase One ships, under one seed; that of household-VL is trained first, or taken from a run of `perf/household-vl.ts`. The
 * household is a toy with a small closed language.
 *
 * `node perf/phase-one-ablations.ts [--model nano|household-vl] [--films 24] [--steps 60] [--seeds 1] [--only NAME,…] [--runs DIR]
 *    [--household-vl runs/household-vl-two-by-two]`; needs ffmpeg, and for household-VL what `taskmem train setup` installs. A run that was
 * stopped continues from its checkpoint. `--only` trains some and prints nothing of the others.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { entryFigures } from "../src/benchmarks/datasets/household/memories.ts";
import { mean } from "../src/benchmarks/statistics.ts";
import { wordSpace } from "../src/engines/local/index.ts";
import { householdVideos } from "../src/household/index.ts";
import { measuredEpisodes } from "../src/household/splits.ts";
import { householdJudge } from "../src/reward/household-judge.ts";
import { paperConstants } from "../src/reward/rules.ts";
import { type PhaseOneConfig, phaseOne } from "../src/training/phase-one.ts";
import { openPhaseOneRun } from "../src/training/phase-one-run.ts";
import { rightFrom } from "./household-trials.ts";
import { householdVlRun, seedNamed, silentFilms } from "./household-vl-model.ts";
import { printTable } from "./markdown.ts";
import { type Row, subjects } from "./phase-one-subjects.ts";

const { values: flags } = parseArgs({
  options: {
    model: { type: "string", default: "nano" },
    films: { type: "string", default: "24" },
    steps: { type: "string" },
    seeds: { type: "string", default: "1" },
    only: { type: "string" },
    runs: { type: "string", default: join("runs", "phase-one-ablations") },
    "household-vl": { type: "string", default: householdVlRun },
  },
});
const subject = Object.hasOwn(subjects, flags.model) ? subjects[flags.model]!(flags["household-vl"]) : null;
if (subject === null)
  throw new RangeError(`Expected --model to be ${Object.keys(subjects).join(" or ")}, got ${flags.model}`);
const { recipe } = subject;
const [films, steps] = [Number(flags.films), Number(flags.steps ?? recipe.config.steps)];
const seeds = Number(flags.seeds);
for (const [name, count] of Object.entries({ films, steps, seeds }))
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
async function train(name: Variant, seed: number): Promise<Row> {
  const { videos: episodes, concurrency, begin } = subject!;
  const directory = join(
    flags.runs,
    `${flags.model === "nano" ? "" : `${flags.model}-`}${name.replaceAll(" ", "-")}-${steps}${seed === 0 ? "" : `-${seed}`}`,
  );
  const { richness = recipe.richness, ...changed }: { richness?: number; gate?: boolean } = variants[name];
  const config: PhaseOneConfig = {
    ...{ ...recipe.config, steps, seed: seedNamed(recipe.config.seed, seed) },
    ...changed,
  };
  const videos = householdVideos(episodes);
  const judge = householdJudge(videos.truthOf);
  const { trainable, close } = await begin(directory);
  try {
    const run = openPhaseOneRun(directory, { trainable: trainable.id, judge: judge.id, richness, ...config });
    const { trained } = await phaseOne({
      ...{ trainable, judge, config, run, concurrency, video: videos.video },
      score: {
        ...{ countTokens, form: "description" },
        constants: { ...paperConstants, mostRichness: richness },
      },
      onStep: ({ step, reward, tokens }) =>
        console.error(`${name}, step ${step}: reward ${reward.toFixed(3)}, ${tokens.toFixed(1)} tokens`),
    });
    return { name, weights: trained.path, metrics: run.metrics() };
  } finally {
    close();
  }
}

const made: Row[] = [];
for (let seed = 0; seed < seeds; seed++) {
  made.push(...subject.untouched(seed, steps));
  for (const name of names.filter((name) => wanted.includes(name))) made.push(await train(name, seed));
}
/** All seeds of a name, one after the other. */
const rows = [...Map.groupBy(made, ({ name }) => name).values()].flatMap((some) =>
  some.map((row, i) => (some.length === 1 ? row : { ...row, name: `${row.name}, seed ${i + 1}` })),
);

const percent = (share: number) => (100 * share).toFixed(1);
const last = Math.min(10, steps);
console.log(
  `Training, ${steps} steps of ${recipe.config.batch} × ${recipe.config.group} memories; means of the last ${last} steps, and the least reward of a step with the policy's own history:\n`,
);
const stepRow = printTable(
  ...["", "reward", "without its richness", "least reward", "true, %", "new, %", "passing, %", "tokens"],
);
for (const { name, metrics } of rows) {
  if (metrics === null) continue;
  const of = (key: "reward" | "richness" | "correct" | "clean" | "passing" | "tokens") =>
    mean(metrics.slice(-last).map((step) => step[key]));
  const own = metrics.filter(({ history }) => history === "on-policy").map(({ reward }) => reward);
  stepRow(
    ...[name, of("reward").toFixed(3), (of("reward") - of("richness")).toFixed(3)],
    own.length === 0 ? "–" : Math.min(...own).toFixed(3),
    ...[percent(of("correct")), percent(of("clean")), percent(of("passing")), of("tokens").toFixed(1)],
  );
}

const shown = await silentFilms({ ...measuredEpisodes.benchmark, films, clips: 6, questionsPerKind: 5 });
const asked = shown.reduce((sum, { questions }) => sum + questions.length, 0);
console.log(
  `\nWhat they write of ${films} held-out films, and ${asked} questions of all kinds about them:\n`,
);
const filmRow = printTable(
  ...["", "true, %", "repeated, %", "passing, %", "facts a memory", "tokens", "right answers, %"],
);
for (const { name, weights } of rows) {
  const written = await subject.write(weights, shown);
  const figures = entryFigures(shown, [written], countTokens);
  const right: number[] = [];
  for (const [i, { questions }] of shown.entries())
    right.push(...(await rightFrom(written[i]!.statements, questions)));
  filmRow(
    ...[name, ...[figures.trueShare, figures.redundantShare, figures.passing].map(percent)],
    ...[figures.factsPerEntry.toFixed(2), figures.tokensPerEntry.toFixed(1), percent(mean(right))],
  );
}
