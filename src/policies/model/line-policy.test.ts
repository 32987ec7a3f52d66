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
import { chancesOf, linePolicy, taughtScores, trainableLines } from "./line-policy.ts";

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

test("draws take each line in proportion to what the adapter makes of it", async () => {
  // At the temperature of 0.7 where none is given.
  const policy = linePolicy(engine, liking(0.35), options);
  const { actions } = await policy.decide(contextOf({ speech }), { n: 2000, random: seededRandom("lines") });
  const soups = actions.filter(({ statements }) => statements[0]!.text.includes("soup")).length;
  // 0.35 nats up for the soup, as many down for the lamp: e^(0.7 / 0.7) to 1, so 0.731 of the draws.
  assert.ok(Math.abs(soups / 2000 - 0.731) < 0.03, `${soups} of 2000`);
});

test("a line's score is what an adapter adds to its log-probability, and nothing is added without one", async () => {
  const lines = ["Ann says: The lamp is on.", "Ann says: The soup is hot."];
  assert.deepEqual(await taughtScores(engine, lines, liking(0.5)), [-0.5, 0.5]);
  assert.deepEqual(await taughtScores(engine, lines, null), [0, 0]);
  assert.deepEqual(await taughtScores(engine, [], liking(0.5)), []);
});

test("a chosen line is an action of the clip, with its evidence", async () => {
  const { actions } = await linePolicy(engine, liking(1), options).decide(contextOf({ speech }));
  const { clip, kind, sources, speakers } = actions[0]!.statements[0]!;
  assert.deepEqual([clip, kind, sources.length, speakers], [1, "episodic", 2, ["Ann"]]);
});

test("a lesson's candidates are the clip's single lines, read behind one prompt that shows no clip", async () => {
  const trainable = trainableLines(engine, options);
  const context = contextOf({ speech });
  const lines = ["Ann says: The soup is hot.", "Ann says: The lamp is on."];
  const actions = await trainable.tell!(context, [...lines, lines.join(" ")]);
  assert.deepEqual(
    actions.map(({ text, logprobs }) => [text, [...logprobs!.ids!]]),
    [
      [lines[0], [1, 2, 2, 3]],
      [lines[1], [4, 2, 2, 3]],
    ],
  );
  const other = buildContext([observationOf("garden", 7, { speech })], context.recent as never);
  const samples = await Promise.all([context, other].map((one) => trainable.sampleOf(one, actions[0]!)));
  assert.deepEqual(samples[0], samples[1]);
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

test("a chance grows with the score, the more the lower the temperature, also where all are tiny", () => {
  const near = (chances: readonly number[], expected: readonly number[]) => {
    assert.equal(chances.length, expected.length);
    for (const [i, chance] of chances.entries())
      assert.ok(Math.abs(chance - expected[i]!) < 1e-6, `${chances}, not ${expected}`);
  };
  // e^(1 / 0.5) to 1.
  near(chancesOf([-2, -3], 0.5), [1 / (1 + Math.exp(-2)), 1 / (1 + Math.exp(2))]);
  near(chancesOf([-4001, -4000], 1), [1 / (1 + Math.E), Math.E / (1 + Math.E)]);
  assert.deepEqual(chancesOf([-4001, -4000], 0), [0, 1]);
  assert.deepEqual(chancesOf([-4001, -4001], 0), [1, 0], "the first of two as likely");
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
