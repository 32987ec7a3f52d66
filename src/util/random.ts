/**
 * Seeded random numbers. The core never calls `Math.random`; it is given a `Random`.
 *
 * The generator is sfc32 (Doty-Humphrey, PractRand), seeded through FNV-1a and mixed for 20 rounds.
 */

/** A generator of numbers in [0, 1). */
export type Random = () => number;

/** A generator for a random seed of any length; equal seeds give equal sequences on every platform. */
export function seededRandom(seed: string | number): Random {
  let h = 0x811c9dc5;
  for (const character of String(seed)) {
    h = Math.imul(h ^ character.codePointAt(0)!, 0x01000193);
  }
  let a = h | 0;
  let b = Math.imul(h, 0x9e3779b1) | 0;
  let c = Math.imul(h, 0x85ebca6b) | 0;
  let counter = 1;
  const next = (): number => {
    const t = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t;
    return (t >>> 0) / 0x1_0000_0000;
  };
  for (let i = 0; i < 20; i++) next();
  return next;
}

/** An integer in [0, n). */
export function randomInt(random: Random, n: number): number {
  return Math.floor(random() * n);
}

/** One item, each equally likely. */
export function pick<T>(random: Random, items: readonly T[]): T {
  return items[randomInt(random, items.length)]!;
}

/** A new array in random order (Fisher–Yates). */
export function shuffle<T>(random: Random, items: readonly T[]): T[] {
  const shuffled = [...items];
  for (let i = shuffled.length - 1; i > 0; i--) {
    const j = randomInt(random, i + 1);
    [shuffled[i], shuffled[j]] = [shuffled[j]!, shuffled[i]!];
  }
  return shuffled;
}
