import assert from "node:assert/strict";
import { test } from "node:test";
import { pick, type Random, randomInt, seededRandom } from "../../util/random.ts";
import type { BenchmarkTask } from "../task.ts";
import {
  examplesAvailable,
  type Order,
  oracleSpans,
  parseOrder,
  parseUpdates,
  type ScheduledTask,
  schedule,
} from "./protocol.ts";

test("counts the examples a task's policy learns from", () => {
  // The released code's positions: the first ten run untouched, each update serves later tasks only.
  const expected: [number, number][] = [
    [0, 0],
    [9, 0],
    [10, 10],
    [29, 10],
    [30, 30],
    [49, 30],
    [50, 50],
    [453, 50],
  ];
  for (const [i, count] of expected) assert.equal(examplesAvailable(i, [10, 30, 50]), count, String(i));
  assert.equal(examplesAvailable(4, [5]), 0);
  assert.equal(examplesAvailable(5, [5]), 5);
  assert.equal(examplesAvailable(1000, []), 0);
});

interface Case {
  readonly tasks: BenchmarkTask[];
  readonly updates: number[];
  readonly order: Order;
}

/** Random tasks over a few streams: asked at the end, at times, or at both. */
function randomCase(random: Random): Case {
  const types = ["a", "b", "c"].slice(0, 1 + randomInt(random, 3));
  const streams = Array.from({ length: 1 + randomInt(random, 6) }, (_, i) => `video${i}`);
  const tasks = Array.from({ length: randomInt(random, 40) }, (_, i): BenchmarkTask => {
    const askTime = random() < 0.5 ? "end" : randomInt(random, 200);
    const isTimed = askTime !== "end" && random() < 0.7;
    return {
      id: `q${i}`,
      stream: pick(random, streams),
      type: pick(random, types),
      askTime,
      question: `Question ${i}?`,
      answer: "x",
      ...(isTimed && { evidence: [{ startSeconds: askTime / 2, endSeconds: askTime / 2 }] }),
    };
  });
  const updates = [...new Set(Array.from({ length: randomInt(random, 4) }, () => 1 + randomInt(random, 12)))];
  const order = random() < 0.5 ? ("official" as const) : { seed: randomInt(random, 100) };
  return { tasks, updates: updates.sort((a, b) => a - b), order };
}

const cases = Array.from({ length: 300 }, (_, i) => randomCase(seededRandom(`protocol ${i}`)));
const scheduledOf = ({ tasks, updates, order }: Case) => schedule(tasks, { updates, order });
const byType = (scheduled: readonly ScheduledTask[]) => [
  ...Map.groupBy(scheduled, ({ task }) => task.type).values(),
];
const untilOf = (time: number | "end") => (time === "end" ? Number.POSITIVE_INFINITY : time);

test("an environment of a stream holds its tasks of all types, in the order of their times", () => {
  const tasks = [40, 10, 30, 20].map((askTime, i): BenchmarkTask => {
    const stream = i === 2 ? "other" : "week";
    return { id: `q${askTime}`, stream, type: i % 2 ? "a" : "b", askTime, question: "?", answer: "x" };
  });
  const scheduled = schedule(tasks, { environment: "stream", updates: [2] });
  assert.deepEqual(
    scheduled.map(({ task, place, policy }) => [task.id, place, policy.name]),
    [
      ["q10", 0, "base"],
      ["q20", 1, "base"],
      ["q40", 2, "week/2"],
      ["q30", 0, "base"],
    ],
  );
  assert.deepEqual(scheduled[2]!.policy.examples, ["q10", "q20"]);
});

test("every task is scheduled once, types apart, places counted through from the first", () => {
  for (const one of cases) {
    const scheduled = scheduledOf(one);
    assert.deepEqual(scheduled.map(({ task }) => task.id).sort(), one.tasks.map(({ id }) => id).sort());
    typesApart(one, scheduled);
    for (const ofType of byType(scheduled))
      assert.deepEqual(
        ofType.map(({ place }) => place),
        [...ofType.keys()],
      );
  }
});

function typesApart(one: Case, scheduled: readonly ScheduledTask[]): void {
  const runs = scheduled.filter(({ task }, i) => task.type !== scheduled[i - 1]?.task.type);
  assert.equal(runs.length, new Set(one.tasks.map(({ type }) => type)).size);
}

test("no task sees itself, a later one, or one of another type; policies never go back", () => {
  for (const one of cases) {
    for (const ofType of byType(scheduledOf(one))) {
      let learnt = 0;
      for (const { task, place, policy, memory } of ofType) {
        const before = ofType.slice(0, place).map(({ task: { id } }) => id);
        for (const { examples, hints } of [policy, ...memory.parts.map((part) => part.policy)]) {
          assert.deepEqual(
            examples,
            before.slice(0, examples.length),
            `${task.id} learns from its past only`,
          );
          assert.ok(hints.every((id) => examples.includes(id)));
          assert.ok(new Set(hints).size === hints.length && hints.length === Math.min(5, examples.length));
        }
        assert.equal(policy.examples.length, examplesAvailable(place, one.updates));
        assert.ok(policy.examples.length >= learnt);
        learnt = policy.examples.length;
      }
    }
  }
});

test("no memory is watched past its question, and its parts follow each other", () => {
  for (const one of cases) {
    for (const { task, memory } of scheduledOf(one)) {
      assert.equal(memory.stream, task.stream);
      assert.equal(memory.untilSeconds, task.askTime);
      assert.equal(memory.parts[0]!.fromSeconds, 0);
      for (const [i, { fromSeconds, policy }] of memory.parts.entries()) {
        const next = memory.parts[i + 1];
        assert.ok(fromSeconds <= untilOf(task.askTime));
        if (next) assert.ok(next.fromSeconds > fromSeconds || i === 0);
        if (next) assert.notEqual(next.policy.name, policy.name);
      }
    }
  }
});

test("what was written stays: a stream's later memory begins with its earlier one", () => {
  for (const one of cases) {
    for (const ofType of byType(scheduledOf(one))) {
      for (const ofStream of Map.groupBy(ofType, ({ task }) => task.stream).values()) {
        for (const [i, { task, policy, memory }] of ofStream.entries()) {
          const previous = ofStream[i - 1];
          if (!previous) {
            assert.deepEqual(
              memory.parts,
              [{ policy, fromSeconds: 0 }],
              "the first question's policy writes it",
            );
            continue;
          }
          assert.deepEqual(memory.parts.slice(0, previous.memory.parts.length), previous.memory.parts);
          assert.ok(untilOf(previous.task.askTime) <= untilOf(task.askTime), "times of one stream ascend");
          if (previous.task.askTime === "end") assert.deepEqual(memory.parts, previous.memory.parts);
        }
      }
    }
  }
});

test("a video asked about before and after an update keeps its memory; a new one gets the new policy's", () => {
  const task = (id: string, stream: string): BenchmarkTask => ({
    ...{ id, type: "a", stream, askTime: "end", question: "?", answer: "x" },
  });
  const tasks = [task("1", "v"), task("2", "w"), task("3", "v"), task("4", "x")];
  const names = schedule(tasks, { updates: [2] }).map(({ policy, memory }) => [
    policy.name,
    memory.parts.map((part) => part.policy.name).join(),
  ]);
  assert.deepEqual(names, [
    ["base", "base"],
    ["base", "base"],
    ["a/2", "base"],
    ["a/2", "a/2"],
  ]);
});

test("a long stream is written on by the policy that is active", () => {
  const tasks = [10, 20, 30, 30, 45].map(
    (askTime, i): BenchmarkTask => ({
      ...{ id: String(i), type: "a", stream: "week", askTime, question: "?", answer: "x" },
    }),
  );
  const parts = schedule(tasks, { updates: [2, 4] }).map(({ memory }) =>
    memory.parts.map(({ policy, fromSeconds }) => `${policy.name}@${fromSeconds}`).join(" "),
  );
  assert.deepEqual(parts, ["base@0", "base@0", "base@0 a/2@20", "base@0 a/2@20", "base@0 a/2@20 a/4@30"]);
});

test("orders are seeded, and the same seed gives the same", () => {
  const tasks = Array.from(
    { length: 30 },
    (_, i): BenchmarkTask => ({
      ...{ id: String(i), type: "a", stream: `v${i}`, askTime: "end", question: "?", answer: "x" },
    }),
  );
  const ids = (order: Order) => schedule(tasks, { order }).map(({ task }) => task.id);
  assert.deepEqual(
    ids("official"),
    tasks.map(({ id }) => id),
  );
  assert.deepEqual(ids({ seed: 1 }), ids({ seed: 1 }));
  assert.notDeepEqual(ids({ seed: 1 }), ids({ seed: 2 }));
  const hints = (seed: number) => schedule(tasks, { updates: [20], seed }).at(-1)!.policy.hints;
  assert.deepEqual(hints(1), hints(1));
  assert.notDeepEqual(hints(1), hints(2));
});

test("oracle spans lie around the evidence and before the question, joined, never past it", () => {
  const at = (seconds: number) => ({ startSeconds: seconds, endSeconds: seconds });
  const base = { id: "1", type: "a", stream: "v", question: "?", answer: "x" };
  // 100 s around 200, 1000 and 1080; 100 s before 1100: [150, 250], [950, 1050] and [1030, 1100] and [1000, 1100].
  const task = { ...base, askTime: 1100, evidence: [at(200), at(1000), at(1080)] };
  assert.deepEqual(oracleSpans(task, { seconds: 100 }), [
    { startSeconds: 150, endSeconds: 250 },
    { startSeconds: 950, endSeconds: 1100 },
  ]);
  const long = { ...base, askTime: "end" as const, evidence: [{ startSeconds: 5, endSeconds: 500 }] };
  assert.deepEqual(oracleSpans(long, { seconds: 100 }), [{ startSeconds: 5, endSeconds: 500 }]);
  for (const { tasks } of cases) {
    for (const { task: one, memory } of schedule(tasks, { oracle: { seconds: 40 } })) {
      if (!one.evidence) continue;
      assert.ok(memory.spans!.every(({ endSeconds }) => endSeconds <= untilOf(one.askTime)));
      assert.ok(
        memory.spans!.every(
          ({ startSeconds }, i) => i === 0 || startSeconds > memory.spans![i - 1]!.endSeconds,
        ),
      );
      for (const { startSeconds } of one.evidence)
        assert.ok(
          memory.spans!.some((span) => span.startSeconds <= startSeconds && startSeconds <= span.endSeconds),
        );
    }
  }
});

test("refuses updates that do not ascend, and reads orders and updates as written", () => {
  for (const updates of [[0], [5, 5], [10, 5], [1.5]])
    assert.throws(() => schedule([], { updates }), RangeError);
  assert.throws(() => schedule([], { oracle: { seconds: 0 } }), RangeError);
  assert.equal(parseOrder("official"), "official");
  assert.deepEqual(parseOrder("seeded:7"), { seed: 7 });
  for (const text of ["seeded", "seeded:", "random", "seeded:-1"]) assert.equal(parseOrder(text), null);
  assert.deepEqual(parseUpdates("10, 30,50"), [10, 30, 50]);
  assert.deepEqual(parseUpdates("none"), []);
  for (const text of ["5,5", "x", "0", "5,,6", "1.5"]) assert.equal(parseUpdates(text), null, text);
});
