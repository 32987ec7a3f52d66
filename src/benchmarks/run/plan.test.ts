import assert from "node:assert/strict";
import { test } from "node:test";
import { wordSpace } from "../../engines/local/index.ts";
import { choicePolicy } from "../../policies/choice/choice.ts";
import { randomInt, seededRandom } from "../../util/random.ts";
import type { BenchmarkTask } from "../task.ts";
import { planRun, stopsOf, untilOf } from "./plan.ts";
import type { BenchmarkRow } from "./writers.ts";

const untouched = choicePolicy({ words: wordSpace });

/** A policy of its own for each version; or, of those named, the untouched one. */
const learning = (name: "taskmem" | "task-prompt", nothingLearnt: readonly string[] = []): BenchmarkRow => ({
  ...{ name, label: name, learns: true, budget: null },
  policyOf: (version) =>
    version.name === "base" || nothingLearnt.includes(version.name)
      ? untouched
      : { ...untouched, revision: `${name} ${version.name}` },
});
const base: BenchmarkRow = {
  ...{ name: "base", label: "base", learns: false, budget: null },
  policyOf: () => untouched,
};

const task = (id: number, type: string, askTime: number | "end"): BenchmarkTask => ({
  ...{ id: String(id), type, stream: "week", askTime, question: "?", answer: "x" },
});
/** Two types in turn, every 10 s. */
const week = Array.from({ length: 8 }, (_, i) => task(i, "ab"[i % 2]!, 10 * (i + 1)));

/** Who writes a memory from when, and the one it continues. */
const told = ({ memories }: ReturnType<typeof planRun>) =>
  memories.map(({ parts, before }) => {
    const last = parts.at(-1)!;
    const name = last.policy === untouched ? "base" : last.policy.revision;
    return `${name} from ${last.fromSeconds}${before ? `, after ${before.parts.length}` : ""}`;
  });

test("each policy watches a stream once: rows and types share what the untouched one writes", () => {
  const plan = planRun([base, learning("task-prompt"), learning("taskmem")], week, { updates: [2] });
  // The second questions of a and b come at 30 and 40 s.
  assert.deepEqual(told(plan), [
    "base from 0",
    "task-prompt a/2 from 30, after 1",
    "task-prompt b/2 from 40, after 1",
    "taskmem a/2 from 30, after 1",
    "taskmem b/2 from 40, after 1",
  ]);
  const [shared] = plan.memories;
  assert.equal(shared!.tasks.length, 8 + 4 + 4);
  assert.ok(plan.memories.every(({ before }) => before === null || before === shared));
});

test("training again continues what was trained before, and training on nothing writes as before", () => {
  const options = { updates: [1, 3] };
  const ofType = week.filter(({ type }) => type === "a");
  assert.deepEqual(told(planRun([learning("taskmem")], ofType, options)), [
    "base from 0",
    "taskmem a/1 from 10, after 1",
    "taskmem a/3 from 50, after 2",
  ]);
  assert.deepEqual(told(planRun([learning("taskmem", ["a/1"])], ofType, options)), [
    "base from 0",
    "taskmem a/3 from 50, after 1",
  ]);
});

test("no question finds its memory watched further than itself, in any order of the tasks", () => {
  for (let seed = 0; seed < 50; seed++) {
    const random = seededRandom(`plan ${seed}`);
    const tasks = Array.from({ length: 20 }, (_, i) =>
      task(i, "abc"[randomInt(random, 3)]!, random() < 0.2 ? "end" : 10 * randomInt(random, 30)),
    );
    const order = seed % 2 === 0 ? ("official" as const) : { seed };
    const { items, memories } = planRun([base, learning("taskmem")], tasks, { updates: [1, 3], order });
    assert.deepEqual(
      items.map(({ index }) => index),
      [...items.keys()],
    );
    assert.equal(
      memories.reduce((sum, memory) => sum + memory.tasks.length, 0),
      items.length,
    );
    const seconds = (until: number | "end") => (until === "end" ? Number.POSITIVE_INFINITY : until);
    for (const memory of memories) {
      const stops = stopsOf(memory).map(seconds);
      assert.deepEqual(
        stops,
        [...new Set(stops)].sort((a, b) => a - b),
      );
      for (const item of memory.tasks) {
        assert.equal(untilOf(item), item.scheduled.task.askTime);
        assert.ok(stops.includes(seconds(untilOf(item))));
      }
      // A copy is made where the memory before stops.
      const { before, parts } = memory;
      if (before) assert.ok(stopsOf(before).includes(parts.at(-1)!.fromSeconds));
    }
  }
});

test("a memory that continues another stops where that one did", () => {
  const plan = planRun([base, learning("taskmem")], week, { updates: [2] });
  assert.deepEqual(stopsOf(plan.memories[1]!), [10, 20, 30, 50, 70]);
  assert.deepEqual(stopsOf(plan.memories[2]!), [10, 20, 30, 40, 60, 80]);
});
