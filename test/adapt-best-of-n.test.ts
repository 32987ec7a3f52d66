/**
 * A hosted model learns on the command line: a model behind the OpenAI protocol watches a film, questions train an
 * adapter, and it is tried on the clips whose pictures are kept. What the model wrote is never asked for twice.
 */
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { answerQuestion } from "../src/answer/answer.ts";
import type { GenerateRequest } from "../src/engine.ts";
import { lexicalReader, wordSpace } from "../src/engines/local/index.ts";
import { askAbout, createEpisode, episodeSeed, renderEpisode } from "../src/household/index.ts";
import { seededRandom } from "../src/util/random.ts";
import { taskmem, temporaryFolder } from "./support/cli.ts";
import { householdWriter } from "./support/household-writer.ts";
import { openTestMemory } from "./support/memory.ts";
import { startOpenAiServer } from "./support/openai-server.ts";

const folder = temporaryFolder();
/** The clip a prompt is about; `null` for none. */
function clipOf(text: string): number | null {
  const [, hours, minutes, seconds] = /The clip runs from (\d+):(\d+):(\d+)/.exec(text) ?? [];
  if (hours === undefined) return null;
  return (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) / 10;
}
const textOf = (parts: GenerateRequest["parts"]) =>
  parts.map((part) => (part.type === "text" ? part.text : "")).join("\n");
const clips = 63;

test("best-of-n learns over an endpoint from the last ten minutes: one call a clip to write, two a memory to judge", async (t) => {
  // A film whose adapter passes the gate. On 58 texts a share has a standard error of 5 points: of 16 validation films asked
  // about places, 2 are over the limit of length and 3 under that of truth.
  const episode = createEpisode(episodeSeed("validation", 8), clips);
  const { video, subtitles } = await renderEpisode(episode, folder, { describes: false });
  rmSync(subtitles);
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

  const before = writer.requests.length;
  const asked = () => writer.requests.slice(before).filter(({ parts }) => clipOf(textOf(parts)) !== null);

  // The endpoint refuses more than half of it, however well the first twenty clips went: it says so and stops.
  let calls = 0;
  server.setFaults(({ text }) =>
    clipOf(text) !== null && ++calls > 20 ? { kind: "status", status: 400 } : undefined,
  );
  const broken = await taskmem(["adapt", "run", ...flags]);
  assert.equal(broken.code, 4, broken.stderr);
  assert.match(broken.stderr, /refused 31 of the 60 clips to learn on/);
  assert.deepEqual((await taskmem(["adapt", ...flags])).rows[0]!.adapters, []);
  assert.equal(asked().length, 20);

  // Killed at the eleventh clip of those that are left.
  let child: ChildProcess | undefined;
  calls = 0;
  server.setFaults(({ text }) => {
    if (clipOf(text) !== null && ++calls === 11) child!.kill("SIGKILL");
    return undefined;
  });
  const onStart = (started: ChildProcess) => {
    child = started;
  };
  assert.equal((await taskmem(["adapt", "run", ...flags], { onStart })).code, null);
  assert.ok(asked().length === 30 || asked().length === 31, `${asked().length}`);

  // Two clips the endpoint will never take cost only themselves, at one refusal each.
  let refusals = 0;
  server.setFaults(({ text }) => {
    if (![40, 50].includes(clipOf(text) ?? -1)) return undefined;
    refusals += 1;
    return { kind: "status", status: 400 };
  });
  const lastBefore = asked().length;
  const adapted = await taskmem(["adapt", "run", ...flags]);
  assert.equal(adapted.code, 0, adapted.stderr);
  const [report] = adapted.rows;
  t.diagnostic(JSON.stringify({ ...report, learnt: [] }));
  assert.deepEqual([report!.refusedClips, refusals], [2, 2]);
  assert.equal(asked().length - lastBefore, 60 - 20 - 10 - 2, "one call for each clip that was missing");
  for (const { n, parts } of asked()) {
    assert.equal(n, 8);
    const shown = parts.flatMap((part) => (part.type === "video" ? part.frames : []));
    assert.ok(shown.length > 0, "it was shown what was seen");
  }
  assert.equal(report!.activated, true, JSON.stringify(report));
  // What was written is graded by the endpoint, from the pictures: two clips were refused.
  assert.deepEqual([report!.toGrade, report!.graded], [58, 58]);
  assert.ok(Number(report!.fidelityBefore) > 0.6 && Number(report!.fidelityBefore) < 1);
  const judging = () => writer.requests.filter(({ schema }) => schema?.name === "correctness_of_memory");
  assert.ok(
    judging().length > 58 && judging().every(({ parts }) => parts.some(({ type }) => type === "video")),
  );
  assert.ok(Number(report!.accuracyAfter) > Number(report!.accuracyBefore));

  const [status] = (await taskmem(["adapt", ...flags])).rows;
  assert.deepEqual([status!.policy, status!.active], ["best-of-n", report!.id]);
  // Verdicts are kept in the memory, as what was written is; by words alone pictures cannot be graded.
  const verdicts = judging().length;
  const again = await taskmem(["adapt", "run", ...flags]);
  assert.equal(again.rows[0]!.fidelityAfter, report!.fidelityAfter);
  assert.equal(judging().length, verdicts);
  const blind = (await taskmem(["adapt", "run", "--judge", "local", ...flags])).rows[0]!;
  assert.equal(blind.activated, false);
  assert.match(String(blind.reason), /could be graded \(0 of 58\)/);

  const other = (await taskmem(["adapt", "--memory", directory, "--json"])).rows[0]!;
  assert.deepEqual([other.policy, other.active], ["choice", null], "no other policy has it");
});
