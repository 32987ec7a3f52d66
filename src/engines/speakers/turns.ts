/**
 * Who speaks when: voices of overlapping windows are joined, the likest first, until no two are alike enough; each moment of
 * speech then has the voice it is likest to, and a voice does not change without a reason.
 *
 * A voice that is heard for less than two seconds in all is given to the others: short windows are often of two voices at
 * once. Two who speak at the same time count as one.
 */

type Vector = Float32Array;

/** A stretch of time, in seconds. */
export interface Span {
  readonly startSeconds: number;
  readonly endSeconds: number;
}

/** A stretch in which one voice speaks. Voices are numbered from 0 in the order they are heard. */
export interface VoiceTurn extends Span {
  readonly voice: number;
}

/** Length of a window that voices are found in, of one in which a moment's voice is looked for, and their steps. Seconds. */
export const found = { length: 1.6, step: 0.4 };
export const looked = { length: 1, step: 0.2 };

/**
 * Groups of windows whose voices are less alike on average (cosine) are different voices. Chosen on one talk of two, cut in
 * twelve ways, of which it tells two voices in each; two hundredths lower it tells one, two higher sometimes three.
 */
const leastLikeness = 0.7;
/** A voice is heard in windows that begin over at least this time. Seconds. */
const leastSeconds = 2;
/** What a change of voice has to gain in likeness, over all moments. */
const changeCost = 0.15;

/** Windows over stretches of speech; a shorter stretch is one window. */
export function windowsOf(
  stretches: readonly Span[],
  { length, step }: { length: number; step: number },
): Span[] {
  return stretches.flatMap(({ startSeconds, endSeconds }) => {
    const room = Math.max(0, endSeconds - startSeconds - length);
    const count = Math.ceil(room / step - 1e-9) + 1;
    return Array.from({ length: count }, (_, i) => {
      const from = startSeconds + Math.min(room, i * step);
      return { startSeconds: from, endSeconds: Math.min(endSeconds, from + length) };
    });
  });
}

/** Stretches in steps, one after the other, and the window around each, within its stretch. */
export function momentsOf(
  stretches: readonly Span[],
  { length, step }: { length: number; step: number },
): { readonly moment: Span; readonly around: Span }[] {
  return stretches.flatMap(({ startSeconds: start, endSeconds: end }) =>
    Array.from({ length: Math.ceil((end - start) / step - 1e-9) }, (_, i) => {
      const moment = { startSeconds: start + i * step, endSeconds: Math.min(end, start + (i + 1) * step) };
      const middle = (moment.startSeconds + moment.endSeconds) / 2;
      const from = Math.max(start, Math.min(middle - length / 2, end - length));
      return { moment, around: { startSeconds: from, endSeconds: Math.min(end, from + length) } };
    }),
  );
}

/** The voices that are heard: the mean of each, of unit length. @param vectors of unit length, one a window */
export function voicesOf(vectors: readonly Vector[]): Vector[] {
  const groups = vectors.map((vector, place) => ({ place, sum: Float64Array.from(vector), size: 1 }));
  /** Sums of the likeness of all pairs of windows of two groups, by a place of each. */
  const sums = vectors.map((one) => Float64Array.from(vectors, (other) => product(one, other)));
  for (;;) {
    let [best, a, b] = [leastLikeness, -1, -1];
    for (let i = 1; i < groups.length; i++)
      for (let j = 0; j < i; j++) {
        const [one, other] = [groups[i]!, groups[j]!];
        const likeness = sums[one.place]![other.place]! / (one.size * other.size);
        if (likeness >= best) [best, a, b] = [likeness, j, i];
      }
    if (a < 0) break;
    const [into, gone] = [groups[a]!, groups.splice(b, 1)[0]!];
    into.size += gone.size;
    for (let i = 0; i < into.sum.length; i++) into.sum[i]! += gone.sum[i]!;
    for (const { place } of groups) {
      sums[into.place]![place]! += sums[gone.place]![place]!;
      sums[place]![into.place] = sums[into.place]![place]!;
    }
  }
  const heard = groups.filter(({ size }) => size * found.step >= leastSeconds);
  const [largest] = groups.toSorted((x, y) => y.size - x.size);
  return (heard.length > 0 ? heard : largest ? [largest] : []).map(({ sum }) => unit(Float32Array.from(sum)));
}

/**
 * Turns of voices.
 * @param moments the steps of speech, in order
 * @param vectors of unit length, the voice around each moment
 */
export function turnsOf(
  moments: readonly Span[],
  vectors: readonly Vector[],
  voices: readonly Vector[],
): VoiceTurn[] {
  let scores = voices.map(() => 0);
  const before: number[][] = [];
  for (const vector of vectors) {
    const bestBefore = scores.indexOf(Math.max(...scores));
    before.push(
      scores.map((score, voice) => (score >= scores[bestBefore]! - changeCost ? voice : bestBefore)),
    );
    scores = scores.map(
      (score, voice) => Math.max(score, scores[bestBefore]! - changeCost) + product(vector, voices[voice]!),
    );
  }
  const path: number[] = [];
  let voice = scores.indexOf(Math.max(...scores));
  for (let i = vectors.length - 1; i >= 0; i--) {
    path[i] = voice;
    voice = before[i]![voice]!;
  }
  const order = [...new Set(path)];
  const turns: VoiceTurn[] = [];
  for (const [i, { startSeconds, endSeconds }] of moments.entries()) {
    const own = order.indexOf(path[i]!);
    const last = turns.at(-1);
    if (last?.voice === own && startSeconds - last.endSeconds < 1e-6)
      turns[turns.length - 1] = { ...last, endSeconds };
    else turns.push({ startSeconds, endSeconds, voice: own });
  }
  return turns;
}

/** A vector of length 1; one of zeros stays. */
export function unit(vector: Float32Array): Vector {
  const length = Math.sqrt(product(vector, vector)) || 1;
  return vector.map((value) => value / length);
}

function product(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
