/**
 * Nano under several seeds of Phase One and of Phase Two's pool, for `perf/two-by-two.ts` and `perf/streams.ts`.
 *
 * The first seed is what ships. Each other one is trained from the same base by `taskmem train phase-one`, on the same episodes
 * with other memories drawn; its pool is drawn by its own weights from the same training episodes as the first one's.
 * Pretraining has one seed. Weights and what was learnt are kept in `RUNS/nano-seeds`; a run that was stopped resumes, and draws
 * no pool again for lessons that it has.
 *
 * `node perf/nano-seeds.ts [--seeds 3] [--runs DIR]` only trains, about five minutes a seed on two quiet cores.
 */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  adapterOf,
  type HouseholdPolicies,
  type PlainAdapter,
  plainAdapter,
} from "../src/benchmarks/datasets/household/household.ts";
import { type HouseholdJudgeName, nanoPolicies } from "../src/benchmarks/datasets/household/policies.ts";
import { cachedAnswer, folderCache } from "../src/engines/cached-model.ts";
import { shippedWeights } from "../src/engines/nano/index.ts";
import { type NanoModel, nanoPhaseTwoRecipe, openNano } from "../src/policies/nano/index.ts";

/** Nano after Phase One under one seed. */
export interface NanoSeed {
  /** The file of its weights. */
  readonly weights: string;
  /** What Phase Two draws with; `undefined` for what ships. */
  readonly pool: string | undefined;
}

/** The first seeds, those that are missing trained now. */
export function nanoSeeds(count: number, runs: string): NanoSeed[] {
  return Array.from({ length: count }, (_, n) => (n === 0 ? shipped : trained(n, runs)));
}

const shipped: NanoSeed = { weights: shippedWeights("nano"), pool: undefined };

function trained(n: number, runs: string): NanoSeed {
  const letter = String.fromCharCode(97 + n);
  const directory = join(runs, "nano-seeds", `phase-one-${n}`);
  execFileSync(
    process.execPath,
    [
      ...[join(import.meta.dirname, "../src/cli/main.ts"), "train", "phase-one", "--policy", "nano"],
      ...["--run", directory, "--seed", `nano phase one ${letter}`],
    ],
    { stdio: ["ignore", process.stderr, "inherit"] },
  );
  return { weights: join(directory, "nano.safetensors"), pool: `nano ${letter}` };
}

/** A seed's policies, whose lessons are kept. @param base before Phase One @default the same model */
export async function seedPolicies(
  { weights, pool }: NanoSeed,
  { judge, runs, base }: { judge: HouseholdJudgeName; runs: string; base?: NanoModel },
): Promise<HouseholdPolicies> {
  const model = await openNano(weights);
  const policies = nanoPolicies({ base: base ?? model, model, judge, seed: pool });
  const store = folderCache(join(runs, "nano-seeds", "lessons"));
  return {
    ...policies,
    learn: async (tasks) => {
      const questions = tasks.map(({ question }) => question);
      const asked = [policies.phaseOne.revision, pool, judge, nanoPhaseTwoRecipe, questions];
      const learn = async () => plainAdapter(await policies.learn(tasks));
      const learnt = await cachedAnswer<PlainAdapter>(store, asked, learn);
      return learnt && adapterOf(learnt);
    },
  };
}

/** A number of seeds as it was given. @throws RangeError */
export function seedsOf(given: string): number {
  if (Number.isInteger(Number(given)) && Number(given) >= 1 && Number(given) <= 26) return Number(given);
  throw new RangeError(`Expected --seeds to be a whole number from 1 to 26, got ${given}`);
}

if (process.argv[1] === import.meta.filename) {
  const { values } = parseArgs({
    options: { seeds: { type: "string", default: "3" }, runs: { type: "string", default: "runs" } },
  });
  for (const { weights } of nanoSeeds(seedsOf(values.seeds), values.runs)) console.log(weights);
}
