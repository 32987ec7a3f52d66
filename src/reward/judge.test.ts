import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type Judge,
  type Judged,
  type JudgeFailure,
  type Preference,
  preferenceInBothOrders,
  type RelevanceRequest,
} from "./judge.ts";

const request: RelevanceRequest = {
  context: {
    observations: [],
    recent: { observations: [], entries: [] },
    state: { value: null, documents: 0, words: new Map() },
  },
  first: "long",
  second: "short",
  questions: [],
};

/** A judge that answers by a rule, and the orders it was asked in. */
function judging(rule: (first: string, second: string) => Preference | JudgeFailure) {
  const asked: string[] = [];
  const judge: Pick<Judge, "relevance"> = {
    async relevance({ first, second }): Promise<Judged<Preference>> {
      asked.push(`${first},${second}`);
      const answer = rule(first, second);
      return typeof answer === "string" ? { ok: true, value: answer } : answer;
    },
  };
  return { judge, asked };
}

const failure: JudgeFailure = { ok: false, reason: "timed-out", message: "It took too long." };

describe("a preference in both orders", () => {
  test("is one that does not depend on the order", async () => {
    for (const liked of ["long", "short"]) {
      const { judge } = judging((first) => (first === liked ? "first" : "second"));
      const value = liked === "long" ? "first" : "second";
      assert.deepEqual(await preferenceInBothOrders(judge, request), { ok: true, value });
    }
  });

  test("is a tie where the judge always names the same place", async () => {
    for (const place of ["first", "second"] as const) {
      const { judge } = judging(() => place);
      assert.deepEqual(await preferenceInBothOrders(judge, request), { ok: true, value: "tie" });
    }
  });

  test("is a tie where the other order is a tie", async () => {
    const { judge } = judging((first) => (first === "long" ? "first" : "tie"));
    assert.deepEqual(await preferenceInBothOrders(judge, request), { ok: true, value: "tie" });
  });

  test("asks the second order only where the first prefers one", async () => {
    const { judge, asked } = judging(() => "tie");
    await preferenceInBothOrders(judge, request);
    assert.deepEqual(asked, ["long,short"]);
  });

  test("is a failure where either order failed, and never a tie", async () => {
    const never = judging(() => failure);
    assert.deepEqual(await preferenceInBothOrders(never.judge, request), failure);
    const once = judging((first) => (first === "long" ? "first" : failure));
    assert.deepEqual(await preferenceInBothOrders(once.judge, request), failure);
  });

  test("says why in the words of both orders", async () => {
    const telling: Pick<Judge, "relevance"> = {
      relevance: async ({ first }) => ({
        ok: true,
        value: first === "long" ? "first" : "second",
        rationale: `It is ${first}.`,
      }),
    };
    assert.deepEqual(await preferenceInBothOrders(telling, request), {
      ...{ ok: true, value: "first", rationale: "It is long. It is short." },
    });
  });
});
