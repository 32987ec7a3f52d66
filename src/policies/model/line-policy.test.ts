/** The policy of lines over the stub worker, whose model likes the soup the more, the longer its one number. */
import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { observationOf } from "../../../test/support/memory.ts";
import { createAdapter } from "../../adapter/arithmetic.ts";
import { wordSpace } from "../../engines/local/index.ts";
import { openTorchEngine } from "../../engines/torch/index.ts";
import { buildContext } from "../../policy/context.ts";
import { freshState } from "../../policy/state.ts";
import { seededRandom } from "../../util/random.ts";
import { chancesOfTexts, linePolicy } from "./line-policy.ts";

const stub = fileURLToPath(new URL("../../engines/torch/__fixtures__/stub-worker.mjs", import.meta.url));
const file = join(mkdtempSync(join(tmpdir(), "stub-")), "done");
const engine = await openTorchEngine({ model: "stub", command: [process.execPath, stub, file] });
after(() => engine.close());

const options = { countTokens: wordSpace.countTokens };
const speech = ["The lamp is on.", "The soup is hot."].map((text, i) => ({
  ...{ startSeconds: i, endSeconds: i + 1, text, speaker: "Ann" },
}));
const contextOf = (parts: object, written: readonly string[] = []) =>
  buildContext([observationOf("kitchen", 1, parts)], {
    observations: [observationOf("kitchen", 0)],
    entries: written.map((text) => ({ clip: 0, kind: "episodic" as const, text })),
    state: freshState(),
  });
const toldBy = async (adapter: Parameters<typeof linePolicy>[1], written: readonly string[] = []) => {
  const { actions } = await linePolicy(engine, adapter, options).decide(contextOf({ speech }, written));
  return actions[0]!.statements.map(({ text }) => text);
};
const liking = (soup: number) => createAdapter("residual:torch:stub@2:answer", 1, [[0, soup]]);

test("a greedy decision tells the line that the adapter makes likeliest", async () => {
  assert.deepEqual(await toldBy(liking(1)), ["Ann says: The soup is hot."]);
  assert.deepEqual(await toldBy(liking(-1)), ["Ann says: The lamp is on."]);
});

test("a line that was written before is not told again, and where none is left nothing is", async () => {
  const [soup, lamp] = ["Ann says: the soup is hot", "Ann says: The lamp is on."] as const;
  assert.deepEqual(await toldBy(liking(1), [soup]), [lamp]);
  assert.deepEqual(await toldBy(liking(1), [soup, lamp]), []);
});

test("draws take each line in proportion to its chance", async () => {
  // At the temperature of 0.7 where none is given.
  const policy = linePolicy(engine, liking(0.35), options);
  const { actions } = await policy.decide(contextOf({ speech }), { n: 2000, random: seededRandom("lines") });
  const soups = actions.filter(({ statements }) => statements[0]!.text.includes("soup")).length;
  // 0.35 nats up for the soup, as many down for the lamp: e^(0.7 / 0.7) to 1, so 0.731 of the draws.
  assert.ok(Math.abs(soups / 2000 - 0.731) < 0.03, `${soups} of 2000`);
  assert.ok(actions.every(({ logprobs }) => logprobs?.ids?.length === 4));
});

test("a random number that rounding leaves above all chances takes the likeliest", async () => {
  for (const [soup, line] of [
    [0.35, "soup"],
    [-0.35, "lamp"],
  ] as const) {
    const { actions } = await linePolicy(engine, liking(soup), options).decide(contextOf({ speech }), {
      random: () => 1,
    });
    assert.deepEqual([actions.length, actions[0]!.statements[0]!.text.includes(line)], [1, true]);
  }
});

test("a text's chance is its probability to the power of 1 / temperature, also where all are tiny", () => {
  const near = (chances: readonly number[], expected: readonly number[]) => {
    assert.equal(chances.length, expected.length);
    for (const [i, chance] of chances.entries())
      assert.ok(Math.abs(chance - expected[i]!) < 1e-6, `${chances}, not ${expected}`);
  };
  // Sums of −2 and −3: e^(1 / 0.5) to 1.
  const texts = [Float32Array.of(-1, -1), Float32Array.of(-3)];
  near(chancesOfTexts(texts, 0.5), [1 / (1 + Math.exp(-2)), 1 / (1 + Math.exp(2))]);
  const tiny = [Float32Array.of(-4000, -1), Float32Array.of(-4000)];
  near(chancesOfTexts(tiny, 1), [1 / (1 + Math.E), Math.E / (1 + Math.E)]);
  assert.deepEqual(chancesOfTexts(tiny, 0), [0, 1]);
  assert.deepEqual(chancesOfTexts([tiny[0]!, tiny[0]!], 0), [1, 0], "the first of two as likely");
});

test("nothing is asked of the model once it is told to stop", async () => {
  const stopped = linePolicy(engine, null, options).decide(contextOf({ speech }), {
    signal: AbortSignal.abort(),
  });
  await assert.rejects(stopped, { name: "AbortError" });
});

test("a clip without lines is written about freely", async () => {
  const screen = [{ startSeconds: 0, endSeconds: 1, text: "OPEN", confidence: 90 }];
  const { actions } = await linePolicy(engine, null, options).decide(contextOf({ screen }));
  assert.match(actions[0]!.statements[0]!.text, /^Ann talks about/);
});
