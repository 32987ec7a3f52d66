/**
 * Phase Two on a pretrained model of 135 M parameters over real streams of text: EgoLife's week of a wearer, days 1 to 4
 * to learn on, days 6 and 7 to be measured on, day 5 to choose a recipe on.
 *
 * A kind's five questions become a vector by the library's rollouts, pairs, losses and trainer. Memories of unseen days
 * are then written without it, with it, with each other kind's vector, and with the questions in the prompt, and judged
 * by text alone (`real-text/measures.ts`). Everything written is kept in a file: a run that is stopped or that asks for
 * more kinds, wearers or seeds continues from what is there, and the tables are of all that is there.
 *
 * `node perf/real-text.ts --root EGOLIFE --embeddings http://127.0.0.1:8090/v1 --out FOLDER`
 * `  [--kinds food,…] [--wearers A1_JAKE,…] [--seeds 0,1,2] [--recipes default,…] [--strengths 1,…]`
 * `  [--contexts N] [--samples N] [--lines N] [--steps N] [--pairs-per-context N] [--block N]`
 * `  [--windows 96] [--draws 2] [--how free|line] [--part test|validation] [--no-prompts]`
 * `  [--second URL] [--show N] [--report]`
 *
 * The second line of flags changes the recipe; `--how line` draws a memory as one of the clip's lines, exactly, by the
 * lines' probabilities.
 *
 * The encoder is any embeddings endpoint (`perf/embeddings-server.py`), which judges in lessons and measures; a second one,
 * of another family, measures alone. Torch is set up by `taskmem train setup`, the model pulled by `taskmem models pull
 * smollm2-135m`.
 */
import { homedir } from "node:os";
import { join } from "node:path";
import { env } from "node:process";
import { parseArgs } from "node:util";
import type { VectorAdapter } from "../src/adapter/adapter.ts";
import { createAdapter } from "../src/adapter/arithmetic.ts";
import type { Embedder } from "../src/engine.ts";
import { openOpenaiEmbedder } from "../src/engines/openai/index.ts";
import { openTorchEngine, type TorchEngine } from "../src/engines/torch/index.ts";
import { modelsDirectory } from "../src/models/models.ts";
import { modelPhaseTwoRecipeNamed } from "../src/policies/model/recipes.ts";
import { plainAction } from "../src/policy/plain-action.ts";
import type { Context } from "../src/policy/policy.ts";
import { taskSupplement } from "../src/policy/prompts.ts";
import { encoderJudge } from "../src/reward/index.ts";
import { mapConcurrently } from "../src/util/async.ts";
import { seededRandom } from "../src/util/random.ts";
import { acting, copyingPolicy, lineChances, lineContext, type Taught } from "./real-text/copying-policy.ts";
import { type Kind, kinds } from "./real-text/kinds.ts";
import { concurrency, learnKind, mechanical, type Recipe, type Trained } from "./real-text/lesson.ts";
import { Measures } from "./real-text/measures.ts";
import { printTables } from "./real-text/report.ts";
import { type Arm, Results, type Written, writtenOf } from "./real-text/results.ts";
import { readWeek, type Week } from "./real-text/windows.ts";

const { values: flags } = parseArgs({
  allowNegative: true,
  options: {
    root: { type: "string" },
    embeddings: { type: "string" },
    second: { type: "string" },
    out: { type: "string" },
    model: { type: "string", default: join(modelsDirectory(env, homedir()), "smollm2-135m") },
    kinds: { type: "string", default: kinds.map(({ name }) => name).join() },
    wearers: { type: "string", default: "A1_JAKE,A2_ALICE" },
    seeds: { type: "string", default: "0,1,2" },
    recipes: { type: "string", default: "default" },
    strengths: { type: "string", default: "1" },
    contexts: { type: "string" },
    windows: { type: "string", default: "96" },
    draws: { type: "string", default: "2" },
    part: { type: "string", default: "test" },
    how: { type: "string", default: "free" },
    samples: { type: "string" },
    lines: { type: "string" },
    steps: { type: "string" },
    "pairs-per-context": { type: "string" },
    block: { type: "string" },
    show: { type: "string", default: "0" },
    prompts: { type: "boolean", default: true },
    report: { type: "boolean", default: false },
  },
});
const required = (name: "root" | "embeddings" | "out"): string => {
  const value = flags[name];
  if (value === undefined) throw new TypeError(`Expected --${name}: see the head of perf/real-text.ts`);
  return value;
};
const [root, embeddings, out] = [required("root"), required("embeddings"), required("out")];
const list = (text: string) => text.split(",");
const chosen = list(flags.kinds).map((name) => {
  const kind = kinds.find((one) => one.name === name);
  if (kind) return kind;
  throw new TypeError(`Expected kinds of ${kinds.map((one) => one.name).join(", ")}, got ${name}`);
});
const part = flags.part === "validation" ? "validation" : "test";
const how = flags.how === "line" ? "line" : "free";
const [windows, draws] = [Number(flags.windows), Number(flags.draws)];

const results = new Results(join(out, "results.jsonl"));
const openEncoder = (baseURL: string) =>
  openOpenaiEmbedder({ baseURL, model: "sentence-encoder", timeoutMs: 600_000 });
const embedder = await openEncoder(embeddings);
const second = flags.second === undefined ? [] : [await openEncoder(flags.second)];
const weeks = list(flags.wearers).map((wearer) => readWeek(root, wearer));
if (!flags.report) await run(embedder);
await printTables(results, new Measures([embedder, ...second]), {
  ...{ part, how, kinds: chosen, weeks, show: Number(flags.show) },
});

async function run(embedder: Embedder): Promise<void> {
  const judge = encoderJudge({ embedder, judge: mechanical });
  const engine = await openTorchEngine({
    ...{ model: flags.model, dtype: "float32", device: "cpu", threads: 1 },
    train: { kind: "vector", at: "answer", ...(flags.block !== undefined && { block: Number(flags.block) }) },
  });
  try {
    const base: Arm = { by: "base", kind: null, seed: null, recipe: null, how };
    for (const week of weeks) await measureArm(engine, week, base, async () => null);
    for (const seed of list(flags.seeds).map(Number))
      for (const recipe of list(flags.recipes).map(recipeNamed))
        for (const week of weeks)
          for (const kind of chosen)
            for (const strength of list(flags.strengths).map(Number)) {
              const name = `${recipe.name} × ${strength}`;
              const arm: Arm = { by: "vector", kind: kind.name, seed, recipe: name, how };
              await measureArm(engine, week, arm, async () => {
                const trained = await learnKind(
                  { engine, judge, results, out },
                  { week, kind, seed, recipe, how },
                );
                return vectorOf(trained, strength);
              });
            }
    for (const week of flags.prompts ? weeks : [])
      for (const kind of chosen) {
        const arm: Arm = { by: "prompt", kind: kind.name, seed: null, recipe: null, how };
        await measureArm(engine, week, arm, async () => null, kind);
      }
  } finally {
    engine.close();
  }
}

function recipeNamed(name: string): Recipe {
  const recipe = modelPhaseTwoRecipeNamed(name);
  const number = (flag: "contexts" | "samples" | "lines" | "steps" | "pairs-per-context" | "block") =>
    flags[flag] === undefined ? undefined : Number(flags[flag]);
  const contexts = number("contexts") ?? recipe.contexts;
  const block = number("block") ?? recipe.block;
  // Where memories are lines, nothing is drawn.
  const samples = how === "line" ? 0 : (number("samples") ?? recipe.samples);
  // Without lines is a choice of the recipe; how many is not.
  const lines = recipe.lines === 0 ? 0 : (number("lines") ?? recipe.lines);
  const steps = number("steps") ?? recipe.dpo.steps;
  const pairsPerContext = number("pairs-per-context") ?? recipe.dpo.pairsPerContext;
  const dpo = { ...recipe.dpo, steps, ...(pairsPerContext !== undefined && { pairsPerContext }) };
  const place = typeof block === "object" ? block.share.toFixed(2) : block;
  return {
    ...{ ...recipe, contexts, samples, lines, block, dpo },
    name: `${name}, block ${place}, ${contexts} contexts of ${samples} + ${lines}, ${steps} steps of ${pairsPerContext ?? "all"}`,
  };
}

function vectorOf({ space, values }: Trained, strength: number): VectorAdapter {
  return createAdapter(
    space,
    values.length,
    values.map((value, d) => [d, strength * value] as const),
  );
}

/** Has an arm write about the windows of a part, unless it has. @param asked the kind whose questions its prompt holds */
async function measureArm(
  engine: TorchEngine,
  week: Week,
  arm: Arm,
  adapterOf: () => Promise<VectorAdapter | null>,
  asked?: Kind,
): Promise<void> {
  const { wearer } = week;
  if (results.find(wearer, part, arm)) return;
  const adapter = await adapterOf();
  const began = performance.now();
  const all = week[part].slice(0, windows);
  // What a kind's prompt does is asked of the kind's windows alone: it is the costliest arm.
  const some = asked ? all.filter((window) => window.kinds.includes(asked.name)) : all;
  const supplement = asked && taskSupplement(asked.taught.map(({ text }) => text));
  const contexts = some.map(({ observation }) => lineContext(observation, supplement));
  const taught = { adapter, ...(supplement !== undefined && { supplement }) };
  const found =
    how === "line" ? await drawnLines(engine, contexts, taught) : await written(engine, contexts, adapter);
  results.add({ wearer, part, arm, memories: Object.fromEntries(some.map(({ id }, i) => [id, found[i]!])) });
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  console.error(`${wearer} ${part} ${Object.values(arm).join(" ")}: ${some.length} windows, ${seconds} s`);
}

async function drawnLines(
  engine: TorchEngine,
  contexts: readonly Context[],
  taught: Taught,
): Promise<Written[][]> {
  const found = await lineChances(engine, contexts, taught);
  return found.map((lines) => lines.map((line) => ({ ...line, ended: true })));
}

function written(
  engine: TorchEngine,
  contexts: readonly Context[],
  adapter: VectorAdapter | null,
): Promise<Written[][]> {
  const policy = copyingPolicy(engine, adapter, acting);
  return mapConcurrently(contexts, { concurrency }, async (context) => {
    const { stream, clip } = context.observations[0]!;
    const random = seededRandom(`draws ${stream} ${clip}`);
    const { actions } = await policy.decide(context, { n: draws, random });
    return actions.map(plainAction).map(writtenOf);
  });
}
