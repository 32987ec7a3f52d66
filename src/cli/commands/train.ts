/** `taskmem train phase-one`: a policy learns how to memorize, from nothing but a simulated household and its truth. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { wordSpace } from "../../engines/local/index.ts";
import { ConfigError } from "../../errors.ts";
import { householdVideos } from "../../household/index.ts";
import { householdJudge } from "../../reward/household-judge.ts";
import { paperConstants } from "../../reward/rules.ts";
import {
  type PhaseOneConfig,
  phaseOne,
  phaseOneDefaults,
  type StepMetrics,
} from "../../training/phase-one.ts";
import { openPhaseOneRun } from "../../training/phase-one-run.ts";
import type { Invocation } from "../invocation.ts";
import type { Output } from "../output.ts";
import { weightsOf } from "../wiring.ts";

interface TrainFlags {
  readonly policy?: string;
  readonly weights?: string;
  readonly run?: string;
  readonly steps?: number;
  readonly offPolicySteps?: number;
  readonly batch?: number;
  readonly group?: number;
  readonly learningRate?: string;
  readonly richness?: string;
  readonly seed?: string;
  readonly checkpointEvery?: number;
}

/** What trains nano on two cores in a few minutes. The richness bonus is above the paper's 0.05: with it memories shrink. */
const nanoDefaults: PhaseOneConfig & { readonly richness: number } = {
  ...phaseOneDefaults,
  offPolicySteps: 10,
  steps: 30,
  batch: 16,
  parts: 2,
  learningRate: 1e-4,
  checkpointEvery: 5,
  seed: "nano phase one",
  richness: 0.25,
};
/** Episodes of the train split that pretraining does not use. */
const firstEpisode = 800_000;
const clipsPerVideo = 24;

export async function run({ output, signal, options }: Invocation, phase?: string): Promise<void> {
  if (phase !== "phase-one") {
    throw new ConfigError(
      "phase-unknown",
      `Expected \`train phase-one\`, got ${phase ?? "nothing"}: Phase Two is \`taskmem adapt run\`, on the questions a memory was asked`,
    );
  }
  const flags = options as TrainFlags;
  const { policy = "nano" } = flags;
  if (policy !== "nano") {
    throw new ConfigError("policy-untrainable", `Expected --policy nano, got ${policy}: see docs/paper.md`);
  }
  const { richness, ...config } = configOf(flags);
  const directory = flags.run ?? join("runs", `phase-one-${policy}`);
  const weights = flags.weights ?? weightsOf("nano-base");
  if (!existsSync(weights)) {
    throw new ConfigError(
      "weights-missing",
      `Expected nano's weights to start from in ${weights}, there are none: make them with \`npm run nano:pretrain\``,
    );
  }
  const { nanoPhaseOneLearner } = await import("../../engines/nano/index.ts");
  const snapshot = join(directory, "nano.safetensors");
  const videos = householdVideos({ split: "train", from: firstEpisode, clips: clipsPerVideo });
  const judge = householdJudge(videos.truthOf);
  const openRun = openPhaseOneRun(directory, { policy, judge: judge.id, richness, ...config });
  const learner = await nanoPhaseOneLearner(weights, snapshot, wordSpace.countTokens);
  output.text(
    `Phase One of ${learner.id}, ${config.steps} steps of ${config.batch} × ${config.group} memories\n`,
  );
  output.text(header);
  const trained = await phaseOne({
    learner,
    video: videos.video,
    judge,
    score: {
      countTokens: wordSpace.countTokens,
      form: "description",
      constants: { ...paperConstants, mostRichness: richness },
    },
    config,
    run: openRun,
    onStep: (metrics) => printStep(output, metrics),
    signal,
  });
  output.object({ event: "train-end", phase, policy, directory, ...trained });
  output.text(`\nweights    ${trained.path}\ncurves     ${join(directory, "curves.html")}`);
}

function configOf(flags: TrainFlags): typeof nanoDefaults {
  const number = (name: string, text: string | undefined, otherwise: number) => {
    if (text === undefined) return otherwise;
    const value = Number(text);
    if (Number.isFinite(value) && value >= 0) return value;
    throw new ConfigError("number-invalid", `Expected ${name} to be a number from 0 up, got ${text}`);
  };
  const config = {
    ...nanoDefaults,
    steps: flags.steps ?? nanoDefaults.steps,
    offPolicySteps: flags.offPolicySteps ?? nanoDefaults.offPolicySteps,
    batch: flags.batch ?? nanoDefaults.batch,
    group: flags.group ?? nanoDefaults.group,
    seed: flags.seed ?? nanoDefaults.seed,
    checkpointEvery: flags.checkpointEvery ?? nanoDefaults.checkpointEvery,
    learningRate: number("--learning-rate", flags.learningRate, nanoDefaults.learningRate),
    richness: number("--richness", flags.richness, nanoDefaults.richness),
  };
  for (const [name, least] of [
    ["batch", 1],
    ["group", 2],
    ["checkpointEvery", 1],
  ] as const)
    if (config[name] < least)
      throw new ConfigError("number-invalid", `Expected ${name} to be ${least} or more, got ${config[name]}`);
  return { ...config, parts: Math.min(config.parts, config.batch) };
}

const header = "step  history     reward  pass   valid  rich   tokens  clipped  gradient";

function printStep(output: Output, metrics: StepMetrics): void {
  output.object({ event: "step-end", ...metrics });
  const { step, history, reward, passing, valid, richness, tokens, clippedPositive, clippedNegative } =
    metrics;
  const percent = (share: number) => `${Math.round(100 * share)} %`.padEnd(7);
  output.text(
    `${String(step).padEnd(6)}${history.padEnd(12)}${reward.toFixed(3).padEnd(8)}${percent(passing)}${percent(valid)}${richness.toFixed(3).padEnd(7)}${tokens.toFixed(1).padEnd(8)}${percent((clippedPositive + clippedNegative) / 2).padEnd(9)}${metrics.gradientNorm.toFixed(3)}`,
  );
}
