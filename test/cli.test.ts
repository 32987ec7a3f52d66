/** The documented command line: JSON rows, questions as tasks, export and import, forgetting. */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { type Row, taskmem, temporaryFolder } from "./support/cli.ts";
import { inventedVideo } from "./support/media.ts";

const folder = temporaryFolder();
const memory = join(folder, "memory");
let watched: readonly Row[];
let video: string;

/** Runs a command on the memory that must succeed. */
async function ok(...args: string[]): Promise<readonly Row[]> {
  const run = await taskmem([...args, "--json", "--memory", memory]);
  assert.equal(run.code, 0, run.stderr);
  return run.rows;
}

before(async () => {
  video = inventedVideo(folder, 65);
  watched = await ok("watch", video, "--budget", "1", "--no-screen-text");
});

test("watch prints one clip-end a clip and one stream-end, with the documented fields", () => {
  const clips = watched.filter(({ event }) => event === "clip-end");
  assert.deepEqual(
    clips.map(({ clip }) => clip),
    [0, 1, 2, 3, 4, 5, 6],
  );
  for (const clip of clips) {
    for (const field of [
      "stream",
      "clip",
      "startSeconds",
      "endSeconds",
      "entries",
      "policy",
      "revision",
      "ms",
    ])
      assert.ok(field in clip, field);
  }
  const end = watched.at(-1)!;
  assert.equal(end.event, "stream-end");
  for (const field of ["clips", "entries", "gaps", "realTimeFactor", "cost"]) assert.ok(field in end, field);
  assert.equal(end.clips, 7);
});

test("watching again repeats nothing", async () => {
  const before = await ok("timeline");
  const again = await ok("watch", video, "--budget", "1", "--no-screen-text");
  assert.equal(again.at(-1)!.clips, 0);
  assert.deepEqual(await ok("timeline"), before);
});

test("timeline prints one entry a line, filtered by time and speaker", async () => {
  const rows = await ok("timeline");
  assert.equal(rows.length, watched.at(-1)!.entries);
  for (const field of [
    "id",
    "stream",
    "clip",
    "kind",
    "startSeconds",
    "endSeconds",
    "text",
    "speakers",
    "revision",
  ])
    assert.ok(field in rows[0]!, field);
  const starts = rows.map(({ startSeconds }) => Number(startSeconds));
  assert.deepEqual(
    starts,
    [...starts].sort((a, b) => a - b),
  );
  const early = await ok("timeline", "--to", "00:00:20");
  assert.ok(early.length > 0 && early.length < rows.length);
  const speaker = String((rows[0]!.speakers as string[])[0]);
  for (const row of await ok("timeline", "--speaker", speaker.toLowerCase()))
    assert.match(String(row.text), new RegExp(speaker));
  assert.equal((await ok("timeline", "--limit", "2")).length, 2);
});

test("ask answers with the moment it came from, and abstains on what was never said", async () => {
  const [entry] = await ok("timeline");
  const said = /the (\w+) number (\d+) is in the (\w+)/.exec(String(entry!.text))!;
  const [answer] = await ok(
    "ask",
    `Where is the ${said[1]} number ${said[2]}?`,
    "--option",
    "roof",
    "--option",
    said[3]!,
    "--option",
    "lake",
    "--option",
    "tower",
  );
  assert.equal(answer!.option, "B");
  assert.equal(answer!.abstained, false);
  const [citation] = answer!.citations as Row[];
  assert.equal(citation!.entry, entry!.id);
  assert.equal(citation!.startSeconds, entry!.startSeconds);
  const declined = await taskmem([
    "ask",
    "What colour is the submarine number 9?",
    "--json",
    "--memory",
    memory,
  ]);
  const [unknown] = declined.rows;
  assert.equal(unknown!.abstained, true);
  assert.deepEqual(unknown!.citations, []);
  assert.match(declined.stderr, /compared by spelling; to compare them by meaning: taskmem models pull/);
});

test("an export imported elsewhere exports to the same bytes", async () => {
  const [report] = await ok("export", join(folder, "first"));
  assert.ok(Number(report!.rows) > 7);
  const other = join(folder, "other");
  for (const args of [
    ["import", join(folder, "first")],
    ["import", join(folder, "first")],
    ["export", join(folder, "second")],
  ]) {
    const run = await taskmem([...args, "--json", "--memory", other]);
    assert.equal(run.code, 0, run.stderr);
  }
  assert.deepEqual(
    readFileSync(join(folder, "second/memory.jsonl")),
    readFileSync(join(folder, "first/memory.jsonl")),
  );
  const same = await taskmem(["timeline", "--json", "--memory", other]);
  assert.deepEqual(same.rows, await ok("timeline"));
});

test("what the command line writes is its user's only", async (t) => {
  if (process.platform === "win32") return t.skip("files have no such mode there");
  const out = join(folder, "open to all");
  mkdirSync(out, { mode: 0o755 });
  const log = join(out, "log.jsonl");
  const run = await taskmem(["watch", video, "--memory", join(out, "memory"), "--no-screen-text"], {
    env: { TASKMEM_LOG: log },
  });
  assert.equal(run.code, 0, run.stderr);
  await ok("export", join(out, "export"));
  const written = readdirSync(out, { recursive: true, withFileTypes: true });
  assert.ok(written.some(({ name }) => name === "log.jsonl") && written.length > 8);
  for (const entry of written) {
    const { mode } = statSync(join(entry.parentPath, entry.name));
    assert.equal(mode & 0o077, 0, join(entry.parentPath, entry.name));
  }
});

test("forget reports what it would remove, then removes it", async () => {
  const rows = await ok("timeline");
  const speaker = String((rows[0]!.speakers as string[])[0]);
  const theirs = rows.filter(({ text }) => String(text).includes(speaker)).length;
  const [dry] = await ok("forget", "--person", speaker, "--dry-run");
  assert.equal(dry!.entries, theirs);
  assert.equal((await ok("timeline")).length, rows.length);
  const [done] = await ok("forget", "--person", speaker);
  assert.equal(done!.entries, theirs);
  const gone = await taskmem(["timeline", "--speaker", speaker, "--json", "--memory", memory]);
  assert.match(gone.stderr, /Expected people of this memory/);
  assert.equal((await ok("timeline")).length, rows.length - theirs);
  await ok("forget", "--stream", String(rows[0]!.stream));
  assert.equal((await ok("timeline")).length, 0);
});

test("doctor reports every check and the memory as sound", async () => {
  const rows = await ok("doctor");
  assert.deepEqual(
    // A row of torch is there where its environment is.
    rows.map(({ check }) => check).filter((check) => check !== "torch"),
    [
      ...["node", "ffmpeg", "ffprobe", "tesseract"],
      ...[
        "@hono/node-server",
        "@jax-js/jax",
        "@modelcontextprotocol/hono",
        "@napi-rs/canvas",
        "@opentelemetry/api",
        "ai",
        "aws4fetch",
        "hono",
        "hyparquet",
        "pg",
        "pg-boss",
        "onnxruntime-web",
        "sherpa-onnx-node",
      ],
      ...[
        "configuration",
        "memory",
        "meaning",
        "model",
        "transcriber",
        "voices",
        "text in the picture",
        "watch",
      ],
    ],
  );
  assert.match(String(rows.find(({ check }) => check === "memory")!.detail), /sound/);
});

test("help names every command and exits with 0, a missing command with 2", async () => {
  const help = await taskmem(["--help"]);
  assert.equal(help.code, 0);
  for (const name of [
    "watch",
    "ask",
    "timeline",
    "export",
    "import",
    "forget",
    "remember",
    "tasks",
    "adapt",
    "train",
    "bench",
    "doctor",
    "prompt",
    "demo",
  ])
    assert.match(help.stdout, new RegExp(`\\b${name}\\b`));
  assert.equal((await taskmem(["wach"])).code, 2);
});
