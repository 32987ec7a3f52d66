import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type Fault, type ServerOptions, startOpenAiServer } from "../../../test/support/openai-server.ts";
import { EngineError } from "../../errors.ts";
import type { EndpointOptions } from "./client.ts";
import { openaiModel } from "./model.ts";
import { openPool } from "./pool.ts";

const request = (text: string) => ({ parts: [{ type: "text", text: `Mira: ${text}` }] }) as const;
const lost: Fault = { kind: "answer", respond: (response) => response.destroy() };

/** As many servers as options, and one model behind all of them. */
async function connected(
  t: TestContext,
  servers: readonly Partial<ServerOptions>[],
  options: Partial<EndpointOptions> = {},
) {
  const running = await Promise.all(
    servers.map((server) => startOpenAiServer({ models: ["eyes"], ...server })),
  );
  for (const server of running) t.after(() => server.close());
  const baseURL = running.map((server) => server.baseURL);
  const model = openaiModel({ baseURL, model: "eyes", retryMs: 1, ...options });
  return { servers: running, model };
}

test("an endpoint that dies within 200 calls loses none, is tried now and then, and serves when it is back", async (t) => {
  const { servers, model } = await connected(t, [{}, {}, {}], { concurrency: 2 });
  const [, mortal] = servers as [unknown, (typeof servers)[1]];
  const served = () => servers.reduce((sum, { requests }) => sum + requests.length, 0);
  let [failed, servedAgain] = [0, 0];
  mortal.setFaults(({ index }) => {
    const isDead = index >= 10 && served() < 150;
    if (isDead) failed++;
    else if (failed > 0) servedAgain++;
    return isDead ? lost : undefined;
  });
  const said = Array.from({ length: 200 }, (_, i) => `word${i}.`);
  const answers = await Promise.all(said.map((text) => model.generate(request(text))));
  for (const [i, { completions }] of answers.entries()) assert.match(completions[0]!.text, RegExp(said[i]!));
  assert.equal(model.cost().calls, 200);
  // Two were in flight when it died. Rests of 1, 2, 4, … ms leave at most 16 attempts in a minute.
  assert.ok(failed >= 1 && failed <= 2 + 16, `${failed} attempts at the dead endpoint`);
  while (servedAgain === 0) await model.generate(request("Still there?"));
});

test("a slow endpoint holds no more calls than it may, and the others serve the rest", async (t) => {
  const { servers, model } = await connected(t, [{}, {}], { concurrency: 2 });
  const [slow, quick] = servers;
  const others = Promise.withResolvers<void>();
  slow!.setFaults(async () => {
    await others.promise;
    return undefined;
  });
  quick!.setFaults(({ index }) => {
    if (index === 17) others.resolve();
    return undefined;
  });
  await Promise.all(Array.from({ length: 20 }, () => model.generate(request("hello"))));
  assert.deepEqual(
    servers.map(({ requests }) => requests.length),
    [2, 18],
  );
});

test("while all endpoints fail, a call backs off as with one, and succeeds when one is back", async (t) => {
  const { servers, model } = await connected(t, [{}, {}, {}], { maxRetries: 2 });
  for (const server of servers) server.setFaults(() => lost);
  const counts = () => servers.map(({ requests }) => requests.length);
  await assert.rejects(model.generate(request("hello")), { code: "unreachable", isRetryable: true });
  // One attempt at each, then one after each of two back-offs.
  assert.equal(
    counts().reduce((a, b) => a + b),
    5,
  );
  for (const server of servers) server.setFaults(undefined);
  await model.generate(request("hello"));
});

test("an endpoint that asks for patience rests as long as it says, and its call succeeds elsewhere at once", async (t) => {
  const { servers, model } = await connected(t, [{}, {}], { retryMs: 3_600_000, random: () => 1 });
  servers[0]!.setFaults(() => ({ kind: "status", status: 429, retryAfter: "3600" }));
  for (let i = 0; i < 10; i++) await model.generate(request("hello"));
  assert.deepEqual(
    servers.map(({ requests }) => requests.length),
    [1, 10],
  );
});

test("a key that one endpoint refuses is an error that names this endpoint", async (t) => {
  const { servers, model } = await connected(t, [{}, { apiKey: "another" }], { apiKey: "sk-pool-key" });
  const { host } = new URL(servers[1]!.baseURL);
  const both = async () => {
    for (let i = 0; i < 2; i++) await model.generate(request("hello"));
  };
  await assert.rejects(both(), { code: "unauthorized", message: RegExp(`^${host} .*refused the key`) });
});

test("a feature that one endpoint refuses is given up for all, and the model's id stays the same", async (t) => {
  const { servers, model } = await connected(t, [{ refuses: ["n"] }, {}]);
  const { completions } = await model.generate({ ...request("hello"), n: 3 });
  assert.equal(completions.length, 3);
  assert.ok(servers[1]!.requests.every(({ body }) => body.n === undefined));
  assert.equal(model.id, "openai:eyes");
});

/** Attempts at a pool that end when the test says so. */
function attempting(pool: ReturnType<typeof openPool<string>>) {
  const open: { at: string; end: (failure?: EngineError) => void }[] = [];
  const begin = () => {
    const done = pool.run(
      (at) => {
        const { promise, resolve, reject } = Promise.withResolvers<void>();
        open.push({ at, end: (failure) => (failure ? reject(failure) : resolve()) });
        return promise;
      },
      { tried: new Set() },
    );
    return done.catch(() => undefined);
  };
  return { open, begin, places: () => open.map(({ at }) => at).join("") };
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));
const failure = new EngineError("unavailable", "down", { isRetryable: true });

test("a failed endpoint is tried by one attempt after its rest, which doubles until one succeeds", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  const { open, begin, places } = attempting(openPool(["a", "b"], { concurrency: 2, restMs: 1000 }));
  void begin();
  open[0]!.end(failure);
  await settled();
  for (let i = 0; i < 3; i++) void begin();
  await settled();
  assert.equal(places(), "abb"); // the third waits: b has its two, a rests
  t.mock.timers.tick(999);
  await settled();
  assert.equal(places(), "abb");
  t.mock.timers.tick(1);
  await settled();
  assert.equal(places(), "abba");
  open[3]!.end(failure);
  void begin();
  await settled();
  t.mock.timers.tick(1999);
  await settled();
  assert.equal(places(), "abba");
  t.mock.timers.tick(1);
  void begin();
  await settled();
  assert.equal(places(), "abbaa"); // one attempt, though a could take two
  open[4]!.end();
  await settled();
  void begin();
  await settled();
  assert.equal(places(), "abbaaaa");
});

test("attempts that were in flight when an endpoint failed count as one failure", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  const { open, begin, places } = attempting(openPool(["a", "b"], { concurrency: 3, restMs: 1000 }));
  for (let i = 0; i < 6; i++) void begin();
  for (const { at, end } of [...open]) if (at === "a") end(failure);
  await settled();
  t.mock.timers.tick(1000);
  void begin();
  await settled();
  assert.equal(places(), "abababa");
});
