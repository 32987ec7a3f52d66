/**
 * Memories over HTTP: each route with what it answers and how it refuses, changes that resume, the OpenAI-compatible endpoint
 * and MCP, and a push that survives a kill. Keys are in serve-keys.test.ts, requests that make no sense in serve-hostile.test.ts.
 */
import assert from "node:assert/strict";
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { verbs } from "../src/contract/index.ts";
import { openaiModel } from "../src/engines/openai/index.ts";
import { Keys, type Served, serve } from "../src/http/index.ts";
import { Metrics } from "../src/http/metrics.ts";
import { Operations } from "../src/http/operations.ts";
import { appOf } from "../src/http/server.ts";
import { Spaces } from "../src/http/spaces.ts";
import { Tickets } from "../src/http/tickets.ts";
import { importMemory } from "../src/memory/export.ts";
import type { MemoryRow } from "../src/memory/memory.ts";
import { openRoot } from "../src/memory/root.ts";
import { openTaskMem } from "../src/taskmem.ts";
import { taskmem, temporaryFolder } from "./support/cli.ts";
import { client, type Json } from "./support/http.ts";
import { observationOf } from "./support/memory.ts";
import { startOpenAiServer } from "./support/openai-server.ts";
import { testPostgres } from "./support/postgres.ts";

const folder = temporaryFolder();
const postgres = await testPostgres();
const [address, skip] = "skip" in postgres ? ["", postgres.skip] : [postgres.address, false];
after(() => rmSync(folder, { recursive: true }));

/** The end of an operation, from the answer that began it. */
async function ended(api: ReturnType<typeof client>, begun: { headers: Headers }): Promise<Json> {
  while (true) {
    const { json } = await api.get(begun.headers.get("location")!);
    if (json.state !== "running") return json;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** The routes over a root; over a second one in brief: what has nothing to do with where memories are is left out. */
function routes(root: string, isBrief: boolean): void {
  const always = (name: string, run: () => Promise<void>) => void (isBrief || test(name, run));
  let served: Served;
  let api: ReturnType<typeof client>;
  const home = "/v1/spaces/home";
  before(async () => {
    served = await serve({ root, port: 0, version: "1.2.3" });
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

  test("a memory that no longer holds is closed, once, and what holds in its place is named", async () => {
    const keep = async (text: string) => (await api.post(`${home}/entries`, { text })).json.entry as string;
    const [old, now] = [
      await keep("The piano tuner comes on Monday."),
      await keep("The piano tuner comes on Friday."),
    ];
    const moved = { reason: "it was moved", supersededBy: now };
    const closed = await api.patch(`${home}/entries/${old}`, moved);
    assert.deepEqual([closed.json.entry, closed.json.supersededBy], [old, now]);
    const again = await api.patch(`${home}/entries/${old}`, { reason: "something else" });
    assert.deepEqual(again.json, closed.json);
    const { at, ...why } = (await api.get(`${home}/entries/${old}`)).json.closed;
    assert.deepEqual([at, why], [closed.json.at, moved]);
    const asked = { question: "When does the piano tuner come?", record: false };
    const { answer, citations } = (await api.post(`${home}/ask`, asked)).json;
    assert.match(answer, /Friday/);
    assert.deepEqual(
      citations.map(({ entry }: Json) => entry),
      [now],
    );
    for (const [entry, supersededBy] of [
      ["none", now],
      [now, "none"],
    ] as const) {
      const refused = await api.patch(`${home}/entries/${entry}`, { reason: "x", supersededBy });
      assert.deepEqual([refused.status, refused.json.code], [404, "entry-unknown"]);
    }
  });

  test("a question that was answered elsewhere is recorded, and feedback on it is taken", async () => {
    const asked = { question: "Who waters the ferns?", answer: "Carla", askedAt: "2026-03-01T08:00:00.000Z" };
    const { task } = (await api.post(`${home}/tasks`, asked)).json;
    assert.equal((await api.put(`${home}/tasks/${task}/feedback`, { verdict: "right" })).status, 200);
    const listed = (await api.get(`${home}/tasks`)).json.tasks.find((one: Json) => one.task === task);
    assert.deepEqual(
      [listed.question, listed.answer, listed.askedAt, listed.feedback.verdict],
      [asked.question, asked.answer, asked.askedAt, "right"],
    );
    const unknown = await api.post(`${home}/tasks`, { ...asked, stream: "none" });
    assert.deepEqual([unknown.status, unknown.json.code], [404, "stream-unknown"]);
  });

  test("a space is told in numbers, and exported in rows that another memory takes", async () => {
    await api.post(`${home}/entries`, { text: "The export begins." });
    const { entries, tasks, databaseBytes } = (await api.get(home)).json;
    const { text, type } = await api.get(`${home}/export`);
    assert.equal(type, "application/x-ndjson");
    const file = join(folder, "exported.jsonl");
    writeFileSync(file, text);
    await using memory = await openTaskMem({
      directory: join(folder, isBrief ? "imported-too" : "imported"),
    });
    await importMemory(file, memory.store);
    const held = await memory.store.stats();
    assert.deepEqual([held.entries, held.tasks, databaseBytes > 0], [entries, tasks, true]);
    assert.equal((await api.get("/v1/spaces/none/export")).status, 404);
  });

  always("readiness tells what keeps a server from keeping up", async () => {
    const { status, reasons } = (await api.get("/readyz")).json;
    assert.deepEqual([status, reasons], ["ready", []]);
    const root = join(folder, "unready");
    const unready = await serve({ root, port: 0 });
    try {
      const other = client(unready.url);
      await other.put(home);
      const items = [{ text: "The gate is open." }];
      await other.post(`${home}/streams/gate/items`, { items });
      // A clip that waits for its decision since an hour, as where a process that watched has ended.
      const clock = { kind: "wall", originMs: Date.now() - 3_600_000 } as const;
      {
        await using memory = await openTaskMem({ directory: join(root, "home") });
        await memory.store.addStream({
          ...{ id: "yard", description: "yard", clipSeconds: 10, clock, fingerprint: null },
        });
        await memory.store.addObservation(observationOf("yard", 0));
      }
      const late = (await other.get("/readyz")).json;
      assert.deepEqual([late.status, late.reasons.length], ["degraded", 1]);
      assert.match(late.reasons[0], /wait longer than 60 s to be decided: 1\./);
      renameSync(root, `${root}-gone`);
      const gone = await other.get("/readyz");
      assert.match(gone.json.reasons[0], /Nothing can be written to the spaces \(ENOENT\)/);
      renameSync(`${root}-gone`, root);
    } finally {
      await unready.close();
    }
  });

  always("sound is pushed too, in whole samples", async () => {
    const sound = (bytes: number) => ({ items: [{ pcm16: Buffer.alloc(bytes, 1).toString("base64") }] });
    assert.equal((await api.post(`${home}/streams/garden/items`, sound(32_000))).status, 200);
    const half = await api.post(`${home}/streams/garden/items`, sound(32_001));
    assert.deepEqual([half.status, half.json.code], [400, "input-invalid"]);
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

  always(
    "an answer comes as events to who accepts them: what was recalled, the answer, its end",
    async () => {
      const fact = "The tram to the harbour leaves at seven.";
      const { entry } = (await api.post(`${home}/entries`, { text: fact })).json;
      const accept = { accept: "text/event-stream" };
      const asked = { question: "When does the tram to the harbour leave?", record: false };
      const { type, text } = await api.post(`${home}/ask`, asked, accept);
      assert.match(type, /^text\/event-stream/);
      const events = Array.from(text.matchAll(/event: (\S+)\ndata: (.*)\n\n/g), ([, name, data]) => ({
        name,
        data: JSON.parse(data!) as Json,
      }));
      assert.deepEqual(
        events.map(({ name }) => name),
        ["recalled", "answer", "done"],
      );
      assert.ok(events[0]!.data.entries.some((one: Json) => one.entry === entry && one.text === fact));
      assert.deepEqual(events[1]!.data, (await api.post(`${home}/ask`, asked)).json);
      const wrong = await api.post(`${home}/ask`, { question: "" }, accept);
      assert.deepEqual([wrong.status, wrong.json.code], [400, "input-invalid"]);
      const failed = await api.post(`${home}/ask`, { ...asked, streams: ["none"] }, accept);
      assert.match(failed.text, /event: problem\ndata: .*stream-unknown/);
    },
  );

  test("changes come as events, and resume after the last one seen", async () => {
    // Facts alone: what was pushed before may be decided meanwhile.
    const factsIn = (text: string) =>
      Array.from(text.matchAll(/id: (\S+)\nevent: entry\ndata: (.*)\n/g), ([, id, data]) => ({
        ...{ id: id!, data: JSON.parse(data!) as Json },
      })).filter(({ data }) => data.stream === "remembered");
    const read = async (headers: Record<string, string>, wanted: number, act: () => Promise<unknown>) => {
      const stop = new AbortController();
      const response = await fetch(`${served.url}${home}/events`, { headers, signal: stop.signal });
      let text = "";
      const reading = (async () => {
        for await (const part of response.body!) {
          text += Buffer.from(part).toString();
          if (factsIn(text).length >= wanted) return;
        }
      })();
      await act();
      await reading;
      stop.abort();
      return factsIn(text);
    };
    const seen = await read({}, 1, () => api.post(`${home}/entries`, { text: "The milk is in the fridge." }));
    assert.equal(seen.length, 1);
    await api.post(`${home}/entries`, { text: "The bread is in the box." });
    const resumed = await read({ "last-event-id": seen[0]!.id }, 1, async () => {});
    assert.equal(resumed.length, 1);
    assert.notEqual(resumed[0]!.data.entry, seen[0]!.data.entry);
    // Of some types: a question, not the fact before it.
    const stop = new AbortController();
    const some = await fetch(`${served.url}${home}/events?types=task,adapter&since=${seen[0]!.id}`, {
      signal: stop.signal,
    });
    await api.post(`${home}/entries`, { text: "The cups are in the rack." });
    await api.post(`${home}/ask`, { question: "Where are the cups?" });
    let text = "";
    for await (const part of some.body!) {
      text += Buffer.from(part).toString();
      if (text.includes("event: task\n")) break;
    }
    stop.abort();
    assert.doesNotMatch(text, /event: entry/);
    const unknown = await api.get(`${home}/events?types=entries`);
    assert.deepEqual([unknown.status, unknown.json.code], [400, "input-invalid"]);
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
    assert.equal(value('taskmem_entries{space="home"}'), (await api.get(home)).json.entries);
    assert.equal(value('taskmem_clips_behind{space="home"}'), 0);
    assert.ok(value('taskmem_learn_total{outcome="refused"}') >= 1);
    assert.ok(value('taskmem_learn_total{outcome="stopped"}') >= 1);
    assert.ok(value('taskmem_event_loop_delay_seconds{quantile="1"}') >= 0);
    // Every line is a comment or a sample.
    for (const line of text.trimEnd().split("\n"))
      assert.match(line, /^(# (HELP|TYPE) \w+ .+|\w+(\{.*\})? [\d.e+-]+|.* NaN)$/);
  });

  always("a space is a model of an OpenAI-compatible endpoint, streamed too", async () => {
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

  always("the model of an endpoint is reminded of what memory holds, streamed too", async () => {
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

  always("a space is an MCP server too", async () => {
    const host = new Client({ name: "host", version: "1" });
    await host.connect(new StreamableHTTPClientTransport(new URL(`${served.url}${home}/mcp`)));
    const { tools } = await host.listTools();
    assert.ok(tools.some(({ name }) => name === "memory_ask"));
    await host.close();
  });

  always("the description names every route there is, with the fields of the contract", async () => {
    const { json } = await api.get("/openapi.json");
    const other = join(folder, "described");
    const root = await openRoot(other);
    const keys = new Keys(root.texts);
    const parts = { keys, tickets: new Tickets(keys, root.texts), metrics: new Metrics(), queue: null };
    const app = await appOf(new Spaces(root), parts, { root: other });
    parts.metrics.close();
    const routes = app.routes
      .filter(({ path }) => !/\*|^\/(ui)?$/.test(path))
      // MCP takes GET and DELETE too, to refuse them.
      .map(({ method, path }) => `${method === "ALL" ? "POST" : method} ${path.replace(/:(\w+)/g, "{$1}")}`);
    const described = Object.entries(json.paths as Record<string, object>).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    assert.deepEqual(described.sort(), [...new Set(routes)].sort());
    assert.deepEqual([json.openapi, json.info.version], ["3.1.0", "1.2.3"]);
    const paths = json.paths as Record<string, Record<string, { operationId: string; requestBody?: Json }>>;
    const operations = Object.values(paths).flatMap((methods) => Object.values(methods));
    const names = operations.map(({ operationId }) => operationId);
    assert.deepEqual(
      Object.keys(verbs).filter((name) => !names.includes(name)),
      [],
    );
    assert.equal(new Set(names).size, names.length);
    const text = JSON.stringify(paths["/v1/spaces/{space}/ask"]);
    for (const field of ["question", "asOfSeconds", "nearest", "citations"])
      assert.equal(text.includes(`"${field}"`), field !== "nearest", field);
  });
}

describe("memories over HTTP, for this machine alone", () => routes(join(folder, "open"), false));
describe("memories over HTTP, in a Postgres", { skip }, () => routes(address, true));

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

describe("two servers of one Postgres", { skip }, () => {
  const servers: Served[] = [];
  let apis: ReturnType<typeof client>[] = [];
  let key = "";
  const space = "/v1/spaces/shared";
  before(async () => {
    const made = await taskmem(["serve", "add-key", "both", "--root", address, "--scope", "admin", "--json"]);
    await using keys = await Keys.open(address);
    const all = ["read", "ask", "write", "learn"] as const;
    key = await keys.add({ name: "all", spaces: ["shared"], scopes: [...all] });
    for (let i = 0; i < 2; i++)
      servers.push(await serve({ root: address, port: 0, spaces: { choice: { budget: 1 } } }));
    apis = servers.map(({ url }) => client(url, key));
    const owner = client(servers[0]!.url, String(made.rows[0]!.key));
    assert.equal((await owner.put(space)).status, 201);
    assert.equal((await client(servers[1]!.url, String(made.rows[0]!.key)).put(space)).status, 200);
  });
  after(() => Promise.all(servers.map((served) => served.close())));

  test("what is kept through one is an event of the other, and the same request is one at both", async () => {
    const stop = new AbortController();
    const headers = { authorization: `Bearer ${key}` };
    const events = await fetch(`${servers[1]!.url}${space}/events`, { headers, signal: stop.signal });
    const told = (async () => {
      let text = "";
      for await (const part of events.body!) {
        text += Buffer.from(part).toString();
        const [, data] = /event: entry\ndata: (.*)\n/.exec(text) ?? [];
        if (data !== undefined) return JSON.parse(data) as Json;
      }
    })();
    const fact = { text: "The ladder leans on the north wall." };
    const once = { "idempotency-key": "ladder" };
    const kept = await apis[0]!.post(`${space}/entries`, fact, once);
    assert.equal((await told).entry, kept.json.entry);
    stop.abort();
    const again = await apis[1]!.post(`${space}/entries`, fact, once);
    assert.deepEqual([again.json.entry, again.json.duplicate], [kept.json.entry, true]);
  });

  test("a stream is pushed to through both by turns, and nothing is lost or there twice", async () => {
    const said = Array.from({ length: 8 }, (_, i) => `Crate number ${i} is in bay ${i % 3}.`);
    const pushed = (i: number) => ({
      text: said[i]!,
      at: new Date(Date.UTC(2026, 2, 1, 8, i)).toISOString(),
    });
    for (let i = 0; i < said.length; i++) {
      const { status, text } = await apis[i % 2]!.post(`${space}/streams/yard/items`, { items: [pushed(i)] });
      assert.equal(status, 200, text);
    }
    const kept = async () =>
      ((await apis[0]!.get(`${space}/entries?streams=yard&limit=100`)).json.entries as Json[])
        .map(({ text }) => text)
        .join(" ");
    const isWhole = (all: string) => said.every((text) => all.includes(text));
    for (let tries = 0; tries < 200 && !isWhole(await kept()); tries++) await sleep(100);
    const all = await kept();
    assert.deepEqual(
      said.map((text) => all.split(text).length - 1),
      said.map(() => 1),
    );
  });

  test("an operation of one is shown by the other", async () => {
    const begun = await apis[0]!.post(`${space}/learn`, {}, { "idempotency-key": "lesson" });
    const same = await apis[1]!.post(`${space}/learn`, {}, { "idempotency-key": "lesson" });
    assert.equal(same.json.operation, begun.json.operation);
    const learned = await ended(apis[1]!, begun);
    assert.deepEqual([learned.state, learned.result.activated], ["done", false]);
  });

  test("work of one is stopped by the other", async () => {
    await using one = await openRoot(address);
    await using other = await openRoot(address);
    const untilStopped = (signal: AbortSignal) =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    const { operation } = await new Operations(one.texts, "shared").start("learn", untilStopped);
    const stopped = await new Operations(other.texts, "shared").cancel(operation);
    assert.equal(stopped!.state, "cancelled");
  });

  test("a ticket of one opens pictures at the other", async () => {
    const { ticket } = (await apis[0]!.post(`${space}/tickets`, {})).json;
    const picture = `${space}/blobs/${"a".repeat(64)}`;
    assert.equal((await client(servers[1]!.url).get(`${picture}?ticket=${ticket}`)).json.code, "not-found");
    assert.equal((await client(servers[1]!.url).get(`${picture}?ticket=x`)).json.code, "unauthorized");
  });

  test("a space that one removed is gone at the other, and another of its name is another", async () => {
    await using keys = await Keys.open(address);
    const owner = client(servers[0]!.url, await keys.add({ name: "o", spaces: ["*"], scopes: ["admin"] }));
    assert.equal((await owner.delete(space)).status, 204);
    assert.equal((await apis[1]!.get(`${space}/entries`)).json.code, "space-unknown");
    await owner.put(space);
    assert.deepEqual((await apis[1]!.get(`${space}/entries`)).json.entries, []);
    assert.deepEqual((await apis[1]!.get(`${space}/operations`)).json.operations, []);
  });
});

describe("taskmem serve", () => {
  const root = join(folder, "cli");

  test("makes, lists and removes keys", async () => {
    const made = await taskmem(["serve", "add-key", "phone", "--root", root, "--scope", "read", "--json"]);
    assert.match(String(made.rows[0]!.key), /^tm_[0-9a-f]{12}_[\w-]{32}$/);
    const listed = await taskmem(["serve", "keys", "--root", root, "--json"]);
    assert.deepEqual(listed.rows[0]!.scopes, ["read"]);
    assert.ok(!listed.stdout.includes(String(made.rows[0]!.key).slice(16)));
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
