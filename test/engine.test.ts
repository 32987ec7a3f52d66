/** A whole video through the engine policy, against a server that really speaks the protocol, sound and at fault. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Row, taskmem, temporaryFolder } from "./support/cli.ts";
import { inventedVideo } from "./support/media.ts";
import { type OpenAiServer, startOpenAiServer } from "./support/openai-server.ts";

const folder = temporaryFolder();
let server: OpenAiServer;
let video: string;

before(async () => {
  server = await startOpenAiServer({ models: ["eyes"] });
  video = inventedVideo(folder, 62);
});
after(() => server.close());

const watch = (memory: string, ...more: string[]) =>
  taskmem(
    [
      "watch",
      video,
      "--json",
      "--no-screen-text",
      "--policy",
      "engine",
      "--base-url",
      server.baseURL,
      "--model",
      "eyes",
      "--memory",
      join(folder, memory),
      ...more,
    ],
    {
      env: { TASKMEM_RETRY_MS: "1" },
    },
  );
const clipsOf = (rows: readonly Row[], event: string) =>
  rows.filter((row) => row.event === event).map(({ clip }) => clip);
const allClips = [0, 1, 2, 3, 4, 5, 6];

test("frames arrive as images, the schema is honoured, every clip gets its entry", async () => {
  const run = await watch("sound");
  assert.equal(run.code, 0, run.stderr);
  assert.deepEqual(clipsOf(run.rows, "clip-end"), allClips);
  for (const { entries } of run.rows.filter(({ event }) => event === "clip-end"))
    assert.equal((entries as unknown[]).length, 1);
  assert.ok(Number((run.rows.at(-1)!.cost as Row).calls) >= 7);
});
