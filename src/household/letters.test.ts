import assert from "node:assert/strict";
import { test } from "node:test";
import { createCanvas } from "@napi-rs/canvas";
import { colours, devices, garments, objects, people, places, rooms, verbs } from "./language.ts";
import { writeWords } from "./letters.ts";

/** The pixels of words written in black on white, 200 × 30. */
function written(text: string): Uint8ClampedArray {
  const canvas = createCanvas(200, 30);
  const context = canvas.getContext("2d");
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, 200, 30);
  writeWords(context, text, 100, 20, 15, "#000000");
  return context.getImageData(0, 0, 200, 30).data;
}

/** Columns that hold ink. */
function inkedColumns(pixels: Uint8ClampedArray): number[] {
  return Array.from({ length: 200 }, (_, x) => x).filter((x) =>
    Array.from({ length: 30 }, (_, y) => pixels[(y * 200 + x) * 4]!).some((red) => red < 128),
  );
}

test("every word of the household's pictures can be written, and no two look alike", () => {
  const words = [
    ...people,
    ...objects,
    ...places.map((place) => `on the ${place}`),
    ...rooms.map((room) => `in the ${room}`),
    ...garments.flatMap((garment) => colours.map((colour) => `${colour} ${garment}`)),
    ...devices,
    ...Object.keys(verbs),
  ];
  const pictures = words.map((word) => Buffer.from(written(word)).toString("base64"));
  assert.equal(new Set(pictures).size, words.length);
});

test("words are centred, and longer ones are wider", () => {
  const [short, long] = [inkedColumns(written("mug")), inkedColumns(written("in the bathroom"))];
  for (const columns of [short, long]) {
    assert.ok(Math.abs((columns[0]! + columns.at(-1)!) / 2 - 99.5) <= 1, String(columns));
  }
  assert.ok(long.length > 3 * short.length);
});

test("a letter that cannot be drawn is an error, not a gap", () => {
  assert.throws(() => written("café"), RangeError);
});
