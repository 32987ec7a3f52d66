/** 240 damaged copies of a memory: `node --test test/soak/bit-rot.ts`. `COPIES` and `SEED` change how many and which. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bitRot } from "../support/bit-rot.ts";
import { temporaryFolder } from "../support/memory.ts";

const copies = Number(process.env.COPIES ?? 240);
const seed = process.env.SEED ?? "bit-rot";

test(`none of ${copies} damaged copies of a memory is read as if it were whole`, async (t) => {
  const all = await bitRot(temporaryFolder("bit-rot"), copies, seed);
  const counts = Object.groupBy(all, ({ outcome }) => outcome);
  for (const [outcome, found] of Object.entries(counts)) t.diagnostic(`${outcome}: ${found.length}`);
  assert.deepEqual([...(counts.silent ?? []), ...(counts.unclear ?? [])], []);
});
