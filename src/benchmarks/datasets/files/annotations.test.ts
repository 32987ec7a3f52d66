import assert from "node:assert/strict";
import { test } from "node:test";
import { letterOptions } from "../../../tasks/task.ts";
import { clipOf, recordingsOf } from "../egotempo.ts";
import { splitPrompt } from "../video-mme-rows.ts";
import { gatherTasks, letterOf, optionsOf, parseJson, parseTsv, RowProblem } from "./annotations.ts";

test("takes letters off options only where all have theirs", () => {
  const texts = (value: unknown) => optionsOf(value, 4).map(({ text }) => text);
  assert.deepEqual(texts(["A. a", "B. b", "C. c", "D. d"]), ["a", "b", "c", "d"]);
  assert.deepEqual(texts(["A. A. Milne", "B. B. King", "C. c", "D. d"]), ["A. Milne", "B. King", "c", "d"]);
  assert.deepEqual(texts(["A. Milne", "Bach", "C. c", "d"]), ["A. Milne", "Bach", "C. c", "d"]);
  assert.deepEqual(texts([1, 2.5, "three", "four"]), ["1", "2.5", "three", "four"]);
});

test("refuses five options, an empty one and what is no list", () => {
  assert.throws(() => optionsOf(["a", "b", "c", "d", "e"], 4), new RowProblem("expected 4 options, got 5"));
  assert.throws(() => optionsOf(["a", " ", "c", "d"], 4), new RowProblem("expected option B to have a text"));
  assert.throws(() => optionsOf(["a", "b", {}, "d"], 4), new RowProblem("expected option C to have a text"));
  assert.throws(() => optionsOf("a, b", 4), RowProblem);
});

test("finds the right option by letter or by text", () => {
  const options = letterOptions(["red", "a  Blue hat.", "C", "D. Duck"]);
  assert.equal(letterOf("B", options, "letter"), "B");
  assert.equal(letterOf("(b)", options, "letter"), "B");
  assert.equal(letterOf("A blue hat", options, "text"), "B");
  assert.equal(letterOf("B. a blue hat", options, "letter"), "B");
  // "C" is the text of C and its letter; "A" is a letter only; where texts count, a text goes first.
  assert.equal(letterOf("C", letterOptions(["C", "b", "A", "d"]), "text"), "A");
  assert.equal(letterOf("C", letterOptions(["C", "b", "A", "d"]), "letter"), "C");
  for (const answer of ["F", "green", "AB", "E."]) {
    assert.throws(() => letterOf(answer, options, "letter"), RowProblem, answer);
  }
  assert.throws(() => letterOf(null, options, "letter"), new RowProblem("its answer is missing"));
  assert.throws(() => letterOf("x", letterOptions(["x", "X.", "c", "d"]), "text"), /several options/);
});

test("lists rows it cannot use with their number, and an id that comes again", () => {
  const task = { stream: "s", type: "t", askTime: "end", question: "q", answer: "a" } as const;
  const row = (n: number, id: string) => ({ file: "f", row: n, id, read: () => ({ ...task, id }) });
  const bad = () => {
    throw new RowProblem("odd");
  };
  const { tasks, skipped } = gatherTasks([row(1, "a"), { ...row(2, "b"), read: bad }, row(3, "a")]);
  assert.deepEqual(
    tasks.map(({ id }) => id),
    ["a"],
  );
  assert.deepEqual(skipped, [
    { file: "f", row: 2, id: "b", reason: "odd" },
    { file: "f", row: 3, id: "a", reason: "its id a stands in row 1 already" },
  ]);
});

test("does not hide a mistake of its own behind a row", () => {
  const broken = () => {
    throw new TypeError("mistake");
  };
  assert.throws(() => gatherTasks([{ file: "f", row: 1, id: null, read: broken }]), TypeError);
});

test("reads tab-separated text with quoted tabs, line breaks and marks", () => {
  const text = 'index\tquestion\tcandidates\n0\t"two\nlines\tand ""marks"""\t[\'a\']\r\n1\tsay "so"\t\n';
  assert.deepEqual(parseTsv(text), [
    { index: "0", question: 'two\nlines\tand "marks"', candidates: "['a']" },
    { index: "1", question: 'say "so"', candidates: "" },
  ]);
  assert.deepEqual(parseTsv("a\tb\n1"), [{ a: "1", b: undefined }]);
  assert.deepEqual(parseTsv(""), []);
});

test("repairs what is nearly JSON and says so", () => {
  assert.deepEqual(parseJson('[{"a": 1,},]', "x"), { value: [{ a: 1 }], repaired: true });
  assert.deepEqual(parseJson("[]", "x"), { value: [], repaired: false });
});

test("splits a prompt from its end", () => {
  const prompt = [
    "Choose one of the options about the clip.",
    "Which of these is said?",
    "A. is not an option here",
    "A. A. Milne",
    "B. two",
    "lines",
    "C. C. is",
    "D. none",
    "Answer with a letter.",
  ];
  assert.deepEqual(splitPrompt(prompt.join("\n")), {
    question: "Which of these is said?\nA. is not an option here",
    options: ["A. Milne", "two\nlines", "C. is", "none"],
  });
  assert.throws(() => splitPrompt("Say.\nWhat?\nA. a\nB. b\nC. c"), /found no D/);
  assert.throws(() => splitPrompt("What?\nA. a\nB. b\nC. c\nD. d"), /expected a question/);
});

test("reads a clip's recording and piece from its name", () => {
  const name = "0a1b-22cc-9_12.345678901234567_60";
  assert.deepEqual(clipOf(name), {
    recording: "0a1b-22cc-9",
    startSeconds: 12.345678901234567,
    endSeconds: 60,
  });
  assert.deepEqual(clipOf("a_-0.25_4"), { recording: "a", startSeconds: 0, endSeconds: 4 });
  for (const odd of ["0a1b", "0a1b_1", "0a1b_9.5_9.5", "0a1b_9_1", "a_b_1_2", "x_1_two"]) {
    assert.equal(clipOf(odd), null, odd);
  }
  assert.deepEqual(recordingsOf(["b_0_1", "a_0_1", "b_2_3"]), ["b", "a"]);
});
