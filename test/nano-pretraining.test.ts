import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { tree } from "@jax-js/jax";
import { allFacts, stripWords } from "../scripts/nano/facts.ts";
import { countStatements, fidelityFigures, noStatements } from "../scripts/nano/fidelity.ts";
import { stageV } from "../scripts/nano/stage-v.ts";
import type { StripCache } from "../scripts/nano/strip-cache.ts";
import { textStage } from "../scripts/nano/text-stages.ts";
import { startDevice } from "../src/engines/nano/device.ts";
import {
  compileEmbed,
  initialWeights,
  type NanoConfig,
  nanoConfig,
  type Weights,
  weightsFrom,
} from "../src/engines/nano/network.ts";
import { encode, tokens } from "../src/engines/nano/vocabulary.ts";
import { EngineError } from "../src/errors.ts";
import { factKinds } from "../src/household/language.ts";
import { trainingEpisodes } from "../src/household/splits.ts";
import { createEpisode } from "../src/household/world.ts";
import { Adam, adamDefaults } from "../src/policies/nano/adam.ts";
import { readCheckpoint, tensorsOf, writeCheckpoint } from "../src/policies/nano/checkpoint.ts";
import { seededRandom } from "../src/util/random.ts";

const tiny: NanoConfig = {
  ...nanoConfig,
  width: 16,
  blocks: 2,
  adapterBlock: 0,
  heads: 2,
  hidden: 16,
  stripValues: tokens.length,
  stripHidden: 32,
};

/** Strips in which each word they show is one bright value. */
const plainStrips: StripCache = {
  facts: [...factKinds.map((kind) => allFacts().find((fact) => fact.kind === kind)!), null],
  fill(inputs, offset, fact) {
    inputs.fill(0, offset, offset + tiny.stripValues);
    for (const word of stripWords(fact)) inputs[offset + word] = 3;
  },
};

const random = () => seededRandom("stages");
const freshWeights = () => weightsFrom(tiny, initialWeights(tiny, random()));

before(startDevice);

test("stage V ends as soon as every kind of strip is read", async () => {
  const seen: number[] = [];
  const trained = await stageV(tiny, freshWeights(), plainStrips, random(), {
    steps: 400,
    learningRate: 0.02,
    strips: 12,
    wantedExact: 1,
    evaluateEvery: 20,
    onProgress: ({ step, exact }) => {
      seen.push(step);
      assert.equal(Object.keys(exact).length, factKinds.length + 1);
    },
  });
  assert.ok(seen.at(-1)! < 400, `still learning after ${seen.at(-1)} steps`);
  assert.deepEqual(Object.keys(trained).sort(), Object.keys(freshWeights()).sort());
});

test("stage V fails when its steps are spent before every kind is read, and names those that are not", async () => {
  /** What a display shows looks like nothing: no step can teach it. */
  const blind: StripCache = {
    ...plainStrips,
    fill: (inputs, offset, fact, draws) =>
      plainStrips.fill(inputs, offset, fact?.kind === "display" ? null : fact, draws),
  };
  const options = { learningRate: 0.02, strips: 12, wantedExact: 0.995, evaluateEvery: 20 };
  const stage = (strips: StripCache, steps: number) =>
    stageV(tiny, freshWeights(), strips, random(), { ...options, steps, onProgress: () => {} });
  await assert.rejects(stage(blind, 200), (error) => {
    assert.ok(error instanceof EngineError);
    assert.equal(error.code, "strips-unread");
    assert.ok((error.details.unread as string[]).includes("display"));
    assert.match(error.message, /display 0\.0 %.* after 200 steps; 99\.5 %.*more steps.*another random seed/);
    return true;
  });
  await assert.rejects(stage(plainStrips, 1), /after 1 steps/);
});

test("a run resumed from a checkpoint ends where an unbroken one does", async () => {
  const path = join(mkdtempSync(join(tmpdir(), "nano-")), "checkpoint.safetensors");
  const split = (weights: Weights) => {
    const of = (patch: boolean) =>
      Object.fromEntries(Object.entries(weights).filter(([name]) => name.startsWith("patch.") === patch));
    return { still: of(true), moving: of(false) };
  };
  const steps = async (adam: Adam, still: Weights, fromStep: number, until: number) => {
    const losses: number[] = [];
    await textStage(tiny, adam, compileEmbed(tiny, still), plainStrips, {
      stage: "memories",
      fromStep,
      steps: 100,
      clips: 2,
      learningRate: 0.01,
      episodes: trainingEpisodes.nano.captions,
      seed: "stages",
      onStep: async (step, loss) => {
        losses.push(loss);
        return step < until;
      },
    });
    return losses;
  };
  const { still, moving } = split(freshWeights());
  const adam = new Adam(moving);
  await steps(adam, still, 0, 3);
  await writeCheckpoint(path, { stage: "memories", step: 3 }, still, adam);
  const losses = await steps(adam, still, 3, 6);

  const checkpoint = readCheckpoint(path)!;
  assert.deepEqual([checkpoint.stage, checkpoint.step], ["memories", 3]);
  const again = split(checkpoint.weights);
  const resumed = new Adam(again.moving, adamDefaults, checkpoint.adam);
  assert.deepEqual(await steps(resumed, again.still, 3, 6), losses);
  assert.deepEqual(await tensorsOf(resumed.weights), await tensorsOf(adam.weights));
  assert.equal(readCheckpoint(`${path}.other`), null);
  tree.dispose(resumed.weights as never);
});

test("true, false, malformed and repeated statements are told apart", () => {
  const { facts } = createEpisode("train-3", 1).clips[0]!;
  const clock = { kind: "display", device: "clock", time: "17:05" } as const;
  const counts = noStatements();
  const text = "The clock shows 17:05. The clock shows 17:10. On the desk Ann puts. The clock shows 17:05.";
  countStatements(counts, encode(text), [...facts, clock], encode("The clock shows 17:10."));
  assert.deepEqual(counts.stated, { place: 1, wear: 0, speech: 0, display: 3, activity: 0 });
  assert.deepEqual(counts.true, { place: 0, wear: 0, speech: 0, display: 2, activity: 0 });
  const { all, malformed, redundant, perAnswer } = fidelityFigures(counts);
  assert.deepEqual([all, malformed, redundant, perAnswer], [2 / 4, 1 / 4, 2 / 4, 4]);
});
