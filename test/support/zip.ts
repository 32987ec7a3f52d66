/** Writes small zips, stored or deflated, so that what reads them meets real ones. */
import { writeFileSync } from "node:fs";
import { crc32, deflateRawSync } from "node:zlib";

export interface ZipItem {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly deflated?: boolean;
}

export function writeZip(path: string, items: readonly ZipItem[]): void {
  const files: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, bytes, deflated = false } of items) {
    const data = deflated ? deflateRawSync(bytes) : Buffer.from(bytes);
    const encoded = Buffer.from(name);
    // Version 20, UTF-8 names, method, time and date, checksum, sizes, lengths of name and extra field.
    const facts = Buffer.alloc(26);
    facts.writeUInt16LE(20, 0);
    facts.writeUInt16LE(0x800, 2);
    facts.writeUInt16LE(deflated ? 8 : 0, 4);
    facts.writeUInt32LE(0x5a210000, 6);
    facts.writeUInt32LE(crc32(bytes), 10);
    facts.writeUInt32LE(data.length, 14);
    facts.writeUInt32LE(bytes.length, 18);
    facts.writeUInt16LE(encoded.length, 22);
    files.push(Buffer.from("PK\x03\x04", "latin1"), facts, encoded, data);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(offset, 10);
    directory.push(Buffer.from("PK\x01\x02\x14\x00", "latin1"), facts, place, encoded);
    offset += 4 + facts.length + encoded.length + data.length;
  }
  const listed = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(items.length, 4);
  end.writeUInt16LE(items.length, 6);
  end.writeUInt32LE(listed.length, 8);
  end.writeUInt32LE(offset, 12);
  writeFileSync(path, Buffer.concat([...files, listed, Buffer.from("PK\x05\x06", "latin1"), end]));
}
