/**
 * Weights in CTranslate2's own file (`model.bin`), as faster-whisper publishes them: tensors by name, of 16 or 32 bits.
 * After its `model_spec.py` (version 6 of the format).
 */
import { DataError } from "../../errors.ts";

/** A tensor of the file. */
export interface StoredTensor {
  readonly shape: readonly number[];
  /** `int` for the numbers that settings are stored as. */
  readonly type: "float32" | "float16" | "int";
  readonly bytes: Uint8Array;
}

const version = 6;
const types: Readonly<Record<number, StoredTensor["type"]>> = {
  ...{ 0: "float32", 1: "int", 2: "int", 3: "int", 4: "float16" },
};

/** The tensors of a file, by name. @throws DataError `weights-broken` for another file, or one of 8-bit weights */
export function readTensors(file: Buffer): Map<string, StoredTensor> {
  const broken = (why: string) => new DataError("weights-broken", `The weights of the speech model ${why}`);
  let at = 0;
  const take = (bytes: number) => {
    if (at + bytes > file.length) throw broken("are cut off: pull them again");
    at += bytes;
    return at - bytes;
  };
  const int = () => file.readUInt32LE(take(4));
  const text = () => {
    const length = file.readUInt16LE(take(2));
    return file.toString("utf8", take(length), at - 1);
  };
  if (int() !== version || text() !== "WhisperSpec")
    throw broken("are no Whisper model of CTranslate2: expected the model.bin of a faster-whisper model");
  int(); // revision of the specification
  const tensors = new Map<string, StoredTensor>();
  for (let left = int(); left > 0; left--) {
    const name = text();
    const shape = Array.from({ length: file[take(1)]! }, int);
    const type = types[file[take(1)]!];
    const length = int();
    const bytes = file.subarray(take(length), at);
    if (type === undefined || (type === "int" && length > 64))
      throw broken(`hold ${name} in a type that is not read here: expected 16 or 32 bits, not 8`);
    tensors.set(name, { shape, type, bytes });
  }
  for (let left = int(); left > 0; left--) {
    const [alias, name] = [text(), text()];
    const tensor = tensors.get(name);
    if (tensor) tensors.set(alias, tensor);
  }
  return tensors;
}
