import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { sha256 } from "../../util/hash.ts";
import { readWeights } from "./weights-file.ts";

const folder = mkdtempSync(join(tmpdir(), "taskmem-weights-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const data = Buffer.from(Float32Array.of(1, 2, 3, 4).buffer);
const checksum = sha256(data);
const entry = (shape: unknown, from: unknown, to: unknown, dtype: unknown = "F32") => ({
  dtype,
  shape,
  data_offsets: [from, to],
});

/** A file of these parts, the header as text where it is no JSON. */
function file(header: unknown, options: { length?: bigint; bytes?: Buffer } = {}): string {
  const text = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(options.length ?? BigInt(text.length));
  const path = join(folder, "weights.safetensors");
  writeFileSync(path, Buffer.concat([length, text, options.bytes ?? data]));
  return path;
}

test("tensors fill the data in any order of their names", () => {
  const header = {
    __metadata__: { checksum },
    b: entry([3], 4, 16),
    a: entry([], 0, 4),
    none: entry([0], 4, 4),
  };
  const { tensors, notes } = readWeights(file(header));
  assert.deepEqual([...tensors.a!.values, ...tensors.b!.values, ...tensors.none!.values], [1, 2, 3, 4]);
  assert.deepEqual(notes, {});
});

const __metadata__ = { checksum };
const whole = entry([4], 0, 16);
const broken: Record<string, [header: unknown, says: RegExp, options?: { length?: bigint; bytes?: Buffer }]> =
  {
    "a header that is null": ["null", /itself: /],
    "a header that is a list": ["[]", /itself: /],
    "a header that is no JSON": ["{", /no JSON/],
    "notes that are null": [{ __metadata__: null, a: whole }, /__metadata__/],
    "no notes": [{ a: whole }, /__metadata__/],
    "a note that is no text": [{ __metadata__: { checksum, step: 3 }, a: whole }, /__metadata__\.step/],
    "another checksum": [{ __metadata__: { checksum: "00" }, a: whole }, /checksum differs/],
    "an entry that is null": [{ __metadata__, a: null }, /a: /],
    "an entry without offsets": [{ __metadata__, a: { dtype: "F32", shape: [4] } }, /data_offsets/],
    "an unknown type": [{ __metadata__, a: entry([2], 0, 16, "F64") }, /dtype/],
    "a negative axis": [{ __metadata__, a: entry([-4], 0, 16) }, /shape\.0/],
    "a broken axis": [{ __metadata__, a: entry([1.5], 0, 16) }, /shape\.0/],
    "offsets that are text": [{ __metadata__, a: entry([4], "0", "16") }, /data_offsets\.0/],
    "a shape of fewer bytes": [{ __metadata__, a: entry([3], 0, 16) }, /expected 0 to 12/],
    "a shape of endless bytes": [{ __metadata__, a: entry([2 ** 52, 2 ** 52], 0, 16) }, /expected 0 to/],
    "offsets that run backwards": [{ __metadata__, a: entry([4], 16, 0) }, /expected 0 to 16/],
    "tensors that overlap": [
      { __metadata__, a: entry([3], 0, 12), b: entry([3], 4, 16) },
      /expected 12 to 24/,
    ],
    "bytes between tensors": [
      { __metadata__, a: entry([1], 0, 4), b: entry([2], 8, 16) },
      /expected 4 to 12/,
    ],
    "bytes after the last tensor": [{ __metadata__, a: entry([3], 0, 12) }, /end at 12 of 16/],
    "a tensor after the last byte": [{ __metadata__, a: whole, b: entry([1], 16, 20) }, /end at 20 of 16/],
    "a tensor called __proto__": [
      `{"__metadata__":{"checksum":"${checksum}"},"__proto__":${JSON.stringify(whole)}}`,
      /__proto__/,
    ],
    "a header longer than the file": [{ __metadata__, a: whole }, /it is cut/, { length: 2n ** 63n }],
    "no bytes at all": ["", /it is cut/, { length: 1n, bytes: Buffer.alloc(0) }],
  };

for (const [name, [header, says, options]] of Object.entries(broken)) {
  test(`${name} is refused, with the file's name and the reason`, () => {
    const path = file(header, options);
    assert.throws(
      () => readWeights(path),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, "weights-broken");
        assert.ok(error.message.includes(path));
        assert.match(error.message, says);
        return true;
      },
    );
  });
}
