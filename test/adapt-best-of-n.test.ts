/**
 * A black box adapts on the command line: a model behind the OpenAI protocol watches a film, questions are asked, and
 * what they teach is tried on the clips whose pictures are kept.
 */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { answerQuestion } from "../src/answer/answer.ts";
import { lexicalReader, wordSpace } from "../src/engines/local/index.ts";
import { askAbout, createEpisode, episodeSeed, renderEpisode } from "../src/household/index.ts";
import { seededRandom } from "../src/util/random.ts";
import { taskmem, temporaryFolder } from "./support/cli.ts";
import { householdWriter } from "./support/household-writer.ts";
import { openTestMemory } from "./support/memory.ts";
import { startOpenAiServer } from "./support/openai-server.ts";

const folder = temporaryFolder();
const clips = 63;

test("best-of-n adapts over an endpoint, on the pictures of the last ten minutes, at one call a clip", async (t) => {
  const episode = createEpisode(episodeSeed("validation", 7), clips);
  const { video, subtitles, captions } = await renderEpisode(episode, folder);
  for (const texts of [subtitles, captions]) rmSync(texts);
  const writer = householdWriter(episode);
  const server = await startOpenAiServer({ models: ["household"], model: writer });
  t.after(() => server.close());
  const directory = join(folder, "memory");
  const flags = [
    ...["--policy", "best-of-n", "--samples", "8", "--base-url", server.baseURL, "--model", "household"],
    ...["--memory", directory, "--json"],
  ];
  const watched = await taskmem(["watch", video, "--no-screen-text", ...flags]);
  assert.equal(watched.code, 0, watched.stderr);
  assert.equal(watched.rows.filter(({ event }) => event === "clip-end").length, clips);

  const memory = await openTestMemory(directory);
  const reader = lexicalReader({ words: wordSpace });
  for (const { text, options } of askAbout(episode, seededRandom("tasks"), { kinds: ["place"], perKind: 20 }))
    await answerQuestion({ text, options }, { memory, reader, now: Date.now });
  const observations = await memory.observations("household");
  await memory.close();
  const pictured = observations.filter(({ frames }) => frames.length > 0);
  assert.deepEqual([observations.length, pictured.length], [63, 60]);

  // The endpoint refuses in the middle of it: said so, and nothing comes of it.
  let calls = 0;
  server.setFaults(() => (++calls > 20 ? { kind: "status", status: 400 } : undefined));
  const broken = await taskmem(["adapt", "run", ...flags]);
  assert.equal(broken.code, 4, broken.stderr);
  assert.deepEqual((await taskmem(["adapt", ...flags])).rows[0]!.adapters, []);
  server.setFaults(undefined);

  const before = writer.requests.length;
  const adapted = await taskmem(["adapt", "run", ...flags]);
  assert.equal(adapted.code, 0, adapted.stderr);
  const [report] = adapted.rows;
  t.diagnostic(JSON.stringify({ ...report, learnt: [] }));
  const asked = writer.requests
    .slice(before)
    .filter(({ parts }) => parts.some((part) => part.type === "text" && part.text.includes("The clip runs")));
  assert.equal(asked.length, 60, "one call for each clip whose pictures are kept");
  for (const { n, parts } of asked) {
    assert.equal(n, 8);
    const shown = parts.flatMap((part) => (part.type === "video" ? part.frames : []));
    assert.ok(shown.length > 0, "it was shown what was seen");
  }
  assert.equal(report!.activated, true, JSON.stringify(report));
  assert.ok(Number(report!.accuracyAfter) > Number(report!.accuracyBefore));

  const [status] = (await taskmem(["adapt", ...flags])).rows;
  assert.deepEqual([status!.policy, status!.active], ["best-of-n", report!.id]);
  const other = (await taskmem(["adapt", "--memory", directory, "--json"])).rows[0]!;
  assert.deepEqual([other.policy, other.active], ["choice", null], "it is nobody else's");
});
