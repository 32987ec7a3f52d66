/**
 * The arithmetic of the Phase One reward, as pure functions:
 *
 *     reward = format + thinking + quality + richness
 *
 * Format gates the rest: a text that breaks the output contract earns the format penalty and nothing else. The constants
 * are those of the paper's launch line. Lengths are tokens as memory budgets count them, of the thinking or of the
 * memory's own text, never of the JSON around it.
 *
 * Departures:
 * 1. Rollouts of equal richness share the mean of their ranks.
 * 2. A ranking that failed gives no bonus: `richnessRewards` is then not called.
 */

/** What each part of the reward is worth. */
export interface RewardConstants {
  /** Added for a text that breaks the output contract, instead of everything else. @default -1.5 */
  readonly formatPenalty: number;
  /** Free thinking tokens; from twice as many the whole penalty applies. @default 1200 */
  readonly freeThinking: number;
  /** Added for thinking that is too long, in proportion to the excess. @default -1 */
  readonly thinkingPenalty: number;
  /** Added when all quality checks pass. @default 0.5 */
  readonly goodQuality: number;
  /** Added when any fails. @default -0.5 */
  readonly badQuality: number;
  /** Most tokens of each text of a memory. @default 150 */
  readonly longestMemory: number;
  /** Added for the richest memory of a group; the poorest gets 0, those between by rank. @default 0.05 */
  readonly mostRichness: number;
}

/** The constants of the paper's launch line. */
export const paperConstants: RewardConstants = {
  formatPenalty: -1.5,
  freeThinking: 1200,
  thinkingPenalty: -1,
  goodQuality: 0.5,
  badQuality: -0.5,
  longestMemory: 150,
  mostRichness: 0.05,
};

/** The four checks of a memory's quality. */
export interface QualityChecks {
  /** True of the clip, and consistent with what was written before. */
  readonly correct: boolean;
  /** Free of what a memory must not hold: what was written before, talk about the video, labels. */
  readonly clean: boolean;
  /** Refers to people by known tags only. */
  readonly tagged: boolean;
  /** Each text within the length limit. */
  readonly short: boolean;
}

/** The format part: 0 on contract, else the penalty. */
export function formatReward(meetsContract: boolean, constants = paperConstants): number {
  return meetsContract ? 0 : constants.formatPenalty;
}

/** The thinking part: 0 up to the free length, then linear to the whole penalty at twice that. @param tokens of the thinking */
export function thinkingReward(tokens: number, constants = paperConstants): number {
  const { freeThinking, thinkingPenalty } = constants;
  const over = (tokens - freeThinking) / freeThinking;
  return over <= 0 ? 0 : thinkingPenalty * Math.min(1, over);
}

/** Whether all four checks pass. */
export function passes({ correct, clean, tagged, short }: QualityChecks): boolean {
  return correct && clean && tagged && short;
}

/** The quality part of a memory that passes or fails. */
export function qualityReward(pass: boolean, constants = paperConstants): number {
  return pass ? constants.goodQuality : constants.badQuality;
}

/**
 * The bonus of each memory of a group, shape [V], by rank: the richest gets all of it, the poorest 0.
 *
 * All get 0 where there are fewer than two, or where all are equally rich.
 * @param scores richness of each memory that passed, shape [V]; only their order counts
 * @throws RangeError for a score that is not a number: it has no rank
 */
export function richnessRewards(scores: readonly number[], constants = paperConstants): number[] {
  const bad = scores.findIndex(Number.isNaN);
  if (bad >= 0) throw new RangeError(`Expected scores[${bad}] to be a number, got ${scores[bad]}`);
  const ranks = scores.map((score) => {
    const above = scores.filter((other) => other > score).length;
    const equal = scores.filter((other) => other === score).length;
    return above + (equal + 1) / 2;
  });
  const best = Math.min(...ranks);
  const worst = Math.max(...ranks);
  if (scores.length === 0 || worst === best) return scores.map(() => 0);
  return ranks.map((rank) => constants.mostRichness * ((worst - rank) / (worst - best)));
}

/** A model's reasoning before its answer, from its raw text: everything up to the last closing tag; `""` for none. */
export function thinkingOf(text: string): string {
  const end = text.lastIndexOf(closingTag);
  if (end >= 0) return text.slice(0, end).replace(openingTag, "").trim();
  return openingTag.test(text) ? text.replace(openingTag, "").trim() : "";
}

/** What follows the thinking; `""` where it never ended. */
export function answerOf(text: string): string {
  const end = text.lastIndexOf(closingTag);
  if (end >= 0) return text.slice(end + closingTag.length).trim();
  return openingTag.test(text) ? "" : text;
}

const closingTag = "</think>";
const openingTag = /^\s*<think>/;
