/**
 * What a memory tells to OpenTelemetry, as its own SDK records it: spans named as the GenAI conventions have them, searches
 * inside the question that makes them, errors by code, content only where it is asked for, and metrics.
 */
import assert from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { context, metrics, SpanKind, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { openaiModel } from "../src/engines/openai/index.ts";
import { instrument, observe } from "../src/otel/index.ts";
import { openTaskMem } from "../src/taskmem.ts";
import { temporaryFolder } from "./support/cli.ts";
import { startOpenAiServer } from "./support/openai-server.ts";

const folder = temporaryFolder();
after(() => rmSync(folder, { recursive: true }));
const spans = new InMemorySpanExporter();
const measurements = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
const reader = new PeriodicExportingMetricReader({ exporter: measurements, exportIntervalMillis: 3_600_000 });

before(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(
    new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: spans })] }),
  );
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
});

const directory = join(folder, "home");
const open = () =>
  openTaskMem({ directory, adapt: { auto: false }, embedder: { meaning: "off" }, choice: { budget: 1 } });
const talk = join(folder, "talk.srt");
writeFileSync(talk, "1\n00:00:01,000 --> 00:00:03,000\nAnna: The deadline is Friday at noon.\n");

/** Names of spans and attributes that were told. */
const names = new Set<string>();

/** Spans since they were last asked for: name → attributes of each. */
function told() {
  const all = spans.getFinishedSpans();
  spans.reset();
  for (const { name, attributes } of all)
    for (const one of [name, ...Object.keys(attributes)]) names.add(one);
  return all;
}

test("tells of nothing until it is asked to, and nothing after it ended", async () => {
  await using memory = await open();
  await memory.remember("The gate code is 4711.");
  const end = await instrument();
  end();
  await memory.ask("What is the gate code?");
  assert.deepEqual(told(), []);
});

test("operations are spans of the conventions, each in the one that makes it", async () => {
  const end = await instrument();
  {
    await using memory = await open();
    await memory.watch(talk);
    const watched = told();
    const names = watched.map(({ name }) => name);
    for (const name of ["taskmem.perceive", "taskmem.decide", "create_memory"])
      assert.ok(names.includes(name), `${name} in ${names}`);
    const commit = watched.find(({ name }) => name === "create_memory")!;
    const [entry] = await memory.store.entries({ streams: ["talk"] });
    const { attributes, kind } = commit;
    assert.equal(kind, SpanKind.INTERNAL);
    assert.equal(attributes["gen_ai.operation.name"], "create_memory");
    assert.equal(attributes["gen_ai.memory.store.id"], "home");
    assert.equal(attributes["gen_ai.memory.record.count"], 1);
    assert.equal(attributes["gen_ai.memory.record.id"], entry!.id);
    assert.deepEqual([attributes["taskmem.stream"], attributes["taskmem.policy"]], ["talk", "choice"]);
    assert.ok(!("gen_ai.provider.name" in attributes));

    const { task } = await memory.ask("When is the deadline?");
    const asked = told();
    const ask = asked.find(({ name }) => name === "taskmem.ask")!;
    const searches = asked.filter(({ name }) => name === "search_memory");
    for (const { parentSpanContext } of searches)
      assert.equal(parentSpanContext?.spanId, ask.spanContext().spanId);
    assert.ok(searches.some(({ attributes }) => Number(attributes["gen_ai.memory.record.count"]) > 0));
    assert.deepEqual([ask.attributes["taskmem.abstained"], ask.attributes["taskmem.task"]], [false, task]);
    assert.ok(!JSON.stringify(asked.map(({ attributes }) => attributes)).includes("deadline"), "no content");

    await memory.store.closeEntry(entry!.id, "no longer true");
    await memory.forget({ streams: ["talk"] }, { dryRun: true });
    await memory.forget({ streams: ["talk"] });
    await assert.rejects(memory.store.closeEntry("none", "x"));
    const rest = told();
    assert.deepEqual(
      rest.map(({ name }) => name),
      ["update_memory", "delete_memory", "update_memory"],
    );
    assert.equal(rest[1]!.attributes["gen_ai.memory.record.count"], 1);
    assert.equal(rest[2]!.attributes["error.type"], "entry-unknown");
  }
  end();
});

test("a new memory is a new store; content is told where it is asked for", async () => {
  const end = await instrument({ captureContent: true });
  {
    await using memory = await openTaskMem({ directory: join(folder, "new"), embedder: { meaning: "off" } });
    await memory.remember("The spare key hangs behind the door.");
    await memory.recall("spare key");
    const [store, , search] = told();
    assert.deepEqual(
      [store!.name, store!.attributes["gen_ai.memory.store.id"]],
      ["create_memory_store", "new"],
    );
    assert.equal(search!.attributes["gen_ai.memory.query.text"], "spare key");
    const [record] = JSON.parse(String(search!.attributes["gen_ai.memory.records"]));
    assert.equal(record.content, "The spare key hangs behind the door.");
    assert.ok(record.id && record.score > 0);
  }
  end();
});

test("a call of a model is a chat span of a client, with its tokens", async () => {
  const server = await startOpenAiServer({ models: ["small"] });
  const end = await instrument();
  try {
    const model = openaiModel({ baseURL: server.baseURL, model: "small" });
    await model.generate({ parts: [{ type: "text", text: "Is it?" }] });
    const chat = told().find(({ name }) => name === "chat small")!;
    assert.equal(chat.kind, SpanKind.CLIENT);
    assert.equal(chat.attributes["gen_ai.operation.name"], "chat");
    assert.equal(chat.attributes["gen_ai.request.model"], "small");
    assert.ok(Number(chat.attributes["gen_ai.usage.input_tokens"]) > 0);
  } finally {
    end();
    await server.close();
  }
});

test("metrics count clips and tokens, time operations, and read lag and bytes", async () => {
  const end = await instrument();
  await using memory = await openTaskMem({
    ...{ directory: join(folder, "measured"), embedder: { meaning: "off" }, choice: { budget: 1 } },
  });
  const unobserve = await observe(memory, "measured");
  await memory.watch(talk);
  const kitchen = await memory.live({ stream: "kitchen" });
  await kitchen.push({ text: "The keys are on the shelf." });
  await kitchen.flush();
  await kitchen.close();
  measurements.reset();
  await reader.forceFlush();
  const all = measurements
    .getMetrics()
    .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((one) => one.metrics));
  // biome-ignore lint/suspicious/noExplicitAny: points are of several kinds
  const points = (name: string): any[] =>
    all.find(({ descriptor }) => descriptor.name === name)?.dataPoints ?? [];
  const stored = points("taskmem.clips").find(({ attributes }) => attributes.stream === "kitchen");
  assert.deepEqual([stored.value, stored.attributes.state], [1, "stored"]);
  assert.ok(points("taskmem.tokens.kept").some(({ value }) => value > 0));
  const timed = points("gen_ai.client.operation.duration").map(
    ({ attributes }) => attributes["gen_ai.operation.name"],
  );
  for (const name of ["create_memory", "taskmem.decide", "taskmem.perceive"])
    assert.ok(timed.includes(name), name);
  const lag = points("taskmem.stream.lag");
  assert.deepEqual(
    lag.map(({ value, attributes }) => [value, attributes["taskmem.stream"]]),
    [[0, "kitchen"]],
  );
  const bytes = points("taskmem.bytes").find(({ attributes }) => attributes["taskmem.kind"] === "database");
  assert.ok(bytes.value > 0 && bytes.attributes["gen_ai.memory.store.id"] === "measured");
  unobserve();
  end();
});

test("every name that was told is in the documentation", () => {
  const text = readFileSync(join(import.meta.dirname, "../docs/telemetry.md"), "utf8");
  // A row of the table names the last of a family alone: `.records`.
  const isTold = (name: string) =>
    [name, name.replace(/^.*(?=\.)/, "")].some((one) => text.includes(`\`${one}\``));
  const undocumented = [...names].filter((name) => !isTold(name.replace("chat small", "chat MODEL")));
  assert.ok(names.size > 20);
  assert.deepEqual(undocumented, []);
});
