import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { openRunDirectory } from "./run-directory.ts";

const folder = mkdtempSync(join(tmpdir(), "taskmem-run-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** A trainer whose weights are a text. */
const trainer = {
  weights: "",
  save: async (path: string) => writeFileSync(path, trainer.weights),
  load: async (path: string) => {
    trainer.weights = readFileSync(path, "utf8");
  },
};

test("a run resumes at its last checkpoint, with that checkpoint's weights", async () => {
  const run = openRunDirectory(join(folder, "run"), { seed: 1 });
  assert.equal(await run.resume(trainer), null);
  for (const step of [1, 2]) {
    trainer.weights = `weights of step ${step}`;
    await run.checkpoint(trainer, { step });
  }
  trainer.weights = "";
  const state = await openRunDirectory(join(folder, "run"), { seed: 1 }).resume(trainer);
  assert.deepEqual([state, trainer.weights], [{ step: 2 }, "weights of step 2"]);
});

test("a state that is no state is refused by name", async () => {
  const directory = join(folder, "broken");
  const run = openRunDirectory(directory, {});
  const states = [
    "",
    "null",
    "[]",
    "{}",
    '{"step":-1,"weights":"step-1.weights"}',
    '{"step":1,"weights":"../x"}',
  ];
  for (const state of states) {
    writeFileSync(join(directory, "state.json"), state);
    await assert.rejects(run.resume(trainer), { code: "run-broken", message: /state\.json/ }, state);
  }
});
