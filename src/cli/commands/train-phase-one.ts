/** `taskmem train phase-one`: a policy learns on simulated households how to memorize, before it is deployed. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { loadConfig } from "../../config.ts";
import { wordSpace } from "../../engines/local/index.ts";
import { shippedChecksums, shippedWeights } from "../../engines/nano/shipped.ts";
import { ConfigError } from "../../errors.ts";
import { type HouseholdVideos, householdVideos } from "../../household/index.ts";
import type { HouseholdVideosOptions } from "../../household/training-videos.ts";
import { choicePhaseOnePolicy } from "../../policies/choice/choice-training.ts";
import { readChoiceWeights } from "../../policies/choice/choice-weights-trainer.ts";
import { choicePhaseOneRecipe } from "../../policies/choice/recipes.ts";
import { nanoPhaseOneRecipe } from "../../policies/nano/recipes.ts";
import { householdJudge } from "../../reward/household-judge.ts";
import type { Judge } from "../../reward/judge.ts";
import { localJudge } from "../../reward/local-judge.ts";
import type { ScoreOptions } from "../../reward/reward.ts";
import { paperConstants } from "../../reward/rules.ts";
import { concurrencyOf, configuredJudge } from "../../taskmem/assembly.ts";
import { type PhaseOneConfig, phaseOne, type StepMetrics } from "../../training/phase-one.ts";
import { openPhaseOneRun } from "../../training/phase-one-run.ts";
import type { PhaseOnePolicy } from "../../training/trainable-policy.ts";
import { flagOf, judgeFlags } from "../flags.ts";
import type { Invocation } from "../invocation.ts";
import type { Output } from "../output.ts";
import { showProgress } from "../progress.ts";

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

type Settings = PhaseOneConfig & { readonly richness: number };

/** What Phase One of a policy needs: its recipe, a judge, and where it starts. */
interface SetUp {
  readonly recipe: {
    readonly config: PhaseOneConfig;
    readonly richness: number;
    readonly videos: HouseholdVideosOptions;
  };
  judge(videos: HouseholdVideos): Judge;
  readonly form: ScoreOptions["form"];
  /** Name of the file of trained weights. */
  readonly snapshot: string;
  /** @param weights file to start from, where one was named */
  trainable(weights: string | undefined, snapshotPath: string): Promise<PhaseOnePolicy<unknown>>;
}

const setUps: Readonly<Record<string, SetUp>> = {
  nano: {
    recipe: nanoPhaseOneRecipe,
    judge: (videos) => householdJudge(videos.truthOf),
    form: "description",
    snapshot: "nano.safetensors",
    async trainable(weights = shippedWeights("nano-base"), snapshotPath) {
      if (!existsSync(weights)) {
        throw new ConfigError(
          "weights-missing",
          `No weights to start from at ${weights}. Name others with --weights, or make nano's in a checkout: \`npm run nano:pretrain\``,
        );
      }
      const { nanoPhaseOnePolicy } = await import("../../policies/nano/index.ts");
      return nanoPhaseOnePolicy(weights, snapshotPath, wordSpace.countTokens);
    },
  },
  /** Speech is not in the household's sentences, so the household's judge would grade all of it incorrect. */
  choice: {
    recipe: choicePhaseOneRecipe,
    judge: () => localJudge({ words: wordSpace }),
    form: "statements",
    snapshot: "choice-weights.json",
    trainable: async (weights, snapshotPath) =>
      choicePhaseOnePolicy({
        words: wordSpace,
        snapshotPath,
        ...(weights !== undefined && { weights: readChoiceWeights(weights) }),
      }),
  },
};

export async function run(invocation: Invocation): Promise<void> {
  const flags = invocation.options as TrainFlags;
  const { output, signal } = invocation;
  const { policy = "nano" } = flags;
  const setUp = Object.hasOwn(setUps, policy) ? setUps[policy]! : null;
  if (setUp === null) {
    throw new ConfigError(
      "policy-untrainable",
      `Expected --policy to be ${Object.keys(setUps).join(" or ")}, got ${policy}: docs/paper.md says what is trained`,
    );
  }
  const { recipe } = setUp;
  const { richness, ...config } = settingsOf(flags, { ...recipe.config, richness: recipe.richness });
  const directory = flags.run ?? join("runs", `phase-one-${policy}`);
  const videos = householdVideos(recipe.videos);
  const judging = await judgeOf(invocation, setUp, videos);
  const { judge } = judging;
  const trainable = await setUp.trainable(flags.weights, join(directory, setUp.snapshot));
  const openRun = openPhaseOneRun(directory, {
    policy,
    trainable: trainable.id,
    judge: judge.id,
    videos: recipe.videos,
    richness,
    ...config,
  });
  output.text(
    `Phase One of ${trainable.id}, ${config.steps} steps of ${config.batch} × ${config.group} memories`,
    "",
  );
  output.text(header);
  const { trained, ...outcome } = await phaseOne({
    ...{ trainable, video: videos.video, ...judging },
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
  output.object({ event: "train-end", phase: "phase-one", policy, directory, ...outcome, ...trained });
  if (outcome.problem) output.note(nothingLearned[outcome.problem]);
  const shipped = trained.revision === shippedChecksums.nano ? " (as shipped)" : "";
  output.text("", `weights    ${trained.path}${shipped}`, `curves     ${join(directory, "curves.html")}`);
}

/** The judge, and how many instances run at once: one with the set-up's own judge, the endpoint's limit with a model. */
async function judgeOf(
  { options, flags, configFile: file, output }: Invocation,
  setUp: SetUp,
  videos: HouseholdVideos,
): Promise<{ judge: Judge; concurrency: number }> {
  const chosen = judgeFlags({ ...options });
  if (chosen.judge === undefined) return { judge: setUp.judge(videos), concurrency: 1 };
  const config = await loadConfig(flags, { file });
  return {
    judge: configuredJudge(config, chosen, undefined, showProgress(output)),
    concurrency: concurrencyOf(config, chosen.judge === "model"),
  };
}

const nothingLearned = {
  "judge-failed": "nothing learned: the judge failed in every group; the weights are unchanged",
  "no-difference":
    "nothing learned: in each group all memories earned the same reward; the weights are unchanged",
};

function settingsOf(flags: TrainFlags, defaults: Settings): Settings {
  const number = (name: string, text: string | undefined, otherwise: number) => {
    if (text === undefined) return otherwise;
    const value = Number(text);
    if (Number.isFinite(value) && value >= 0) return value;
    throw new ConfigError("number-invalid", `Expected ${name} to be a number from 0 up, got ${text}`);
  };
  const { steps, offPolicySteps, batch, group, seed, checkpointEvery } = { ...defaults, ...flags };
  const settings = {
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
    if (settings[name] < least)
      throw new ConfigError(
        "number-invalid",
        `Expected ${flagOf(name)} to be ${least} or more, got ${settings[name]}`,
      );
  if (settings.learningRate === 0)
    throw new ConfigError("number-invalid", "Expected --learning-rate above 0, got 0");
  return { ...settings, parts: Math.min(settings.parts, settings.batch) };
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
