import assert from "node:assert/strict";
import { test } from "node:test";
import { letterOptions } from "../../tasks/task.ts";
import { randomInt, seededRandom } from "../../util/random.ts";
import { measureOf, type Result, scoredOf } from "./results.ts";
import {
  type Choice,
  compare,
  figures,
  finalChoice,
  majorityVote,
  type Outcome,
  type Scored,
  summarise,
} from "./scoring.ts";

const options = letterOptions(["A red kettle", "In the attic", "None of these", "C"]);
const kindOf = (choice: Choice) =>
  choice.kind === "option" ? choice.letter : choice.kind === "abstained" ? "E" : "?";

test("reads the final answer, never the first character", () => {
  const cases: [string, string][] = [
    // The released script compares the gold letter with the first character: A, B, C and D here.
    ["A kettle is mentioned twice, but it is blue.\nAnswer: B", "B"],
    ["Because nothing says so, E is not it.\n\nAnswer: C.", "C"],
    ["Considering it all:\n**Final answer: (D)**", "D"],
    ["Answer: E", "E"],
    ["Answer: A\nOn second thought it is the other.\nThe correct answer is B.", "B"],
    ["b", "B"],
    ["(C)", "C"],
    ["Reasons.\nB. In the attic", "B"],
    ["Reasons.\nAnswer: in the attic.", "B"],
    ["Answer - None of these", "C"],
    ["Answer: Option D: C", "D"],
    ["Answer: B – In the attic", "B"],
    ["Answer: B (in the attic)", "B"],
    ["The answer is B because the others cannot be determined.", "B"],
    ["Final answer: $\\boxed{B}$", "B"],
    ["<answer>B</answer>", "B"],
    ["Option B: it fits.\nOption D: no.\n\nB", "B"],
    ["Answer: insufficient information", "E"],
    ["Answer: The memory does not tell.", "E"],
    ["Answer: not enough information", "E"],
    ["None of them wore a hat.\nNone of these came first, so I am lost.", "?"],
    ["The memory says nothing of it.\nIt cannot be determined.", "E"],
    ['{"cot": "A comes first", "answer": "B"}', "B"],
    ['```json\n{"reasoning": "…", "option": "D", "answer": "it is C"}\n```', "D"],
    ["{\"answer\": 'A', }", "A"],
    ["", "?"],
    ["A kettle stands there and I think about it", "?"],
    ["Answer: F", "?"],
    ["Answer: A or B", "?"],
    ["Answer: A, B", "?"],
    ["Answer: A kettle, I think", "?"],
    ['{"answer": "F"}', "?"],
    ["As an AI I like questions.", "?"],
    // What is said after the options were weighed counts, on the same line too; weighing them is no answer.
    ["D) 3 is mentioned, yet wrong. Final answer: B", "B"],
    ["A. seems right at first but memory tells of an attic. Answer: B", "B"],
    ["The memory tells of an attic, so the answer is B.", "B"],
    ["Answer: A would be rash. Answer: B", "B"],
    ["A: no. B: no. C: yes.", "?"],
    ["- C: mentioned\n- D: not mentioned", "?"],
    ["D) is mentioned, yet wrong.", "?"],
    ["Reasons.\nB because of the stairs", "B"],
    ["Answer: C</s>", "C"],
    ["Answer: C<|im_end|>", "C"],
    ["Answer: unknown", "E"],
    ["Answer: Not mentioned.", "E"],
    ["Answer: I don't know", "E"],
    ["Answer: It is not clear from the memory.", "E"],
    ["The answer is not in the memory.", "E"],
    ["Answer: The memory doesn't mention it", "E"],
    ["Answer: No information", "E"],
    ["Answer: No information desk, in the attic", "?"],
  ];
  for (const [text, expected] of cases) assert.equal(kindOf(finalChoice(text, options)), expected, text);
});

test("with five options the fifth letter is an option and the sixth an abstention", () => {
  const five = letterOptions(["a1", "b1", "c1", "d1", "e1"]);
  assert.equal(kindOf(finalChoice("Answer: E", five)), "E");
  assert.deepEqual(finalChoice("Answer: E", five), { kind: "option", letter: "E" });
  assert.deepEqual(finalChoice("Answer: F", five), { kind: "abstained" });
});

test("votes: most win, ties go to the earlier letter, unreadable ones do not vote", () => {
  const option = (letter: string): Choice => ({ kind: "option", letter });
  const abstained: Choice = { kind: "abstained" };
  const unread: Choice = { kind: "unreadable", problem: "odd" };
  assert.equal(kindOf(majorityVote([option("C"), option("B"), option("C")])), "C");
  assert.equal(kindOf(majorityVote([option("C"), option("B")])), "B");
  assert.equal(kindOf(majorityVote([abstained, option("D")])), "D");
  assert.equal(kindOf(majorityVote([abstained, abstained, option("A")])), "E");
  assert.equal(kindOf(majorityVote([unread, unread, option("D")])), "D");
  assert.deepEqual(majorityVote([unread]), unread);
  assert.equal(majorityVote([]).kind, "unreadable");
});

const one = (outcome: Outcome, rest: Partial<Scored> = {}): Scored => ({
  ...{ id: "q", cluster: "v", types: ["t"] },
  outcome,
  ...rest,
});

test("accuracy is coverage times precision, errors are counted apart and stay in the denominator", () => {
  // 10 tasks: 4 right, 1 wrong, 3 abstained, 2 errors.
  const outcomes = [
    "right",
    "right",
    "right",
    "right",
    "wrong",
    "abstained",
    "abstained",
    "abstained",
    "error",
    "error",
  ];
  const scored = outcomes.map((outcome, i) =>
    one(outcome as Outcome, { id: String(i), cluster: `v${i % 3}` }),
  );
  const { accuracy, coverage, precision, accuracyWithoutErrors, errors } = figures(scored);
  assert.deepEqual([accuracy, coverage, precision, accuracyWithoutErrors, errors], [0.4, 0.5, 0.8, 0.5, 2]);
  const random = seededRandom("figures");
  for (let n = 0; n < 200; n++) {
    const drawn = Array.from({ length: 1 + randomInt(random, 30) }, (_, i) =>
      one((["right", "wrong", "abstained", "error"] as const)[randomInt(random, 4)]!, { id: String(i) }),
    );
    const all = figures(drawn);
    assert.equal(all.right + all.wrong + all.abstained + all.errors, drawn.length);
    if (all.precision !== null) assert.ok(Math.abs(all.accuracy! - all.coverage! * all.precision) < 1e-12);
    else assert.equal(all.accuracy, 0);
  }
});

test("who abstains is not right, in no share and in no interval", () => {
  const of = (outcomes: readonly Outcome[]) =>
    figures(outcomes.map((outcome, i) => one(outcome, { id: String(i), cluster: `v${i}` })));
  const none = of(["abstained", "abstained", "abstained"]);
  assert.deepEqual([none.accuracy, none.accuracyInterval, none.coverage], [0, { low: 0, high: 0 }, 0]);
  assert.deepEqual(none.coverageInterval, { low: 0, high: 0 });
  assert.equal(of(["right", "abstained", "right"]).precision, 1);
  assert.deepEqual(of(["right", "abstained", "right"]).precisionInterval, { low: 1, high: 1 });
  const worth = (outcome: Outcome) => measureOf({ outcome } as Result, "accuracy");
  assert.deepEqual((["right", "wrong", "abstained", "error"] as const).map(worth), [1, 0, 0, 0]);
});

test("intervals are the same in any order the tasks came", () => {
  const random = seededRandom("orders");
  const scored = Array.from({ length: 40 }, (_, i) =>
    one((["right", "wrong"] as const)[randomInt(random, 2)]!, { id: String(i), cluster: `v${i % 7}` }),
  );
  const { accuracyInterval, precisionInterval } = figures(scored);
  const turned = figures(scored.toReversed());
  assert.deepEqual(
    [turned.accuracyInterval, turned.precisionInterval],
    [accuracyInterval, precisionInterval],
  );
});

test("nothing to take a share of is no share", () => {
  const empty = figures([]);
  assert.deepEqual(
    [empty.accuracy, empty.coverage, empty.precision, empty.accuracyInterval],
    [null, null, null, null],
  );
  assert.equal(figures([one("abstained")]).precision, null);
  assert.equal(figures([one("error")]).accuracyWithoutErrors, null);
  assert.equal(summarise([]).meanOverTypes, null);
});

test("a question of several types counts for each, once over all", () => {
  const scored = [
    one("right", { id: "1", types: ["a", "b"], group: "short", mark: 5 }),
    one("wrong", { id: "2", types: ["b"], group: "long", mark: 2 }),
    one("abstained", { id: "3", types: ["b"] }),
  ];
  const { overall, byType, byGroup, meanOverTypes } = summarise(scored);
  assert.equal(overall.tasks, 3);
  assert.deepEqual([byType.a!.accuracy, byType.b!.accuracy], [1, 1 / 3]);
  assert.equal(meanOverTypes, (1 + 1 / 3) / 2);
  assert.deepEqual([byGroup.short!.tasks, byGroup.long!.tasks], [1, 1]);
  assert.equal(overall.mark, 3.5);
});

test("intervals are wider when questions share videos", () => {
  const outcome = (i: number): Outcome => (Math.floor(i / 20) % 2 === 0 ? "right" : "wrong");
  const scored = (videos: number) =>
    Array.from({ length: 200 }, (_, i) =>
      one(outcome(i), {
        id: String(i),
        cluster: `v${i % videos === i ? i : Math.floor(i / (200 / videos))}`,
      }),
    );
  const width = (videos: number) => {
    const { low, high } = figures(scored(videos)).accuracyInterval!;
    return high - low;
  };
  assert.ok(width(10) > 2 * width(200), `${width(10)} ${width(200)}`);
});

test("a single video has no interval; questions asked at times belong together by the hour", () => {
  const { accuracyInterval } = figures([one("right", { id: "1" }), one("wrong", { id: "2" })]);
  assert.equal(accuracyInterval, null);
  const clusters = ["end", 3_599, 3_600, 7_199].map(
    (askTime) => scoredOf({ stream: "week", askTime } as Result).cluster,
  );
  assert.deepEqual(clusters, ["week", "week 0", "week 1", "week 1"]);
});

test("two runs are compared on the questions both have", () => {
  const run = (outcomes: Record<string, Outcome>) =>
    Object.entries(outcomes).map(([id, outcome]) => one(outcome, { id, cluster: id }));
  const first = run({ a: "right", b: "wrong", c: "wrong", d: "right", e: "abstained", only: "right" });
  const second = run({ a: "right", b: "right", c: "right", d: "error", e: "right" });
  const { tasks, onlyFirst, onlySecond, difference, p } = compare(first, second);
  assert.deepEqual([tasks, onlyFirst, onlySecond], [5, 1, 3]);
  assert.equal(difference, 2 / 5);
  // Exact two-sided binomial of 1 in 4: 2 · (1 + 4) / 16.
  assert.ok(Math.abs(p - 10 / 16) < 1e-12);
  assert.equal(compare(first, []).p, 1);
});
