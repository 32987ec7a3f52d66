/** Seeds of nano: the first is what ships and takes no training, and one cannot ask for seeds that no draw is paired with. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { nanoSeeds, seedsOf } from "../perf/nano-seeds.ts";
import { shippedWeights } from "../src/engines/nano/index.ts";
import { temporaryFolder } from "./support/cli.ts";

test("the first seed is the shipped weights and pool, and nothing is trained for it", () => {
  const runs = temporaryFolder();
  assert.deepEqual(nanoSeeds(1, runs), [{ weights: shippedWeights("nano"), pool: undefined }]);
  assert.deepEqual(readdirSync(runs), []);
});

test("a number of seeds that cannot be is refused", () => {
  for (const given of ["0", "1.5", "27", "three"])
    assert.throws(() => seedsOf(given), {
      name: "RangeError",
      message: `Expected --seeds to be a whole number from 1 to 26, got ${given}`,
    });
  const streams = join(import.meta.dirname, "../perf/streams.ts");
  const refused = (...args: string[]) =>
    assert.throws(
      () => execFileSync(process.execPath, [streams, "mixed", ...args], { encoding: "utf8", stdio: "pipe" }),
      /Expected --seeds to be 1, or with nano as many as --draws/,
    );
  refused("--seeds", "2");
  refused("--seeds", "3", "--policy", "choice");
});
