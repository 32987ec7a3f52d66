/**
 * What five questions teach the choice policy on the household, measured without a model: prints Markdown.
 *
 * For each kind of question: a stream of sentences is watched by the choice policy at a fifth of its tokens, without an
 * adapter, with one learnt in closed form from five questions of this kind, and with one from five questions of each other kind
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
import { lexicalReader, wordSpace } from "../src/engines/local/index.ts";
import {
  askAbout,
  createEpisode,
  type Episode,
  episodeSeed,
  type FactKind,
  factKinds,
  type HouseholdQuestion,
  observeClip,
} from "../src/household/index.ts";
import type { Statement } from "../src/memory/memory.ts";
import type { Observation } from "../src/perception/observation.ts";
import { choicePolicy } from "../src/policy/choice.ts";
import { localJudge } from "../src/reward/local-judge.ts";
import { steeredChoice } from "../src/training/choice-learner.ts";
import { adapterFromTasks, learntWords } from "../src/training/choice-trainer.ts";
import { readChoiceWeights } from "../src/training/choice-weights-trainer.ts";
import { replay } from "../src/training/replay.ts";
import { adapterFromPreferences } from "../src/training/word-adaptation.ts";
import { pick, seededRandom } from "../src/util/random.ts";
import { printTable, signed } from "./markdown.ts";

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { preferences: { type: "boolean" }, weights: { type: "string" } },
});
const byPreferences = flags.preferences ?? false;
const weights = flags.weights === undefined ? null : readChoiceWeights(flags.weights);
const episodes = Number(positionals[0] ?? 60);
/** Six minutes: twelve decisions. */
const clips = 36;
const tasksLearnt = 5;
const questionsPerKind = 10;
const budget = { fraction: 0.2 };
const resamples = 2000;

interface Tally {
  asked: number;
  answered: number;
  right: number;
}

const reader = lexicalReader({ words: wordSpace });

function observationsOf(episode: Episode): Promise<Observation[]> {
  const told = { stream: episode.seed, pictures: false, captions: true };
  return Promise.all(episode.clips.map((clip) => observeClip(clip, told)));
}

/** What is learnt from questions about an episode. */
async function learn(questions: readonly HouseholdQuestion[], episode: Episode): Promise<Adapter> {
  const tasks = questions.map((question) => ({ question }));
  const { adapter } = adapterFromTasks(tasks, { words: wordSpace });
  if (!byPreferences) return adapter;
  const lesson = await adapterFromPreferences(tasks, [await observationsOf(episode)], {
    ...steeredChoice({ words: wordSpace, budget, weights }),
    judge: localJudge({ words: wordSpace }),
    norm: adapterNorm(adapter),
  });
  return lesson.adapter;
}

async function score(kept: readonly Statement[], questions: readonly HouseholdQuestion[]): Promise<Tally> {
  const recalled = kept.map((statement, i) => ({
    entry: {
      id: `e${i}`,
      stream: "household",
      writtenAtMs: 0,
      policy: "choice",
      revision: "",
      closed: null,
      evidence: { clips: [], frames: [], tiers: {}, ...statement },
      ...statement,
    },
    score: { total: 1 },
  }));
  const tally: Tally = { asked: questions.length, answered: 0, right: 0 };
  for (const question of questions) {
    const { option } = await reader.read({ question, recalled, rendered: "", gaps: [] });
    if (option !== null) tally.answered += 1;
    if (option === question.answer) tally.right += 1;
  }
  return tally;
}

function questionsOf(episode: Episode, kind: FactKind, count: number): HouseholdQuestion[] {
  return askAbout(episode, seededRandom(`questions ${episode.seed} ${kind}`), {
    kinds: [kind],
    perKind: count,
  });
}

function sum(tallies: readonly Tally[]): Tally {
  const total: Tally = { asked: 0, answered: 0, right: 0 };
  for (const { asked, answered, right } of tallies) {
    total.asked += asked;
    total.answered += answered;
    total.right += right;
  }
  return total;
}

const accuracy = (tallies: readonly Tally[]) => {
  const { asked, right } = sum(tallies);
  return (100 * right) / asked;
};

/** Points that `after` gains on `before`, with the 95 % interval over episodes drawn again. */
function gainOf(
  before: readonly Tally[],
  after: readonly Tally[],
): { gain: number; text: string; low: number } {
  const random = seededRandom("bootstrap");
  const places = before.map((_, i) => i);
  const gains = Array.from({ length: resamples }, () => {
    const drawn = places.map(() => pick(random, places));
    return accuracy(drawn.map((i) => after[i]!)) - accuracy(drawn.map((i) => before[i]!));
  }).sort((a, b) => a - b);
  const [low, high] = [gains[Math.floor(resamples * 0.025)]!, gains[Math.floor(resamples * 0.975)]!];
  const gain = accuracy(after) - accuracy(before);
  return { gain, low, text: `${signed(gain)} [${signed(low)}, ${signed(high)}]` };
}

type Watcher = "none" | FactKind;
const watchers: readonly Watcher[] = ["none", ...factKinds];

/** By watcher and kind of question, one tally per episode. */
const tallies = new Map<string, Tally[]>();
const tokens = new Map<Watcher, number>();
const tally = (watcher: Watcher, kind: FactKind) => tallies.get(`${watcher} ${kind}`)!;
for (const watcher of watchers) for (const kind of factKinds) tallies.set(`${watcher} ${kind}`, []);

for (let n = 0; n < episodes; n++) {
  const asked = createEpisode(episodeSeed("train", n), clips);
  const watched = createEpisode(episodeSeed("held-out", n), clips);
  const observations = await observationsOf(watched);
  const lessons = new Map(factKinds.map((kind) => [kind, questionsOf(asked, kind, tasksLearnt)]));
  const known = new Set([...lessons.values()].flat().map(({ text }) => text));
  const tests = new Map(
    factKinds.map((kind) => [
      kind,
      questionsOf(watched, kind, questionsPerKind).filter(({ text }) => !known.has(text)),
    ]),
  );
  for (const watcher of watchers) {
    const adapter = watcher === "none" ? null : await learn(lessons.get(watcher)!, asked);
    const kept = await replay(choicePolicy({ words: wordSpace, budget, weights, adapter }), observations);
    const spent = kept.reduce((total, { text }) => total + wordSpace.countTokens(text), 0);
    tokens.set(watcher, (tokens.get(watcher) ?? 0) + spent);
    for (const kind of factKinds) tally(watcher, kind).push(await score(kept, tests.get(kind)!));
  }
}

console.log(
  `${episodes} held-out episodes of ${clips / 6} minutes, ${budget.fraction * 100} % of the tokens, adapters of ${tasksLearnt} questions${byPreferences ? " by preferences" : ""}, lexical reader over all that was kept.\n`,
);
const printGains = printTable(
  "Questions",
  "n",
  "Base",
  "Own kind",
  "Gain (95 %)",
  "Foreign kinds",
  "Gain (95 %)",
  "Own − foreign (95 %)",
);
const everyKind = (make: (kind: FactKind) => Tally[]) => {
  const columns = factKinds.map(make);
  return Array.from({ length: episodes }, (_, n) => sum(columns.map((column) => column[n]!)));
};
/** All foreign adapters' answers to a kind, per episode. */
const foreign = (kind: FactKind): Tally[] =>
  Array.from({ length: episodes }, (_, n) =>
    sum(factKinds.filter((other) => other !== kind).map((other) => tally(other, kind)[n]!)),
  );
const print = (name: string, base: Tally[], own: Tally[], other: Tally[]) =>
  printGains(
    name,
    sum(base).asked,
    accuracy(base).toFixed(1),
    accuracy(own).toFixed(1),
    gainOf(base, own).text,
    accuracy(other).toFixed(1),
    gainOf(base, other).text,
    gainOf(other, own).text,
  );
for (const kind of factKinds) print(kind, tally("none", kind), tally(kind, kind), foreign(kind));
print(
  "all",
  everyKind((kind) => tally("none", kind)),
  everyKind((kind) => tally(kind, kind)),
  everyKind(foreign),
);

console.log("\nAccuracy by adapter (row) and kind of question (column); tokens kept against the base:\n");
const printSwaps = printTable("Adapter", ...factKinds, "Tokens");
for (const watcher of watchers) {
  const share = (100 * tokens.get(watcher)!) / tokens.get("none")!;
  printSwaps(
    watcher,
    ...factKinds.map((kind) => accuracy(tally(watcher, kind)).toFixed(1)),
    `${share.toFixed(1)} %`,
  );
}

console.log("\nWhat the first lesson of each kind weighs most:\n");
for (const kind of factKinds) {
  const episode = createEpisode(episodeSeed("train", 0), clips);
  const questions = questionsOf(episode, kind, tasksLearnt);
  const adapter = await learn(questions, episode);
  const texts = questions.flatMap(({ text, options }) => [text, ...options.map((option) => option.text)]);
  const heaviest = learntWords(adapter, texts, wordSpace).slice(0, 8);
  console.log(`- ${kind}: ${heaviest.map(({ word, weight }) => `${word} ${weight.toFixed(2)}`).join(", ")}`);
}
