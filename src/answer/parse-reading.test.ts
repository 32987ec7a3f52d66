import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { letterOptions } from "../tasks/task.ts";
import { parseReading } from "./parse-reading.ts";
import type { Reading } from "./reader.ts";

type Parsed = Omit<Reading, "cost" | "cited"> & { readonly cited: readonly number[] };

const choice = {
  text: "Where are the keys?",
  options: letterOptions(["on the desk", "on the shelf", "A drawer"]),
};
const open = { text: "Where are the keys?", options: [] };
const shown = 10;

const good = {
  reasoning: "[1] says so.",
  answerable: true,
  answer: "They are on the desk.",
  option: "A",
  citations: [1],
};
const reading = (value: unknown, question = choice) => {
  const parsed = parseReading(typeof value === "string" ? value : JSON.stringify(value), question, shown);
  return parsed.ok ? parsed.reading : parsed.problem;
};
const taken = { answer: "They are on the desk.", option: "A", abstained: false, cited: [1] };

describe("parseReading", () => {
  test("accepts the object it asked for", () => {
    assert.deepEqual(reading(good), taken);
    assert.deepEqual(reading({ ...good, option: null }, open), { ...taken, option: null });
  });

  test("accepts it in fences, in prose, broken or cut off at the end", () => {
    const json = JSON.stringify(good);
    for (const text of [
      `\`\`\`json\n${json}\n\`\`\``,
      `Here you are: ${json} Hope it helps {:`,
      json.replace('"A"', "'A'").replace("}", ",}"),
      json.slice(0, -2),
    ]) {
      assert.deepEqual(reading(text), taken, text);
    }
  });

  test("refuses an answer that repeats itself", () => {
    const answer = "The keys are on the desk. ".repeat(8);
    assert.equal(reading({ ...good, answer }), "its answer said the same again and again");
    assert.equal((reading({ ...good, answer: '"No, no, no," he says.' }) as Parsed).abstained, false);
  });

  test("reads an option by letter, small letter, text or both", () => {
    for (const [option, letter] of [
      ["b", "B"],
      ["(B)", "B"],
      ["B. on the shelf", "B"],
      ["On the shelf.", "B"],
      ["A drawer", "C"],
    ]) {
      const parsed = reading({ ...good, option });
      assert.equal((parsed as { option: string }).option, letter, option);
    }
  });

  test("refuses a letter that is no option instead of choosing another", () => {
    for (const option of ["E", "Answer: E", "none", 2, null]) {
      assert.match(String(reading({ ...good, option, answer: "Somewhere." })), /not one of A, B, C/);
    }
  });

  test("accepts a last line with a letter if it cites, and no letter from the first word", () => {
    assert.deepEqual(reading("Entry [2] puts them there.\nAnswer: B"), {
      answer: "on the shelf",
      option: "B",
      abstained: false,
      cited: [2],
    });
    assert.match(String(reading("A careful look at [2] shows nothing clear")), /JSON/);
    assert.match(String(reading("See [2].\nAnswer: E")), /not one of/);
  });

  test("accepts an abstention in any of its forms", () => {
    const forms: unknown[] = [
      { ...good, answerable: false, option: null, citations: [], answer: "No entry tells." },
      { ...good, answerable: "false", answer: "No entry tells.", citations: [] },
      { answer: "Insufficient information.", citations: [] },
      "I looked at all of it.\nInsufficient information",
    ];
    for (const form of forms) {
      const parsed = reading(form) as Parsed;
      assert.deepEqual(
        [parsed.abstained, parsed.option, parsed.cited],
        [true, null, []],
        JSON.stringify(form),
      );
    }
  });

  test("drops numbers that were not shown and refuses an answer without citations", () => {
    assert.deepEqual(reading({ ...good, citations: [11, 10, "[2]", 0, 2] }), { ...taken, cited: [2, 10] });
    assert.deepEqual(reading({ ...good, citations: "[1]" }), taken);
    assert.deepEqual(reading({ ...good, citations: [] }), taken); // its reasoning names [1]
    for (const citations of [[11, 0, -1], ["00:00:02", "e_1", "1.5"], ["at 7 or 8 o'clock in [12]"].slice(1)])
      assert.match(String(reading({ ...good, reasoning: "At 2 she leaves.", citations })), /cited none/);
  });

  test("says what is wrong with anything else", () => {
    assert.match(String(reading("  ")), /empty/);
    for (const text of ["I think the desk.", "[1, 2]", "{}", '{"foo": 1}', "null"]) {
      assert.match(String(reading(text)), /JSON/, text);
    }
    for (const answer of ["", " ", "…", "..."])
      assert.match(String(reading({ ...good, answer, option: null }, open)), /empty/);
  });
});
