/**
 * After which block of nano the adapter's vector does most: Phase Two and the swap control of the household for each of
 * its four blocks. Prints Markdown.
 *
 * The vector is as long a share of the residual stream at each block as at the one that ships, so the others are not at
 * their best length. The blocks are measured on the same held-out films with the same questions.
 *
 * `node perf/adapter-block.ts [films]`
 */
import { filmHousehold } from "../src/benchmarks/datasets/household/films.ts";
import { householdBenchmark } from "../src/benchmarks/datasets/household/household.ts";
import { mean } from "../src/benchmarks/statistics.ts";
import { lexicalReader, wordSpace } from "../src/engines/local/index.ts";
import { factKinds } from "../src/household/index.ts";
import { measuredEpisodes } from "../src/household/splits.ts";
import { nanoAdapterTrainer, nanoPolicy, openNano } from "../src/policies/nano/index.ts";
import { printTable, signed } from "./markdown.ts";

const weights = new URL("../weights/nano.safetensors", import.meta.url).pathname;
const { countTokens } = wordSpace;
const films = await filmHousehold({
  ...{ ...measuredEpisodes.benchmark, films: Number(process.argv[2] ?? 24), clips: 6, questionsPerKind: 5 },
});

const row = printTable(
  "block",
  "Phase One",
  "TaskMem",
  "gain",
  "own kind, swap",
  "other kinds, swap",
  "true, %",
  "repeated, %",
  "tokens",
);
for (let adapterBlock = 0; adapterBlock < 4; adapterBlock++) {
  const model = await openNano(weights, { adapterBlock });
  const trainer = nanoAdapterTrainer({ model, countTokens });
  const { rows, gain, swap } = await householdBenchmark({
    films,
    policies: {
      ...{ base: null, takesSupplement: false },
      phaseOne: nanoPolicy(model, null, countTokens),
      adapted: (adapter) => nanoPolicy(model, adapter, countTokens),
      learn: async (tasks) => {
        const { adapter, problem } = await trainer.train(tasks);
        return problem === null ? adapter : null;
      },
    },
    reader: lexicalReader({ words: wordSpace }),
    countTokens,
  });
  const of = (policy: string) => rows.find((one) => one.policy === policy && one.kind === "all")!;
  const { trueShare, redundantShare, tokensPerEntry, accuracy } = of("TaskMem");
  const swapped = (isOwn: boolean) =>
    mean(
      factKinds.flatMap((trained) =>
        factKinds
          .filter((asked) => (asked === trained) === isOwn)
          .map((asked) => 100 * (swap[trained][asked] - swap.none[asked])),
      ),
    );
  const percent = (share: number) => (100 * share).toFixed(1);
  const { overall } = gain;
  row(
    ...[adapterBlock, percent(of("Phase One").accuracy), percent(accuracy)],
    `${signed(overall.gain)} [${overall.low.toFixed(1)}, ${overall.high.toFixed(1)}]`,
    ...[signed(swapped(true)), signed(swapped(false))],
    ...[percent(trueShare), percent(redundantShare), tokensPerEntry.toFixed(1)],
  );
}
