/** A film that this set-up cannot hear or see: every command says what is known of it, what is not, and what to do. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { before, test } from "node:test";
import { type Row, taskmem, temporaryFolder } from "./support/cli.ts";

const folder = temporaryFolder();
const memory = join(folder, "memory");
let said: Awaited<ReturnType<typeof taskmem>>;

const run = (...args: string[]) => taskmem([...args, "--memory", memory]);
const answerTo = async (question: string) => (await run("ask", question, "--json")).rows[0] as Row;

before(async () => {
  const film = join(folder, "pond.mp4");
  const made = spawnSync("ffmpeg", [
    ...["-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=5:d=12"],
    ...["-f", "lavfi", "-i", "sine=440:d=12", "-pix_fmt", "yuv420p", "-shortest"],
    ...["-metadata", "creation_time=2023-10-23T14:05:00Z", film],
  ]);
  assert.equal(made.status, 0, made.stderr.toString());
  said = await run("watch", film, "--no-screen-text");
});

test("watch ends with why nothing is remembered and what is known, and is done", () => {
  assert.equal(said.code, 0);
  for (const part of [
    /Nothing is remembered of pond but this: 12 s of video, 320×180; .*recorded 2023-10-23 14:05 UTC/,
    /--transcribe-base-url/,
    /No model looked at the pictures \(12 s\)/,
  ])
    assert.match(said.stderr, part);
});

test("timeline shows what is known and says the same", async () => {
  const { stdout, stderr } = await run("timeline");
  assert.match(stdout, /nothing remembered: 12 s of video/);
  assert.match(stderr, /--transcribe-base-url/);
  const { rows } = await run("timeline", "--json");
  assert.deepEqual(
    rows.map(({ kind, stream, startSeconds }) => [kind, stream, startSeconds]),
    [["floor", "pond", 0]],
  );
});

test("ask says why it cannot answer, and answers what the recording itself tells", async () => {
  const unknown = await answerTo("Who leaves first?");
  assert.equal(unknown.abstained, true);
  assert.match(String(unknown.answer), /Nothing is remembered of pond.*--base-url and --model/s);
  assert.deepEqual(
    (unknown.leftOut as Row[]).map(({ kind, stream }) => [kind, stream]),
    [
      ["sound", "pond"],
      ["picture", "pond"],
    ],
  );
  const date = await answerTo("When was it recorded?");
  assert.match(String(date.answer), /2023-10-23 14:05 UTC/);
  assert.deepEqual([date.abstained, (date.citations as Row[]).length], [false, 1]);
  assert.match(String((await answerTo("How long is it?")).answer), /12 s/);
  assert.match(String((await answerTo("Does anyone speak?")).answer), /^Probably not/);
  assert.equal((await answerTo("What happened?")).abstained, true);
});

test("doctor does not call such a set-up whole, and lists what was left out", async () => {
  const { stdout, code } = await run("doctor");
  assert.equal(code, 0);
  assert.match(stdout, /will `watch` work\? yes, but .*not described; .*not transcribed/);
  const { rows } = await run("doctor", "--json");
  const stream = rows.find(({ check }) => check === "stream pond")!;
  assert.equal((stream.leftOut as Row[]).length, 2);
});

test("what is forgotten with the film leaves nothing of it", async () => {
  await run("forget", "--stream", "pond");
  assert.deepEqual((await run("timeline", "--json")).rows, []);
  const { answer } = await answerTo("When was it recorded?");
  assert.match(String(answer), /nothing was watched yet/);
  const { rows } = await run("tasks", "list", "--json");
  assert.ok(rows.every(({ answer }) => !String(answer).includes("2023")));
});
