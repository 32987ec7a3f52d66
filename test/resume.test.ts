/** Nothing acknowledged is lost: `kill -9` at random moments, two processes at once, Ctrl-C. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { seededRandom } from "../src/util/random.ts";
import { parseRow, type Row, taskmem, temporaryFolder } from "./support/cli.ts";
import { inventedVideo } from "./support/media.ts";

const timeline = async (memory: string) => (await taskmem(["timeline", "--json", "--memory", memory])).rows;
/** What must not depend on when a run was killed. */
const content = (rows: readonly Row[]) =>
  rows.map(({ id, clip, startSeconds, text, speakers }) => ({ id, clip, startSeconds, text, speakers }));

test("a watch killed at 20 random moments ends with the same memory as one that never was", async () => {
  const folder = temporaryFolder();
  const video = inventedVideo(folder, 900);
  const killed = join(folder, "killed");
  const random = seededRandom("kills");
  const watch = ["watch", video, "--json", "--memory", killed, "--clip-seconds", "1", "--no-screen-text"];

  const acknowledged: Row[] = [];
  for (let kill = 0; kill < 20; kill++) {
    // Every other kill comes some milliseconds after the start, the others shortly after some acknowledged clip.
    const afterLines = kill % 2 === 0 ? 0 : 1 + Math.floor(random() * 12);
    const delayMs = random() * (kill % 2 === 0 ? 400 : 15);
    let acknowledgements = 0;
    const run = await taskmem(watch, {
      onLine: (line, child) => {
        const event = parseRow(line)?.event;
        if (event === "clip-end") acknowledgements += 1;
        if (event === (afterLines === 0 ? "stream-start" : "clip-end") && acknowledgements === afterLines)
          setTimeout(() => child.kill("SIGKILL"), delayMs);
      },
    });
    assert.equal(run.code, null, `run ${kill} was killed: ${run.stderr}`);
    acknowledged.push(...run.rows.filter(({ event }) => event === "clip-end"));
  }
  const last = await taskmem(watch);
  assert.equal(last.code, 0, last.stderr);
  acknowledged.push(...last.rows.filter(({ event }) => event === "clip-end"));

  const clips = acknowledged.map(({ clip }) => clip);
  assert.equal(new Set(clips).size, clips.length, "no clip was acknowledged twice");
  const rows = await timeline(killed);
  const kept = new Set(rows.map(({ id }) => id));
  for (const { entries, clip } of acknowledged) {
    for (const { id } of entries as { id: string }[])
      assert.ok(kept.has(id), `entry ${id} of clip ${clip} is there`);
  }

  const calm = join(folder, "calm");
  const whole = await taskmem(watch.map((part) => (part === killed ? calm : part)));
  assert.equal(whole.code, 0, whole.stderr);
  assert.equal(whole.rows.filter(({ event }) => event === "clip-end").length, 900, "one clip a second");
  assert.ok(rows.length > 20);
  assert.deepEqual(content(rows), content(await timeline(calm)));

  const doctor = await taskmem(["doctor", "--json", "--memory", killed]);
  assert.match(String(doctor.rows.find(({ check }) => check === "memory")?.detail), /sound/);
});

test("one process asks while another watches", async () => {
  const folder = temporaryFolder();
  const video = inventedVideo(folder, 120);
  const memory = join(folder, "memory");
  const asked: Promise<{ code: number | null; rows: readonly Row[]; stderr: string }>[] = [];
  const watch = await taskmem(["watch", video, "--json", "--memory", memory, "--clip-seconds", "2"], {
    onLine: (line) => {
      const row = parseRow(line);
      if (row?.event === "clip-end" && asked.length < 3 && (row.entries as unknown[]).length > 0) {
        asked.push(
          taskmem(["ask", "where is the kettle, the ladder or the lantern?", "--json", "--memory", memory]),
        );
      }
    },
  });
  assert.equal(watch.code, 0, watch.stderr);
  assert.equal(asked.length, 3);
  for (const answer of await Promise.all(asked)) {
    assert.equal(answer.code, 0, answer.stderr);
    assert.equal(typeof answer.rows[0]?.answer, "string");
  }
});

test("a second process may not write the same stream, and the first Ctrl-C stops a run that can be resumed", async () => {
  const folder = temporaryFolder();
  const video = inventedVideo(folder, 200);
  const args = [
    "watch",
    video,
    "--json",
    "--memory",
    join(folder, "memory"),
    "--clip-seconds",
    "1",
    "--no-screen-text",
  ];
  let second: ReturnType<typeof taskmem> | undefined;
  const first = await taskmem(args, {
    onLine: (line, child) => {
      if (parseRow(line)?.event !== "clip-end" || second) return;
      child.kill("SIGSTOP");
      second = taskmem(args);
      second.then(() => {
        child.kill("SIGCONT");
        child.kill("SIGINT");
      });
    },
  });
  const refused = await second!;
  assert.equal(refused.code, 5, refused.stderr);
  assert.match(refused.stderr, /process/);
  assert.equal(first.code, 130, first.stderr);
  assert.equal(first.rows.at(-1)?.reason, "interrupted");
  const rest = await taskmem(args);
  assert.equal(rest.code, 0, rest.stderr);
  assert.ok(Number(rest.rows[0]?.storedClips) > 0, "went on where it stopped");
});
