/** A video through several endpoints of a model, speech to text and embeddings, and what they cost. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, type TestContext, test } from "node:test";
import { type Row, taskmem, temporaryFolder } from "./support/cli.ts";
import { inventedVideo } from "./support/media.ts";
import { type OpenAiServer, startOpenAiServer } from "./support/openai-server.ts";

const folder = temporaryFolder();
const seconds = 31;
let video: string;

before(() => {
  video = inventedVideo(folder, seconds, { subtitles: false });
});

async function start(t: TestContext): Promise<OpenAiServer> {
  const server = await startOpenAiServer({ models: ["eyes", "ears", "words"] });
  t.after(() => server.close());
  return server;
}

/** Watches the video with a model at all servers, and speech and embeddings at the last. */
function watch(memory: string, servers: readonly OpenAiServer[], flags: readonly string[]) {
  const urls = servers.map(({ baseURL }) => baseURL);
  const model = [...urls.flatMap((url) => ["--base-url", url]), "--model", "eyes"];
  const ears = ["--transcribe-base-url", urls.at(-1)!, "--transcribe-model", "ears"];
  const env = { TASKMEM_EMBED_BASE_URL: urls.at(-1)!, TASKMEM_EMBED_MODEL: "words" };
  const place = ["--memory", join(folder, memory), "--no-screen-text"];
  return taskmem(["watch", video, ...place, ...model, ...ears, ...flags], { env });
}

test("a model's endpoint that dies while a video is watched costs no clip, and the price table prices every call", async (t) => {
  const [mortal, lasting] = [await start(t), await start(t)];
  mortal.setFaults(({ index }) =>
    index >= 1 ? { kind: "answer", respond: (response) => response.destroy() } : undefined,
  );
  const prices = join(folder, "prices.json");
  const free = { promptPerMillion: 0, completionPerMillion: 0 };
  writeFileSync(prices, JSON.stringify({ eyes: free, words: free, ears: { soundPerMinute: 6 } }));
  const run = await watch("dying", [mortal, lasting], ["--json", "--prices", prices]);
  assert.equal(run.code, 0, run.stderr);
  const ended = run.rows.filter(({ event }) => event === "clip-end");
  assert.deepEqual(
    ended.map(({ clip }) => clip),
    [0, 1, 2, 3],
  );
  assert.ok(mortal.requests.length >= 2);
  const { calls, usd, pricedBy } = run.rows.at(-1)!.cost as { calls: number; usd: number; pricedBy: Row };
  // All that were answered, but for the first embedding, which tells the dimension.
  assert.equal(calls, 1 + lasting.requests.length - 1);
  assert.deepEqual(pricedBy, { server: 0, table: calls, none: 0 });
  assert.ok(Math.abs(usd - (seconds / 60) * 6) < 0.05, `$${usd} for ${seconds} s of sound`);
});

test("a cost without a price is shown as unknown", async (t) => {
  const run = await watch("unpriced", [await start(t)], []);
  assert.equal(run.code, 0, run.stderr);
  assert.match(run.stdout, /\d+ calls, \d+ tokens, price unknown/);
});
