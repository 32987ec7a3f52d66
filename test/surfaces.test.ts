/**
 * Every surface prints the contract and nothing else: what MCP, the AI SDK, HTTP, the typed client and the dashboard take and give
 * are the fields of the verbs, by name and shape.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { memoryTools } from "../src/ai/index.ts";
import { routes } from "../src/client/operations.ts";
import { type VerbName, verbs } from "../src/contract/index.ts";
import { openApi, schemaOf } from "../src/http/openapi.ts";
import { verbRoutes } from "../src/http/routes.ts";
import { serveMcpHttp } from "../src/mcp/index.ts";
import { openTaskMem, type TaskMem } from "../src/taskmem.ts";
import { temporaryFolder } from "./support/cli.ts";
import type { Json } from "./support/http.ts";

const folder = temporaryFolder();
let memory: TaskMem;
before(async () => {
  memory = await openTaskMem({ directory: folder, embedder: { meaning: "off" } });
});
after(async () => {
  await memory.close();
  rmSync(folder, { recursive: true });
});

const inputOf = (name: VerbName): Json => schemaOf(verbs[name].input, "input");
const outputOf = (name: VerbName): Json => schemaOf(verbs[name].output, "output");

test("MCP's tools take and give what their verbs do", async () => {
  const server = await serveMcpHttp(memory, 0);
  const host = new Client({ name: "host", version: "1" });
  try {
    await host.connect(new StreamableHTTPClientTransport(new URL(server.url)));
    const { tools } = await host.listTools();
    assert.equal(tools.length, 8);
    for (const { name, inputSchema, outputSchema } of tools) {
      const verb = name.replace(/^memory_/, "") as VerbName;
      assert.deepEqual(inputSchema.properties ?? {}, inputOf(verb).properties, name);
      assert.deepEqual(outputSchema?.properties, outputOf(verb).properties, name);
    }
  } finally {
    await host.close();
    await server.close();
  }
});

test("the AI SDK's tools have the schemas of their verbs", () => {
  for (const [name, tool] of Object.entries(memoryTools(memory))) {
    const { input, output } = verbs[name.replace(/^memory_/, "") as VerbName];
    assert.ok(
      tool.inputSchema === input && (tool as { outputSchema?: unknown }).outputSchema === output,
      name,
    );
  }
});

test("every route of HTTP takes and gives what its verb does, and every verb has one", () => {
  const { paths } = openApi("0") as Json;
  assert.deepEqual([...new Set(verbRoutes.map(({ verb }) => verb))].sort(), Object.keys(verbs).sort());
  for (const { method, path, verb, isLong } of verbRoutes) {
    const { parameters, requestBody, responses } = paths[`/v1/spaces/{space}${path}`][method];
    const body = requestBody?.content["application/json"].schema.properties ?? {};
    const named = Object.fromEntries(parameters.map(({ name, schema }: Json) => [name, schema]));
    const { space: _, ...given } = named;
    assert.deepEqual({ ...body, ...given }, inputOf(verb).properties, verb);
    const answer = responses[isLong ? "202" : "200"].content["application/json"].schema;
    assert.deepEqual(isLong ? answer.properties.result : answer, outputOf(verb), verb);
    assert.deepEqual(routes[verb as keyof typeof routes], [method, path], "the client's route");
  }
});

test("the dashboard reaches the server through the typed client alone", () => {
  const ui = join(import.meta.dirname, "../ui");
  const files = readdirSync(ui, { recursive: true, encoding: "utf8" }).filter((name) => /\.tsx?$/.test(name));
  const calling = (what: RegExp) =>
    files.filter((name) => what.test(readFileSync(join(ui, name), "utf8"))).sort();
  assert.deepEqual(calling(/\bfetch\(|XMLHttpRequest|EventSource|sendBeacon/), ["state/api.ts"]);
  // Spaces, tickets and recordings, which have no function of the client. `ui/state/api.test-d.ts` shows that fields are checked.
  assert.deepEqual(calling(/\brequest[<(]/), ["app.tsx", "parts/moment.tsx", "state/api.ts"]);
});
