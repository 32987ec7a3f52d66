/**
 * The household's pictures: 448 × 252, three strips, each strip one fact.
 *
 * A strip reads from left to right: who (a face and a name), then what, then where. Displays show seven-segment digits.
 * The background has the colour of the fact's kind. A speaker is shown speaking; the words are in the sound only. A
 * person looks the same everywhere, a word's pictogram has one colour, and the word below helps people read. No
 * installed font is used, so the pictures are the same on every machine.
 */
import type { Canvas, SKRSContext2D } from "@napi-rs/canvas";
import { createCanvas, Path2D } from "../util/canvas.ts";
import { glyphs } from "./glyphs.ts";
import { devices, type Fact, type FactKind, objects, type Person, places, rooms, verbs } from "./language.ts";
import { writeWords } from "./letters.ts";
import { type Scene, stripsPerScene } from "./world.ts";

/** Size of a picture, in pixels. */
export const frameSize = { width: 448, height: 252 };
const stripHeight = frameSize.height / stripsPerScene;

const ground: Record<FactKind, string> = {
  place: "#fdf3d8",
  wear: "#fbe3e6",
  speech: "#e0f0fb",
  display: "#e9e6f7",
  activity: "#e2f4e4",
};
const accent: Record<FactKind, string> = {
  place: "#d99a1c",
  wear: "#cf4a63",
  speech: "#2b86c5",
  display: "#6a55b8",
  activity: "#3a9a4a",
};
/** Colours of skin, hair and jumper, and the haircut. */
const looks: Record<
  Person,
  { skin: string; hair: string; jumper: string; cut: "long" | "short" | "bun" | "curls" | "bald" | "fringe" }
> = {
  Ann: { skin: "#f2c9a5", hair: "#c8401f", jumper: "#2f7f79", cut: "long" },
  Bob: { skin: "#8d5a3a", hair: "#1c1713", jumper: "#e0b53a", cut: "short" },
  Cleo: { skin: "#b97b4e", hair: "#2a1a14", jumper: "#a2386e", cut: "curls" },
  Dan: { skin: "#f4d3b5", hair: "#e0b84c", jumper: "#34558b", cut: "fringe" },
  Eve: { skin: "#e8b58f", hair: "#6e6e78", jumper: "#7a9a3c", cut: "bun" },
  Finn: { skin: "#d99e73", hair: "#7a4a24", jumper: "#b5532a", cut: "bald" },
};
const clothColours: Record<string, string> = {
  red: "#d8232a",
  orange: "#f28c1b",
  yellow: "#f5d90a",
  green: "#2e9b3f",
  blue: "#1f5fd0",
  purple: "#7d2fb0",
  white: "#ffffff",
  black: "#17171a",
};
const ink = "#2b2b33";
/** Colours that are dark enough for the backgrounds, and distinct when small. */
const wordPalette = [
  "#c62f2f",
  "#2b62c9",
  "#4c8c1f",
  "#9a32b0",
  "#d9730d",
  "#0f7f9e",
  "#c22c7a",
  "#6b4a2b",
  "#0f8a6a",
  "#3c4350",
  "#9c8100",
  "#5b3fc4",
];
/** Colour of each word's pictogram; words of one list differ. */
const wordColours: Readonly<Record<string, string>> = Object.fromEntries(
  [objects, places, devices, Object.keys(verbs), rooms].flatMap((words) =>
    words.map((word, i) => [word, wordPalette[i % wordPalette.length]!]),
  ),
);

/** Draws a scene. */
export function drawScene({ strips }: Pick<Scene, "strips">): Canvas {
  const canvas = createCanvas(frameSize.width, frameSize.height);
  const context = canvas.getContext("2d");
  for (const [i, fact] of strips.entries()) {
    context.save();
    context.translate(0, i * stripHeight);
    if (fact) drawFact(context, fact);
    else drawWall(context);
    context.fillStyle = "#ffffff";
    context.fillRect(0, stripHeight - 2, frameSize.width, 2);
    context.restore();
  }
  return canvas;
}

function drawFact(context: SKRSContext2D, fact: Fact): void {
  context.fillStyle = ground[fact.kind];
  context.fillRect(0, 0, frameSize.width, stripHeight);
  context.fillStyle = accent[fact.kind];
  context.fillRect(0, 0, 8, stripHeight);
  switch (fact.kind) {
    case "place":
      drawPerson(context, fact.person);
      drawThing(context, 222, fact.object, fact.object);
      drawArrow(context, 290, accent.place);
      drawThing(context, 370, fact.place, `on the ${fact.place}`);
      return;
    case "wear":
      drawPerson(context, fact.person);
      drawGarment(context, 300, fact.garment, fact.colour);
      return;
    case "speech":
      drawPerson(context, fact.person);
      drawSpeech(context);
      return;
    case "display":
      drawThing(context, 84, fact.device, fact.device);
      drawDigits(context, 180, fact.time);
      return;
    case "activity":
      drawPerson(context, fact.person);
      drawThing(context, 222, fact.verb, fact.verb);
      drawRoom(context, 370, fact.room);
      return;
  }
}

/** Draws an empty strip: a wall. */
function drawWall(context: SKRSContext2D): void {
  context.fillStyle = "#d9d8d4";
  context.fillRect(0, 0, frameSize.width, stripHeight);
  context.fillStyle = "#cfcec9";
  for (let x = 0; x < frameSize.width; x += 28) context.fillRect(x, 0, 14, stripHeight);
}

/** Draws a pictogram centred at x with its word below. */
function drawThing(context: SKRSContext2D, x: number, glyph: string, word: string): void {
  drawGlyph(context, glyph, x - 26, 5, 52, wordColours[glyph]!);
  writeWords(context, word, x, 75, 14, ink);
}

function drawGlyph(
  context: SKRSContext2D,
  glyph: string,
  x: number,
  y: number,
  size: number,
  colour: string,
  outline = false,
): void {
  const path = new Path2D(glyphs[glyph]!);
  context.save();
  context.translate(x, y);
  context.scale(size / 24, size / 24);
  context.fillStyle = colour;
  context.fill(path, "evenodd");
  if (outline) {
    context.strokeStyle = ink;
    context.lineWidth = 0.7;
    context.stroke(path);
  }
  context.restore();
}

function drawPerson(context: SKRSContext2D, person: Person): void {
  const { skin, hair, jumper, cut } = looks[person];
  const x = 56;
  const disc = (cx: number, cy: number, radius: number, colour: string) => {
    context.fillStyle = colour;
    context.beginPath();
    context.arc(cx, cy, radius, 0, 2 * Math.PI);
    context.fill();
  };
  context.save();
  context.beginPath();
  context.rect(8, 0, 100, stripHeight - 2);
  context.clip();
  if (cut === "long") {
    context.fillStyle = hair;
    context.fillRect(x - 25, 30, 50, 38);
    disc(x, 32, 25, hair);
  }
  if (cut === "curls")
    for (const [dx, dy] of [
      [-20, 30],
      [20, 30],
      [-17, 16],
      [17, 16],
      [0, 10],
      [-22, 44],
      [22, 44],
    ] as const)
      disc(x + dx, dy, 12, hair);
  if (cut === "bun") disc(x, 8, 10, hair);
  disc(x, 96, 36, jumper);
  context.fillStyle = skin;
  context.fillRect(x - 7, 50, 14, 14);
  disc(x, 36, 21, skin);
  context.fillStyle = hair;
  context.beginPath();
  if (cut === "short" || cut === "bun" || cut === "long") context.arc(x, 32, 21, Math.PI, 2 * Math.PI);
  if (cut === "fringe") {
    context.arc(x, 30, 22, Math.PI, 2 * Math.PI);
    context.lineTo(x + 22, 36);
    context.lineTo(x - 10, 28);
    context.lineTo(x - 22, 40);
  }
  if (cut === "curls") context.arc(x, 26, 19, Math.PI, 2 * Math.PI);
  context.fill();
  if (cut === "bald") {
    context.fillRect(x - 15, 46, 30, 10);
    disc(x, 54, 13, hair);
    disc(x, 46, 10, skin);
  }
  disc(x - 8, 36, 2.6, ink);
  disc(x + 8, 36, 2.6, ink);
  context.strokeStyle = "#7a2d20";
  context.lineWidth = 2.4;
  context.beginPath();
  context.arc(x, 42, 7, 0.25 * Math.PI, 0.75 * Math.PI);
  context.stroke();
  context.restore();
  writeWords(context, person, 140, 49, 22, ink);
}

function drawArrow(context: SKRSContext2D, x: number, colour: string): void {
  context.fillStyle = colour;
  context.fill(new Path2D(`M${x - 18} 36h20v-9l18 15l-18 15v-9h-20z`));
}

function drawGarment(context: SKRSContext2D, x: number, garment: string, colour: string): void {
  context.fillStyle = colour === "white" ? "#b9a2a6" : "#ffffff";
  context.beginPath();
  context.roundRect(x - 88, 6, 70, 70, 10);
  context.fill();
  drawGlyph(context, garment, x - 81, 13, 56, clothColours[colour]!, true);
  context.fillStyle = clothColours[colour]!;
  context.strokeStyle = ink;
  context.lineWidth = 2;
  context.beginPath();
  context.roundRect(x, 12, 100, 30, 8);
  context.fill();
  context.stroke();
  writeWords(context, `${colour} ${garment}`, x + 50, 66, 15, ink);
}

/** Draws a bubble with a sound wave: what is said is heard, not seen. */
function drawSpeech(context: SKRSContext2D): void {
  context.fillStyle = "#ffffff";
  context.strokeStyle = accent.speech;
  context.lineWidth = 3;
  context.beginPath();
  context.roundRect(206, 12, 216, 56, 18);
  context.fill();
  context.stroke();
  context.fillStyle = "#ffffff";
  context.fill(new Path2D("M209 34l-22 14l22 2z"));
  context.stroke(new Path2D("M207 33l-22 15l22 3"));
  context.fillStyle = accent.speech;
  for (let i = 0; i < 15; i++) {
    const height = 8 + 26 * Math.abs(Math.sin(i * 1.7));
    context.fillRect(230 + i * 12, 40 - height / 2, 6, height);
  }
}

/** Draws a doorway with the pictogram of a room. */
function drawRoom(context: SKRSContext2D, x: number, room: string): void {
  context.fillStyle = "#ffffff";
  context.strokeStyle = accent.activity;
  context.lineWidth = 3;
  context.beginPath();
  context.roundRect(x - 60, 5, 120, 56, 8);
  context.fill();
  context.stroke();
  drawGlyph(context, room, x - 23, 10, 46, wordColours[room]!);
  writeWords(context, `in the ${room}`, x, 76, 13, ink);
}

/** Lit segments of each digit: top, top left, top right, middle, bottom left, bottom right, bottom. */
const segments = [
  "1110111",
  "0010010",
  "1011101",
  "1011011",
  "0111010",
  "1101011",
  "1101111",
  "1010010",
  "1111111",
  "1111011",
];

function drawDigits(context: SKRSContext2D, x: number, time: string): void {
  context.fillStyle = "#15151c";
  context.beginPath();
  context.roundRect(x, 6, 236, 70, 10);
  context.fill();
  const bars = [
    [4, 0, 24, 6],
    [0, 4, 6, 22],
    [26, 4, 6, 22],
    [4, 25, 24, 6],
    [0, 30, 6, 22],
    [26, 30, 6, 22],
    [4, 50, 24, 6],
  ] as const;
  let left = x + 22;
  for (const character of time) {
    context.fillStyle = "#5dff8f";
    if (character === ":") {
      context.fillRect(left, 27, 7, 7);
      context.fillRect(left, 47, 7, 7);
      left += 20;
      continue;
    }
    for (const [i, [dx, dy, width, height]] of bars.entries()) {
      context.fillStyle = segments[Number(character)]![i] === "1" ? "#5dff8f" : "#20302a";
      context.fillRect(left + dx, 13 + dy, width, height);
    }
    left += 45;
  }
}
