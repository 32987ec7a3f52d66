import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  addTestStream,
  frameOf,
  observationOf,
  openTestMemory,
  remember,
  statementOf,
  temporaryFolder,
} from "../../test/support/memory.ts";
import { noCost } from "../engine.ts";
import { blobPath } from "../memory/blobs.ts";
import type { Action, Context, Policy } from "../policy/policy.ts";
import { sha256 } from "../util/hash.ts";
import { attemptsOf, decisionsOf, replay, withPictures } from "./replay.ts";

const folder = temporaryFolder("replay");
const pictureOf = (clip: number) => `picture ${clip}`;

test("a policy that looks is tried on clips that have their pictures, also when those are deleted meanwhile", async () => {
  const memory = await openTestMemory(mkdtempSync(join(folder, "seen-")));
  await addTestStream(memory, "film");
  for (let clip = 0; clip < 63; clip++)
    await remember(memory, "film", clip, [], { frames: [frameOf(clip, pictureOf(clip))] });
  const observations = await memory.observations("film");
  assert.equal(observations.length, 63);
  const seen = withPictures(observations);
  assert.deepEqual(
    seen.map(({ clip }) => clip),
    Array.from({ length: 60 }, (_, i) => i + 3),
  );
  // Another process continues to watch: the picture of clip 3 is deleted.
  rmSync(blobPath(join(memory.directory, "blobs"), sha256(pictureOf(3))));
  assert.equal(Buffer.from(seen[0]!.frames[0]!.jpeg).toString(), pictureOf(3));
  assert.deepEqual(
    withPictures(observations).map(({ clip }) => clip),
    Array.from({ length: 59 }, (_, i) => i + 4),
  );
  await memory.close();
});

test("all clips of a stream without pictures are tried", async () => {
  const memory = await openTestMemory(mkdtempSync(join(folder, "texts-")));
  await addTestStream(memory, "texts");
  for (let clip = 0; clip < 3; clip++) await remember(memory, "texts", clip, [`Ann: line ${clip}`]);
  assert.equal(withPictures(await memory.observations("texts")).length, 3);
  await memory.close();
});

test("a replay takes the first action on contract, shows what it wrote, and passes over failed decisions", async () => {
  const shown: Context[] = [];
  const actionOf = (clip: number, text: string, isMalformed = false): Action => ({
    ...{ text, logprobs: null, revision: "p@1" },
    issues: isMalformed ? [{ code: "malformed", message: "no JSON" }] : [],
    statements: isMalformed ? [] : [statementOf(clip, text)],
  });
  const policy: Policy = {
    ...{ id: "p", revision: "p@1", clipsPerDecision: 1 },
    decide: async (context) => {
      shown.push(context);
      const { clip } = context.observations[0]!;
      const actions =
        clip === 1
          ? [actionOf(clip, "none", true)]
          : [actionOf(clip, "bad", true), actionOf(clip, `told ${clip}`), actionOf(clip, "late")];
      return { actions: clip === 3 ? [] : actions, cost: noCost };
    },
    advance: (_, { text }) => ({ value: text, documents: 1, words: new Map() }),
  };
  const observations = [0, 1, 2, 3, 4, 5].map((clip) => observationOf("film", clip));
  const limits = { windowClips: 3, recentEntries: 4 };
  const texts: string[] = [];
  for await (const { action } of decisionsOf(policy, observations, { limits })) texts.push(action.text);
  assert.deepEqual(texts, ["told 0", "told 2", "told 4", "told 5"]);
  const seen = shown.splice(0);
  const kept = await replay(policy, observations, { limits });
  assert.deepEqual(
    kept.map(({ text }) => text),
    texts,
  );
  shown.splice(0, shown.length, ...seen);
  assert.deepEqual(
    shown.map(({ recent }) => recent.observations.map(({ clip }) => clip)),
    [[], [0], [0, 1], [1, 2], [2, 3], [3, 4]],
  );
  assert.deepEqual(
    shown.map(({ recent }) => recent.entries.map(({ text }) => text)),
    [[], ["told 0"], ["told 0"], ["told 2"], ["told 2"], ["told 4"]],
  );
  assert.deepEqual(
    shown.map(({ state }) => state.value),
    [null, "told 0", "told 0", "told 2", "told 2", "told 4"],
  );
  const { signal } = new AbortController();
  const spans: (readonly number[])[] = [];
  const pairwise: Policy = {
    ...{ ...policy, clipsPerDecision: 2 },
    decide: async (context, options) => {
      assert.equal(options?.signal, signal);
      spans.push(context.observations.map(({ clip }) => clip));
      return policy.decide(context);
    },
  };
  for await (const _ of attemptsOf(pairwise, observations.slice(0, 5), { signal }));
  assert.deepEqual(spans, [[0, 1], [2, 3], [4]]);
  const attempts: string[] = [];
  for await (const { action } of attemptsOf(policy, observations, { limits })) attempts.push(action.text);
  assert.deepEqual(attempts, ["told 0", "none", "told 2", "told 4", "told 5"]);
});
