/** An answer that takes long is told of while it comes. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { taskmem } from "./support/cli.ts";
import { temporaryFolder } from "./support/memory.ts";
import { eventOf, startOpenAiServer } from "./support/openai-server.ts";

test("without a terminal, a command says on standard error how far a slow answer is, and prints the same results", async (t) => {
  const memory = join(temporaryFolder("slow"), "memory");
  const server = await startOpenAiServer({ models: ["eyes"] });
  t.after(() => server.close());
  const said = JSON.stringify({ citations: [1], answer: "In the shed", answerable: true });
  server.setFaults(({ text }) =>
    text.includes('{"ok": true}')
      ? undefined
      : {
          kind: "answer",
          respond: async (response) => {
            response.writeHead(200, { "content-type": "text/event-stream" });
            const words = [...said.matchAll(/.{1,8}/g)].map(([word]) => word);
            for (const word of words) {
              response.write(eventOf({ choices: [{ index: 0, delta: { content: word } }] }));
              await sleep(12_000 / words.length);
            }
            response.end("data: [DONE]\n\n");
          },
        },
  );
  await taskmem(["remember", "The lantern is in the shed.", "--memory", memory]);
  const flags = ["--memory", memory, "--base-url", server.baseURL, "--model", "eyes", "--json"];
  const { rows, stdout, stderr } = await taskmem(["ask", "Where is the lantern?", ...flags]);
  assert.match(stderr, /^openai:eyes: \d+ tokens written after \d+ s, [\d.]+ a second$/m);
  assert.equal(rows.length, stdout.split("\n").length);
  assert.ok(!stdout.includes("tokens written"));
});
