/**
 * The canvas that draws and reads pictures. The package is optional: importing this file without it throws
 * `package-missing`.
 */
import { optionalPackage } from "./optional.ts";

export const { createCanvas, GlobalFonts, loadImage, Path2D } = await optionalPackage(
  "@napi-rs/canvas",
  "to draw and read pictures",
);
