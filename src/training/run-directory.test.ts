import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { openRunDirectory, rowsOf } from "./run-directory.ts";

const folder = mkdtempSync(join(tmpdir(), "taskmem-run-"));
after(() => rmSync(folder, { recursive: true, force: true }));
/** A place where no run is yet, also when a test is run again. */
const place = () => join(mkdtempSync(join(folder, "place-")), "run");

/** A trainer whose weights are a text. */
const trainer = {
  weights: "",
  save: async (path: string) => writeFileSync(path, trainer.weights),
  load: async (path: string) => {
    trainer.weights = readFileSync(path, "utf8");
  },
};

test("a run resumes at its last checkpoint, with that checkpoint's weights", async () => {
  const directory = place();
  const run = openRunDirectory(directory, { seed: 1 });
  assert.equal(await run.resume(trainer), null);
  for (const step of [1, 2]) {
    trainer.weights = `weights of step ${step}`;
    await run.checkpoint(trainer, { step });
  }
  trainer.weights = "";
  const state = await openRunDirectory(directory, { seed: 1 }).resume(trainer);
  assert.deepEqual([state, trainer.weights], [{ step: 2 }, "weights of step 2"]);
  const weights = readdirSync(run.path).filter((name) => name.endsWith(".weights"));
  assert.deepEqual(weights, ["step-2.weights"], "those of earlier steps are gone");
});

test("a state that is no state is refused by name", async () => {
  const directory = place();
  const run = openRunDirectory(directory, {});
  const states = [
    "",
    "null",
    "[]",
    "{}",
    '{"step":-1,"weights":"step-1.weights"}',
    '{"step":0.5,"weights":"step-1.weights"}',
    '{"step":"1","weights":"step-1.weights"}',
    '{"step":1,"weights":1}',
    '{"step":1,"weights":"../x"}',
    '{"step":1,"weights":"step-1.weights/../x"}',
  ];
  for (const state of states) {
    writeFileSync(join(directory, "state.json"), state);
    await assert.rejects(run.resume(trainer), { code: "run-broken", message: /state\.json/ }, state);
  }
});

test("a run of another configuration is refused, or replaced with all its files and no other", async () => {
  const directory = place();
  const first = openRunDirectory(directory, { seed: 1 });
  await first.append("metrics.jsonl", [{ step: 1 }]);
  await first.checkpoint(trainer, { step: 1 });
  first.drawCurves("Run");
  writeFileSync(join(directory, "notes.txt"), "mine");
  assert.deepEqual(openRunDirectory(directory, { seed: 1 }).rows("metrics.jsonl"), [{ step: 1 }]);
  assert.throws(() => openRunDirectory(directory, { seed: 2 }), { code: "run-differs" });
  assert.deepEqual(rowsOf(join(directory, "metrics.jsonl")), [{ step: 1 }]);

  const second = openRunDirectory(directory, { seed: 2 }, { otherRun: "replace" });
  assert.deepEqual(readdirSync(directory).sort(), ["config.json", "notes.txt"]);
  assert.equal(await second.resume(trainer), null);
  openRunDirectory(directory, { seed: 2 });
});

test("rows are kept in order, and one that a kill cut short is taken off before the next", async () => {
  const directory = place();
  const run = openRunDirectory(directory, {});
  assert.deepEqual(run.rows("drawn.jsonl"), []);
  await run.append("drawn.jsonl", [{ n: 1 }, { n: 2 }]);
  await run.note("drawn.jsonl", [{ n: 3 }]);
  const path = join(directory, "drawn.jsonl");
  appendFileSync(path, '{"n":4');
  writeFileSync(join(directory, "own.jsonl"), '{"n":4');
  assert.deepEqual(rowsOf(path), [{ n: 1 }, { n: 2 }, { n: 3 }]);
  const resumed = openRunDirectory(directory, {});
  await resumed.append("drawn.jsonl", [{ n: 5 }]);
  assert.equal(readFileSync(path, "utf8"), '{"n":1}\n{"n":2}\n{"n":3}\n{"n":5}\n');
  assert.equal(readFileSync(join(directory, "own.jsonl"), "utf8"), '{"n":4', "other files stay as they are");
  run.replace("drawn.jsonl", [{ n: 6 }]);
  assert.deepEqual(run.rows("drawn.jsonl"), [{ n: 6 }]);
});
