/**
 * A process that trains the vector of a tiny nano on pairs, in a run's directory:
 * `node nano-phase-two.ts <run> [<step>]`. It kills itself while it saves the step named. At the end it prints how many
 * steps it made and the revision of the adapter.
 */
import { memoryExample } from "../../scripts/nano/examples.ts";
import { Decoder } from "../../src/engines/nano/decode.ts";
import { startDevice } from "../../src/engines/nano/device.ts";
import { stripsSeen, textSlots } from "../../src/engines/nano/layout.ts";
import { initialWeights, type NanoConfig, nanoConfig, weightsFrom } from "../../src/engines/nano/network.ts";
import { createEpisode } from "../../src/household/world.ts";
import { NanoVectorTrainer } from "../../src/policies/nano/vector-trainer.ts";
import { trainOnPairs } from "../../src/training/phase-two.ts";
import { openPhaseTwoRun } from "../../src/training/phase-two-run.ts";
import { seededRandom } from "../../src/util/random.ts";

const [directory, killAt] = process.argv.slice(2) as [string, string?];
const config: NanoConfig = {
  ...{ ...nanoConfig, width: 8, blocks: 3, heads: 2, hidden: 12, adapterBlock: 1 },
  ...{ stripValues: 6, stripHidden: 4 },
};
await startDevice();
const weights = weightsFrom(config, initialWeights(config, seededRandom("weights")));
const random = seededRandom("pairs");
const [first, second] = createEpisode("train-0", 2).clips;
const texts = textSlots(memoryExample(second!, [first!], random));
const strips = Float32Array.from({ length: stripsSeen * config.width }, () => 2 * random() - 1);
const [answers] = await new Decoder(config).decode(
  weights,
  { strips, texts, count: 1 },
  { samples: 8, temperature: 1, random },
);
const samples = answers!.map(({ tokens }) => ({ strips, texts, tokens }));
const pairs = [0, 2, 4, 6].map((i) => ({ chosen: samples[i]!, rejected: samples[i + 1]! }));

const trainer = new NanoVectorTrainer(config, weights);
let steps = 0;
const dying = {
  ...{ logprobs: trainer.logprobs.bind(trainer), accumulate: trainer.accumulate.bind(trainer) },
  ...{ snapshot: trainer.snapshot.bind(trainer), load: trainer.load.bind(trainer) },
  step: (options: Parameters<typeof trainer.step>[0]) => {
    steps += 1;
    return trainer.step(options);
  },
  save: async (path: string) => {
    await trainer.save(path);
    if (path.endsWith(`step-${killAt}.weights`)) process.kill(process.pid, "SIGKILL");
  },
};
await trainOnPairs(dying, pairs, {
  ...{ learningRate: 0.05, kl: 0.1, pairsPerStep: 3 },
  run: openPhaseTwoRun(directory, { of: "tiny nano" }),
});
const { revision } = await trainer.snapshot();
process.stdout.write(`${JSON.stringify({ steps, revision })}\n`);
