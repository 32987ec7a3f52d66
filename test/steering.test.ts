/** An adapter of another program, made active from the command line: each memory is written with it, or none is. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createAdapter } from "../src/adapter/arithmetic.ts";
import { exportAdapter } from "../src/adapter/exchange/exchange.ts";
import { taskmem, temporaryFolder } from "./support/cli.ts";
import { type Body, steerable } from "./support/steerable-server.ts";

const subtitles = `1
00:00:01,000 --> 00:00:04,000
The kettle is on the stove.

2
00:00:12,000 --> 00:00:15,000
Now the tea is ready.
`;

const carries = (body: Body) =>
  "apply_steering_vectors" in ((body.vllm_xargs ?? {}) as Record<string, unknown>);
/** The length of the vector a body carries, as its first number says. */
const strengthOf = (body: Body) => {
  if (!carries(body)) return 0;
  const [{ activations }] = JSON.parse(
    (body.vllm_xargs as { apply_steering_vectors: string }).apply_steering_vectors,
  ) as [{ activations: { data: string } }];
  return Math.abs(Buffer.from(activations.data, "base64").readFloatLE(0));
};

async function imported(server: { readonly baseURL: string }, way: readonly string[]) {
  const folder = temporaryFolder();
  const run = (...args: string[]) =>
    taskmem([...args, "--base-url", server.baseURL, "--model", "qwen", "--json"], { cwd: folder });
  writeFileSync(join(folder, "talk.srt"), subtitles);
  const vector = createAdapter("residual:elsewhere@22", 4, [[0, 0.5]]);
  writeFileSync(join(folder, "cats.json"), exportAdapter(vector, "vllm-lens")[""]!);
  // A memory has to be there before an adapter is kept in it.
  assert.equal((await run("remember", "The house has one kitchen.")).code, 0);
  const kept = await run("adapt", "import", "cats.json", ...way);
  assert.equal(kept.code, 0, kept.stderr);
  const id = String(kept.rows[0]!.adapter);
  const promoted = await run("adapt", "promote", "--adapter", id, ...way);
  assert.equal(promoted.code, 0, promoted.stderr);
  return { run, revision: String(kept.rows[0]!.revision) };
}

test("an imported vector that is active goes with each memory's request, and a rollback takes it back", async () => {
  const server = await steerable(strengthOf);
  const way = ["--steering", "vllm-lens"];
  const { run, revision } = await imported(server, way);
  const checks = (await run("doctor", ...way)).rows;
  const checked = checks.find(({ check }) => check === "model adapter")!;
  assert.equal(checked.detail, `the server applies the active adapter ${revision}`);
  const watched = await run("watch", "talk.srt", ...way);
  assert.equal(watched.code, 0, watched.stderr);
  const memories = () =>
    server.bodies.filter(({ messages }) => JSON.stringify(messages).includes("kettle is on"));
  assert.ok(memories().length > 0);
  for (const body of memories()) {
    assert.ok(carries(body));
    assert.equal(body.cache_salt, revision);
  }
  const { rows } = await run("timeline");
  const written = rows.filter(({ text }) => text === "The kettle boils.");
  assert.ok(written.length > 0);
  for (const entry of written)
    assert.ok(String(entry.revision).endsWith(`+${revision}`), JSON.stringify(entry));

  assert.equal((await run("adapt", "rollback", ...way)).code, 0);
  const before = memories().length;
  const again = await run("watch", "talk.srt", "--stream", "again", ...way);
  assert.equal(again.code, 0, again.stderr);
  assert.ok(memories().length > before);
  for (const body of memories().slice(before)) assert.ok(!carries(body) && body.cache_salt === undefined);
});

test("a server that ignores the vector stops the watch before anything is written", async () => {
  const server = await steerable(() => 0);
  const { run } = await imported(server, ["--steering", "vllm-lens"]);
  const watched = await run("watch", "talk.srt", "--steering", "vllm-lens");
  assert.equal(watched.code, 2, watched.stdout);
  assert.match(watched.stderr, /ignores the adapter/);
  const doctor = await run("doctor", "--steering", "vllm-lens");
  assert.equal(doctor.code, 2);
  assert.match(
    String(doctor.rows.at(-1)!.detail),
    /^no, because of model adapter: The server ignores the adapter/,
  );
  assert.equal((await run("timeline")).rows.filter(({ text }) => text === "The kettle boils.").length, 0);
});

test("without --steering an active adapter is refused with the way out", async () => {
  const server = await steerable(strengthOf);
  const { run } = await imported(server, []);
  const watched = await run("watch", "talk.srt");
  assert.equal(watched.code, 2, watched.stdout);
  assert.match(watched.stderr, /--steering/);
});
