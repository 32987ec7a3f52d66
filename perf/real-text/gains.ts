/** What a kind's vector gains: values by window for every column of the tables. */
import { mean } from "../../src/benchmarks/statistics.ts";
import { type Cell, difference } from "./intervals.ts";
import type { Kind } from "./kinds.ts";
import { cellsOf, lengthWeights, type Told } from "./told.ts";

/** What a kind's vector does on the windows of its kind, as values by window. */
export interface Gain {
  readonly kind: Kind;
  readonly alone: readonly Cell[];
  /** Where each line has the same chance: what a choice is worth that nothing decides. */
  readonly alike: readonly Cell[];
  /** Where the encoder itself takes the line nearest to the lesson's questions: what there is to learn from it. */
  readonly encoder: readonly Cell[];
  /** Relevant and true, with the vector less alone. */
  readonly gain: readonly Cell[];
  readonly equal: readonly Cell[];
  /** With the other kinds' vectors less alone, and with the kind's own less with the others'. */
  readonly others: readonly Cell[];
  readonly own: readonly Cell[];
  readonly prompt: readonly Cell[];
  /** By other measures, each true as well. */
  readonly second: Compared;
  readonly word: Compared;
  readonly unasked: Compared;
  readonly true: readonly [alone: number, own: number];
  readonly tokens: readonly [alone: number, own: number];
}

/** A measure alone, with the vector less alone, and with the vector less with the others'. */
export interface Compared {
  readonly alone: readonly Cell[];
  readonly gain: readonly Cell[];
  readonly own: readonly Cell[];
}

/** What a recipe gains for a kind, over the wearers that its vector was tried on; nothing where there is none. */
export function gainOf(told: readonly Told[], recipe: string, kind: Kind): Gain[] {
  const { name } = kind;
  const own = told.filter(({ arm }) => arm.recipe === recipe && arm.kind === name);
  if (own.length === 0) return [];
  // Everything is compared where the kind's own vector was tried.
  const wearers = new Set(own.map(({ wearer }) => wearer));
  const by = (wanted: (arm: Told["arm"]) => boolean) =>
    told.filter(({ arm, wearer }) => wearers.has(wearer) && wanted(arm));
  const base = by((arm) => arm.by === "base");
  const others = by((arm) => arm.recipe === recipe && arm.kind !== name);
  const prompt = by((arm) => arm.by === "prompt" && arm.kind === name);
  const good = (one: Told) => one.true * one.relevant[name]!;
  const compared = (measureOf: (one: Told) => number): Compared => {
    const [alone, with_] = [cellsOf(base, kind, measureOf), cellsOf(own, kind, measureOf)];
    return {
      alone,
      gain: difference(with_, alone),
      own: difference(with_, cellsOf(others, kind, measureOf)),
    };
  };
  const weights = lengthWeights(own, base, kind);
  const { alone, gain, own: ownLess } = compared(good);
  const both = (measureOf: (one: Told) => number) =>
    [base, own].map((some) => mean(cellsOf(some, kind, measureOf).map(({ value }) => value))) as [
      number,
      number,
    ];
  return [
    {
      ...{ kind, alone, gain, own: ownLess },
      alike: cellsOf(
        base.map((one) => ({ ...one, chance: 1 })),
        kind,
        good,
      ),
      encoder: cellsOf(nearestOf(base, name), kind, good),
      equal: difference(
        cellsOf(own, kind, (one) => (weights.get(one) ?? 0) * good(one)),
        alone,
      ),
      others: difference(cellsOf(others, kind, good), alone),
      prompt: difference(cellsOf(prompt, kind, good), alone),
      second: compared((one) => one.true * one.second[name]!),
      word: compared((one) => one.true * one.word[name]!),
      unasked: compared((one) => one.true * one.unasked[name]!),
      true: both((one) => one.true),
      tokens: both(({ tokens }) => tokens),
    },
  ];
}

/** Of each window the one that is nearest to a kind's questions of the lesson. */
function nearestOf(some: readonly Told[], kind: string): Told[] {
  const windows = Map.groupBy(some, ({ window }) => window.id);
  return [...windows.values()].map((group) =>
    group.reduce((a, b) => (b.taught[kind]! > a.taught[kind]! ? b : a)),
  );
}
