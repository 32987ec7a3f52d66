import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { wordSpace } from "../engines/local/index.ts";
import { letterOptions } from "../tasks/task.ts";
import { readSentence, type ShownLine, sentencePrompt } from "./sentence-reading.ts";

const lines = [
  "Ann puts the spare key under the blue pot by the door.",
  "Bob gets the spare key on Friday.",
  "The train leaves from platform eleven.",
  "Ann's passport expires in March.",
];
const shown = (texts: readonly string[], meaning = 0): ShownLine[] =>
  texts.map((text, i) => ({ text, speakers: [], stream: "notes", startSeconds: i * 100, meaning }));
const read = (said: string, text = "Where is the spare key?", options: readonly string[] = []) =>
  readSentence(said, { text, options: letterOptions(options) }, shown(lines), wordSpace);

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
    assert.equal(read("[1] Under the blue pot.")?.answer, "Under the blue pot.");
  });

  test("may rest on a line that is near by meaning, and has one of the question's words", () => {
    const question = { text: "By which month must Ann renew her papers?", options: [] };
    const said = "She must renew them in March.";
    const near = (meaning: number) => readSentence("In March.", question, shown(lines, meaning), wordSpace);
    assert.deepEqual([near(0.4)?.answer, near(0.4)?.line], ["In March.", 3]);
    assert.equal(near(0.2), null);
    assert.equal(near(0), null);
    const other = { text: "What is the dog's name?", options: [] };
    assert.equal(readSentence("Rico.", other, shown(["The parrot is called Rico."], 0.5), wordSpace), null);
    assert.equal(readSentence(`${said} In Oslo.`, question, shown(lines.slice(0, 3), 0.4), wordSpace), null);
  });

  test("is about who is named, there or in the same talk", () => {
    const said = "Paris Saint-Germain.";
    const question = { text: "After which club did Jake call his paper?", options: [] };
    const [first, second] = shown(["Paris Saint-Germain is more than a club.", "It was on the logo."], 0.4);
    const by = (startSeconds: number) => ({ ...second!, speakers: ["Jake"], startSeconds });
    assert.equal(readSentence(said, question, [first!, by(30)], wordSpace)?.line, 0);
    assert.equal(readSentence(said, question, [first!, by(90)], wordSpace), null);
    assert.equal(readSentence(said, question, [first!], wordSpace), null);
  });

  test("tells no amount of another thing, however near", () => {
    const [mango] = shown(["This mango weighs 85.8 grams."], 0.6);
    const ask = (text: string) => readSentence("85.8 grams.", { text, options: [] }, [mango!], wordSpace);
    assert.equal(ask("What was the weight of the watermelon?"), null);
    assert.equal(ask("How much does this mango weigh?")?.line, 0);
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
    "a question without a word to look for": ["Bob gets it on Friday.", "What was that?"],
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
