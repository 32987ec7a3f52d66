/**
 * What five questions teach the choice policy on the household, measured without a model: prints Markdown.
 *
 * For each kind of question: a stream of sentences is watched by the choice policy at a fifth of its tokens, without an
 * adapter, with one trained in closed form from five questions of this kind, and with one from five questions of each other kind
 * (the swap matrix). Five questions are asked about another episode than the one that is watched. The lexical
 * reader answers from all that was kept. Accuracy counts abstentions as wrong; each episode is one draw of a paired bootstrap.
 *
 * With `--preferences` the adapter comes from memories of that other episode that the local judge compared by the five questions.
 *
 * With `--weights FILE` the policy writes with what Phase One trained.
 *
 * `node perf/choice-adapter.ts [episodes] [--preferences] [--weights FILE]`
 */
import { parseArgs } from "node:util";
import type { Adapter } from "../src/adapter/adapter.ts";
import { adapterNorm } from "../src/adapter/arithmetic.ts";
import { wordSpace } from "../src/engines/local/index.ts";
import { type Episode, factKinds, type HouseholdQuestion, observeClip } from "../src/household/index.ts";
import type { Observation } from "../src/perception/observation.ts";
import { choicePolicy } from "../src/policies/choice/choice.ts";
import { choiceFamily } from "../src/policies/choice/choice-training.ts";
import { readChoiceWeights } from "../src/policies/choice/choice-weights-trainer.ts";
import { adapterFromTasks, adapterWords } from "../src/policies/choice/word-vector-trainer.ts";
import { adapterFromPreferences } from "../src/policies/word-adapter-trainer.ts";
import { localJudge } from "../src/reward/local-judge.ts";
import { replay } from "../src/training/replay.ts";
import {
  AnswerSheet,
  accuracy,
  gain,
  rightFrom,
  tasksTrainedOn,
  trialOf,
  type Watcher,
  watchers,
} from "./household-trials.ts";
import { printTable } from "./markdown.ts";

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { preferences: { type: "boolean" }, weights: { type: "string" } },
});
const byPreferences = flags.preferences ?? false;
const weights = flags.weights === undefined ? null : readChoiceWeights(flags.weights);
const episodes = Number(positionals[0] ?? 60);
/** Six minutes: twelve decisions. */
const clips = 36;
const budget = { fraction: 0.2 };

function observationsOf(episode: Episode): Promise<Observation[]> {
  const told = { stream: episode.seed, pictures: false, captions: true };
  return Promise.all(episode.clips.map((clip) => observeClip(clip, told)));
}

/** The adapter that questions about an episode give. */
async function train(questions: readonly HouseholdQuestion[], episode: Episode): Promise<Adapter> {
  const tasks = questions.map((question) => ({ question }));
  const { adapter } = adapterFromTasks(tasks, { words: wordSpace });
  if (!byPreferences) return adapter;
  const result = await adapterFromPreferences(tasks, [await observationsOf(episode)], {
    ...choiceFamily({ words: wordSpace, budget, weights }),
    judge: localJudge({ words: wordSpace }),
    norm: adapterNorm(adapter),
  });
  return result.adapter;
}

const sheet = new AnswerSheet();
const tokens = new Map<Watcher, number>();
for (let n = 0; n < episodes; n++) {
  const { asked, watched, taught, tests } = trialOf(n, clips);
  const observations = await observationsOf(watched);
  for (const watcher of watchers) {
    const adapter = watcher === "none" ? null : await train(taught.get(watcher)!, asked);
    const kept = await replay(choicePolicy({ words: wordSpace, budget, weights, adapter }), observations);
    const spent = kept.reduce((total, { text }) => total + wordSpace.countTokens(text), 0);
    tokens.set(watcher, (tokens.get(watcher) ?? 0) + spent);
    for (const kind of factKinds) sheet.add(watcher, kind, await rightFrom(kept, tests.get(kind)!), n);
  }
}

console.log(
  `${episodes} held-out episodes of ${clips / 6} minutes, ${budget.fraction * 100} % of the tokens, adapters of ${tasksTrainedOn} questions${byPreferences ? " by preferences" : ""}, lexical reader over all that was kept.\n`,
);
const printGains = printTable(
  ...[
    "Questions",
    "n",
    "Base",
    "Own kind",
    "Gain (95 %)",
    "Foreign kinds",
    "Gain (95 %)",
    "Own − foreign (95 %)",
  ],
);
for (const { name, without, own, foreign } of sheet.rows())
  printGains(
    ...[name, without.right.length, accuracy(without), accuracy(own), gain(without, own)],
    ...[accuracy(foreign), gain(without, foreign), gain(foreign, own)],
  );

console.log("\nAccuracy by adapter (row) and kind of question (column); tokens kept against the base:\n");
const printSwaps = printTable("Adapter", ...factKinds, "Tokens");
for (const watcher of watchers) {
  const share = (100 * tokens.get(watcher)!) / tokens.get("none")!;
  const cells = factKinds.map((kind) => accuracy(sheet.of(watcher, kind)));
  printSwaps(watcher, ...cells, `${share.toFixed(1)} %`);
}

console.log("\nWhat the first adapter of each kind weighs most:\n");
const first = trialOf(0, clips);
for (const [kind, questions] of first.taught) {
  const adapter = await train(questions, first.asked);
  const texts = questions.flatMap(({ text, options }) => [text, ...options.map((option) => option.text)]);
  const heaviest = adapterWords(adapter, texts, wordSpace).slice(0, 8);
  console.log(`- ${kind}: ${heaviest.map(({ word, weight }) => `${word} ${weight.toFixed(2)}`).join(", ")}`);
}
