/** Phase One: a policy learns how to memorize, before it is deployed. Run: node examples/phase-one.ts */
import assert from "node:assert/strict";
import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { wordSpace } from "taskmem";
import { householdVideos } from "taskmem/household";
import { choicePhaseOnePolicy, choicePhaseOneRecipe, parseChoiceWeights } from "taskmem/policies/choice";
import { localJudge, paperConstants } from "taskmem/reward";
import { openPhaseOneRun, phaseOne, type StepMetrics } from "taskmem/training";

const directory = await mkdtemp(join(tmpdir(), "taskmem-example-"));
// The toy's recipe with fewer steps: simulated households with captions, a dozen weights, the paper's reward.
const config = { ...choicePhaseOneRecipe.config, steps: 12, offPolicySteps: 4 };
const trainable = choicePhaseOnePolicy({ words: wordSpace, snapshotPath: join(directory, "weights.json") });
const judge = localJudge({ words: wordSpace });
const { video } = householdVideos(choicePhaseOneRecipe.videos);

const train = (steps: number, onStep: (metrics: StepMetrics) => void = () => {}) =>
  phaseOne({
    ...{ trainable, video, judge, onStep },
    score: { countTokens: wordSpace.countTokens, form: "statements", constants: paperConstants },
    config: { ...config, steps },
    // What a run depends on is written down; a directory with other settings is refused.
    run: openPhaseOneRun(directory, { policy: "choice", seed: config.seed }),
  });

await train(6, ({ step, reward, passing, richness }) => {
  const figures = [reward, passing, richness].map((figure) => figure.toFixed(3));
  console.log(`step ${step}: reward ${figures[0]}, passing ${figures[1]}, richness ${figures[2]}`);
});
// Resumed from its checkpoint: only the steps that are left are made.
let made = 0;
const { trained, movedSteps, problem } = await train(12, () => {
  made += 1;
});
assert.equal(made, 6);
assert.equal(problem, null);
console.log(`${movedSteps} steps moved the weights: ${trained.path}`);

const weights = parseChoiceWeights(await readFile(trained.path, "utf8"), trained.path);
assert.ok(weights.features.some((weight) => weight !== 0));
// Every rollout is kept with its text, reward and advantage.
const [first] = (await readFile(join(directory, "rollouts.jsonl"), "utf8")).split("\n");
console.log(first!.slice(0, 300));
