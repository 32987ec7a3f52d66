import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { openTaskMem } from "../../taskmem.ts";
import { makeDirectory } from "../../util/directory.ts";
import { seededRandom } from "../../util/random.ts";
import type { VectorAdapter } from "../adapter.ts";
import { createAdapter, scaleAdapter, type Weight } from "../arithmetic.ts";
import { type ExchangeFormat, type ExchangeOptions, exportAdapter, importAdapter } from "./exchange.ts";
import { loraFolder } from "./lora.ts";

const folder = mkdtempSync(join(tmpdir(), "taskmem-exchange-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const extensions: Record<ExchangeFormat, string> = {
  ...{ gguf: ".gguf", beft: "", "vllm-lens": ".json", "steer-pt": ".pt", lora: "" },
};
let count = 0;

/** Writes an adapter in a format, and returns its path. */
function written(adapter: VectorAdapter, format: ExchangeFormat, options: ExchangeOptions = {}): string {
  const path = join(folder, `adapter-${count++}${extensions[format]}`);
  const files = exportAdapter(adapter, format, options);
  if (format === "beft" || format === "lora") makeDirectory(path);
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(path, name), bytes);
  return path;
}

/** An adapter of random numbers that 16 bits hold exactly. */
function drawn(width: number, block: number): VectorAdapter {
  const random = seededRandom(`${width} ${block}`);
  const weights = Array.from({ length: width }, (_, i): Weight => [i, Math.round(random() * 254 - 127) / 32]);
  return createAdapter(`residual:tiny@${block}`, width, weights);
}

test("every format of a vector gives back the same adapter, at any width and depth", async () => {
  for (const [width, block] of [
    [1, 1],
    [8, 2],
    [576, 14],
    [2048, 22],
  ] as const) {
    const adapter = drawn(width, block);
    const files = [
      written(adapter, "gguf"),
      written(adapter, "beft"),
      written(adapter, "beft", { kind: "vision" }),
      written(adapter, "vllm-lens"),
      written(adapter, "steer-pt", { blocks: block + 3 }),
    ];
    for (const file of files) assert.deepEqual(await importAdapter(file, "tiny"), adapter, file);
  }
});

test("a LoRA is not taken for a vector, for what it adds depends on each token", async () => {
  const functional = { values: new Float32Array(3).fill(0.3), architecture: "llama" };
  const path = written(drawn(8, 2), "lora", { functional });
  assert.equal(loraFolder(path), path);
  assert.equal(loraFolder(join(path, "adapter_model.safetensors")), path);
  assert.equal(loraFolder(written(drawn(8, 2), "beft")), null);
  await assert.rejects(importAdapter(path, "tiny"), /are no vector/);
});

test("the scale is part of what is written", async () => {
  const half = scaleAdapter(drawn(16, 3), 0.5);
  for (const format of ["gguf", "beft", "vllm-lens"] as const) {
    const read = await importAdapter(written(half, format), "tiny");
    assert.deepEqual([read.revision, read.scale], [half.revision, 1], format);
  }
});

test("16 bits keep three digits, rounded to the nearest", async () => {
  const adapter = createAdapter("residual:tiny@1", 3, [
    [0, 1 / 3],
    [1, -1e-3],
    [2, 12345],
  ]);
  const { values } = await importAdapter(written(adapter, "steer-pt", { blocks: 2 }), "tiny");
  assert.deepEqual([...values], [0.333984375, -0.00099945068359375, 12352]);
});

/** A file that `torch.save` (2.13) wrote: step 17, six rows of five 16-bit numbers, all 0 but [1, 2, 3, 4, −0.5] in row 3. */
const fromTorch =
  "H4sIAAAAAAACA6WUv2/TQBTHz07iBJckpZUqMrRzkCCJkzhxRFAiC3kxEqEIKWKxHOdILa5xzr60gIQUCbUSIwyMDAyMdGRkYGFl" +
  "Z2NATPwL3MVJsJ020PIk6/zjfd997vl719FjcQBSKbAUWbAJyB60Xa/YN4lZGD1GmpoFD8Mx4Z9jkO+uUcEAOT0TGR6BI8zpV7oC" +
  "fbdvEtd+gnmLOK61VzDGxEaeaLiwN7ZR3yBw6DmucVAWcSyf7yapwqOZ5gDiuC8RVQ05JpFq9/33Ik50OZpWwkI3RkdrNMZJfYfg" +
  "1D0d6IKeOMaX9ITOHWPxpWU5CEGL2M7QE++6fejC/m3bIiJeu7aLLxOc3sWZcaGjJ1Mn75Sjz7QcuzpntmQLNOYtKTxyXLo44wC6" +
  "Hq2vqXK0M/8WEpv9469vL9iiuJWz54CymH3WJcNE9mC4D4dEU6sXAqhVGUDrEP/k6RT8SoB10J4D9J4S6LCOamrzYgufBbIJQZAx" +
  "HN36nmOWEVYypEEr6MpiSVNv/g8AWBmTFmi325M2+HTaV0b94/2HTJPeN1dSZ0BqTr0wTHyKXRFZla9vBw/+3v9tUFkYYLp4D7o2" +
  "dcAzk1ncsPuaWjxvLyS5XlakRkOWJEWu1qqVUrlWkuVyvSbLUqMuKxWpIZWrCqPsXC2d5ClHfkrJMdgFZ3ADZZfII+dIVBz0/1ZI" +
  "uMmBM3ZctEbQwrlQjVeBGkv7Jlom6ML1UJkNHiy5P6oOuiEdUr/hQdi3UWnQApmQ9E4MRMwT1QZ/zHZI+/qP9nTLdHRBuD5L3ond" +
  "WAiTkfEL549KfO59wf8k+M/+0ZUQfE1ymu/n/gaJjTysYgYAAA==";
/** A file of gguf-py: direction.1 is [0, 1, 2, 3, 4], direction.3 five ones. */
const fromGguf =
  "H4sIAAAAAAACA3N3D3VjZmBgYGKAAGYoLQKl01PzUosSc/QSi5IzMktSk0tKi1I5gOK8UPnk/LySovycMqBMfpEENkG93PyU1Jz4" +
  "jMy8EpBGVqiawvLUPCNJrBpyEitTi+KT80vzSligTuOGKkzJLAKqyczP0zNkRDIMGWAqNUZXqoCup8EeSDgAERA3OGDKoWMEAACI" +
  "FSyHQAEAAA==";

test("reads files of torch and of gguf-py", async () => {
  const [pt, gguf] = [join(folder, "theirs.pt"), join(folder, "theirs.gguf")];
  writeFileSync(pt, gunzipSync(Buffer.from(fromTorch, "base64")));
  writeFileSync(gguf, gunzipSync(Buffer.from(fromGguf, "base64")));
  const steer = await importAdapter(pt, "qwen");
  assert.deepEqual([steer.space, [...steer.values]], ["residual:qwen@3", [1, 2, 3, 4, -0.5]]);
  const third = await importAdapter(gguf, "qwen", 3);
  assert.deepEqual([third.space, [...third.values]], ["residual:qwen@3", [1, 1, 1, 1, 1]]);
  await assert.rejects(importAdapter(gguf, "qwen"), { code: "adapter-unsupported", message: /blocks 1, 3/ });
  await assert.rejects(importAdapter(gguf, "qwen", 2), { code: "adapter-unsupported" });
});

test("a file that is cut or changed is refused, wherever it is", async () => {
  for (const format of ["gguf", "beft", "vllm-lens", "steer-pt"] as const) {
    const whole = Object.entries(exportAdapter(drawn(4, 1), format, { blocks: 2 })).at(-1)![1];
    const path = join(folder, `broken${extensions[format] || ".safetensors"}`);
    for (let length = 0; length < whole.length - 1; length += 1 + Math.floor(whole.length / 150)) {
      writeFileSync(path, whole.subarray(0, length));
      await assert.rejects(
        importAdapter(path, "tiny"),
        { code: "adapter-invalid" },
        `${format} at ${length}`,
      );
    }
    for (let at = 0; at < whole.length; at += 1 + Math.floor(whole.length / 300)) {
      const changed = Uint8Array.from(whole);
      changed[at]! ^= 0x55;
      writeFileSync(path, changed);
      const read = await importAdapter(path, "tiny").catch((error: { code?: string }) => error.code);
      assert.ok(typeof read === "object" || /^adapter-/.test(read!), `${format} at ${at}: ${read}`);
    }
  }
});

test("refuses what a format or a policy cannot hold, and says why", async () => {
  const adapter = drawn(4, 0);
  assert.throws(() => exportAdapter(adapter, "gguf"), { code: "adapter-unsupported" });
  assert.throws(() => exportAdapter(drawn(4, 5), "steer-pt", { blocks: 5 }), { code: "adapter-unsupported" });
  assert.throws(() => exportAdapter(drawn(4, 5), "steer-pt"), { code: "flags-invalid" });
  const words = createAdapter("words:1", 4, [[0, 1]]);
  assert.throws(() => exportAdapter(words, "beft"), { code: "adapter-space" });
  await assert.rejects(importAdapter(join(folder, "none.gguf"), "tiny"), { code: "adapter-missing" });
  await assert.rejects(importAdapter(folder, "tiny"), { code: "adapter-missing" });
});

test("a memory keeps an imported adapter as a candidate of its policy, and exports what it keeps", async () => {
  const policy = () => ({
    ...{ id: "steered", revision: "steered@1", clipsPerDecision: 1 },
    decide: async () => ({ actions: [], cost: { calls: 0, promptTokens: 0, completionTokens: 0, usd: 0 } }),
    advance: () => null,
  });
  const target = { space: "residual:tiny@2", dimension: 8, base: "tiny" };
  await using memory = await openTaskMem({ directory: join(folder, "memory"), policy: { policy, target } });
  const adapter = drawn(8, 2);
  const { id, state, reason } = await memory.adapters.import(written(adapter, "gguf"));
  assert.deepEqual([state, /^imported from adapter-/.test(reason)], ["candidate", true]);
  await memory.adapters.promote(id);
  assert.equal((await memory.adapters.active())!.revision, adapter.revision);
  const files = await memory.adapters.export(id, "gguf");
  assert.deepEqual(Buffer.from(files[""]!), Buffer.from(exportAdapter(adapter, "gguf")[""]!));
  // Another block, and another width.
  for (const other of [drawn(8, 3), drawn(9, 2)])
    await assert.rejects(memory.adapters.import(written(other, "beft")), { code: "adapter-space" });
});
