import assert from "node:assert/strict";
import { test } from "node:test";
import { createCanvas } from "@napi-rs/canvas";
import { seededRandom } from "../util/random.ts";
import { findPrint, type GreyPicture } from "./print.ts";

type Paint = (context: ReturnType<ReturnType<typeof createCanvas>["getContext"]>) => void;

function pictureOf(width: number, height: number, ground: string, paint: Paint): GreyPicture {
  const context = createCanvas(width, height).getContext("2d");
  context.fillStyle = ground;
  context.fillRect(0, 0, width, height);
  paint(context);
  const { data } = context.getImageData(0, 0, width, height);
  const pixels = Uint8Array.from({ length: width * height }, (_, i) => data[4 * i + 1]!);
  return { width, height, pixels };
}

const line = (text: string, size: number, ink: string): Paint => {
  return (context) => {
    context.fillStyle = ink;
    context.font = `${size}px sans-serif`;
    context.fillText(text, 80, 200);
  };
};

test("finds a line of print at any size, dark on light and light on dark, and where it is", () => {
  for (const size of [12, 16, 24, 40, 80, 140]) {
    for (const [ground, ink] of [
      ["#ffffff", "#000000"],
      ["#26405c", "#f4f1e8"],
      ["#dddddd", "#555555"],
    ] as const) {
      const areas = findPrint(pictureOf(1280, 360, ground, line("Platform 9 closes", size, ink)));
      assert.ok(areas.length > 0, `${size} px, ${ink} on ${ground}`);
      for (const { left, right, top, bottom } of areas) {
        assert.ok(left >= 0 && right <= 1 && left < right);
        // Letters stand on the base line at 200 px.
        assert.ok(top * 360 < 200 + 0.4 * size && bottom * 360 > 200 - 1.1 * size, `${top} to ${bottom}`);
      }
    }
  }
});

test("finds a short word, digits, and other scripts' letters", () => {
  for (const text of ["12:45", "EXIT", "ΕΞΟΔΟΣ", "Вихід"]) {
    const areas = findPrint(pictureOf(640, 360, "#eeeeee", line(text, 30, "#222222")));
    assert.ok(areas.length > 0, text);
  }
});

test("finds nothing in plain grounds, gradients, blots and noise", () => {
  const random = seededRandom("print");
  const pictures: Record<string, Paint> = {
    plain: () => {},
    gradient: (context) => {
      const gradient = context.createLinearGradient(0, 0, 640, 360);
      gradient.addColorStop(0, "#000000");
      gradient.addColorStop(1, "#ffffff");
      context.fillStyle = gradient;
      context.fillRect(0, 0, 640, 360);
    },
    blots: (context) => {
      for (let i = 0; i < 60; i++) {
        context.fillStyle = `hsl(0 0% ${Math.round(random() * 100)}%)`;
        context.beginPath();
        context.arc(random() * 640, random() * 360, 20 + random() * 60, 0, 7);
        context.fill();
      }
    },
    noise: (context) => {
      for (let i = 0; i < 20_000; i++) {
        context.fillStyle = `hsl(0 0% ${Math.round(40 + random() * 20)}%)`;
        context.fillRect(random() * 640, random() * 360, 2, 2);
      }
    },
  };
  for (const [name, paint] of Object.entries(pictures))
    assert.deepEqual(findPrint(pictureOf(640, 360, "#888888", paint)), [], name);
});
