/**
 * An adapter as one small file: readable JSON of a few kilobytes.
 *
 * A file says what its adapter is added to, what it was trained on and which adapter it came from. It is written whole
 * or not at all. Reading refuses another space, dimension or base, and a file whose values do not give its revision and
 * norm. Version 1 holds a vector; version 2 names an adapter that an engine holds.
 */
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { z } from "zod";
import { ConfigError, DataError } from "../errors.ts";
import { makeDirectory } from "../util/directory.ts";
import { replaceFile } from "../util/replace-file.ts";
import type { Adapter, RemoteAdapter, VectorAdapter } from "./adapter.ts";
import { adapterNorm, withRevision } from "./arithmetic.ts";

/** How an adapter was made. */
export interface Provenance {
  /** The way it was made. */
  readonly method: "closed-form" | "dpo" | "blend" | "import";
  /**
   * Revisions of the adapters it was made from: none, the one that was trained further, or the two that were blended.
   */
  readonly parents: readonly string[];
  /** Ids of the tasks it was trained on. */
  readonly tasks: readonly string[];
  /** Wall time. */
  readonly createdAtMs: number;
  /** What training and validation reported, by name. */
  readonly report: Readonly<Record<string, number | string>>;
}

/** An adapter with everything its file says about it. */
export interface AdapterRecord {
  readonly adapter: Adapter;
  /** Revision of the policy or weights it was trained on; `null` if it was made of words alone and fits any. */
  readonly base: string | null;
  readonly provenance: Provenance;
}

/** What an adapter must fit to be used. */
export interface AdapterTarget {
  /** `residual:<model>@any` takes a vector of any block of that model, and weights of it. */
  readonly space: string;
  /** `null` where the length of a vector is unknown. */
  readonly dimension: number | null;
  /** Revision it must be trained on; a file with base `null` fits any. */
  readonly base: string;
  /** Names of that base in files of earlier versions. */
  readonly formerBase?: RegExp;
}

const format = "taskmem-adapter";

const provenanceSchema = z.strictObject({
  method: z.enum(["closed-form", "dpo", "blend", "import"]),
  parents: z.array(z.string()),
  tasks: z.array(z.string()),
  createdAtMs: z.number(),
  report: z.record(z.string(), z.union([z.number(), z.string()])),
});

const fileSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    format: z.literal(format),
    version: z.literal(1),
    kind: z.literal("vector"),
    space: z.string().min(1),
    dimension: z.int().positive(),
    base: z.string().min(1).nullable(),
    revision: z.string(),
    scale: z.number(),
    norm: z.number(),
    provenance: provenanceSchema,
    indices: z.array(z.int()),
    values: z.array(z.number()),
  }),
  z.strictObject({
    format: z.literal(format),
    version: z.literal(2),
    kind: z.literal("remote"),
    space: z.string().min(1),
    base: z.string().min(1).nullable(),
    revision: z.string().min(1),
    uri: z.string().min(1),
    /** The adapter's `format`; `format` in the file names the file format. */
    weights: z.enum(["lora", "steer"]),
    norm: z.number().min(0).nullable(),
    provenance: provenanceSchema,
  }),
]);

/**
 * The text of an adapter's file.
 * @param name name of the adapter, for messages
 * @throws DataError `adapter-invalid` for numbers that are not finite or out of order
 */
export function adapterText({ adapter, base, provenance }: AdapterRecord, name: string): string {
  const content = adapter.kind === "vector" ? vectorContent(adapter) : remoteContent(adapter);
  return `${JSON.stringify(checked(name, { format, base, provenance, ...content }))}\n`;
}

function vectorContent(adapter: VectorAdapter) {
  const { kind, space, dimension, indices, values, scale, revision } = withRevision(adapter);
  const norm = adapterNorm(adapter);
  return {
    ...{ version: 1, kind, space, dimension, revision, scale, norm },
    ...{ indices: [...indices], values: [...values] },
  };
}

const remoteContent = ({ kind, space, revision, uri, format: weights, norm }: RemoteAdapter) => ({
  ...{ version: 2, kind, space, revision, uri, weights, norm },
});

/**
 * Writes an adapter to a file, replacing an earlier file in one step.
 * @throws DataError `adapter-invalid` as `adapterText`; nothing is written
 * @throws ConfigError `adapter-write` if the file cannot be written
 */
export function saveAdapter(path: string, record: AdapterRecord): void {
  const text = adapterText(record, path);
  try {
    makeDirectory(dirname(path));
    replaceFile(path, text);
  } catch (cause) {
    throw new ConfigError("adapter-write", `Could not write the adapter to ${path}: ${messageOf(cause)}`, {
      cause,
    });
  }
}

/**
 * Reads an adapter that fits `target` from a file.
 * @throws ConfigError `adapter-missing` if there is no such file
 * @throws ConfigError and DataError as `parseAdapter`
 */
export function loadAdapter(path: string, target: AdapterTarget): AdapterRecord {
  return parseAdapter(readText(path), path, target);
}

/**
 * Reads an adapter that fits `target` from the text of its file.
 * @param name source of the text, for messages
 * @throws ConfigError `adapter-space` or `adapter-base` if it does not fit the target
 * @throws DataError `adapter-invalid` if it is cut short, in another format, or its values do not match its revision
 */
export function parseAdapter(text: string, name: string, target: AdapterTarget): AdapterRecord {
  const record = recordOf(name, text);
  const { adapter } = record;
  const isAsLong = adapter.kind !== "vector" || [adapter.dimension, null].includes(target.dimension);
  if (!isOfSpace(adapter.space, target.space) || !isAsLong) {
    const [wanted, got] = [
      target.dimension === null ? "" : ` with dimension ${target.dimension}`,
      adapter.kind === "vector" ? ` with ${adapter.dimension}` : "",
    ];
    throw new ConfigError(
      "adapter-space",
      `Expected an adapter of ${target.space}${wanted} in ${name}, got ${adapter.space}${got}. Train it in this space.`,
    );
  }
  const fits = record.base === null || record.base === target.base || target.formerBase?.test(record.base);
  if (!fits) {
    throw new ConfigError(
      "adapter-base",
      `Expected an adapter trained on ${target.base} in ${name}, got one trained on ${record.base}. Train it again, or use that base.`,
    );
  }
  return record;
}

function isOfSpace(space: string, wanted: string): boolean {
  const [, model] = /^residual:(.+)@any$/.exec(wanted) ?? [];
  if (model === undefined) return space === wanted;
  return space === `weights:${model}` || space.replace(/@\d+(?::answer)?$/, "@any") === wanted;
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new ConfigError("adapter-missing", `Could not read an adapter from ${path}: ${messageOf(cause)}`, {
      cause,
    });
  }
}

function recordOf(name: string, text: string): AdapterRecord {
  const content = parseJson(name, text);
  const { revision, space, base, provenance } = content;
  if (content.kind === "remote") {
    const { kind, uri, weights, norm } = content;
    return { adapter: { kind, revision, space, uri, format: weights, norm }, base, provenance };
  }
  const { norm, ...parts } = content;
  const adapter = withRevision({
    kind: parts.kind,
    space,
    dimension: parts.dimension,
    indices: Int32Array.from(parts.indices),
    values: Float32Array.from(parts.values),
    scale: parts.scale,
  });
  if (adapter.revision !== revision || adapterNorm(adapter) !== norm) {
    throw damaged(
      name,
      `values of revision ${adapter.revision} and norm ${adapterNorm(adapter)} under the name ${revision} and norm ${norm}`,
    );
  }
  return { adapter, base, provenance };
}

function parseJson(name: string, text: string): z.infer<typeof fileSchema> {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (cause) {
    throw damaged(name, `no whole JSON (${messageOf(cause)})`, cause);
  }
  return checked(name, content);
}

function checked(name: string, content: unknown): z.infer<typeof fileSchema> {
  const parsed = fileSchema.safeParse(content);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw damaged(name, `${issue!.path.join(".") || "something"}: ${issue!.message}`, parsed.error);
}

function damaged(name: string, got: string, cause?: unknown): DataError {
  return new DataError(
    "adapter-invalid",
    `Expected a whole adapter file of version 1 or 2 in ${name}, got ${got}. Restore it from a backup, or train it again.`,
    { cause },
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
