import assert from "node:assert/strict";
import { test } from "node:test";
import { budgetRules, configuredBudget, defaultBudget, liveBudget } from "./choice-budget.ts";
import type { Candidate } from "./choice-candidates.ts";

const offering = (...tokens: readonly number[]) => tokens.map((each) => ({ tokens: each }) as Candidate);

test("a share of the tokens on offer is added, or the floor where the window has as much", () => {
  const { allowance, byTime, mostCarried } = budgetRules({ fraction: 0.25, floorTokens: 40 });
  assert.equal(allowance(offering(200, 200)), 100);
  assert.equal(allowance(offering(60, 60)), 40);
  assert.equal(allowance(offering(10, 20)), 30);
  assert.equal(allowance([]), 0);
  assert.equal(allowance(offering(100), 300), 40, "time does not count");
  assert.deepEqual([byTime, mostCarried], [false, 42]);
  const bare = budgetRules({ fraction: 0.25 });
  assert.deepEqual(
    [bare.allowance(offering(60)), bare.allowance(offering(2))],
    [15, 0.5],
    "no floor unless given",
  );
});

test("a pushed stream's floor follows the time since its last decision", () => {
  const { allowance, byTime, mostCarried } = budgetRules({
    fraction: 0.25,
    floorTokens: 40,
    burstTokens: 500,
  });
  assert.deepEqual([byTime, mostCarried], [true, 500]);
  assert.equal(allowance(offering(100)), 40, "30 s unless told");
  assert.equal(allowance(offering(100), 15), 25);
  assert.equal(allowance(offering(100), 90), 120, "also more than is on offer");
  assert.equal(allowance([], 60), 80);
});

test("a fixed number of tokens a window carries five sevenths of it, and 12", () => {
  const rules = budgetRules({ tokensPerWindow: 70 });
  assert.deepEqual([rules.byTime, rules.allowance([]), rules.mostCarried], [false, 70, 62]);
});

test("the budgets that ship keep a fifth, and a quiet 30 s of up to 80 tokens whole", () => {
  for (const budget of [defaultBudget, liveBudget]) {
    const { allowance } = budgetRules(budget);
    assert.equal(allowance(offering(500)), 100);
    assert.equal(allowance(offering(80)), 80);
    assert.equal(allowance(offering(81)), 80);
  }
  assert.equal(budgetRules(defaultBudget).mostCarried, 36);
  assert.equal(budgetRules(liveBudget).mostCarried, 600);
});

test("a configuration says the floor or the share; a share alone has no floor", () => {
  assert.equal(configuredBudget({}), defaultBudget);
  assert.equal(configuredBudget({}, true), liveBudget);
  assert.deepEqual(configuredBudget({ leastTokens: 40 }), { ...defaultBudget, floorTokens: 40 });
  assert.deepEqual(configuredBudget({ leastTokens: 40 }, true), { ...liveBudget, floorTokens: 40 });
  assert.deepEqual(configuredBudget({ budget: 0.3 }, true), { fraction: 0.3 });
  assert.deepEqual(configuredBudget({ budget: 0.3, leastTokens: 40 }), { fraction: 0.3, floorTokens: 40 });
});

test("a budget out of range is refused by name, one at its end is not", () => {
  const refused: [Parameters<typeof budgetRules>[0], RegExp][] = [
    [{ tokensPerWindow: 0 }, /tokensPerWindow/],
    [{ tokensPerWindow: Infinity }, /tokensPerWindow/],
    [{ fraction: 0 }, /fraction/],
    [{ fraction: 1.01 }, /fraction/],
    [{ fraction: Number.NaN }, /fraction/],
    [{ fraction: 0.2, floorTokens: -1 }, /floorTokens/],
    [{ fraction: 0.2, floorTokens: Infinity }, /floorTokens/],
    [{ fraction: 0.2, burstTokens: -1 }, /burstTokens/],
    [{ fraction: 0.2, burstTokens: Infinity }, /burstTokens/],
  ];
  for (const [budget, message] of refused) assert.throws(() => budgetRules(budget), message);
  assert.equal(budgetRules({ fraction: 1, floorTokens: 0, burstTokens: 0 }).mostCarried, 0);
  assert.equal(budgetRules({ tokensPerWindow: 1 }).allowance([]), 1);
});
