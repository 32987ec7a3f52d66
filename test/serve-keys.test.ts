/**
 * Keys of a server: what one space's key gets of another space, on every route there is, what a scope allows, wrong and removed
 * keys, limits, and tickets.
 */
import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { Keys, type Served, serve } from "../src/http/index.ts";
import { openTaskMem } from "../src/taskmem.ts";
import { temporaryFolder } from "./support/cli.ts";
import { client } from "./support/http.ts";
import { observationOf } from "./support/memory.ts";
import { testPostgres } from "./support/postgres.ts";

const folder = temporaryFolder();
const postgres = await testPostgres();
after(() => rmSync(folder, { recursive: true }));

/** Who asks of which space. */
interface Asker {
  readonly space: string;
  readonly key?: string | undefined;
  readonly ticket?: string;
}

/** What nothing that another key gets may hold. */
const secret = /4711/;

/** A memory whose every kind of thing holds the secret. @returns an id for each name that a path may have */
async function secretMemory(directory: string): Promise<Record<string, string>> {
  const talk = join(folder, "talk.srt");
  const lines = ["The gate code is 4711.", "The cellar code is 4711 too.", "Nobody else knows 4711."];
  const stamp = (i: number) => `${i + 1}\n00:00:${10 * i + 11},000 --> 00:00:${10 * i + 14},000`;
  writeFileSync(talk, lines.map((line, i) => `${stamp(i)}\nAnn: ${line}\n`).join("\n"));
  await using memory = await openTaskMem({ directory, adapt: { auto: false }, embedder: { meaning: "off" } });
  await memory.watch(talk, { stream: "door" });
  const { store } = memory;
  const jpeg = Buffer.from("the picture of 4711");
  const frames = [{ atSeconds: 51, width: 4, height: 4, jpeg }];
  await store.addObservation(observationOf("door", 5, { frames }));
  const span = { startSeconds: 50, endSeconds: 60 };
  const statement = { clip: 5, kind: "episodic", ...span, text: "A sign says 4711.", sources: [] } as const;
  const { stored } = await store.commit({
    ...{ stream: "door", clips: [5], policy: "choice", revision: "choice@1", stateChange: null },
    statements: [{ ...statement, speakers: [], frameSeconds: [51] }],
  });
  const { task } = await memory.ask("What is the gate code, 4711?");
  const more = ["What is the cellar code?", "Who knows it?", "What does the sign say?", "Where is the sign?"];
  for (const question of more) await memory.ask(question);
  const { id } = await memory.learn();
  const [{ id: entry, evidence }] = stored as [(typeof stored)[number]];
  return { stream: "door", entry, task: task!, adapter: id!, hash: evidence.frames[0]!.hash };
}

/** What keys keep apart. @param spaces where the memories of a root are */
function keyed(root: string, placeOf: (space: string) => string): void {
  const scopes = ["read", "ask", "write", "forget", "learn", "people", "admin"] as const;
  const keyOf: Record<string, string> = {};
  let ids: Record<string, string>;
  let served: Served;
  let mine: ReturnType<typeof client>;
  let yours: ReturnType<typeof client>;
  before(async () => {
    await using keys = await Keys.open(root);
    for (const space of ["mine", "yours"])
      keyOf[space] = await keys.add({ name: space, spaces: [space], scopes: [...scopes] });
    keyOf.none = await keys.add({ name: "none", spaces: ["mine"], scopes: [] });
    ids = { ...(await secretMemory(placeOf("mine"))), operation: "op_1" };
    served = await serve({ root, port: 0, requestsPerSecond: 10_000 });
    mine = client(served.url, keyOf.mine);
    yours = client(served.url, keyOf.yours);
    assert.equal((await yours.put("/v1/spaces/yours")).status, 201);
  });
  after(() => served.close());

  /** What the space holds. */
  const whole = () =>
    Promise.all(
      ["entries?limit=100", "tasks", "streams", "adapters", "operations"].map(
        async (path) => (await mine.get(`/v1/spaces/mine/${path}`)).json,
      ),
    );

  test("one space's key, a key without a scope and no key get nothing, on any route there is", async () => {
    const { paths } = (await yours.get("/openapi.json")).json as {
      paths: Record<string, Record<string, { operationId: string }>>;
    };
    const requests = Object.entries(paths)
      .filter(([path]) => path.startsWith("/v1/spaces/{space}"))
      .flatMap(([path, methods]) => Object.entries(methods).map(([method, of]) => ({ path, method, ...of })))
      // With its own key what removes comes last.
      .sort((a, b) => Number(a.method === "delete") - Number(b.method === "delete"));
    assert.ok(requests.length > 40);
    const bodies: Readonly<Record<string, object>> = {
      ...{ ask: { question: "What is the gate code?" }, trace: { question: "What is the gate code?" } },
      ...{ explain: { question: "What is the gate code?", expected: "4711" }, recall: { query: "code" } },
      ...{ remember: { text: "Added." }, feedback: { verdict: "wrong" }, forget: { query: "code" } },
      ...{
        keep: { stream: "door", text: "The gate code is 4711." },
        people: { op: "list" },
      },
      ...{
        pause: { paused: false },
        close: { reason: "x" },
        record: { question: "Who?" },
        watch: { source: "/a.mp4" },
        push: { items: [{ text: "Pushed." }] },
      },
      ...{ chat: { messages: [{ role: "user", content: "What is the gate code?" }] } },
      mcp: { jsonrpc: "2.0", id: 1, method: "tools/list" },
    };
    const queries: Readonly<Record<string, string>> = { media: "?from=11&to=14" };
    const ask = async (
      { path, method, operationId }: (typeof requests)[number],
      { space, key, ticket }: Asker,
    ) => {
      const filled = path.replace("{space}", space).replace(/\{(\w+)\}/g, (_, name: string) => ids[name]!);
      const query = ticket === undefined ? (queries[operationId] ?? "") : `?from=11&ticket=${ticket}`;
      const body = ["post", "put", "patch"].includes(method) ? (bodies[operationId] ?? {}) : undefined;
      const response = await fetch(`${served.url}${filled}${query}`, {
        method: method.toUpperCase(),
        headers: {
          ...{ accept: "application/json, text/event-stream", "content-type": "application/json" },
          ...(key !== undefined && { authorization: `Bearer ${key}` }),
        },
        ...(body && { body: JSON.stringify(body) }),
      });
      // Events that are allowed do not end.
      const isEndless = response.ok && operationId === "events";
      if (isEndless) await response.body!.cancel();
      const text = isEndless ? "" : await response.text();
      return { status: response.status, type: response.headers.get("content-type"), text };
    };
    const before = await whole();
    const { ticket } = (await yours.post("/v1/spaces/yours/tickets", {})).json;
    const others: readonly (Asker & { readonly who: string; readonly refusal: number })[] = [
      { who: "another space's key", space: "mine", key: keyOf.yours, refusal: 403 },
      { who: "another space's key, spelled out", space: "%6dine", key: keyOf.yours, refusal: 403 },
      {
        who: "another space's key, on a way out",
        space: "yours%2f..%2fmine",
        key: keyOf.yours,
        refusal: 403,
      },
      { who: "another space's ticket", space: "mine", ticket, refusal: 401 },
      { who: "a key without a scope", space: "mine", key: keyOf.none, refusal: 403 },
      { who: "no key", space: "mine", refusal: 401 },
    ];
    for (const request of requests)
      for (const { who, refusal, ...as } of others) {
        const { status, type, text } = await ask(request, as);
        const what = `${request.method} ${request.path} with ${who}: ${status} ${text.slice(0, 300)}`;
        assert.equal(status, refusal, what);
        assert.equal(type, "application/problem+json", what);
        assert.doesNotMatch(text, secret, what);
      }
    assert.deepEqual(await whole(), before, "nothing was changed either");
    assert.deepEqual((await yours.get("/v1/spaces")).json.spaces, [{ space: "yours", scopes: [...scopes] }]);
    // It was not the requests that were wrong: with a key of the space each is answered, many with the secret.
    const own = { space: "mine", key: keyOf.mine };
    const { operation } = JSON.parse(
      (await ask(requests.find((one) => one.operationId === "learn")!, own)).text,
    );
    ids.operation = operation;
    let told = 0;
    for (const request of requests) {
      const { status, text } = await ask(request, own);
      // A recording is not pushed to; the server has no queue.
      const without = { push: 409, watch: 400, unwatch: 400, watches: 400 }[request.operationId];
      const what = `${request.method} ${request.path}: ${status} ${text.slice(0, 300)}`;
      assert.ok(without === undefined ? status < 300 : status === without, what);
      told += Number(secret.test(text));
    }
    assert.ok(told >= 10, `${told} answers hold it`);
    assert.equal((await mine.put("/v1/spaces/mine")).status, 201);
  });

  test("metrics, which tell of all spaces, need a key of the server's owner", async () => {
    // Its key may do everything, in one space.
    const refused = await mine.get("/metrics");
    assert.deepEqual([refused.status, refused.json.code], [403, "forbidden"]);
    assert.equal((await client(served.url).get("/metrics")).status, 401);
    await using keys = await Keys.open(root);
    const owner = await keys.add({ name: "owner", spaces: ["*"], scopes: ["admin"] });
    assert.match(
      (await client(served.url, owner).get("/metrics")).text,
      /^# HELP taskmem_http_requests_total/,
    );
  });

  test("a key that only asks does not read through MCP", async () => {
    await using keys = await Keys.open(root);
    const asks = client(served.url, await keys.add({ name: "asks", spaces: ["mine"], scopes: ["ask"] }));
    const refused = await asks.post("/v1/spaces/mine/mcp", { jsonrpc: "2.0", id: 1, method: "tools/list" });
    assert.deepEqual([refused.status, refused.json.code], [403, "forbidden"]);
    const reads = await keys.add({ name: "reads", spaces: ["mine"], scopes: ["ask", "read"] });
    const host = new Client({ name: "host", version: "1" });
    const requestInit = { headers: { authorization: `Bearer ${reads}` } };
    await host.connect(
      new StreamableHTTPClientTransport(new URL(`${served.url}/v1/spaces/mine/mcp`), { requestInit }),
    );
    const { tools } = await host.listTools();
    await host.close();
    assert.ok(tools.every(({ annotations }) => annotations!.readOnlyHint));
    assert.ok(tools.some(({ name }) => name === "memory_ask"));
  });

  test("without a key, with a wrong one and with a removed one nothing is served", async () => {
    const path = "/v1/spaces/mine/entries";
    await using keys = await Keys.open(root);
    const short = await keys.add({ name: "short", spaces: ["mine"], scopes: ["read"] });
    assert.equal((await client(served.url, short).get(path)).status, 200);
    assert.equal((await client(served.url, short).post(path, { text: "no" })).status, 403);
    await keys.remove((await keys.list()).at(-1)!.id);
    for (const key of [undefined, "", "tm_x", `${short.slice(0, -1)}_`, short]) {
      const { status, json, headers } = await client(served.url, key).get(path);
      assert.deepEqual([status, json.code, headers.get("www-authenticate")], [401, "unauthorized", "Bearer"]);
    }
    assert.ok(!JSON.stringify(await keys.list()).includes(short.slice(16)));
  });
}

describe("memories over HTTP, with keys", () => {
  const root = join(folder, "keyed");
  keyed(root, (space) => join(root, space));
});
describe("memories over HTTP, with keys in a Postgres", { skip: "skip" in postgres && postgres.skip }, () => {
  if (!("skip" in postgres)) keyed(postgres.address, postgres.url);
});

test("a key may ask so often, and is told when it asked too often", async () => {
  const limited = join(folder, "limited");
  const key = await (await Keys.open(limited)).add({ name: "one", spaces: ["*"], scopes: ["read", "admin"] });
  const slow = await serve({ root: limited, port: 0, requestsPerSecond: 0.5 });
  try {
    const some = await Promise.all(Array.from({ length: 40 }, () => client(slow.url, key).get("/v1/spaces")));
    const refused = some.filter(({ status }) => status === 429);
    // One at first, and one more in two seconds, however slow the machine is.
    assert.ok(refused.length > 0 && refused.length < 40, `${refused.length} refused`);
    assert.equal(refused[0]!.headers.get("retry-after"), "1");
  } finally {
    await slow.close();
  }
});

test("others' addresses need a key", async () => {
  await assert.rejects(serve({ root: join(folder, "none"), port: 0, host: "0.0.0.0" }), {
    code: "keys-missing",
  });
});
