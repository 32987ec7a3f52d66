/** The server's own description, OpenAPI 3.1, made from the contract and the tables of routes. */
import { z } from "zod";
import { verbs } from "../contract/index.ts";
import type { Scope } from "./keys.ts";
import { operationShape } from "./operations.ts";
import { pushedShape, receiptsShape } from "./pushed.ts";
import { fieldsOf, type VerbRoute, verbRoutes } from "./routes.ts";
import { watchedShape, watchesShape, watchShape } from "./watches.ts";

const problems = {
  content: {
    "application/problem+json": {
      schema: {
        type: "object",
        properties: Object.fromEntries(
          ["type", "title", "code", "detail"].map((name) => [name, { type: "string" }]),
        ),
        required: ["status", "code", "detail"],
      },
    },
  },
  description: "What went wrong, by a code that stays",
};

/** A schema of the contract, as JSON Schema. @param io what goes in, or what comes out */
export function schemaOf(type: z.ZodType, io: "input" | "output"): JsonObject {
  const { $schema: _, ...schema } = z.toJSONSchema(type, { io }) as JsonObject;
  return schema;
}

/** A JSON Schema. */
export type JsonObject = { readonly [key: string]: unknown };

const ofStream = z.strictObject({ stream: z.string().describe("id") });

/** A space in numbers. */
export const spaceShape = z.object({
  space: z.string().describe("id"),
  ...{ streams: z.int(), clips: z.int(), entries: z.int(), tasks: z.int(), gaps: z.int() },
  waitingClips: z.int().describe("not decided yet"),
  failedClips: z.int(),
  databaseBytes: z.int(),
  blobBytes: z.int().describe("of pictures"),
});

/** Routes that print no verb and take and give JSON. */
const plainRoutes: readonly Described[] = [
  {
    ...{ method: "get", path: "", name: "space", scope: "read" },
    ...{ title: "A space", about: "What a space holds, in numbers." },
    ...{ input: z.strictObject({}), output: spaceShape },
  },
  {
    ...{ method: "post", path: "/streams/{stream}/items", name: "push", scope: "write" },
    title: "Push texts and pictures",
    about: "Keeps items of a stream; they are answerable within two seconds.",
    ...{ input: pushedShape.extend({ stream: z.string().describe("id") }), output: receiptsShape },
  },
  {
    ...{ method: "get", path: "/operations", name: "operations", scope: "read" },
    ...{ title: "Operations", about: "Lists work that takes longer than a request, the newest first." },
    ...{ input: z.strictObject({}), output: z.object({ operations: z.array(operationShape) }) },
  },
  {
    ...{ method: "get", path: "/operations/{operation}", name: "operation", scope: "read" },
    ...{ title: "An operation", about: "Shows work that takes longer than a request." },
    ...{ input: z.strictObject({ operation: z.string().describe("id") }), output: operationShape },
  },
  {
    ...{ method: "post", path: "/operations/{operation}/cancel", name: "cancel", scope: "learn" },
    ...{ title: "Stop an operation", about: "Stops work; what has ended stays as it is." },
    ...{ input: z.strictObject({ operation: z.string().describe("id") }), output: operationShape },
  },
  {
    ...{ method: "get", path: "/watches", name: "watches", scope: "read" },
    ...{
      title: "Streams that workers watch",
      about: "Lists the streams that workers watch, and how each stands.",
    },
    ...{ input: z.strictObject({}), output: watchesShape },
  },
  {
    ...{ method: "put", path: "/streams/{stream}/watch", name: "watch", scope: "admin" },
    ...{ title: "Watch a stream", about: "Has a stream watched by some worker from now on." },
    ...{ input: watchShape.extend(ofStream.shape), output: watchedShape },
  },
  {
    ...{ method: "post", path: "/streams/{stream}/unwatch", name: "unwatch", scope: "admin" },
    ...{ title: "Watch a stream no more", about: "Takes a stream from the workers; its memory stays." },
    ...{ input: ofStream, output: watchesShape },
  },
];

/** A route that takes or gives something else than JSON of a schema, or stands outside of a space. */
interface OtherRoute {
  readonly method: "get" | "post" | "put" | "delete";
  /** The whole of it. */
  readonly path: string;
  /** The `operationId`. */
  readonly name: string;
  readonly about: string;
  /** What the key needs, and `open` where no key is asked for. */
  readonly scope: Scope | readonly Scope[] | "any" | "open";
  readonly query?: readonly string[];
  /** Media type of the answer; none where it has no content. */
  readonly gives?: string;
}

const inSpace = "/v1/spaces/{space}";
const json = "application/json";
const otherRoutes: readonly OtherRoute[] = [
  {
    method: "get",
    path: `${inSpace}/export`,
    name: "export",
    scope: "read",
    gives: "application/x-ndjson",
    about: "All that the memory holds but pictures, a row a line, as `taskmem import` reads it.",
  },
  {
    method: "get",
    path: `${inSpace}/events`,
    name: "events",
    scope: "read",
    gives: "text/event-stream",
    about:
      "Changes as they come, and ends of operations; of some `types` alone where these are named. `Last-Event-ID`, or `since`, resumes.",
    query: ["since", "types"],
  },
  {
    method: "get",
    path: `${inSpace}/blobs/{hash}`,
    name: "picture",
    scope: "read",
    gives: "image/jpeg",
    ...{ about: "A picture that a memory rests on.", query: ["ticket"] },
  },
  {
    method: "get",
    path: `${inSpace}/streams/{stream}/media`,
    name: "media",
    scope: "read",
    gives: "video/*",
    about: "The recording that a moment was watched in, whole or a `Range`.",
    query: ["from", "to", "ticket"],
  },
  {
    ...{ method: "post", path: `${inSpace}/tickets`, name: "ticket", scope: "read", gives: json },
    about: "A ticket for addresses of pictures and media, which pages show without a header.",
  },
  {
    ...{ method: "get", path: `${inSpace}/openai/v1/models`, name: "models", scope: "ask", gives: json },
    about: "The space as a model of an OpenAI-compatible endpoint.",
  },
  {
    method: "post",
    path: `${inSpace}/openai/v1/chat/completions`,
    name: "chat",
    scope: "ask",
    gives: json,
    about: "Answers the last message from memory alone, or asks the endpoint's model with what memory holds.",
  },
  {
    ...{ method: "post", path: `${inSpace}/mcp`, name: "mcp", scope: ["read", "ask"], gives: json },
    about: "The space as an MCP server.",
  },
  {
    ...{ method: "put", path: inSpace, name: "makeSpace", scope: "admin", gives: json },
    about: "Makes a space, or leaves the one of that id.",
  },
  {
    ...{ method: "delete", path: inSpace, name: "removeSpace", scope: "admin" },
    about: "Removes a space with all that it holds.",
  },
  {
    ...{ method: "get", path: "/v1/spaces", name: "spaces", scope: "any", gives: json },
    about: "The spaces that the key may read, with its scopes.",
  },
  {
    ...{ method: "get", path: "/metrics", name: "metrics", scope: "admin", gives: "text/plain" },
    about: "Numbers of the server, for Prometheus.",
  },
  {
    ...{ method: "get", path: "/healthz", name: "health", scope: "open", gives: json },
    about: "Says that the server lives.",
  },
  {
    ...{ method: "get", path: "/readyz", name: "ready", scope: "open", gives: json },
    about: "Says whether the server is ready, or degraded and why.",
  },
  {
    ...{ method: "get", path: "/openapi.json", name: "description", scope: "open", gives: json },
    about: "This document.",
  },
];

/** The document. @param version of the package */
export function openApi(version: string): JsonObject {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of verbRoutes) {
    const path = `/v1/spaces/{space}${route.path}`;
    const { title, about, input, output } = verbs[route.verb];
    const of = { ...route, name: route.verb, title, about, input, output };
    paths[path] = { ...paths[path], [route.method]: operationOf(of) };
  }
  for (const route of plainRoutes) {
    const path = `/v1/spaces/{space}${route.path}`;
    paths[path] = { ...paths[path], [route.method]: operationOf(route) };
  }
  for (const route of otherRoutes)
    paths[route.path] = { ...paths[route.path], [route.method]: otherOperationOf(route) };
  return {
    openapi: "3.1.0",
    info: {
      ...{ title: "TaskMem", version, license: { name: "Apache-2.0", identifier: "Apache-2.0" } },
      description: "Long-term memory for agents that see and hear, a space for each user.",
    },
    security: [{ key: [] }],
    components: { securitySchemes: { key: { type: "http", scheme: "bearer" } } },
    paths,
  };
}

/** An operation with the output of its verb. */
function begunOf(output: z.ZodType): JsonObject {
  return schemaOf(operationShape.extend({ result: output.optional() }), "output");
}

/** A route with what it takes and gives. */
interface Described extends Omit<VerbRoute, "verb"> {
  /** The `operationId`. */
  readonly name: string;
  readonly title: string;
  readonly about: string;
  readonly input: z.ZodType;
  readonly output: z.ZodType;
}

const parameterOf = (name: string, place: "path" | "query", isRequired: boolean, schema: JsonObject) => ({
  ...{ name, in: place, required: isRequired, schema },
});

function otherOperationOf({ method, path, name, about, scope, query = [], gives }: OtherRoute): JsonObject {
  const needs = scope === "open" || scope === "any" ? "" : ` Scope: ${[scope].flat().join(" and ")}.`;
  const text: JsonObject = { type: "string" };
  return {
    ...{ operationId: name, description: `${about}${needs}`, ...(scope === "open" && { security: [] }) },
    parameters: [
      ...fieldsOf(path).map((field) => parameterOf(field, "path", true, text)),
      ...query.map((field) => parameterOf(field, "query", false, text)),
    ],
    ...(method === "post" && { requestBody: { required: true, content: { [json]: { schema: {} } } } }),
    responses: {
      [gives === undefined ? "204" : "200"]: {
        description: about,
        ...(gives !== undefined && { content: { [gives]: {} } }),
      },
      default: problems,
    },
  };
}

function operationOf(route: Described): JsonObject {
  const { method, path, name: operationId, scope, isLong, isStreamed, title, about, input, output } = route;
  const {
    properties = {},
    required = [],
    ...rest
  } = schemaOf(input, "input") as {
    properties?: Record<string, JsonObject>;
    required?: readonly string[];
  };
  const inPath = fieldsOf(path);
  const others = Object.entries(properties).filter(([name]) => !inPath.includes(name));
  const parameter = (name: string, place: "path" | "query", schema: JsonObject) =>
    parameterOf(name, place, place === "path" || required.includes(name), schema);
  return {
    ...{ operationId, summary: title, description: `${about} Scope: ${scope}.` },
    parameters: [
      parameter("space", "path", { type: "string" }),
      ...inPath.map((name) => parameter(name, "path", properties[name]!)),
      ...(method === "get" ? others.map(([name, schema]) => parameter(name, "query", schema)) : []),
    ],
    ...(method !== "get" && {
      requestBody: {
        required: true,
        content: {
          "application/json": {
            schema: {
              ...{ ...rest, properties: Object.fromEntries(others) },
              required: required.filter((name) => !inPath.includes(name)),
            },
          },
        },
      },
    }),
    responses: {
      [isLong ? "202" : "200"]: {
        description: isLong ? "The operation, whose `result` is the output" : title,
        content: {
          "application/json": { schema: isLong ? begunOf(output) : schemaOf(output, "output") },
          ...(isStreamed && { "text/event-stream": {} }),
        },
      },
      default: problems,
    },
  };
}
