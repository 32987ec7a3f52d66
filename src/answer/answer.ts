/**
 * A question, answered from memory alone: recall → render → read → record as a task.
 *
 * The reader sees recalled entries and gaps, nothing else. Speakers of memory and clock times ("at 0:45") are
 * recognised in the question, unless the caller gives them. Every question is recorded as a task, answered or not, except
 * where the memory cannot be written: the answer then says so. An unknown stream or speaker is an error that names the
 * known ones, because an answer would only say that nothing is remembered.
 */
import { randomUUID } from "node:crypto";
import type { Cost } from "../engine.ts";
import { DataError, StoreError } from "../errors.ts";
import type {
  Entries,
  Entry,
  FloorRow,
  Gap,
  Journal,
  LeftOut,
  RecalledEntry,
  RecallQuery,
  RecallScore,
  StreamRecord,
  Tasks,
} from "../memory/memory.ts";
import { renderMemory } from "../memory/render.ts";
import { assertKeys, assertStreams, type Keys } from "../memory/strict.ts";
import { type Question, type QuestionInput, toQuestion } from "../tasks/task.ts";
import { type Clock, formatMoment, parseMoment } from "../util/time.ts";
import { askedOfWhole } from "./asked.ts";
import { whyNothing } from "./left-out.ts";
import type { Reader, Reading } from "./reader.ts";
import { wholeOf } from "./whole.ts";

/** Which part of memory a question is asked of, and how it is searched. */
export interface AskOptions {
  /** Only these streams. @default all */
  readonly streams?: readonly string[];
  /** "As of": only what had ended by this moment of stream time, in seconds. */
  readonly asOfSeconds?: number;
  /** The moment of stream time the question is about, in seconds; entries near it rank higher. */
  readonly nearSeconds?: number;
  /** Only entries spoken by or naming these people. */
  readonly speakers?: readonly string[];
  /** Entries to recall. @default 30 */
  readonly limit?: number;
  /** `whole-memory` reads every entry in time order, as the paper's evaluation does. @default "search" */
  readonly mode?: "search" | "whole-memory";
  /** Whether the question is recorded as a task. @default true */
  readonly record?: boolean;
  /** Stops the question: its reason is thrown, and nothing is recorded. */
  readonly signal?: AbortSignal | undefined;
}

/** The parts of a memory that answering needs. */
export type AnswerMemory = Pick<Journal, "streams" | "gaps" | "floor" | "clipFailures"> &
  Pick<Entries, "entries" | "recall" | "speakers"> &
  Pick<Tasks, "addTask">;

/** The parts that answering needs. */
export interface AnswerTools {
  readonly memory: AnswerMemory;
  readonly reader: Reader;
  /** Wall clock in milliseconds. */
  readonly now: () => number;
}

/** A moment of memory that an answer cites, or that came near. */
export interface Citation {
  readonly entry: string;
  readonly stream: string;
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly text: string;
}

/** The answer to a question, or an abstention. */
export interface Answer {
  /** For an abstention, what was missing. */
  readonly answer: string;
  readonly option: string | null;
  readonly abstained: boolean;
  readonly citations: readonly Citation[];
  /** For an abstention, the entries that came nearest, best first. */
  readonly nearestMisses: readonly Citation[];
  /** Times the question is about and that were not watched. */
  readonly gaps: readonly Gap[];
  /** For an abstention, what was left out of the streams that were asked: the answer may have been in it. */
  readonly leftOut: readonly (LeftOut & { readonly stream: string })[];
  /** The recalled entries, best first, with the reasons for each. */
  readonly recall: readonly { readonly entry: string; readonly score: RecallScore }[];
  readonly cost: Cost;
  /** Id of the recorded task, to give feedback on; `null` where it was not recorded. */
  readonly task: string | null;
  /** Why it could not be recorded, such as a full or read-only disk; `null` where it was, or was not to be. */
  readonly notRecorded: string | null;
}

const defaultLimit = 30;
const mostMisses = 3;

const askKeys: Keys<AnswerTools & AskOptions> = {
  ...{ memory: true, reader: true, now: true, streams: true, asOfSeconds: true, nearSeconds: true },
  ...{ speakers: true, limit: true, mode: true, record: true, signal: true },
};

/**
 * Answers a question from memory.
 * @throws ConfigError `option-unknown` for an unknown option; `question-empty` for an empty question
 * @throws DataError `stream-unknown` or `speaker-unknown`, with the known ones
 * @throws EngineError if a model reader cannot reach its model; nothing is recorded then
 */
export async function answerQuestion(
  given: QuestionInput,
  options: AnswerTools & AskOptions,
): Promise<Answer> {
  assertKeys("ask", options, askKeys);
  const { memory, reader, now, streams, record = true, signal } = options;
  const question = toQuestion(given);
  signal?.throwIfAborted();
  const askedAtMs = now();
  const held = await memory.streams();
  assertStreams(
    streams,
    held.map(({ id }) => id),
  );
  await assertSpeakers(options);
  const records = held.filter(({ id }) => streams?.includes(id) ?? true);
  const moments = await momentsAsked(question, records, options);
  const whole = askedOfWhole(question);
  const known = await wholeOf(whole, records, { limit: defaultLimit, ...options });
  const recalled = known.entries ?? (await recallFor(question, moments, options));
  const gaps = await gapsAmong(recalled, moments, records, options);
  const clocks = new Map<string, Clock>(records.map(({ id, clock }) => [id, clock]));
  const { floor } = known;
  const render = (tokenBudget: number) => renderMemory(recalled, { clocks, gaps, floor, tokenBudget });
  const rendered = render(reader.tokenBudget);
  signal?.throwIfAborted();
  const request = { question, recalled, rendered, render, gaps, whole, floor, ...(signal && { signal }) };
  const read = await reader.read(request);
  const isFact = whole !== null && whole.of !== "overview" && floor.length > 0;
  const reading = isFact ? read : await unlessEmpty(read, recalled, records, options);
  signal?.throwIfAborted();

  const unwatched = gaps.filter((gap) => moments.some((moment) => covers(gap, moment)));
  const shown = [...recalled.map(({ entry }) => entry), ...floor];
  const citations = reading.abstained ? [] : citationsOf(shown, reading.cited);
  const answer: Answer = {
    answer: withGaps(reading, unwatched, clocks),
    option: reading.option,
    abstained: reading.abstained,
    citations,
    nearestMisses: reading.abstained
      ? shown
          .filter(({ text }) => !reading.answer.includes(text))
          .slice(0, mostMisses)
          .map(citationOf)
      : [],
    gaps: unwatched,
    leftOut:
      reading.abstained && !isFact
        ? records.flatMap(({ id, leftOut }) => leftOut.map((item) => ({ ...item, stream: id })))
        : [],
    recall: recalled.map(({ entry, score }) => ({ entry: entry.id, score })),
    cost: reading.cost,
    task: null,
    notRecorded: null,
  };
  if (!record) return answer;
  const task = `task_${randomUUID().slice(0, 13)}`;
  try {
    await memory.addTask({
      id: task,
      askedAtMs,
      asOfSeconds: options.asOfSeconds ?? null,
      stream: streamOf(streams, citations),
      question,
      // What is said of a film without memories would outlive its forgetting.
      answer:
        reading.abstained && (whole !== null || reading !== read)
          ? "Nothing is remembered of it."
          : answer.answer,
      option: answer.option,
      abstained: answer.abstained,
      citations: citations.map(({ entry }) => entry),
      reader: reader.id,
    });
    return { ...answer, task };
  } catch (error) {
    // The answer is there, and only teaching is lost.
    const isUnwritable = error instanceof StoreError && unwritable.has(error.code);
    if (!isUnwritable) throw error;
    return { ...answer, notRecorded: error.message };
  }
}

/** Codes of a memory that can be read but not written. */
const unwritable: ReadonlySet<string> = new Set(["store-read-only", "disk-full"]);

/** The reading, or, where nothing at all is remembered, an abstention that says why. */
async function unlessEmpty(
  reading: Reading,
  recalled: readonly RecalledEntry[],
  records: readonly StreamRecord[],
  { memory, asOfSeconds }: AnswerTools & AskOptions,
): Promise<Reading> {
  if (!reading.abstained || recalled.length > 0) return reading;
  const why = await whyNothing(memory, records, asOfSeconds);
  return why === null ? reading : { ...reading, answer: why.join("\n") };
}

/** Checks that current entries are spoken by or name one of these people. @throws DataError `speaker-unknown` */
async function assertSpeakers({ memory, speakers = [] }: AnswerTools & AskOptions): Promise<void> {
  if (speakers.length === 0) return;
  const [known] = await memory.entries({ speakers, limit: 1 });
  if (known) return;
  const there = await memory.speakers();
  throw new DataError(
    "speaker-unknown",
    `Expected people of this memory, got ${speakers.join(", ")}. It knows ${there.join(", ") || "no names"}.`,
    { details: { speakers, known: there } },
  );
}

/** A moment the question is about, in one stream or in any (`null`). */
interface Moment {
  readonly stream: string | null;
  readonly seconds: number;
}

const clockTimes =
  /\b(?:at|around|about|near|after|before|since|until|from|to)\s+((?:day\s*\d+[\s,]+)?\d{1,2}:\d{2}(?::\d{2})?)\b/gi;

/** The given moment, or the clock times in the question that lie within a stream. */
async function momentsAsked(
  { text }: Question,
  records: readonly StreamRecord[],
  { memory, nearSeconds }: AnswerTools & AskOptions,
): Promise<Moment[]> {
  if (nearSeconds !== undefined) return [{ stream: null, seconds: nearSeconds }];
  const times = Array.from(text.matchAll(clockTimes), (match) => match[1]!);
  if (times.length === 0) return [];
  const moments: Moment[] = [];
  for (const { id, clock } of records) {
    const [newest] = await memory.entries({ streams: [id], newest: true, limit: 1 });
    const gaps = await memory.gaps({ streams: [id] });
    const end = Math.max(newest?.endSeconds ?? 0, ...gaps.map(({ endSeconds }) => endSeconds));
    for (const time of times) {
      const seconds = onClock(time, clock);
      if (seconds !== null && seconds <= end) moments.push({ stream: id, seconds });
    }
  }
  return moments;
}

/**
 * The seconds of a clock time. `11:30` is hours and minutes on a day clock, otherwise minutes and seconds; a wall clock
 * needs a date.
 */
function onClock(time: string, clock: Clock): number | null {
  if (clock.kind === "wall") return null;
  const hasSeconds = /:\d+:/.test(time);
  return parseMoment(clock.kind === "day" && !hasSeconds ? `${time}:00` : time, clock);
}

/**
 * Recalls by question and options. Speakers of the recalled entries whom the question names weigh in a second search.
 */
async function recallFor(
  question: Question,
  moments: readonly Moment[],
  { memory, streams, asOfSeconds, speakers, limit = defaultLimit, mode = "search" }: AnswerTools & AskOptions,
): Promise<RecalledEntry[]> {
  const query: RecallQuery = {
    text: [question.text, ...question.options.map(({ text }) => text)].join(" "),
    mode,
    ...(mode === "search" && { limit }),
    ...(streams && { streams }),
    ...(asOfSeconds !== undefined && { asOfSeconds }),
    ...(speakers && { speakers }),
    ...(moments[0] && { nearSeconds: moments[0].seconds }),
  };
  const recalled = await memory.recall(query);
  const named = mode === "search" ? speakersNamed(question.text, recalled) : [];
  return named.length > 0 ? memory.recall({ ...query, aboutSpeakers: named }) : recalled;
}

/** Speakers of recalled entries of whose name the question has a word. */
function speakersNamed(text: string, recalled: readonly RecalledEntry[]): string[] {
  const wordsOf = (name: string) => name.toLowerCase().match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
  const asked = new Set(wordsOf(text));
  const speakers = new Set(recalled.flatMap(({ entry }) => entry.speakers));
  return [...speakers].filter((name) => wordsOf(name).some((word) => asked.has(word)));
}

const mostGapsShown = 20;

/** Gaps at the moments asked about, and the longest gaps between recalled entries. */
async function gapsAmong(
  recalled: readonly RecalledEntry[],
  moments: readonly Moment[],
  records: readonly StreamRecord[],
  { memory, asOfSeconds }: AnswerTools & AskOptions,
): Promise<Gap[]> {
  const streams = records.map(({ id }) => id);
  const gaps = await memory.gaps({ streams, ...(asOfSeconds !== undefined && { toSeconds: asOfSeconds }) });
  const between = gaps.filter((gap) => {
    const own = recalled.filter(({ entry }) => entry.stream === gap.stream);
    const isBefore = own.some(({ entry }) => entry.endSeconds <= gap.startSeconds);
    return isBefore && own.some(({ entry }) => entry.startSeconds >= gap.endSeconds);
  });
  const length = ({ startSeconds, endSeconds }: Gap) => endSeconds - startSeconds;
  const longest = between.sort((a, b) => length(b) - length(a)).slice(0, mostGapsShown);
  return gaps.filter((gap) => longest.includes(gap) || moments.some((moment) => covers(gap, moment)));
}

function covers({ stream, startSeconds, endSeconds }: Gap, moment: Moment): boolean {
  const isThere = moment.stream === null || moment.stream === stream;
  return isThere && moment.seconds >= startSeconds && moment.seconds < endSeconds;
}

/** The text of an answer: an abstention about a time that was not watched begins with that. */
function withGaps(
  { answer, abstained }: Reading,
  unwatched: readonly Gap[],
  clocks: ReadonlyMap<string, Clock>,
): string {
  if (!abstained || unwatched.length === 0) return answer;
  const spans = unwatched.map(({ stream, startSeconds, endSeconds, detail }) => {
    const clock = clocks.get(stream) ?? { kind: "media" as const };
    return `${formatMoment(startSeconds, clock)} to ${formatMoment(endSeconds, clock)}: ${detail}`;
  });
  return `I was not watching then (${spans.join("; ")}). ${answer}`;
}

function citationsOf(shown: readonly (Entry | FloorRow)[], cited: readonly string[]): Citation[] {
  return cited.flatMap((id) => {
    const found = shown.find((one) => one.id === id);
    return found ? [citationOf(found)] : [];
  });
}

function citationOf({ id, stream, startSeconds, endSeconds, text }: Entry | FloorRow): Citation {
  return { entry: id, stream, startSeconds, endSeconds, text };
}

/** The stream a task is about: the only one asked, otherwise the only one cited. */
function streamOf(streams: readonly string[] | undefined, citations: readonly Citation[]): string | null {
  const about = new Set(streams ?? citations.map(({ stream }) => stream));
  return about.size === 1 ? [...about][0]! : null;
}
