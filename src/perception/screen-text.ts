/**
 * Text in the picture, read by the tesseract program.
 *
 * Frames that look like the one just read are not read again. Small pictures are enlarged first. A word is kept only if
 * tesseract is confident and it looks like a word: in real street scenes almost everything else is leaves and railings.
 * A line that stays over several frames is one text with a first and a last moment.
 */
import type { Frame } from "../stream/clip.ts";
import type { Environment } from "../util/environment.ts";
import { findProgram, runProgram } from "../util/program.ts";
import type { ScreenText } from "./observation.ts";

/** Reads text in pictures. */
export interface ScreenReader {
  readonly id: string;
  /** Texts of one clip's frames in order of appearance. @throws Error if the reader itself fails */
  read(frames: readonly Frame[], signal?: AbortSignal): Promise<ScreenText[]>;
}

/** Size in pixels to which a picture is enlarged, at most fourfold: letters under 20 pixels are not recognised. */
const targetPixels = 1_000_000;
/** A frame counts as unchanged if no pixel of its 64×36 grey thumbnail changed by more than this, of 255. */
const sameCell = 14;
const vowel = /[aeiouyàáâãäåæèéêëìíîïòóôõöøùúûüœ]/i;
/** Most distinct texts per clip, so that a picture full of print does not fill the memory. */
const textsPerClip = 12;
/** Programs that run at once. */
const readers = 2;
const timeoutMs = 30_000;

/** A reader that runs tesseract, or `null` if it is not installed. */
export function tesseractReader(env: Environment = process.env): ScreenReader | null {
  const path = findProgram("tesseract", env);
  if (path === null) return null;
  return {
    id: "tesseract",
    read: async (frames, signal) => {
      const changed = await changedFrames(frames);
      const readings: ReadLine[][] = [];
      for (let i = 0; i < changed.length; i += readers) {
        const batch = changed.slice(i, i + readers);
        readings.push(...(await Promise.all(batch.map(({ frame }) => readFrame(path, frame, env, signal)))));
      }
      return joinLines(
        changed.map(({ frame, untilSeconds }, i) => ({
          atSeconds: frame.atSeconds,
          untilSeconds,
          lines: readings[i]!,
        })),
      );
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
  /** Last moment at which the picture looked the same. */
  readonly untilSeconds: number;
  readonly lines: readonly ReadLine[];
}

/** The frames to read, each with the last moment that looked the same. */
async function changedFrames(frames: readonly Frame[]): Promise<{ frame: Frame; untilSeconds: number }[]> {
  const changed: { frame: Frame; untilSeconds: number; cells: Uint8Array }[] = [];
  for (const frame of frames) {
    const cells = await greyPixels(frame, 64, 36);
    const last = changed.at(-1);
    if (last?.cells.every((cell, i) => Math.abs(cell - cells[i]!) <= sameCell))
      last.untilSeconds = frame.atSeconds;
    else changed.push({ frame, untilSeconds: frame.atSeconds, cells });
  }
  return changed;
}

/** Luminance of a frame scaled to width × height, row by row, 0 to 255. */
async function greyPixels(frame: Frame, width: number, height: number): Promise<Uint8Array> {
  const { createCanvas, loadImage } = await import("../util/canvas.ts");
  const canvas = createCanvas(width, height);
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = "high";
  context.drawImage(await loadImage(Buffer.from(frame.jpeg)), 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  const grey = new Uint8Array(width * height);
  for (let i = 0; i < grey.length; i++)
    grey[i] = (data[4 * i]! * 77 + data[4 * i + 1]! * 150 + data[4 * i + 2]! * 29) >> 8;
  return grey;
}

async function readFrame(
  path: string,
  frame: Frame,
  env: Environment,
  signal?: AbortSignal,
): Promise<ReadLine[]> {
  const scale = Math.min(4, Math.max(1, Math.sqrt(targetPixels / (frame.width * frame.height))));
  const width = Math.round(frame.width * scale);
  const height = Math.round(frame.height * scale);
  const header = Buffer.from(`P5 ${width} ${height} 255\n`);
  const input = Buffer.concat([header, await greyPixels(frame, width, height)]);
  const limit = AbortSignal.timeout(timeoutMs);
  const { exitCode, stdout, stderr } = await runProgram(path, ["stdin", "stdout", "--psm", "11", "tsv"], {
    input,
    signal: signal ? AbortSignal.any([signal, limit]) : limit,
    env: { ...env, OMP_THREAD_LIMIT: "1" },
  });
  if (exitCode !== 0)
    throw new Error(`tesseract exited with ${exitCode}: ${stderr.trim().split("\n").at(-1)}`);
  return parseTsv(stdout.toString());
}

/** Lines of tesseract's TSV, without noise. Columns used: 3–5 block, paragraph, line; 11 confidence; 12 text. */
export function parseTsv(tsv: string): ReadLine[] {
  const lines = new Map<string, { text: string; confidence: number }[]>();
  for (const row of tsv.split("\n").slice(1)) {
    const columns = row.split("\t");
    const text = columns[11]?.trim();
    const confidence = Number(columns[10]);
    if (!text || !(confidence >= 0)) continue;
    const key = columns.slice(2, 5).join(".");
    lines.set(key, [...(lines.get(key) ?? []), { text, confidence }]);
  }
  return [...lines.values()].map(cleanLine).filter((line) => line !== null);
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
  const surest = [...texts]
    .sort((a, b) => b.confidence - a.confidence || a.startSeconds - b.startSeconds)
    .slice(0, textsPerClip);
  return texts
    .filter((text) => surest.includes(text))
    .map(({ startSeconds, endSeconds, text, confidence }) => ({
      startSeconds,
      endSeconds,
      text,
      confidence,
    }));
}
