/** Lines of print in the map of a text detector (DB, "Real-time Scene Text Detection with Differentiable Binarization"). */

/** How likely each pixel of a picture is print, row by row, shape [height, width]. */
export interface ProbabilityMap {
  readonly width: number;
  readonly height: number;
  readonly values: Float32Array;
}

/** An upright box, as shares of the picture from 0 to 1. */
export interface LineBox {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** A pixel is print from here on. */
const leastProbability = 0.3;
/** A region is a line if the mean probability of its pixels is at least this. */
const leastMean = 0.6;
/** Smaller regions, in pixels of the map, hold no letter. */
const leastPixels = 12;
const leastSide = 3;
/** The detector finds the core of a line; a line is this much larger by the ratio of its area to its outline. */
const growth = 1.6;
/** Most lines of a picture. */
const mostLines = 100;

/** The lines of a map, from top to bottom, and from left to right where they stand side by side. */
export function findLines({ width, height, values }: ProbabilityMap): LineBox[] {
  const seen = new Uint8Array(width * height);
  const boxes: LineBox[] = [];
  const stack: number[] = [];
  for (let start = 0; start < values.length; start++) {
    if (seen[start] || values[start]! < leastProbability) continue;
    let [left, top, right, bottom, count, sum] = [width, height, 0, 0, 0, 0];
    seen[start] = 1;
    stack.push(start);
    while (stack.length > 0) {
      const at = stack.pop()!;
      const [x, y] = [at % width, Math.floor(at / width)];
      left = Math.min(left, x);
      right = Math.max(right, x + 1);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y + 1);
      count += 1;
      sum += values[at]!;
      for (const next of [x > 0 ? at - 1 : -1, x + 1 < width ? at + 1 : -1, at - width, at + width]) {
        if (next < 0 || next >= values.length || seen[next] || values[next]! < leastProbability) continue;
        seen[next] = 1;
        stack.push(next);
      }
    }
    const [w, h] = [right - left, bottom - top];
    if (count < leastPixels || Math.min(w, h) < leastSide || sum / count < leastMean) continue;
    const grow = (w * h * growth) / (2 * (w + h));
    boxes.push({
      left: Math.max(0, (left - grow) / width),
      top: Math.max(0, (top - grow) / height),
      right: Math.min(1, (right + grow) / width),
      bottom: Math.min(1, (bottom + grow) / height),
    });
  }
  return inReadingOrder(boxes).slice(0, mostLines);
}

/** Boxes by rows: one that begins above the middle of another stands in its row. */
function inReadingOrder(boxes: readonly LineBox[]): LineBox[] {
  const rows: LineBox[][] = [];
  for (const box of boxes.toSorted((a, b) => a.top - b.top)) {
    const row = rows.at(-1);
    const first = row?.[0];
    if (first && box.top < (first.top + first.bottom) / 2) row.push(box);
    else rows.push([box]);
  }
  return rows.flatMap((row) => row.sort((a, b) => a.left - b.left));
}
