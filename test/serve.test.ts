/**
 * Memories over HTTP: each route with what it answers and how it refuses, spaces that keys keep apart, changes that resume, the
 * OpenAI-compatible endpoint and MCP, a push that survives a kill, and requests that make no sense.
 */
import assert from "node:assert/strict";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { verbs } from "../src/contract/index.ts";
import { openaiModel } from "../src/engines/openai/index.ts";
import { Keys, type Served, serve } from "../src/http/index.ts";
import { verbRoutes } from "../src/http/routes.ts";
import type { MemoryRow } from "../src/memory/memory.ts";
import { openTaskMem } from "../src/taskmem.ts";
import { seededRandom } from "../src/util/random.ts";
import { taskmem, temporaryFolder } from "./support/cli.ts";
import { startOpenAiServer } from "./support/openai-server.ts";

const folder = temporaryFolder();
after(() => rmSync(folder, { recursive: true }));

// biome-ignore lint/suspicious/noExplicitAny: bodies are compared, not typed
type Json = any;

/** Requests with a key. */
function client(url: string, key?: string) {
  const ask = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        ...(key !== undefined && { authorization: `Bearer ${key}` }),
        ...(body !== undefined && { "content-type": "application/json" }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const type = response.headers.get("content-type") ?? "";
    const json = type.includes("json") ? JSON.parse(text) : {};
    return { status: response.status, type, text, json, headers: response.headers };
  };
  return {
    get: (path: string, headers?: Record<string, string>) => ask("GET", path, undefined, headers),
    post: (path: string, body: unknown, headers?: Record<string, string>) => ask("POST", path, body, headers),
    put: (path: string, body: unknown = {}) => ask("PUT", path, body),
    delete: (path: string) => ask("DELETE", path),
  };
}

/** The end of an operation, from the answer that began it. */
async function ended(api: ReturnType<typeof client>, begun: { headers: Headers }): Promise<Json> {
  while (true) {
    const { json } = await api.get(begun.headers.get("location")!);
    if (json.state !== "running") return json;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

describe("memories over HTTP, for this machine alone", () => {
  let served: Served;
  let api: ReturnType<typeof client>;
  const home = "/v1/spaces/home";
  before(async () => {
    served = await serve({ root: join(folder, "open"), port: 0, version: "1.2.3" });
    api = client(served.url);
    assert.equal((await api.put(home)).status, 201);
    assert.equal((await api.put(home)).status, 200);
  });
  after(() => served.close());

  test("a fact is kept once, found, answered from, shown with its evidence, and forgotten with a token", async () => {
    const fact = { text: "The spare key hangs behind the blue door." };
    const once = { "idempotency-key": "fact-1" };
    const kept = await api.post(`${home}/entries`, fact, once);
    const again = await api.post(`${home}/entries`, fact, once);
    assert.deepEqual([kept.json.entry, again.json.duplicate], [again.json.entry, true]);
    const asked = await api.post(`${home}/ask`, { question: "Where does the spare key hang?" });
    assert.match(asked.json.answer, /blue door/);
    const { citations, task } = asked.json;
    assert.equal(citations[0]!.entry, kept.json.entry);
    const found = await api.post(`${home}/recall`, { query: "spare key", limit: 1 });
    assert.equal(found.json.entries.length, 1);
    const listed = await api.get(`${home}/entries?limit=1`);
    assert.equal(listed.json.entries[0]!.entry, kept.json.entry);
    const evidence = await api.get(`${home}/entries/${kept.json.entry}`);
    assert.equal(evidence.json.entry.text, fact.text);
    const noted = await api.put(`${home}/tasks/${task}/feedback`, { verdict: "right" });
    assert.deepEqual(noted.json, { task, verdict: "right" });
    assert.equal((await api.get(`${home}/tasks`)).json.tasks.length, 1);
    assert.equal((await api.get(`${home}/adapters?limit=5`)).status, 200);
    const begun = await api.post(`${home}/learn`, {});
    assert.equal(begun.status, 202);
    const learned = await ended(api, begun);
    assert.deepEqual([learned.state, learned.result.activated], ["done", false]);
    const dry = await api.post(`${home}/forget`, { entries: [kept.json.entry] });
    assert.equal(dry.json.done, false);
    const wrong = await api.post(`${home}/forget`, { entries: [kept.json.entry], confirm: "x" });
    assert.deepEqual([wrong.status, wrong.json.code], [409, "confirm-invalid"]);
    const gone = await api.post(`${home}/forget`, { entries: [kept.json.entry], confirm: dry.json.confirm });
    assert.equal(gone.json.done, true);
    assert.equal((await api.get(`${home}/entries/${kept.json.entry}`)).status, 404);
  });

  test("every refusal is a problem with a code", async () => {
    const refusals: [Promise<{ status: number; type: string; json: Json }>, number, string][] = [
      [api.get("/nowhere"), 404, "not-found"],
      [api.get("/v1/spaces/none/entries"), 404, "space-unknown"],
      [api.get("/v1/spaces/..%2fhome/entries"), 404, "space-unknown"],
      [api.put("/v1/spaces/Home"), 400, "space-invalid"],
      [api.post(`${home}/ask`, { question: "" }), 400, "input-invalid"],
      [api.post(`${home}/ask`, { question: "Where?", user: "other" }), 400, "input-invalid"],
      [api.post(`${home}/ask`, { question: "Where?", streams: ["none"] }), 404, "stream-unknown"],
      [api.post(`${home}/ask`, "{"), 400, "body-invalid"],
      [api.post(`${home}/ask`, "[1]"), 400, "body-invalid"],
      [api.post(`${home}/ask`, { question: "x".repeat(2 ** 21) }), 413, "body-too-large"],
      [api.post(`${home}/explain`, { question: "Where?" }), 400, "expected-missing"],
      [api.get(`${home}/entries?limit=1000`), 400, "input-invalid"],
      [api.get(`${home}/entries?cursor=nonsense`), 400, "cursor-invalid"],
      [api.get(`${home}/entries/none`), 404, "entry-unknown"],
      [api.put(`${home}/tasks/none/feedback`, { verdict: "right" }), 404, "task-unknown"],
      [api.post(`${home}/forget`, {}), 400, "forget-what"],
      [api.get(`${home}/blobs/..`), 404, "not-found"],
      [api.get(`${home}/operations/op_1`), 404, "not-found"],
      [api.get(`${home}/operations/..%2fx`), 404, "not-found"],
      [api.post(`${home}/operations/none/cancel`, {}), 404, "not-found"],
      [api.post(`${home}/streams/door/items`, { items: [] }), 400, "input-invalid"],
      [api.post(`${home}/openai/v1/chat/completions`, { messages: [] }), 400, "input-invalid"],
      [api.get("/healthz", { origin: "https://evil.example" }), 403, "forbidden"],
    ];
    for (const [asked, status, code] of refusals) {
      const { json, type, ...got } = await asked;
      assert.deepEqual([got.status, json.code, type], [status, code, "application/problem+json"], code);
      assert.equal(typeof json.detail, "string");
    }
  });

  test("items are pushed to a stream and answered from, once per id", async () => {
    const items = [
      { text: "The parcel lies in the shed.", speaker: "Ann", id: "1" },
      { text: "The dog is at the vet.", id: "2" },
    ];
    const pushed = await api.post(`${home}/streams/garden/items`, { items });
    assert.equal(pushed.json.items.length, 2);
    const again = await api.post(`${home}/streams/garden/items`, { items: [items[0]] });
    assert.equal(again.json.items[0]!.duplicate, true);
    for (let tries = 0; ; tries++) {
      const { json } = await api.post(`${home}/ask`, {
        question: "Where does the parcel lie?",
        record: false,
      });
      if (/shed/.test(json.answer)) break;
      assert.ok(tries < 100, json.answer);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    assert.deepEqual((await api.get(`${home}/streams`)).json.streams.map((one: Json) => one.stream).sort(), [
      "garden",
      "remembered",
    ]);
  });

  test("a stream is paused and runs again; what is pushed meanwhile is refused", async () => {
    const items = [{ text: "The gate is open.", at: "2026-03-01T08:00:00Z" }];
    const door = `${home}/streams/gate`;
    assert.equal((await api.post(`${door}/items`, { items })).status, 200);
    const paused = await api.put(`${door}/pause`, { paused: true });
    assert.match(paused.json.pausedAt, /^20\d\d-/);
    const { streams } = (await api.get(`${home}/streams`)).json;
    assert.equal(streams.find(({ stream }: Json) => stream === "gate").pausedAt, paused.json.pausedAt);
    const refused = await api.post(`${door}/items`, { items });
    assert.deepEqual([refused.status, refused.json.code], [409, "stream-paused"]);
    assert.deepEqual((await api.put(`${door}/pause`, { paused: false })).json, { stream: "gate" });
    assert.equal((await api.post(`${door}/items`, { items })).status, 200);
    assert.equal((await api.put(`${home}/streams/none/pause`, { paused: true })).status, 404);
    assert.equal((await api.put(`${door}/pause`, {})).status, 400);
  });

  test("changes come as events, and resume after the last one seen", async () => {
    const read = async (headers: Record<string, string>, wanted: number, act: () => Promise<unknown>) => {
      const stop = new AbortController();
      const response = await fetch(`${served.url}${home}/events`, { headers, signal: stop.signal });
      let text = "";
      const reading = (async () => {
        for await (const part of response.body!) {
          text += Buffer.from(part).toString();
          if (text.split("\nevent: entry\n").length > wanted) return;
        }
      })();
      await act();
      await reading;
      stop.abort();
      return Array.from(text.matchAll(/id: (\S+)\nevent: (\S+)\ndata: (.*)\n/g), ([, id, kind, data]) => ({
        ...{ id: id!, kind: kind!, data: JSON.parse(data!) as Json },
      })).filter(({ kind }) => kind === "entry");
    };
    const seen = await read({}, 1, () => api.post(`${home}/entries`, { text: "The milk is in the fridge." }));
    assert.equal(seen.length, 1);
    await api.post(`${home}/entries`, { text: "The bread is in the box." });
    const resumed = await read({ "last-event-id": seen[0]!.id }, 1, async () => {});
    assert.equal(resumed.length, 1);
    assert.notEqual(resumed[0]!.data.entry, seen[0]!.data.entry);
  });

  test("learning is an operation: answers come meanwhile, its end is an event, and the same key starts it once", async () => {
    const stop = new AbortController();
    const events = await fetch(`${served.url}${home}/events`, { signal: stop.signal });
    const told = (async () => {
      let text = "";
      for await (const part of events.body!) {
        text += Buffer.from(part).toString();
        const [, data] = /event: operation\ndata: (.*)\n/.exec(text) ?? [];
        if (data !== undefined) return JSON.parse(data) as Json;
      }
    })();
    const key = { "idempotency-key": "lesson-1" };
    const begun = await api.post(`${home}/learn`, {}, key);
    assert.deepEqual([begun.status, begun.json.state, begun.json.kind], [202, "running", "learn"]);
    const beside = await api.post(`${home}/ask`, { question: "Where is the milk?", record: false });
    assert.equal(beside.status, 200);
    const same = await api.post(`${home}/learn`, {}, key);
    assert.equal(same.json.operation, begun.json.operation);
    const end = await told;
    assert.deepEqual([end.operation, end.state], [begun.json.operation, "done"]);
    stop.abort();
    assert.equal((await api.post(`${home}/learn`, {}, key)).json.state, "done");
    assert.equal((await api.get(`${home}/operations`)).json.operations[0]!.operation, begun.json.operation);
    const other = await api.post(`${home}/learn`, {});
    const stopped = await api.post(`${other.headers.get("location")}/cancel`, {});
    assert.equal(stopped.json.state, "cancelled");
  });

  test("what questions start is an operation too, in a process of its own", async () => {
    const space = "/v1/spaces/learner";
    await api.put(space);
    await api.post(`${space}/entries`, { text: "The tram to Hackney stops at the old mill." });
    for (let i = 0; i < 5; i++) await api.post(`${space}/ask`, { question: `Where does tram ${i} stop?` });
    const [operation, ...others] = (await api.get(`${space}/operations`)).json.operations;
    assert.deepEqual([operation.kind, others], ["learn", []]);
    const end = await ended(api, {
      headers: new Headers({ location: `${space}/operations/${operation.operation}` }),
    });
    assert.equal(end.state, "done");
    assert.match(end.result.reason, /^nothing learned yet/);
  });

  test("metrics count requests by route, searches, what is kept and what was learned", async () => {
    await api.post(`${home}/recall`, { query: "milk" });
    await api.get("/nowhere/at/all");
    // What was pushed last is decided within two seconds.
    const behind = async () => !(await api.get("/metrics")).text.includes('clips_behind{space="home"} 0');
    for (let tries = 0; (await behind()) && tries < 100; tries++) await sleep(100);
    const { text, type } = await api.get("/metrics");
    assert.match(type, /^text\/plain; version=0\.0\.4/);
    const value = (row: string) =>
      Number(
        text
          .split("\n")
          .find((line) => line.startsWith(`${row} `))
          ?.split(" ")[1],
      );
    const ask = 'method="POST",route="/v1/spaces/{space}/ask",status="200"';
    assert.ok(value(`taskmem_http_requests_total{${ask}}`) >= 1);
    assert.ok(value('taskmem_http_requests_total{method="GET",route="none",status="404"}') >= 1);
    const recall = 'route="/v1/spaces/{space}/recall"';
    const count = value(`taskmem_http_request_seconds_count{${recall}}`);
    assert.equal(value(`taskmem_http_request_seconds_bucket{${recall},le="+Inf"}`), count);
    assert.ok(count >= 1);
    assert.ok(value("taskmem_recall_seconds_count") >= 1);
    assert.equal(
      value('taskmem_entries{space="home"}'),
      (await api.get(`${home}/entries`)).json.entries.length,
    );
    assert.equal(value('taskmem_clips_behind{space="home"}'), 0);
    assert.ok(value('taskmem_learn_total{outcome="refused"}') >= 1);
    assert.ok(value('taskmem_learn_total{outcome="stopped"}') >= 1);
    assert.ok(value('taskmem_event_loop_delay_seconds{quantile="1"}') >= 0);
    // Every line is a comment or a sample.
    for (const line of text.trimEnd().split("\n"))
      assert.match(line, /^(# (HELP|TYPE) \w+ .+|\w+(\{.*\})? [\d.e+-]+|.* NaN)$/);
  });

  test("a space is a model of an OpenAI-compatible endpoint, streamed too", async () => {
    await api.post(`${home}/entries`, { text: "The train to Leeds leaves at nine." });
    const model = openaiModel({ baseURL: `${served.url}${home}/openai/v1`, model: "space:home" });
    const asked = { parts: [{ type: "text" as const, text: "When does the train to Leeds leave?" }] };
    const { completions } = await model.generate(asked);
    assert.match(completions[0]!.text, /nine/);
    const plain = await api.post(`${home}/openai/v1/chat/completions`, {
      messages: [{ role: "user", content: [{ type: "text", text: asked.parts[0]!.text }] }],
    });
    const [{ message }] = plain.json.choices as [{ message: { content: string; annotations: Json[] } }];
    assert.match(message.content, /nine/);
    assert.equal(message.annotations.length, 1);
    const models = await api.get(`${home}/openai/v1/models`);
    assert.equal(models.json.data[0]!.id, "space:home");
  });

  test("the model of an endpoint is reminded of what memory holds, streamed too", async () => {
    const endpoint = await startOpenAiServer({
      ...{ models: ["small"], faults: () => ({ kind: "content", content: "At nine." }) },
    });
    const reminded = await serve({
      ...{ root: join(folder, "reminded"), port: 0 },
      spaces: { model: { baseUrl: endpoint.baseURL, model: "small" }, reader: "local", policy: "choice" },
    });
    try {
      const other = client(reminded.url);
      await other.put(home);
      await other.post(`${home}/entries`, { text: "The <train> to Leeds leaves at nine." });
      const path = `${home}/openai/v1/chat/completions`;
      const ids = (await other.get(`${home}/openai/v1/models`)).json.data.map(({ id }: Json) => id);
      assert.deepEqual(ids, ["space:home", "reminded:small"]);
      const question = "When does the train to Leeds leave?";
      const asked = { model: "reminded:small", messages: [{ role: "user", content: question }] };
      const answer = await other.post(path, asked);
      assert.equal(answer.json.choices[0].message.content, "At nine.");
      const said = endpoint.requests.at(-1)!.text;
      assert.match(
        said,
        /^When does the train to Leeds leave\?\n<memory [\s\S]*leaves at nine[\s\S]*<\/memory>$/,
      );
      assert.ok(said.includes("‹train>"), "no memory closes the block");
      const streamed = await other.post(path, { ...asked, stream: true });
      assert.match(streamed.type, /^text\/event-stream/);
      assert.match(streamed.text, /"At[\s\S]*nine[\s\S]*\[DONE\]/);
      assert.equal(endpoint.requests.at(-1)!.body.model, "small");
      assert.deepEqual((await other.get(`${home}/tasks`)).json.tasks, []);
      const unknown = await other.post(path, { ...asked, model: "reminded:large" });
      assert.deepEqual([unknown.status, unknown.json.code], [400, "input-invalid"]);
      await endpoint.close();
      const down = await other.post(path, asked);
      assert.deepEqual([down.status, down.json.code], [503, "unreachable"]);
    } finally {
      await reminded.close();
    }
    const none = await api.post(`${home}/openai/v1/chat/completions`, {
      ...{ model: "reminded:small", messages: [{ role: "user", content: "When?" }] },
    });
    assert.deepEqual([none.status, none.json.code], [400, "input-invalid"]);
  });

  test("a space is an MCP server too", async () => {
    const host = new Client({ name: "host", version: "1" });
    await host.connect(new StreamableHTTPClientTransport(new URL(`${served.url}${home}/mcp`)));
    const { tools } = await host.listTools();
    assert.ok(tools.some(({ name }) => name === "memory_ask"));
    await host.close();
  });

  test("the description names every route, with the fields of the contract", async () => {
    const { json } = await api.get("/openapi.json");
    assert.deepEqual([json.openapi, json.info.version], ["3.1.0", "1.2.3"]);
    const paths = json.paths as Record<string, Record<string, { operationId: string; requestBody?: Json }>>;
    const operations = Object.values(paths).flatMap((methods) => Object.values(methods));
    const others = ["cancel", "operation", "operations", "push", "unwatch", "watch", "watches"];
    assert.deepEqual(
      operations.map(({ operationId }) => operationId).sort(),
      [...Object.keys(verbs), ...others].sort(),
    );
    const text = JSON.stringify(paths["/v1/spaces/{space}/ask"]);
    for (const field of ["question", "asOfSeconds", "nearest", "citations"])
      assert.equal(text.includes(`"${field}"`), field !== "nearest", field);
  });

  test("2,000 requests that make no sense to every route are refused, and none brings the server down", async () => {
    const random = seededRandom("hostile");
    const pick = <T>(some: readonly T[]) => some[Math.floor(random() * some.length)]!;
    const values = [
      ...["", "x", -1, 1e99, null, true, [], {}, ["\u0000"], { a: [{}] }, "../..", "\u0000", "__proto__"],
      ...["💥".repeat(50), "' or 1=1 --", "9".repeat(400), "tm_x", [[[[]]]], Number.MIN_VALUE, "2026-13-45"],
    ];
    const fields = [
      ...new Set(
        Object.values(verbs).flatMap(({ input }) =>
          Object.keys((input as unknown as { shape: object }).shape),
        ),
      ),
      ...["items", "messages", "stream", "since", "ticket", "constructor", "__proto__", "jsonrpc", "method"],
    ];
    const inPath = ["%00", "%ff", "a%2fb", "..", "..%2f..", "none", "%F0%9F%92%A5", "a".repeat(300)];
    const others = [
      ...["/streams/{x}/items", "/streams/{x}/media", "/blobs/{x}", "/operations", "/operations/{x}"],
      ...["/operations/{x}/cancel", "/events", "/tickets", "/mcp", "/openai/v1/models"],
      ...["/openai/v1/chat/completions", "/nowhere/{x}"],
    ];
    const patterns = [...verbRoutes.map(({ path }) => path), ...others];
    const paths = [
      ...patterns.map((path) => `${home}${path}`),
      ...["/v1/spaces", "/v1/spaces/{x}", "/v1/spaces/{x}/ask", "/metrics", "/readyz", "/ui/{x}", "/{x}"],
    ];
    const bodies = [
      () => JSON.stringify(Object.fromEntries([0, 1, 2].map(() => [pick(fields), pick(values)]))),
      () => `{"${pick(fields)}":${"[".repeat(5000)}`,
      () => pick(["", "null", "[]", '"text"', "{", "\u0000", '{"a":1e999}', '{"__proto__":{"x":1}}']),
    ];
    const seen = new Set<string>();
    for (let i = 0; i < 2000; i++) {
      const pattern = paths[i % paths.length]!;
      const path = pattern.replace("{x}", () => pick(inPath)).replace(/\{\w+\}/g, () => pick(inPath));
      const method = pick(["POST", "POST", "PUT", "GET", "GET", "DELETE", "PATCH", "OPTIONS"] as const);
      const query = `${pick(fields)}=${encodeURIComponent(String(pick(values)))}`;
      const body = pick(bodies)();
      const response = await fetch(`${served.url}${path}?${query}`, {
        method,
        ...(method !== "GET" && {
          headers: { "content-type": pick(["application/json", "application/json", "text/plain", "x"]) },
          body,
        }),
      });
      seen.add(pattern);
      // Events do not end by themselves.
      if (response.headers.get("content-type")?.startsWith("text/event-stream"))
        await response.body!.cancel();
      else await response.arrayBuffer();
      assert.ok(
        response.status < 500,
        `${method} ${path}?${query} ${body.slice(0, 200)}: ${response.status}`,
      );
    }
    assert.equal(seen.size, new Set(paths).size, "every route was asked");
    assert.equal((await api.get("/healthz")).status, 200);
    const kept = (await api.get(`${home}/entries`)).json.entries;
    assert.ok(kept.length > 0, "and what is remembered is there");
  });
});

test("the server answers others while a large memory is searched", async () => {
  const root = join(folder, "large");
  const embedder = { meaning: "off" } as const;
  {
    await using memory = await openTaskMem({ directory: join(root, "large"), embedder });
    await memory.store.addStream({
      ...{ id: "hall", description: "hall", clipSeconds: 10, clock: { kind: "media" }, fingerprint: null },
    });
    const rows = Array.from({ length: 2100 }, (_, i): MemoryRow => {
      const span = { startSeconds: i * 10, endSeconds: i * 10 + 10 };
      return {
        ...{ row: "entry", id: `entry_${i}`, stream: "hall", clip: i, kind: "episodic", ...span },
        ...{ writtenAtMs: i, text: `Box ${i} is on shelf ${i % 90}.`, speakers: [], closed: null },
        ...{ policy: "choice", revision: "choice@1" },
        evidence: { clips: [i], ...span, frames: [], sources: [], tiers: {} },
      };
    });
    await memory.store.addRows(rows, () => null);
  }
  const served = await serve({ root, port: 0, spaces: { embedder } });
  try {
    const api = client(served.url);
    // So that the space is open; its thread begins with the first search.
    assert.equal((await api.get("/v1/spaces/large/streams")).status, 200);
    let open = 20;
    const searches = Array.from({ length: open }, async (_, i) => {
      const { json } = await api.post("/v1/spaces/large/ask", {
        question: `Where is box ${i}?`,
        record: false,
      });
      open -= 1;
      assert.match(json.answer, /^Box \d+ is on shelf/);
    });
    assert.equal((await api.get("/healthz")).status, 200);
    assert.ok(open > 0, "answered before the searches that were asked for earlier");
    await Promise.all(searches);
  } finally {
    await served.close();
  }
});

describe("memories over HTTP, with keys", () => {
  const root = join(folder, "keyed");
  let served: Served;
  let mine: ReturnType<typeof client>;
  let yours: ReturnType<typeof client>;
  before(async () => {
    mkdirSync(root);
    const keys = new Keys(root);
    const boss = keys.add({ name: "boss", spaces: ["*"], scopes: ["admin"] });
    const all = ["read", "ask", "write", "forget", "learn", "people"] as const;
    served = await serve({ root, port: 0, requestsPerSecond: 1000 });
    const setUp = client(served.url, boss);
    for (const space of ["mine", "yours"]) assert.equal((await setUp.put(`/v1/spaces/${space}`)).status, 201);
    mine = client(served.url, keys.add({ name: "me", spaces: ["mine"], scopes: [...all] }));
    yours = client(served.url, keys.add({ name: "you", spaces: ["yours"], scopes: [...all] }));
    await mine.post("/v1/spaces/mine/entries", { text: "My code is 4711." });
  });
  after(() => served.close());

  test("one space's key reaches nothing of another's, on any route", async () => {
    const space = "/v1/spaces/mine";
    const tried = [
      yours.post(`${space}/ask`, { question: "What is my code?" }),
      yours.post(`${space}/recall`, { query: "code" }),
      yours.post(`${space}/explain`, { question: "What is my code?", expected: "4711" }),
      yours.get(`${space}/entries`),
      yours.post(`${space}/entries`, { text: "Mine now." }),
      yours.get(`${space}/entries/any`),
      yours.get(`${space}/tasks`),
      yours.put(`${space}/tasks/any/feedback`, { verdict: "right" }),
      yours.get(`${space}/adapters`),
      yours.post(`${space}/adapters/any/diff`, {}),
      yours.post(`${space}/adapters/any/promote`, {}),
      yours.post(`${space}/adapters/rollback`, {}),
      yours.post(`${space}/learn`, {}),
      yours.post(`${space}/forget`, { query: "code" }),
      yours.post(`${space}/people`, {}),
      yours.get(`${space}/streams`),
      yours.get(`${space}/streams/door/overview`),
      yours.get(`${space}/adapters/any`),
      yours.get(`${space}/storage`),
      yours.get(`${space}/dropped`),
      yours.post(`${space}/dropped/keep`, { stream: "door", text: "code" }),
      yours.post(`${space}/trace`, { question: "What is my code?" }),
      yours.post(`${space}/streams/door/retry`, {}),
      yours.put(`${space}/streams/door/pause`, { paused: true }),
      yours.get(`${space}/costs`),
      yours.get(`${space}/streams/door/media?from=0`),
      yours.post(`${space}/tickets`, {}),
      yours.post(`${space}/streams/door/items`, { items: [{ text: "x" }] }),
      yours.get(`${space}/blobs/${"a".repeat(64)}`),
      yours.get(`${space}/events`),
      yours.get(`${space}/operations`),
      yours.get(`${space}/operations/op_1`),
      yours.post(`${space}/operations/op_1/cancel`, {}),
      yours.get(`${space}/openai/v1/models`),
      yours.post(`${space}/openai/v1/chat/completions`, { messages: [{ role: "user", content: "code?" }] }),
      yours.post(`${space}/mcp`, { jsonrpc: "2.0", id: 1, method: "tools/list" }),
      yours.put(space),
      yours.delete(space),
    ];
    // Every route of the description is among them.
    const paths = Object.entries((await yours.get("/openapi.json")).json.paths as Record<string, object>)
      .filter(([path]) => path.startsWith("/v1/spaces/{space}"))
      .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`));
    assert.ok(tried.length >= paths.length, `${paths.length} routes are described`);
    for (const answer of await Promise.all(tried)) {
      assert.deepEqual([answer.status, answer.json.code], [403, "forbidden"]);
      assert.ok(!answer.text.includes("4711"));
    }
    assert.deepEqual((await yours.get("/v1/spaces")).json.spaces, [
      { space: "yours", scopes: ["read", "ask", "write", "forget", "learn", "people"] },
    ]);
    assert.match((await mine.post(`${space}/ask`, { question: "What is my code?" })).json.answer, /4711/);
  });

  test("metrics, which tell of all spaces, need a key of the server's owner", async () => {
    const refused = await mine.get("/metrics");
    assert.deepEqual([refused.status, refused.json.code], [403, "forbidden"]);
    assert.equal((await client(served.url).get("/metrics")).status, 401);
    const owner = new Keys(root).add({ name: "owner", spaces: ["*"], scopes: ["admin"] });
    assert.match(
      (await client(served.url, owner).get("/metrics")).text,
      /^# HELP taskmem_http_requests_total/,
    );
  });

  test("a key that only asks does not read through MCP", async () => {
    const keys = new Keys(root);
    const asks = client(served.url, keys.add({ name: "asks", spaces: ["mine"], scopes: ["ask"] }));
    const refused = await asks.post("/v1/spaces/mine/mcp", { jsonrpc: "2.0", id: 1, method: "tools/list" });
    assert.deepEqual([refused.status, refused.json.code], [403, "forbidden"]);
    const reads = keys.add({ name: "reads", spaces: ["mine"], scopes: ["ask", "read"] });
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
    const keys = new Keys(root);
    const short = keys.add({ name: "short", spaces: ["mine"], scopes: ["read"] });
    assert.equal((await client(served.url, short).get(path)).status, 200);
    assert.equal((await client(served.url, short).post(path, { text: "no" })).status, 403);
    keys.remove(keys.list().at(-1)!.id);
    for (const key of [undefined, "", "tm_x", `${short.slice(0, -1)}_`, short]) {
      const { status, json, headers } = await client(served.url, key).get(path);
      assert.deepEqual([status, json.code, headers.get("www-authenticate")], [401, "unauthorized", "Bearer"]);
    }
    assert.ok(!JSON.stringify(keys.list()).includes(short.split("_")[2]!));
  });

  test("a key may ask so often, and is told when it asked too often", async () => {
    const limited = join(folder, "limited");
    mkdirSync(limited);
    const key = new Keys(limited).add({ name: "one", spaces: ["*"], scopes: ["read", "admin"] });
    const slow = await serve({ root: limited, port: 0, requestsPerSecond: 5 });
    try {
      const some = await Promise.all(
        Array.from({ length: 40 }, () => client(slow.url, key).get("/v1/spaces")),
      );
      const refused = some.filter(({ status }) => status === 429);
      assert.ok(refused.length >= 20, `${refused.length} refused`);
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
});

describe("taskmem serve", () => {
  const root = join(folder, "cli");

  test("makes, lists and removes keys", async () => {
    const made = await taskmem(["serve", "add-key", "phone", "--root", root, "--scope", "read", "--json"]);
    assert.match(String(made.rows[0]!.key), /^tm_[0-9a-f]{12}_[\w-]{32}$/);
    const listed = await taskmem(["serve", "keys", "--root", root, "--json"]);
    assert.deepEqual(listed.rows[0]!.scopes, ["read"]);
    assert.ok(!listed.stdout.includes(String(made.rows[0]!.key).split("_")[2]!));
    assert.equal(
      (await taskmem(["serve", "remove-key", String(listed.rows[0]!.id), "--root", root])).code,
      0,
    );
    assert.equal((await taskmem(["serve", "remove-key", "none", "--root", root])).code, 2);
  });

  test("an operation that was cut off by a kill is told as interrupted, and starts again by its key", async () => {
    const place = join(folder, "killed");
    const key = { "idempotency-key": "lesson" };
    let begun: Json;
    await taskmem(["serve", "--root", place, "--port", "0", "--json"], {
      onLine: async (line, child) => {
        const api = client((JSON.parse(line) as { url: string }).url);
        await api.put("/v1/spaces/home");
        begun = (await api.post("/v1/spaces/home/learn", {}, key)).json;
        child.kill("SIGKILL");
      },
    });
    assert.equal(begun.state, "running");
    const again = await serve({ root: place, port: 0 });
    try {
      const api = client(again.url);
      const [listed] = (await api.get("/v1/spaces/home/operations")).json.operations;
      assert.deepEqual([listed.operation, listed.state], [begun.operation, "interrupted"]);
      const repeated = await api.post("/v1/spaces/home/learn", {}, key);
      assert.deepEqual([repeated.json.operation, repeated.json.state], [begun.operation, "running"]);
      assert.equal((await ended(api, repeated)).state, "done");
    } finally {
      await again.close();
    }
  });

  test("what it acknowledged is there after it was killed", async () => {
    const acknowledged: string[] = [];
    const run = taskmem(["serve", "--root", root, "--port", "0", "--json"], {
      onLine: async (line, child) => {
        const { url } = JSON.parse(line) as { url: string };
        const api = client(url);
        await api.put("/v1/spaces/home");
        for (let i = 0; i < 40; i++) {
          const { status } = await api.post("/v1/spaces/home/entries", {
            text: `Box ${i} is on shelf ${i}.`,
            id: `${i}`,
          });
          if (status === 200) acknowledged.push(`Box ${i} is on shelf ${i}.`);
          if (i === 20) {
            const rest = api.post("/v1/spaces/home/entries", { text: "Cut off." });
            child.kill("SIGKILL");
            await rest.catch(() => {});
            return;
          }
        }
      },
    });
    assert.notEqual((await run).code, 0);
    assert.equal(acknowledged.length, 21);
    await using memory = await openTaskMem({ directory: join(root, "home") });
    const texts = new Set((await memory.store.entries()).map(({ text }) => text));
    assert.deepEqual(
      acknowledged.filter((text) => !texts.has(text)),
      [],
    );
    assert.deepEqual(await memory.store.check(), []);
  });
});
