/**
 * Means of values that repeat by hour and by lesson, with their intervals.
 *
 * Windows of one hour are about the same things, whoever wears the camera, and one lesson moves all windows. A resample draws hours
 * and seeds with replacement, and a value counts as often as its hour times its seed were drawn (Owen 2007, "The pigeonhole
 * bootstrap"). With one seed it is a bootstrap over hours, which says nothing about other lessons; with two or three it is
 * still too sure of them.
 */
import { quantile } from "../../src/benchmarks/statistics.ts";
import { randomInt, seededRandom } from "../../src/util/random.ts";

/** A window's value for a kind, with one lesson's vector or with none. */
export interface Cell {
  readonly window: string;
  readonly wearer: string;
  readonly kind: string;
  readonly day: number;
  /** Of the week. */
  readonly hour: number;
  /** Of the lesson; `null` without one. */
  readonly seed: number | null;
  readonly value: number;
}

/** First less second where both are of one window, kind and seed; what has no seed is taken from each. */
export function difference(first: readonly Cell[], second: readonly Cell[]): Cell[] {
  const keyOf = ({ kind, window }: Cell, seed: number | null) => `${kind} ${window} ${seed}`;
  const others = new Map(second.map((cell) => [keyOf(cell, cell.seed), cell.value]));
  return first.flatMap((cell) => {
    const other = others.get(keyOf(cell, cell.seed)) ?? others.get(keyOf(cell, null));
    return other === undefined ? [] : [{ ...cell, value: cell.value - other }];
  });
}

/** A mean, and the interval that holds 95 % of the resampled ones. */
export interface Estimate {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/**
 * The mean of some cells, or of the means of their groups.
 * @param groupOf names a cell's group; all are one unless given
 * @throws RangeError without a cell
 */
export function estimate(
  cells: readonly Cell[],
  groupOf: (cell: Cell) => string = () => "",
  { resamples = 4000, seed = "intervals" }: { resamples?: number; seed?: string } = {},
): Estimate {
  if (cells.length === 0) throw new RangeError("Expected at least one value to estimate a mean of, got none");
  const hours = [...new Set(cells.map(({ hour }) => hour))];
  const seeds = [...new Set(cells.map((cell) => cell.seed))];
  const groups = [...Map.groupBy(cells, groupOf).values()].map((group) =>
    [...Map.groupBy(group, (cell) => `${cell.hour} ${cell.seed}`).values()].map((some) => ({
      hour: hours.indexOf(some[0]!.hour),
      seed: seeds.indexOf(some[0]!.seed),
      sum: some.reduce((sum, { value }) => sum + value, 0),
      count: some.length,
    })),
  );
  const meanOf = (hourWeights: ArrayLike<number>, seedWeights: ArrayLike<number>) => {
    const means = groups.flatMap((group) => {
      let [sum, count] = [0, 0];
      for (const one of group) {
        const weight = hourWeights[one.hour]! * seedWeights[one.seed]!;
        sum += weight * one.sum;
        count += weight * one.count;
      }
      return count > 0 ? [sum / count] : [];
    });
    return means.length > 0 ? means.reduce((sum, one) => sum + one, 0) / means.length : null;
  };
  const random = seededRandom(seed);
  const drawn = (count: number) => {
    const times = new Uint32Array(count);
    for (let k = 0; k < count; k++) times[randomInt(random, count)]! += 1;
    return times;
  };
  const means: number[] = [];
  // Hours and seeds that share no window are drawn again.
  while (means.length < resamples) {
    const one = meanOf(drawn(hours.length), drawn(seeds.length));
    if (one !== null) means.push(one);
  }
  const sorted = Float64Array.from(means).sort();
  const every = (count: number) => new Uint32Array(count).fill(1);
  return {
    mean: meanOf(every(hours.length), every(seeds.length))!,
    low: quantile(sorted, 0.025),
    high: quantile(sorted, 0.975),
  };
}
