/**
 * Nano before and after Phase One, with nothing, with five questions in its prompt, and with an adapter from them: prints Markdown.
 *
 * The adapters are trained by two judges in turn: one of words, which knows no truth and lets every memory pass, and the
 * household's, which knows the truth and the kind of every sentence. Phase One + adapter is TaskMem. Answers are graded by
 * the right option alone; the reader sees question, options and what was written. The household is a toy with a small
 * closed language.
 *
 * `node perf/two-by-two.ts [FILMS] [--runs DIR]`, 24 films by default; a run that was stopped continues.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Adapter } from "../src/adapter/adapter.ts";
import { filmHousehold } from "../src/benchmarks/datasets/household/films.ts";
import { type HouseholdRowName, householdBenchmark } from "../src/benchmarks/datasets/household/household.ts";
import { type Result, scoredOf } from "../src/benchmarks/run/results.ts";
import { compare } from "../src/benchmarks/run/scoring.ts";
import { folderCache } from "../src/engines/cached-model.ts";
import { lexicalReader, wordSpace as words } from "../src/engines/local/index.ts";
import { type NanoModel, shippedWeights } from "../src/engines/nano/index.ts";
import { factKinds } from "../src/household/index.ts";
import { measuredEpisodes } from "../src/household/splits.ts";
import { rolloutCache } from "../src/policies/best-of-n/rollout-cache.ts";
import { nanoAdapterTrainer, nanoPolicy, openNano } from "../src/policies/nano/index.ts";
import type { Judge } from "../src/reward/judge.ts";
import { questionWordsJudge } from "../src/reward/question-words-judge.ts";
import { printTable, signed } from "./markdown.ts";

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { runs: { type: "string", default: "runs" } },
});
const { countTokens } = words;
const count = Number(positionals[0] ?? 24);
// The five questions of a kind are about the first film or two, whose memories stay as they were.
if (!(Number.isInteger(count) && count >= 3))
  throw new RangeError(`Expected FILMS to be a whole number from 3 up, got ${positionals[0]}`);
const size = { films: count, clips: 6, questionsPerKind: 5 };
const films = await filmHousehold({ ...measuredEpisodes.benchmark, ...size });
const models = {
  base: await openNano(shippedWeights("nano-base")),
  "Phase One": await openNano(shippedWeights("nano")),
};
/** Each memory is written once: without an adapter it is the same by either judge. A run that was stopped finds them. */
const store = folderCache(join(flags.runs, "two-by-two"));
const policyOf = (model: NanoModel, adapter: Adapter | null) =>
  rolloutCache(nanoPolicy(model, adapter, countTokens), { store });

/** One model with nothing, with the prompt and with an adapter; the last two are rows called after another model's. */
async function threeOf(model: NanoModel, judge: Judge | null) {
  const trainer = nanoAdapterTrainer({ model, countTokens, ...(judge && { judge }) });
  const plain = policyOf(model, null);
  const { rows, results, gain } = await householdBenchmark({
    films,
    policies: {
      ...{ base: plain, takesSupplement: true, phaseOne: plain },
      adapted: (adapter) => policyOf(model, adapter),
      learn: async (tasks) => {
        const { adapter, problem } = await trainer.train(tasks);
        return problem === null ? adapter : null;
      },
    },
    ...{ reader: lexicalReader({ words }), countTokens },
  });
  const of = (row: HouseholdRowName) => ({
    ...rows.find(({ policy, kind }) => policy === row && kind === "all")!,
    kinds: factKinds.map((kind) => rows.find((one) => one.policy === row && one.kind === kind)!.accuracy),
    results: results.filter((result) => result.row === row),
  });
  return { gain, cells: { nothing: of("base"), prompt: of("base + task prompt"), adapter: of("TaskMem") } };
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
  const [before, after] = [await threeOf(models.base, judge), await threeOf(models["Phase One"], judge)];
  console.log(
    `\nAdapters by ${judge === null ? "the judge that knows the truth" : "the judge of words"}, ${films.length} films, ${before.cells.nothing.n} questions:\n`,
  );
  const row = printTable(
    ...["", "accuracy, %", "coverage, %", "precision, %", "true, %", "repeated, %", "passing, %", "tokens"],
  );
  const named = Object.entries({ base: before, "Phase One": after }).flatMap(([name, { cells }]) =>
    Object.entries(cells).map(
      ([how, cell]) => [how === "nothing" ? name : `${name} + ${how}`, cell] as const,
    ),
  );
  for (const [name, cell] of named)
    row(
      name,
      ...[cell.accuracy, cell.coverage, cell.precision].map(percent),
      ...[cell.trueShare, cell.redundantShare, cell.passing].map(percent),
      cell.tokensPerEntry.toFixed(1),
    );
  console.log("\nRight answers by kind, %:\n");
  const kinds = printTable("", ...factKinds);
  for (const [name, cell] of named) kinds(name, ...cell.kinds.map(percent));
  const gains = factKinds.map((kind) => after.gain.kinds[kind]);
  kinds(
    "TaskMem − Phase One",
    ...gains.map(({ gain, low, high }) => `${signed(gain)} [${signed(low)}, ${signed(high)}]`),
  );
  const unclear = factKinds.filter((kind) => after.gain.kinds[kind].low <= 0);
  console.log(
    unclear.length === 0
      ? "\nThe gain is significant for all five kinds."
      : `\nThe gain is not significant for ${unclear.join(", ")}.`,
  );
  const of = (cell: { readonly results: readonly Result[] }) => cell.results;
  const [first, second] = [before.cells, after.cells];
  console.log(
    `\nTaskMem (Phase One + adapter) − Phase One: ${difference(of(second.adapter), of(second.nothing))}`,
  );
  console.log(
    `\nTaskMem − (Phase One + prompt): ${difference(of(second.adapter), of(second.prompt))}`,
    `\n\nTaskMem − (base + prompt): ${difference(of(second.adapter), of(first.prompt))}`,
    `\n\nTaskMem − (base + adapter): ${difference(of(second.adapter), of(first.adapter))}`,
  );
}
