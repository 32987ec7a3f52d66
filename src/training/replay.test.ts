import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  addTestStream,
  frameOf,
  openTestMemory,
  remember,
  temporaryFolder,
} from "../../test/support/memory.ts";
import { blobPath } from "../memory/blobs.ts";
import { sha256 } from "../util/hash.ts";
import { withPictures } from "./replay.ts";

const folder = temporaryFolder("replay");
const pictureOf = (clip: number) => `picture ${clip}`;

test("a policy that looks is tried on clips that have their pictures, also when those are deleted meanwhile", async () => {
  const memory = await openTestMemory(join(folder, "seen"));
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
  const memory = await openTestMemory(join(folder, "texts"));
  await addTestStream(memory, "texts");
  for (let clip = 0; clip < 3; clip++) await remember(memory, "texts", clip, [`Ann: line ${clip}`]);
  assert.equal(withPictures(await memory.observations("texts")).length, 3);
  await memory.close();
});
