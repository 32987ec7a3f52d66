import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { openTokenWindow } from "./token-window.ts";

/** A window of 1000 tokens a minute whose clock the test moves. */
function windowOf(t: TestContext) {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  const window = openTokenWindow(1000, () => Date.now());
  const begun: string[] = [];
  const used = new Map<string, (tokens: number) => void>();
  const begin = async (name: string, tokens: number, signal?: AbortSignal) => {
    used.set(name, await window.begin(tokens, signal));
    begun.push(name);
  };
  /** Moves the clock and lets what may begin do so. */
  const after = async (ms: number) => {
    t.mock.timers.tick(ms);
    await new Promise<void>((resolve) => setImmediate(resolve));
    return begun.join("");
  };
  return { begin, after, used };
}

test("calls wait until those of the last minute leave room, in the order in which they asked", async (t) => {
  const { begin, after } = windowOf(t);
  void begin("a", 600);
  assert.equal(await after(30_000), "a");
  for (const [name, tokens] of [
    ["b", 400],
    ["c", 500],
    ["d", 100],
  ] as const)
    void begin(name, tokens);
  assert.equal(await after(0), "ab"); // 600 + 400; c does not fit, and d does not overtake it
  assert.equal(await after(29_999), "ab");
  assert.equal(await after(1), "abcd"); // a's 600 are a minute old: 400 + 500 + 100
});

test("the tokens that a call used replace its forecast, and room appears at once", async (t) => {
  const { begin, after, used } = windowOf(t);
  void begin("a", 900);
  void begin("b", 900);
  assert.equal(await after(0), "a");
  used.get("a")!(100);
  assert.equal(await after(0), "ab");
  used.get("b")!(1500);
  void begin("c", 10);
  assert.equal(await after(59_999), "ab");
  assert.equal(await after(1), "abc");
});

test("a call larger than the limit begins alone", async (t) => {
  const { begin, after } = windowOf(t);
  void begin("a", 1);
  void begin("b", 5000);
  void begin("c", 1);
  assert.equal(await after(0), "a");
  assert.equal(await after(60_000), "ab");
  assert.equal(await after(60_000), "abc");
});

test("an aborted call leaves at once with the signal's reason, and the next takes its place", async (t) => {
  const { begin, after } = windowOf(t);
  const control = new AbortController();
  const reason = new Error("enough");
  void begin("a", 900);
  const b = begin("b", 900, control.signal);
  void begin("c", 100);
  assert.equal(await after(0), "a");
  control.abort(reason);
  await assert.rejects(b, reason);
  assert.equal(await after(0), "ac");
  await assert.rejects(begin("d", 1, control.signal), reason);
});
