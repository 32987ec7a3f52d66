/**
 * The product with a real llama-server and a very small language model, which writes much nonsense: every clip of a text is
 * written, no loop is stored, every clip and every question ends within a bound of calls and tokens, and a server that
 * dies in the middle costs nothing.
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
/** The clips of the talk, and words of which a memory of each has one at least. */
const about = [/suitcase|stairs|train|Bergen/, /bread|lemon|rice/, /Lind|appointment|Thursday/];
const clips = [...about.keys()];
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
  // On a host that others use too, a prompt may take minutes.
  ...["--base-url", baseURL, "--model", "smollm2-135m", "--timeout", "900"],
];

/** Clips by how a run ended them. */
function endsOf({ rows }: CliRun): { readonly stored: number[]; readonly failed: number[] } {
  const clipsOf = (wanted: string) =>
    rows.filter(({ event }) => event === wanted).map(({ clip }) => Number(clip));
  return { stored: clipsOf("clip-end"), failed: clipsOf("clip-failed") };
}

/** The texts that a run stored, by clip. */
function textsOf({ rows }: CliRun): Map<number, string[]> {
  const ends = rows.filter(({ event }) => event === "clip-end");
  return new Map(
    ends.map(({ clip, entries }) => [Number(clip), (entries as Row[]).map(({ text }) => String(text))]),
  );
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
/** The form twice, the made-up clip once in a process, a sentence; or a sentence twice. */
const callsPerClip = 4;
/** An answer in the form, a question with one right answer in the form, and a sentence. */
const questionTokens = 2048 + 512 + 80;

test("in a context of 1024 tokens every clip is written within a bound of calls and tokens, and no loop", {
  skip,
}, async (t) => {
  const server = await start(t, { context: 1024 });
  const run = await taskmem(["watch", talk, ...flagsOf(server, "whole")]);
  assert.deepEqual(endsOf(run), { stored: clips, failed: [] }, run.stderr);
  const cost = run.rows.at(-1)!.cost as Row;
  // One more asks what the server takes.
  assert.ok(Number(cost.calls) <= 1 + callsPerClip * clips.length, `${cost.calls} calls`);
  const spent = Number(cost.completionTokens);
  assert.ok(spent <= answerTokens * Number(cost.calls), `${spent} tokens`);
  const written = textsOf(run);
  for (const [clip, words] of about.entries()) assert.match(written.get(clip)!.join(" "), words);
  const texts = [...written.values()].flat();
  assert.equal(new Set(texts).size, texts.length, "no memory is stored twice");
  for (const text of texts) {
    const sentences = text.match(/[^.!?]+[.!?]/g) ?? [text];
    assert.equal(new Set(sentences).size, sentences.length, `says a sentence twice: ${text}`);
  }

  const asked = await taskmem(["ask", "Where is the suitcase?", ...flagsOf(server, "whole")]);
  assert.equal(asked.code, 0, asked.stderr);
  assert.equal(typeof asked.rows[0]!.answer, "string");
  const answered = Number((asked.rows[0]!.cost as Row).completionTokens);
  assert.ok(answered <= questionTokens, `${answered} tokens`);
});

test("a server that is killed in the middle of an answer costs no clip", { skip }, async (t) => {
  const server = await start(t);
  let killed: Promise<void> | undefined;
  const run = await taskmem(["watch", talk, ...flagsOf(server, "killed")], {
    onLine: (line) => {
      if (killed || !line.includes('"clip-end"')) return;
      killed = isBusy(server).then(server.kill).then(server.restart);
    },
  });
  await killed;
  assert.ok(killed, run.stderr);
  assert.deepEqual(endsOf(run), { stored: clips, failed: [] }, run.stderr);
  const { rows } = await taskmem(["timeline", "--json", "--memory", join(folder, "killed")]);
  const remembered = rows.filter(({ kind }) => kind === "episodic").map(({ clip }) => clip);
  assert.deepEqual(remembered, clips);
});

test("doctor tells a key that is refused, and a context without room for the prompt", { skip }, async (t) => {
  const server = await start(t, { context: 512, apiKey: "right" });
  const check = async (apiKey: string, name: string) => {
    const run = await taskmem(["doctor", ...flagsOf(server, "none")], { env: { TASKMEM_API_KEY: apiKey } });
    assert.equal(run.code, 2, run.stderr);
    return String(run.rows.find((row) => row.check === name)?.detail);
  };
  assert.match(await check("wrong", "model"), /refused the key \(401\): set TASKMEM_API_KEY/);
  assert.match(
    await check("right", "model limits"),
    /^a context of 512 tokens, one request at a time, too few/,
  );
});

test("doctor tells what a small model without eyes behind one slot cannot do", { skip }, async (t) => {
  const server = await start(t);
  const { rows } = await taskmem([
    "doctor",
    ...flagsOf(server, "none"),
    ...["--model", "smollm", "--policy", "best-of-n"],
  ]);
  const detailOf = (name: string) => String(rows.find(({ check }) => check === name)?.detail);
  assert.match(detailOf("model name"), /does not list smollm, but smollm2-135m, and answers under any name/);
  assert.match(detailOf("model limits"), /^a context of 8192 tokens, one request at a time: each sample/);
  assert.match(detailOf("model instructions"), /^the model does not do what it is told/);
  assert.match(detailOf("model pictures"), /^the model takes no pictures: only texts can be watched/);
  assert.match(detailOf("model memory"), /suitcase/);
  assert.match(detailOf("watch"), /^yes, but .*takes no pictures/);
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
