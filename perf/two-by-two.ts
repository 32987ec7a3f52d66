/**
 * Nano before and after Phase One, with nothing, with five questions in its prompt, and with an adapter from them: prints Markdown.
 *
 * The adapters are trained by two judges in turn: the household's, which knows the truth and the kind of every sentence, and
 * one of words, which knows neither: it counts the words that a memory shares with the five questions and lets every
 * memory pass. The household is a toy with a small closed language.
 *
 * `node perf/two-by-two.ts [FILMS]`, 24 films by default
 */
import { filmHousehold } from "../src/benchmarks/datasets/household/films.ts";
import { type HouseholdRowName, householdBenchmark } from "../src/benchmarks/datasets/household/household.ts";
import { type Result, scoredOf } from "../src/benchmarks/run/results.ts";
import { compare } from "../src/benchmarks/run/scoring.ts";
import { lexicalReader, wordSpace as words } from "../src/engines/local/index.ts";
import { type NanoModel, shippedWeights } from "../src/engines/nano/index.ts";
import { measuredEpisodes } from "../src/household/splits.ts";
import { nanoAdapterTrainer, nanoPolicy, openNano } from "../src/policies/nano/index.ts";
import type { Judge } from "../src/reward/judge.ts";
import { questionWordsJudge } from "../src/reward/question-words-judge.ts";
import { printTable, signed } from "./markdown.ts";

const { countTokens } = words;
const count = Number(process.argv[2] ?? 24);
// The five questions of a kind are about the first film or two, whose memories stay as they were.
if (!(Number.isInteger(count) && count >= 3))
  throw new RangeError(`Expected FILMS to be a whole number from 3 up, got ${process.argv[2]}`);
const films = await filmHousehold({
  ...{ ...measuredEpisodes.benchmark, films: count, clips: 6, questionsPerKind: 5 },
});
const [base, phaseOne] = [
  await openNano(shippedWeights("nano-base")),
  await openNano(shippedWeights("nano")),
];

/** One model with nothing, with the prompt and with an adapter; the last two are rows called after another model's. */
async function threeOf(model: NanoModel, judge: Judge | null) {
  const trainer = nanoAdapterTrainer({ model, countTokens, ...(judge && { judge }) });
  const plain = nanoPolicy(model, null, countTokens);
  const { rows, results } = await householdBenchmark({
    films,
    policies: {
      ...{ base: plain, takesSupplement: true, phaseOne: plain },
      adapted: (adapter) => nanoPolicy(model, adapter, countTokens),
      learn: async (tasks) => {
        const { adapter, problem } = await trainer.train(tasks);
        return problem === null ? adapter : null;
      },
    },
    ...{ reader: lexicalReader({ words }), countTokens },
  });
  const of = (name: HouseholdRowName) => ({
    ...rows.find(({ policy, kind }) => policy === name && kind === "all")!,
    results: results.filter(({ row }) => row === name),
  });
  return { nothing: of("base"), prompt: of("base + task prompt"), adapter: of("TaskMem") };
}

const percent = (share: number) => (100 * share).toFixed(1);
const difference = (of: readonly Result[], less: readonly Result[]) => {
  const found = compare(less.map(scoredOf), of.map(scoredOf));
  /** None of a single film. */
  const between =
    found.interval && ` [${signed(100 * found.interval.low)}, ${signed(100 * found.interval.high)}]`;
  return `${signed(100 * found.difference)}${between ?? ""}, p ${found.p.toFixed(4)}`;
};

for (const judge of [questionWordsJudge({ words }), null]) {
  const [before, after] = [await threeOf(base, judge), await threeOf(phaseOne, judge)];
  console.log(
    `\nAdapters by ${judge === null ? "the judge that knows the truth" : "the judge of words"}, ${films.length} films, ${before.nothing.n} questions:\n`,
  );
  const row = printTable("", "accuracy, %", "true, %", "repeated, %", "passing, %", "tokens");
  for (const [name, three] of Object.entries({ base: before, "Phase One": after }))
    for (const [how, cell] of Object.entries(three))
      row(
        how === "nothing" ? name : `${name} + ${how}`,
        ...[cell.accuracy, cell.trueShare, cell.redundantShare, cell.passing].map(percent),
        cell.tokensPerEntry.toFixed(1),
      );
  console.log(
    `\nTaskMem (Phase One + adapter) − Phase One: ${difference(after.adapter.results, after.nothing.results)}`,
  );
  console.log(
    `TaskMem − (Phase One + prompt): ${difference(after.adapter.results, after.prompt.results)}`,
    `\nTaskMem − (base + prompt): ${difference(after.adapter.results, before.prompt.results)}`,
    `\nTaskMem − (base + adapter): ${difference(after.adapter.results, before.adapter.results)}`,
  );
}
