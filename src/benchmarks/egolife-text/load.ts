/**
 * EgoLife's week of one wearer as text: what was said and what captions tell in order of time, and the questions.
 *
 * Read are `EgoLifeQA/EgoLifeQA_<who>.json`, `EgoLifeCap/Transcript/<who>/DAY*` (cues of two lines, Chinese then English)
 * and, for the captions, `EgoLifeCap/DenseCaption/translated` (English) or `EgoLifeCap/DenseCaption/<who>` (Chinese). A
 * row that cannot be read is left out and listed; so are transcripts or captions that are missing, of all hours or of
 * some. Without questions, or without either, there is nothing to run.
 */
import { existsSync, globSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { z } from "zod";
import { DataError } from "../../errors.ts";
import { clockOfName } from "../../stream/clock-names.ts";
import { letterOptions, type Question } from "../../tasks/task.ts";
import type { SkippedRow } from "../task.ts";
import { momentOf, targetMoments } from "./times.ts";

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

export interface TextQuestion {
  readonly id: string;
  readonly type: string;
  /** When it was asked, in seconds from midnight of day 1. */
  readonly askedSeconds: number;
  /** With four options. */
  readonly question: Question;
  /** Letter of the right option. */
  readonly answer: string;
  /** Words of the answer's evidence. */
  readonly keywords: string;
  /** Where the evidence is, in order of time; none later than the question. */
  readonly targetSeconds: readonly number[];
}

export interface EgoLifeText {
  readonly wearer: string;
  readonly language: Language;
  /** In order of time. */
  readonly entries: readonly TextEntry[];
  /** In the order they were asked. */
  readonly questions: readonly TextQuestion[];
  /** Speakers that have a name. */
  readonly names: readonly string[];
  readonly skipped: readonly SkippedRow[];
  /** What was found, in a sentence. */
  readonly found: string;
  /** What was not, one sentence each. */
  readonly missing: readonly string[];
}

/**
 * @param annotations questions to read instead of those below `root`
 * @throws DataError `file-missing` where there are no questions or no texts, `file-unreadable` for no JSON
 */
export function loadEgoLifeText(root: string, language: Language, annotations?: string): EgoLifeText {
  const questionFiles = existsSync(join(root, "EgoLifeQA"))
    ? readdirSync(join(root, "EgoLifeQA"))
        .filter((name) => /^EgoLifeQA_\w+\.json$/.test(name))
        .sort()
    : [];
  const questionFile =
    annotations ?? (questionFiles[0] === undefined ? undefined : join(root, "EgoLifeQA", questionFiles[0]));
  if (questionFile === undefined) throw missing(join(root, "EgoLifeQA", "EgoLifeQA_A1_JAKE.json"));
  if (!existsSync(questionFile)) throw missing(questionFile);
  const wearer = /^EgoLifeQA_(\w+)\.json$/.exec(basename(questionFile))?.[1] ?? "A1_JAKE";
  const skipped: SkippedRow[] = [];
  const questions = readQuestions(questionFile, language, skipped);
  const captionFolder = join(root, "EgoLifeCap", "DenseCaption");
  const said = filesIn(join(root, "EgoLifeCap", "Transcript", wearer), "DAY*/*.srt");
  const seen =
    language === "en"
      ? filesIn(join(captionFolder, "translated"), `${wearer}_*.jsonl`)
      : filesIn(join(captionFolder, wearer), "DAY*/*.srt");
  if (said.paths.length + seen.paths.length === 0) throw missing(`${said.place} or ${seen.place}`);
  const speech = said.paths.flatMap((path) => readTranscript(path, language, skipped));
  const captions = seen.paths.flatMap((path) =>
    language === "en" ? readTranslated(path, skipped) : readCaptions(path, skipped),
  );
  const entries = [...speech, ...captions].sort((a, b) => a.startSeconds - b.startSeconds);
  const found = `${wearer}, ${questions.length} questions, transcripts of ${said.paths.length} hours, captions of ${seen.paths.length}`;
  const gone = [...hoursMissing("transcript", said, seen), ...hoursMissing("captions", seen, said)];
  return { wearer, language, entries, questions, names: namesOf(speech), skipped, found, missing: gone };
}

function missing(path: string): DataError {
  return new DataError(
    "file-missing",
    `Expected EgoLife's ${path}, found none: give the folder that holds EgoLifeQA and EgoLifeCap as --root`,
    { details: { path } },
  );
}

/** Files of one kind, an hour each, and where they were looked for. */
interface HourFiles {
  readonly place: string;
  readonly paths: readonly string[];
}

function filesIn(folder: string, pattern: string): HourFiles {
  const found = existsSync(folder) ? globSync(pattern, { cwd: folder }).sort() : [];
  return { place: join(folder, pattern), paths: found.map((name) => join(folder, name)) };
}

/** Hours that the other kind has and this one has not. */
function hoursMissing(kind: string, { place, paths }: HourFiles, other: HourFiles): string[] {
  if (paths.length === 0) return [`no ${kind}: none found at ${place}`];
  const hoursOf = (files: readonly string[]) =>
    files.flatMap((path) => /DAY\d+_\d{2}/i.exec(basename(path))?.[0].toUpperCase() ?? []);
  const there = new Set(hoursOf(paths));
  const gone = hoursOf(other.paths).filter((hour) => !there.has(hour));
  return gone.length === 0
    ? []
    : [`no ${kind} of ${gone.map((hour) => hour.replace("_", " at ")).join(", ")}`];
}

const filled = z.string().trim().min(1);
const rowSchema = z
  .object({
    ID: filled,
    query_time: z.object({ date: z.string(), time: z.string() }),
    type: filled,
    question: filled,
    choices: z.array(filled).length(4),
    answer: z.enum(["A", "B", "C", "D"]),
    target_time: z.object({
      date: z.string(),
      time: z.string().optional(),
      time_list: z.array(z.string()).optional(),
    }),
    keywords: z.string(),
  })
  .transform((row, context): TextQuestion => {
    const asked = momentOf(row.query_time.date, row.query_time.time);
    const targets = targetMoments(row.target_time);
    if (asked === null) context.addIssue("query_time: expected DAY1 and HHMMSSFF");
    if (targets === null) context.addIssue("target_time: expected DAY1 and HHMMSSFF, one or more");
    if (asked === null || targets === null) return z.NEVER;
    if (targets.at(-1)! > asked) {
      context.addIssue("target_time: lies after the question");
      return z.NEVER;
    }
    return {
      id: row.ID,
      type: row.type,
      askedSeconds: asked,
      question: { text: row.question, options: letterOptions(row.choices) },
      answer: row.answer,
      keywords: row.keywords,
      targetSeconds: targets,
    };
  });

/** In the order they were asked; questions of one moment as the file has them. */
function readQuestions(path: string, language: Language, skipped: SkippedRow[]): TextQuestion[] {
  const rows = readJson(path);
  if (!Array.isArray(rows)) throw unreadable(path, "a list of questions");
  const suffix = language === "zh" ? "_chinese" : "";
  const questions = rows.flatMap((row: unknown, i) => {
    const fields = typeof row === "object" && row !== null ? (row as Record<string, unknown>) : {};
    const parsed = rowSchema.safeParse({
      ...fields,
      question: fields[`question${suffix}`],
      choices: ["a", "b", "c", "d"].map((letter) => fields[`choice_${letter}${suffix}`]),
    });
    if (parsed.success) return [parsed.data];
    const reason = parsed.error.issues
      .map(({ path: place, message }) => [...place, message].join(": "))
      .join("; ");
    skipped.push({
      file: basename(path),
      row: i + 1,
      id: typeof fields.ID === "string" ? fields.ID : null,
      reason,
    });
    return [];
  });
  return questions.sort((a, b) => a.askedSeconds - b.askedSeconds);
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    throw unreadable(path, "JSON");
  }
}

function unreadable(path: string, expected: string): DataError {
  return new DataError("file-unreadable", `Expected ${expected} in ${path}, got something else`, {
    details: { path },
  });
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
function readTranscript(path: string, language: Language, skipped: SkippedRow[]): TextEntry[] {
  return readCues(path, skipped).flatMap(({ startSeconds, endSeconds, lines }) => {
    const line = language === "en" ? lines[1] : lines[0];
    const [, speaker = null, text = line ?? ""] = spoken.exec(line ?? "") ?? [];
    if (text.trim() === "") return [];
    return [{ startSeconds, endSeconds, kind: "speech", speaker, text: oneLine(text) } as const];
  });
}

function readCaptions(path: string, skipped: SkippedRow[]): TextEntry[] {
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
function readTranslated(path: string, skipped: SkippedRow[]): TextEntry[] {
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

/** Labels of voices that name nobody. */
const noName =
  /\b(others?|people|person|some(one|body)|every(one|body)|unknown|unidentified|strangers?|guests?|music|lyrics|laugh\w*|voice|sister|brother|neighbou?r|boss|owner|guy|man|woman|consumer|ai)\b|[^\p{Script=Latin}\p{P}\s]/iu;
/** A label on fewer cues is a slip of the transcript. */
const leastCues = 30;

function namesOf(speech: readonly TextEntry[]): string[] {
  const cues = new Map<string, number>();
  for (const { speaker } of speech) if (speaker !== null) cues.set(speaker, (cues.get(speaker) ?? 0) + 1);
  return [...cues]
    .filter(([label, n]) => n >= leastCues && !noName.test(label))
    .map(([label]) => label)
    .sort();
}
