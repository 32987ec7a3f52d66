/** Live sources on the command line: why one does not connect, Ctrl-C meanwhile, and a process without descriptors. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join, resolve } from "node:path";
import { test as nodeTest } from "node:test";
import { taskmem, temporaryFolder } from "./support/cli.ts";
import { inventedVideo } from "./support/media.ts";

const test = (name: string, body: () => Promise<void>) => nodeTest(name, { timeout: 120_000 }, body);
const folder = temporaryFolder();
const main = resolve(import.meta.dirname, "../src/cli/main.ts");

test("a camera that is not there: the reason as an event, then exit code 3", async () => {
  const args = ["watch", "rtsp://anna:geheim@127.0.0.1:9/door", "--stream", "door", "--connect-timeout", "1"];
  const { code, rows, stdout, stderr } = await taskmem([...args, "--json", "--memory", join(folder, "door")]);
  assert.equal(code, 3, stderr);
  const status = rows.find(({ event }) => event === "source-status");
  assert.equal(status?.stream, "door");
  assert.equal(status?.state, "connecting");
  assert.match(String(status?.reason), /nothing listens at 127\.0\.0\.1:9/);
  assert.deepEqual(rows.at(-1)?.code, "source-down");
  assert.doesNotMatch(stdout + stderr, /geheim/);
});

for (const url of ["rtsp://127.0.0.1:9/door", "http://127.0.0.1:9/door.m3u8"]) {
  test(`Ctrl-C while ${url} does not connect ends with 130`, async () => {
    const args = ["watch", url, "--connect-timeout", "0", "--json", "--memory", join(folder, "stopped")];
    const { code } = await taskmem(args, {
      onLine: (line, child) => /source-status/.test(line) && child.kill("SIGINT"),
    });
    assert.equal(code, 130);
  });
}

test("a connect timeout that is no number is refused", async () => {
  const { code, stderr } = await taskmem(["watch", "rtsp://127.0.0.1:9/door", "--connect-timeout", "soon"]);
  assert.equal(code, 2);
  assert.match(stderr, /connectTimeoutSeconds/);
});

test("without descriptors for ffmpeg it says how to raise the limit", async () => {
  const video = inventedVideo(folder, 4);
  const script = 'ulimit -n 30; exec "$0" "$@"';
  const args = [main, "watch", video, "--no-screen-text", "--memory", join(folder, "few")];
  const { promise, resolve: done } = Promise.withResolvers<{ code: unknown; stderr: string }>();
  execFile("sh", ["-c", script, process.execPath, ...args], (error, _, stderr) =>
    done({ code: error?.code ?? 0, stderr }),
  );
  const { code, stderr } = await promise;
  assert.equal(code, 2, stderr);
  assert.match(stderr, /no more files may be opened.*ulimit -n/);
});
