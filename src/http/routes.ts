/** The routes of a space: which verb each prints, and from where its input comes. */
import { type VerbName, verbs } from "../contract/index.ts";
import type { Scope } from "./keys.ts";

/** A route that prints a verb. */
export interface VerbRoute {
  readonly method: "get" | "post" | "put" | "patch";
  /** Below `/v1/spaces/{space}`; a part in braces is a field of the input. */
  readonly path: string;
  readonly verb: VerbName;
  readonly scope: Scope;
  /** Whether it is begun as an operation, and answered before it ends. */
  readonly isLong?: true;
  /** Whether it is told as it comes about to whoever accepts events. */
  readonly isStreamed?: true;
}

/** All of them, in the order of the reference. */
export const verbRoutes: readonly VerbRoute[] = [
  { method: "post", path: "/ask", verb: "ask", scope: "ask", isStreamed: true },
  { method: "post", path: "/explain", verb: "explain", scope: "read" },
  { method: "post", path: "/trace", verb: "trace", scope: "ask" },
  { method: "post", path: "/recall", verb: "recall", scope: "read" },
  { method: "get", path: "/entries", verb: "timeline", scope: "read" },
  { method: "get", path: "/streams/{stream}/overview", verb: "overview", scope: "read" },
  { method: "post", path: "/entries", verb: "remember", scope: "write" },
  { method: "get", path: "/entries/{entry}", verb: "evidence", scope: "read" },
  { method: "patch", path: "/entries/{entry}", verb: "close", scope: "write" },
  { method: "get", path: "/tasks", verb: "tasks", scope: "read" },
  { method: "post", path: "/tasks", verb: "record", scope: "write" },
  { method: "put", path: "/tasks/{task}/feedback", verb: "feedback", scope: "write" },
  { method: "get", path: "/adapters", verb: "adapters", scope: "read" },
  { method: "get", path: "/adapters/{adapter}", verb: "adapter", scope: "read" },
  { method: "post", path: "/adapters/{adapter}/diff", verb: "diff", scope: "learn", isLong: true },
  { method: "post", path: "/adapters/{adapter}/promote", verb: "promote", scope: "learn" },
  { method: "post", path: "/adapters/rollback", verb: "rollback", scope: "learn" },
  { method: "post", path: "/learn", verb: "learn", scope: "learn", isLong: true },
  { method: "post", path: "/forget", verb: "forget", scope: "forget" },
  { method: "get", path: "/dropped", verb: "dropped", scope: "read" },
  { method: "post", path: "/dropped/keep", verb: "keep", scope: "write" },
  { method: "get", path: "/storage", verb: "storage", scope: "read" },
  { method: "post", path: "/people", verb: "people", scope: "people" },
  { method: "get", path: "/streams", verb: "streams", scope: "read" },
  { method: "get", path: "/costs", verb: "costs", scope: "read" },
  { method: "put", path: "/streams/{stream}/pause", verb: "pause", scope: "write" },
  { method: "post", path: "/streams/{stream}/retry", verb: "retry", scope: "write" },
];

/** Names of the fields in a path. */
export const fieldsOf = (path: string) => Array.from(path.matchAll(/\{(\w+)\}/g), ([, name]) => name!);

/**
 * A query as the input of a verb: numbers and truths as such, several values of a list as one.
 * @param shape the fields of the verb's input, as JSON Schema
 */
export function fromQuery(
  query: Readonly<Record<string, readonly string[]>>,
  shape: Readonly<Record<string, { readonly type?: string }>>,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(query).map(([name, values]) => {
      const { type } = shape[name] ?? {};
      if (type === "array") return [name, values];
      const [value] = values.slice(-1);
      if (type === "number" || type === "integer") return [name, value === "" ? value : Number(value)];
      if (type === "boolean") return [name, value === "true" ? true : value === "false" ? false : value];
      return [name, value];
    }),
  );
}

/** The names of all verbs that a route prints. */
export const printedVerbs: readonly VerbName[] = verbRoutes.map(({ verb }) => verb);
/** The verbs themselves. */
export { verbs };
