/**
 * What Phase One does to the choice policy's memories, by the judge it was trained by: prints Markdown.
 *
 * 40 held-out households of 6 minutes with captions. Each policy walks them with its own history; at each decision a group
 * of 8 memories is drawn and rewarded as in training. Richness is the judge's own score, which unlike the bonus
 * can be compared between policies. "Greedy" is the memory it writes when it acts.
 *
 * `taskmem train phase-one --policy choice`, then `node perf/choice-phase-one.ts FILE…` with files of trained weights
 */
import { wordSpace as words } from "../src/engines/local/index.ts";
import { householdVideos } from "../src/household/index.ts";
import { measuredEpisodes } from "../src/household/splits.ts";
import { choicePolicy } from "../src/policies/choice/choice.ts";
import { readChoiceWeights } from "../src/policies/choice/choice-weights-trainer.ts";
import type { Action, Context, Policy } from "../src/policy/policy.ts";
import { localJudge } from "../src/reward/local-judge.ts";
import { scoreGroup } from "../src/reward/reward.ts";
import { decisionsOf } from "../src/training/replay.ts";
import { seededRandom } from "../src/util/random.ts";
import { printTable } from "./markdown.ts";

const [episodes, clips, group] = [40, 36, 8];
const judge = localJudge({ words });
const held = householdVideos({ ...measuredEpisodes.benchmark, clips, captions: true });

interface Sums {
  memories: number;
  reward: number;
  passing: number;
  richness: number;
  tokens: number;
}

async function add(sums: Sums, context: Context, actions: readonly Action[]): Promise<void> {
  const rewards = await scoreGroup(context, actions, judge, {
    countTokens: words.countTokens,
    form: "statements",
  });
  const memories = actions.map(({ statements }) => statements.map(({ text }) => text).join("\n"));
  const richness = await judge.richness({ context, memories });
  for (const [i, { total, parts }] of rewards.entries()) {
    sums.memories += 1;
    sums.reward += total ?? 0;
    sums.passing += Number((parts.quality ?? 0) > 0);
    sums.richness += richness.ok ? richness.value[i]! : 0;
    sums.tokens += words.countTokens(memories[i]!);
  }
}

async function measure(policy: Policy): Promise<{ drawn: Sums; greedy: Sums }> {
  const none = (): Sums => ({ memories: 0, reward: 0, passing: 0, richness: 0, tokens: 0 });
  const [drawn, greedy] = [none(), none()];
  for (let n = 0; n < episodes; n++) {
    const video = held.video(n);
    const observations = await Promise.all(Array.from({ length: clips }, (_, clip) => video.observe(clip)));
    const random = seededRandom(`held out ${n}`);
    for await (const { context, action } of decisionsOf(policy, observations)) {
      const { actions } = await policy.decide(context, { n: group, random });
      await add(drawn, context, actions);
      await add(greedy, context, [action]);
    }
  }
  return { drawn, greedy };
}

const budgets = [
  ["a fifth", { fraction: 0.2 }],
  ["default", null],
] as const;
const row = printTable(
  ...["Weights", "Budget", "Reward", "Passing", "Richness", "Tokens", "Greedy: passing", "Richness"],
);
for (const [name, budget] of budgets) {
  for (const path of [null, ...process.argv.slice(2)]) {
    const weights = path === null ? null : readChoiceWeights(path);
    const { drawn, greedy } = await measure(choicePolicy({ words, weights, ...(budget && { budget }) }));
    const mean = (sums: Sums, key: keyof Sums) => sums[key] / sums.memories;
    const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
    row(
      path ?? "none",
      name,
      mean(drawn, "reward").toFixed(3),
      percent(mean(drawn, "passing")),
      mean(drawn, "richness").toFixed(3),
      mean(drawn, "tokens").toFixed(1),
      percent(mean(greedy, "passing")),
      mean(greedy, "richness").toFixed(3),
    );
  }
}
