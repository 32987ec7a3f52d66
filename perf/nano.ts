/**
 * What nano costs on this machine: sampling on one thread, training on one and on all (as many as `Gradients` takes), a
 * step of Phase One, an adapter of Phase Two, memory.
 *
 * Prints Markdown. Rates are set against those of a hand-written C++ engine with AVX2 on another machine (885,888
 * parameters; 8,550 tokens a second of training, 18,500 of sampling), so the ratio mixes engine and machine; the product of
 * two matrices of 512 × 512, measured in the same run, says what this machine gives the library.
 *
 * `node perf/nano.ts [weights]`
 */

import { jit, numpy as np } from "@jax-js/jax";
import { wordSpace } from "../src/engines/local/index.ts";
import { Decoder } from "../src/engines/nano/decode.ts";
import { answerSlots, captionLength, memoryLength, prefixLength } from "../src/engines/nano/layout.ts";
import { readNano } from "../src/engines/nano/nano-model.ts";
import { initialWeights, nanoConfig, weightsFrom } from "../src/engines/nano/network.ts";
import { householdVideos } from "../src/household/index.ts";
import { timingEpisodes } from "../src/household/splits.ts";
import { adapterFromTasks } from "../src/policies/choice/word-vector-trainer.ts";
import { Gradients, type PlainBatch } from "../src/policies/nano/gradients.ts";
import {
  nanoAdapterTrainer,
  nanoPhaseOnePolicy,
  nanoPhaseTwoRecipe,
  openNano,
  trainableNano,
} from "../src/policies/nano/index.ts";
import type { NanoSample } from "../src/policies/nano/sample-arrays.ts";
import { nanoVectorTrainer } from "../src/policies/nano/vector-trainer.ts";
import { NanoWeightsTrainer } from "../src/policies/nano/weights-trainer.ts";
import { rollOut, trainOnPairs } from "../src/training/phase-two.ts";
import type { PhaseOnePolicy } from "../src/training/trainable-policy.ts";
import { seededRandom } from "../src/util/random.ts";
import { printTable } from "./markdown.ts";

const weightsPath = process.argv[2] ?? new URL("../weights/nano.safetensors", import.meta.url).pathname;
const reference = { training: 8550, sampling: 18_500 };
const { countTokens } = wordSpace;
const rows: string[][] = [];

/** Answers of 48 tokens, each with the clip it is about, as a batch in which every token counts. */
function longBatch(answers: readonly { of: NanoSample; tokens: readonly number[] }[]): PlainBatch {
  const slots = answers.map(({ tokens }) => answerSlots(tokens.slice(0, captionLength - 1), captionLength));
  return {
    count: answers.length,
    strips: Float32Array.from(answers.flatMap(({ of }) => [...of.strips])),
    texts: Int32Array.from(answers.flatMap(({ of }) => [...of.texts])),
    answers: Int32Array.from(slots.flatMap(({ inputs }) => [...inputs])),
    targets: Int32Array.from(slots.flatMap(({ targets }) => [...targets])),
    weights: Float32Array.from(slots.flatMap(({ weights }) => [...weights])),
  };
}

/** Best of so many runs after one that compiles, in seconds. */
async function seconds(runs: number, work: () => Promise<unknown>): Promise<number> {
  await work();
  let best = Infinity;
  for (let i = 0; i < runs; i++) {
    const began = performance.now();
    await work();
    best = Math.min(best, (performance.now() - began) / 1000);
  }
  return best;
}

const model = await openNano(weightsPath);
const videos = householdVideos({ ...timingEpisodes, clips: 8 });
const contexts = await Promise.all(
  Array.from({ length: 16 }, async (_, n) => ({
    id: String(n),
    context: {
      observations: [await videos.video(n >> 3).observe(n & 7)],
      recent: { observations: [], entries: [] },
      state: { value: null, documents: 0, words: new Map() },
    },
  })),
);
const trainableAdapter = trainableNano(model, countTokens);
const cache = await rollOut(trainableAdapter, contexts, { samples: 8, countTokens });
const samples: NanoSample[] = cache.flatMap(({ candidates }) => candidates.map(({ sample }) => sample));
const positions = prefixLength + memoryLength;

const square = jit((a: np.Array, b: np.Array) => np.matmul(a, b));
const matrix = np.array(
  Float32Array.from({ length: 512 * 512 }, (_, i) => i % 7),
  { shape: [512, 512] },
);
const product = await seconds(20, async () => (await square(matrix.ref, matrix.ref).data())[0]);
rows.push(["product of 512 × 512", `${((2 * 512 ** 3) / product / 1e9).toFixed(1)} GFLOP/s`, ""]);

const { weights } = await readNano(weightsPath);
const decoder = new Decoder(nanoConfig);
const drawn = Array.from({ length: 16 }, (_, i) => samples[i]!);
const prompts = {
  count: 16,
  strips: Float32Array.from(drawn.flatMap(({ strips }) => [...strips])),
  texts: Int32Array.from(drawn.flatMap(({ texts }) => [...texts])),
};
let written = 0;
const sampling = await seconds(3, async () => {
  const answers = await decoder.decode(weights, prompts, {
    ...{ samples: 8, temperature: 1, random: seededRandom("perf") },
  });
  written = answers.flat().reduce((sum, { tokens }) => sum + tokens.length, 0);
});
const rate = written / sampling;
rows.push([
  "sampling 16 × 8 memories",
  `${Math.round(rate)} tokens/s`,
  (rate / reference.sampling).toFixed(2),
]);

const every = samples.map(({ tokens }) => new Float32Array(tokens.length).fill(1e-6));
const training = async (trainer: PhaseOnePolicy<NanoSample>["trainer"]) => {
  const taken = await seconds(2, async () => {
    await trainer.accumulate(samples, every);
    await trainer.step({ learningRate: 1e-9 });
  });
  return (samples.length * positions) / taken;
};
const alone = await training(new NanoWeightsTrainer(nanoConfig, weights, "/dev/null", 1));
rows.push([
  `gradient and step, ${samples.length} × ${positions} positions, one thread`,
  `${Math.round(alone)} positions/s`,
  (alone / reference.training).toFixed(2),
]);
const trainable = await nanoPhaseOnePolicy(weightsPath, "/dev/null", countTokens);
const together = await training(trainable.trainer);
rows.push(["the same on all threads", `${(together / alone).toFixed(2)} × one thread`, ""]);
const step = await seconds(1, async () => {
  await rollOut(trainable, contexts, { samples: 8, countTokens });
  await trainable.trainer.logprobs(samples);
  await trainable.trainer.accumulate(samples, every);
  await trainable.trainer.step({ learningRate: 1e-9 });
});
rows.push([`a step of Phase One, 16 × 8 memories`, `${step.toFixed(1)} s`, ""]);

// As long as a prompt's answer can be (with random weights none ends early), 16 at once as the trainer takes them.
const random = weightsFrom(nanoConfig, initialWeights(nanoConfig, seededRandom("random")));
const gradients = new Gradients(nanoConfig);
const long = await seconds(1, async () => {
  const answers = await decoder.decode(random, prompts, {
    ...{ samples: 8, temperature: 1, random: seededRandom("long"), length: captionLength },
  });
  const flat = answers.flatMap((group, i) => group.map(({ tokens }) => ({ of: drawn[i]!, tokens })));
  const batches = Array.from({ length: 8 }, (_, i) => longBatch(flat.slice(16 * i, 16 * (i + 1))));
  await gradients.logprobs(random, batches);
  await gradients.gradient(random, batches);
});
rows.push([
  `sampling, log-probabilities and gradient of 128 × ${captionLength} tokens`,
  `${long.toFixed(1)} s`,
  "",
]);

const pairs = Array.from({ length: 32 }, (_, i) => ({
  chosen: samples[(3 * i) % samples.length]!,
  rejected: samples[(3 * i + 1) % samples.length]!,
}));
const adapter = await seconds(1, () => trainOnPairs(nanoVectorTrainer(model), pairs, nanoPhaseTwoRecipe.dpo));
rows.push(["Phase Two: 32 pairs × 10 steps", `${adapter.toFixed(1)} s`, ""]);

const tasks = Array.from({ length: 200 }, (_, i) => ({
  question: { text: `Where did person ${i % 40} put thing number ${i}?`, options: [] },
}));
const closed = await seconds(20, async () => adapterFromTasks(tasks, { words: wordSpace }));
rows.push(["choice adapter, 200 questions", `${(1000 * closed).toFixed(1)} ms`, ""]);
const adapterTrainer = nanoAdapterTrainer({ model, countTokens });
const began = performance.now();
await adapterTrainer.cache();
rows.push(["frozen cache: 48 contexts × 8", `${((performance.now() - began) / 1000).toFixed(1)} s`, ""]);
rows.push(["memory peak of this process", `${Math.round(process.resourceUsage().maxRSS / 1024)} MiB`, ""]);

const row = printTable("what", "measured", "of the C++ figure");
for (const cells of rows) row(...cells);
