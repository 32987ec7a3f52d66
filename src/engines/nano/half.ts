/** Numbers of 16 bits (IEEE 754 binary16) to and from 32 bits; Node 22 has no Float16Array. */

const word = new Uint32Array(1);
const number = new Float32Array(word.buffer);

/** The nearest 16-bit numbers, ties to even, as their bits; beyond 65,504 infinity. */
export function toHalf(values: Float32Array): Uint16Array<ArrayBuffer> {
  return Uint16Array.from(values, halfBits);
}

/** The values of 16-bit numbers given as their bits. */
export function fromHalf(bits: Uint16Array): Float32Array<ArrayBuffer> {
  return Float32Array.from(bits, (half) => {
    const sign = half & 0x8000 ? -1 : 1;
    const exponent = (half >> 10) & 31;
    const fraction = half & 1023;
    if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
    if (exponent === 0) return sign * fraction * 2 ** -24;
    return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  });
}

function halfBits(value: number): number {
  number[0] = value;
  const sign = (word[0]! >>> 16) & 0x8000;
  const size = Math.abs(number[0]);
  if (Number.isNaN(size)) return 0x7e00;
  if (size >= 65520) return sign | 0x7c00;
  const exponent = Math.max(-14, Math.floor(Math.log2(size)));
  // Counted in units of the last place; 1024 units and more are the next exponent, which the sum below carries over.
  const units = roundToEven(size * 2 ** (10 - exponent));
  return sign | (exponent === -14 ? units : units + ((exponent + 14) << 10));
}

function roundToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
