/**
 * `taskmem train phase-one`: a policy learns how to memorize, from nothing but a simulated household. `train phase-two` is
 * `adapt run`: from the questions a memory was asked it learns what to memorize.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { configuredJudge } from "../../assembly.ts";
import { loadConfig } from "../../config.ts";
import { wordSpace } from "../../engines/local/index.ts";
import { shippedChecksums, shippedWeights } from "../../engines/nano/shipped.ts";
import { ConfigError } from "../../errors.ts";
import { type HouseholdVideos, householdVideos } from "../../household/index.ts";
import type { HouseholdVideosOptions } from "../../household/training-videos.ts";
import { choicePhaseOnePolicy } from "../../policies/choice/choice-phase-one.ts";
import { readChoiceWeights } from "../../policies/choice/choice-weights-trainer.ts";
import { householdJudge } from "../../reward/household-judge.ts";
import type { Judge } from "../../reward/judge.ts";
import { localJudge } from "../../reward/local-judge.ts";
import type { ScoreOptions } from "../../reward/reward.ts";
import { paperConstants } from "../../reward/rules.ts";
import {
  type PhaseOneConfig,
  phaseOne,
  phaseOneDefaults,
  type StepMetrics,
} from "../../training/phase-one.ts";
import { openPhaseOneRun } from "../../training/phase-one-run.ts";
import type { PhaseOnePolicy } from "../../training/trainable-policy.ts";
import { judgeFlags } from "../flags.ts";
import type { Invocation } from "../invocation.ts";
import type { Output } from "../output.ts";
import { run as adapt } from "./adapt.ts";

interface TrainFlags {
  readonly policy?: string;
  readonly weights?: string;
  readonly judge?: string;
  readonly judgeModel?: string;
  readonly run?: string;
  readonly steps?: number;
  readonly offPolicySteps?: number;
  readonly batch?: number;
  readonly group?: number;
  readonly learningRate?: string;
  readonly richness?: string;
  readonly kl?: string;
  readonly seed?: string;
  readonly checkpointEvery?: number;
}

type Defaults = PhaseOneConfig & { readonly richness: number };

/** What Phase One of a policy needs: videos, a judge, and where it starts. */
interface SetUp {
  readonly defaults: Defaults;
  /** Episodes of the train split, from one that nothing else uses. */
  readonly videos: Omit<HouseholdVideosOptions, "split">;
  judge(videos: HouseholdVideos): Judge;
  readonly form: ScoreOptions["form"];
  /** Name of the file of trained weights. */
  readonly snapshot: string;
  /** @param weights file to start from, where one was named */
  learner(weights: string | undefined, snapshotPath: string): Promise<PhaseOnePolicy<unknown>>;
}

const setUps: Readonly<Record<string, SetUp>> = {
  /** In five minutes on two cores. With the paper's richness of 0.05 memories shrink. */
  nano: {
    defaults: {
      ...phaseOneDefaults,
      offPolicySteps: 6,
      steps: 60,
      batch: 16,
      parts: 2,
      learningRate: 3e-4,
      kl: 0.1,
      checkpointEvery: 5,
      seed: "nano phase one",
      richness: 0.1,
    },
    videos: { from: 800_000, clips: 24 },
    judge: (videos) => householdJudge(videos.truthOf),
    form: "description",
    snapshot: "nano.safetensors",
    async learner(weights = shippedWeights("nano-base"), snapshotPath) {
      if (!existsSync(weights)) {
        throw new ConfigError(
          "weights-missing",
          `Expected nano's weights to start from in ${weights}, there are none: make them with \`npm run nano:pretrain\``,
        );
      }
      const { nanoPhaseOnePolicy } = await import("../../policies/nano/index.ts");
      return nanoPhaseOnePolicy(weights, snapshotPath, wordSpace.countTokens);
    },
  },
  /** In seconds. What is said aloud is no sentence of the household's own, so its judge would call all speech untrue. */
  choice: {
    defaults: {
      ...phaseOneDefaults,
      offPolicySteps: 30,
      batch: 16,
      parts: 2,
      learningRate: 1,
      seed: "choice phase one",
      richness: paperConstants.mostRichness,
    },
    videos: { from: 900_000, clips: 66, captions: true },
    judge: () => localJudge({ words: wordSpace }),
    form: "statements",
    snapshot: "choice-weights.json",
    learner: async (weights, snapshotPath) =>
      choicePhaseOnePolicy({
        words: wordSpace,
        snapshotPath,
        ...(weights !== undefined && { weights: readChoiceWeights(weights) }),
      }),
  },
};

export async function run(invocation: Invocation, phase?: string): Promise<void> {
  const flags = invocation.options as TrainFlags;
  if (phase === "phase-two") {
    refuseFlags(flags);
    return adapt(invocation, "run");
  }
  if (phase !== "phase-one") {
    throw new ConfigError(
      "phase-unknown",
      `Expected \`train phase-one\` or \`train phase-two\`, got ${phase ?? "nothing"}`,
    );
  }
  const { output, signal } = invocation;
  const { policy = "nano" } = flags;
  const judging = judgeFlags({ ...flags });
  const setUp = Object.hasOwn(setUps, policy) ? setUps[policy]! : null;
  if (setUp === null) {
    throw new ConfigError(
      "policy-untrainable",
      `Expected --policy ${Object.keys(setUps).join(" or ")}, got ${policy}: see docs/paper.md`,
    );
  }
  const { richness, ...config } = configOf(flags, setUp.defaults);
  const directory = flags.run ?? join("runs", `phase-one-${policy}`);
  const videos = householdVideos({ split: "train", ...setUp.videos });
  const judge =
    judging.judge === undefined
      ? setUp.judge(videos)
      : configuredJudge(await loadConfig(invocation.flags, { file: invocation.configFile }), judging);
  const learner = await setUp.learner(flags.weights, join(directory, setUp.snapshot));
  const openRun = openPhaseOneRun(directory, {
    policy,
    learner: learner.id,
    judge: judge.id,
    videos: setUp.videos,
    richness,
    ...config,
  });
  output.text(
    `Phase One of ${learner.id}, ${config.steps} steps of ${config.batch} × ${config.group} memories\n`,
  );
  output.text(header);
  const { trained, ...outcome } = await phaseOne({
    learner,
    video: videos.video,
    judge,
    score: {
      countTokens: wordSpace.countTokens,
      form: setUp.form,
      constants: { ...paperConstants, mostRichness: richness },
    },
    config,
    run: openRun,
    onStep: (metrics) => printStep(output, metrics),
    signal,
  });
  output.object({ event: "train-end", phase, policy, directory, ...outcome, ...trained });
  if (outcome.problem) output.note(nothingLearnt[outcome.problem]);
  const shipped = trained.revision === shippedChecksums.nano ? " (as shipped)" : "";
  output.text(`\nweights    ${trained.path}${shipped}\ncurves     ${join(directory, "curves.html")}`);
}

/** @throws ConfigError when a flag is set that only Phase One has */
function refuseFlags(flags: TrainFlags): void {
  for (const name of [
    ...(["steps", "offPolicySteps", "batch", "group", "learningRate"] as const),
    ...(["richness", "kl", "checkpointEvery", "seed"] as const),
  ])
    if (flags[name] !== undefined)
      throw new ConfigError(
        "flag-unused",
        `Expected no --${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)} with \`train phase-two\`: it is of Phase One`,
      );
}

const nothingLearnt = {
  "judge-failed": "nothing was learnt: the judge failed in every group; the weights are those it began with",
  "no-difference":
    "nothing was learnt: within each group all memories got the same reward; the weights are those it began with",
};

function configOf(flags: TrainFlags, defaults: Defaults): Defaults {
  const number = (name: string, text: string | undefined, otherwise: number) => {
    if (text === undefined) return otherwise;
    const value = Number(text);
    if (Number.isFinite(value) && value >= 0) return value;
    throw new ConfigError("number-invalid", `Expected ${name} to be a number from 0 up, got ${text}`);
  };
  const { steps, offPolicySteps, batch, group, seed, checkpointEvery } = { ...defaults, ...flags };
  const config = {
    ...defaults,
    steps,
    offPolicySteps,
    batch,
    group,
    seed,
    checkpointEvery,
    learningRate: number("--learning-rate", flags.learningRate, defaults.learningRate),
    kl: number("--kl", flags.kl, defaults.kl),
    richness: number("--richness", flags.richness, defaults.richness),
  };
  for (const [name, least] of [
    ["steps", 1],
    ["batch", 1],
    ["group", 2],
    ["checkpointEvery", 1],
  ] as const)
    if (config[name] < least)
      throw new ConfigError("number-invalid", `Expected ${name} to be ${least} or more, got ${config[name]}`);
  if (config.learningRate === 0)
    throw new ConfigError("number-invalid", "Expected --learning-rate above 0, got 0");
  return { ...config, parts: Math.min(config.parts, config.batch) };
}

const header = "step  history     reward  pass   true   new    rich   tokens  clipped  gradient";

function printStep(output: Output, metrics: StepMetrics): void {
  output.object({ event: "step-end", ...metrics });
  const {
    step,
    history,
    reward,
    passing,
    correct,
    clean,
    richness,
    tokens,
    clippedPositive,
    clippedNegative,
  } = metrics;
  const percent = (share: number) => `${Math.round(100 * share)} %`.padEnd(7);
  output.text(
    `${String(step).padEnd(6)}${history.padEnd(12)}${reward.toFixed(3).padEnd(8)}${percent(passing)}${percent(correct)}${percent(clean)}${richness.toFixed(3).padEnd(7)}${tokens.toFixed(1).padEnd(8)}${percent((clippedPositive + clippedNegative) / 2).padEnd(9)}${metrics.gradientNorm.toFixed(3)}`,
  );
}
