/** Sources that do not connect, against servers that refuse, hang or send something else: the reason, soon. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { after, test as nodeTest } from "node:test";
import { isTaskMemError } from "../../errors.ts";
import type { SourceStatus } from "../clip.ts";
import { openSource, type SourceOptions } from "../open-source.ts";

const test = (name: string, body: () => Promise<void>) => nodeTest(name, { timeout: 60_000 }, body);

const answers: Record<string, RequestListener> = {
  "/401": (_, response) => response.writeHead(401, { "www-authenticate": 'Basic realm="camera"' }).end(),
  "/404": (_, response) => response.writeHead(404).end(),
  "/page": (_, response) => response.end("<html>The camera is on another page.</html>"),
  "/hang": () => {},
};
const web = createServer((request, response) =>
  answers[request.url!.split("?")[0]!]!(request, response),
).listen(0, "127.0.0.1");
const silent = createTcpServer(() => {}).listen(0, "127.0.0.1");
await Promise.all([once(web, "listening"), once(silent, "listening")]);
after(() => {
  web.closeAllConnections();
  web.close();
  silent.close().unref();
});
const portOf = (server: { address(): AddressInfo | string | null }) => (server.address() as AddressInfo).port;

/** Time for ffmpeg to start and be refused, on a busy machine too. */
const connectTimeoutSeconds = 4;

/** The error and the statuses of a source that never connects. */
async function unconnected(url: string, options: SourceOptions = {}) {
  const statuses: SourceStatus[] = [];
  const onStatus = (status: SourceStatus) => statuses.push(status);
  const error = await openSource(url, { connectTimeoutSeconds, onStatus, ...options })
    .then(async (source) => {
      for await (const _ of source.open({ onStatus }));
    })
    .then(
      () => null,
      (reason: unknown) => reason,
    );
  assert.ok(isTaskMemError(error, "source-down"), `${url}: ${error}`);
  const said = [error.message, ...statuses.map(({ reason, source }) => `${source}: ${reason}`)];
  assert.ok(
    said.every((text) => !/geheim|token/.test(text)),
    said.join("\n"),
  );
  return { message: error.message, statuses };
}

for (const [path, reason] of [
  ["/404", /nothing at \/404 \(404\)/],
  ["/page", /neither video nor audio/],
] as const) {
  test(`a URL that answers ${path} says so at once, and ends when its time is over`, async () => {
    const url = `http://anna:geheim@127.0.0.1:${portOf(web)}${path}?token=1`;
    const { message, statuses } = await unconnected(url);
    assert.match(message, reason);
    assert.equal(statuses[0]!.state, "connecting");
    assert.match(statuses[0]!.reason, reason);
  });
}

test("a password that is refused ends it at the first try, whatever the time", async () => {
  const url = `http://anna:geheim@127.0.0.1:${portOf(web)}/401`;
  const { message } = await unconnected(url, { connectTimeoutSeconds: 0 });
  assert.match(message, /refuses the user name or the password.*USER:PASSWORD before @/);
});

test("servers that take the connection and send nothing are given up", async () => {
  for (const url of [`http://127.0.0.1:${portOf(web)}/hang`, `tcp://127.0.0.1:${portOf(silent)}`]) {
    const { message, statuses } = await unconnected(url, {
      connectTimeoutSeconds: 1,
      live: { remindMs: 300 },
    });
    assert.match(message, /no answer/);
    assert.match(statuses[0]!.reason, /no answer yet/);
  }
});

test("nothing listens, no such protocol, no such device", async () => {
  assert.match((await unconnected("rtsp://127.0.0.1:9/cam")).message, /nothing listens at 127\.0\.0\.1:9/);
  assert.match((await unconnected("nosuch://127.0.0.1/cam")).message, /no nosuch:\/\/ URLs/);
  assert.match((await unconnected("v4l2:/dev/no-such-camera")).message, /no-such-camera/);
});

test("without a limit it says why again and again, until it is stopped", async () => {
  const stop = new AbortController();
  let said = 0;
  const onStatus = () => {
    if (++said === 3) stop.abort();
  };
  const source = await openSource("tcp://127.0.0.1:9", {
    connectTimeoutSeconds: 0,
    live: { remindMs: 100, reconnectMs: 50 },
  });
  await assert.rejects(
    async () => {
      for await (const _ of source.open({ onStatus, signal: stop.signal }));
    },
    { name: "AbortError" },
  );
  assert.equal(said, 3);
});
