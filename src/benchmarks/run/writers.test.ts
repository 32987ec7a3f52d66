import assert from "node:assert/strict";
import { test } from "node:test";
import { wordSpace } from "../../engines/local/index.ts";
import { choicePolicy } from "../../policies/choice/choice.ts";
import { untrainedChoiceWeights } from "../../policies/choice/choice-features.ts";
import type { BenchmarkTask } from "../task.ts";
import { basePolicy } from "./protocol.ts";
import { benchmarkRows, type RowOptions } from "./writers.ts";

const task = (id: string): BenchmarkTask => ({
  ...{ id, stream: "v", type: "place", askTime: "end", answer: "x" },
  question: `Where is the ${id}?`,
});
const tasks = new Map(["lantern", "kettle"].map((id) => [id, task(id)]));
const rest = { words: wordSpace, clipSeconds: 10, tasks, samples: 8, seed: 1 };
const weights = { ...untrainedChoiceWeights, sharpness: 2 * untrainedChoiceWeights.sharpness };
const learnt = { name: "place/2", examples: ["lantern", "kettle"], hints: ["kettle"] };

const revisions = (options: RowOptions, version = basePolicy) =>
  Object.fromEntries(
    benchmarkRows(options).rows.map(({ name, policyOf }) => [name, policyOf(version).revision]),
  );

test("with the weights of Phase One that phase has a row, base is without them, and TaskMem learns on top", () => {
  const shipped: RowOptions = { ...rest, base: { kind: "choice", options: { words: wordSpace } } };
  const trained: RowOptions = { ...rest, base: { kind: "choice", options: { words: wordSpace, weights } } };
  const plain = choicePolicy({ words: wordSpace }).revision;
  const phaseOne = choicePolicy({ words: wordSpace, weights }).revision;
  assert.notEqual(plain, phaseOne);

  assert.match(benchmarkRows(shipped).missing["phase-one"]!, /--weights/);
  const without = revisions(shipped);
  assert.deepEqual([without.base, without["phase-one"], without.taskmem], [plain, undefined, plain]);

  assert.equal(benchmarkRows(trained).missing["phase-one"], undefined);
  const before = revisions(trained);
  assert.deepEqual([before.base, before["phase-one"], before.taskmem], [plain, phaseOne, phaseOne]);
  const after = revisions(trained, learnt);
  assert.deepEqual([after.base, after["phase-one"]], [plain, phaseOne]);
  assert.match(after.taskmem!, new RegExp(`^${phaseOne}.*\\+`));
});

test("over a model each row says what it writes with, and TaskMem has what was learnt by preferences", () => {
  const named = (revision: string) => ({ ...choicePolicy({ words: wordSpace }), id: "model", revision });
  const plain: RowOptions = { ...rest, base: { kind: "model", policy: named("model:m") } };
  const { "task-prompt": prompted, words, "best-of-n": control, base } = revisions(plain);
  assert.deepEqual([base, prompted, words], ["model:m", "model:m", "model:m"]);
  assert.equal(control, "best-of-8@1:model:m");
  const after = revisions(plain, learnt);
  assert.match(after["task-prompt"]!, /^model:m\+prompt-/);
  assert.match(after.words!, /^best-of-8@1:model:m\+/);
  assert.deepEqual([after["phase-one"], after.taskmem], [undefined, undefined]);
  assert.match(benchmarkRows(plain).missing["phase-one"]!, /--phase-one/);
  assert.match(benchmarkRows(plain).missing.taskmem!, /--updates/);

  const policies = new Map([["place/2", named("model:p1+a")]]);
  const both: RowOptions = {
    ...rest,
    base: {
      ...{ kind: "model", policy: named("model:m"), phaseOne: named("model:p1") },
      learnt: { how: "preferences", policies },
    },
  };
  assert.deepEqual(benchmarkRows(both).missing, {});
  const untouched = revisions(both);
  assert.deepEqual([untouched["phase-one"], untouched.taskmem], ["model:p1", "model:p1"]);
  assert.equal(revisions(both, learnt).taskmem, "model:p1+a");
  assert.equal(
    revisions(both, { ...learnt, name: "wear/2" }).taskmem,
    "model:p1",
    "nothing was learnt of it",
  );
});
