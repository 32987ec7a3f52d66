/**
 * Print in pictures, read by PP-OCR in the thread of the senses: nothing is loaded before the first picture with print. A
 * crash costs the text of a clip.
 */
import { EngineError } from "../../errors.ts";
import { type ScreenReader, screenReader } from "../../perception/screen-text.ts";
import { openSense, type SenseThread } from "../sense-thread.ts";
import type { Picture } from "./pixels.ts";
import type { ReadText, TextSetup } from "./text-thread.ts";

/** How a reader is opened. */
export interface TextReaderOptions extends TextSetup {
  /** Where it runs. @default the thread that all senses of this process share */
  readonly thread?: SenseThread;
}

/** Lines below are guesses, 0 to 1. */
const leastConfidence = 0.8;

/** A reader over pulled nets. Its thread starts with the first picture that may hold print. */
export function textReader({ thread, ...setup }: TextReaderOptions): ScreenReader {
  const failed = (why: string) =>
    new EngineError("text-reader-failed", `The reader of print failed: ${why}`, { isRetryable: true });
  const module = new URL("./text-thread", import.meta.url);
  const sense = openSense<Picture, ReadText>({ module, setup, failed, thread });
  const reader = screenReader("pp-ocr", async (picture) => {
    const { lines } = await sense.ask(picture);
    return lines
      .filter(({ text, confidence }) => confidence >= leastConfidence && isText(text))
      .map(({ text, confidence }) => ({ text, confidence: Math.round(100 * confidence) }));
  });
  return { ...reader, close: () => sense.close() };
}

/** Whether a line says something: two letters or digits at least. */
function isText(text: string): boolean {
  return text.replace(/[^\p{L}\p{N}]/gu, "").length >= 2;
}
