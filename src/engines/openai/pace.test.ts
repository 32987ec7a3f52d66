import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { ModelProgress } from "../../engine.ts";
import type { ChatAnswer } from "./chat.ts";
import { type ComingAnswer, openPace } from "./pace.ts";

/** A pace whose clock the test moves, and what it reports. */
function paceOf(t: TestContext) {
  t.mock.timers.enable({ apis: ["setInterval"] });
  let nowMs = 0;
  const reports: ModelProgress[] = [];
  const pace = openPace(
    "openai:eyes",
    (progress) => reports.push(progress),
    () => nowMs,
  );
  /** Moves the clock and returns the last report since, or null. */
  const after = (ms: number) => {
    reports.length = 0;
    for (let i = 0; i < ms; i += 1000) {
      nowMs += 1000;
      t.mock.timers.tick(1000);
    }
    return reports.at(-1) ?? null;
  };
  const answer = (fields: Partial<ComingAnswer> = {}) => ({
    ...{ sentAtMs: nowMs, firstAtMs: null, lastAtMs: null, tokens: 0, prompt: null },
    ...fields,
  });
  return { pace, after, answer };
}

const whole: ChatAnswer = {
  completions: [{ text: "a", thinking: null, finish: "stop", tokens: null }],
  ...{ promptTokens: 100, completionTokens: 21, timings: null },
};

test("an answer is reported every second once it takes 10 s, and no more when it is there", async (t) => {
  const { pace, after, answer } = paceOf(t);
  const ended = Promise.withResolvers<void>();
  const watched = pace.watch(answer(), () => ended.promise);
  assert.equal(after(9000), null);
  assert.deepEqual(after(1000), {
    ...{ model: "openai:eyes", calls: 1, elapsedMs: 10_000 },
    ...{ prompt: null, tokens: 0, tokensPerSecond: null },
  });
  assert.equal(after(1000)!.elapsedMs, 11_000);
  ended.resolve();
  await watched;
  assert.equal(after(60_000), null);
});

test("simultaneous answers are reported together: prompts that are read, tokens that are written", (t) => {
  const { pace, after, answer } = paceOf(t);
  const never = () => new Promise<void>(() => {});
  void pace.watch(answer({ prompt: { processed: 30, total: 100 } }), never);
  void pace.watch(answer({ prompt: { processed: 10, total: 50 } }), never);
  void pace.watch(answer({ firstAtMs: 2000, lastAtMs: 12_000, tokens: 20 }), never);
  // 20 tokens in the 10 s since the first of them
  assert.deepEqual(after(12_000), {
    ...{ model: "openai:eyes", calls: 3, elapsedMs: 12_000 },
    ...{ prompt: { processed: 40, total: 150 }, tokens: 20, tokensPerSecond: 2 },
  });
});

test("speed is that of the server's own times, those kept from earlier prompts not counted", (t) => {
  const { pace, answer } = paceOf(t);
  assert.deepEqual(pace.speed(), { promptPerSecond: null, writtenPerSecond: null });
  const timings = { prompt_n: 40, prompt_ms: 200, predicted_n: 20, predicted_ms: 1000 };
  pace.learn(answer({ firstAtMs: 5000, lastAtMs: 9000 }), { ...whole, timings });
  pace.learn(answer(), { ...whole, timings: { ...timings, prompt_n: 0, prompt_ms: 0, predicted_ms: 3000 } });
  // 40 in 0.2 s; 40 in 4 s
  assert.deepEqual(pace.speed(), { promptPerSecond: 200, writtenPerSecond: 10 });
});

test("speed is read from the clock where a server does not time itself, and unknown where it does not stream", (t) => {
  const { pace, answer } = paceOf(t);
  pace.learn(answer(), whole);
  assert.deepEqual(pace.speed(), { promptPerSecond: null, writtenPerSecond: null });
  pace.learn(answer({ firstAtMs: 500, lastAtMs: 2500 }), whole);
  // 100 in 0.5 s; 20 after the first token in 2 s
  assert.deepEqual(pace.speed(), { promptPerSecond: 200, writtenPerSecond: 10 });
  // Two answers of 42 tokens: the speed is that of each.
  const [completion] = whole.completions;
  const two = { ...whole, completions: [completion!, completion!], completionTokens: 42 };
  pace.learn(answer({ firstAtMs: 500, lastAtMs: 2500 }), two);
  assert.equal(pace.speed().writtenPerSecond, 10);
});
