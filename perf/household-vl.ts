/**
 * Phase Two on household-VL: gain and swap control on held-out films of the toy household, with one adapter a kind.
 *
 * Memories are drawn of training films, and preferred by the household's truth; the adapter is a vector that the worker
 * trains, at all tokens behind block 2 of 6. The recipe is the model policy's without lines of the clip, contrast and a
 * choice of strength: this model's own memories are true and different. Prints Markdown. Needs ffmpeg and what `taskmem train setup` installs.
 *
 * `node perf/household-vl.ts [films] [seed]`
 */
import { filmHousehold } from "../src/benchmarks/datasets/household/films.ts";
import { householdBenchmark } from "../src/benchmarks/datasets/household/household.ts";
import { mean } from "../src/benchmarks/statistics.ts";
import { parseConfig } from "../src/config.ts";
import { lexicalReader, wordSpace } from "../src/engines/local/index.ts";
import { requireTorchPython } from "../src/engines/torch/environment.ts";
import { openTorchEngine, torchModel, workerCommand } from "../src/engines/torch/index.ts";
import { factKinds, householdVideos } from "../src/household/index.ts";
import { measuredEpisodes, trainingEpisodes } from "../src/household/splits.ts";
import { modelPhaseTwoRecipes } from "../src/policies/model/recipes.ts";
import { torchAdapterTrainer } from "../src/policies/model/torch-adapter-trainer.ts";
import { torchPolicy } from "../src/policies/model/torch-policy.ts";
import { householdJudge } from "../src/reward/household-judge.ts";
import { modelPolicyOptions } from "../src/taskmem/assembly.ts";
import { folderPrompting, modelFolder } from "../src/taskmem/folder-model.ts";
import { printTable, signed } from "./markdown.ts";

const [count = "16", seed = "0"] = process.argv.slice(2);
const name = "household-vl";
const config = parseConfig({ policy: "model", model: { model: name } });
const { countTokens } = wordSpace;
const engine = await openTorchEngine({
  ...{ model: modelFolder(name), command: workerCommand(requireTorchPython()), threads: 1 },
  train: { kind: "vector" },
});
const prompting = folderPrompting(config);
const policy = { ...modelPolicyOptions(config, torchModel(engine, prompting)), prompting };
const pool = householdVideos({ ...trainingEpisodes.householdVl.phaseTwo, clips: 8 });
const streams = await Promise.all(
  Array.from({ length: trainingEpisodes.householdVl.phaseTwo.episodes }, async (_, n) => {
    const video = pool.video(n);
    return Promise.all(Array.from({ length: video.clips }, (_, clip) => video.observe(clip)));
  }),
);
const trainer = torchAdapterTrainer({
  ...{ engine, policy, seed },
  judge: householdJudge(pool.truthOf),
  recipe: { ...modelPhaseTwoRecipes["full-strength"], lines: 0, judge: "plain", at: "all", block: 2 },
});
/** A task of which only the question counts. */
const unanswered = {
  ...{ askedAtMs: 0, asOfSeconds: null, stream: null, answer: "", option: null, abstained: false },
  ...{ citations: [], reader: "none", feedback: null },
};
const filmed = await filmHousehold({
  ...measuredEpisodes.benchmark,
  ...{ films: Number(count), clips: 6, questionsPerKind: 5 },
});
/** Films without the captions beside them: the model looks at pictures, and has never read captions. */
const films = filmed.map((film) => ({
  ...film,
  observations: film.observations.map((observation) => ({ ...observation, captions: [] })),
}));
const began = performance.now();
const { rows, gain, swap } = await householdBenchmark({
  films,
  policies: {
    ...{ base: null, takesSupplement: false },
    phaseOne: torchPolicy(engine, null, policy),
    adapted: (adapter) => torchPolicy(engine, adapter, policy),
    learn: async (tasks) => {
      const asked = tasks.map(({ question }, i) => ({ ...unanswered, id: String(i), question }));
      const { adapter, problem } = await trainer.train(asked, streams);
      console.error(problem ?? "an adapter", Math.round((performance.now() - began) / 1000), "s");
      return problem === null ? adapter : null;
    },
  },
  reader: lexicalReader({ words: wordSpace }),
  countTokens,
  onProgress: (what) => console.error(what),
});
engine.close();

const percent = (share: number) => (100 * share).toFixed(1);
const row = printTable("memories by", "accuracy, %", "true, %", "repeated, %", "tokens");
for (const { policy, kind, accuracy, trueShare, redundantShare, tokensPerEntry } of rows)
  if (kind === "all")
    row(policy, percent(accuracy), percent(trueShare), percent(redundantShare), tokensPerEntry.toFixed(1));
console.log();
const change = printTable("adapter for", "its own kind", "other kinds", "gain on later films");
for (const kind of factKinds) {
  const { gain: points, low, high } = gain.kinds[kind];
  const swapped = (asked: readonly (typeof kind)[]) =>
    signed(mean(asked.map((one) => 100 * (swap[kind][one] - swap.none[one]))));
  const others = factKinds.filter((one) => one !== kind);
  change(kind, swapped([kind]), swapped(others), `${signed(points)} [${low.toFixed(1)}, ${high.toFixed(1)}]`);
}
const { overall } = gain;
console.log(
  `\nGain in all: ${signed(overall.gain)} [${overall.low.toFixed(1)}, ${overall.high.toFixed(1)}] points, ${films.length} films, seed ${seed}.`,
);
