/** The server's own description, OpenAPI 3.1, made from the contract and the table of routes. */
import { z } from "zod";
import { verbs } from "../contract/index.ts";
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

/** Routes that print no verb and take and give JSON. */
const plainRoutes: readonly Described[] = [
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

function operationOf(route: Described): JsonObject {
  const { method, path, name: operationId, scope, isLong, title, about, input, output } = route;
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
  const parameter = (name: string, place: "path" | "query", schema: JsonObject) => ({
    ...{ name, in: place, required: place === "path" || required.includes(name), schema },
  });
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
        content: { "application/json": { schema: isLong ? begunOf(output) : schemaOf(output, "output") } },
      },
      default: problems,
    },
  };
}
