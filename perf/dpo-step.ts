/**
 * One step of DPO with what the worker keeps against whole passes: processor seconds, and how far the gradients are apart.
 *
 * A step is the log-probabilities of both sides of each pair and the gradient of their loss. Two memories of each clip are
 * drawn first, as training draws them, which fills what is kept. A whole pass is made twice: with both memories of a clip
 * in one row, behind their prompt, as the worker makes it; and with a row a memory, as trainers elsewhere make it.
 *
 * `node perf/dpo-step.ts MODEL [block] [clips]`, a folder of weights or the name of a pulled model; half the depth and four
 * clips unless given.
 */
import { argv, exit } from "node:process";
import { wordSpace } from "../src/engines/local/index.ts";
import {
  openTorchEngine,
  type SteeredTokens,
  type TorchSample,
  torchPrompt,
} from "../src/engines/torch/index.ts";
import { buildContext } from "../src/policy/context.ts";
import { memoryInstructions, memoryPrompt } from "../src/policy/prompts.ts";
import { freshState } from "../src/policy/state.ts";
import { modelFolder } from "../src/taskmem/folder-model.ts";
import { dpoLoss } from "../src/training/losses.ts";
import { printTable } from "./markdown.ts";

const [, , model, block, clips] = argv;
if (model === undefined) {
  console.error("node perf/dpo-step.ts MODEL [block] [clips]");
  exit(2);
}

const said = [
  "I put the spare key under the blue pot by the door. Bob gets it on Friday.",
  "The kettle is broken again, so I ordered a new one. It comes on Tuesday before noon.",
  "Did you call the dentist? They moved us to the ninth, at half past two.",
  "The train leaves from platform eleven today. I have both of our tickets here.",
];
const options = { semantic: false, countTokens: wordSpace.countTokens };
const prompts = said.slice(0, Number(clips ?? said.length)).map((text, clip) => {
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

type Pair = readonly [chosen: TorchSample, rejected: TorchSample];

/** A step in processor seconds, and its gradient. */
async function step(pairs: readonly Pair[], kept: boolean) {
  const seconds = async () => (await engine.stats()).cpuSeconds as number;
  const samples = [...pairs.map(([chosen]) => chosen), ...pairs.map(([, rejected]) => rejected)];
  const began = await seconds();
  const now = await engine.logprobs(samples, "trained", { kept });
  const sides = { chosen: now.slice(0, pairs.length), rejected: now.slice(pairs.length) };
  const { gradient } = dpoLoss(sides, sides);
  await engine.accumulate(samples, [...gradient.chosen, ...gradient.rejected], { kept });
  const took = (await seconds()) - began;
  const found = await engine.gradient();
  await engine.reset();
  return { took, gradient: found };
}

/** The pairs with a prompt of its own for each side, the same to the model: none shares a row. */
const apart = (pairs: readonly Pair[]): Pair[] =>
  pairs.map(([chosen, rejected], i) => {
    const prompt = engine.name({ ...prompts[i]!, template: { side: "rejected" } });
    return [chosen, { ...rejected, prompt }];
  });

/** Two memories of each clip. */
async function drawn(): Promise<Pair[]> {
  const names = prompts.map((prompt) => engine.name(prompt));
  const answers = await engine.sample(names, { n: 2, temperature: 1, maxTokens: 24, seed: 0 });
  return names.map((prompt, i) => {
    const [chosen, rejected] = answers[i]!.map(({ ids }) => ({ prompt, ids }));
    return [chosen!, rejected!];
  });
}

const row = printTable(
  ...["vector at", "a row a memory, s", "a row a clip, s", "kept, s"],
  ...["kept / a row a memory", "kept / a row a clip", "gradients apart", "kept, KB a clip"],
);
for (const at of ["answer", "all"] as const satisfies readonly SteeredTokens[]) {
  await engine.steerAt(depth, at);
  const pairs = await drawn();
  const bytes = ((await engine.stats()).keptBytes as number) / prompts.length;
  const kept = await step(pairs, true);
  const shared = await step(pairs, false);
  const single = await step(apart(pairs), false);
  const length = Math.hypot(...single.gradient);
  const difference = Math.hypot(...single.gradient.map((value, d) => value - kept.gradient[d]!)) / length;
  row(
    ...[at, single.took.toFixed(2), shared.took.toFixed(2), kept.took.toFixed(2)],
    ...[(kept.took / single.took).toFixed(2), (kept.took / shared.took).toFixed(2)],
    ...[difference.toExponential(1), Math.round(bytes / 1024)],
  );
}
engine.close();
