import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before as beforeAll, test } from "node:test";
import { numpy as np, tree } from "@jax-js/jax";
import { memoryExample } from "../../../scripts/nano/examples.ts";
import { sentenceOf } from "../../household/language.ts";
import { createEpisode } from "../../household/world.ts";
import { Adam } from "../../policies/nano/adam.ts";
import { compileGradient, targetLogprobs, type WeightedBatch } from "../../policies/nano/objective.ts";
import { type Random, seededRandom } from "../../util/random.ts";
import { Decoder } from "./decode.ts";
import { startDevice } from "./device.ts";
import { answerSlots, memoryLength, stripsSeen, textSlots } from "./layout.ts";
import { initialWeights, type NanoConfig, nanoConfig, weightShapes, weightsFrom } from "./network.ts";
import { decode } from "./vocabulary.ts";
import { readWeights, writeWeights } from "./weights-file.ts";

/** Small enough for finite differences, with the slots of the real network. */
const tiny: NanoConfig = {
  ...nanoConfig,
  width: 8,
  blocks: 2,
  heads: 2,
  hidden: 12,
  stripValues: 6,
  stripHidden: 4,
  adapterBlock: 0,
};
const clips = createEpisode("train-0", 2).clips;

beforeAll(startDevice);

function numbers(random: Random, length: number, spread = 1): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length }, () => spread * (2 * random() - 1));
}

/** Two memories of the real slots, random strips, the given vectors. */
function batchOf(config: NanoConfig, vectors: Float32Array<ArrayBuffer>): WeightedBatch {
  const random = seededRandom("batch");
  const strips = numbers(random, 2 * stripsSeen * config.width);
  const examples = clips.map((clip, i) => memoryExample(clip, clips.slice(0, i), random));
  const texts = examples.map(textSlots);
  const answers = examples.map(({ answer }) => answerSlots(answer, memoryLength));
  return {
    strips: np.array(strips, { shape: [2, stripsSeen, config.width] }),
    texts: np.array(Int32Array.from(texts.flatMap((slots) => [...slots]))).reshape([2, -1]),
    answers: np.array(Int32Array.from(answers.flatMap(({ inputs }) => [...inputs]))).reshape([2, -1]),
    targets: np.array(Int32Array.from(answers.flatMap(({ targets }) => [...targets]))).reshape([2, -1]),
    weights: np.array(Float32Array.from(answers.flatMap(({ weights }) => [...weights]))).reshape([2, -1]),
    vectors: np.array(vectors, { shape: [2, config.width] }),
  };
}

test("the gradient agrees with finite differences in a random direction of every weight", async () => {
  const values = initialWeights(tiny, seededRandom("weights"));
  const gradient = compileGradient(tiny);
  const vectors = numbers(seededRandom("vectors"), 2 * tiny.width);
  const at = async (moved: typeof values) => {
    const [loss, slope] = gradient(weightsFrom(tiny, moved), batchOf(tiny, vectors));
    return { loss: (await loss.data())[0]!, slope };
  };
  const { slope } = await at(values);
  const random = seededRandom("directions");
  for (const name of Object.keys(weightShapes(tiny))) {
    if (name.startsWith("patch.")) continue;
    const direction = numbers(random, values[name]!.length);
    const slopes = await slope[name]!.data();
    let expected = 0;
    for (const [i, d] of direction.entries()) expected += d * slopes[i]!;
    const distance = 3e-3;
    const moved = (sign: number) => ({
      ...values,
      [name]: values[name]!.map((value, i) => value + sign * distance * direction[i]!),
    });
    const [above, below] = [await at(moved(1)), await at(moved(-1))];
    tree.dispose([above.slope, below.slope] as never);
    const measured = (above.loss - below.loss) / (2 * distance);
    // 32-bit losses of about 100: their difference is accurate to about 1e-5 / 6e-3.
    assert.ok(
      Math.abs(measured - expected) < 0.02 + 0.02 * Math.abs(expected),
      `${name}: ${expected} by the gradient, ${measured} by differences`,
    );
  }
});

test("a sampled answer's log-probabilities are those of the forward pass", async () => {
  const weights = weightsFrom(tiny, initialWeights(tiny, seededRandom("weights")));
  const random = seededRandom("prompts");
  const texts = textSlots(memoryExample(clips[1]!, [clips[0]!], random));
  const strips = numbers(random, stripsSeen * tiny.width);
  const vectors = numbers(random, tiny.width, 3);
  const [samples] = await new Decoder(tiny).decode(
    weights,
    { strips, texts, count: 1 },
    { samples: 2, temperature: 1, random, vectors },
  );
  const [first, second] = [samples![0]!, samples![1]!];
  assert.notDeepEqual(first.tokens, second.tokens);
  for (const { tokens, logprobs } of [first, second]) {
    const inputs = Int32Array.from(answerSlots(tokens.slice(0, memoryLength - 1), memoryLength).inputs);
    const targets = new Int32Array(memoryLength);
    targets.set(tokens);
    const forward = await targetLogprobs(tiny, weights, {
      strips: np.array(strips, { shape: [1, stripsSeen, tiny.width] }),
      texts: np.array(texts, { shape: [1, texts.length] }),
      answers: np.array(inputs, { shape: [1, memoryLength] }),
      targets: np.array(targets, { shape: [1, memoryLength] }),
      vectors: np.array(vectors, { shape: [1, tiny.width] }),
    }).data();
    for (const [i, logprob] of logprobs.entries()) assert.ok(Math.abs(logprob - forward[i]!) < 1e-4);
  }
});

test("each row of a batch with its own vector gives the same result as alone", async () => {
  const weights = weightsFrom(tiny, initialWeights(tiny, seededRandom("weights")));
  const random = seededRandom("prompts");
  const strips = numbers(random, stripsSeen * tiny.width);
  const texts = textSlots({ spoken: [], preceding: [], wanted: [] });
  const vector = numbers(random, tiny.width, 5);
  const decoder = new Decoder(tiny);
  const alone = async (vectors?: Float32Array<ArrayBuffer>) =>
    await decoder.decode(
      weights,
      { strips, texts, count: 1 },
      { samples: 1, temperature: 0, random, ...(vectors && { vectors }) },
    );
  const [none] = await alone();
  const [zero] = await alone(vector.map((value) => 0 * value));
  const [added] = await alone(vector);
  assert.deepEqual(zero, none);
  assert.notDeepEqual(added![0]!.logprobs, none![0]!.logprobs);
  const together = await decoder.decode(
    weights,
    {
      strips: Float32Array.from([...strips, ...strips]),
      texts: Int32Array.from([...texts, ...texts]),
      count: 2,
    },
    { samples: 1, temperature: 0, random, vectors: Float32Array.from([...vector, ...vector.map(() => 0)]) },
  );
  for (const [row, expected] of [added!, none!].entries()) {
    assert.deepEqual(together[row]![0]!.tokens, expected[0]!.tokens);
    for (const [i, logprob] of together[row]![0]!.logprobs.entries())
      assert.ok(Math.abs(logprob - expected[0]!.logprobs[i]!) < 1e-4);
  }
});

test("Adam's first step moves every weight by the learning rate against its slope", async () => {
  const adam = new Adam({ w: np.array([1, 2, 3]) });
  adam.step({ w: np.array([0.1, -0.2, 0]) }, 0.01);
  const moved = [...(await adam.weights.w!.ref.data())];
  for (const [i, expected] of [0.99, 2.01, 3].entries()) assert.ok(Math.abs(moved[i]! - expected) < 1e-5);
});

test("weights are read from a file as they were written, and a changed file is refused", () => {
  const path = join(mkdtempSync(join(tmpdir(), "nano-")), "weights.safetensors");
  const tensors = {
    a: { shape: [2, 2], values: Float32Array.of(1, -2.5, 1e-3, 40000) },
    b: { shape: [1], values: Float32Array.of(Math.PI) },
  };
  writeWeights(path, tensors, { notes: { stage: "captions" } });
  const exact = readWeights(path);
  assert.deepEqual(exact.tensors, tensors);
  assert.deepEqual(exact.notes, { stage: "captions" });
  writeWeights(path, tensors, { bits: 16 });
  const half = readWeights(path);
  assert.ok(Math.abs(half.tensors.b!.values[0]! - Math.PI) < 1e-3);
  const bytes = readFileSync(path);
  bytes[bytes.length - 1]! ^= 1;
  writeFileSync(path, bytes);
  assert.throws(() => readWeights(path), { code: "weights-broken" });
});

test("a memory holds facts of its clip, and its speech fills the slot of speech", () => {
  const random = seededRandom("memories");
  const sentences = new Set(clips[1]!.facts.map(sentenceOf));
  const { answer, spoken } = memoryExample(clips[1]!, [clips[0]!], random);
  const said = clips[1]!.facts.flatMap((fact) =>
    fact.kind === "speech" ? [`${fact.person} ${fact.topic} ${fact.hour}`] : [],
  );
  assert.ok(said.length > 0);
  assert.deepEqual(spoken.map(decode).sort(), said.sort());
  const written = decode(answer)
    .match(/[^.]+\./g)!
    .map((sentence) => sentence.trim());
  assert.ok(written.length === 1 || written.length === 2);
  for (const sentence of written) assert.ok(sentences.has(sentence), sentence);
});
