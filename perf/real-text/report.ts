/**
 * The tables of what was written: relevant and true by kind, against the model alone, at its lengths, with its questions in
 * the prompt and with the other kinds' vectors; how memories fail; what lessons cost.
 *
 * Differences are paired by window, over the windows that speak of the kind, seeds and draws averaged. Intervals of 95 %
 * draw whole hours of the week with replacement, those of several wearers together: they live in one house.
 */
import { clusterBootstrap, mean } from "../../src/benchmarks/statistics.ts";
import { seededRandom } from "../../src/util/random.ts";
import { printTable, signed } from "../markdown.ts";
import type { Kind } from "./kinds.ts";
import type { Measured, Measures } from "./measures.ts";
import type { LessonRow, Results, Row } from "./results.ts";
import type { Week, Window } from "./windows.ts";

/** What is printed of. */
export interface ReportOptions {
  readonly part: Row["part"];
  readonly how: Row["arm"]["how"];
  readonly kinds: readonly Kind[];
  readonly weeks: readonly Week[];
  /** Memories of each arm that are printed, to be looked at; 0 for figures alone. */
  readonly show: number;
}

/** A memory with where it stands. */
interface Told extends Measured {
  readonly text: string;
  readonly chance: number;
  readonly wearer: string;
  readonly window: Window;
  readonly arm: Row["arm"];
  /** Its share among the memories of the arm if these had the lengths of those of the model alone. */
  weight: number;
}

/** A window's value for a kind. */
interface Cell {
  readonly key: string;
  readonly hour: number;
  readonly value: number;
}

export async function printTables(
  results: Results,
  measures: Measures,
  options: ReportOptions,
): Promise<void> {
  const { part, how, kinds, weeks, show } = options;
  const told: Told[] = [];
  for (const week of weeks) {
    const rolled = results.rows.filter((row) => row.wearer === week.wearer && row.part === "train");
    const texts = rolled.flatMap(({ memories }) =>
      Object.values(memories).flatMap((some) => some.map(({ text }) => text)),
    );
    if (texts.length === 0) continue;
    const limits = await measures.limits(texts);
    const windows = new Map(week[part].map((window) => [window.id, window]));
    for (const { wearer, arm, memories } of results.rows.filter(
      (row) => row.wearer === week.wearer && row.part === part && row.arm.how === how,
    ))
      for (const [id, written] of Object.entries(memories)) {
        const window = windows.get(id)!;
        const found = await measures.measure(window, written, limits);
        for (const [i, one] of found.entries())
          told.push({
            ...one,
            ...{ text: written[i]!.text, chance: written[i]!.chance },
            wearer,
            window,
            arm,
            weight: 1,
          });
      }
  }
  if (told.length === 0) {
    console.error("There is nothing to print yet.");
    return;
  }
  const recipes = [...new Set(told.flatMap(({ arm }) => arm.recipe ?? []))].sort();
  weigh(told);
  if (show > 0) showSome(told, show);
  for (const recipe of recipes) printGains(told, recipe, kinds);
  printFailures(told, recipes);
  printLessons(results.lessons);
}

/** Bins of lengths, by the quartiles of the model alone; a bin's weight brings its share to that of the model alone. */
function weigh(told: readonly Told[]): void {
  const base = told.filter(({ arm }) => arm.by === "base").sort((a, b) => a.tokens - b.tokens);
  const edges = quartilesOf(base);
  const binOf = ({ tokens }: Told) => edges.filter((edge) => tokens > edge).length;
  const sharesOf = (some: readonly Told[]) =>
    [0, 1, 2, 3].map((bin) => meanOf(some, (one) => Number(binOf(one) === bin)));
  const wanted = sharesOf(base);
  for (const group of Map.groupBy(told, ({ arm }) => JSON.stringify(arm)).values()) {
    const own = sharesOf(group);
    const reached = wanted.reduce((sum, share, bin) => (own[bin]! > 0 ? sum + share : sum), 0);
    for (const one of group) one.weight = wanted[binOf(one)]! / own[binOf(one)]! / reached;
  }
}

/** @param sorted by length */
function quartilesOf(sorted: readonly Told[]): number[] {
  const total = sorted.reduce((sum, { chance }) => sum + chance, 0);
  const edges: number[] = [];
  let passed = 0;
  for (const { tokens, chance } of sorted) {
    passed += chance;
    while (edges.length < 3 && passed >= ((edges.length + 1) / 4) * total) edges.push(tokens);
  }
  return edges;
}

/** Means by window of memories of a kind's windows. */
function cells(some: readonly Told[], kind: Kind, measureOf: (one: Told) => number): Cell[] {
  const own = some.filter(({ window }) => window.kinds.includes(kind.name));
  return [...Map.groupBy(own, ({ window }) => window.id)].map(([key, group]) => ({
    ...{ key, hour: group[0]!.window.hour },
    value: meanOf(group, measureOf),
  }));
}

/** Mean over arms, each memory by its chance. */
function meanOf(some: readonly Told[], measureOf: (one: Told) => number): number {
  const sum = (of: (one: Told) => number) => some.reduce((total, one) => total + of(one), 0);
  return sum((one) => one.chance * measureOf(one)) / sum(({ chance }) => chance);
}

/** First less second on the windows of both. */
function difference(first: readonly Cell[], second: readonly Cell[], what = ""): Cell[] {
  const other = new Map(second.map(({ key, value }) => [key, value]));
  return first.flatMap(({ key, hour, value }) =>
    other.has(key) ? [{ key: `${what} ${key}`, hour, value: value - other.get(key)! }] : [],
  );
}

/** In points, with its interval. */
function interval(some: readonly Cell[]): string {
  if (some.length === 0) return "–";
  const values = some.map(({ value }) => 100 * value);
  const hours = some.map(({ hour }) => hour);
  const { low, high } = clusterBootstrap(values, hours, seededRandom("intervals"), { resamples: 4000 });
  return `${signed(mean(values))} [${signed(low)}, ${signed(high)}]`;
}

function printGains(told: readonly Told[], recipe: string, kinds: readonly Kind[]): void {
  const by = (wanted: (arm: Told["arm"]) => boolean) => told.filter(({ arm }) => wanted(arm));
  const base = by((arm) => arm.by === "base");
  const seeds = new Set(by((arm) => arm.recipe === recipe).map(({ arm }) => arm.seed));
  console.log(
    `\nRecipe ${recipe}, seeds ${[...seeds].sort().join(", ")}. Relevant and true, in points against the model alone:\n`,
  );
  const print = printTable(
    ...["kind (windows, hours)", "model alone", "its vector", "at equal length", "others' vectors"],
    ...["its vector less others'", "its questions in the prompt", "word and true", "true", "tokens"],
  );
  const all: Record<string, Cell[]> = {};
  const keep = (column: string, some: Cell[]) => {
    all[column] = [...(all[column] ?? []), ...some];
    return some;
  };
  for (const kind of kinds) {
    const { name } = kind;
    const good = (one: Told) => one.true * one.relevant[name]!;
    const weighed = (one: Told) => one.weight * good(one);
    const word = (one: Told) => one.true * one.word[name]!;
    const own = by((arm) => arm.recipe === recipe && arm.kind === name);
    // A wearer is counted where the kind's own vector was tried.
    const wearers = new Set(own.map(({ wearer }) => wearer));
    const others = by((arm) => arm.recipe === recipe && arm.kind !== name).filter(({ wearer }) =>
      wearers.has(wearer),
    );
    const prompt = by((arm) => arm.by === "prompt" && arm.kind === name).filter(({ wearer }) =>
      wearers.has(wearer),
    );
    if (own.length === 0) continue;
    const alone = cells(base, kind, good).filter(({ key }) =>
      [...wearers].some((wearer) => key.startsWith(wearer)),
    );
    const gain = keep("gain", difference(cells(own, kind, good), alone, name));
    const hours = new Set(gain.map(({ hour }) => hour)).size;
    const trueOf = (some: readonly Told[]) =>
      mean(cells(some, kind, (one) => one.true).map(({ value }) => value));
    const tokensOf = (some: readonly Told[]) =>
      mean(cells(some, kind, ({ tokens }) => tokens).map(({ value }) => value));
    const baseOf = base.filter(({ wearer }) => wearers.has(wearer));
    print(
      `${name} (${gain.length}, ${hours})`,
      (100 * mean(alone.map(({ value }) => value))).toFixed(1),
      interval(gain),
      interval(keep("equal", difference(cells(own, kind, weighed), cells(baseOf, kind, weighed), name))),
      interval(keep("others", difference(cells(others, kind, good), alone, name))),
      interval(keep("own", difference(cells(own, kind, good), cells(others, kind, good), name))),
      interval(keep("prompt", difference(cells(prompt, kind, good), alone, name))),
      interval(keep("word", difference(cells(own, kind, word), cells(baseOf, kind, word), name))),
      `${(100 * trueOf(baseOf)).toFixed(0)} → ${(100 * trueOf(own)).toFixed(0)}`,
      `${tokensOf(baseOf).toFixed(1)} → ${tokensOf(own).toFixed(1)}`,
    );
    keep(
      "alone",
      alone.map((cell) => ({ ...cell, key: `${name} ${cell.key}` })),
    );
  }
  const { gain = [], alone = [], equal = [], others = [], own = [], prompt = [], word = [] } = all;
  print(
    `all (${gain.length}, ${new Set(gain.map(({ hour }) => hour)).size})`,
    (100 * mean(alone.map(({ value }) => value))).toFixed(1),
    ...[gain, equal, others, own, prompt, word].map(interval),
    ...["", ""],
  );
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
    ...["clock: rollouts, pairs, steps", "processor", "memory"],
  );
  for (const { lesson, contexts, pairs, steps, block, loss, share, seconds, worker } of lessons)
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
