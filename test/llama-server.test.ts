/**
 * The product with a real llama-server and a very small language model, which writes much nonsense: every clip and every
 * question ends within a bound of calls and tokens, and a server that dies in the middle costs nothing.
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Sampling } from "../src/engine.ts";
import { openaiModel } from "../src/engines/openai/index.ts";
import { type CliRun, type Row, taskmem } from "./support/cli.ts";
import { findLlama, type LlamaOptions, type LlamaServer } from "./support/llama-server.ts";
import { temporaryFolder } from "./support/memory.ts";

const folder = temporaryFolder("llama");
const talk = join(folder, "talk.srt");
const clips = [0, 1, 2];
const llama = await findLlama();
const skip = "skip" in llama && llama.skip;

before(() => {
  writeFileSync(
    talk,
    `1
00:00:01,000 --> 00:00:04,000
Mara: I put the blue suitcase under the stairs.

2
00:00:05,000 --> 00:00:09,000
Jonas: Good. The train to Bergen leaves at seven.

3
00:00:12,000 --> 00:00:16,000
Mara: We need bread, two lemons and a bag of rice.

4
00:00:23,000 --> 00:00:28,000
Jonas: Doctor Lind moved the appointment to Thursday.
`,
  );
});

async function start(t: TestContext, options: LlamaOptions = {}): Promise<LlamaServer> {
  if ("skip" in llama) throw new Error(llama.skip);
  const server = await llama.start(options);
  t.after(() => server.stop());
  return server;
}

/** Flags of a memory that the server's model writes. */
const flagsOf = ({ baseURL }: LlamaServer, memory: string) => [
  ...["--json", "--memory", join(folder, memory)],
  ...["--base-url", baseURL, "--model", "smollm2-135m"],
];

/** Clips by how a run ended them. */
function endsOf({ rows }: CliRun): { readonly stored: number[]; readonly failed: number[] } {
  const clipsOf = (wanted: string) =>
    rows.filter(({ event }) => event === wanted).map(({ clip }) => Number(clip));
  return { stored: clipsOf("clip-end"), failed: clipsOf("clip-failed") };
}

/** Waits until the server computes. */
async function isBusy({ baseURL }: LlamaServer): Promise<void> {
  for (;;) {
    const slots = (await (await fetch(new URL("/slots", baseURL))).json()) as Row[];
    if (slots.some(({ is_processing }) => is_processing)) return;
    await sleep(5);
  }
}

/** Most tokens of a text within the limits of the answer's schema: a description, and its JSON. */
const answerTokens = 400;
/** A clip's first request, one repair, and room for requests that the server refuses. */
const callsPerClip = 4;

test("every clip is stored or fails within a bound of calls and tokens", { skip }, async (t) => {
  const server = await start(t);
  const run = await taskmem(["watch", talk, ...flagsOf(server, "whole")]);
  const { stored, failed } = endsOf(run);
  assert.deepEqual([...stored, ...failed].sort(), clips, run.stderr);
  const cost = run.rows.at(-1)!.cost as Row;
  assert.ok(Number(cost.calls) <= 1 + callsPerClip * clips.length, `${cost.calls} calls`);
  const spent = Number(cost.completionTokens);
  assert.ok(spent <= answerTokens * Number(cost.calls), `${spent} tokens`);

  const asked = await taskmem(["ask", "Where is the suitcase?", ...flagsOf(server, "whole")]);
  assert.equal(asked.code, 0, asked.stderr);
  assert.equal(typeof asked.rows[0]!.answer, "string");
});

test("a server that is killed in the middle of an answer costs no clip", { skip }, async (t) => {
  const server = await start(t);
  let killed: Promise<void> | undefined;
  const run = await taskmem(["watch", talk, ...flagsOf(server, "killed")], {
    onLine: (line) => {
      if (killed || !/"clip-(end|failed)"/.test(line)) return;
      killed = isBusy(server).then(server.kill).then(server.restart);
    },
  });
  await killed;
  assert.ok(killed, run.stderr);
  const { stored, failed } = endsOf(run);
  assert.deepEqual([...stored, ...failed].sort(), clips, run.stderr);
  const failures = run.rows.filter(({ event }) => event === "clip-failed").map(({ code }) => code);
  assert.ok(!failures.includes("unreachable"), "the call was made again");
});

test("every option of sampling takes effect", { skip }, async (t) => {
  const { baseURL } = await start(t);
  const model = openaiModel({ baseURL, model: "smollm2-135m" });
  const write = async (sampling: Sampling) => {
    const parts = [{ type: "text" as const, text: "List words about the sea." }];
    const { completions } = await model.generate({ parts, sampling: { maxTokens: 20, ...sampling } });
    return completions[0]!.text;
  };
  const greedy = await write({ temperature: 0 });
  for (const penalty of [{ repetitionPenalty: 1.5 }, { presencePenalty: 2 }, { frequencyPenalty: 2 }])
    assert.notEqual(await write({ temperature: 0, ...penalty }), greedy, JSON.stringify(penalty));
  const drawn = { temperature: 1, seed: 1 };
  assert.notEqual(await write(drawn), greedy);
  assert.equal(await write(drawn), await write(drawn));
  for (const narrow of [{ topK: 1 }, { topP: 0.01 }, { minP: 0.9 }])
    assert.equal(await write({ ...drawn, ...narrow }), greedy, JSON.stringify(narrow));
});
