/**
 * Nano before and after Phase One, with nothing, with five questions in its prompt, and with an adapter from them: prints Markdown.
 *
 * Adapters are trained by a judge of words, which knows no truth and lets every memory pass, or with `--judge truth` by the
 * household's, which knows the truth and the kind of every sentence. Phase One + adapter is TaskMem. Answers are graded by
 * the right option alone; the reader sees question, options and what was written. The household is a toy with a small
 * closed language.
 *
 * Seeds are of Phase One and of its pool (`nano-seeds.ts`); the base, its pool and the five questions are the same under each.
 * Intervals draw films, and seeds where there are several.
 *
 * `node perf/two-by-two.ts [FILMS] [--judge words|truth] [--seeds 1] [--runs DIR]`, 24 films by default; a run that was stopped
 * continues.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { filmHousehold } from "../src/benchmarks/datasets/household/films.ts";
import {
  type HouseholdRow,
  type HouseholdRowName,
  householdBenchmark,
} from "../src/benchmarks/datasets/household/household.ts";
import {
  type HouseholdJudgeName,
  householdJudgeNames,
} from "../src/benchmarks/datasets/household/policies.ts";
import { measureOf, type Result } from "../src/benchmarks/run/results.ts";
import { clusterBootstrap, mean } from "../src/benchmarks/statistics.ts";
import { folderCache } from "../src/engines/cached-model.ts";
import { lexicalReader, wordSpace as words } from "../src/engines/local/index.ts";
import { shippedWeights } from "../src/engines/nano/index.ts";
import { type FactKind, factKinds } from "../src/household/index.ts";
import { measuredEpisodes } from "../src/household/splits.ts";
import { rolloutCache } from "../src/policies/best-of-n/rollout-cache.ts";
import type { Policy } from "../src/policy/policy.ts";
import { seededRandom } from "../src/util/random.ts";
import { printTable, signed } from "./markdown.ts";
import { type NanoSeed, nanoSeeds, seedPolicies, seedsOf } from "./nano-seeds.ts";

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    judge: { type: "string", default: "words" },
    seeds: { type: "string", default: "1" },
    runs: { type: "string", default: "runs" },
  },
});
const { countTokens } = words;
const count = Number(positionals[0] ?? 24);
// The five questions of a kind are about the first film or two, whose memories stay as they were.
if (!(Number.isInteger(count) && count >= 3))
  throw new RangeError(`Expected FILMS to be a whole number from 3 up, got ${positionals[0]}`);
const judge = householdJudgeNames.find((name) => name === flags.judge);
if (judge === undefined)
  throw new RangeError(`Expected --judge to be ${householdJudgeNames.join(" or ")}, got ${flags.judge}`);
const seeds = nanoSeeds(seedsOf(flags.seeds), flags.runs);
const size = { films: count, clips: 6, questionsPerKind: 5 };
const films = await filmHousehold({ ...measuredEpisodes.benchmark, ...size });
/** Each memory is written once: without an adapter it is the same by either judge. A run that was stopped finds them. */
const store = folderCache(join(flags.runs, "two-by-two"));
const keeping = (policy: Policy) => rolloutCache(policy, { store });

/** What one model did in one way. */
interface Cell {
  readonly rows: readonly HouseholdRow[];
  readonly results: readonly Result[];
}
type Cells = Readonly<Record<"nothing" | "prompt" | "adapter", Cell>>;

/** One model with nothing, with the prompt and with an adapter; the last two are rows called after another model's. */
async function threeOf(seed: NanoSeed, by: HouseholdJudgeName): Promise<Cells> {
  const policies = await seedPolicies(seed, { judge: by, runs: flags.runs });
  const plain = keeping(policies.phaseOne);
  const { rows, results } = await householdBenchmark({
    films,
    policies: {
      ...{ ...policies, base: plain, phaseOne: plain },
      adapted: (adapter) => keeping(policies.adapted(adapter)),
    },
    ...{ reader: lexicalReader({ words }), countTokens },
  });
  const of = (row: HouseholdRowName): Cell => ({
    rows: rows.filter(({ policy }) => policy === row),
    results: results.filter((result) => result.row === row),
  });
  console.error(`${seed.weights}: done`);
  return { nothing: of("base"), prompt: of("base + task prompt"), adapter: of("TaskMem") };
}

const percent = (share: number) => (100 * share).toFixed(1);
/** One value a seed, written one after the other. */
const each = (values: readonly number[]) => values.map(percent).join(", ");

/** Points of right answers that cells of some seeds gain on others; what has one seed is compared with each. */
function gainOf(of: readonly Cell[], on: readonly Cell[], kind?: FactKind) {
  const differences = of.flatMap(({ results }, seed) => {
    const before = new Map((on[seed] ?? on[0]!).results.map((result) => [result.task, result]));
    return results
      .filter(({ types }) => kind === undefined || types[0] === kind)
      .map((result) => {
        const points = measureOf(result, "accuracy") - measureOf(before.get(result.task)!, "accuracy");
        return { film: result.stream, seed, points: 100 * points };
      });
  });
  const points = differences.map((one) => one.points);
  const clusters = differences.map(({ film }) => film);
  const also = of.length > 1 ? { also: differences.map(({ seed }) => seed) } : {};
  return { gain: mean(points), ...clusterBootstrap(points, clusters, seededRandom("two by two"), also) };
}
const shown = ({ gain, low, high }: ReturnType<typeof gainOf>) =>
  `${signed(gain)} [${signed(low)}, ${signed(high)}]`;

const before = [await threeOf({ weights: shippedWeights("nano-base"), pool: undefined }, judge)];
const after: Cells[] = [];
for (const seed of seeds) after.push(await threeOf(seed, judge));

const of = (seedsCells: readonly Cells[], way: keyof Cells) => seedsCells.map((cells) => cells[way]);
const ways = { "": "nothing", " + prompt": "prompt", " + adapter": "adapter" } as const;
const named = Object.entries({ base: before, "Phase One": after }).flatMap(([name, cells]) =>
  Object.entries(ways).map(([how, way]) => [`${name}${how}`, of(cells, way)] as const),
);
/** A figure of each seed, over questions of a kind or of all. */
const figure = (cells: readonly Cell[], kind: HouseholdRow["kind"], value: (row: HouseholdRow) => number) =>
  cells.map(({ rows }) => value(rows.find((row) => row.kind === kind)!));

const asked = before[0]!.nothing.results.length;
console.log(
  `Adapters by ${judge === "truth" ? "the judge that knows the truth" : "the judge of words"}, ${films.length} films, ${asked} questions${seeds.length > 1 ? `, ${seeds.length} seeds of Phase One and of its pool` : ""}:\n`,
);
const row = printTable(
  ...["", "accuracy, %", "coverage, %", "precision, %", "true, %", "repeated, %", "passing, %", "tokens"],
);
for (const [name, cells] of named) {
  const over = (value: (row: HouseholdRow) => number) => mean(figure(cells, "all", value));
  row(
    name,
    ...[
      over(({ accuracy }) => accuracy),
      over(({ coverage }) => coverage),
      over(({ precision }) => precision),
      over(({ trueShare }) => trueShare),
      over(({ redundantShare }) => redundantShare),
      over(({ passing }) => passing),
    ].map(percent),
    over(({ tokensPerEntry }) => tokensPerEntry).toFixed(1),
  );
}

console.log("\nRight answers by kind, %:\n");
const kinds = printTable("", ...factKinds);
for (const [name, cells] of named)
  kinds(name, ...factKinds.map((kind) => percent(mean(figure(cells, kind, ({ accuracy: right }) => right)))));
const own = new Map(
  factKinds.map((kind) => [kind, gainOf(of(after, "adapter"), of(after, "nothing"), kind)]),
);
kinds("TaskMem − Phase One", ...[...own.values()].map(shown));

if (seeds.length > 1) {
  console.log("\nSeed by seed, %:\n");
  const bySeed = printTable("", "accuracy", "true", "repeated", "passing");
  for (const [name, cells] of named.filter(([, cells]) => cells.length > 1))
    bySeed(
      name,
      each(figure(cells, "all", ({ accuracy }) => accuracy)),
      each(figure(cells, "all", ({ trueShare }) => trueShare)),
      each(figure(cells, "all", ({ redundantShare }) => redundantShare)),
      each(figure(cells, "all", ({ passing }) => passing)),
    );
}

const unclear = factKinds.filter((kind) => own.get(kind)!.low <= 0);
console.log(
  unclear.length === 0
    ? "\nThe gain is significant for all five kinds."
    : `\nThe gain is not significant for ${unclear.join(", ")}.`,
);
const compared = {
  "TaskMem (Phase One + adapter) − Phase One": of(after, "nothing"),
  "TaskMem − (Phase One + prompt)": of(after, "prompt"),
  "TaskMem − (base + prompt)": of(before, "prompt"),
  "TaskMem − (base + adapter)": of(before, "adapter"),
};
for (const [name, others] of Object.entries(compared))
  console.log(`\n${name}: ${shown(gainOf(of(after, "adapter"), others))}`);
console.log(`\nPhase One − base: ${shown(gainOf(of(after, "nothing"), of(before, "nothing")))}`);
