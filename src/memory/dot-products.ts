/**
 * Dot products of one vector with many, eight numbers at a time: a WebAssembly module of one function, assembled here.
 *
 * Vectors are of unit length and kept as 16-bit integers, `round(32767 x)`. So a product is at most 2^30 and fits its 32
 * bits, and differs from the exact one by at most `slack`.
 */

/** What is used here; the types of the whole come with those of browsers. */
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array<ArrayBuffer>);
  }
  class Instance {
    constructor(module: Module);
    readonly exports: { readonly memory: Memory; readonly dots: Dots };
  }
  interface Memory {
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  }
}

/** What 1 is kept as. */
const one = 32767;
/** Products computed by one call. */
const batch = 1024;
const pageBytes = 65_536;

/** One function of the module: `dots(vectors, bytes, count, out)`, with the vector to compare with at 0. */
type Dots = (vectors: number, bytes: number, count: number, out: number) => void;

/** Unit vectors of one dimension, numbered from 0 up, that are compared with another. */
export class DotProducts {
  /** The largest difference of `product` from the exact dot product. */
  readonly slack: number;
  readonly #dimension: number;
  /** Bytes of a vector, which ends at a multiple of 16. */
  readonly #bytes: number;
  readonly #memory: WebAssembly.Memory;
  readonly #dots: Dots;
  readonly #first: number;

  constructor(dimension: number) {
    this.#dimension = dimension;
    this.#bytes = Math.ceil(dimension / 8) * 16;
    this.#first = this.#bytes + 4 * batch;
    const { exports } = new WebAssembly.Instance(compiled());
    this.#memory = exports.memory;
    this.#dots = exports.dots;
    // Rounding moves a unit vector by at most `moved`; the product of two moved ones by twice that, and its square.
    const moved = (0.5 / one) * Math.sqrt(dimension);
    this.slack = 2 * moved + moved ** 2;
    this.#grow(this.#first);
  }

  /** Keeps a vector under a number. @throws RangeError where 4 GiB do not hold it */
  set(number: number, vector: Float32Array, length: number): void {
    const at = this.#first + number * this.#bytes;
    this.#grow(at + this.#bytes);
    this.#write(at, vector, length);
  }

  /** Calls with each of the first `count` numbers and its dot product with a vector. */
  each(
    vector: Float32Array,
    length: number,
    count: number,
    found: (number: number, product: number) => void,
  ) {
    this.#write(0, vector, length);
    for (let from = 0; from < count; from += batch) {
      const some = Math.min(batch, count - from);
      this.#dots(this.#first + from * this.#bytes, this.#bytes, some, this.#bytes);
      const products = new Int32Array(this.#memory.buffer, this.#bytes, some);
      for (let i = 0; i < some; i++) found(from + i, products[i]! / one ** 2);
    }
  }

  #write(at: number, vector: Float32Array, length: number): void {
    const kept = new Int16Array(this.#memory.buffer, at, this.#dimension);
    const scale = one / length;
    for (let i = 0; i < kept.length; i++) kept[i] = Math.round(vector[i]! * scale);
  }

  /** Makes room for so many bytes, and for half as much again. */
  #grow(bytes: number): void {
    const missing = bytes - this.#memory.buffer.byteLength;
    if (missing <= 0) return;
    const most = 65_536 - this.#memory.buffer.byteLength / pageBytes;
    const wanted = Math.ceil((missing + bytes / 2) / pageBytes);
    this.#memory.grow(Math.max(Math.ceil(missing / pageBytes), Math.min(wanted, most)));
  }
}

let module: WebAssembly.Module | undefined;
const compiled = () => {
  module ??= new WebAssembly.Module(assembled());
  return module;
};

/** The bytes of the module (WebAssembly 2.0, binary format). */
function assembled(): Uint8Array<ArrayBuffer> {
  const [i32, v128, empty] = [0x7f, 0x7b, 0x40];
  const [vectors, bytes, count, out, at, sum] = [0, 1, 2, 3, 4, 5];
  const get = (local: number) => [0x20, local];
  const set = (local: number) => [0x21, local];
  const constant = (value: number) => [0x41, ...signed(value)];
  const add = (local: number, value: number) => [...get(local), ...constant(value), 0x6a, ...set(local)];
  const loop = (...body: number[][]) => [0x03, empty, ...body.flat(), 0x0b];
  const again = [0x0d, 0];
  const load = (local: number) => [...get(local), 0xfd, 0x00, 4, 0];
  const lane = (index: number) => [...get(sum), 0xfd, 0x1b, index];
  const dotOfPairs = [0xfd, 0xba, 0x01];
  const addLanes = [0xfd, 0xae, 0x01];
  const code = loop(
    [...constant(0), ...set(at), 0xfd, 0x0c, ...new Array<number>(16).fill(0), ...set(sum)],
    loop(
      [...get(sum), ...load(vectors), ...load(at), ...dotOfPairs, ...addLanes, ...set(sum)],
      [...add(vectors, 16), ...add(at, 16)],
      [...get(at), ...get(bytes), 0x49, ...again],
    ),
    [...get(out), ...lane(0), ...lane(1), 0x6a, ...lane(2), 0x6a, ...lane(3), 0x6a, 0x36, 2, 0],
    [...add(out, 4), ...add(count, -1), ...get(count), ...again],
  );
  const body = sized([2, 1, i32, 1, v128, ...code, 0x0b]);
  const section = (id: number, content: number[]) => [id, ...sized(content)];
  const name = (text: string) => sized([...Buffer.from(text)]);
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 4, i32, i32, i32, i32, 0]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, 1]),
    ...section(7, [2, ...name("memory"), 2, 0, ...name("dots"), 0, 0]),
    ...section(10, [1, ...body]),
  ]);
}

/** Bytes after their number, below 2^14. */
const sized = (content: readonly number[]): number[] => [
  ...(content.length < 128 ? [content.length] : [(content.length & 127) | 128, content.length >> 7]),
  ...content,
];

/** A number from -64 to 63. */
const signed = (value: number): number[] => [value & 127];
