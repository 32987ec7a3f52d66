/** What of a video's pictures reaches a model, seen by the server that `watch` sends them to. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { before, type TestContext, test } from "node:test";
import { betweenPictures } from "../src/engines/openai/chat.ts";
import { type CliRun, taskmem, temporaryFolder } from "./support/cli.ts";
import { inventedVideo } from "./support/media.ts";
import { type OpenAiServer, startOpenAiServer } from "./support/openai-server.ts";

const folder = temporaryFolder();
let video: string;

// 70 s: seven clips of ten frames of 160 × 90, so 6 · 4 = 24 tokens a frame.
before(() => {
  video = inventedVideo(folder, 70, { subtitles: false });
});

async function start(t: TestContext): Promise<OpenAiServer> {
  const server = await startOpenAiServer({ models: ["eyes"] });
  t.after(() => server.close());
  return server;
}

const watch = (server: OpenAiServer, memory: string, ...flags: string[]): Promise<CliRun> =>
  taskmem([
    ...["watch", video, "--json", "--no-screen-text", "--memory", join(folder, memory)],
    ...["--base-url", server.baseURL, "--model", "eyes", ...flags],
  ]);

/** A run of pictures: the line in front of it, and each picture by its hash. */
interface Run {
  readonly line: string;
  readonly pictures: string[];
}

interface WirePart {
  readonly text?: string;
  readonly image_url?: { readonly url: string };
}

/** The runs of pictures in each request about a clip. */
function runsOf({ requests }: OpenAiServer): Run[][] {
  return requests
    .map(({ body }) => (body.messages as { content: WirePart[] }[]).at(-1)!.content)
    .filter(([first]) => first!.text!.startsWith("The clip runs from"))
    .map(runsIn);
}

function runsIn(parts: readonly WirePart[]): Run[] {
  const runs: Run[] = [];
  for (const [i, { image_url }] of parts.entries()) {
    if (!image_url) continue;
    const { text } = parts[i - 1]!;
    assert.ok(text, "a picture follows a text");
    if (!betweenPictures.test(text)) runs.push({ line: text.split("\n").at(-1)!, pictures: [] });
    runs.at(-1)!.pictures.push(createHash("sha256").update(image_url.url).digest("hex"));
  }
  return runs;
}

const countsOf = (server: OpenAiServer) =>
  runsOf(server).map((runs) => runs.map(({ pictures }) => pictures.length));

test("the pictures of the window arrive oldest first, those of the clip itself last", async (t) => {
  const server = await start(t);
  const run = await watch(server, "all");
  assert.equal(run.code, 0, run.stderr);
  const requests = runsOf(server);
  assert.deepEqual(
    requests.map((runs) => runs.length),
    [1, 2, 3, 4, 5, 5, 5],
  );
  /** Of each clip its pictures as they were sent when it was decided about. */
  const own = requests.map((runs) => runs.at(-1)!.pictures);
  assert.equal(new Set(own.flat()).size, 70);
  for (const [clip, runs] of requests.entries()) {
    const first = clip - runs.length + 1;
    assert.deepEqual(
      runs.map(({ pictures }) => pictures),
      own.slice(first, clip + 1),
    );
    for (const [i, { line }] of runs.entries()) {
      const isOwn = first + i === clip;
      assert.match(line, isOwn ? /^The clip's 10 frames follow/ : /^From before the clip, 00:0\d:\d0 to /);
      const from = 10 * (first + i);
      const minutes = `00:0${Math.floor(from / 60)}:${String(from % 60).padStart(2, "0")}`;
      assert.ok(line.includes(`these moments: ${minutes}.`), `${line} starts at ${minutes}`);
    }
  }
});

test("`--frames-per-clip` sends fewer of each clip, `--picture-tokens` thins older clips first", async (t) => {
  const [few, thin] = [await start(t), await start(t)];
  const runs = [
    await watch(few, "few", "--frames-per-clip", "2"),
    // 24 frames of 24 tokens.
    await watch(thin, "thin", "--picture-tokens", "576"),
  ];
  for (const { code, stderr } of runs) assert.equal(code, 0, stderr);
  assert.deepEqual(countsOf(few), [[2], [2, 2], [2, 2, 2], [2, 2, 2, 2], ...Array(3).fill([2, 2, 2, 2, 2])]);
  // From three clips on the oldest has to go: 10 + 10 + 10 and 5 + 10 + 10 do not fit, 2 + 10 + 10 do; of four, none of it.
  assert.deepEqual(countsOf(thin), [[10], [10, 10], ...Array(5).fill([2, 10, 10])]);
  const revisions = runs.map(({ rows }) => rows.find(({ event }) => event === "clip-end")!.revision);
  assert.notEqual(revisions[0], revisions[1]);
});

test("a resumed run shows the pictures that it would have shown", async (t) => {
  const [whole, first, second] = [await start(t), await start(t), await start(t)];
  assert.equal((await watch(whole, "whole")).code, 0);
  const stopped = await watch(first, "resumed", "--budget-calls", "4");
  assert.equal(stopped.code, 6, stopped.stderr);
  assert.equal((await watch(second, "resumed")).code, 0);
  const resumed = runsOf(second);
  assert.ok(resumed.length < 7 && resumed[0]!.length > 1, "it was stopped within the stream");
  assert.deepEqual(resumed, runsOf(whole).slice(-resumed.length));
});

test("a wrong limit is refused by its name", async (t) => {
  const run = await watch(await start(t), "refused", "--frames-per-clip", "0");
  assert.equal(run.code, 2);
  assert.match(run.stderr, /model\.framesPerClip/);
});
