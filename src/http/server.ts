/**
 * Memories over HTTP: every route prints a verb of the contract, in a space that the key of the request may reach. Errors are
 * problems (RFC 9457) without exception.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { createMcpHandler } from "@modelcontextprotocol/server";
import type { Context, Hono, MiddlewareHandler } from "hono";
import type { z } from "zod";
import { call, inputOf, type Verb, verbs } from "../contract/index.ts";
import { ConfigError, StoreError } from "../errors.ts";
import { mcpServer } from "../mcp/index.ts";
import { exportRows } from "../memory/export.ts";
import { openRoot, type Root } from "../memory/root.ts";
import { optionalPackage } from "../util/optional.ts";
import { WorkQueue } from "../workers/index.ts";
import { chat, modelsOf } from "./chat.ts";
import { addDashboard } from "./dashboard.ts";
import { answering, changes } from "./events.ts";
import { allows, type Key, Keys, type Scope, scopes } from "./keys.ts";
import { media } from "./media.ts";
import { type Gauge, Metrics } from "./metrics.ts";
import { openApi, schemaOf, spaceShape } from "./openapi.ts";
import type { Operation } from "./operations.ts";
import { type Problem, problemOf, Refused, serverCodes } from "./problem.ts";
import { pushedItems } from "./pushed.ts";
import { troublesOf } from "./ready.ts";
import { isForReminded, remindedChat } from "./reminded.ts";
import { fieldsOf, fromQuery, type VerbRoute, verbRoutes } from "./routes.ts";
import { type Space, type SpaceOptions, Spaces } from "./spaces.ts";
import { Tickets } from "./tickets.ts";
import { addWatches, learnInWorker, queueGauges, readyOf, wordless } from "./watches.ts";

/** Options of `serve`. */
export interface ServeOptions {
  /** Directory of the spaces and the keys, or the Postgres that they are in: `postgres://user@host/database`. */
  readonly root: string;
  /** 0 takes a free one. @default 3131 */
  readonly port?: number;
  /** Address to listen at. Any but this machine's own needs keys. @default "127.0.0.1" */
  readonly host?: string;
  /** Postgres of a queue whose workers watch and learn: `postgres://user@host/database`. @default none: it learns here */
  readonly queue?: string;
  /** Requests a second of one key, after a burst of twice as many. @default 20 */
  readonly requestsPerSecond?: number;
  /** What spaces are opened with. */
  readonly spaces?: SpaceOptions;
  /** Called with what fails for a reason that no client is told. @default nothing */
  readonly onError?: (error: Error) => void;
  /** Of the package, for the description. */
  readonly version?: string;
}

/** A server that listens. */
export interface Served {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  readonly keys: Keys;
  /** Stops listening, and closes all memories. */
  close(): Promise<void>;
}

/** What a request carries on its way. */
export interface Env {
  Variables: { key: Key | null; space: Space };
}

const loopback = ["127.0.0.1", "localhost", "::1"];
const mostBytes = 2 ** 20;
const mostPushedBytes = 2 ** 25;
/** The status that metrics count where a client has gone before its answer; nginx's. */
const clientGone = 499;

/**
 * Serves the spaces of a root. Servers of one root share its spaces, keys, tickets and operations.
 * @throws ConfigError `keys-missing` for an address that others can reach, without a key; `package-missing`
 * @throws StoreError `store-unreachable`, `queue-unreachable`
 */
export async function serve(options: ServeOptions): Promise<Served> {
  const root = await openRoot(options.root);
  try {
    return await serveRoot(root, options);
  } catch (error) {
    await root.close();
    throw error;
  }
}

async function serveRoot(root: Root, options: ServeOptions): Promise<Served> {
  const { port = 3131, host = "127.0.0.1" } = options;
  const { getRequestListener } = await optionalPackage("@hono/node-server", "to serve over HTTP");
  const keys = new Keys(root.texts);
  if (!loopback.includes(host) && (await keys.list()).length === 0)
    throw new ConfigError(
      "keys-missing",
      `Others can reach ${host}, and no key is asked for: make one with \`taskmem serve add-key NAME\`, or listen at 127.0.0.1`,
    );
  const metrics = new Metrics();
  const queue =
    options.queue === undefined
      ? null
      : await WorkQueue.open({
          ...{ url: options.queue, root: options.root, name: "serve", onError: queueTrouble(options) },
        });
  const onEnd = (operation: Operation) => countLearning(metrics, operation);
  const spaces = new Spaces(root, options.spaces, onEnd, queue);
  const parts = { keys, tickets: new Tickets(keys, root.texts), metrics, queue };
  const app = await appOf(spaces, parts, options);
  const server = createServer(getRequestListener(app.fetch));
  // A connection that a client is about to use again must not be closed: shorter than this is what clients keep one open.
  server.keepAliveTimeout = 75_000;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  const shown = host.includes(":") ? `[${host}]` : host;
  return {
    ...{ url: `http://${shown}:${(server.address() as AddressInfo).port}`, keys },
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
      await spaces.close();
      await queue?.close();
      await root.close();
      metrics.close();
    },
  };
}

/** Tells what goes wrong with the queue: its Postgres may be down for a while, which is no bug. */
function queueTrouble({ onError }: ServeOptions): (error: Error) => void {
  return ({ message }) => onError?.(new StoreError("queue-unreachable", `The queue: ${message}`));
}

interface ServerParts {
  readonly keys: Keys;
  readonly tickets: Tickets;
  readonly metrics: Metrics;
  /** Of workers; `null` without. */
  readonly queue: WorkQueue | null;
}

/** What answers requests. */
export async function appOf(
  spaces: Spaces,
  { keys, tickets, metrics, queue }: ServerParts,
  options: ServeOptions,
): Promise<Hono<Env>> {
  const { Hono } = await optionalPackage("hono", "to serve over HTTP");
  const { hostHeaderValidation, originValidation } = await optionalPackage(
    "@modelcontextprotocol/hono",
    "to serve over HTTP",
  );
  const { onError, version = "0", host = "127.0.0.1", requestsPerSecond = 20 } = options;
  const app = new Hono<Env>();
  app.use(measured(metrics));
  app.onError((error, context) => {
    // Whoever asked has gone, and what it stopped is no failure.
    if (context.req.raw.signal.aborted) return new Response(null, { status: clientGone });
    const problem = problemOf(error);
    if (problem.status === 500) onError?.(error);
    return answerProblem(context, problem);
  });
  app.notFound((context) =>
    answerProblem(context, problemOf(new Refused("not-found", "There is no such route"))),
  );
  // A web page must not reach a server that asks for no key.
  if (loopback.includes(host)) {
    app.use(rewrapped(hostHeaderValidation(loopback)));
    app.use(rewrapped(originValidation(loopback)));
  }
  app.get("/healthz", (context) => context.json({ status: "ok" }));
  app.get("/readyz", async (context) => {
    const reasons = [...(await readyOf(queue)).reasons, ...(await troublesOf(spaces))];
    return context.json({ status: reasons.length > 0 ? "degraded" : "ready", reasons });
  });
  addDashboard(app);
  app.get("/openapi.json", (context) => context.json(openApi(version)));
  app.get("/metrics", authenticated(keys), async (context) => {
    // They tell of all spaces.
    mustAllow(context.get("key"), "admin", "*");
    const text = metrics.text([...(await gaugesOf(spaces)), ...(await queueGauges(queue))]);
    return context.body(text, 200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" });
  });
  app.use("/v1/*", authenticated(keys, tickets));
  app.use("/v1/*", limited(requestsPerSecond));
  addSpaces(app, spaces);
  const inSpace: MiddlewareHandler<Env> = async (context, next) => {
    context.set("space", await spaces.get(context.req.param("space")!));
    await next();
  };
  const scoped =
    (scope: Scope): MiddlewareHandler<Env> =>
    async (context, next) => {
      mustAllow(context.get("key"), scope, context.req.param("space"));
      await next();
    };
  const at = (path: string) => `/v1/spaces/:space${path.replace(/\{(\w+)\}/g, ":$1")}`;
  app.get(at(""), scoped("read"), inSpace, async (context) => {
    const { id, memory } = context.get("space");
    return context.json(spaceShape.parse({ space: id, ...(await memory.store.stats()) }));
  });
  for (const route of verbRoutes) {
    const print = route.isLong ? begun(route, queue) : printed(route);
    app.on(route.method.toUpperCase(), at(route.path), scoped(route.scope), inSpace, print);
  }
  addOperations(app, at, scoped, inSpace);
  addWatches(app, queue, { at, scoped, inSpace, bodyOf: (context) => body(context, mostBytes) });
  app.post(at("/streams/{stream}/items"), scoped("write"), inSpace, async (context) => {
    const items = pushedItems(await body(context, mostPushedBytes));
    return context.json({ items: await context.get("space").push(context.req.param("stream")!, items) });
  });
  app.get(at("/blobs/{hash}"), scoped("read"), inSpace, async (context) => {
    const hash = context.req.param("hash")!;
    const jpeg = /^[0-9a-f]{64}$/.test(hash) ? await context.get("space").memory.store.blob(hash) : null;
    if (!jpeg) throw new Refused("not-found", "There is no such picture, or it was forgotten");
    return context.body(new Uint8Array(jpeg).buffer, 200, {
      ...{ "content-type": "image/jpeg", "cache-control": "private, max-age=31536000, immutable" },
    });
  });
  app.get(at("/streams/{stream}/media"), scoped("read"), inSpace, (context) =>
    media(context, context.get("space").memory, context.req.param("stream")!),
  );
  app.post(at("/tickets"), scoped("read"), inSpace, async (context) =>
    context.json(await tickets.give(context.get("space").id, context.get("key"))),
  );
  app.get(at("/events"), scoped("read"), inSpace, changes);
  app.get(at("/export"), scoped("read"), inSpace, (context) => exported(context.get("space")));
  app.get(at("/openai/v1/models"), scoped("ask"), inSpace, (context) =>
    context.json(modelsOf(context.get("space"))),
  );
  app.post(at("/openai/v1/chat/completions"), scoped("ask"), inSpace, async (context) => {
    const asked = await body(context, mostBytes);
    const { signal } = context.req.raw;
    if (isForReminded(asked)) {
      mustAllow(context.get("key"), "read", context.req.param("space"));
      return remindedChat(context.get("space"), asked, signal);
    }
    const reply = await chat(context.get("space"), asked, signal);
    if ("body" in reply) return context.json(reply.body as object);
    const text = reply.events.map((event) => `data: ${event}\n\n`).join("");
    return context.body(text, 200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  });
  app.all(at("/mcp"), scoped("read"), scoped("ask"), inSpace, (context) => {
    const key = context.get("key");
    const { id, memory, turns } = context.get("space");
    const write = key === null || (allows(key, "write", id) && allows(key, "forget", id));
    const people = key === null || allows(key, "people", id);
    const how = { write, record: write, people, turns };
    return createMcpHandler(() => mcpServer(memory, how)).fetch(context.req.raw);
  });
  return app;
}

function addSpaces(app: Hono<Env>, spaces: Spaces): void {
  app.get("/v1/spaces", async (context) => {
    const key = context.get("key");
    const may = (space: string) => scopes.filter((scope) => key === null || allows(key, scope, space));
    const reachable = (await spaces.list()).filter((space) => may(space).includes("read"));
    return context.json({ spaces: reachable.map((space) => ({ space, scopes: may(space) })) });
  });
  app.put("/v1/spaces/:space", async (context) => {
    const id = context.req.param("space");
    mustAllow(context.get("key"), "admin", id);
    return context.json({ space: id }, (await spaces.create(id)) ? 201 : 200);
  });
  app.delete("/v1/spaces/:space", async (context) => {
    const id = context.req.param("space");
    mustAllow(context.get("key"), "admin", id);
    await spaces.remove(id);
    return context.body(null, 204);
  });
}

/** Prints a verb: its input is the body or the query, and what the path names. */
function printed({ method, path, verb, isStreamed }: VerbRoute) {
  const called = verbs[verb] as unknown as Verb;
  const { properties = {} } = schemaOf(called.input, "input") as {
    properties?: Record<string, { type?: string }>;
  };
  return async (context: Context<Env>) => {
    const named = inPath(context, path);
    const given =
      method === "get"
        ? fromQuery(context.req.queries() as Record<string, string[]>, properties)
        : ((await body(context, mostBytes)) as object);
    const id = context.req.header("idempotency-key");
    const once = verb === "remember" && id !== undefined && !("id" in given) ? { id } : {};
    const input = { ...given, ...once, ...named };
    const wantsEvents = /\btext\/event-stream\b/.test(context.req.header("accept") ?? "");
    if (isStreamed && wantsEvents) return answering(context.get("space"), input);
    const { memory, operations, turns } = context.get("space");
    const { output } = await call(memory, called, input, { signal: context.req.raw.signal, turns });
    // What was learned may hold words that are forgotten now.
    if (called.effect === "removes") operations.dropResults();
    return context.json(output as object);
  };
}

/** Begins a verb that takes long, and answers with its operation. */
function begun({ path, verb }: VerbRoute, queue: WorkQueue | null) {
  const called = verbs[verb] as unknown as Verb;
  return async (context: Context<Env>) => {
    const { id, memory, operations } = context.get("space");
    const given = { ...((await body(context, mostBytes)) as object), ...inPath(context, path) };
    const input = inputOf(called, given) as object;
    const work = async (signal: AbortSignal) =>
      queue && verb === "learn"
        ? learnInWorker(queue, id, memory, signal)
        : (await call(memory, called, given, { signal, apart: true })).output;
    const operation = await operations.start(verb, work, {
      key: context.req.header("idempotency-key"),
      what: `${verb} ${JSON.stringify(input)}`,
      ...(verb === "learn" && { wordless }),
    });
    const location = `/v1/spaces/${id}/operations/${operation.operation}`;
    return context.json(operation, 202, { location });
  };
}

/** The fields of the input that the path names. */
const inPath = (context: Context<Env>, path: string) =>
  Object.fromEntries(fieldsOf(path).map((name) => [name, context.req.param(name)]));

/** Counts a learning that ended, asked for or started by questions. */
function countLearning(metrics: Metrics, { kind, state, result }: Operation): void {
  if (kind !== "learn") return;
  if (state === "failed") metrics.learned("failed");
  else if (state !== "done") metrics.learned("stopped");
  else metrics.learned((result as LearnOutput).activated ? "activated" : "refused");
}

type LearnOutput = z.output<(typeof verbs)["learn"]["output"]>;

/** Lists operations, shows one and stops one. */
function addOperations(
  app: Hono<Env>,
  at: (path: string) => string,
  scoped: (scope: Scope) => MiddlewareHandler<Env>,
  inSpace: MiddlewareHandler<Env>,
): void {
  const found = (operation: Operation | null): Operation => {
    if (operation) return operation;
    throw new Refused("not-found", "There is no such operation, or it is too old");
  };
  app.get(at("/operations"), scoped("read"), inSpace, async (context) =>
    context.json({ operations: await context.get("space").operations.list() }),
  );
  app.get(at("/operations/{operation}"), scoped("read"), inSpace, async (context) =>
    context.json(found(await context.get("space").operations.get(context.req.param("operation")!))),
  );
  app.post(at("/operations/{operation}/cancel"), scoped("learn"), inSpace, async (context) =>
    context.json(found(await context.get("space").operations.cancel(context.req.param("operation")!))),
  );
}

/** All rows of a space's memory, a JSON object a line. Pictures are had by their hashes. */
function exported({ memory }: Space): Response {
  async function* lines() {
    for await (const row of exportRows(memory.store)) yield Buffer.from(`${JSON.stringify(row)}\n`);
  }
  const body = Readable.toWeb(Readable.from(lines())) as ReadableStream<Uint8Array>;
  const headers = { "content-type": "application/x-ndjson", "cache-control": "no-store" };
  return new Response(body, { headers });
}

/** Counts and times every request, by the pattern of its route. */
function measured(metrics: Metrics): MiddlewareHandler<Env> {
  return async (context, next) => {
    const began = performance.now();
    await next();
    const route = context.req.matchedRoutes.findLast(({ path }) => !path.includes("*"))?.path ?? "none";
    const seconds = (performance.now() - began) / 1000;
    metrics.request(context.req.method, route.replace(/:(\w+)/g, "{$1}"), context.res.status, seconds);
  };
}

/** What the spaces that are open hold now. */
async function gaugesOf(spaces: Spaces): Promise<Gauge[]> {
  const stats = await Promise.all(
    (await spaces.opened()).map(async ({ id, memory }) => ({ id, ...(await memory.store.stats()) })),
  );
  const of = (value: "entries" | "waitingClips") =>
    stats.map((one) => ({ labels: { space: one.id }, value: one[value] }));
  return [
    { name: "taskmem_entries", help: "Memories of the spaces that are open", values: of("entries") },
    { name: "taskmem_clips_behind", help: "Clips that wait to be decided", values: of("waitingClips") },
  ];
}

/** The JSON of a request. @throws Refused */
async function body(context: Context<Env>, most: number): Promise<unknown> {
  const { raw } = context.req;
  if (!/^application\/json\b/i.test(raw.headers.get("content-type") ?? ""))
    throw new Refused("body-invalid", "Expected a body of application/json");
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of raw.body ?? []) {
    bytes += part.length;
    if (bytes > most) throw new Refused("body-too-large", `Expected a body of at most ${most} bytes`);
    parts.push(part);
  }
  try {
    const parsed: unknown = JSON.parse(Buffer.concat(parts).toString("utf8"));
    if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) return parsed;
  } catch {
    // Said below.
  }
  throw new Refused("body-invalid", "Expected a JSON object");
}

/** What is shown in a page, which a ticket opens, and of which a page shows many. */
const shown = /^\/v1\/spaces\/([^/]+)\/(?:blobs\/[^/]+|streams\/[^/]+\/media)$/;

function authenticated(keys: Keys, tickets?: Tickets): MiddlewareHandler<Env> {
  const byTicket = async (request: Context["req"]) => {
    const [, space] = (["GET", "HEAD"].includes(request.method) && shown.exec(request.path)) || [];
    const ticket = request.query("ticket");
    return space && ticket ? ((await tickets?.verify(ticket, space)) ?? null) : null;
  };
  return async (context, next) => {
    const isOpen = (await keys.list()).length === 0;
    const given = async () =>
      (await keys.verify(context.req.header("authorization"))) ?? (await byTicket(context.req));
    const key = isOpen ? null : await given();
    if (!isOpen && key === null)
      throw new Refused("unauthorized", "Expected a key of this server: Authorization: Bearer tm_…");
    context.set("key", key);
    await next();
  };
}

/** @throws Refused; a space that a key may not reach is not told from one that is not there */
function mustAllow(key: Key | null, scope: Scope, space?: string): void {
  if (key === null || allows(key, scope, space)) return;
  throw new Refused(
    "forbidden",
    `The key does not allow ${scope}${space === undefined ? "" : ` in ${space}`}`,
  );
}

/** So many requests a second of each key, after a burst of twice as many. */
function limited(perSecond: number): MiddlewareHandler<Env> {
  const buckets = new Map<string, { left: number; atMs: number }>();
  return async (context, next) => {
    const id = context.get("key")?.id;
    if (id === undefined || shown.test(context.req.path)) return next();
    const nowMs = performance.now();
    const { left, atMs } = buckets.get(id) ?? { left: 2 * perSecond, atMs: nowMs };
    const room = Math.min(2 * perSecond, left + ((nowMs - atMs) / 1000) * perSecond);
    buckets.set(id, { left: Math.max(0, room - 1), atMs: nowMs });
    if (room < 1)
      throw new Refused("too-many-requests", `Expected at most ${perSecond} requests a second of a key`);
    await next();
  };
}

/** A middleware whose refusals are problems too. */
function rewrapped(middleware: MiddlewareHandler): MiddlewareHandler<Env> {
  return async (context, next) => {
    const refused = await middleware(context, next);
    if (refused instanceof Response && refused.status >= 400)
      throw new Refused(
        "forbidden",
        "Expected a request for this machine's own address, and from its own pages",
      );
    return refused;
  };
}

function answerProblem(context: Context, problem: Problem): Response {
  const headers: Record<string, string> = { "content-type": "application/problem+json" };
  if (problem.status === serverCodes.unauthorized) headers["www-authenticate"] = "Bearer";
  if (problem.status === serverCodes["too-many-requests"] || problem.status === 503)
    headers["retry-after"] = "1";
  return context.body(JSON.stringify(problem), problem.status as 400, headers);
}
