/** Pictures as the nets take them: parts of a picture in another size, as planes of blue, green and red. */

/** A picture of four bytes a pixel: red, green, blue, alpha. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8ClampedArray | Uint8Array;
}

/** A part of a picture in pixels, which may have fractions. */
export interface Part {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** How bytes become the numbers a net was trained on: (byte / 255 − mean) / deviation, by blue, green and red. */
export interface Scale {
  readonly mean: readonly [number, number, number];
  readonly deviation: readonly [number, number, number];
}

/**
 * A part of a picture, resized by bilinear interpolation, shape [3, height, paddedWidth]; what is right of it is 0.
 * @param size of the part in the result, and how wide the result is in all
 */
export function planes(
  { width, height, pixels }: Picture,
  part: Part,
  size: { readonly width: number; readonly height: number; readonly paddedWidth?: number },
  { mean, deviation }: Scale,
): Float32Array {
  const { paddedWidth = size.width } = size;
  const values = new Float32Array(3 * size.height * paddedWidth);
  const plane = size.height * paddedWidth;
  for (let y = 0; y < size.height; y++) {
    const fromY = clamped(part.top + ((y + 0.5) * part.height) / size.height - 0.5, height - 1);
    const [y0, dy] = [Math.floor(fromY), fromY - Math.floor(fromY)];
    const y1 = Math.min(height - 1, y0 + 1);
    for (let x = 0; x < size.width; x++) {
      const fromX = clamped(part.left + ((x + 0.5) * part.width) / size.width - 0.5, width - 1);
      const [x0, dx] = [Math.floor(fromX), fromX - Math.floor(fromX)];
      const x1 = Math.min(width - 1, x0 + 1);
      for (let channel = 0; channel < 3; channel++) {
        const at = (px: number, py: number) => pixels[4 * (py * width + px) + 2 - channel]!;
        const above = at(x0, y0) * (1 - dx) + at(x1, y0) * dx;
        const below = at(x0, y1) * (1 - dx) + at(x1, y1) * dx;
        const byte = above * (1 - dy) + below * dy;
        values[channel * plane + y * paddedWidth + x] = (byte / 255 - mean[channel]!) / deviation[channel]!;
      }
    }
  }
  return values;
}

function clamped(value: number, most: number): number {
  return Math.min(most, Math.max(0, value));
}
