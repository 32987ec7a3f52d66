/**
 * One step of DPO with what the worker keeps against a whole pass: processor seconds, and how far the gradients are apart.
 *
 * A step is the log-probabilities of both sides of each pair and the gradient of their loss. Memories of a few clips are
 * drawn first, as training draws them, which fills what is kept. Both ways put the memories of a clip into one row, so
 * that the prompt runs once in either; the ratio is of what is kept alone. Two rounds, of which the first warms up.
 *
 * `node perf/dpo-step.ts MODEL [block]`, a folder of weights or the name of a pulled model; the block is half the depth.
 */
import { argv, exit } from "node:process";
import { wordSpace } from "../src/engines/local/index.ts";
import {
  openTorchEngine,
  type SteeredTokens,
  type TorchEngine,
  torchPrompt,
} from "../src/engines/torch/index.ts";
import { buildContext } from "../src/policy/context.ts";
import { memoryInstructions, memoryPrompt } from "../src/policy/prompts.ts";
import { freshState } from "../src/policy/state.ts";
import { modelFolder } from "../src/taskmem/folder-model.ts";
import { dpoLoss } from "../src/training/losses.ts";
import { printTable } from "./markdown.ts";

const [, , model, block] = argv;
if (model === undefined) {
  console.error("node perf/dpo-step.ts MODEL [block]");
  exit(2);
}

const said = [
  "I put the spare key under the blue pot by the door. Bob gets it on Friday.",
  "The kettle is broken again, so I ordered a new one. It comes on Tuesday before noon.",
  "Did you call the dentist? They moved us to the ninth, at half past two.",
  "The train leaves from platform eleven today. I have both of our tickets here.",
];
const options = { semantic: false, countTokens: wordSpace.countTokens };
const prompts = said.map((text, clip) => {
  const [startSeconds, endSeconds] = [clip * 10, clip * 10 + 10];
  const context = buildContext(
    [
      {
        ...{ stream: "talk", clip, startSeconds, endSeconds },
        speech: [{ startSeconds, endSeconds, text, speaker: "Ann" }],
        ...{ frames: [], captions: [], screen: [], shots: [], people: [], tiers: {}, problems: [] },
      },
    ],
    { observations: [], entries: [], state: freshState() },
  );
  return torchPrompt(
    { system: memoryInstructions(false, options), parts: memoryPrompt(context, options) },
    { prefix: '{"description": "' },
  );
});

const engine = await openTorchEngine({ model: modelFolder(model), train: { kind: "vector" }, threads: 1 });
const depth = block === undefined ? Math.floor(engine.about.blocks / 2) : Number(block);
console.log(
  `${engine.about.architecture}, ${engine.about.parameters} parameters, behind block ${depth} of ${engine.about.blocks}, ${engine.about.dtype}\n`,
);

/** A step in processor seconds, and its gradient. */
async function step(of: TorchEngine, pairs: Awaited<ReturnType<typeof drawn>>, kept: boolean) {
  const seconds = async () => (await of.stats()).cpuSeconds as number;
  const samples = [...pairs.map(([chosen]) => chosen), ...pairs.map(([, rejected]) => rejected)];
  const began = await seconds();
  const now = await of.logprobs(samples, "trained", { kept });
  const sides = { chosen: now.slice(0, pairs.length), rejected: now.slice(pairs.length) };
  const { gradient } = dpoLoss(sides, sides);
  await of.accumulate(samples, [...gradient.chosen, ...gradient.rejected], { kept });
  const took = (await seconds()) - began;
  const found = await of.gradient();
  await of.reset();
  return { took, gradient: found };
}

/** Two different memories of each clip. */
async function drawn(of: TorchEngine) {
  const names = prompts.map((prompt) => of.name(prompt));
  const answers = await of.sample(names, { n: 2, temperature: 1, maxTokens: 24, seed: 0 });
  return names.map((prompt, i) => {
    const [chosen, rejected] = answers[i]!.map(({ ids }) => ({ prompt, ids }));
    return [chosen!, rejected!] as const;
  });
}

const row = printTable(
  "vector at",
  "whole pass, s",
  "kept, s",
  "ratio",
  "gradients apart",
  "kept, KB a context",
);
for (const at of ["all", "answer"] as const satisfies readonly SteeredTokens[]) {
  await engine.steerAt(depth, at);
  const pairs = await drawn(engine);
  const bytes = ((await engine.stats()).keptBytes as number) / prompts.length;
  const rounds = [];
  for (let round = 0; round < 2; round++)
    rounds.push({ kept: await step(engine, pairs, true), whole: await step(engine, pairs, false) });
  const { kept, whole } = rounds.at(-1)!;
  const length = Math.hypot(...whole.gradient);
  const apart = Math.hypot(...whole.gradient.map((value, d) => value - kept.gradient[d]!)) / length;
  row(
    at,
    whole.took.toFixed(2),
    kept.took.toFixed(2),
    (kept.took / whole.took).toFixed(2),
    apart.toExponential(1),
    Math.round(bytes / 1024),
  );
}
engine.close();
