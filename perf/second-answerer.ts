/**
 * Whether another answerer finds the same gain in the same memories: prints Markdown.
 *
 * Nano writes held-out films before and after Phase One and with the adapter of a kind of question, once; both answerers read
 * what was written. The first is the reader by rules and words that all other figures of the toy are by. The second shares
 * nothing with it: it takes the option that, put behind the question, is nearest in meaning to one remembered sentence, by a
 * sentence encoder (`taskmem models pull meaning`). It never declines, so that it guesses where memory holds nothing.
 *
 * Adapters are by the judge of words, from five questions about a training episode. The household is a toy with a small closed
 * language. `node perf/second-answerer.ts [--films 24] [--runs DIR]`; needs ffmpeg. A run that was stopped continues.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { filmHousehold } from "../src/benchmarks/datasets/household/films.ts";
import { type Written, writtenOf } from "../src/benchmarks/datasets/household/memories.ts";
import { householdPolicies } from "../src/benchmarks/datasets/household/policies.ts";
import { clusterBootstrap, mean } from "../src/benchmarks/statistics.ts";
import { parseConfig } from "../src/config.ts";
import { folderCache } from "../src/engines/cached-model.ts";
import { askAbout, createEpisode, factKinds, type HouseholdQuestion } from "../src/household/index.ts";
import { measuredEpisodes, seedOf, trainingEpisodes } from "../src/household/splits.ts";
import { rolloutCache } from "../src/policies/best-of-n/rollout-cache.ts";
import type { Policy } from "../src/policy/policy.ts";
import { sentencesOf } from "../src/reward/sentences.ts";
import { configuredEncoder } from "../src/taskmem/encoder.ts";
import { seededRandom } from "../src/util/random.ts";
import { rightFrom } from "./household-trials.ts";
import { printTable, signed } from "./markdown.ts";

const { values: flags } = parseArgs({
  options: { films: { type: "string", default: "24" }, runs: { type: "string", default: "runs" } },
});
const count = Number(flags.films);
if (!(Number.isInteger(count) && count >= 2))
  throw new RangeError(`Expected --films to be a whole number from 2 up, got ${flags.films}`);
const configured = await configuredEncoder(parseConfig({ memory: "." }), {});
if (configured === null) throw new Error("Expected a sentence encoder: taskmem models pull meaning");
const { encoder } = configured;

const policies = await householdPolicies("nano", undefined, "words");
const films = await filmHousehold({
  ...{ ...measuredEpisodes.benchmark, films: count, clips: 6, questionsPerKind: 5 },
});
const asked = createEpisode(seedOf(trainingEpisodes.choice.tasks, 0), 48);
const lessonOf = (kind: (typeof factKinds)[number]) =>
  askAbout(asked, seededRandom(`lesson ${kind}`), { kinds: [kind], perKind: 5 });
const learnt = new Set(factKinds.flatMap(lessonOf).map(({ text }) => text));

/** Each text once. */
const vectors = new Map<string, Float32Array>();
async function vectorsOf(texts: readonly string[]): Promise<Float32Array[]> {
  const missing = [...new Set(texts)].filter((text) => !vectors.has(text));
  for (let i = 0; i < missing.length; i += 64) {
    const some = missing.slice(i, i + 64);
    for (const [k, vector] of (await encoder.embed(some)).entries()) vectors.set(some[k]!, vector);
  }
  return texts.map((text) => vectors.get(text)!);
}

/** Whether the option nearest in meaning to what was written is right: 1 or 0, shape [questions]. */
async function rightByMeaning(written: Written, questions: readonly HouseholdQuestion[]): Promise<number[]> {
  const told = await vectorsOf(written.statements.flatMap(({ text }) => sentencesOf(text)));
  const right: number[] = [];
  for (const { text, options, answer } of questions) {
    const near = (await vectorsOf(options.map((option) => `${text} ${option.text}`))).map((option) =>
      Math.max(...told.map((sentence) => cosine(option, sentence))),
    );
    right.push(Number(options[near.indexOf(Math.max(...near))]!.letter === answer));
  }
  return right;
}
const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
const cosine = (a: Float32Array, b: Float32Array) => dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));

const answerers = {
  "rules and words": (written: Written, questions: readonly HouseholdQuestion[]) =>
    rightFrom(written.statements, questions),
  "nearest in meaning": rightByMeaning,
};
type Answerer = keyof typeof answerers;
const rows = ["base", "Phase One", "TaskMem"] as const;
/** Right or wrong of each question in the order of kinds and films, by row and answerer. */
const right = new Map<string, number[]>();
const clusters: number[] = [];
const keyOf = (row: (typeof rows)[number], answerer: Answerer) => `${row}, ${answerer}`;
const store = folderCache(join(flags.runs, "second-answerer"));
const keeping = (policy: Policy) => rolloutCache(policy, { store });

for (const kind of factKinds) {
  const adapter = await policies.learn(lessonOf(kind).map((question) => ({ question })));
  if (adapter === null) throw new Error(`Nothing was learnt of ${kind}`);
  const writers = {
    ...{ base: policies.base!, "Phase One": policies.phaseOne, TaskMem: policies.adapted(adapter) },
  };
  for (const [i, film] of films.entries()) {
    const questions = film.questions.filter(
      (question) => question.kind === kind && !learnt.has(question.text),
    );
    clusters.push(...questions.map(() => i));
    for (const row of rows) {
      const written = await writtenOf(keeping(writers[row]), film, undefined);
      for (const [name, answer] of Object.entries(answerers)) {
        const key = keyOf(row, name as Answerer);
        right.set(key, [...(right.get(key) ?? []), ...(await answer(written, questions))]);
      }
    }
  }
  console.error(`${kind}: done`);
}

const percent = (share: number) => (100 * share).toFixed(1);
console.log(
  `${count} held-out films, ${clusters.length} questions, one seed; the same memories, right answers in per cent; gains in points, intervals over films:\n`,
);
const printRow = printTable("answerer", ...rows, "TaskMem − base", "TaskMem − Phase One");
for (const name of Object.keys(answerers) as Answerer[]) {
  const of = (row: (typeof rows)[number]) => right.get(keyOf(row, name))!;
  const gain = (over: (typeof rows)[number]) => {
    const differences = of("TaskMem").map((value, i) => 100 * (value - of(over)[i]!));
    const { low, high } = clusterBootstrap(differences, clusters, seededRandom("answerers"));
    return `${signed(mean(differences))} [${signed(low)}, ${signed(high)}]`;
  };
  printRow(name, ...rows.map((row) => percent(mean(of(row)))), gain("base"), gain("Phase One"));
}
