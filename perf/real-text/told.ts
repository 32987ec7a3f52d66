/** What arms wrote as it is measured, and its values by window: what the tables take means of. */
import { ownLines } from "../../src/training/own-lines.ts";
import type { Cell } from "./intervals.ts";
import { type Kind, kinds } from "./kinds.ts";
import type { Measured, Measures } from "./measures.ts";
import type { Results, Row } from "./results.ts";
import type { Week, Window } from "./windows.ts";

/** Windows of a kind whose lines say what is relevant: as many as every wearer nearly has. */
const mostForLimits = 64;

/** A memory with where it stands. */
export interface Told extends Measured {
  readonly text: string;
  readonly chance: number;
  readonly wearer: string;
  readonly window: Window;
  readonly arm: Row["arm"];
}

/** All memories of a part that were written in one way. */
export async function readTold(
  results: Results,
  measures: Measures,
  { weeks, part, how }: { weeks: readonly Week[]; part: Row["part"]; how: Row["arm"]["how"] },
): Promise<Told[]> {
  const told: Told[] = [];
  for (const week of weeks) {
    const rows = results.rows.filter(({ wearer }) => wearer === week.wearer);
    const limits = await measures.limits(linesByKind(week.train));
    const windows = new Map(week[part].map((window) => [window.id, window]));
    for (const { wearer, arm, memories } of rows.filter((row) => row.part === part && row.arm.how === how))
      for (const [id, written] of Object.entries(memories)) {
        const window = windows.get(id)!;
        const found = await measures.measure(window, written, limits);
        for (const [i, { text, chance }] of written.entries())
          told.push({ ...found[i]!, text, chance, wearer, window, arm });
      }
  }
  return told;
}

/** Lines of training days by the kinds that their windows speak of: a quarter of them is what counts as relevant. */
function linesByKind(windows: readonly Window[]): Record<string, string[]> {
  return Object.fromEntries(
    kinds.map(({ name }) => [
      name,
      windows
        .filter((window) => window.kinds.includes(name))
        .slice(0, mostForLimits)
        .flatMap(({ observation }) => ownLines(observation)),
    ]),
  );
}

/** Means by window, and by seed where there is one, over the windows that speak of a kind. */
export function cellsOf(some: readonly Told[], kind: Kind, measureOf: (one: Told) => number): Cell[] {
  const own = some.filter(({ window }) => window.kinds.includes(kind.name));
  const groups = Map.groupBy(own, ({ window, arm }) => `${window.id} ${arm.seed}`);
  return [...groups.values()].map((group) => {
    const [{ window, wearer, arm }] = group as [Told];
    const { id, day, hour } = window;
    return {
      ...{ window: id, wearer, kind: kind.name, day, hour, seed: arm.seed },
      value: meanOf(group, measureOf),
    };
  });
}

/** Mean over memories, each by its chance. */
export function meanOf(some: readonly Told[], measureOf: (one: Told) => number): number {
  const sum = (of: (one: Told) => number) => some.reduce((total, one) => total + of(one), 0);
  return sum((one) => one.chance * measureOf(one)) / sum(({ chance }) => chance);
}

/**
 * How much a memory of an arm counts if memories had the lengths of those of the model alone: over a kind's windows of one wearer
 * and one lesson, each quarter of lengths gets the share that it has there without a vector.
 */
export function lengthWeights(some: readonly Told[], alone: readonly Told[], kind: Kind): Map<Told, number> {
  const weights = new Map<Told, number>();
  const ofKind = (all: readonly Told[]) => all.filter(({ window }) => window.kinds.includes(kind.name));
  for (const group of Map.groupBy(ofKind(some), ({ wearer, arm }) => `${wearer} ${arm.seed}`).values()) {
    const base = ofKind(alone).filter(({ wearer }) => wearer === group[0]!.wearer);
    const edges = quartersOf(base);
    const binOf = ({ tokens }: Told) => edges.filter((edge) => tokens > edge).length;
    const sharesOf = (all: readonly Told[]) =>
      [0, 1, 2, 3].map((bin) => meanOf(all, (one) => Number(binOf(one) === bin)));
    const [wanted, own] = [sharesOf(base), sharesOf(group)];
    const reached = wanted.reduce((sum, share, bin) => (own[bin]! > 0 ? sum + share : sum), 0);
    for (const one of group) weights.set(one, wanted[binOf(one)]! / own[binOf(one)]! / reached);
  }
  return weights;
}

/** The lengths below which a quarter, a half and three quarters of memories lie. */
function quartersOf(some: readonly Told[]): number[] {
  const total = some.reduce((sum, { chance }) => sum + chance, 0);
  const edges: number[] = [];
  let passed = 0;
  for (const { tokens, chance } of some.toSorted((a, b) => a.tokens - b.tokens)) {
    passed += chance;
    while (edges.length < 3 && passed >= ((edges.length + 1) / 4) * total) edges.push(tokens);
  }
  return edges;
}
