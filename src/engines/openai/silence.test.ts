import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { openSilence } from "./silence.ts";

/** A silence of at most a second whose clock the test moves. */
function silenceOf(t: TestContext) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let nowMs = 0;
  const silence = openSilence(1000, () => nowMs);
  const after = (ms: number) => {
    nowMs += ms;
    t.mock.timers.tick(ms);
    return silence.verdict();
  };
  return { silence, after };
}

test("an attempt that says nothing ends after the limit", (t) => {
  const { silence, after } = silenceOf(t);
  assert.equal(after(999), null);
  assert.equal(silence.signal.aborted, false);
  assert.equal(after(1), "did not answer within 1 s");
  assert.equal(silence.signal.aborted, true);
});

test("whatever is new starts the limit again, for as long as it comes", (t) => {
  const { silence, after } = silenceOf(t);
  for (let i = 0; i < 100; i++) {
    assert.equal(after(900), null);
    silence.heard(true);
  }
  assert.equal(after(1000), "stopped in the middle of its answer: nothing came for 1 s");
});

test("signs of life alone prolong the wait to ten times the limit", (t) => {
  const { silence, after } = silenceOf(t);
  after(500);
  silence.heard(true);
  for (let i = 0; i < 12; i++) {
    assert.equal(after(800), null, `${(i + 1) * 800} ms after the last token`);
    silence.heard(false);
  }
  // 9600 ms have passed
  assert.equal(after(399), null);
  assert.equal(after(1), "kept the connection alive for 10 s and wrote nothing");
});

test("no limit is a limit that is not reached", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const silence = openSilence(Infinity, () => 0);
  t.mock.timers.tick(86_400_000);
  assert.equal(silence.verdict(), null);
});

test("nothing ends after it was closed", (t) => {
  const { silence, after } = silenceOf(t);
  silence.close();
  assert.equal(after(5000), null);
  assert.equal(silence.signal.aborted, false);
});
