/**
 * How much of the prompt about a clip a server has computed before.
 *
 * Asks a server what the model policy asks about six clips of speech in turn; the memories before are the clips' first
 * sentences. The server must say how many tokens its cache gave (llama-server does; vLLM with
 * `--enable-prompt-tokens-details`).
 *
 * `node perf/prompt-cache.ts http://127.0.0.1:8080/v1 [model]`
 */
import { argv } from "node:process";
import { wordSpace } from "../src/engines/local/index.ts";
import type { Observation } from "../src/perception/observation.ts";
import { buildContext } from "../src/policy/context.ts";
import { memoryInstructions, memoryPrompt } from "../src/policy/prompts.ts";
import { freshState } from "../src/policy/state.ts";
import { printTable } from "./markdown.ts";

const said = [
  "I put the spare key under the blue pot by the door. Bob gets it on Friday.",
  "The kettle is broken again, so I ordered a new one. It comes on Tuesday before noon.",
  "Did you call the dentist? They moved us to the ninth, at half past two.",
  "The code for the bikes is four, seven, one. Please write it on the list.",
  "Cara brings the cake and I bring the plates. We meet at the lake at six.",
  "The train leaves from platform eleven today. I have both of our tickets here.",
];

const observations = said.map((text, clip): Observation => {
  const [startSeconds, endSeconds] = [clip * 10, clip * 10 + 10];
  return {
    ...{ stream: "talk", clip, startSeconds, endSeconds },
    speech: [{ startSeconds: startSeconds + 1, endSeconds, text, speaker: clip % 2 === 0 ? "Ann" : "Bob" }],
    ...{ frames: [], captions: [], screen: [], shots: [], people: [], tiers: {}, problems: [] },
  };
});

const entries = said.map((text, clip) => ({ clip, kind: "episodic" as const, text: text.split(". ")[0]! }));

interface Usage {
  readonly prompt_tokens: number;
  readonly prompt_tokens_details?: { readonly cached_tokens?: number };
}

async function ask(baseURL: string, model: string, clip: number): Promise<Usage> {
  const context = buildContext([observations[clip]!], {
    observations: observations.slice(0, clip),
    entries: entries.slice(0, clip),
    state: freshState(),
  });
  const parts = memoryPrompt(context, { semantic: false, countTokens: wordSpace.countTokens });
  const messages = [
    { role: "system", content: memoryInstructions(false, { semantic: false }) },
    { role: "user", content: parts },
  ];
  const response = await fetch(`${baseURL}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model, messages, max_tokens: 1, temperature: 0 }),
  });
  if (!response.ok) throw new Error(`${baseURL} answers ${response.status}: ${await response.text()}`);
  return ((await response.json()) as { usage: Usage }).usage;
}

const [, , baseURL, model = "model"] = argv;
if (baseURL === undefined)
  throw new TypeError("Expected the base URL of a server, such as http://127.0.0.1:8080/v1");
const row = printTable("clip", "prompt tokens", "of them computed before", "to compute");
for (const clip of observations.keys()) {
  const { prompt_tokens: tokens, prompt_tokens_details: details } = await ask(baseURL, model, clip);
  const cached = details?.cached_tokens;
  if (cached === undefined) throw new TypeError(`Expected a server that tells cached tokens, got ${baseURL}`);
  row(clip + 1, tokens, cached, tokens - cached);
}
