/**
 * A question, answered from memory alone: recall → render → read → record as a task.
 *
 * The reader sees recalled entries and gaps, nothing else. Speakers of memory and clock times ("at 0:45") are
 * recognised in the question, unless the caller gives them. Every question is recorded as a task, answered or not, except
 * where the memory cannot be written: the answer then says so. An unknown stream or speaker is an error that names the
 * known ones, because an answer would only say that nothing is remembered.
 */
import { randomUUID } from "node:crypto";
import { type Cost, type Embedder, noCost } from "../engine.ts";
import { StoreError } from "../errors.ts";
import { fuseSearches } from "../memory/fusion.ts";
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
import { foldings, foldLetters } from "../util/letters.ts";
import { once } from "../util/once.ts";
import { type Clock, formatMoment, parseMoment } from "../util/time.ts";
import { type AskedOfWhole, askedOfPeople, askedOfTime, askedOfWhole } from "./asked.ts";
import { type ClosestMoment, closestTo, isByWords, momentsAround } from "./closest.ts";
import { assertSpeakers } from "./known-speakers.ts";
import { whyNothing } from "./left-out.ts";
import { bestFirst, lineScores } from "./line-scores.ts";
import { abstention, type Reader, type Reading, type ReadRequest } from "./reader.ts";
import { type StreamSpan, timeOf } from "./time-filter.ts";
import { wholeOf } from "./whole.ts";
import { otherWords } from "./words/forms.ts";
import { isFunctionWord, isGrammar, languageOf } from "./words/languages.ts";
import { asksOfState, wordsOfAnswers } from "./words/question-words.ts";

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
  /** Called with what was recalled, before it is read; again where memory is searched once more. */
  readonly onRecalled?: ((entries: readonly Entry[]) => void) | undefined;
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
  /** Compares words by meaning, for the reader. @default none are compared */
  readonly likeness?: ReadRequest["likeness"];
  /** Scores lines as answers, for the reader. @default none are scored */
  readonly scoreLines?: Embedder["scoreLines"];
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
  /**
   * For an abstention, the moments that come nearest to an answer, best first: five at most. Each has the entry that was found;
   * its text and time are those of the lines before and after it too.
   */
  readonly nearestMisses: readonly Citation[];
  /** Earlier statements that the cited one replaced, the latest first. */
  readonly earlier: readonly Citation[];
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
  /** Why it was compared by spelling where meanings are to be compared; `null` where it was not. */
  readonly bySpelling: string | null;
}

const defaultLimit = 30;
/** Entries that are recalled for the moments which a declined question is shown, where words alone were compared. */
const moreLimit = 100;
const mostMisses = 5;

const askKeys: Keys<AnswerTools & AskOptions> = {
  ...{ memory: true, reader: true, now: true, streams: true, asOfSeconds: true, nearSeconds: true },
  ...{
    speakers: true,
    limit: true,
    mode: true,
    record: true,
    signal: true,
    likeness: true,
    scoreLines: true,
    onRecalled: true,
  },
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
  await assertSpeakers(memory, options.speakers);
  const records = held.filter(({ id }) => streams?.includes(id) ?? true);
  const clocks = new Map<string, Clock>(records.map(({ id, clock }) => [id, clock]));
  const looked = await lookTwice(
    { ...question, text: withPlainTimes(question.text) },
    records,
    clocks,
    options,
  );
  const { recalled, gaps, moments, whole, floor, isFact, reading } = looked;
  signal?.throwIfAborted();

  const unwatched = gaps.filter((gap) => moments.some((moment) => covers(gap, moment)));
  const shown = [...recalled.map(({ entry }) => entry), ...floor];
  const citations = reading.abstained ? [] : citationsOf(shown, reading.cited);
  const nearestMisses = reading.abstained ? await missesOf(question, looked, options) : [];
  const answer: Answer = {
    answer: withGaps(reading, unwatched, clocks),
    option: reading.option,
    abstained: reading.abstained,
    citations,
    nearestMisses,
    earlier: citationsOf(shown, reading.earlier ?? []),
    gaps: unwatched,
    leftOut:
      reading.abstained && !isFact
        ? records.flatMap(({ id, leftOut }) => leftOut.map((item) => ({ ...item, stream: id })))
        : [],
    recall: withoutStale(recalled, reading.earlier ?? []).map(({ entry, score }) => ({
      entry: entry.id,
      score,
    })),
    cost: reading.cost,
    task: null,
    notRecorded: null,
    bySpelling: null,
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
        reading.abstained && (whole !== null || looked.isEmpty)
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

/** Recalled entries with the replaced ones last. */
export function withoutStale(recalled: readonly RecalledEntry[], stale: readonly string[]): RecalledEntry[] {
  const isStale = ({ entry }: RecalledEntry) => stale.includes(entry.id);
  return [...recalled.filter((one) => !isStale(one)), ...recalled.filter(isStale)];
}

/** What one look at memory found. */
interface Look {
  readonly recalled: readonly RecalledEntry[];
  readonly moments: readonly Moment[];
  readonly gaps: readonly Gap[];
  readonly whole: AskedOfWhole | null;
  readonly floor: readonly FloorRow[];
  /** Whether it is asked for a fact of a recording that is known. */
  readonly isFact: boolean;
  /** Whether nothing at all is remembered. */
  readonly isEmpty: boolean;
  readonly reading: Reading;
  /** How well the first ones answer (`line-scores.ts`). */
  readonly scores: () => Promise<ReadonlyMap<string, number>>;
  /** Recalls more entries in the same way; `null` where all that there are were. */
  readonly more: (() => Promise<readonly RecalledEntry[]>) | null;
}

/**
 * Looks within the time that a question names; where that holds no answer, at what was true by then, and last at all of
 * memory, where the time may be what is spoken of ("What is on Tuesday?"). A time of which nothing is remembered is named.
 */
async function lookTwice(
  question: Question,
  records: readonly StreamRecord[],
  clocks: ReadonlyMap<string, Clock>,
  options: AnswerTools & AskOptions,
): Promise<Look> {
  const { reader } = options;
  const time = await timeOf(question, records, options);
  if (time === null) return look(question, null, records, clocks, options);
  const { asked, spans, unknown } = time;
  const within: Question = { ...question, text: asked.rest };
  const looks: Look[] = [];
  if (spans.length > 0) looks.push(await look(within, spans, records, clocks, options));
  const isOpen = () => looks.every(({ reading }) => reading.abstained);
  const isAskedAgain = reader.find !== undefined || looks.length === 0;
  const byThen =
    asked.at === "in" &&
    asksOfState(asked.rest) &&
    reader.find !== undefined &&
    question.options.length === 0;
  if (isOpen() && spans.length > 0 && byThen) {
    const until = spans.map((span) => ({ ...span, fromSeconds: Number.NEGATIVE_INFINITY }));
    looks.push(await look(within, until, records, clocks, options));
  }
  if (isOpen() && asked.mayBeTold && isAskedAgain)
    looks.push(await look(question, null, records, clocks, options));
  const answered = looks.find(({ reading }) => !reading.abstained);
  if (answered) return answered;
  const first =
    looks[0] ?? (await look(question, null, records, clocks, { ...options, reader: silent(reader) }));
  if (unknown === null || first.isEmpty) return first;
  return { ...first, reading: { ...first.reading, answer: unknown } };
}

/** A reader that reads nothing, for where there is nothing to read. */
function silent({ id, tokenBudget }: Reader): Reader {
  const declined = { ...abstention("Memory holds nothing of that time."), cost: noCost };
  return { id, tokenBudget, read: async () => declined };
}

/** Recalls, within spans where they are given, and reads. */
async function look(
  question: Question,
  spans: readonly StreamSpan[] | null,
  records: readonly StreamRecord[],
  clocks: ReadonlyMap<string, Clock>,
  options: AnswerTools & AskOptions,
): Promise<Look> {
  const { reader, signal, likeness, scoreLines, memory, asOfSeconds } = options;
  const of = spans === null ? records : records.filter(({ id }) => spans.some(({ stream }) => stream === id));
  const moments = spans === null ? await momentsAsked(question, of, options) : momentsOf(spans);
  const within = { limit: defaultLimit, ...options, ...(spans && { spans }) };
  // A model reads who was there among all else.
  const asked = reader.readsEntries ? askedOfPeople(withoutClockTimes(question)) : null;
  const people = await wholeOf(asked, of, {
    ...within,
    ...(moments.length > 0 && spans === null && { spans: secondsOf(moments, of) }),
  });
  const whole = people.entries
    ? asked
    : (askedOfWhole(question) ?? (spans === null ? null : askedOfTime(question)));
  const known = people.entries ? people : await wholeOf(whole, of, within);
  const found = known.entries ?? (await recallFor(question, moments, spans, options));
  const isSearch = known.entries === null && options.mode !== "whole-memory" && question.options.length === 0;
  const stale = isSearch && spans === null ? (reader.replaced?.(question.text, found, clocks) ?? []) : [];
  const recalled = withoutStale(found, stale);
  const gaps = await gapsAmong(recalled, moments, of, options);
  const { floor } = known;
  const render = (tokenBudget: number) => renderMemory(recalled, { clocks, gaps, floor, tokenBudget });
  const rendered = render(reader.tokenBudget);
  signal?.throwIfAborted();
  options.onRecalled?.(recalled.map(({ entry }) => entry));
  const scores = once(async () => {
    if (!scoreLines) return new Map<string, number>();
    const filter = asOfSeconds === undefined ? {} : { asOfSeconds };
    return lineScores(question.text, recalled, scoreLines, memory, filter, signal);
  });
  const request = {
    question,
    recalled,
    rendered,
    render,
    gaps,
    clocks,
    whole,
    floor,
    ...(likeness && { likeness }),
    ...(scoreLines && { lineScores: scores }),
    ...(signal && { signal }),
  };
  const read = await reader.read(request);
  const isFact = whole !== null && whole.of !== "overview" && floor.length > 0;
  const reading = isFact || spans !== null ? read : await unlessEmpty(read, recalled, records, options);
  const isAll = known.entries !== null || recalled.length < (options.limit ?? defaultLimit);
  const more = async () => {
    const wide = await recallFor(question, moments, spans, { ...options, limit: moreLimit });
    return withoutStale(wide, stale);
  };
  return {
    ...{ recalled, moments, gaps, whole, floor, isFact, reading, scores, isEmpty: reading !== read },
    more: isSearch && !isAll ? more : null,
  };
}

const withoutClockTimes = (question: Question): Question => ({
  ...question,
  text: question.text.replace(clockTimes, ""),
});

/** The seconds of some moments. */
const secondsOf = (moments: readonly Moment[], records: readonly StreamRecord[]): StreamSpan[] =>
  moments.flatMap(({ stream, seconds }) =>
    records
      .filter(({ id }) => stream === null || id === stream)
      .map(({ id }) => ({ stream: id, fromSeconds: seconds, toSeconds: seconds + 1, atSeconds: seconds })),
  );

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

/** A moment the question is about, in one stream or in any (`null`). */
interface Moment {
  readonly stream: string | null;
  readonly seconds: number;
}

/** A question that says "at" of a clock time for words as "around" or "about", which are no part of what is asked. */
const withPlainTimes = (text: string): string =>
  text.replace(/\b(?:around|about|near|circa|roughly at)\s+(?=(?:day\s*\d+[\s,]+)?\d{1,2}:\d{2})/gi, "at ");

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

/** The moments that spans name, or else their begins, of which a gap is told. */
function momentsOf(spans: readonly StreamSpan[]): Moment[] {
  return spans
    .filter(({ fromSeconds }) => Number.isFinite(fromSeconds))
    .map(({ stream, atSeconds, fromSeconds }) => ({ stream, seconds: atSeconds ?? fromSeconds }));
}

/**
 * Recalls by question and options, and by other forms of their words. Speakers of memory whom the question names are found
 * first: their entries score higher, and the rest of the question is compared by meaning, because every line of a speaker
 * is near to the name.
 */
async function recallFor(
  question: Question,
  moments: readonly Moment[],
  spans: readonly StreamSpan[] | null,
  { memory, streams, asOfSeconds, speakers, limit = defaultLimit, mode = "search" }: AnswerTools & AskOptions,
): Promise<RecalledEntry[]> {
  const asked = [question.text, ...question.options.map(({ text }) => text)].join(" ");
  const query: RecallQuery = {
    text: mode === "search" ? `${withOtherWords(asked)} ${wordsOfAnswers(question.text)}`.trim() : asked,
    meant: question.text,
    mode,
    ...(mode === "search" && { limit }),
    ...(streams && { streams }),
    ...(asOfSeconds !== undefined && { asOfSeconds }),
    ...(speakers && { speakers }),
    ...(moments[0] && spans === null && { nearSeconds: moments[0].seconds }),
  };
  const search = (one: RecallQuery) =>
    spans === null ? memory.recall(one) : recallWithin(one, spans, memory);
  const about = (names: readonly string[]) =>
    search({ ...query, aboutSpeakers: names, meant: withoutNames(question.text, names) });
  const mayNames = mode === "search" ? wordsLikeNames(question.text) : [];
  if (mayNames.length > 0) {
    // By words alone, so that the question is embedded once.
    const byName = await memory.recall({ ...query, text: mayNames.join(" "), meant: "" });
    const named = speakersNamed(question.text, byName);
    if (named.length > 0) return about(named);
  }
  const recalled = await search(query);
  const named = mode === "search" ? speakersNamed(question.text, recalled) : [];
  return named.length > 0 ? about(named) : recalled;
}

/** Recalls in each span, and brings the lists together. */
async function recallWithin(
  query: RecallQuery,
  spans: readonly StreamSpan[],
  memory: AnswerMemory,
): Promise<RecalledEntry[]> {
  const found = new Map<string, RecalledEntry>();
  for (const { stream, fromSeconds, toSeconds, atSeconds } of spans) {
    const own = await memory.recall({
      ...query,
      streams: [stream],
      ...(Number.isFinite(fromSeconds) && { fromSeconds }),
      toSeconds,
      ...(atSeconds !== null && { nearSeconds: atSeconds }),
    });
    for (const one of own) if (!found.has(one.entry.id)) found.set(one.entry.id, one);
  }
  // Where too little shares a word, the first memories of that time are shown at least.
  const isFew = found.size < mostMisses && query.mode !== "whole-memory";
  for (const { stream, fromSeconds, toSeconds } of isFew ? spans : []) {
    if (!Number.isFinite(fromSeconds)) continue;
    const { asOfSeconds, speakers } = query;
    const filter = { ...(asOfSeconds !== undefined && { asOfSeconds }), ...(speakers && { speakers }) };
    const own = await memory.entries({
      ...filter,
      streams: [stream],
      fromSeconds,
      toSeconds,
      limit: mostOfTime,
    });
    const first = byCharacters(query.meant ?? query.text, own).slice(0, mostMisses);
    for (const entry of first) if (!found.has(entry.id)) found.set(entry.id, { entry, score: { total: 0 } });
  }
  const all = [...found.values()];
  if (query.mode === "whole-memory") return all;
  return fuseSearches(all).slice(0, query.limit ?? defaultLimit);
}

/** Entries of a time that are compared by characters. */
const mostOfTime = 256;

/**
 * Entries that share more of a question's characters first, which may each be a word in Chinese and Japanese, where text is
 * searched by pairs; otherwise in their order.
 */
function byCharacters(text: string, entries: readonly Entry[]): Entry[] {
  const words = text.match(/\p{Script=Han}+/gu) ?? [];
  const told = words.flatMap((run) => [...run.replace(grammarRuns, "")]);
  const shared = (entry: Entry) => told.filter((character) => entry.text.includes(character)).length;
  return told.length === 0 ? [...entries] : entries.toSorted((a, b) => shared(b) - shared(a));
}

/** What asks and binds in Chinese, and tells nothing. */
const grammarRuns =
  /什么|什麼|怎么|怎麼|怎样|为什么|哪里|哪裡|哪儿|多少|他们|她们|我们|你们|他們|我們|你們|[的了是吗嗎呢吧在有和与與她他它我你哪谁誰几幾不都也就这這那]/gu;

/** A question with other forms of its words ("buy", "bought"), which a search by spelling does not find. */
function withOtherWords(text: string): string {
  const words = foldLetters(text).match(/[a-z]{3,}/g) ?? [];
  const others = new Set(words.filter((word) => !isFunctionWord(word, "en")).flatMap(otherWords));
  return others.size === 0 ? text : `${text} ${[...others].join(" ")}`;
}

/** Scripts that are written without spaces, where a name is found within a run of letters. */
const unspaced = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}]/u;

/** The words of a text, each of one kind of script: `Ann什么` is two. */
function wordsOf(text: string): string[] {
  const runs = text.match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
  return runs.flatMap((run) =>
    run.split(/(?<=\p{Script=Latin}\p{M}*)(?=\p{Lo})|(?<=\p{Lo})(?=\p{Script=Latin})/u),
  );
}

/** Words that may be names: with a capital, or of a script that has none. */
const wordsLikeNames = (text: string): string[] =>
  wordsOf(text).filter((word) => /^\p{Lu}|^\p{Lo}/u.test(word));

/** Speakers of recalled entries of whose name the question has a word. */
function speakersNamed(text: string, recalled: readonly RecalledEntry[]): string[] {
  const partsOf = (name: string) => foldings(name).flatMap(wordsOf);
  const asked = new Set(partsOf(text));
  const isNamed = (part: string) =>
    asked.has(part) || (part.length > 1 && unspaced.test(part) && text.includes(part));
  const speakers = new Set(recalled.flatMap(({ entry }) => entry.speakers));
  return [...speakers].filter((name) => partsOf(name).some(isNamed));
}

/** A question without the names of speakers, where something is left to ask about; otherwise unchanged. */
function withoutNames(text: string, names: readonly string[]): string {
  const parts = new Set(names.flatMap((name) => foldings(name).flatMap(wordsOf)));
  const spaced = text.replace(
    /\p{Script=Latin}[\p{Script=Latin}\p{M}\p{N}]*(?:['’]s?(?!\p{L}))?|[\p{Lo}]+|[\p{L}\p{M}]+/gu,
    (word) => {
      const plain = word.replace(/['’]s?$/, "");
      if (wordsLikeNames(plain).length === 0) return word;
      if (parts.has(foldLetters(plain))) return "";
      const within = [...parts].filter((part) => part.length > 1 && unspaced.test(part));
      return within.reduce((rest, part) => rest.replaceAll(part, ""), word);
    },
  );
  const rest = spaced.replace(/\s+/g, " ").trim();
  const folded = foldLetters(rest);
  const words = wordsOf(folded);
  const language = languageOf(folded, words);
  return words.some((word) => word.length > 1 && !isGrammar(word, language)) ? rest : text;
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

/** What a declined question is shown. */
async function missesOf(
  question: Question,
  { recalled, floor, reading, scores, more }: Look,
  { memory, asOfSeconds, speakers }: AnswerTools & AskOptions,
): Promise<Citation[]> {
  const isNew = ({ text }: Entry | FloorRow) => !reading.answer.includes(text);
  // By words alone many are as near as the last one that was recalled.
  const near = more && isByWords(recalled) ? await more() : bestFirst(recalled, await scores());
  const moments = await momentsAround(closestTo(question.text, near).filter(isNew), mostMisses, memory, {
    ...(asOfSeconds !== undefined && { asOfSeconds }),
    ...(speakers && { speakers }),
  });
  const looks = floor.filter(isNew).map(citationOf);
  return [...moments.map(citationOfMoment), ...looks].slice(0, mostMisses);
}

function citationOfMoment({ found, lines }: ClosestMoment): Citation {
  return {
    ...citationOf(found),
    startSeconds: lines[0]!.startSeconds,
    endSeconds: Math.max(...lines.map(({ endSeconds }) => endSeconds)),
    text: lines.map(({ text }) => text).join("\n"),
  };
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
