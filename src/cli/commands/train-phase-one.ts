/**
 * `taskmem train phase-one`: a policy learns how to memorize, before it is deployed: on simulated households, or a model in
 * a folder on recorded sources or what a memory watched.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Config, configuredPreset, loadConfig, namesFolder } from "../../config.ts";
import { wordSpace } from "../../engines/local/index.ts";
import { shippedChecksums, shippedWeights } from "../../engines/nano/shipped.ts";
import { ConfigError } from "../../errors.ts";
import { type HouseholdVideos, householdVideos } from "../../household/index.ts";
import type { HouseholdVideosOptions } from "../../household/training-videos.ts";
import type { Observation } from "../../perception/observation.ts";
import { choicePolicy } from "../../policies/choice/choice.ts";
import { choicePhaseOnePolicy } from "../../policies/choice/choice-training.ts";
import { readChoiceWeights } from "../../policies/choice/choice-weights-trainer.ts";
import { choicePhaseOneRecipe } from "../../policies/choice/recipes.ts";
import { modelPhaseOneRecipes } from "../../policies/model/phase-one-recipe.ts";
import { nanoPhaseOneRecipe } from "../../policies/nano/recipes.ts";
import { householdJudge } from "../../reward/household-judge.ts";
import type { Judge } from "../../reward/judge.ts";
import { localJudge } from "../../reward/local-judge.ts";
import type { ScoreOptions } from "../../reward/reward.ts";
import { paperConstants } from "../../reward/rules.ts";
import { concurrencyOf, configuredJudge, openConfiguredMemory } from "../../taskmem/assembly.ts";
import { claimRun } from "../../taskmem/learning-run.ts";
import { materialId } from "../../taskmem/material.ts";
import { observedVideos } from "../../training/observed-videos.ts";
import {
  type PhaseOneConfig,
  phaseOne,
  type StepMetrics,
  type TrainingVideo,
} from "../../training/phase-one.ts";
import { openPhaseOneRun } from "../../training/phase-one-run.ts";
import { withPictures } from "../../training/replay.ts";
import type { PhaseOnePolicy } from "../../training/trainable-policy.ts";
import { flagOf, judgeFlags } from "../flags.ts";
import type { Invocation } from "../invocation.ts";
import { perceiveSpecs } from "../material.ts";
import type { Output } from "../output.ts";
import { showProgress, showSteps } from "../progress.ts";

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
  readonly kind?: string;
  readonly memory?: string;
}

interface Recipe {
  readonly config: PhaseOneConfig;
  readonly richness: number;
}

/** What is trained, on what, and by whom it is judged. */
interface Prepared {
  readonly recipe: Recipe;
  /** What else decides the run's numbers. */
  readonly identity: object;
  readonly judge: Judge;
  /** Instances shown to the policy and judged at once. */
  readonly concurrency: number;
  readonly form: ScoreOptions["form"];
  readonly video: (n: number) => TrainingVideo;
  readonly trainable: PhaseOnePolicy<unknown>;
  readonly close?: () => void;
}

type Settings = PhaseOneConfig & { readonly richness: number };

/** What Phase One of a policy needs: its recipe, a judge, and where it starts. */
interface SetUp {
  readonly recipe: Recipe & { readonly videos: HouseholdVideosOptions };
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

export async function run(invocation: Invocation, specs: readonly string[] = []): Promise<void> {
  const flags = invocation.options as TrainFlags;
  const { output, signal } = invocation;
  const { policy = "nano" } = flags;
  const directory = flags.run ?? join("runs", `phase-one-${policy}`);
  const setUp = Object.hasOwn(setUps, policy) ? setUps[policy]! : null;
  if (setUp === null && policy !== "model") {
    throw new ConfigError(
      "policy-untrainable",
      `Expected --policy to be ${[...Object.keys(setUps), "model"].join(" or ")}, got ${policy}: docs/paper.md says what is trained`,
    );
  }
  if (setUp && specs.length > 0)
    throw new ConfigError(
      "flags-invalid",
      `Sources are for --policy model, got ${specs.join(", ")} for ${policy}, which is trained on simulated households`,
    );
  const prepared = setUp
    ? await onHouseholds(invocation, setUp, directory)
    : await ofModel(invocation, specs, directory);
  try {
    await train(prepared, { policy, directory, output, signal, flags });
  } finally {
    prepared.close?.();
  }
}

interface Training {
  readonly policy: string;
  readonly directory: string;
  readonly output: Output;
  readonly signal: AbortSignal;
  readonly flags: TrainFlags;
}

/** Trains to the last step, and tells each. */
async function train(
  prepared: Prepared,
  { policy, directory, output, signal, flags }: Training,
): Promise<void> {
  const { recipe, identity, judge, concurrency, form, video, trainable } = prepared;
  const { richness, ...config } = settingsOf(flags, { ...recipe.config, richness: recipe.richness });
  const release = claimRun(directory).release;
  try {
    const openRun = openPhaseOneRun(directory, {
      ...{ policy, trainable: trainable.id, judge: judge.id, ...identity, richness, ...config },
    });
    output.text(
      `Phase One of ${trainable.id}, ${config.steps} steps of ${config.batch} × ${config.group} memories`,
      "",
    );
    output.text(header);
    const left = showSteps(output, config.steps);
    const { trained, ...outcome } = await phaseOne({
      ...{ trainable, video, judge, concurrency },
      score: {
        countTokens: wordSpace.countTokens,
        form,
        constants: { ...paperConstants, mostRichness: richness },
      },
      config,
      run: openRun,
      onStep: (metrics) => {
        printStep(output, metrics);
        left(metrics.step);
      },
      signal,
    });
    output.object({ event: "train-end", phase: "phase-one", policy, directory, ...outcome, ...trained });
    if (outcome.problem) output.note(nothingLearned[outcome.problem]);
    const shipped = trained.revision === shippedChecksums.nano ? " (as shipped)" : "";
    output.text("", `weights    ${trained.path}${shipped}`, `curves     ${join(directory, "curves.html")}`);
  } finally {
    release();
  }
}

async function onHouseholds(invocation: Invocation, setUp: SetUp, directory: string): Promise<Prepared> {
  const { recipe, form } = setUp;
  const videos = householdVideos(recipe.videos);
  return {
    ...{ recipe, form, video: videos.video, identity: { videos: recipe.videos } },
    ...(await judgeOf(invocation, setUp.judge(videos))),
    trainable: await setUp.trainable(
      (invocation.options as TrainFlags).weights,
      join(directory, setUp.snapshot),
    ),
  };
}

/** A model in a folder: on recorded sources, on what a memory watched, or on simulated households. */
async function ofModel(
  invocation: Invocation,
  specs: readonly string[],
  directory: string,
): Promise<Prepared> {
  const { kind = "lora", weights, memory } = invocation.options as TrainFlags;
  const { output, signal, configFile: file } = invocation;
  if (kind !== "lora" && kind !== "all")
    throw new ConfigError("flags-invalid", `Expected --kind to be lora or all, got ${kind}`);
  if (weights !== undefined)
    throw new ConfigError(
      "flags-invalid",
      "--weights is for choice and nano: name the model's folder with --model",
    );
  const config = await loadConfig({ ...invocation.flags, policy: "model" }, { file });
  if (!namesFolder(config))
    throw new ConfigError(
      "policy-untrainable",
      "The weights of a model at an endpoint are not here: name a folder of weights, or a pulled model, with --model, and leave out --base-url",
    );
  const judging = await judgeOf(invocation, localJudge({ words: wordSpace }));
  const streams =
    specs.length > 0
      ? (await perceiveSpecs(config, specs, { output, signal })).streams
      : memory === undefined
        ? null
        : await watchedStreams(config);
  const { openFolderPhaseOne } = await import("../../taskmem/folder-phase-one.ts");
  const { trainable, sees, close } = await openFolderPhaseOne(config, {
    kind,
    folder: join(directory, "model"),
    onLog: (line) => output.progress(line),
  });
  const { learningRate, ...recipe } =
    modelPhaseOneRecipes[configuredPreset(config)?.options?.recipe ?? "default"];
  const prepared = {
    recipe: { ...recipe, config: { ...recipe.config, learningRate: learningRate[kind] } },
    ...{ form: "description" as const, trainable, close },
    // What waits for the model is drawn together.
    concurrency: Math.max(recipe.config.batch, judging.concurrency),
  };
  try {
    if (streams === null) {
      const household = { ...nanoPhaseOneRecipe.videos, captions: !sees };
      const videos = householdVideos(household);
      const judge =
        invocation.options.judge === undefined && sees ? householdJudge(videos.truthOf) : judging.judge;
      return { ...prepared, judge, video: videos.video, identity: { kind, videos: household } };
    }
    const video = observedVideos(streams, choicePolicy({ words: wordSpace }));
    return { ...prepared, judge: judging.judge, video, identity: { kind, material: materialId(streams) } };
  } catch (error) {
    close();
    throw error;
  }
}

/** The observations of all streams of a memory. */
async function watchedStreams(config: Config): Promise<Observation[][]> {
  const { memory } = await openConfiguredMemory(config, { mustExist: true, readOnly: "if-needed" });
  try {
    const streams = await memory.streams();
    const watched = await Promise.all(streams.map(({ id }) => memory.observations(id)));
    // Their pictures are read while the memory is open.
    return watched.map((observations) => [...withPictures(observations)]);
  } finally {
    await memory.close();
  }
}

/** The judge, and how many instances run at once: one with the set-up's own judge, the endpoint's limit with a model. */
async function judgeOf(
  { options, flags, configFile: file, output }: Invocation,
  own: Judge,
): Promise<{ judge: Judge; concurrency: number }> {
  const chosen = judgeFlags({ ...options });
  if (chosen.judge === undefined) return { judge: own, concurrency: 1 };
  const config = await loadConfig(flags, { file });
  return {
    judge: await configuredJudge(config, chosen, undefined, showProgress(output)),
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
