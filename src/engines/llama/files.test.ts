import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { ggufFiles } from "./files.ts";

const root = mkdtempSync(join(tmpdir(), "gguf-"));
after(() => rmSync(root, { recursive: true }));

function folderOf(name: string, files: readonly string[]): string {
  const folder = join(root, name);
  mkdirSync(folder);
  for (const file of files) writeFileSync(join(folder, file), "");
  return folder;
}

test("a folder's model is found with its eyes, and without", () => {
  const eyed = folderOf("eyed", ["qwen-2b-q4.gguf", "mmproj-qwen-2b-f16.gguf", "README.md"]);
  assert.deepEqual(ggufFiles(eyed), {
    ...{ model: join(eyed, "qwen-2b-q4.gguf"), projector: join(eyed, "mmproj-qwen-2b-f16.gguf") },
  });
  const blind = folderOf("blind", ["small.GGUF"]);
  assert.deepEqual(ggufFiles(blind), { model: join(blind, "small.GGUF"), projector: null });
});

test("a model in several files is named by its first", () => {
  const parts = folderOf("parts", ["big-00001-of-00002.gguf", "big-00002-of-00002.gguf"]);
  assert.equal(ggufFiles(parts).model, join(parts, "big-00001-of-00002.gguf"));
});

test("of several models one is named by its file, with the eyes whose name is nearest", () => {
  const files = ["gemma-3-4b-q4.gguf", "qwen-2b-q8.gguf", "gemma-3-4b-mmproj.gguf", "qwen-2b-mmproj.gguf"];
  const many = folderOf("many", files);
  assert.throws(() => ggufFiles(many), {
    ...{ code: "model-missing", message: /got gemma-3-4b-q4\.gguf, qwen-2b-q8\.gguf: name its file, local:/ },
  });
  assert.deepEqual(ggufFiles(join(many, "qwen-2b-q8.gguf")), {
    ...{ model: join(many, "qwen-2b-q8.gguf"), projector: join(many, "qwen-2b-mmproj.gguf") },
  });
});

test("a folder without a model says so", () => {
  const none = folderOf("none", ["mmproj.gguf", "notes.txt"]);
  assert.throws(() => ggufFiles(none), {
    code: "model-missing",
    message: /Expected one GGUF model in .*, got none/,
  });
});
