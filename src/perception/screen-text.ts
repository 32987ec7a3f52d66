/**
 * Text in the picture, read by the tesseract program, or by what else reads one picture (`screenReader`).
 *
 * Only pictures that may hold print are read (`print.ts`), and not again while that print stays as it is. Small pictures
 * are enlarged; of large ones, the part with print is read in its own size. A word is kept only if tesseract is confident
 * and it looks like a word: in real street scenes almost everything else is leaves and railings. A line that stays over
 * several frames is one text with a first and a last moment.
 */
import type { Image } from "@napi-rs/canvas";
import type { Frame } from "../stream/clip.ts";
import type { Environment } from "../util/environment.ts";
import { findProgram, runProgram } from "../util/program.ts";
import type { ScreenText } from "./observation.ts";
import { findPrint, type GreyPicture, type PrintArea } from "./print.ts";
import { chooseLanguages, installedLanguages, type TesseractLanguages } from "./tesseract-languages.ts";

/** Reads text in pictures. */
export interface ScreenReader {
  readonly id: string;
  /** Texts of one clip's frames in order of appearance. @throws Error if the reader itself fails */
  read(frames: readonly Frame[], signal?: AbortSignal): Promise<ScreenText[]>;
  /** Frees what it holds. @default nothing */
  close?(): Promise<void>;
}

/** Size in pixels to which a picture is enlarged, at most fourfold: letters under 20 pixels are not recognised. */
const targetPixels = 1_000_000;
/** A larger picture is cut to its print, which is read in up to this many pixels. */
const largePixels = 1280 * 720;
const mostPixels = 9_000_000;
/** Height in pixels that a line's letters should have between top and bottom strokes. */
const letterPixels = 16;
/** The look for print is at pictures within this size; small ones are doubled. */
const look = { width: 1280, height: 1280, leastPixels: 250_000 };
/** Size of the thumbnail by which frames are compared. */
const thumbnail = { width: 128, height: 72 };
/** A frame counts as unchanged if no pixel of its thumbnail where print is changed by more than this, of 255. */
const sameCell = 14;
const vowel = /[aeiouyàáâãäåæèéêëìíîïòóôõöøùúûüœ]/i;
/** Most words per clip, in about 400 tokens, so that a picture full of print does not fill the memory. */
const wordsPerClip = 300;
/** What looks like print and could not be read twice is mostly a pattern: it is tried again after this long. Seconds. */
const patternSeconds = 3;
const timeoutMs = 30_000;

/** A screen reader that says what it reads in. */
export interface TesseractReader extends ScreenReader {
  readonly languages: TesseractLanguages;
}

/** A part of a frame that is to be read, enlarged where it is small: four bytes a pixel. */
export interface PictureToRead {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8ClampedArray;
}

/** A reader over what reads one picture. It is given those alone whose print is not that of the one before. */
export function screenReader(
  id: string,
  read: (picture: PictureToRead, signal: AbortSignal | undefined) => Promise<readonly ReadLine[]>,
): ScreenReader {
  const readPart: ReadPart = async (image, frame, areas, signal) => {
    const { part, scale } = partToRead(frame, areas);
    const size = { width: Math.round(part.width * scale), height: Math.round(part.height * scale) };
    return read({ ...size, pixels: await drawn(image, size, part) }, signal);
  };
  return { id, read: async (frames, signal) => joinLines(await readFrames(readPart, frames, signal)) };
}

/**
 * A reader that runs tesseract, or `null` if it is not installed.
 * @param wanted languages of the print as BCP 47 tags, best first; empty for those that are installed
 */
export function tesseractReader(
  env: Environment = process.env,
  wanted: readonly string[] = [],
): TesseractReader | null {
  const path = findProgram("tesseract", env);
  if (path === null) return null;
  const languages = chooseLanguages(wanted, installedLanguages(path, env));
  const program = { path, env, languages: languages.use };
  return {
    id: "tesseract",
    languages,
    read: async (frames, signal) => {
      const read: ReadPart = (image, frame, areas) => readImage(program, image, frame, areas, signal);
      return joinLines(await readFrames(read, frames, signal));
    },
  };
}

/** One line read in one frame. */
export interface ReadLine {
  readonly text: string;
  /** Mean of its words' confidence, 0 to 100. */
  readonly confidence: number;
}

interface FrameReading {
  readonly atSeconds: number;
  /** Last moment at which its print looked the same. */
  readonly untilSeconds: number;
  readonly lines: readonly ReadLine[];
}

/** Reads the lines of a frame where it may hold print. */
type ReadPart = (
  image: Image,
  frame: Size,
  areas: readonly PrintArea[],
  signal: AbortSignal | undefined,
) => Promise<readonly ReadLine[]>;

/** Reads the frames whose print is not that of the frame read before. */
async function readFrames(
  read: ReadPart,
  frames: readonly Frame[],
  signal: AbortSignal | undefined,
): Promise<FrameReading[]> {
  const { loadImage } = await import("../util/canvas.ts");
  const readings: FrameReading[] = [];
  /** Of the frame that was read last, while its print may still be there. */
  let last: Seen | undefined;
  for (const frame of frames) {
    const { atSeconds } = frame;
    const image = await loadImage(Buffer.from(frame.jpeg));
    const seen = await lookAtPrint(image, frame);
    const reading = readings.at(-1);
    if (last && reading && isSamePrint(last, seen)) {
      readings[readings.length - 1] = { ...reading, untilSeconds: atSeconds };
    } else if (seen.areas.length === 0) {
      last = undefined;
    } else {
      const isPattern =
        last !== undefined &&
        readings.length > 1 &&
        readings.slice(-2).every(({ lines }) => lines.length === 0) &&
        atSeconds - reading!.atSeconds < patternSeconds &&
        isAt(last, seen);
      if (isPattern) continue;
      const lines = await read(image, frame, seen.areas, signal);
      readings.push({ atSeconds, untilSeconds: atSeconds, lines });
      last = seen;
    }
  }
  return readings;
}

/** Where a frame may hold print, and how it looks there. */
interface Seen {
  readonly areas: readonly PrintArea[];
  /** Luminance of a thumbnail, and 1 for each of its pixels with print. */
  readonly cells: Uint8Array;
  readonly mask: Uint8Array;
}

async function lookAtPrint(image: Image, frame: Size): Promise<Seen> {
  const grey = await greyPicture(image, sizeToLookAt(frame));
  const areas = findPrint(grey).map((area) => ({
    ...area,
    letterPixels: (area.letterPixels * frame.width) / grey.width,
  }));
  const { pixels: cells } = await greyPicture(image, thumbnail);
  return { areas, cells, mask: maskOf(areas) };
}

/** Whether nothing changed where one or the other has print. */
function isSamePrint(before: Seen, now: Seen): boolean {
  return now.cells.every(
    (cell, i) => (before.mask[i] === 0 && now.mask[i] === 0) || Math.abs(cell - before.cells[i]!) <= sameCell,
  );
}

/** Whether most of what looks like print is where it was before. */
function isAt(before: Seen, now: Seen): boolean {
  const all = now.mask.reduce((sum, cell) => sum + cell, 0);
  return now.mask.reduce((sum, cell, i) => sum + (cell & before.mask[i]!), 0) >= all / 2;
}

/** 1 for each pixel of a thumbnail with print, row by row. */
function maskOf(areas: readonly PrintArea[]): Uint8Array {
  const { width, height } = thumbnail;
  const mask = new Uint8Array(width * height);
  for (const { left, top, right, bottom } of areas) {
    for (let y = Math.floor(top * height); y < Math.min(height, bottom * height); y++)
      mask.fill(
        1,
        y * width + Math.floor(left * width),
        y * width + Math.min(width, Math.ceil(right * width)),
      );
  }
  return mask;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

function sizeToLookAt({ width, height }: Size): Size {
  const fit = Math.min(1, look.width / width, look.height / height);
  const scale = width * height * fit * fit < look.leastPixels ? 2 * fit : fit;
  return { width: Math.round(width * scale), height: Math.round(height * scale) };
}

/** An image, or a part of it, in a size: four bytes a pixel. */
async function drawn(image: Image, { width, height }: Size, part?: Part): Promise<Uint8ClampedArray> {
  const { createCanvas } = await import("../util/canvas.ts");
  const context = createCanvas(width, height).getContext("2d");
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = "high";
  const { left, top, ...whole } = part ?? { left: 0, top: 0, width: image.width, height: image.height };
  context.drawImage(image, left, top, whole.width, whole.height, 0, 0, width, height);
  return context.getImageData(0, 0, width, height).data;
}

/** Luminance of an image, or of a part of it, in a size. */
async function greyPicture(image: Image, size: Size, part?: Part): Promise<GreyPicture> {
  const { width, height } = size;
  const data = await drawn(image, size, part);
  const pixels = new Uint8Array(width * height);
  for (let i = 0; i < pixels.length; i++)
    pixels[i] = (data[4 * i]! * 77 + data[4 * i + 1]! * 150 + data[4 * i + 2]! * 29) >> 8;
  return { width, height, pixels };
}

interface Program {
  readonly path: string;
  readonly env: Environment;
  readonly languages: readonly string[];
}

async function readImage(
  { path, env, languages }: Program,
  image: Image,
  frame: Size,
  areas: readonly PrintArea[],
  signal: AbortSignal | undefined,
): Promise<ReadLine[]> {
  const { part, scale } = partToRead(frame, areas);
  const size = { width: Math.round(part.width * scale), height: Math.round(part.height * scale) };
  const { width, height, pixels } = await greyPicture(image, size, part);
  const input = Buffer.concat([Buffer.from(`P5 ${width} ${height} 255\n`), pixels]);
  const limit = AbortSignal.timeout(timeoutMs);
  const args = ["stdin", "stdout", "-l", languages.join("+"), "--psm", "11", "tsv"];
  const { exitCode, stdout, stderr } = await runProgram(path, args, {
    input,
    signal: signal ? AbortSignal.any([signal, limit]) : limit,
    env: { ...env, OMP_THREAD_LIMIT: "1" },
  });
  if (exitCode !== 0)
    throw new Error(`tesseract exited with ${exitCode}: ${stderr.trim().split("\n").at(-1)}`);
  return parseTsv(stdout.toString());
}

interface Part extends Size {
  readonly left: number;
  readonly top: number;
}

/** What to read of a frame, in its own pixels, and how much to enlarge it. */
function partToRead(frame: Size, areas: readonly PrintArea[]): { part: Part; scale: number } {
  const whole = { left: 0, top: 0, width: frame.width, height: frame.height };
  const enlarged = (part: Part) =>
    Math.min(4, Math.max(1, Math.sqrt(targetPixels / (part.width * part.height))));
  if (frame.width * frame.height <= largePixels) return { part: whole, scale: enlarged(whole) };
  const letters = areas.map((area) => area.letterPixels).sort((a, b) => a - b);
  const low = letters[Math.floor(letters.length / 4)]!;
  // A word's ends and its letters' tops reach beyond what looks like print.
  const margin = 4 * low;
  const left = Math.max(0, Math.min(...areas.map((area) => area.left)) * frame.width - margin);
  const top = Math.max(0, Math.min(...areas.map((area) => area.top)) * frame.height - margin);
  const right = Math.min(frame.width, Math.max(...areas.map((area) => area.right)) * frame.width + margin);
  const bottom = Math.min(
    frame.height,
    Math.max(...areas.map((area) => area.bottom)) * frame.height + margin,
  );
  const part = { left, top, width: right - left, height: bottom - top };
  const wanted = Math.max(enlarged(part), Math.min(4, letterPixels / low));
  return { part, scale: Math.min(wanted, Math.sqrt(mostPixels / (part.width * part.height))) };
}

/** A word as tesseract reads it. */
interface ReadWord extends Part {
  readonly text: string;
  /** 0 to 100. */
  readonly confidence: number;
}

/**
 * Lines of tesseract's TSV, without noise. Columns used: 3–5 block, paragraph, line; 7–10 left, top, width, height; 11
 * confidence; 12 text.
 */
export function parseTsv(tsv: string): ReadLine[] {
  const lines = new Map<string, ReadWord[]>();
  for (const row of tsv.split("\n").slice(1)) {
    const columns = row.split("\t");
    const text = columns[11]?.trim();
    const [left, top, width, height, confidence] = columns.slice(6, 11).map(Number) as number[];
    if (!text || !(confidence! >= 0)) continue;
    const key = columns.slice(2, 5).join(".");
    const word = { text, confidence: confidence!, left: left!, top: top!, width: width!, height: height! };
    lines.set(key, [...(lines.get(key) ?? []), word]);
  }
  return joinRows([...lines.values()])
    .map(cleanLine)
    .filter((line) => line !== null);
}

/** Joins lines that continue beside each other: tesseract takes a wider space for the end of a line. */
function joinRows(lines: readonly ReadWord[][]): ReadWord[][] {
  const rows: ReadWord[][] = [];
  for (const line of lines.toSorted(([a], [b]) => a!.left - b!.left)) {
    const row = rows.find((before) => goesOn(before.at(-1)!, line[0]!));
    if (row) row.push(...line);
    else rows.push([...line]);
  }
  return rows.sort(([a], [b]) => a!.top - b!.top || a!.left - b!.left);
}

/** Whether a word stands right after another: in its row, less than a letter's height away. */
function goesOn(before: ReadWord, after: ReadWord): boolean {
  const gap = after.left - (before.left + before.width);
  const height = Math.max(before.height, after.height);
  const overlap =
    Math.min(before.top + before.height, after.top + after.height) - Math.max(before.top, after.top);
  return overlap > 0.6 * Math.min(before.height, after.height) && gap > -height / 2 && gap < 0.8 * height;
}

/** The plausible words of a line, or `null` if none of them could stand alone. */
export function cleanLine(words: readonly { text: string; confidence: number }[]): ReadLine | null {
  const kept = words
    .map(({ text, confidence }) => ({
      text: text.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}%!?.]+$/gu, ""),
      confidence,
    }))
    .filter(({ text, confidence }) => confidence >= 70 && looksLikeWord(text));
  if (!kept.some(({ text, confidence }) => standsAlone(text, confidence))) return null;
  const confidence = kept.reduce((sum, word) => sum + word.confidence, 0) / kept.length;
  return { text: kept.map(({ text }) => text).join(" "), confidence: Math.round(confidence) };
}

/** Whether a text looks like a word: letters with a vowel (abbreviations of two or three may lack one), or a number. */
function looksLikeWord(text: string): boolean {
  if (/^\d[\d.,:/%-]*$/.test(text)) return true;
  if (!/^\p{L}[\p{L}\p{N}'’.&-]*[.!?]?$/u.test(text)) return false;
  const latin = /^[\p{Script=Latin}\p{N}'’.&!?-]+$/u.test(text);
  return !latin || text.length <= 3 || text === text.toUpperCase() || vowel.test(text);
}

/** Whether a word makes a line worth keeping: the shorter the word, the higher the confidence it needs. */
function standsAlone(text: string, confidence: number): boolean {
  const characters = text.replace(/[^\p{L}\p{N}]/gu, "").length;
  const isCjk = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u.test(text);
  if (/\d/.test(text))
    return (/\d[:.]\d/.test(text) && confidence >= 80) || (characters >= 3 && confidence >= 90);
  if (characters >= 4 || isCjk) return confidence >= 78;
  return characters === 3 && confidence >= 92;
}

/**
 * Texts of a clip from the readings of its frames. The same line in successive readings (comparing letters and digits
 * without case) is one text, in its most confident reading. Of too many texts the most confident are kept.
 */
export function joinLines(readings: readonly FrameReading[]): ScreenText[] {
  const key = (text: string) => text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
  const texts: (ScreenText & { key: string; lastReading: number })[] = [];
  for (const [i, { atSeconds, untilSeconds, lines }] of readings.entries()) {
    for (const { text, confidence } of lines) {
      const found = texts.findIndex((known) => known.key === key(text) && known.lastReading >= i - 2);
      const known = texts[found];
      if (!known)
        texts.push({
          startSeconds: atSeconds,
          endSeconds: untilSeconds,
          text,
          confidence,
          key: key(text),
          lastReading: i,
        });
      else
        texts[found] = {
          ...known,
          endSeconds: untilSeconds,
          lastReading: i,
          ...(confidence > known.confidence && { text, confidence }),
        };
    }
  }
  const surest = new Set<ScreenText>();
  let words = 0;
  for (const text of texts.toSorted(
    (a, b) => b.confidence - a.confidence || a.startSeconds - b.startSeconds,
  )) {
    words += text.text.split(" ").length;
    if (words <= wordsPerClip) surest.add(text);
  }
  return texts
    .filter((text) => surest.has(text))
    .map(({ startSeconds, endSeconds, text, confidence }) => ({
      startSeconds,
      endSeconds,
      text,
      confidence,
    }));
}
