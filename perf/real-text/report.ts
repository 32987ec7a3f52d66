/**
 * The tables of what was written: relevant and true by kind, against the model alone, at its lengths, with its questions in
 * the prompt and with the other kinds' vectors; the same by other measures, by wearer, day and seed, and by recipe; how memories
 * fail; what lessons cost.
 *
 * Differences are paired by window, over the windows that speak of the kind. Intervals of 95 % draw hours of the week,
 * those of several wearers together because they live in one house, and lessons (`intervals.ts`).
 */
import { mean } from "../../src/benchmarks/statistics.ts";
import { printTable, signed } from "../markdown.ts";
import { type Compared, type Gain, gainOf } from "./gains.ts";
import { type Cell, difference, estimate } from "./intervals.ts";
import type { Kind } from "./kinds.ts";
import type { Measures } from "./measures.ts";
import type { LessonRow, Results, Row } from "./results.ts";
import { meanOf, readTold, type Told } from "./told.ts";
import type { Week } from "./windows.ts";

/** What is printed of. */
export interface ReportOptions {
  readonly part: Row["part"];
  readonly how: Row["arm"]["how"];
  readonly kinds: readonly Kind[];
  readonly weeks: readonly Week[];
  /** Memories of each arm that are printed, to be looked at; 0 for figures alone. */
  readonly show: number;
}

export async function printTables(
  results: Results,
  measures: Measures,
  { show, ...options }: ReportOptions,
): Promise<void> {
  const { kinds } = options;
  const told = await readTold(results, measures, options);
  if (told.length === 0) {
    console.error("There is nothing to print yet.");
    return;
  }
  if (show > 0) showSome(told, show);
  const recipes = [...new Set(told.flatMap(({ arm }) => arm.recipe ?? []))].sort();
  const gains = recipes.map((recipe) => ({
    recipe,
    of: kinds.flatMap((kind) => gainOf(told, recipe, kind)),
  }));
  for (const { recipe, of } of gains) {
    const seeds = [...new Set(of.flatMap(({ gain }) => gain.map(({ seed }) => seed)))].sort();
    console.log(`\n## Recipe ${recipe}, seeds ${seeds.join(", ")}, ${options.part}, ${options.how}`);
    printGains(of);
    printMeasures(of, measures.hasSecond);
    printParts(of);
  }
  if (gains.length > 1) printRecipes(gains);
  printFailures(told, recipes);
  printLessons(results.lessons);
}

const byKind = ({ kind }: Cell) => kind;

/** In points, with its interval. */
function points(some: readonly Cell[], groupOf?: (cell: Cell) => string): string {
  if (some.length === 0) return "–";
  const { mean: middle, low, high } = estimate(some, groupOf);
  return `${signed(100 * middle)} [${signed(100 * low)}, ${signed(100 * high)}]`;
}

const level = (some: readonly Cell[], groupOf?: (cell: Cell) => string) =>
  some.length === 0 ? "–" : (100 * estimate(some, groupOf, { resamples: 1 }).mean).toFixed(1);

const arrow = ([a, b]: readonly [number, number], factor: number, digits: number) =>
  `${(factor * a).toFixed(digits)} → ${(factor * b).toFixed(digits)}`;

/** Windows and hours that cells are of. */
function sizeOf(some: readonly Cell[]): string {
  const windows = new Set(some.map(({ kind, window }) => `${kind} ${window}`)).size;
  return `${windows}, ${new Set(some.map(({ hour }) => hour)).size}`;
}

function printGains(gains: readonly Gain[]): void {
  console.log("\nRelevant and true, in points against the model alone:\n");
  const print = printTable(
    ...[
      "kind (windows, hours)",
      "model alone",
      "each alike",
      "its vector",
      "at equal length",
      "others' vectors",
    ],
    ...["its vector less others'", "its questions in the prompt", "by the encoder", "true", "tokens"],
  );
  const columns = ["gain", "equal", "others", "own", "prompt"] as const;
  for (const gain of gains)
    print(
      ...[`${gain.kind.name} (${sizeOf(gain.gain)})`, level(gain.alone), level(gain.alike)],
      ...[...columns.map((column) => points(gain[column])), points(difference(gain.encoder, gain.alone))],
      ...[arrow(gain.true, 100, 0), arrow(gain.tokens, 1, 1)],
    );
  const all = (column: (typeof columns)[number] | "alone" | "alike" | "encoder") =>
    gains.flatMap((gain) => gain[column]);
  const pooled = (name: string, groupOf?: (cell: Cell) => string) =>
    print(
      ...[name, level(all("alone"), groupOf), level(all("alike"), groupOf)],
      ...columns.map((column) => points(all(column), groupOf)),
      ...[points(difference(all("encoder"), all("alone")), groupOf), "", ""],
    );
  pooled(`all windows (${sizeOf(all("gain"))})`);
  pooled("mean of the kinds", byKind);
}

function printMeasures(gains: readonly Gain[], hasSecond: boolean): void {
  console.log("\nBy other measures, each and true, in per cent and in points:\n");
  const measured = [
    ...(hasSecond ? [{ name: "another encoder", of: (gain: Gain) => gain.second }] : []),
    { name: "a word of the kind", of: (gain: Gain) => gain.word },
    { name: "one that is in no question", of: (gain: Gain) => gain.unasked },
  ];
  const print = printTable(
    "kind",
    ...measured.flatMap(({ name }) => [`${name}: alone`, "its vector", "less others' vectors"]),
  );
  const row = (name: string, some: readonly Gain[], groupOf?: (cell: Cell) => string) =>
    print(
      name,
      ...measured.flatMap(({ of }) => {
        const all = (column: keyof Compared) => some.flatMap((gain) => of(gain)[column]);
        return [level(all("alone"), groupOf), points(all("gain"), groupOf), points(all("own"), groupOf)];
      }),
    );
  for (const gain of gains) row(gain.kind.name, [gain]);
  row("all windows", gains);
  row("mean of the kinds", gains, byKind);
}

/** The mean of the kinds again, for each wearer, day and seed. */
function printParts(gains: readonly Gain[]): void {
  console.log("\nMean of the kinds, by part:\n");
  const print = printTable(
    ...[
      "of (windows, hours)",
      "its vector",
      "at equal length",
      "its vector less others'",
      "a word of the kind",
    ],
  );
  const all = gains.flatMap(({ gain }) => gain);
  const row = (name: string, isOf: (cell: Cell) => boolean) => {
    const own = (of: (gain: Gain) => readonly Cell[]) => points(gains.flatMap(of).filter(isOf), byKind);
    print(
      `${name} (${sizeOf(all.filter(isOf))})`,
      ...[own(({ gain }) => gain), own(({ equal }) => equal), own((gain) => gain.own)],
      own(({ word }) => word.gain),
    );
  };
  for (const wearer of valuesOf(all, (cell) => cell.wearer)) row(wearer, (cell) => cell.wearer === wearer);
  for (const day of valuesOf(all, (cell) => cell.day)) row(`day ${day}`, (cell) => cell.day === day);
  for (const seed of valuesOf(all, (cell) => cell.seed)) row(`seed ${seed}`, (cell) => cell.seed === seed);
}

function valuesOf<Value>(cells: readonly Cell[], of: (cell: Cell) => Value): Value[] {
  return [...new Set(cells.map(of))].sort();
}

/** Each recipe beside the first, on what both were tried on. */
function printRecipes(recipes: readonly { readonly recipe: string; readonly of: readonly Gain[] }[]): void {
  console.log("\nRecipes, mean of the kinds, relevant and true in points:\n");
  const first = recipes.find(({ recipe }) => recipe.startsWith("default")) ?? recipes[0]!;
  const print = printTable(
    ...["recipe (windows, hours)", "its vector", "at equal length", "its vector less others'"],
    ...[`its vector less that of ${first.recipe.split(",")[0]}`, "a word of the kind", "true"],
  );
  for (const { recipe, of } of recipes) {
    const all = (some: readonly Gain[], cells: (gain: Gain) => readonly Cell[]) => some.flatMap(cells);
    const gain = all(of, (one) => one.gain);
    print(
      `${recipe} (${sizeOf(gain)})`,
      ...[
        points(gain, byKind),
        points(
          all(of, ({ equal }) => equal),
          byKind,
        ),
      ],
      points(
        all(of, ({ own }) => own),
        byKind,
      ),
      recipe === first.recipe
        ? ""
        : points(
            difference(
              gain,
              all(first.of, (one) => one.gain),
            ),
            byKind,
          ),
      points(
        all(of, ({ word }) => word.gain),
        byKind,
      ),
      arrow([mean(of.map((one) => one.true[0])), mean(of.map((one) => one.true[1]))], 100, 0),
    );
  }
}

function printFailures(told: readonly Told[], recipes: readonly string[]): void {
  console.log("\nHow memories fail, in per cent of them:\n");
  const print = printTable(
    ...["written", "memories", "true", "endless", "loops", "repeats a question", "copies the prompt"],
    ...["a line as it stands", "different texts", "tokens"],
  );
  const row = (name: string, some: readonly Told[]) => {
    if (some.length === 0) return;
    const share = (value: (one: Told) => number) => (100 * meanOf(some, value)).toFixed(1);
    const arms = new Set(some.map(({ arm }) => JSON.stringify(arm))).size;
    const texts = new Set(some.map(({ text, arm, window }) => JSON.stringify([text, arm, window.id]))).size;
    print(
      ...[name, `${some.length}, ${arms === 1 ? "1 arm" : `${arms} arms`}`, share((one) => one.true)],
      ...[share(({ endless }) => endless), share(({ loops }) => loops), share(({ asks }) => asks)],
      ...[share(({ copiesPrompt }) => copiesPrompt), share(({ isLine }) => isLine)],
      ...[((100 * texts) / some.length).toFixed(1), meanOf(some, ({ tokens }) => tokens).toFixed(1)],
    );
  };
  row(
    "by the model alone",
    told.filter(({ arm }) => arm.by === "base"),
  );
  row(
    "with questions in the prompt",
    told.filter(({ arm }) => arm.by === "prompt"),
  );
  for (const recipe of recipes)
    row(
      `with a vector, ${recipe}`,
      told.filter(({ arm }) => arm.recipe === recipe),
    );
}

function printLessons(lessons: readonly LessonRow[]): void {
  if (lessons.length === 0) return;
  console.log("\nLessons:\n");
  const print = printTable(
    ...[
      "wearer, kind, seed, recipe",
      "contexts",
      "pairs",
      "steps",
      "block",
      "loss",
      "length of the stream's",
    ],
    ...["clock: rollouts, pairs, steps", "processor", "whole passes", "load", "memory"],
  );
  for (const { lesson, contexts, pairs, steps, block, loss, share, seconds, worker, load } of lessons)
    print(
      ...[
        `${lesson.wearer}, ${lesson.kind}, ${lesson.seed}, ${lesson.recipe}`,
        contexts,
        pairs,
        steps,
        block,
      ],
      loss.map((one) => one.toFixed(3)).join(" → "),
      `${(100 * share).toFixed(1)} %`,
      `${Object.values(seconds)
        .map((one) => one.toFixed(0))
        .join(", ")} s`,
      `${worker.cpuSeconds.toFixed(0)} s`,
      ...[(worker.cpuSeconds / worker.passSeconds).toFixed(0), load.toFixed(0)],
      `${(worker.bytes / 1e9).toFixed(1)} GB`,
    );
}

function showSome(told: readonly Told[], count: number): void {
  for (const [arm, some] of Map.groupBy(told, ({ arm }) => JSON.stringify(arm))) {
    console.error(`\n${arm}`);
    for (const { text, true: isTrue, relevant, tokens } of some.slice(0, count)) {
      const near = Object.keys(relevant).filter((kind) => relevant[kind] === 1);
      console.error(`  ${isTrue ? "true " : "     "} ${tokens} [${near.join(" ")}] ${text}`);
    }
  }
}
