import assert from "node:assert/strict";
import { test } from "node:test";
import { mentions, sameName } from "./names.ts";

test("compares names however their letters are typed", () => {
  for (const [one, other] of [
    ["Łukasz", "lukasz"],
    ["Søren", "Soren"],
    ["Jürgen Müller", "Juergen  Mueller"],
    ["Jürgen", "Jurgen"],
    ["İpek", "ipek"],
    ["Groß", "Gross"],
    ["Đorđe", "Dorde"],
    ["José", "Jose\u0301"],
  ] as const)
    assert.ok(sameName(one, other), `${one} ${other}`);
  assert.ok(!sameName("Jürgen", "Jürg"));
  assert.ok(!sameName("", ""));
});

test("finds a name in a text as a whole word", () => {
  assert.ok(mentions("We met Łukasz at the lake.", "Lukasz"));
  assert.ok(mentions("We met Juergen Mueller.", "jürgen müller"));
  assert.ok(!mentions("Anna is here.", "Ann"));
});
