/**
 * EgoLife's texts as lines with times: transcripts (cues of two lines, Chinese then English), captions, and their
 * translations. A line that cannot be read is left out and listed.
 */
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { z } from "zod";
import { clockOfName } from "../../../stream/files/clock-names.ts";
import type { SkippedRow } from "../../task.ts";
import { momentOf } from "./day-clock.ts";

/** English, or the Chinese that was spoken. */
export type Language = "en" | "zh";

/** One thing said or one caption: a line that memory may keep. */
export interface TextEntry {
  /** When it starts, in seconds from midnight of day 1. */
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly kind: "speech" | "caption";
  readonly speaker: string | null;
  /** What was said, without the speaker. */
  readonly text: string;
}

interface SrtCue {
  readonly row: number;
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly lines: readonly string[];
}

/** Cues of one of EgoLife's hours, placed by the clock in its name. */
function readCues(path: string, skipped: SkippedRow[]): SrtCue[] {
  const hour = clockOfName(path);
  if (hour?.kind !== "day") {
    skipped.push({ file: basename(path), row: 1, id: null, reason: "its name has no day and hour" });
    return [];
  }
  const cues: SrtCue[] = [];
  const lines = readFileSync(path, "utf8").split(/\r?\n/);
  let first = 0;
  for (let i = 0; i <= lines.length; i++) {
    if (i < lines.length && lines[i]!.trim() !== "") continue;
    const block = lines.slice(first, i);
    const row = first + 1;
    first = i + 1;
    if (block.length === 0) continue;
    const timing = /^(\d+):(\d\d):(\d\d),(\d{1,3}) --> (\d+):(\d\d):(\d\d),(\d{1,3})\s*$/.exec(
      block[1] ?? "",
    );
    if (!timing) {
      skipped.push({ file: basename(path), row, id: null, reason: "expected a number, a timing and text" });
      continue;
    }
    const at = (k: number) =>
      hour.seconds +
      Number(timing[k]) * 3600 +
      Number(timing[k + 1]) * 60 +
      Number(timing[k + 2]) +
      Number(timing[k + 3]!.padEnd(3, "0")) / 1000;
    cues.push({
      row,
      startSeconds: at(1),
      endSeconds: at(5),
      lines: block.slice(2).map((line) => line.trim()),
    });
  }
  return cues;
}

/** `Name: text`, with either colon. */
const spoken = /^([^:：]{1,40}?)\s*[:：]\s*(.*)$/;

/** A cue has a Chinese line and below it the same in English; one with a single line has no English. */
export function readTranscript(path: string, language: Language, skipped: SkippedRow[]): TextEntry[] {
  return readCues(path, skipped).flatMap(({ startSeconds, endSeconds, lines }) => {
    const line = language === "en" ? lines[1] : lines[0];
    const [, speaker = null, text = line ?? ""] = spoken.exec(line ?? "") ?? [];
    if (text.trim() === "") return [];
    return [{ startSeconds, endSeconds, kind: "speech", speaker, text: oneLine(text) } as const];
  });
}

export function readCaptions(path: string, skipped: SkippedRow[]): TextEntry[] {
  return readCues(path, skipped).flatMap(({ startSeconds, endSeconds, lines }) => {
    const text = oneLine(lines.join(" "));
    return text === "" ? [] : [{ startSeconds, endSeconds, kind: "caption", speaker: null, text } as const];
  });
}

const translated = z.object({
  custom_id: z.string().regex(/^\d+-\w+-day\d+-\d{6}-\d{6}$/i, "expected <number>-<who>-DAY1-HHMMSS-HHMMSS"),
  translated_text: z.string(),
});

/** Rows `{"custom_id":"<cue>-<who>-DAY1-080000-080002","translated_text":…}`. */
export function readTranslated(path: string, skipped: SkippedRow[]): TextEntry[] {
  return readFileSync(path, "utf8")
    .split(/\r?\n/)
    .flatMap((line, i): TextEntry[] => {
      if (line.trim() === "") return [];
      const parsed = translated.safeParse(parsedJson(line));
      const [day = "", start = "", end = ""] = parsed.success
        ? parsed.data.custom_id.split("-").slice(2)
        : [];
      const startSeconds = momentOf(day, `${start}00`);
      const endSeconds = momentOf(day, `${end}00`);
      if (!parsed.success || startSeconds === null || endSeconds === null) {
        const reason = parsed.success
          ? "custom_id: expected times of day"
          : parsed.error.issues.map(({ message }) => message).join("; ");
        skipped.push({ file: basename(path), row: i + 1, id: null, reason });
        return [];
      }
      const text = oneLine(parsed.data.translated_text);
      return text === "" ? [] : [{ startSeconds, endSeconds, kind: "caption", speaker: null, text }];
    });
}

function parsedJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
