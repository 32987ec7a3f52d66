/** Imports go one way: each folder may use the lines above its own. A failure names the offender. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { test } from "node:test";

const src = resolve(import.meta.dirname, "../src");

/** Lowest first. What stands on one line does not import its neighbours, but for the exceptions below. */
const layers = [
  ["errors.ts", "util"],
  ["stream", "adapter"],
  ["engine.ts"],
  ["perception", "tasks", "presets"],
  ["identity"],
  ["memory", "household"],
  ["policy", "answer"],
  ["stream-writer.ts"],
  ["agent.ts", "live"],
  ["reward"],
  ["training"],
  ["engines"],
  ["policies", "models"],
  ["config.ts"],
  ["benchmarks"],
  ["taskmem"],
  ["taskmem.ts"],
  ["index.ts", "learn-process.ts", "contract"],
  ["mcp", "ai", "client", "otel", "workers"],
  ["http"],
  ["cli"],
];

/** Gaps that carry meaning: memory is all an answer may see; tasks reach a policy only through the adapter. */
const forbidden: Record<string, readonly string[]> = {
  answer: ["stream", "perception"],
  policy: ["tasks", "reward"],
};

/** `util` and `errors.ts` are one floor. */
const sameLineAllowed = new Set(["errors.ts", "util"]);

const importPattern =
  /^\s*(?:import|export)\b[^;'"]*?\bfrom\s*["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']\s*\)/gm;

const partOf = (file: string) => relative(src, file).split(sep)[0]!;
const layerOf = (part: string) => layers.findIndex((line) => line.includes(part));

/** Why one import is not allowed, or `null`. */
function offence(importer: string, imported: string): string | null {
  const from = partOf(importer);
  const to = partOf(imported);
  if (from === to) return null;
  const where = `${relative(src, importer)} imports ${relative(src, imported)}`;
  if (layerOf(from) < 0) return `${from} has no layer: add it to test/imports.test.ts`;
  if (layerOf(to) < 0) return `${to} has no layer: add it to test/imports.test.ts`;
  if (forbidden[from]?.includes(to)) return `${where}: ${from} may not see ${to}`;
  if (layerOf(to) > layerOf(from)) return `${where}: ${to} stands above ${from}`;
  if (layerOf(to) === layerOf(from) && !sameLineAllowed.has(to))
    return `${where}: ${from} and ${to} are neighbours`;
  return null;
}

test("no file imports from a layer above its own or through a meaningful gap", () => {
  const files = readdirSync(src, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
    .map((name) => join(src, name));
  assert.ok(files.length > 10, "found the sources");
  const offences = files.flatMap((file) =>
    [...readFileSync(file, "utf8").matchAll(importPattern)]
      .map((match) => match[1] ?? match[2]!)
      .filter((specifier) => specifier.startsWith("."))
      .map((specifier) => offence(file, resolve(dirname(file), specifier)))
      .filter((found) => found !== null),
  );
  assert.deepEqual(offences, []);
});

test("the rule names an offender", () => {
  const at = (path: string) => join(src, path);
  assert.match(offence(at("memory/recall.ts"), at("policy/policy.ts"))!, /policy stands above memory/);
  assert.match(offence(at("answer/answer.ts"), at("stream/clip.ts"))!, /answer may not see stream/);
  assert.match(offence(at("policy/policy.ts"), at("tasks/task.ts"))!, /policy may not see tasks/);
  assert.equal(offence(at("agent.ts"), at("policy/policy.ts")), null);
});
