/**
 * Requests that make no sense: to every route that is described, with inputs that fit no schema and strange ones that fit, ids,
 * cursors, ranges, headers and encodings, and bytes that are no HTTP. Each is refused or answered, and nothing fails in the server.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { verbs } from "../src/contract/index.ts";
import { type Served, serve } from "../src/http/index.ts";
import { pick as pickOf, seededRandom } from "../src/util/random.ts";
import { temporaryFolder } from "./support/cli.ts";
import { client, type Json } from "./support/http.ts";

const root = temporaryFolder();
const home = "/v1/spaces/home";
let served: Served;
let api: ReturnType<typeof client>;
/** What failed for a reason that no client is told. */
const failures: string[] = [];
before(async () => {
  served = await serve({ root, port: 0, onError: ({ stack }) => failures.push(stack!) });
  api = client(served.url);
  await api.put(home);
  await api.post(`${home}/streams/garden/items`, { items: [{ text: "The parcel lies in the shed." }] });
  await api.post(`${home}/entries`, { text: "The milk is in the fridge." });
  await api.post(`${home}/ask`, { question: "Where is the milk?" });
});
after(async () => {
  await served.close();
  rmSync(root, { recursive: true, force: true });
});

const random = seededRandom("hostile");
const pick = <T>(some: readonly T[]): T => pickOf(random, some);

/** Texts that a schema may take. */
const strange = [
  ...[
    "the",
    " a ",
    ".",
    "💥",
    "\u0000",
    "%00",
    "' or 1=1 --",
    '"',
    "*",
    "NEAR(",
    "2026-02-30T25:00:00Z",
    "__proto__",
    "none",
  ],
  ...[
    "\u202etxt",
    "e\u0301".repeat(99),
    "<script>",
    "x".repeat(4000),
    "NOT AND OR",
    "12:99",
    "yesterday",
    "../..",
    "tm_x",
  ],
];
/** Cursors, of other lists, cut, and beyond any row. */
const cursors = [
  ["entries", "x", 1e300, "y"],
  ["tasks", 1, -1],
  ["adapters", -1],
  ["changes", "x"],
  [],
  {},
  null,
].map((cursor) => Buffer.from(JSON.stringify(cursor)).toString("base64url"));
const values = [
  ...["", -1, 1e99, null, true, [], {}, ["\u0000"], { a: [{}] }, "9".repeat(400), [[[[]]]], Number.MIN_VALUE],
  ...[
    "\ud800",
    "\n\r\n",
    2 ** 53,
    -0.5,
    Array(300).fill("x"),
    "+999999-01-01T00:00Z",
    ...cursors,
    ...strange,
  ],
];
const fields = [
  ...Object.values(verbs).flatMap(({ input }) => Object.keys((input as unknown as { shape: object }).shape)),
  ...[
    "items",
    "messages",
    "stream",
    "since",
    "ticket",
    "constructor",
    "__proto__",
    "jsonrpc",
    "method",
    "from",
    "to",
  ],
];
const headers = [
  ...["range", "if-range", "last-event-id", "idempotency-key", "accept", "authorization", "if-none-match"],
  ...["content-encoding", "cookie", "x-forwarded-for", "mcp-session-id", "mcp-protocol-version"],
];
const inHeader = [
  ...[
    "",
    "bytes=0-",
    "bytes=9-1",
    "bytes=-0",
    `bytes=0-${"9".repeat(40)}`,
    "bytes=0-1,4-9",
    "gzip",
    "*/*;q=x",
    "null",
  ],
  ...["Bearer tm_", `Bearer tm_${"0".repeat(12)}_${"x".repeat(32)}`, "\u00ff", "a".repeat(4000), ...cursors],
];
const bodies: readonly (() => string | Uint8Array)[] = [
  () => JSON.stringify(Object.fromEntries([0, 1, 2].map(() => [pick(fields), pick(values)]))),
  () => `{"${pick(fields)}":${"[".repeat(5000)}`,
  () => pick(["", "null", "[]", '"text"', "{", "\u0000", '{"a":1e999}', '{"__proto__":{"x":1}}']),
  () =>
    JSON.stringify({ items: [{ text: pick(values), at: pick(values), jpeg: pick(values) }, pick(values)] }),
  () => JSON.stringify({ messages: [{ role: pick(values), content: pick(values) }], stream: pick(values) }),
  () =>
    JSON.stringify({
      jsonrpc: "2.0",
      id: pick(values),
      method: pick(["tools/call", "x"]),
      params: pick(values),
    }),
  () => Uint8Array.from({ length: 40 }, () => Math.floor(256 * random())),
];

/** An input that fits a schema, of the strangest values that do. @param known ids and words of the memory */
function fitting({ type, anyOf, enum: names, const: only, ...of }: Json, known: readonly string[]): unknown {
  if (anyOf) return fitting(pick(anyOf as Json[]), known);
  if (names || only !== undefined) return names ? pick(names as string[]) : only;
  if (type === "object")
    return Object.fromEntries(
      Object.entries(of.properties ?? {})
        .filter(([name]) => of.required?.includes(name) || random() < 0.3)
        .map(([name, one]) => [name, fitting(one, known)]),
    );
  if (type === "array")
    return Array.from({ length: Math.max(of.minItems ?? 0, pick([0, 1, 3])) }, () =>
      fitting(of.items, known),
    );
  if (type === "boolean") return random() < 0.5;
  if (type === "number") return pick([0, -1, 0.5, 1e-300, 1e300, -1e300, 2 ** 53, 10]);
  if (type === "integer")
    return Math.min(Math.max(pick([0, 1, 7, 2 ** 53]), of.minimum ?? 0), of.maximum ?? 1e9);
  return pick([...strange, ...known]);
}

test("2,000 requests that make no sense to every route are refused, and none brings the server down", async () => {
  const [{ entry }] = (await api.get(`${home}/entries`)).json.entries;
  const [{ task }] = (await api.get(`${home}/tasks`)).json.tasks;
  const known = [entry, task, "garden", "remembered", "parcel", "Ann", "2026-03-01T08:00:00Z", ...cursors];
  const inPath = [
    ...[
      "%00",
      "%ff",
      "a%2fb",
      "..",
      "..%2f..",
      "none",
      "%F0%9F%92%A5",
      "a".repeat(300),
      "%",
      "%E0%A4",
      "a".repeat(64),
    ],
    ...["garden", "remembered", entry, task],
  ];
  const described = (await api.get("/openapi.json")).json.paths as Record<string, Record<string, Json>>;
  const operations = Object.entries(described).flatMap(([path, methods]) =>
    // The space itself is to stay.
    Object.entries(methods).flatMap(([method, of]) => (method === "delete" ? [] : [{ path, method, ...of }])),
  );
  const patterns = [
    ...Object.keys(described).map((path) => path.replace("{space}", "home")),
    ...["/v1/spaces/{x}", "/v1/spaces/{x}/ask", "/ui/{x}", "/v1/{x}", "/{x}", `${home}/nowhere/{x}`],
  ];
  const filled = (pattern: string, ids: readonly string[] = inPath) =>
    pattern.replace("{space}", "home").replace(/\{\w+\}/g, () => pick(ids));
  /** One that fits no schema. */
  const wrong = (i: number) => {
    const pattern = patterns[i % patterns.length]!;
    const method = pick(["POST", "POST", "PUT", "GET", "GET", "DELETE", "PATCH", "OPTIONS", "HEAD"]);
    const query = `${pick(fields)}=${encodeURIComponent(String(pick(values)).toWellFormed())}`;
    const isSpace = method === "DELETE" && /^\/v1\/spaces\/(home|\{x\})$/.test(pattern);
    return {
      path: `${isSpace ? "/v1/spaces/none" : filled(pattern)}?${query}`,
      method,
      body: pick(bodies)(),
    };
  };
  /** One that fits the schema of its route, and means nothing. */
  const odd = (i: number) => {
    const { path, method, parameters, requestBody } = operations[i % operations.length]!;
    const query = (parameters as Json[])
      .filter((one) => one.in === "query" && (one.required || random() < 0.4))
      .flatMap(({ name, schema }) =>
        [fitting(schema, known)].flat().map((one): [string, string] => [name, String(one)]),
      );
    const schema = requestBody?.content["application/json"].schema;
    const body = JSON.stringify(schema?.properties ? fitting(schema, known) : { messages: [pick(values)] });
    return {
      path: `${filled(path, random() < 0.5 ? known.slice(0, 4) : inPath)}?${new URLSearchParams(query)}`,
      method: method.toUpperCase(),
      body,
    };
  };
  const statuses = new Map<number, number>();
  for (let i = 0; i < 2000; i++) {
    const { path, method, body } = i % 2 === 0 ? wrong(i / 2) : odd((i - 1) / 2);
    const hasBody = method !== "GET" && method !== "HEAD";
    const header = pick(headers);
    const response = await fetch(`${served.url}${path}`, {
      ...{ method, redirect: "manual" },
      headers: {
        ...(i % 4 < 2 && { [header]: pick(inHeader) }),
        ...(hasBody && { "content-type": i % 8 === 0 ? pick(["text/plain", "x"]) : "application/json" }),
      },
      ...(hasBody && { body }),
    });
    statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
    const type = response.headers.get("content-type") ?? "";
    // Events do not end by themselves.
    const text = type.startsWith("text/event-stream") ? response.body?.cancel() : response.text();
    const what = `${method} ${path} ${header} ${String(body).slice(0, 300)}: ${response.status} ${(await text) ?? ""}`;
    assert.ok(response.status < 500, what);
    // MCP tells what is wrong in its own words.
    const isProblem = response.status >= 400 && method !== "HEAD" && !/\/mcp\?/.test(path);
    if (isProblem) assert.equal(type, "application/problem+json", what);
  }
  assert.ok((statuses.get(400) ?? 0) > 300, "many get as far as their route");
  assert.ok((statuses.get(200) ?? 0) > 200, "and some make sense of a kind");
  await sendRaw(served.url);
  assert.deepEqual(failures, []);
  assert.equal((await api.get("/healthz")).status, 200);
  assert.equal((await api.get(`${home}/entries`)).status, 200);
});

/** Sends what no client of HTTP sends, each over a connection of its own. No answer may be a failure of the server. */
async function sendRaw(url: string): Promise<void> {
  const { hostname, port } = new URL(url);
  const post = `POST /v1/spaces/home/ask HTTP/1.1\r\nHost: ${hostname}:${port}\r\nContent-Type: application/json\r\n`;
  const some = [
    ...[
      "\r\n\r\n",
      "GET\r\n\r\n",
      "\u0000".repeat(100),
      "GET / HTTP/9.9\r\n\r\n",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
    ...[`GET http://[::1 HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`, "GET //// HTTP/1.1\r\nHost: ]\r\n\r\n"],
    "GET /healthz HTTP/1.1\r\n\r\n",
    `GET /${"a".repeat(20_000)} HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`,
    `${post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    `${post}Content-Length: -1\r\n\r\n`,
    `${post}Transfer-Encoding: chunked\r\n\r\nffffffffff\r\n{`,
    // It says more than it sends, and goes.
    `${post}Content-Length: 1000\r\n\r\n{"question":`,
    `${post}Content-Length: 2\r\nExpect: nothing\r\n\r\n{}`,
  ];
  for (const bytes of some) {
    const socket = connect(Number(port), hostname);
    let answer = "";
    socket.on("data", (part) => {
      answer += part;
    });
    socket.on("error", () => {});
    socket.end(bytes, "latin1");
    await once(socket, "close");
    assert.doesNotMatch(answer, /^HTTP\/1\.1 5/, JSON.stringify(bytes.slice(0, 100)));
  }
}
