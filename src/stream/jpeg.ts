/** The size of a JPEG picture, read from its header; nothing is decoded. */

/** Width and height in pixels, or `null` for bytes that are no JPEG (ITU-T T.81, annex B). */
export function jpegSize(bytes: Uint8Array): { readonly width: number; readonly height: number } | null {
  if (!(bytes instanceof Uint8Array) || bytes[0] !== 0xff || bytes[1] !== 0xd8) return null;
  for (let at = 2; at + 9 < bytes.length; ) {
    if (bytes[at] !== 0xff) return null;
    const marker = bytes[at + 1]!;
    if (marker === 0xff) {
      at += 1; // fill byte
      continue;
    }
    if (isStartOfFrame(marker)) {
      const [height, width] = [wordAt(bytes, at + 5), wordAt(bytes, at + 7)];
      return width > 0 && height > 0 ? { width, height } : null;
    }
    at += 2 + wordAt(bytes, at + 2);
  }
  return null;
}

/** SOF0 to SOF15, without the tables DHT, JPG and DAC among them. */
function isStartOfFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
}

const wordAt = (bytes: Uint8Array, at: number) => (bytes[at]! << 8) | bytes[at + 1]!;
