/**
 * Trains nano from random weights: it reads strips (stage V), then writes dense captions, then memories.
 *
 *   node scripts/nano/pretrain.ts [--minutes 180] [--share 1] [--watch-episodes 16] [--folder runs/nano] [--seed nano]
 *
 * `--share 0.1` makes every stage after the first a tenth as long, for a trial run.
 *
 * It keeps a checkpoint every 100 steps; a restart resumes from there. Every printed line is JSON. The weights are
 * `<folder>/nano.safetensors`. With these, in 16 bits, it watches real video of validation episodes (needs ffmpeg). The
 * last line says whether they equal `weights/nano-base.safetensors`.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { wordSpace } from "../../src/engines/local/index.ts";
import { startDevice } from "../../src/engines/nano/device.ts";
import { openNano } from "../../src/engines/nano/nano-model.ts";
import {
  compileEmbed,
  initialWeights,
  nanoConfig,
  type Weights,
  weightsFrom,
} from "../../src/engines/nano/network.ts";
import { besideShipped } from "../../src/engines/nano/shipped.ts";
import { readWeights, writeWeights } from "../../src/engines/nano/weights-file.ts";
import { choosingEpisodes, trainingEpisodes } from "../../src/household/splits.ts";
import { Adam, adamDefaults } from "../../src/policies/nano/adam.ts";
import { readCheckpoint, tensorsOf, writeCheckpoint } from "../../src/policies/nano/checkpoint.ts";
import { nanoPolicy } from "../../src/policies/nano/nano-policy.ts";
import { makeDirectory } from "../../src/util/directory.ts";
import { seededRandom } from "../../src/util/random.ts";
import { fidelityFigures } from "./fidelity.ts";
import { stageV } from "./stage-v.ts";
import { openStripCache, type StripCache } from "./strip-cache.ts";
import { measureFidelity, positionsPerStep, type TextStage, textStage } from "./text-stages.ts";
import { watchFidelity } from "./watch-fidelity.ts";

const { values: options } = parseArgs({
  options: {
    minutes: { type: "string", default: "180" },
    share: { type: "string", default: "1" },
    folder: { type: "string", default: "runs/nano" },
    "watch-episodes": { type: "string", default: "16" },
    seed: { type: "string", default: "nano" },
  },
});
/** The stages that follow stage V. */
const plans = [
  {
    stage: "captions",
    steps: 3000,
    clips: 16,
    learningRate: 1.5e-3,
    episodes: trainingEpisodes.nano.captions,
  },
  { stage: "memories", steps: 500, clips: 24, learningRate: 7e-4, episodes: trainingEpisodes.nano.memories },
] as const;

const started = performance.now();
const deadline = started + Number(options.minutes) * 60_000;
const checkpointPath = join(options.folder, "checkpoint.safetensors");
const seconds = () => Math.round((performance.now() - started) / 1000);
const rounded = (_: string, value: unknown) => (typeof value === "number" ? Number(value.toFixed(3)) : value);
const log = (line: object) => console.log(JSON.stringify({ seconds: seconds(), ...line }, rounded));

makeDirectory(options.folder);
await startDevice();
const cache = await openStripCache(join(options.folder, "strips.bin"));
let state = readCheckpoint(checkpointPath) ?? {
  stage: "vision",
  step: 0,
  weights: weightsFrom(nanoConfig, initialWeights(nanoConfig, seededRandom(options.seed))),
  adam: null,
};
if (state.stage === "vision") {
  const weights = await stageV(nanoConfig, state.weights, cache, seededRandom(`${options.seed} vision`), {
    steps: 1500,
    learningRate: 1.5e-3,
    strips: 384,
    wantedExact: 0.995,
    evaluateEvery: 50,
    onProgress: (progress) => log({ stage: "vision", ...progress }),
  });
  state = { stage: "captions", step: 0, weights, adam: null };
  await writeCheckpoint(checkpointPath, state, state.weights, null);
}
for (const [i, plan] of plans.entries())
  if (state.stage === plan.stage) state = await runStage(plan, plans[i + 1]?.stage ?? "done");
const weightsPath = join(options.folder, "nano.safetensors");
writeWeights(weightsPath, await tensorsOf(state.weights), {
  bits: 16,
  notes: { stage: state.stage, step: String(state.step) },
});
const model = await openNano(weightsPath);
const watched = await watchFidelity(nanoPolicy(model, null, wordSpace.countTokens), {
  ...choosingEpisodes.nanoPretraining,
  episodes: Number(options["watch-episodes"]),
  clips: 6,
});
log({
  event: "nano-pretrain-end",
  stage: state.stage,
  step: state.step,
  model: model.id,
  weights: besideShipped("nano-base", readWeights(weightsPath).checksum),
  ...fidelityFigures(watched),
  stated: watched.stated,
});

/** Runs one stage from its current step until its steps or the time are spent. */
async function runStage({ steps: whole, ...plan }: (typeof plans)[number], next: string) {
  const { stage, clips } = plan;
  const steps = Math.ceil(Number(options.share) * whole);
  const { still, moving } = splitWeights(state.weights);
  const adam = new Adam(moving, adamDefaults, state.adam);
  const embed = compileEmbed(nanoConfig, still);
  let done = state.step;
  let since = { step: done, at: performance.now(), loss: 0 };
  await textStage(nanoConfig, adam, embed, cache, {
    ...plan,
    fromStep: done,
    steps,
    seed: `${options.seed} ${stage}`,
    onStep: async (step, loss) => {
      done = step;
      since.loss += loss;
      if (step % 100 === 0) {
        const positions = (step - since.step) * positionsPerStep({ stage, clips });
        log({
          stage,
          step,
          loss: since.loss / (step - since.step),
          positionsPerSecond: Math.round(positions / ((performance.now() - since.at) / 1000)),
        });
        await writeCheckpoint(checkpointPath, { stage, step }, still, adam);
        if (step % 500 === 0)
          log({ stage, step, ...(await figures(stage, still, adam.weights, embed, cache, 64)) });
        since = { step, at: performance.now(), loss: 0 };
      }
      return performance.now() < deadline;
    },
  });
  log({ stage, step: done, ...(await figures(stage, still, adam.weights, embed, cache, 128)) });
  const finished = done >= steps;
  const at = finished ? { stage: next, step: 0 } : { stage, step: done };
  const weights = { ...still, ...adam.weights };
  await writeCheckpoint(checkpointPath, at, weights, finished ? null : adam);
  return { ...at, weights, adam: null };
}

async function figures(
  stage: TextStage,
  still: Weights,
  moving: Weights,
  embed: ReturnType<typeof compileEmbed>,
  strips: StripCache,
  clips: number,
) {
  const weights = { ...still, ...moving };
  const random = seededRandom("validation");
  const counts = await measureFidelity(nanoConfig, weights, embed, strips, random, {
    stage,
    clips,
    temperature: 0.7,
  });
  return fidelityFigures(counts);
}

/** The patch MLP is frozen in the text stages. */
function splitWeights(weights: Weights): { still: Weights; moving: Weights } {
  const part = (wanted: boolean) =>
    Object.fromEntries(Object.entries(weights).filter(([name]) => name.startsWith("patch.") === wanted));
  return { still: part(true), moving: part(false) };
}
