/** Bad input gets a clear error and an exit code, and the memory stays as it was. */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { taskmem, temporaryFolder } from "./support/cli.ts";
import { inventedSubtitles, inventedVideo } from "./support/media.ts";

const folder = temporaryFolder();
const memory = join(folder, "memory");
const file = (name: string, content: string | Uint8Array) => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};
const timeline = () => taskmem(["timeline", "--json", "--memory", memory]);

let video: string;
before(async () => {
  video = inventedVideo(folder, 20);
  const watched = await taskmem(["watch", video, "--memory", memory]);
  assert.equal(watched.code, 0, watched.stderr);
});

const emptyFolder = join(folder, "empty");
mkdirSync(emptyFolder);
writeFileSync(join(emptyFolder, "readme.doc"), "nothing to watch");

const cases: { name: string; args: () => string[]; code: number; says: RegExp }[] = [
  {
    name: "a missing file",
    args: () => ["watch", join(folder, "nowhere.mp4")],
    code: 3,
    says: /nowhere\.mp4/,
  },
  { name: "a folder without media", args: () => ["watch", emptyFolder], code: 3, says: /empty/ },
  {
    name: "a text file named .mp4",
    args: () => ["watch", file("text.mp4", "this is not a video\n")],
    code: 3,
    says: /text\.mp4/,
  },
  { name: "a zero-byte file", args: () => ["watch", file("zero.mp4", "")], code: 3, says: /zero\.mp4/ },
  {
    name: "an unreachable URL",
    args: () => ["watch", "http://user:secret@127.0.0.1:9/live.m3u8", "--connect-timeout", "1"],
    code: 3,
    says: /127\.0\.0\.1/,
  },
  {
    name: "a subtitle that is none",
    args: () => ["watch", file("novel.srt", "It was a dark night.\nNothing happened.\n")],
    code: 3,
    says: /novel\.srt/,
  },
  {
    name: "a subtitle format that is not read",
    args: () => ["watch", video, "--subtitles", file("talk.xyz", "?")],
    code: 3,
    says: /talk\.xyz/,
  },
  {
    name: "a broken JSONL row",
    args: () => [
      "watch",
      file("rows.jsonl", '{"startSeconds":0,"endSeconds":1,"text":"ok"}\n{"startSeconds":"x"}\n'),
    ],
    code: 3,
    says: /line 2|:2/,
  },
  { name: "an unknown flag", args: () => ["watch", video, "--wat"], code: 2, says: /--wat/ },
  {
    name: "a wrong option",
    args: () => ["watch", video, "--clip-seconds", "none"],
    code: 2,
    says: /clipSeconds/,
  },
  {
    name: "a memory where a file is",
    args: () => ["watch", video, "--memory", file("plain", "x")],
    code: 5,
    says: /plain/,
  },
  {
    name: "a memory that cannot be written",
    args: () => ["watch", video, "--memory", "/proc/taskmem"],
    code: 5,
    says: /\/proc\/taskmem/,
  },
  {
    name: "a memory that is not there",
    args: () => ["ask", "what?", "--memory", join(folder, "none")],
    code: 2,
    says: /taskmem watch/,
  },
  {
    name: "a stream that is not there",
    args: () => ["timeline", "--stream", "other", "--memory", memory],
    code: 3,
    says: /other/,
  },
  {
    name: "a moment that is none",
    args: () => ["ask", "what?", "--as-of", "noon", "--memory", memory],
    code: 2,
    says: /--as-of/,
  },
  {
    name: "a single option",
    args: () => ["ask", "what?", "--option", "A", "--memory", memory],
    code: 2,
    says: /--option/,
  },
  {
    name: "forgetting nothing in particular",
    args: () => ["forget", "--memory", memory],
    code: 2,
    says: /--stream/,
  },
  {
    name: "an import of something else",
    args: () => ["import", emptyFolder, "--memory", memory],
    code: 3,
    says: /empty/,
  },
];

for (const { name, args, code, says } of cases) {
  test(`${name} is refused with exit code ${code} and nothing is lost`, async () => {
    const earlier = await timeline();
    const given = args();
    const run = await taskmem(given.includes("--memory") ? given : [...given, "--memory", memory]);
    assert.equal(run.code, code, run.stderr);
    assert.match(run.stderr, says);
    assert.doesNotMatch(run.stderr, /\n\s+at /, "no stack trace");
    assert.doesNotMatch(run.stderr, /secret/, "no secret");
    assert.deepEqual((await timeline()).rows, earlier.rows);
    assert.ok(earlier.rows.length > 0);
  });
}

test("with --json a flag that the command lacks is an error object", async () => {
  const run = await taskmem(["adapt", "rollback", "--polcy", "nano", "--json"]);
  assert.equal(run.code, 2);
  const message = "unknown option '--polcy' (Did you mean --policy?)";
  assert.deepEqual(run.rows, [{ event: "error", error: "ConfigError", code: "flags-invalid", message }]);
});

test("a truncated video gives the clips it can and a gap for the rest", async () => {
  const whole = inventedVideo(folder, 60, { name: "cut" });
  const fast = join(folder, "cut-fast.mp4");
  const { execFileSync } = await import("node:child_process");
  execFileSync("ffmpeg", ["-v", "error", "-y", "-i", whole, "-c", "copy", "-movflags", "+faststart", fast]);
  truncateSync(fast, Math.floor(readFileSync(fast).length / 2));
  const run = await taskmem([
    "watch",
    fast,
    "--subtitles",
    join(folder, "cut.srt"),
    "--json",
    "--memory",
    join(folder, "cut-memory"),
  ]);
  assert.equal(run.code, 7, run.stderr);
  assert.ok(run.rows.filter(({ event }) => event === "clip-end").length >= 2, run.stdout);
  assert.ok(
    run.rows.some(({ event, reason }) => event === "gap" && reason === "unreadable"),
    run.stdout,
  );
});

test("a corrupt memory is refused and left as it is", async () => {
  const path = join(folder, "corrupt");
  mkdirSync(path);
  const bytes = Buffer.alloc(8192, 7);
  writeFileSync(join(path, "memory.db"), bytes);
  const run = await taskmem(["ask", "what?", "--memory", path]);
  assert.equal(run.code, 5, run.stderr);
  assert.match(run.stderr, /corrupt/);
  assert.deepEqual(readFileSync(join(path, "memory.db")), bytes);
});

test("texts with an invented talk are watched without a picture", async () => {
  const path = file("talk.srt", inventedSubtitles(60));
  const run = await taskmem(["watch", path, "--json", "--memory", join(folder, "texts")]);
  assert.equal(run.code, 0, run.stderr);
  assert.ok(Number(run.rows.at(-1)?.entries) > 0);
});
