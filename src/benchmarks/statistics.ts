/**
 * Whether a difference is more than chance: paired tests over the same questions, and intervals that know
 * which questions belong together (one hour, one video).
 */
import { type Random, randomInt } from "../util/random.ts";

/** Ends of an interval. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Mean of some numbers; 0 of none. */
export function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/**
 * Two-sided p of paired differences, shape [N], under "the two are alike", by flipping signs: the share of sign
 * patterns whose mean is at least as far from 0. All 2^N patterns where they are no more than `permutations`;
 * otherwise that many drawn ones, the observed one counted with them. 1 where nothing differs.
 */
export function signFlipTest(differences: readonly number[], random: Random, permutations = 4000): number {
  const moved = differences.filter((difference) => difference !== 0);
  const observed = Math.abs(moved.reduce((sum, difference) => sum + difference, 0));
  // Sums of the same terms in another order differ in the last bits.
  const atLeast = observed - 1e-9 * moved.reduce((sum, difference) => sum + Math.abs(difference), 0);
  const isExact = 2 ** moved.length <= permutations;
  const patterns = isExact ? 2 ** moved.length : permutations;
  let extreme = 0;
  for (let pattern = 0; pattern < patterns; pattern++) {
    let sum = 0;
    for (const [i, difference] of moved.entries()) {
      const flips = isExact ? (pattern >>> i) & 1 : random() < 0.5;
      sum += flips ? -difference : difference;
    }
    if (Math.abs(sum) >= atLeast) extreme += 1;
  }
  return isExact ? extreme / patterns : (extreme + 1) / (patterns + 1);
}

/**
 * Interval of the mean of values, shape [N], by drawing whole clusters with replacement: questions of one hour or one
 * video are no independent draws. With `also`, a second division of the same values into clusters that crosses the first,
 * such as the random seeds of a training, is drawn too, and its spread added.
 *
 * The spread that drawing gives is too small where clusters are few: by √((G − 1) / G) for G of them, and because it is
 * estimated. Each division's is therefore widened by √(G / (G − 1)) times Student's over the normal quantile, so that the
 * interval covers with 5 clusters as with 64 (`statistics.test.ts`). Of one cluster there is no spread.
 * @param clusters which cluster each value belongs to, shape [N]
 * @param also which cluster of the second division, shape [N]
 * @param level share of such intervals that hold the true mean
 * @throws RangeError for shapes that differ, no values or a value that is not finite
 */
export function clusterBootstrap(
  values: readonly number[],
  clusters: readonly (number | string)[],
  random: Random,
  { resamples = 2000, level = 0.95, also }: BootstrapOptions = {},
): Interval {
  const divisions = also ? [clusters, also] : [clusters];
  for (const division of divisions)
    if (values.length === 0 || values.length !== division.length)
      throw new RangeError(
        `Expected one cluster for each of at least one value, got ${values.length} values and ${division.length} clusters`,
      );
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw new RangeError(`Expected values[${bad}] to be a finite number, got ${values[bad]}`);
  const center = mean(values);
  const deviations = new Float64Array(resamples);
  for (const division of divisions) {
    const drawn = drawnMeans(values, division, random, resamples);
    const widening = wideningOf(new Set(division).size, level);
    for (const [i, value] of drawn.entries()) deviations[i]! += widening * (value - center);
  }
  deviations.sort();
  const tail = (1 - level) / 2;
  return { low: center + quantile(deviations, tail), high: center + quantile(deviations, 1 - tail) };
}

/** How an interval is drawn. */
export interface BootstrapOptions {
  /** Draws of each division. @default 2000 */
  readonly resamples?: number;
  /** @default 0.95 */
  readonly level?: number;
  /** The cluster of each value in a second division, shape [N]. @default none */
  readonly also?: readonly (number | string)[];
}

/** Means of values whose clusters are drawn with replacement, as many as there are; shape [resamples]. */
function drawnMeans(
  values: readonly number[],
  clusters: readonly (number | string)[],
  random: Random,
  resamples: number,
): Float64Array {
  const groups = [...Map.groupBy(values.keys(), (i) => clusters[i]!).values()].map((members) => ({
    sum: members.reduce((sum, i) => sum + values[i]!, 0),
    count: members.length,
  }));
  return Float64Array.from({ length: resamples }, () => {
    let sum = 0;
    let count = 0;
    for (let k = 0; k < groups.length; k++) {
      const group = groups[randomInt(random, groups.length)]!;
      sum += group.sum;
      count += group.count;
    }
    return sum / count;
  });
}

/** By how much the spread of drawn means of some clusters is too small, as a factor. */
function wideningOf(clusters: number, level: number): number {
  if (clusters < 2) return 1;
  const quantileOf = (df: number) => studentQuantile((1 + level) / 2, df);
  return Math.sqrt(clusters / (clusters - 1)) * (quantileOf(clusters - 1) / quantileOf(manyDegrees));
}

/** Degrees of freedom with which Student's law is the normal one to four digits. */
const manyDegrees = 10_000;

/** The value that a share from 0.5 up of Student's law lies below. @param df degrees of freedom, a whole number from 1 up */
export function studentQuantile(share: number, df: number): number {
  let [low, high] = [0, 1];
  while (studentShare(high, df) < share) high *= 2;
  for (let halving = 0; halving < 60; halving++) {
    const middle = (low + high) / 2;
    if (studentShare(middle, df) < share) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Share of Student's law below `t` ≥ 0: the finite sums of Abramowitz and Stegun, 26.7.3 and 26.7.4. */
function studentShare(t: number, df: number): number {
  const angle = Math.atan(t / Math.sqrt(df));
  const cosine = Math.cos(angle);
  const isOdd = df % 2 === 1;
  let term = isOdd ? cosine : 1;
  let sum = df === 1 ? 0 : term;
  for (let k = isOdd ? 3 : 2; k < df; k += 2) {
    term *= ((k - 1) / k) * cosine ** 2;
    sum += term;
  }
  const within = isOdd ? (2 / Math.PI) * (angle + Math.sin(angle) * sum) : Math.sin(angle) * sum;
  return (1 + within) / 2;
}

/** The value below which a share of sorted values lies, interpolated between neighbours. */
export function quantile(sorted: Float64Array, share: number): number {
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const above = Math.ceil(place);
  return sorted[below]! + (place - below) * (sorted[above]! - sorted[below]!);
}

/**
 * Exact two-sided p of McNemar's test: of the questions that only one of two got right, whether one got more than
 * chance gives. 1 where there are none.
 * @throws RangeError for a count that is no whole number from 0 up
 */
export function mcnemarTest(onlyFirst: number, onlySecond: number): number {
  for (const count of [onlyFirst, onlySecond]) {
    if (!(Number.isInteger(count) && count >= 0))
      throw new RangeError(`Expected whole numbers from 0 up, got ${onlyFirst} and ${onlySecond}`);
  }
  const n = onlyFirst + onlySecond;
  const fewer = Math.min(onlyFirst, onlySecond);
  let tail = 0;
  let logChoose = 0; // ln of n over k
  for (let k = 0; k <= fewer; k++) {
    tail += Math.exp(logChoose - n * Math.LN2);
    logChoose += Math.log(n - k) - Math.log(k + 1);
  }
  return Math.min(1, 2 * tail);
}
