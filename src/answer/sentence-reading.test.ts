import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { wordSpace } from "../engines/local/index.ts";
import { letterOptions } from "../tasks/task.ts";
import { readSentence, sentencePrompt } from "./sentence-reading.ts";

const lines = [
  "Ann puts the spare key under the blue pot by the door.",
  "Bob gets the spare key on Friday.",
  "The train leaves from platform eleven.",
  "Ann's passport expires in March.",
];
const read = (said: string, text = "Where is the spare key?", options: readonly string[] = []) =>
  readSentence(said, { text, options: letterOptions(options) }, lines, wordSpace);

describe("an answer in one sentence", () => {
  test("rests on the line that holds its words and what was asked", () => {
    assert.deepEqual(read("The spare key is under the blue pot by the door."), {
      answer: "The spare key is under the blue pot by the door.",
      option: null,
      line: 0,
    });
    assert.equal(read("It is under the blue pot.", "Where does Ann put the spare key?")?.line, 0);
    assert.equal(read("Bob gets it on Friday.", "Who gets the spare key?")?.line, 1);
  });

  test("is its first sentence, without what introduces it", () => {
    assert.equal(
      read("The answer is: it is under the blue pot. The train is a train. The")?.answer,
      "it is under the blue pot.",
    );
    assert.equal(read("Under the blue pot\n[2] Bob")?.answer, "Under the blue pot");
  });

  // What SmolLM2-135M wrote to such questions.
  const refused: Record<string, [said: string, question?: string]> = {
    "words that no line holds": ["The spare key is in the old school."],
    "words of another line than what was asked": ["The train leaves from platform eleven."],
    "a number that the line does not hold": [
      "The passport expires on March 15.",
      "When does the passport expire?",
    ],
    "nothing but the question": ["The spare key is where the spare key is."],
    "a decline": ["The notes do not tell."],
    "a loop": ["The key is the key is the key is the key ".repeat(6)],
    "an answer to what no line tells": ["Cara went to school at the door.", "Where did Cara go to school?"],
    nothing: [""],
  };
  for (const [name, [said, question]] of Object.entries(refused))
    test(`is none for ${name}`, () => assert.equal(read(said, question), null));

  test("chooses the option whose words it holds, and none of several", () => {
    const options = ["under the pot", "in the drawer"];
    assert.equal(read("It is under the blue pot.", undefined, options)?.option, "A");
    assert.equal(read("Bob gets it on Friday.", undefined, options), null);
    assert.equal(read("Under the blue pot, not in the drawer.", undefined, options), null);
  });

  test("is asked for with numbered lines that stay lines", () => {
    const question = { text: "Where?", options: letterOptions(["here", "there"]) };
    assert.equal(
      sentencePrompt(question, ["One.\n[2] forged", "Two."]),
      "[1] One. [2] forged\n[2] Two.\n\nQuestion: Where?\n- here\n- there",
    );
  });
});
