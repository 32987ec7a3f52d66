/**
 * Faces of one picture: boxes, 68 points of each, a crop set by them, and its vector. The nets are passed in. Sizes are
 * rounded as face-api rounds them, because a crop that is a pixel off changes the vector.
 */
import { type FaceBox as Box, overlap } from "../../perception/faces.ts";
import { anchorCount, detectorSide, landmarkSide, vectorSide } from "./face-graphs.ts";

/** A picture of four bytes a pixel: red, green, blue, alpha. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8ClampedArray | Uint8Array;
}

/** A face. */
export interface Face {
  readonly box: Box;
  /** 0 to 1. */
  readonly score: number;
  /** Whether it looks at the camera, by its landmarks. */
  readonly frontal: boolean;
  /** 128 numbers, compared by Euclidean distance; `null` for a face whose vector says nothing. */
  readonly vector: Float32Array | null;
}

/** The three nets: planes of red, green and blue in, numbers out. */
export interface FaceNets {
  /** Shape [5118, 4]: top, left, bottom and right of each anchor, as shares of the side. */
  readonly anchors: Float32Array;
  detect(picture: Float32Array): Promise<{ readonly boxes: Float32Array; readonly classes: Float32Array }>;
  landmarks(face: Float32Array): Promise<Float32Array>;
  vector(face: Float32Array): Promise<Float32Array>;
}

type Point = readonly [x: number, y: number];

/** Below this the detector sees faces in backs of heads and in toys. */
export const leastScore = 0.6;
/** A smaller face, in pixels of its shorter side, is not told from others. */
export const leastSide = 28;
/** Boxes that share more of their area are the same face. */
const sameFace = 0.5;
/** Most faces of a picture. */
const mostFaces = 32;
/** Faces below this are not even followed from picture to picture. */
const leastSeen = 0.4;

/** The faces of a picture, the surest first. Only a good one (score, size, frontal) has a vector. */
export async function findFaces(picture: Picture, nets: FaceNets): Promise<Face[]> {
  const faces: Face[] = [];
  for (const { score, box } of await detected(picture, nets)) {
    const cut = inside(picture, box);
    if (cut.width < 1 || cut.height < 1) continue;
    const points = await pointsOf(picture, box, cut, nets);
    const frontal = isFrontal(points, box);
    const isGood = score >= leastScore && Math.min(box.width, box.height) >= leastSide && frontal;
    faces.push({ box, score, frontal, vector: isGood ? await vectorOf(picture, cut, points, nets) : null });
  }
  return faces;
}

async function detected(picture: Picture, nets: FaceNets): Promise<{ score: number; box: Box }[]> {
  const whole = { left: 0, top: 0, width: picture.width, height: picture.height };
  const { boxes, classes } = await nets.detect(squared(picture, whole, detectorSide, false));
  const side = Math.max(picture.width, picture.height);
  const found: { score: number; box: Box }[] = [];
  for (let i = 0; i < anchorCount; i++) {
    const score = 1 / (1 + Math.exp(-classes[3 * i + 1]!));
    if (score < leastSeen) continue;
    const [top, left, bottom, right] = four(nets.anchors, i);
    const [dy, dx, dh, dw] = four(boxes, i);
    const halfHeight = (Math.exp(dh / 5) * (bottom - top)) / 2;
    const halfWidth = (Math.exp(dw / 5) * (right - left)) / 2;
    const y = (dy / 10) * (bottom - top) + (top + bottom) / 2;
    const x = (dx / 10) * (right - left) + (left + right) / 2;
    const from = { x: side * Math.max(0, x - halfWidth), y: side * Math.max(0, y - halfHeight) };
    const to = { x: side * Math.min(1, x + halfWidth), y: side * Math.min(1, y + halfHeight) };
    found.push({ score, box: { left: from.x, top: from.y, width: to.x - from.x, height: to.y - from.y } });
  }
  found.sort((a, b) => b.score - a.score);
  const kept: typeof found = [];
  for (const one of found) {
    if (kept.length === mostFaces) break;
    if (!kept.some(({ box }) => overlap(box, one.box) > sameFace)) kept.push(one);
  }
  return kept;
}

const four = (values: Float32Array, i: number) =>
  [values[4 * i]!, values[4 * i + 1]!, values[4 * i + 2]!, values[4 * i + 3]!] as const;

async function pointsOf(picture: Picture, box: Box, cut: Box, nets: FaceNets): Promise<Point[]> {
  const raw = await nets.landmarks(squared(picture, cut, landmarkSide, true));
  const side = Math.max(cut.width, cut.height);
  const [padX, padY] = [(side - cut.width) / 2, (side - cut.height) / 2];
  return Array.from({ length: 68 }, (_, i) => [
    raw[2 * i]! * side - padX + box.left,
    raw[2 * i + 1]! * side - padY + box.top,
  ]);
}

const middle = (points: readonly Point[]): Point => [
  points.reduce((sum, [x]) => sum + x, 0) / points.length,
  points.reduce((sum, [, y]) => sum + y, 0) / points.length,
];
const leftEye = (points: readonly Point[]) => middle(points.slice(36, 42));
const rightEye = (points: readonly Point[]) => middle(points.slice(42, 48));

/** Whether the tip of the nose lies between the eyes, and these are apart: of profiles all vectors are alike. */
export function isFrontal(points: readonly Point[], { width }: Pick<Box, "width">): boolean {
  const [[lx, ly], [rx, ry], [nx, ny]] = [leftEye(points), rightEye(points), points[30]!];
  const [dx, dy] = [rx - lx, ry - ly];
  const apart = Math.hypot(dx, dy);
  const along = ((nx - lx) * dx + (ny - ly) * dy) / apart ** 2;
  return apart >= 0.3 * width && along >= 0.3 && along <= 0.7;
}

async function vectorOf(picture: Picture, cut: Box, points: readonly Point[], nets: FaceNets) {
  const [left, right, mouth] = [leftEye(points), rightEye(points), middle(points.slice(48))];
  const toMouth = ([x, y]: Point) => Math.hypot(mouth[0] - x, mouth[1] - y);
  const size = Math.floor((toMouth(left) + toMouth(right)) / 2 / 0.45);
  const [x, y] = middle([left, right, mouth]);
  const from = {
    left: Math.floor(Math.max(0, x - 0.5 * size)),
    top: Math.floor(Math.max(0, y - 0.43 * size)),
  };
  const aligned = {
    ...from,
    width: Math.min(size, cut.width + from.left),
    height: Math.min(size, cut.height + from.top),
  };
  return Float32Array.from(await nets.vector(squared(picture, inside(picture, aligned), vectorSide, true)));
}

/** The part of a box that is in the picture, in whole pixels. */
function inside({ width, height }: Picture, box: Box): Box {
  const [left, top] = [Math.max(box.left, 0), Math.max(box.top, 0)];
  return {
    left: Math.floor(left),
    top: Math.floor(top),
    width: Math.floor(Math.min(box.left + box.width, width) - left),
    height: Math.floor(Math.min(box.top + box.height, height) - top),
  };
}

/**
 * A part of a picture, made square with black and resized, shape [3, side, side]: bilinear, without half-pixel centres, as
 * the nets were trained.
 * @param centred whether the black is on both sides, not only right and below
 */
function squared(picture: Picture, part: Box, side: number, centred: boolean): Float32Array {
  const { width, pixels } = picture;
  const most = Math.max(part.width, part.height);
  const missing = Math.abs(part.width - part.height);
  const before = centred ? missing - Math.round(missing / 2) : 0;
  const [padX, padY] = part.width < part.height ? [before, 0] : [0, before];
  const out = new Float32Array(3 * side * side);
  const offset = (x: number, y: number) => {
    const [px, py] = [x - padX, y - padY];
    if (px < 0 || py < 0 || px >= part.width || py >= part.height) return -1;
    return 4 * ((py + part.top) * width + px + part.left);
  };
  const byte = (at: number, channel: number) => (at < 0 ? 0 : pixels[at + channel]!);
  const scale = most / side;
  for (let y = 0; y < side; y++) {
    const top = Math.floor(y * scale);
    const dy = y * scale - top;
    for (let x = 0; x < side; x++) {
      const left = Math.floor(x * scale);
      const dx = x * scale - left;
      const [right, below] = [Math.min(most - 1, left + 1), Math.min(most - 1, top + 1)];
      const [a, b] = [offset(left, top), offset(right, top)];
      const [c, d] = [offset(left, below), offset(right, below)];
      for (let channel = 0; channel < 3; channel++) {
        const upper = byte(a, channel) * (1 - dx) + byte(b, channel) * dx;
        const lower = byte(c, channel) * (1 - dx) + byte(d, channel) * dx;
        out[(channel * side + y) * side + x] = upper * (1 - dy) + lower * dy;
      }
    }
  }
  return out;
}
