import assert from "node:assert/strict";
import { test } from "node:test";
import { firstOf, fuseSearches } from "./fusion.ts";
import type { Entry, RecalledEntry } from "./records.ts";

/** An entry as the first of its own search, whatever its raw scores. */
function found(id: string, cosine: number, words: number): RecalledEntry {
  return {
    entry: { id, startSeconds: 0 } as Entry,
    score: {
      total: 1,
      ...(words > 0 && { fullText: { rank: 1, score: words } }),
      vector: { rank: 1, score: cosine, byMeaning: true },
    },
  };
}

test("what several searches found is ranked by raw scores, as one search would rank it", () => {
  const fused = fuseSearches([
    found("a", 0.2, 0),
    found("b", 0.9, 0),
    found("c", 0.5, 3),
    found("d", 0.4, 5),
  ]);
  assert.deepEqual(
    fused.map(({ entry, score }) => [entry.id, score.vector!.rank, score.fullText?.rank]),
    [
      // 4 / 11; 4 / 12 + 1 / 12 = 5 / 12; 4 / 13 + 1 / 11; 4 / 14
      ["c", 2, 2],
      ["d", 3, 1],
      ["b", 1, undefined],
      ["a", 4, undefined],
    ],
  );
  const [first] = fused;
  assert.ok(Math.abs(first!.score.total - 5 / 12) < 1e-12);
  assert.ok(first!.score.vector!.byMeaning);
});

test("what shares most words is among the first, however far by meaning", () => {
  const near = Array.from(
    { length: 30 },
    (_, i): RecalledEntry => ({
      entry: { id: `n${i}`, startSeconds: i } as Entry,
      score: { total: 1 - i / 100, vector: { rank: i + 1, score: 0.5, byMeaning: true } },
    }),
  );
  const worded = (rank: number): RecalledEntry => ({
    entry: { id: `w${rank}`, startSeconds: 100 } as Entry,
    score: { total: 0.1 - rank / 100, fullText: { rank, score: 1 } },
  });
  const ids = (limit: number) =>
    firstOf([...near, worded(1), worded(2), worded(3)], limit).map(({ entry }) => entry.id);
  // One of ten places; the order is still that of all channels.
  assert.deepEqual(ids(20).slice(16), ["n16", "n17", "w1", "w2"]);
  assert.deepEqual(ids(5), ["n0", "n1", "n2", "n3", "n4"]);
  assert.equal(ids(40).length, 33);
});
