/**
 * What a memory is worth: the reward of Phase One (`scoreGroup`), its rules, and the judges, which also compare memories
 * for Phase Two.
 */
export { type EncoderJudgeOptions, encoderJudge } from "./encoder-judge.ts";
export { generalQuestions } from "./general-questions.ts";
export {
  type HouseholdReading,
  householdJudge,
  readHouseholdMemory,
  type TruthOf,
} from "./household-judge.ts";
export {
  type Judge,
  type Judged,
  type JudgeFailure,
  type Preference,
  preferenceInBothOrders,
  type QualityRequest,
  type QualityVerdict,
  type RelevanceRequest,
  type RichnessRequest,
} from "./judge.ts";
export { type LocalJudgeOptions, localJudge } from "./local-judge.ts";
export { type ModelJudgeOptions, modelJudge } from "./model-judge.ts";
export { type QuestionWordsJudgeOptions, questionWordsJudge } from "./question-words-judge.ts";
export {
  type ActionReward,
  assessQuality,
  type QualityAssessment,
  type RewardParts,
  type ScoreOptions,
  scoreGroup,
} from "./reward.ts";
export {
  answerOf,
  formatReward,
  paperConstants,
  passes,
  type QualityChecks,
  qualityReward,
  type RewardConstants,
  richnessRewards,
  thinkingOf,
  thinkingReward,
} from "./rules.ts";
