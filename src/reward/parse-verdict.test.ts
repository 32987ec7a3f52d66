import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePreference, parseRanking, parseRationale, parseVerdict } from "./parse-verdict.ts";

test("a verdict is the boolean of its key, with the reason where there is one", () => {
  assert.deepEqual(parseVerdict('{"correct":true,"rationale":"He does."}', "correct"), {
    ...{ pass: true, rationale: "He does." },
  });
  assert.deepEqual(parseVerdict('So:\n```json\n{"clean": false}\n```', "clean"), {
    pass: false,
    rationale: "",
  });
  assert.equal(parseVerdict('It is {"clean":true}, I think.', "clean")?.pass, true);
  assert.equal(parseRationale('{"clean":true,"rationale":3}'), "");
});

test("nothing is converted: what is no boolean of that key, or no object, is no verdict", () => {
  const unusable = [
    '{"correct":"true"}',
    '{"correct":1}',
    '{"clean":true}',
    "true",
    "[true]",
    "null",
    "",
    "{",
  ];
  for (const text of unusable) assert.equal(parseVerdict(text, "correct"), null, text);
  assert.equal(parseRationale("no object"), "");
});

test("a ranking names each number once", () => {
  assert.deepEqual(parseRanking('{"ranking":[2,3,1]}', 3), [2, 3, 1]);
  for (const ranking of ["[2,3]", "[1,2,2]", "[0,1,2]", "[1,2,3,3]", '["1","2","3"]', "3", "null"])
    assert.equal(parseRanking(`{"ranking":${ranking}}`, 3), null, ranking);
  assert.equal(parseRanking("[2,3,1]", 3), null);
});

test("a preference is one of three words", () => {
  for (const preference of ["first", "second", "tie"] as const)
    assert.equal(parsePreference(`{"moreUseful":"${preference}"}`), preference);
  for (const other of ['"both"', "1", "null", '["first"]'])
    assert.equal(parsePreference(`{"moreUseful":${other}}`), null);
  assert.equal(parsePreference("first"), null);
});
