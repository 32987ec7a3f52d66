/**
 * From the rewards of a group to advantages: how much better each rollout was than its siblings.
 *
 * Group normalisation is GRPO's (Shao et al. 2024, "DeepSeekMath", section 4.1). The gate and the masking of failed
 * judgements follow the paper and its code, where the gated mode is called `optimize_threshold`. There is one number per
 * rollout; a loss applies it to every token of that rollout, thinking included.
 *
 * Departures:
 * 1. A group whose rewards are all equal has advantages of exactly 0, even where rounding moves its mean.
 * 2. A group of one is refused: it has no sample standard deviation, and a raw reward is no advantage.
 */
/** Added to the standard deviation, in reward units, so that near-equal rewards divide by something. */
const epsilon = 1e-6;

/** What the advantage of one rollout depends on. */
export interface ScoredRollout {
  /** `null` where a judge or the engine failed. A failure is not a grade. */
  readonly reward: number | null;
  /** Statements judged correct minus statements judged wrong; `null` where the text broke the output contract. */
  readonly netCorrect: number | null;
}

/** Options of `groupAdvantages`. */
export interface AdvantageOptions {
  /** Whether good rollouts are kept from a negative advantage; without it this is GRPO's normalisation alone. @default true */
  readonly gate?: boolean | undefined;
}

/**
 * Advantages of one group, shape [G], in standard deviations: (reward − mean) / (sample deviation + 1e-6), then gated.
 *
 * The deviation divides by G − 1. A group whose rewards are all equal gives zeros. One rollout without a reward
 * masks its whole group, as in the paper: all advantages are 0, for its siblings' mean would be of other rollouts.
 * @throws RangeError for fewer than two rollouts or a reward or count that is not finite
 */
export function groupAdvantages(
  group: readonly ScoredRollout[],
  { gate = true }: AdvantageOptions = {},
): number[] {
  requireGroup(group);
  const rewards = group.flatMap(({ reward }) => (reward === null ? [] : [reward]));
  if (rewards.length < group.length) return group.map(() => 0);
  const advantages = normalize(rewards);
  return gate ? gateNegatives(group, advantages) : advantages;
}

/**
 * The negative-sample gate: advantages, shape [G], where no good rollout is punished for having better siblings.
 *
 * Once most rewards are high, normalisation gives good rollouts negative advantages, and pushing them down makes late
 * training unstable. So where the best `netCorrect` of the group is at least 0, rollouts that reach it keep no negative
 * advantage if their reward is above 0. All other advantages stay as they are.
 */
function gateNegatives(group: readonly ScoredRollout[], advantages: readonly number[]): number[] {
  const best = Math.max(...group.map(({ netCorrect }) => netCorrect ?? -Infinity));
  return group.map(({ reward, netCorrect }, i) => {
    const isGood = best >= 0 && netCorrect === best && reward !== null && reward > 0;
    return isGood ? Math.max(0, advantages[i]!) : advantages[i]!;
  });
}

function normalize(rewards: readonly number[]): number[] {
  if (rewards.every((reward) => reward === rewards[0])) return rewards.map(() => 0);
  const mean = rewards.reduce((sum, reward) => sum + reward, 0) / rewards.length;
  const squares = rewards.reduce((sum, reward) => sum + (reward - mean) ** 2, 0);
  const deviation = Math.sqrt(squares / (rewards.length - 1));
  return rewards.map((reward) => (reward - mean) / (deviation + epsilon));
}

function requireGroup(group: readonly ScoredRollout[]): void {
  if (group.length < 2) {
    throw new RangeError(
      `Expected a group of at least 2 rollouts, got ${group.length}: an advantage is relative to siblings`,
    );
  }
  for (const [i, rollout] of group.entries()) {
    for (const field of ["reward", "netCorrect"] as const) {
      const value = rollout[field];
      if (value !== null && !Number.isFinite(value)) {
        throw new RangeError(
          `Expected group[${i}].${field} to be a finite number or null, got ${value}: pass null for a failure`,
        );
      }
    }
  }
}
