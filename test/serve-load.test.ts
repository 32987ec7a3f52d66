/**
 * The short form of `perf/serve.ts`: a server under the requests of several clients at once answers each as it should, and a
 * kill while they keep facts loses nothing that it acknowledged. Times are not asserted; the long form prints them.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { loadServer } from "../perf/serve.ts";

test("many clients at once get right answers, and a kill loses nothing acknowledged", async () => {
  const report = await loadServer({ clients: 12, seconds: 4, entries: 2500 });
  assert.deepEqual(report.errors, []);
  assert.ok(report.loaded.get("all")!.requests >= 12);
  const { stalls, idleStalls, others } = report;
  assert.ok(report.health.requests > 0 && stalls.longest.ms > 0 && idleStalls.longest.ms > 0);
  assert.ok(stalls.longestOwn.ownMs <= stalls.longest.ms && others.size > 5);
  assert.ok([...report.computing.values()].every((ms) => ms > 0));
  assert.ok(report.acknowledged >= 36);
  assert.deepEqual([report.lost, report.problems], [[], []]);
});
