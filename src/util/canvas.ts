/** The canvas that draws and reads pictures. It is optional: importing this file without it is a `package-missing` error. */
import { optionalPackage } from "./optional.ts";

export const { createCanvas, loadImage, Path2D } = await optionalPackage(
  "@napi-rs/canvas",
  "to draw and read pictures",
);
