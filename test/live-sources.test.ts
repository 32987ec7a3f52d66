/** Live sources on the command line: why one does not connect, Ctrl-C meanwhile, and a process without descriptors. */
import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import { test as nodeTest } from "node:test";
import { requireProgram } from "../src/util/program.ts";
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
  const timeline = await taskmem(["timeline", "--memory", join(folder, "door")]);
  assert.match(timeline.stdout + timeline.stderr, /nothing listens at 127\.0\.0\.1:9/);
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

/** Serves a film as a broadcast that stops after its first half, later as a file. */
async function broadcaster(film: Buffer) {
  let isFile = false;
  const asFile = (response: ServerResponse, range: string | undefined) => {
    const from = Number(/bytes=(\d+)-/.exec(range ?? "")?.[1] ?? 0);
    const headers = {
      "content-range": `bytes ${from}-${film.length - 1}/${film.length}`,
      "accept-ranges": "bytes",
    };
    response.writeHead(206, { ...headers, "content-length": film.length - from }).end(film.subarray(from));
  };
  const server = createServer(({ headers }, response) => {
    if (isFile) return asFile(response, headers.range);
    let sent = 0;
    const timer = setInterval(() => {
      if (sent >= film.length / 2) return clearInterval(timer);
      response.write(film.subarray(sent, sent + film.length / 24));
      sent += film.length / 24;
    }, 100);
    response.on("close", () => clearInterval(timer));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/hall.ts`,
    becomeFile: () => {
      isFile = true;
      server.closeAllConnections();
    },
    [Symbol.dispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

test("a broadcast that was watched continues with its recording at the same URL", async () => {
  const film = join(folder, "hall.ts");
  const input = ["-f", "lavfi", "-i", "testsrc2=size=64x36:rate=5:duration=80"];
  execFileSync(requireProgram("ffmpeg"), ["-v", "error", ...input, "-c:v", "mpeg2video", "-g", "5", film]);
  using server = await broadcaster(readFileSync(film));
  const memory = join(folder, "hall");
  const args = ["watch", server.url, "--no-screen-text", "--clip-seconds", "2", "--json", "--memory", memory];
  const stops = (line: string) => (JSON.parse(line) as { clip?: number }).clip !== undefined;
  const live = await taskmem(args, { onLine: (line, child) => stops(line) && child.kill("SIGINT") });
  assert.equal(live.code, 130, live.stderr);
  server.becomeFile();
  const clipsOf = (run: typeof live) =>
    run.rows.filter(({ event }) => event === "clip-end").map(({ clip }) => clip as number);
  const recorded = await taskmem(args);
  assert.equal(recorded.code, 0, recorded.stderr);
  const clips = [...clipsOf(live), ...clipsOf(recorded)];
  assert.deepEqual(
    clips,
    clips.map((_, i) => clips[0]! + i),
    "every clip once",
  );
  assert.ok(clips.length >= 39, `${clips}`);
  assert.deepEqual(clipsOf(await taskmem(args)), []);
});

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
