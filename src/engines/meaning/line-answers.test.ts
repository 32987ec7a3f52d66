/** Scores of lines: how a pair is put, what an adapter makes of weights, and the real runtime on a toy encoder. */
import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { toyEncoder, toyFolder } from "../../../test/support/toy-encoder.ts";
import { type NamedTensor, writeSafetensors } from "../../adapter/exchange/safetensors.ts";
import { EngineError } from "../../errors.ts";
import { localEmbedder } from "../local/index.ts";
import { readEncoderAdapter, shippedAdapters } from "./encoder-adapter.ts";
import { type EncoderWeights, readWeights } from "./encoder-weights.ts";
import { answerHead, pairTokens } from "./line-answers.ts";
import { meaningEmbedder } from "./meaning-embedder.ts";
import { readEnglish } from "./read-english.ts";
import { hasRuntime, sentenceEncoder } from "./sentence-encoder.ts";

const skip = hasRuntime() ? false : "onnxruntime-web is not installed";
const folder = toyFolder();
after(() => rmSync(folder, { recursive: true, force: true }));
const weights = readWeights(folder);
const line = (text: string, before = "", after = "") => ({ text, before, after });

test("a pair is the question, the line, and what is said around it", () => {
  const [key, soup, car, doctor] = ["key", "soup", "car", "doctor"].map((word) => weights.tokens(word, 9)[1]);
  const [begin, end] = weights.tokens("", 2);
  assert.deepEqual(pairTokens(weights, "key soup", line("car", "doctor", "key")), {
    ids: [begin, key, soup, end, car, end, doctor, end, key, end],
    ...{ from: 4, to: 6 },
  });
});

test("what was said long before is left out, and no pair is longer than the encoder reads", () => {
  const long = "key ".repeat(60);
  const { ids } = pairTokens(
    { ...weights, shape: { ...weights.shape, mostTokens: 512 } },
    "soup",
    line("car", `doctor ${long}`, long),
  );
  assert.equal(ids.length, 1 + 1 + 1 + 1 + 1 + 36 + 1 + 14 + 1);
  assert.ok(!ids.includes(weights.tokens("doctor", 9)[1]!));
  const cut = pairTokens(weights, long, line(long));
  assert.deepEqual([cut.ids.length, cut.to], [32, 32]);
});

/** An adapter as a file, of vectors of 16 numbers as the toy has them: a line scores by its keys. */
function adapterFile(...more: readonly NamedTensor[]): string {
  const path = join(folder, "answers.safetensors");
  const ofKeys = Float32Array.from({ length: 16 }, (_, i) => (i === 0 ? 1 : 0));
  const parts = [
    { name: "head.first", shape: [16], values: new Float32Array(16) },
    { name: "head.line", shape: [16], values: ofKeys },
    { name: "head.bias", shape: [1], values: Float32Array.of(-1) },
  ];
  writeFileSync(path, writeSafetensors(...parts, ...more));
  return path;
}

test("an adapter adds its product to a matrix, and leaves the others", () => {
  const path = adapterFile(
    { name: "one.a", shape: [1, 2], values: Float32Array.of(1, 2) },
    { name: "one.b", shape: [2, 1], values: Float32Array.of(10, 20) },
  );
  const given = { values: Float32Array.of(1, 1, 1, 1), shape: [2, 2] };
  const all: EncoderWeights = { ...weights, tensor: () => given };
  const adapter = readEncoderAdapter(path);
  const { adapted } = adapter;
  assert.deepEqual([...adapted(all).tensor("one.weight").values], [11, 21, 21, 41]);
  for (const name of ["one.bias", "two.weight"])
    assert.equal(adapted(all).tensor(name).values, given.values, name);
  assert.equal(answerHead(adapter, 16).bias, -1);
});

test("the adapters of the package say which encoder they are for", () => {
  const small: EncoderWeights = {
    ...weights,
    tensor: () => ({ values: new Float32Array(256), shape: [16, 16] }),
  };
  for (const path of Object.values(shippedAdapters)) {
    const { tensor } = readEncoderAdapter(path).adapted(small);
    const query = () => tensor("encoder.layer.0.attention.self.query.weight");
    assert.throws(query, /is for a \S+ of 384 × 384 numbers, not of 16 × 16/);
  }
  const answers = readEncoderAdapter(shippedAdapters.answers);
  const { first, line } = answerHead(answers, 384);
  assert.deepEqual([first.length, line.length], [384, 384]);
  assert.throws(() => answerHead(answers, 16), /scores vectors of 384 numbers, not of 16/);
});

test("scores lines in the real runtime, by the tokens of the line alone", { skip }, async () => {
  const encoder = sentenceEncoder({ folder, id: "toy", answers: adapterFile() });
  const scores = await encoder.scoreLines!("the key", [line("the key"), line("the soup", "key", "key")]);
  assert.ok(scores[0]! > scores[1]!, String(scores));
  // Half of the line is its mark behind it, and normalised a key has sqrt(15) at its place.
  const [key] = await encoder.scoreLines!("soup", [line("key")]);
  assert.ok(key! > 0, String(key));
  await encoder.close();
});

test("an encoder without an adapter scores nothing, and one of another size says so", { skip }, async () => {
  assert.equal(sentenceEncoder({ folder, id: "toy" }).scoreLines, undefined);
  const encoder = sentenceEncoder({ folder, id: "toy", answers: shippedAdapters.answers });
  await assert.rejects(encoder.scoreLines!("the key", [line("the key")]), { code: "encoder-failed" });
  await encoder.close();
});

test("lines of another language have no score, and an encoder that is down costs the scores alone", async () => {
  const asked: string[] = [];
  const encoder = { ...toyEncoder(), isDown: false };
  const embedder = meaningEmbedder({
    encoder: {
      ...encoder,
      scoreLines: async (question, lines) => {
        if (encoder.isDown) throw new EngineError("unreachable", "The toy is down", { isRetryable: true });
        asked.push(question, ...lines.map(({ text }) => text.trim()));
        return lines.map((_, i) => i);
      },
    },
    ...{ spelling: localEmbedder, reads: readEnglish },
  });
  const lines = [line("这是钥匙"), line("Here is the key."), line("And the soup.")];
  const none = Number.NEGATIVE_INFINITY;
  assert.deepEqual(await embedder.scoreLines!("Where is the key?", lines), [none, 0, 1]);
  assert.deepEqual(asked, ["Where is the key?", "Here is the key.", "And the soup."]);
  assert.deepEqual(await embedder.scoreLines!("钥匙在哪里？", lines), [none, none, none]);
  encoder.isDown = true;
  assert.deepEqual(await embedder.scoreLines!("Where is the key?", lines), [none, none, none]);
});
