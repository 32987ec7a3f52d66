/** The part of the senses' thread that finds faces: it decodes a picture, runs three nets, and answers with faces and crops of the good ones. */
import type { FaceBox as Box } from "../../perception/faces.ts";
import { createCanvas, loadImage } from "../../util/canvas.ts";
import { loadRuntime, type RuntimeFiles } from "../onnx-runtime.ts";
import type { OpenSense } from "../sense-program.ts";
import {
  anchorCount,
  detectorGraph,
  detectorSide,
  landmarkGraph,
  landmarkSide,
  vectorGraph,
  vectorSide,
} from "./face-graphs.ts";
import { readNetWeights } from "./face-weights.ts";
import { type Face, type FaceNets, findFaces } from "./find-faces.ts";

/** What it is opened with. */
export interface FaceSetup {
  /** Folder with the weights of `detector`, `landmarks` and `vector`, each a `.json` and a `.bin`. */
  readonly folder: string;
  readonly runtime: RuntimeFiles;
}

/** A picture. */
export interface PictureWithFaces {
  readonly jpeg: Uint8Array;
  /** How the picture looked in which faces were last found. @default none was */
  readonly before: Uint8Array | null;
}

/** Its faces, in pixels of the picture; a good one has a crop. */
export interface FoundFaces {
  /** `null` where the picture looks as the one before, and so has the same. */
  readonly faces: readonly (Face & { readonly crop: Uint8Array | null })[] | null;
  /** How the picture looks: luminance of a thumbnail, row by row. */
  readonly look: Uint8Array;
}

/** A larger picture is made smaller first: the detector looks at 512 pixels. */
const mostSide = 1280;
/** Of a crop, in pixels. */
const cropSide = 96;
/** Of the face on each side of it, as a share of its box. */
const cropMargin = 0.2;
const cropQuality = 80;
/** Pictures are compared by thumbnails of this size, in pixels; a still picture's noise changes no pixel by more. */
const thumbnail = { width: 64, height: 36 };
const mostNoise = 12;

async function load({ folder, runtime }: FaceSetup): Promise<FaceNets> {
  const ort = await loadRuntime(runtime);
  const detectorWeights = readNetWeights(folder, "detector");
  const detector = await ort.InferenceSession.create(detectorGraph(detectorWeights));
  const landmarks = await ort.InferenceSession.create(landmarkGraph(readNetWeights(folder, "landmarks")));
  const vector = await ort.InferenceSession.create(vectorGraph(readNetWeights(folder, "vector")));
  const input = (planes: Float32Array, side: number) => ({
    x: new ort.Tensor("float32", planes, [1, 3, side, side]),
  });
  const { values: anchors } = detectorWeights.tensor("Output/extra_dim");
  if (anchors.length !== 4 * anchorCount) throw new Error("the detector's anchors are of another net");
  return {
    anchors,
    detect: async (planes) => {
      const { boxes, classes } = await detector.run(input(planes, detectorSide));
      return { boxes: boxes!.data, classes: classes!.data };
    },
    landmarks: async (planes) => (await landmarks.run(input(planes, landmarkSide))).y!.data,
    vector: async (planes) => (await vector.run(input(planes, vectorSide))).y!.data,
  };
}

async function find({ jpeg, before }: PictureWithFaces, nets: FaceNets): Promise<FoundFaces> {
  const image = await loadImage(Buffer.from(jpeg));
  const look = lookOf(image);
  if (before?.every((cell, i) => Math.abs(cell - look[i]!) <= mostNoise)) return { faces: null, look };
  const scale = Math.min(1, mostSide / Math.max(image.width, image.height));
  const [width, height] = [Math.round(image.width * scale), Math.round(image.height * scale)];
  const canvas = createCanvas(width, height);
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  const faces = await findFaces({ width, height, pixels: data }, nets);
  const cropOf = async ({ left, top, width: w, height: h }: Box) => {
    const side = Math.max(w, h) * (1 + 2 * cropMargin);
    const crop = createCanvas(cropSide, cropSide);
    const from = [left + w / 2 - side / 2, top + h / 2 - side / 2] as const;
    crop.getContext("2d").drawImage(canvas, ...from, side, side, 0, 0, cropSide, cropSide);
    return new Uint8Array(await crop.encode("jpeg", cropQuality));
  };
  return {
    look,
    faces: await Promise.all(
      faces.map(async (face) => ({
        ...face,
        crop: face.vector ? await cropOf(face.box) : null,
        box: {
          left: face.box.left / scale,
          top: face.box.top / scale,
          width: face.box.width / scale,
          height: face.box.height / scale,
        },
      })),
    ),
  };
}

function lookOf(image: Awaited<ReturnType<typeof loadImage>>): Uint8Array {
  const { width, height } = thumbnail;
  const context = createCanvas(width, height).getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(image, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  return Uint8Array.from(
    { length: width * height },
    (_, i) => (data[4 * i]! * 77 + data[4 * i + 1]! * 150 + data[4 * i + 2]! * 29) >> 8,
  );
}

/** Loads the nets. */
export const open: OpenSense<FaceSetup, PictureWithFaces, FoundFaces> = async (setup) => {
  const nets = await load(setup);
  return (picture) => find(picture, nets);
};
