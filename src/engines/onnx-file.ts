/**
 * Bytes of an ONNX model, built in memory: a graph of nodes and constants in the protobuf encoding (onnx.proto 3, opset
 * 17). Only what our graphs need; nothing is read back.
 */

type Bytes = Uint8Array;
/** A whole number, a fraction, or several whole numbers. */
export type Attribute = number | { readonly float: number } | readonly number[];

const opset = 17;
const irVersion = 8;
const dataTypes = { float32: 1, int64: 7, float16: 10 } as const;

function varint(value: number | bigint): Bytes {
  const bytes: number[] = [];
  let left = BigInt.asUintN(64, BigInt(value));
  for (; left > 127n; left >>= 7n) bytes.push(Number(left & 127n) | 128);
  bytes.push(Number(left));
  return Uint8Array.from(bytes);
}

const whole = (field: number, value: number | bigint) => Buffer.concat([varint(field << 3), varint(value)]);
const block = (field: number, ...parts: readonly Bytes[]) => {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([varint((field << 3) | 2), varint(length), ...parts]);
};
const text = (field: number, value: string) => block(field, Buffer.from(value));

function fraction(field: number, value: number): Bytes {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([varint((field << 3) | 5), bytes]);
}

function attribute([name, value]: [string, Attribute]): Bytes {
  const own = (...parts: Bytes[]) => block(5, text(1, name), ...parts);
  if (typeof value === "number") return own(whole(3, value), whole(20, 2));
  if ("float" in value) return own(fraction(2, value.float), whole(20, 1));
  return own(...value.map((one) => whole(8, one)), whole(20, 7));
}

/** An input or output; an axis that is named may have any length. */
function tensorInfo(
  field: number,
  name: string,
  shape: readonly (number | string)[],
  type: keyof typeof dataTypes,
): Bytes {
  const axes = shape.map((axis) => block(1, typeof axis === "number" ? whole(1, axis) : text(2, axis)));
  return block(field, text(1, name), block(2, block(1, whole(1, dataTypes[type]), block(2, ...axes))));
}

/** A graph that is built node by node; every method returns the name of what it adds. */
export class OnnxGraph {
  readonly #nodes: Bytes[] = [];
  readonly #constants: Bytes[] = [];
  readonly #ends: Bytes[] = [];
  #count = 0;

  input(name: string, shape: readonly (number | string)[], type: keyof typeof dataTypes = "float32"): string {
    this.#ends.push(tensorInfo(11, name, shape, type));
    return name;
  }

  output(name: string, shape: readonly (number | string)[], type: keyof typeof dataTypes = "float32"): void {
    this.#ends.push(tensorInfo(12, name, shape, type));
  }

  constant(values: Float32Array | BigInt64Array, shape: readonly number[]): string {
    const type = values instanceof Float32Array ? dataTypes.float32 : dataTypes.int64;
    return this.#raw(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), type, shape);
  }

  /** A constant of numbers of 16 bits, given as their bytes, which computes as 32 bits. */
  half(bytes: Uint8Array, shape: readonly number[]): string {
    return this.node("Cast", [this.#raw(bytes, dataTypes.float16, shape)], { to: dataTypes.float32 });
  }

  #raw(bytes: Uint8Array, type: number, shape: readonly number[]): string {
    const name = `c${this.#count++}`;
    const axes = shape.map((axis) => whole(1, axis));
    this.#constants.push(block(5, ...axes, whole(2, type), text(8, name), block(9, bytes)));
    return name;
  }

  node(
    operator: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    output = `v${this.#count++}`,
  ): string {
    const parts = [...inputs.map((name) => text(1, name)), text(2, output), text(4, operator)];
    this.#nodes.push(block(1, ...parts, ...Object.entries(attributes).map(attribute)));
    return output;
  }

  /** @param notes what the model says of itself, as names and values */
  encode(notes: Readonly<Record<string, string>> = {}): Uint8Array {
    const graph = block(7, ...this.#nodes, text(2, "graph"), ...this.#constants, ...this.#ends);
    return Buffer.concat([
      whole(1, irVersion),
      text(2, "taskmem"),
      graph,
      block(8, text(1, ""), whole(2, opset)),
      ...Object.entries(notes).map(([name, value]) => block(14, text(1, name), text(2, value))),
    ]);
  }
}
