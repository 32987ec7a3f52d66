/** A process that may open few files does what it can, or says so; what the system's limit is, it names. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { temporaryFolder } from "./support/cli.ts";
import { inventedSubtitles, inventedVideo } from "./support/media.ts";

const main = resolve(import.meta.dirname, "../src/cli/main.ts");
const skip = process.platform === "win32" && "no limit of open files on Windows";

/** Runs the command line where the shell allows so many open files. */
function withFiles(limit: number, args: readonly string[]): Promise<{ code: number; stderr: string }> {
  const shell = ["-c", `ulimit -n ${limit}; exec "$@"`, "sh", process.execPath, main, ...args];
  return new Promise((done) => {
    execFile("sh", shell, (error, _, stderr) => done({ code: Number(error?.code ?? 0), stderr }));
  });
}

test("with few open files a command works or says that no more may be opened, without a stack", {
  skip,
}, async () => {
  const folder = temporaryFolder();
  const video = inventedVideo(folder, 4);
  const texts = join(folder, "talk.srt");
  mkdirSync(join(folder, "memories"));
  writeFileSync(texts, inventedSubtitles(20));
  const ends = new Set<number>();
  // With still fewer, Node.js itself cannot load what this program is made of.
  for (const [source, limits] of [
    [texts, [40, 26, 24]],
    [video, [64, 34, 32, 28]],
  ] as const) {
    for (const limit of limits) {
      const memory = join(folder, "memories", `${limit}`);
      const args = ["watch", source, "--no-screen-text", "--memory", memory];
      const { code, stderr } = await withFiles(limit, args);
      ends.add(code);
      assert.doesNotMatch(stderr, /\n\s+at /, `${limit}: ${stderr}`);
      if (code !== 0) assert.match(stderr, /no more files may be opened.*ulimit -n/, `${limit}: ${stderr}`);
      if (limit === limits[0]) assert.equal(code, 0, stderr);
    }
  }
  assert.ok(ends.size > 1);
});
