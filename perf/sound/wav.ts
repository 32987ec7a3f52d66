/** The samples of a WAV file of 16 kHz, 16 bits and one channel. @throws RangeError for any other */
export function wavSamples(file: Buffer): Int16Array {
  const [channels, rate, bits] = [file.readUInt16LE(22), file.readUInt32LE(24), file.readUInt16LE(34)];
  if (file.toString("latin1", 0, 4) !== "RIFF" || channels !== 1 || rate !== 16_000 || bits !== 16)
    throw new RangeError(
      `Expected mono WAV of 16 kHz and 16 bits, got ${channels} × ${rate} Hz, ${bits} bits`,
    );
  const at = file.indexOf("data", 36, "latin1");
  const bytes = file.subarray(at + 8, at + 8 + file.readUInt32LE(at + 4));
  return new Int16Array(Uint8Array.from(bytes).buffer);
}
