/** Nano as a policy, with its weights. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { nanoWeights } from "../../../test/support/nano.ts";
import { wordSpace } from "../../engines/local/index.ts";
import { openNano } from "../../engines/nano/nano-model.ts";
import { householdVideos } from "../../household/index.ts";
import { timingEpisodes } from "../../household/splits.ts";
import type { Context } from "../../policy/policy.ts";
import { taskSupplement } from "../../policy/prompts.ts";
import { fillsForms, probeForms } from "../model/form-probe.ts";
import { nanoPolicy } from "./nano-policy.ts";

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
