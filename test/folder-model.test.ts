/**
 * A model in a folder from the command line: it watches, writes with an adapter that is made active, and the adapter is
 * exported as a LoRA. A worker in Node that speaks the protocol stands for torch, so what is tested is all the rest.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createAdapter } from "../src/adapter/arithmetic.ts";
import { exportAdapter } from "../src/adapter/exchange/exchange.ts";
import { readSafetensors } from "../src/adapter/exchange/safetensors.ts";
import { taskmem } from "./support/cli.ts";
import { stubFolder, talk } from "./support/stub-model.ts";

test("watches, writes with an imported adapter, and exports it as a LoRA", async () => {
  const { folder, model, env } = stubFolder();
  writeFileSync(join(folder, "talk.srt"), talk(12));
  const run = async (...args: string[]) => {
    const asks = args[0] === "watch" || args[0] === "adapt";
    const flags = [...(asks ? ["--policy", "model", "--model", model] : []), "--json"];
    const result = await taskmem([...args, ...flags], { cwd: folder, env });
    assert.equal(result.code, 0, `${args.join(" ")}: ${result.stderr}${result.stdout}`);
    return result.rows;
  };
  await run("watch", "talk.srt");
  const vector = createAdapter("residual:elsewhere@1", 1, [[0, 0.5]]);
  writeFileSync(join(folder, "soup.json"), exportAdapter(vector, "vllm-lens")[""]!);
  const [kept] = await run("adapt", "import", "soup.json");
  await run("adapt", "promote", "--adapter", String(kept!.adapter));

  await run("watch", "talk.srt", "--stream", "again");
  const before = await run("timeline", "--stream", "talk");
  assert.ok(
    before.some(({ text }) => String(text).includes("lamp")),
    "without it, of both",
  );
  const written = await run("timeline", "--stream", "again");
  assert.ok(written.length > 8);
  for (const { text, revision } of written) {
    assert.match(String(text), /soup/);
    assert.ok(String(revision).endsWith(`+${kept!.revision}`));
  }
  await run("adapt", "export", "--adapter", String(kept!.adapter), "--format", "lora", "--out", "lora");
  const out = join(folder, "lora");
  assert.deepEqual(readdirSync(out).sort(), [
    "adapter.gguf",
    "adapter_config.json",
    "adapter_model.safetensors",
  ]);
  const [a, b] = readSafetensors(readFileSync(join(out, "adapter_model.safetensors")));
  assert.match(a!.name, /layers\.1\.mlp\.down_proj\.lora_A/);
  assert.deepEqual([a!.values, b!.values], [Float32Array.of(0.5, 0.25), Float32Array.of(0.5)]);
});

test("writes one of a clip's own lines where it is told to", async () => {
  const { folder, model, env } = stubFolder();
  writeFileSync(join(folder, "talk.srt"), talk(3));
  const config = { policy: "model", model: { model }, torch: { ownLines: true } };
  writeFileSync(join(folder, "taskmem.config.json"), JSON.stringify(config));
  const { code, rows, stderr } = await taskmem(["watch", "talk.srt", "--json"], { cwd: folder, env });
  assert.equal(code, 0, stderr);
  const written = rows.flatMap(({ event, entries }) =>
    event === "clip-end" ? (entries as { text: string }[]) : [],
  );
  assert.ok(written.length > 0);
  for (const { text } of written) assert.ok(talk(1).includes(text.replace(/^somebody says: /, "")), text);
});
