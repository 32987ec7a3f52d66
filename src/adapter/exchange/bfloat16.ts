/** Numbers of 16 bits with the exponent of 32: the upper half of a 32-bit number. */

/** Little-endian bytes of the nearest such numbers, ties to even. */
export function toBfloat16(values: Float32Array): Buffer {
  const bytes = Buffer.alloc(2 * values.length);
  const bits = new DataView(new ArrayBuffer(4));
  for (const [i, value] of values.entries()) {
    bits.setFloat32(0, value);
    const whole = bits.getUint32(0);
    const rounded = whole + 0x7fff + ((whole >>> 16) & 1);
    bytes.writeUInt16LE(rounded >>> 16, 2 * i);
  }
  return bytes;
}

/** Those numbers, exactly. */
export function fromBfloat16(bytes: Buffer): Float32Array {
  const bits = new DataView(new ArrayBuffer(4));
  return Float32Array.from({ length: bytes.length >> 1 }, (_, i) => {
    bits.setUint32(0, bytes.readUInt16LE(2 * i) << 16);
    return bits.getFloat32(0);
  });
}
