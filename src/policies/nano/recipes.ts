/** The settings nano is trained with in both phases, all chosen on validation episodes. */
import { choosingEpisodes, trainingEpisodes } from "../../household/splits.ts";
import type { HouseholdVideosOptions } from "../../household/training-videos.ts";
import { type PhaseOneConfig, phaseOneDefaults } from "../../training/phase-one.ts";
import type { DpoOptions } from "../../training/phase-two.ts";
import { type GateMargins, gateMargins } from "../../training/validation.ts";

/** Phase One in five minutes on two cores; with the paper's richness of 0.05 memories shrink. */
export const nanoPhaseOneRecipe = {
  config: {
    ...phaseOneDefaults,
    offPolicySteps: 6,
    steps: 60,
    batch: 16,
    parts: 2,
    learningRate: 3e-4,
    kl: 0.1,
    checkpointEvery: 5,
    seed: "nano phase one",
  } satisfies PhaseOneConfig,
  /** Added for the richest memory of a group. */
  richness: 0.1,
  /** Episodes that neither pretraining nor Phase Two uses. */
  videos: { ...trainingEpisodes.nano.phaseOne, clips: 24 } as HouseholdVideosOptions,
};

/** Phase Two in two seconds once the cache of rollouts exists. */
export const nanoPhaseTwoRecipe = {
  /** Memories drawn for a context. */
  samples: 8,
  dpo: {
    learningRate: 0.06,
    steps: 10,
    beta: 0.1,
    kl: 0.1,
    pairsPerStep: 32,
  } satisfies DpoOptions,
  /** Chosen and rejected differ by fewer tokens: two sentences of the same length differ by less. */
  tokenMargin: 8,
  /**
   * Length of the vector as a share of the mean length of the stream it is added to. Of 0.25, 0.3 and 0.35 it is the one
   * at which the adapter of every kind of question passes the gate.
   */
  vectorShare: 0.25,
  /** Episodes of six clips that memories are drawn for: none that pretraining or Phase One uses. */
  pool: { ...trainingEpisodes.nano.phaseTwo, clips: 6 } as HouseholdVideosOptions,
  poolEpisodes: trainingEpisodes.nano.phaseTwo.episodes,
  /** Episodes that the adapter is tried on. */
  heldOut: { ...choosingEpisodes.nanoGate, clips: 6 } as HouseholdVideosOptions,
  heldOutEpisodes: choosingEpisodes.nanoGate.episodes,
  /**
   * The gate's margins where shares are of memories: a memory has nearly two statements, so it is false or repeated almost
   * twice as often as a statement.
   */
  margins: { ...gateMargins, fidelityFall: 0.04, redundancyRise: 0.09 } satisfies GateMargins,
};
