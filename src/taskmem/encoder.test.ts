import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { startOpenAiServer } from "../../test/support/openai-server.ts";
import { parseConfig } from "../config.ts";
import { openTaskMem } from "../taskmem.ts";
import { configuredEncoder, embedderOver } from "./encoder.ts";

const memory = mkdtempSync(join(tmpdir(), "encoder-"));
after(() => rmSync(memory, { recursive: true, force: true }));

describe("an encoder at an endpoint", () => {
  test("that is down costs a question its meaning, and not its answer", async () => {
    const server = await startOpenAiServer({ models: ["letters"], dimension: 8 });
    const embedder = { baseUrl: server.baseURL, model: "letters" };
    {
      await using mem = await openTaskMem({ directory: memory, embedder });
      await mem.remember({ text: "The spare key lies under the blue pot." });
    }
    await server.close();
    const config = parseConfig({ memory, embedder });
    const once = { maxRetries: 0 };
    const encoder = await configuredEncoder(config, once);
    assert.equal(encoder!.encoder.dimension, 8);
    const why: string[] = [];
    const over = embedderOver(encoder!, (said) => why.push(said));
    await using mem = await openTaskMem({ directory: memory, embedder: over });
    const { answer } = await mem.ask("Where is the spare key?");
    assert.equal(answer, "The spare key lies under the blue pot.");
    assert.match(why[0]!, /could not be reached/);
    await assert.rejects(configuredEncoder(config, once, { reindexes: true }), { code: "unreachable" });
    const other = parseConfig({ memory, embedder: { ...embedder, model: "others" } });
    await assert.rejects(configuredEncoder(other, once), { code: "unreachable" });
  });
});
