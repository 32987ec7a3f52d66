import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryFolder } from "../../../test/support/memory.ts";
import { folderCache } from "../../engines/cached-model.ts";
import type { Perceptors } from "../../perception/perceive.ts";
import { cachedPerceptors } from "./cached-senses.ts";

const folder = temporaryFolder("cached-senses");

function counting() {
  const calls = { heard: 0, read: 0 };
  let fails = false;
  const perceptors: Perceptors = {
    language: "en",
    transcriber: {
      id: "ears",
      transcribe: async ({ startSeconds }) => {
        calls.heard += 1;
        return [
          {
            startSeconds,
            endSeconds: startSeconds + 1,
            text: `heard ${calls.heard}`,
            speaker: null,
            language: null,
          },
        ];
      },
    },
    screenReader: {
      id: "eyes",
      read: async ([frame]) => {
        calls.read += 1;
        if (fails) throw new Error("no eyes");
        return [
          {
            startSeconds: frame!.atSeconds,
            endSeconds: frame!.atSeconds,
            text: `read ${calls.read}`,
            confidence: 90,
          },
        ];
      },
    },
  };
  return { calls, perceptors, fail: (now: boolean) => (fails = now) };
}

const audio = (startSeconds: number, first: number) => ({
  startSeconds,
  samples: Int16Array.of(first, 2, 3),
});
const frame = (atSeconds: number, content: string) => ({
  atSeconds,
  width: 1,
  height: 1,
  jpeg: Buffer.from(content),
});

test("what was perceived once is not perceived again, in this process or the next", async () => {
  const { calls, perceptors } = counting();
  const place = join(folder, "once");
  const results = [];
  for (let process = 0; process < 2; process++) {
    const senses = cachedPerceptors(perceptors, folderCache(place));
    for (let again = 0; again < 2; again++) {
      results.push([
        await senses.transcriber!.transcribe(audio(10, 1), {}),
        await senses.screenReader!.read([frame(1, "a")]),
      ]);
    }
  }
  assert.deepEqual(calls, { heard: 1, read: 1 });
  assert.equal(new Set(results.map((result) => JSON.stringify(result))).size, 1);
  const files = readdirSync(place, { recursive: true }).map(String);
  assert.equal(files.filter((name) => name.endsWith(".json")).length, 2);
  assert.ok(!files.some((name) => name.includes(".json.")), "nothing unfinished is left");
});

test("another sound, moment, language or picture is perceived again for itself", async () => {
  const { calls, perceptors } = counting();
  const senses = cachedPerceptors(perceptors, folderCache(join(folder, "anew")));
  for (const [sound, language] of [
    [audio(10, 1), "en"],
    [audio(20, 1), "en"],
    [audio(10, 9), "en"],
    [audio(10, 1), "de"],
  ] as const) {
    await senses.transcriber!.transcribe(sound, { language });
  }
  for (const frames of [
    [frame(1, "a")],
    [frame(2, "a")],
    [frame(1, "b")],
    [frame(1, "a"), frame(2, "b")],
    [],
  ]) {
    await senses.screenReader!.read(frames);
  }
  assert.deepEqual(calls, { heard: 4, read: 4 });
});

test("a failure is not kept", async () => {
  const { calls, perceptors, fail } = counting();
  const senses = cachedPerceptors(perceptors, folderCache(join(folder, "failure")));
  fail(true);
  await assert.rejects(senses.screenReader!.read([frame(1, "a")]), /no eyes/);
  fail(false);
  assert.equal((await senses.screenReader!.read([frame(1, "a")]))[0]!.text, "read 2");
  assert.equal(calls.read, 2);
});

test("a sense that is not there stays away", () => {
  const senses = cachedPerceptors(
    { transcriber: null, screenReader: null, language: null },
    folderCache(folder),
  );
  assert.deepEqual(senses, { transcriber: null, screenReader: null, language: null });
});

/** A model that counts, and fails where told to. */
