/**
 * The short form of `perf/workers.ts`: workers, a server and their Postgres are killed while they watch and keep facts. Nothing
 * acknowledged is lost, nothing is there twice, and every stream is resumed.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { runFleet } from "../perf/workers.ts";

test("kills of workers, servers and Postgres lose nothing and repeat nothing", async (t) => {
  const report = await runFleet({
    ...{ streams: 6, spaces: 2, workers: 2, servers: 1, clipMs: 300, seed: "small" },
    ...{ kills: ["postgres", "worker", "server"], secondsBetween: 0.5 },
  });
  if (report === null) return t.skip("there is no Postgres");
  assert.deepEqual([report.lost, report.twice, report.problems], [[], [], []]);
  assert.deepEqual(report.kills, { worker: 1, server: 1, postgres: 1 });
  assert.ok(report.acknowledged.clips > 20 && report.acknowledged.facts > 5);
  t.diagnostic(
    `resumed after ${report.resumed.map(({ clipSeconds }) => clipSeconds.toFixed(1)).join(", ")} s`,
  );
});
