/** From rollouts to numbers: the rules of both phases and the judges that compare and grade. */
export type { Judge, Judged, JudgeFailure } from "./judge.ts";
export { localJudge } from "./local-judge.ts";
export { type ModelJudgeOptions, modelJudge } from "./model-judge.ts";
export { type ActionReward, type ScoreOptions, scoreGroup } from "./reward.ts";
export { paperConstants, type RewardConstants } from "./rules.ts";
