import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePythonList } from "./python-list.ts";

test("reads lists as Python prints them", () => {
  const cases: [string, string[]][] = [
    ["['A. one', 'B. two']", ["A. one", "B. two"]],
    [`["it's", 'say "so"', 'both \\' and "']`, ["it's", 'say "so"', `both ' and "`]],
    ["['a, b', 'c] d', '[']", ["a, b", "c] d", "["]],
    [
      "['line\\nbreak', 'tab\\there', 'back\\\\slash', 'odd \\d']",
      ["line\nbreak", "tab\there", "back\\slash", "odd \\d"],
    ],
    ["['caf\\xe9', '\\u4f60', '\\U0001f600', 'é你']", ["café", "你", "😀", "é你"]],
    ["[1, -2.5, 1e-3, True, None]", ["1", "-2.5", "1e-3", "True", "None"]],
    ["['trailing',]", ["trailing"]],
    ["[ ]", []],
    ["  ['a' ,\n 'b']  ", ["a", "b"]],
  ];
  for (const [text, items] of cases) assert.deepEqual(parsePythonList(text), items, text);
});

test("takes nothing that is no such list, and runs nothing", () => {
  for (const text of [
    "",
    "A. one",
    "['open",
    "['a' 'b']",
    "['a', b]",
    "[['a']]",
    "['a'].pop()",
    "[__import__('os').getcwd()]",
    "[1, 2",
    "['a\\']",
    "['a',,'b']",
  ]) {
    assert.equal(parsePythonList(text), null, text);
  }
});
