/**
 * Where a picture may hold print: a cheap look at its grey values, in a few milliseconds, so that reading is spent on
 * such pictures only.
 *
 * A line of letters alternates between two tones many times along each of its rows, and stops doing so above and below.
 * Leaves, cloth and shelves alternate too, but rarely in a band that is quiet on both sides, in two clear tones and over
 * some width. Large letters are found in halved pictures. It errs to the side of finding print where there is none.
 */

/** Luminance, row by row, 0 to 255. */
export interface GreyPicture {
  readonly width: number;
  readonly height: number;
  /** Shape [height · width]. */
  readonly pixels: Uint8Array;
}

/** A rectangle, in shares of the picture's width and height, and the height of its band of letters in pixels. */
export interface PrintArea {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  readonly letterPixels: number;
}

/** Two columns of strips overlap by half. Pixels. */
const stripWidth = 48;
const step = stripWidth / 2;
/** A step between tones that counts, of 255. */
const contrast = 28;
/** A row of a strip alternates at least this often to count. */
const leastTurns = 3;
/** Height of the band of a line's letters in which most strokes are, in pixels. */
const bandHeight = { least: 5, most: 26 };
/** Rows above and below alternate less than this share of the band's mean. */
const quietShare = 0.5;
/** Alternations along a piece as long as the band is high: 1.2 for wide letters, 6 for narrow ones. */
const density = { least: 1.2, most: 6 };
/** Share of the variance that two tones explain (Otsu 1979), and how far these are apart, of 255. */
const tones = { leastExplained: 0.75, leastApart: 60 };
/** A picture is halved until a side is shorter than this. Pixels. */
const leastSide = 64;

/** Areas that look like print. */
export function findPrint(picture: GreyPicture): PrintArea[] {
  const areas: PrintArea[] = [];
  for (let level = picture, size = 1; ; level = halved(level), size *= 2) {
    for (const { left, top, width, height } of linked(bandsOf(level))) {
      areas.push({
        left: Math.max(0, (left * size) / picture.width),
        top: Math.max(0, (top * size) / picture.height),
        right: Math.min(1, ((left + width) * size) / picture.width),
        bottom: Math.min(1, ((top + height) * size) / picture.height),
        letterPixels: height * size,
      });
    }
    if (Math.min(level.width, level.height) < leastSide) return areas;
  }
}

interface Band {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Bands of one strip each. */
function bandsOf(picture: GreyPicture): Band[] {
  const { width, height } = picture;
  const { columns, turns } = turnsOf(picture);
  const bands: Band[] = [];
  const row = (column: number, y: number) =>
    y < 0 || y >= height ? 0 : turns[y * columns + column]! + turns[y * columns + column + 1]!;
  for (let column = 0; column + 1 < columns; column++) {
    for (let top = 0; top < height; top++) {
      let end = top;
      let sum = 0;
      while (end < height && row(column, end) >= leastTurns) sum += row(column, end++);
      if (end === top) continue;
      const left = column * step;
      const band = { left, top, width: Math.min(stripWidth, width - left), height: end - top };
      const mean = sum / band.height;
      const beside = Math.max(
        (row(column, top - 1) + row(column, top - 2)) / 2,
        (row(column, end) + row(column, end + 1)) / 2,
      );
      const perHeight = (mean * band.height) / stripWidth;
      if (
        band.height >= bandHeight.least &&
        band.height <= bandHeight.most &&
        beside <= quietShare * mean &&
        perHeight >= density.least &&
        perHeight <= density.most &&
        hasTwoTones(picture, band)
      )
        bands.push(band);
      top = end;
    }
  }
  return bands;
}

/** How often each row turns from lighter to darker or back, by columns of `step` pixels, shape [height · columns]. */
function turnsOf({ width, height, pixels }: GreyPicture): { columns: number; turns: Uint8Array } {
  const columns = Math.ceil(width / step);
  const turns = new Uint8Array(columns * height);
  for (let y = 0; y < height; y++) {
    let rising = true;
    let extreme = pixels[y * width]!;
    for (let x = 1; x < width; x++) {
      const value = pixels[y * width + x]!;
      if (rising ? value > extreme : value < extreme) extreme = value;
      else if (Math.abs(value - extreme) > contrast) {
        rising = !rising;
        extreme = value;
        turns[y * columns + Math.floor(x / step)]! += 1;
      }
    }
  }
  return { columns, turns };
}

/** Whether a band is of two tones that are far apart. */
function hasTwoTones({ width, pixels }: GreyPicture, band: Band): boolean {
  const counts = new Uint32Array(256);
  for (let y = band.top; y < band.top + band.height; y++)
    for (let x = band.left; x < band.left + band.width; x++) counts[pixels[y * width + x]!]! += 1;
  const n = band.width * band.height;
  let [sum, squares] = [0, 0];
  for (const [value, count] of counts.entries()) {
    sum += value * count;
    squares += value * value * count;
  }
  const variance = squares / n - (sum / n) ** 2;
  let best = { explained: 0, apart: 0 };
  let [below, belowSum] = [0, 0];
  for (const [value, count] of counts.entries()) {
    below += count;
    belowSum += value * count;
    if (below === 0 || below === n) continue;
    const apart = (sum - belowSum) / (n - below) - belowSum / below;
    const explained = (below / n) * (1 - below / n) * apart ** 2;
    if (explained > best.explained) best = { explained, apart };
  }
  return best.explained >= tones.leastExplained * variance && best.apart >= tones.leastApart;
}

/** Bands that continue in a neighbouring strip, between the same lines: a lone one is mostly a pattern. */
function linked(bands: readonly Band[]): Band[] {
  const goesOn = (a: Band, b: Band) => {
    const slack = Math.max(1, 0.25 * Math.min(a.height, b.height));
    return Math.abs(a.top - b.top) <= slack && Math.abs(a.top + a.height - b.top - b.height) <= slack;
  };
  const byColumn = Map.groupBy(bands, ({ left }) => left);
  return bands.filter((band) =>
    [band.left - step, band.left + step].some((left) =>
      byColumn.get(left)?.some((other) => goesOn(band, other)),
    ),
  );
}

/** Half the size, each pixel the mean of four. */
function halved({ width, height, pixels }: GreyPicture): GreyPicture {
  const half = { width: width >> 1, height: height >> 1 };
  const small = new Uint8Array(half.width * half.height);
  for (let y = 0; y < half.height; y++) {
    for (let x = 0; x < half.width; x++) {
      const at = 2 * (y * width + x);
      small[y * half.width + x] =
        (pixels[at]! + pixels[at + 1]! + pixels[at + width]! + pixels[at + width + 1]! + 2) >> 2;
    }
  }
  return { ...half, pixels: small };
}
