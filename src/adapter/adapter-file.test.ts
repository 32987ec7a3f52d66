import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { ConfigError, DataError, type TaskMemError } from "../errors.ts";
import { seededRandom } from "../util/random.ts";
import type { RemoteAdapter } from "./adapter.ts";
import { type AdapterRecord, adapterText, loadAdapter, parseAdapter, saveAdapter } from "./adapter-file.ts";
import { createAdapter, scaleAdapter, type Weight } from "./arithmetic.ts";

const folder = mkdtempSync(join(tmpdir(), "taskmem-adapter-"));
after(() => rmSync(folder, { recursive: true }));

const space = "words:test";
const target = { space, dimension: 65536, base: "choice@1" };
const random = seededRandom("adapter file");
const weights = Array.from({ length: 500 }, (_, k): Weight => [k * 131, Math.log(random()) / 3]);
const record = {
  adapter: scaleAdapter(createAdapter(space, 65536, weights), 1.5),
  base: "choice@1",
  provenance: {
    method: "dpo",
    parents: ["0123456789ab"],
    tasks: ["t1", "t2"],
    createdAtMs: 1_700_000_000_000,
    report: { pairs: 32, judge: "lexical" },
  },
} satisfies AdapterRecord;

let files = 0;
/** Saves the record, changes the file's content and returns its path. */
function changedFile(change: (content: Record<string, unknown>) => void): string {
  const path = join(folder, `${++files}.json`);
  saveAdapter(path, record);
  const content = JSON.parse(readFileSync(path, "utf8"));
  change(content);
  writeFileSync(path, JSON.stringify(content));
  return path;
}

const hasCode = (type: typeof TaskMemError, code: string) => (error: unknown) =>
  error instanceof type && error.code === code;
const isInvalid = hasCode(DataError, "adapter-invalid");

describe("an adapter file", () => {
  test("keeps every value, the scale, the revision and the provenance", () => {
    const path = join(folder, "new", "folder", "a.json");
    saveAdapter(path, record);
    assert.deepEqual(loadAdapter(path, target), record);
    assert.equal(statSync(path).mode & 0o077, 0, "readable by its owner only");
  });

  test("is the same as text, kept elsewhere", () => {
    const path = join(folder, "text.json");
    saveAdapter(path, record);
    assert.equal(readFileSync(path, "utf8"), adapterText(record, "the adapter"));
    assert.deepEqual(parseAdapter(adapterText(record, "the adapter"), "the memory", target), record);
    const cut = adapterText(record, "the adapter").slice(0, 50);
    assert.throws(() => parseAdapter(cut, "the memory", target), /version 1 or 2 in the memory/);
  });

  test("fits any base if it was made of words alone", () => {
    const path = join(folder, "words.json");
    saveAdapter(path, { ...record, base: null });
    assert.equal(loadAdapter(path, { ...target, base: "choice@1-abcdef" }).base, null);
  });

  test("replaces an older one and leaves no other file beside it", () => {
    const path = join(folder, "replaced", "a.json");
    saveAdapter(path, { ...record, adapter: createAdapter(space, 65536, []) });
    saveAdapter(path, record);
    assert.deepEqual(loadAdapter(path, target), record);
    assert.deepEqual(readdirSync(join(folder, "replaced")), ["a.json"]);
  });

  test("stays unchanged after a refused adapter or a failed write", () => {
    const path = join(folder, "kept", "a.json");
    saveAdapter(path, record);
    const values = record.adapter.values.slice();
    values[3] = Number.NaN;
    assert.throws(() => saveAdapter(path, { ...record, adapter: { ...record.adapter, values } }), isInvalid);
    const provenance = { ...record.provenance, report: { winRate: Number.NaN } };
    assert.throws(() => saveAdapter(path, { ...record, provenance }), isInvalid);
    assert.deepEqual(loadAdapter(path, target), record);

    mkdirSync(join(folder, "kept", "folder.json"));
    const write = () => saveAdapter(join(folder, "kept", "folder.json"), record);
    assert.throws(write, hasCode(ConfigError, "adapter-write"));
    assert.deepEqual(readdirSync(join(folder, "kept")).sort(), ["a.json", "folder.json"]);
  });

  test("is refused in another space, dimension or base", () => {
    const path = changedFile(() => {});
    for (const [wrong, code] of [
      [{ space: "words:other" }, "adapter-space"],
      [{ dimension: 2048 }, "adapter-space"],
      [{ base: "choice@2" }, "adapter-base"],
    ] as const) {
      assert.throws(() => loadAdapter(path, { ...target, ...wrong }), hasCode(ConfigError, code));
    }
  });

  test("is refused when it is cut short anywhere", () => {
    const path = changedFile(() => {});
    const text = readFileSync(path, "utf8");
    for (const length of [0, 1, 100, text.length >> 1, text.length - 1]) {
      writeFileSync(path, text.slice(0, length));
      assert.throws(() => loadAdapter(path, target), isInvalid, `${length} of ${text.length}`);
    }
  });

  test("is refused if a value is no number or its content does not match its revision", () => {
    const list = (content: Record<string, unknown>, name: string) => content[name] as unknown[];
    const changes: [string, (content: Record<string, unknown>) => void][] = [
      ["NaN, which JSON writes as null", (c) => list(c, "values").splice(4, 1, null)],
      ["another value", (c) => list(c, "values").splice(4, 1, 0.25)],
      ["beyond single precision", (c) => list(c, "values").splice(4, 1, 1e39)],
      ["a value too few", (c) => list(c, "values").pop()],
      ["a value and its place too few", (c) => [list(c, "values").pop(), list(c, "indices").pop()]],
      ["a place outside", (c) => list(c, "indices").splice(-1, 1, 65536)],
      ["places out of order", (c) => list(c, "indices").reverse()],
      ["another scale", (c) => Object.assign(c, { scale: 1 })],
      ["another norm", (c) => Object.assign(c, { norm: 0.3 })],
      ["another revision", (c) => Object.assign(c, { revision: "0123456789ab" })],
      ["another space under the same revision", (c) => Object.assign(c, { space: "words:new" })],
      ["a version to come", (c) => Object.assign(c, { version: 2 })],
      ["another format", (c) => Object.assign(c, { format: "weights" })],
      ["no base", (c) => delete c.base],
      ["something unknown", (c) => Object.assign(c, { more: 1 })],
    ];
    for (const [name, change] of changes)
      assert.throws(() => loadAdapter(changedFile(change), target), isInvalid, name);
  });

  test("of a remote adapter names it, and is refused in another space or cut short", () => {
    const adapter: RemoteAdapter = {
      ...{ kind: "remote", revision: "r1", space: "weights:small", uri: "http://engine/1", format: "lora" },
      norm: null,
    };
    const remote: AdapterRecord = { ...record, adapter, base: "small@1" };
    const text = adapterText(remote, "the adapter");
    assert.equal(JSON.parse(text).version, 2);
    const fits = { space: "weights:small", dimension: 1, base: "small@1" };
    assert.deepEqual(parseAdapter(text, "the memory", fits), remote);
    assert.throws(() => parseAdapter(text, "the memory", target), hasCode(ConfigError, "adapter-space"));
    assert.throws(() => parseAdapter(text.replace("lora", "nails"), "the memory", fits), isInvalid);
    assert.throws(() => adapterText({ ...remote, adapter: { ...adapter, uri: "" } }, "it"), isInvalid);
  });

  test("names the path if there is no file", () => {
    const path = join(folder, "nowhere.json");
    assert.throws(() => loadAdapter(path, target), hasCode(ConfigError, "adapter-missing"));
    assert.throws(() => loadAdapter(path, target), /nowhere.json/);
  });
});
