/** Nano as a policy, with its weights. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryFolder } from "../../../test/support/memory.ts";
import { nanoWeights } from "../../../test/support/nano.ts";
import { wordSpace } from "../../engines/local/index.ts";
import { openNano } from "../../engines/nano/nano-model.ts";
import { householdVideos } from "../../household/index.ts";
import { timingEpisodes } from "../../household/splits.ts";
import type { Context } from "../../policy/policy.ts";
import { taskSupplement } from "../../policy/prompts.ts";
import { seededRandom } from "../../util/random.ts";
import { fillsForms, probeForms } from "../model/form-probe.ts";
import { nanoPhaseOnePolicy, nanoPolicy } from "./nano-policy.ts";

const { countTokens } = wordSpace;
const { path, skip } = nanoWeights();

test("it is shown the questions also after it failed at a made-up clip, which it knows no word of", {
  skip,
}, async () => {
  const model = await openNano(path);
  const video = householdVideos({ ...timingEpisodes, clips: 3 }).video(0);
  const supplement = taskSupplement(["Where does Ann put the mug?", "Where does Bob put the keys?"]);
  const contexts: Context[] = await Promise.all(
    [0, 1, 2].map(async (clip) => ({
      observations: [await video.observe(clip)],
      recent: { observations: [], entries: [] },
      state: { value: null, documents: 0, words: new Map() },
      supplement,
    })),
  );
  const written = async () => {
    const policy = nanoPolicy(model, null, countTokens);
    const decided = [];
    for (const context of contexts) decided.push(await policy.decide(context));
    return decided.map(({ actions }) => actions[0]!.text);
  };
  const before = await written();
  await probeForms(model, { semantic: false, countTokens });
  assert.equal(await fillsForms(model), false);
  assert.deepEqual(await written(), before);
});

test("Phase One starts from the weights of a file, draws at the temperature of its log-probabilities, and acts with what it trains", {
  skip,
}, async () => {
  const snapshot = join(temporaryFolder("nano-phase-one"), "snapshot.safetensors");
  const trained = await nanoPhaseOnePolicy(path, snapshot, countTokens);
  assert.equal(trained.id, `nano:${(await openNano(path)).id.slice("nano:".length)}`);
  const video = householdVideos({ ...timingEpisodes, clips: 1 }).video(0);
  const context: Context = {
    observations: [await video.observe(0)],
    recent: { observations: [], entries: [] },
    state: { value: null, documents: 0, words: new Map() },
  };
  const before = await trained.policy();
  const { actions } = await before.decide(context, { n: 2, random: seededRandom("draw") });
  const samples = await Promise.all(actions.map((action) => trained.sampleOf(context, action)));
  const now = await trained.trainer.logprobs(samples);
  for (const [i, { logprobs }] of actions.entries())
    for (const [t, value] of logprobs!.values.entries()) assert.ok(Math.abs(now[i]![t]! - value) < 1e-2);
  assert.deepEqual(await trained.reference!(samples), now);
  await trained.trainer.accumulate(
    samples,
    now.map((values, i) => new Float32Array(values.length).fill(i === 0 ? -1 : 0)),
  );
  await trained.trainer.step({ learningRate: 1e-4 });
  const after = await trained.policy();
  assert.notEqual(after.revision, before.revision);
  const sum = (values: Float32Array) => values.reduce((a, b) => a + b);
  const [likelier] = await trained.trainer.logprobs(samples);
  assert.ok(sum(likelier!) > sum(now[0]!), `${sum(likelier!)} after ${sum(now[0]!)}`);
  assert.deepEqual(await trained.reference!(samples), now, "the first weights stay");
});
