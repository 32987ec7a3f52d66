import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { test } from "node:test";
import { besideShipped, shippedChecksums } from "./shipped.ts";
import { readWeights } from "./weights-file.ts";

for (const name of ["nano-base", "nano"] as const) {
  const path = resolve(import.meta.dirname, `../../../weights/${name}.safetensors`);
  test(`weights/${name}.safetensors holds the weights of the recorded checksum`, {
    skip: existsSync(path) ? false : `no weights in ${path}`,
  }, () => {
    const { checksum } = readWeights(path);
    assert.equal(checksum, shippedChecksums[name]);
    assert.equal(besideShipped(name, checksum), "as shipped");
  });
}

test("retrained weights that differ are reported as different", () => {
  assert.equal(besideShipped("nano", shippedChecksums["nano-base"]), "differs from the shipped weights");
});
