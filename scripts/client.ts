/**
 * Writes src/client/operations.ts, the types and routes of the typed client, from the server's own OpenAPI description. The
 * build runs it. The description holds a small part of JSON Schema, so no generator is installed for it.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openApi } from "../src/http/openapi.ts";

const root = join(import.meta.dirname, "..");
export const clientFile = join(root, "src", "client", "operations.ts");

interface Schema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly description?: string;
}

interface Operation {
  readonly operationId: string;
  /** Only of those that take and give JSON of a schema, in a space: the client's own. */
  readonly summary?: string;
  readonly description: string;
  readonly parameters: readonly {
    readonly name: string;
    readonly required: boolean;
    readonly schema: Schema;
  }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly responses: Readonly<
    Record<string, { readonly content: Readonly<Record<string, { readonly schema: Schema }>> }>
  >;
}

/** The source of the generated file, as biome formats it. */
export function clientSource(): string {
  const paths = openApi("0").paths as Record<string, Record<string, Operation>>;
  const all = Object.entries(paths)
    .flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
    )
    .filter(({ operation }) => operation.summary !== undefined)
    .sort((a, b) => (a.operation.operationId < b.operation.operationId ? -1 : 1));
  const types = all.flatMap(({ operation }) => {
    const { operationId, summary } = operation;
    return [
      `/** What \`${operationId}\` takes. */\nexport type ${nameOf(operationId)}Input = ${typeOf(inputOf(operation))};`,
      `/** ${summary}: what \`${operationId}\` gives. */\nexport type ${nameOf(operationId)}Output = ${typeOf(outputOf(operation))};`,
    ];
  });
  const calls = all.map(({ operation }) => {
    const { operationId, description } = operation;
    const optional = (inputOf(operation).required ?? []).length === 0 ? "?" : "";
    return `${comment(description)}\n${operationId}(input${optional}: ${nameOf(operationId)}Input, options?: RequestOptions): Promise<${nameOf(operationId)}Output>;`;
  });
  const routes = all.map(({ path, method, operation }) => {
    return `${operation.operationId}: ["${method}", "${path.replace("/v1/spaces/{space}", "")}"],`;
  });
  const source = `/** Made by scripts/client.ts of the server's OpenAPI description: do not edit. */

/** How one request is made. */
export interface RequestOptions {
  readonly signal?: AbortSignal;
  /** The same key does the work once, where the server keeps it. */
  readonly idempotencyKey?: string;
}

${types.join("\n")}

/** What a space does. */
export interface Operations {
${calls.join("\n")}
}

/** Method and path of each operation, below the space. */
export const routes = {
${routes.join("\n")}
} as const satisfies Record<keyof Operations, readonly [string, string]>;
`;
  const biome = join(root, "node_modules", "@biomejs", "biome", "bin", "biome");
  const formatted = spawnSync(process.execPath, [biome, "format", `--stdin-file-path=${clientFile}`], {
    ...{ input: source, encoding: "utf8", cwd: root },
  });
  if (formatted.status !== 0)
    throw new Error(`The client's types could not be formatted: ${formatted.stderr}`);
  return formatted.stdout;
}

/** Writes the file where it differs. */
export function writeClient(): void {
  const source = clientSource();
  if (readFileSync(clientFile, "utf8") !== source) writeFileSync(clientFile, source);
}

const nameOf = (operationId: string) => operationId[0]!.toUpperCase() + operationId.slice(1);
const comment = (text: string) => `/** ${text.replaceAll("*/", "* /").replace(/\s+/g, " ").trim()} */`;

/** Path, query and body as one input; the space is the client's. */
function inputOf({ parameters, requestBody }: Operation): Schema {
  const body = requestBody?.content["application/json"]?.schema ?? {};
  const own = parameters.filter(({ name }) => name !== "space");
  return {
    type: "object",
    properties: { ...Object.fromEntries(own.map(({ name, schema }) => [name, schema])), ...body.properties },
    required: [...own.flatMap(({ name, required }) => (required ? [name] : [])), ...(body.required ?? [])],
  };
}

function outputOf({ responses }: Operation): Schema {
  const [, response] = Object.entries(responses).find(([status]) => /^2/.test(status))!;
  return response.content["application/json"]!.schema;
}

/** A JSON Schema as a TypeScript type. @throws Error for one that the description has not had yet */
function typeOf(schema: Schema): string {
  const { type, anyOf, items, properties, additionalProperties } = schema;
  if (anyOf) return anyOf.map(typeOf).join(" | ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (type === "string" || type === "boolean") return type;
  if (type === "number" || type === "integer") return "number";
  if (type === "array") return `readonly (${items ? typeOf(items) : "unknown"})[]`;
  if (type === "object" && properties) {
    const required = new Set(schema.required);
    const fields = Object.entries(properties).map(([name, field]) => {
      const about = field.description === undefined ? "" : `${comment(field.description)}\n`;
      const mark = required.has(name) ? "" : "?";
      return `${about}readonly ${JSON.stringify(name)}${mark}: ${typeOf(field)}${mark ? " | undefined" : ""};`;
    });
    return fields.length === 0 ? "Readonly<Record<string, never>>" : `{\n${fields.join("\n")}\n}`;
  }
  if (type === "object")
    return `Readonly<Record<string, ${typeof additionalProperties === "object" ? typeOf(additionalProperties) : "unknown"}>>`;
  if (Object.keys(schema).every((key) => key === "description")) return "unknown";
  throw new Error(`No type is known for ${JSON.stringify(schema)}`);
}

if (import.meta.main) writeClient();
