/** Phase Two of a tiny nano of random weights: its memories are nonsense, of which a judge likes the shorter ones. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { temporaryFolder } from "../../../test/support/memory.ts";
import { adapterNorm, createAdapter } from "../../adapter/arithmetic.ts";
import { wordSpace } from "../../engines/local/index.ts";
import { startDevice } from "../../engines/nano/device.ts";
import { NanoModel, nanoPrograms } from "../../engines/nano/nano-model.ts";
import { initialWeights, type NanoConfig, nanoConfig, weightsFrom } from "../../engines/nano/network.ts";
import type { Judge } from "../../reward/judge.ts";
import type { Task } from "../../tasks/task.ts";
import { seededRandom } from "../../util/random.ts";
import { type NanoAdapterTrainer, nanoAdapterTrainer } from "./nano-adapter-trainer.ts";
import { nanoPolicy, trainableNano } from "./nano-policy.ts";
import { nanoVectorTrainer } from "./vector-trainer.ts";

const config: NanoConfig = { ...nanoConfig, width: 8, blocks: 2, heads: 2, hidden: 12, adapterBlock: 0 };
const { countTokens } = wordSpace;
const tasks = ["What was cooked?", "Who ate?"].map(
  (text, i) => ({ id: String(i), question: { text, options: [] } }) as unknown as Task,
);
let asked = 0;
const judge: Judge = {
  id: "shorter",
  quality: async () => ({ ok: true, value: { correct: true, clean: true, rationale: "" } }),
  richness: async ({ memories }) => ({ ok: true, value: memories.map(() => 0) }),
  async relevance({ first, second }) {
    asked += 1;
    const [a, b] = [first.length, second.length];
    return { ok: true, value: a === b ? "tie" : a < b ? "first" : "second" };
  },
};

let model: NanoModel;
let trainer: NanoAdapterTrainer;
before(async () => {
  await startDevice();
  const weights = weightsFrom(config, initialWeights(config, seededRandom("weights")));
  model = new NanoModel(weights, "0123456789abcdef", nanoPrograms(weights, config));
  trainer = nanoAdapterTrainer({ model, countTokens, judge, poolEpisodes: 2, heldOutEpisodes: 1 });
});

test("names what it trains, and needs nothing that was watched", () => {
  const { policy, base, fitsBase, method, triedOn, needsNoStream } = trainer;
  assert.deepEqual([policy, fitsBase, method, triedOn], ["nano", "nano:0123456789ab", "dpo", "clips"]);
  assert.equal(base, nanoPolicy(model, null, countTokens).revision);
  assert.equal(needsNoStream, true);
});

test("a training that is stopped is begun again; its cache is of every clip, is made once, and is graded by the truth", async () => {
  const own = nanoAdapterTrainer({ model, countTokens, poolEpisodes: 1, heldOutEpisodes: 1 });
  await assert.rejects(own.cache({ signal: AbortSignal.abort() }), { name: "AbortError" });
  const cache = await own.cache();
  // One episode of six clips, eight memories of each.
  assert.deepEqual(
    cache.map(({ id }) => id),
    ["0-0", "0-1", "0-2", "0-3", "0-4", "0-5"],
  );
  assert.ok(cache.some(({ candidates }) => candidates.length === 8));
  assert.equal(await own.cache(), cache);
  // What random weights write is not true; the judge says so of the pool, and of the clips that an adapter is tried on.
  assert.ok(cache.every(({ candidates }) => candidates.every(({ passes }) => !passes)));
  const adapter = createAdapter(model.adapterSpace, model.width, [[0, 1]]);
  const { toGrade, graded, fidelityAfter } = await own.validate(tasks, [], adapter);
  assert.deepEqual([toGrade, graded, fidelityAfter], [6, 6, 0]);
});

test("learns a vector as long as a quarter of the stream, in a run, and tries it on each clip of another episode", async () => {
  const run = join(temporaryFolder("nano"), "run");
  const { adapter, problem, pairs, curve } = await trainer.train(tasks, [], { run });
  assert.deepEqual([problem, curve.length, adapter.space], [null, 10, "residual:nano@0"]);
  assert.ok(pairs > 0 && asked > 0);
  const cache = await trainer.cache();
  const samples = cache.flatMap(({ candidates }) => candidates.map(({ sample }) => sample));
  const stream = await nanoVectorTrainer(model).streamNorm(samples.slice(0, 64));
  assert.ok(Math.abs(adapterNorm(adapter)! / stream - 0.25) < 1e-5);
  assert.equal(readFileSync(join(run, "metrics.jsonl"), "utf8").trim().split("\n").length, 10);
  assert.equal((await trainer.validate(tasks, [], adapter)).n, 6);
});

test("draws at the temperature its log-probabilities are of, and reads the pictures of a clip once", async () => {
  const { context } = (await trainer.cache())[0]!;
  const { policy, sampleOf, trainer: vector } = trainableNano(model, countTokens);
  const { decide } = await policy();
  const { actions } = await decide(context, { n: 3, random: seededRandom("draw") });
  const samples = await Promise.all(actions.map((action) => sampleOf(context, action)));
  for (const [i, values] of (await vector.logprobs(samples)).entries())
    for (const [t, value] of actions[i]!.logprobs!.values.entries())
      assert.ok(Math.abs(values[t]! - value) < 1e-3, `memory ${i} at ${t}: ${values[t]}, not ${value}`);
  assert.equal(new Set(samples.map(({ strips }) => strips)).size, 1);
  assert.deepEqual((await sampleOf(context, { ...actions[0]!, logprobs: null })).tokens, []);
});
