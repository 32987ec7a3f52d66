/**
 * Whether another answerer finds the same gain in the same memories: prints Markdown.
 *
 * Held-out films were written before and after Phase One and with the adapter of a kind of question, once; both answerers read
 * what was written. The first is the reader by rules and words that all other figures of the toy are by. The second shares
 * nothing with it: it takes the option that, put behind the question, is nearest in meaning to one remembered sentence, by a
 * sentence encoder (`taskmem models pull meaning`). It never declines, so that it guesses where memory holds nothing.
 *
 * Nano writes here; its adapters are by the judge of words, from five questions about a training episode. What household-VL wrote
 * is read from a run of `perf/household-vl.ts` under its first seed: its adapters are by the household's truth, from the first
 * five questions of a kind, which count for nothing here; films that these were about keep the memory from before.
 * The household is a toy with a small closed language.
 *
 * `node perf/second-answerer.ts [--films 24] [--runs DIR] [--household-vl runs/household-vl-two-by-two]`; needs ffmpeg. A run that
 * was stopped continues.
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { tasksOf } from "../src/benchmarks/datasets/household/answers.ts";
import { filmHousehold } from "../src/benchmarks/datasets/household/films.ts";
import { type Written, writtenFilms, writtenOf } from "../src/benchmarks/datasets/household/memories.ts";
import { householdPolicies } from "../src/benchmarks/datasets/household/policies.ts";
import { readResults } from "../src/benchmarks/run/results.ts";
import { clusterBootstrap, mean } from "../src/benchmarks/statistics.ts";
import { parseConfig } from "../src/config.ts";
import { folderCache } from "../src/engines/cached-model.ts";
import { factKinds, type HouseholdQuestion } from "../src/household/index.ts";
import { measuredEpisodes } from "../src/household/splits.ts";
import { rolloutCache } from "../src/policies/best-of-n/rollout-cache.ts";
import type { Policy } from "../src/policy/policy.ts";
import { sentencesOf } from "../src/reward/sentences.ts";
import { configuredEncoder } from "../src/taskmem/encoder.ts";
import { seededRandom } from "../src/util/random.ts";
import { rightFrom, tasksTrainedOn } from "./household-trials.ts";
import { printTable, signed } from "./markdown.ts";
import { lessonQuestions } from "./phase-two-trials.ts";

const { values: flags } = parseArgs({
  options: {
    films: { type: "string", default: "24" },
    runs: { type: "string", default: "runs" },
    "household-vl": { type: "string" },
  },
});
const count = Number(flags.films);
if (!(Number.isInteger(count) && count >= 2))
  throw new RangeError(`Expected --films to be a whole number from 2 up, got ${flags.films}`);
const configured = await configuredEncoder(parseConfig({ memory: "." }), {});
if (configured === null) throw new Error("Expected a sentence encoder: taskmem models pull meaning");
const { encoder } = configured;
const films = await filmHousehold({
  ...{ ...measuredEpisodes.benchmark, films: count, clips: 6, questionsPerKind: 5 },
});

const rows = ["base", "Phase One", "TaskMem"] as const;
type Row = (typeof rows)[number];

/** A question, and what each row wrote of the film that it is about. */
interface Asked {
  readonly film: number;
  readonly question: HouseholdQuestion;
  readonly written: Readonly<Record<Row, Written>>;
}

/** Nano's memories, and questions that no adapter was taught by. */
async function ofNano(): Promise<Asked[]> {
  const policies = await householdPolicies("nano", undefined, "words");
  const learnt = new Set(factKinds.flatMap(lessonQuestions).map(({ text }) => text));
  const store = folderCache(join(flags.runs, "second-answerer"));
  const keeping = (policy: Policy) => rolloutCache(policy, { store });
  const asked: Asked[] = [];
  for (const kind of factKinds) {
    const adapter = await policies.learn(lessonQuestions(kind).map((question) => ({ question })));
    if (adapter === null) throw new Error(`Nothing was learnt of ${kind}`);
    const adapted = policies.adapted(adapter);
    for (const [film, shown] of films.entries()) {
      const write = (policy: Policy) => writtenOf(keeping(policy), shown, undefined);
      const written = {
        ...{ base: await write(policies.base!), "Phase One": await write(policies.phaseOne) },
        TaskMem: await write(adapted),
      };
      const questions = shown.questions.filter((one) => one.kind === kind && !learnt.has(one.text));
      asked.push(...questions.map((question) => ({ film, question, written })));
    }
    console.error(`${kind}: done`);
  }
  return asked;
}

/** The memories that a run of household-VL kept, and the questions of each kind after those of its lesson. */
function ofHouseholdVl(run: string): Asked[] {
  const [base, phaseOne] = [keptMemories(run, "base"), keptMemories(run, "Phase-One")];
  return factKinds.flatMap((kind) => {
    const asked = films.flatMap(({ questions }, film) =>
      questions.filter((question) => question.kind === kind).map((question) => ({ film, question })),
    );
    const written = tasksOf(films, kind).map(({ id }) => ({
      ...{ base: base("base", id), "Phase One": phaseOne("Phase One", id) },
      TaskMem: phaseOne("TaskMem", id),
    }));
    return asked.map((one, i) => ({ ...one, written: written[i]! })).slice(tasksTrainedOn);
  });
}

/** What a row of a model wrote of the film of a task, under the first seed. @throws Error where the run has none */
function keptMemories(run: string, model: string): (row: Row, task: string) => Written {
  const parent = join(run, `held-out-${count}`);
  const found = existsSync(parent) ? readdirSync(parent) : [];
  const folders = found.filter((name) => name.startsWith(`${model}-`) && name.endsWith("-0"));
  if (folders.length !== 1)
    throw new Error(
      `Expected one model's memories ${model}-…-0 in ${parent}, got ${folders.length}: node perf/household-vl.ts --films ${count}`,
    );
  const folder = join(parent, folders[0]!);
  const memories = writtenFilms(join(folder, "memories"));
  const results = readResults(join(folder, "results.jsonl"));
  const idOf = new Map(results.map(({ row, task, memory }) => [`${row}, ${task}`, memory!.id]));
  return (row, task) => memories.get(idOf.get(`${row}, ${task}`)!)!;
}

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

/** Whether the option nearest in meaning to what was written is right: 1 or 0. */
async function rightByMeaning(
  written: Written,
  { text, options, answer }: HouseholdQuestion,
): Promise<number> {
  const told = await vectorsOf(written.statements.flatMap(({ text }) => sentencesOf(text)));
  const near = (await vectorsOf(options.map((option) => `${text} ${option.text}`))).map((option) =>
    Math.max(...told.map((sentence) => cosine(option, sentence))),
  );
  return Number(options[near.indexOf(Math.max(...near))]!.letter === answer);
}
const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
const cosine = (a: Float32Array, b: Float32Array) => dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));

const answerers = {
  "rules and words": async (written: Written, question: HouseholdQuestion) =>
    (await rightFrom(written.statements, [question]))[0]!,
  "nearest in meaning": rightByMeaning,
};
type Answerer = keyof typeof answerers;

const vl = flags["household-vl"];
const asked = vl === undefined ? await ofNano() : ofHouseholdVl(vl);
const clusters = asked.map(({ film }) => film);
/** Right or wrong of each question, by row and answerer. */
const right = new Map<string, number[]>();
const keyOf = (row: Row, answerer: Answerer) => `${row}, ${answerer}`;
for (const row of rows)
  for (const [name, answer] of Object.entries(answerers)) {
    const ofAll: number[] = [];
    for (const { question, written } of asked) ofAll.push(await answer(written[row], question));
    right.set(keyOf(row, name as Answerer), ofAll);
  }

const percent = (share: number) => (100 * share).toFixed(1);
console.log(
  `${count} held-out films, ${clusters.length} questions, one seed; the same memories, right answers in per cent; gains in points, intervals over films:\n`,
);
const printRow = printTable("answerer", ...rows, "TaskMem − base", "TaskMem − Phase One");
for (const name of Object.keys(answerers) as Answerer[]) {
  const of = (row: Row) => right.get(keyOf(row, name))!;
  const gain = (over: Row) => {
    const differences = of("TaskMem").map((value, i) => 100 * (value - of(over)[i]!));
    const { low, high } = clusterBootstrap(differences, clusters, seededRandom("answerers"));
    return `${signed(mean(differences))} [${signed(low)}, ${signed(high)}]`;
  };
  printRow(name, ...rows.map((row) => percent(mean(of(row)))), gain("base"), gain("Phase One"));
}
