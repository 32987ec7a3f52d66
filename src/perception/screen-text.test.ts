import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createCanvas } from "@napi-rs/canvas";
import type { Frame } from "../stream/clip.ts";
import { findProgram } from "../util/program.ts";
import { cleanLine, joinLines, parseTsv, tesseractReader } from "./screen-text.ts";

const noTesseract = findProgram("tesseract") === null ? "tesseract is not installed" : false;

/** A frame with lines of text on a plain ground. */
async function pictureOf(
  lines: readonly string[],
  atSeconds: number,
  options: { width?: number; height?: number; size?: number; walker?: number } = {},
): Promise<Frame> {
  const { width = 448, height = 252, size = 28, walker } = options;
  const canvas = createCanvas(width, height);
  const context = canvas.getContext("2d");
  context.fillStyle = "#26405c";
  context.fillRect(0, 0, width, height);
  if (walker !== undefined) {
    context.fillStyle = "#a03020";
    context.fillRect(width * walker, height * 0.6, 40, height * 0.4);
  }
  context.fillStyle = "#f4f1e8";
  context.font = `${size}px sans-serif`;
  for (const [i, line] of lines.entries())
    context.fillText(line, Math.round(width * 0.08), Math.round(height * 0.3 + i * size * 1.6));
  return { atSeconds, width, height, jpeg: await canvas.encode("jpeg", 90) };
}

/** A frame of coloured speckle: texture without a letter. */
async function speckle(seed: number, atSeconds: number): Promise<Frame> {
  const canvas = createCanvas(448, 252);
  const context = canvas.getContext("2d");
  let state = seed;
  for (let i = 0; i < 4000; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    context.fillStyle = `hsl(${state % 360} 50% ${30 + (state % 50)}%)`;
    context.fillRect((state >>> 8) % 448, (state >>> 16) % 252, 2 + (state % 9), 1 + (state % 5));
  }
  return { atSeconds, width: 448, height: 252, jpeg: await canvas.encode("jpeg", 85) };
}

test("reads signs in small pictures with their times, and joins text that stays over several frames", {
  skip: noTesseract,
}, async () => {
  const reader = tesseractReader()!;
  const frames = [
    await pictureOf(["Harbour Street"], 10),
    await pictureOf(["Harbour Street"], 11),
    await pictureOf(["Harbour Street", "Open until nine"], 12),
    await pictureOf(["Library"], 13, { width: 320, height: 180, size: 16 }),
  ];
  const texts = await reader.read(frames);
  assert.deepEqual(
    texts.map(({ text }) => text),
    ["Harbour Street", "Open until nine", "Library"],
  );
  assert.deepEqual(
    texts.map(({ startSeconds, endSeconds }) => [startSeconds, endSeconds]),
    [
      [10, 12],
      [12, 12],
      [13, 13],
    ],
  );
  assert.ok(texts.every(({ confidence }) => confidence >= 78));
});

test("reads a clock at each of its seconds", { skip: noTesseract }, async () => {
  const frames = await Promise.all(
    [0, 1, 2].map((second) => pictureOf([`12:4${second}`], second, { size: 60 })),
  );
  const texts = await tesseractReader()!.read(frames);
  assert.deepEqual(
    texts.map(({ text, startSeconds }) => [text, startSeconds]),
    [
      ["12:40", 0],
      ["12:41", 1],
      ["12:42", 2],
    ],
  );
});

test("reads a whole screen of small print in a large picture, line by line", {
  skip: noTesseract,
}, async () => {
  const lines = Array.from(
    { length: 20 },
    (_, i) => `Parcel ${3100 + i * 53} waits at counter ${(i * 17) % 89}`,
  );
  const sizes = { uhd: { width: 3840, height: 2160, size: 26 }, hd: { width: 1920, height: 1080, size: 18 } };
  for (const [name, options] of Object.entries(sizes)) {
    const canvas = createCanvas(options.width, options.height);
    const context = canvas.getContext("2d");
    context.fillStyle = "#ffffff";
    context.fillRect(0, 0, options.width, options.height);
    context.fillStyle = "#111111";
    context.font = `${options.size}px sans-serif`;
    for (const [i, line] of lines.entries()) context.fillText(line, 60, 90 + i * options.size * 1.4);
    const frame = { atSeconds: 0, ...options, jpeg: await canvas.encode("jpeg", 95) };
    const texts = (await tesseractReader()!.read([frame])).map(({ text }) => text);
    const found = lines.filter((line) => texts.includes(line)).length;
    assert.ok(found >= 17, `${found} of 20 lines at ${name}: ${texts.join(" | ")}`);
  }
});

test("runs tesseract only for frames whose print is new", {
  skip: noTesseract || (process.platform === "win32" && "the counting program is a shell script"),
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), "taskmem-tesseract-"));
  try {
    const counter = join(folder, "count");
    const program = join(folder, "tesseract");
    writeFileSync(program, `#!/bin/sh\necho "$*" >> ${counter}\nexec ${findProgram("tesseract")} "$@"\n`);
    chmodSync(program, 0o700);
    const reader = tesseractReader({ ...process.env, TESSERACT_PATH: program }, ["en"])!;
    writeFileSync(counter, "");
    // Someone walks by below a sign; then the sign is gone, then another comes.
    const frames = await Promise.all([
      pictureOf(["Harbour Street"], 0),
      pictureOf(["Harbour Street"], 1, { walker: 0.2 }),
      pictureOf(["Harbour Street"], 2, { walker: 0.7 }),
      pictureOf([], 3, { walker: 0.9 }),
      pictureOf([], 4),
      pictureOf(["Market Square"], 5),
    ]);
    const texts = await reader.read(frames);
    assert.deepEqual(
      texts.map(({ text, startSeconds, endSeconds }) => [text, startSeconds, endSeconds]),
      [
        ["Harbour Street", 0, 2],
        ["Market Square", 5, 5],
      ],
    );
    const calls = readFileSync(counter, "utf8").trim().split("\n");
    assert.equal(calls.length, 2);
    assert.match(calls[0]!, /-l eng /);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("keeps nothing of pictures without a letter", { skip: noTesseract }, async () => {
  const frames = await Promise.all([1, 2, 3].map((seed) => speckle(seed, seed)));
  assert.deepEqual(await tesseractReader()!.read(frames), []);
});

test("stops when aborted, and is missing without the program", { skip: noTesseract }, async () => {
  assert.equal(tesseractReader({ PATH: "/nowhere" }), null);
  const abort = new AbortController();
  const reading = tesseractReader()!.read([await pictureOf(["Harbour"], 0)], abort.signal);
  abort.abort();
  await assert.rejects(reading);
});

test("keeps confident words and drops what does not look like a word", () => {
  const line = (...words: [string, number][]) =>
    cleanLine(words.map(([text, confidence]) => ({ text, confidence })))?.text ?? null;
  assert.equal(line(["Harbour", 95], ["St", 88]), "Harbour St");
  assert.equal(line(["(Harbour,", 95]), "Harbour");
  assert.equal(line(["xx", 99]), null, "two letters never stand alone");
  assert.equal(line(["the", 85]), null, "three letters need more confidence");
  assert.equal(line(["grrst", 95]), null, "no vowel");
  assert.equal(line(["Harbour", 60]), null, "too unsure");
  assert.equal(line(["12:45", 81]), "12:45");
  assert.equal(line(["17", 99]), null, "two digits never stand alone");
});

test("reads tesseract's table by line, joins what continues in its row, and skips its layout rows", () => {
  const head =
    "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext";
  const row = (line: number, left: number, top: number, confidence: number, text: string) =>
    `5\t1\t1\t1\t${line}\t1\t${left}\t${top}\t80\t20\t${confidence}\t${text}`;
  const tsv = [
    head,
    "4\t1\t1\t1\t1\t0\t0\t0\t9\t9\t-1\t",
    row(4, 300, 51, 90, "Counter"),
    row(3, 190, 1, 94, "closes"),
    row(1, 0, 0, 96, "Platform"),
    row(1, 95, 0, 92, "nine"),
    row(2, 0, 100, 20, "~"),
    row(5, 0, 50, 90, "Departures"),
    "",
  ].join("\n");
  assert.deepEqual(parseTsv(tsv), [
    { text: "Platform nine closes", confidence: 94 },
    { text: "Departures", confidence: 90 },
    { text: "Counter", confidence: 90 },
  ]);
});

test("keeps the most confident reading of a line, and at most 300 words per clip", () => {
  const texts = joinLines([
    { atSeconds: 0, untilSeconds: 1, lines: [{ text: "Platform nine", confidence: 80 }] },
    { atSeconds: 2, untilSeconds: 4, lines: [{ text: "PLATFORM NINE", confidence: 95 }] },
  ]);
  assert.deepEqual(texts, [{ startSeconds: 0, endSeconds: 4, text: "PLATFORM NINE", confidence: 95 }]);
  const lines = Array.from({ length: 60 }, (_, i) => ({
    text: `word${i} of seven words in a line`,
    confidence: 40 + i,
  }));
  const many = joinLines([{ atSeconds: 0, untilSeconds: 0, lines }]);
  // 42 lines of 7 words are 294.
  assert.deepEqual(
    many.map(({ text }) => text),
    lines.slice(18).map(({ text }) => text),
  );
});
