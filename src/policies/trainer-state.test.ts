import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryFolder } from "../../test/support/memory.ts";
import { loadTrainerState, saveTrainerState } from "./trainer-state.ts";

const folder = temporaryFolder("trainer-state");
const load = (name: string) =>
  loadTrainerState(join(folder, name), (z) => z.strictObject({ steps: z.int() }));

test("a trainer's state is read as it was written, the last one where it was written twice", async () => {
  for (const steps of [1, 2]) saveTrainerState(join(folder, "state"), { steps });
  assert.deepEqual(await load("state"), { steps: 2 });
});

test("a state that cannot be read says why, and what to do", async () => {
  writeFileSync(join(folder, "cut"), '{"steps"');
  writeFileSync(join(folder, "other"), '{"steps": "many"}');
  for (const [name, why] of [
    ["none", /ENOENT/],
    ["cut", /JSON/],
    ["other", /Invalid input: expected number, received string\s+→ at steps/],
  ] as const)
    await assert.rejects(load(name), (error: Error & { code: string }) => {
      assert.equal(error.code, "checkpoint-broken");
      assert.match(error.message, why);
      assert.match(error.message, /start the run again in another directory/);
      return true;
    });
});
