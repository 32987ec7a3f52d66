/** The part of the senses' thread that reads print: two nets of PP-OCR, which find lines and read each. It answers pictures with lines. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { loadRuntime, type RuntimeFiles, type RuntimeTensor, type Session } from "../onnx-runtime.ts";
import type { OpenSense } from "../sense-program.ts";
import { findLines } from "./find-lines.ts";
import { type Picture, planes, type Scale } from "./pixels.ts";
import { type LineText, readLine } from "./read-line.ts";

/** What it is opened with. */
export interface TextSetup {
  /** Folder with `find.onnx`, `read.onnx` and `letters.txt`. */
  readonly folder: string;
  readonly runtime: RuntimeFiles;
}

/** The lines of a picture. */
export interface ReadText {
  readonly lines: readonly LineText[];
}

/** Longest side of a picture in which lines are looked for, in pixels. */
const mostSide = 960;
/** Sides are multiples of this. */
const multiple = 32;
const lineHeight = 48;
const mostLineWidth = 1344;
/** Trained on: ImageNet's colours, in the order of the planes. */
const findScale: Scale = { mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] };
const readScale: Scale = { mean: [0.5, 0.5, 0.5], deviation: [0.5, 0.5, 0.5] };

async function load({ folder, runtime }: TextSetup) {
  const ort = await loadRuntime(runtime);
  const open = (name: string) => ort.InferenceSession.create(readFileSync(join(folder, name)));
  const [find, read] = [await open("find.onnx"), await open("read.onnx")];
  const letters = readFileSync(join(folder, "letters.txt"), "utf8").replace(/\n$/, "").split("\n");
  const run = async (
    session: Session,
    data: Float32Array,
    width: number,
    height: number,
  ): Promise<RuntimeTensor> => {
    const input = new ort.Tensor("float32", data, [1, 3, height, width]);
    return (await session.run({ [session.inputNames[0]!]: input }))[session.outputNames[0]!]!;
  };
  return async (picture: Picture): Promise<LineText[]> => {
    const whole = { left: 0, top: 0, width: picture.width, height: picture.height };
    const shrunk = Math.min(1, mostSide / Math.max(picture.width, picture.height));
    const [width, height] = [rounded(picture.width * shrunk), rounded(picture.height * shrunk)];
    const map = await run(find, planes(picture, whole, { width, height }, findScale), width, height);
    const lines: LineText[] = [];
    for (const box of findLines({ width, height, values: map.data })) {
      const part = {
        ...{ left: box.left * picture.width, top: box.top * picture.height },
        ...{ width: (box.right - box.left) * picture.width, height: (box.bottom - box.top) * picture.height },
      };
      const own = Math.min(mostLineWidth, Math.max(1, Math.round((lineHeight * part.width) / part.height)));
      const paddedWidth = multiple * (Math.ceil(own / multiple) + 1);
      const size = { width: own, height: lineHeight, paddedWidth };
      const values = planes(picture, part, size, readScale);
      const found = await run(read, values, paddedWidth, lineHeight);
      const green = values.subarray(lineHeight * paddedWidth, 2 * lineHeight * paddedWidth);
      const line = { values: green, width: paddedWidth, height: lineHeight };
      lines.push(readLine(found.data, found.dims[1]!, letters, line));
    }
    return lines;
  };
}

const rounded = (side: number) => Math.max(multiple, multiple * Math.round(side / multiple));

/** Loads the nets. */
export const open: OpenSense<TextSetup, Picture, ReadText> = async (setup) => {
  const linesOf = await load(setup);
  return async (picture) => ({ lines: await linesOf(picture) });
};
