/**
 * Which stage lost the answer to a question: perception never found it, the policy dropped it, recall did not find what is
 * kept, or the reader did not read it from what was found.
 *
 * Every stage is the product's own: the question is asked again by its recall and its reader, and what perception found is in
 * the observations that are still kept. What the answer is, the caller says: its words, or the moment at which it was said
 * or shown. A text tells the answer where it holds two thirds of the content words that the answer has and the question has
 * not; of several such texts those that share most with the question count.
 */
import { type Answer, type AskOptions, answerQuestion } from "../answer/answer.ts";
import type { Reader, ReadRequest } from "../answer/reader.ts";
import { type Embedder, noCost, type WordSpace } from "../engine.ts";
import { wordSpace } from "../engines/local/index.ts";
import { ConfigError, StoreError } from "../errors.ts";
import type {
  ClipDecision,
  ClipFailure,
  ClipRecord,
  Entry,
  Gap,
  Memory,
  Paged,
  PageFilters,
  RecalledEntry,
  SourceText,
  StreamRecord,
} from "../memory/memory.ts";
import { type Observation, sourceTexts } from "../perception/observation.ts";
import { candidatesOf } from "../policies/choice/choice-candidates.ts";
import { type Question, type QuestionInput, type Task, toQuestion } from "../tasks/task.ts";
import { turn } from "../util/async.ts";
import { type Clock, formatMoment, parseMoment } from "../util/time.ts";

/** A question that was missed, and what was wanted. */
export interface MissRequest
  extends Pick<AskOptions, "streams" | "speakers" | "asOfSeconds" | "limit" | "signal"> {
  /** The question. @default that of `task` */
  readonly question?: QuestionInput;
  /** Id of a question that was asked before. Its correction, if it has one, is the answer that was wanted. */
  readonly task?: string;
  /** The right answer, in words that were used; of multiple choice the option or its letter. */
  readonly expected?: string;
  /** When it was said or shown, in seconds of stream time. */
  readonly atSeconds?: number;
}

/** Where the answer was lost. */
export type MissOutcome =
  /** It is not lost: the question is answered. */
  | "answered"
  /** No observation holds it. */
  | "never-perceived"
  /** Perceived in a clip that waits, or failed for good. */
  | "not-decided"
  /** Perceived, and no memory of it was written. */
  | "dropped"
  /** Kept, and not among what recall gives the reader. */
  | "not-found"
  /** Given to the reader, which did not answer it. */
  | "not-read"
  /** Nothing that is still kept tells. */
  | "unknown";

/** A text that perception found in a clip. */
export interface PerceivedText extends SourceText {
  readonly stream: string;
  readonly clip: number;
  readonly state: ClipRecord["state"];
}

/** A memory that holds the answer, and what became of it when the question was asked. */
export interface KeptAnswer {
  readonly entry: Entry;
  /** Its place among what recall finds, from 1; `null` where it is not among the first `deepest`. */
  readonly rank: number | null;
  /** Whether it was among what the reader was given. */
  readonly isFound: boolean;
  /** Whether it fitted what the reader is shown. */
  readonly isShown: boolean;
}

/** Why a question was missed. */
export interface Miss {
  readonly outcome: MissOutcome;
  /** The same as a sentence or two, with the evidence. */
  readonly reason: string;
  readonly question: Question;
  readonly expected: string | null;
  readonly atSeconds: number | null;
  /** What is answered now. It is not recorded. */
  readonly answer: Answer;
  /** What perception found; `null` where it found nothing of it, or where a memory tells more. */
  readonly perceived: PerceivedText | null;
  /** Who decided about that clip last. */
  readonly decision: ClipDecision | null;
  /** Where it was dropped: what that decision kept. */
  readonly keptInstead: readonly Entry[];
  readonly kept: KeptAnswer | null;
  /** Times near the moment that were not watched. */
  readonly gaps: readonly Gap[];
  /** How much there was to look through. */
  readonly searched: {
    readonly clips: number;
    /** Clips whose observation is still kept. */
    readonly observed: number;
    readonly entries: number;
    /** How many entries the reader was given. */
    readonly recalled: number;
  };
}

/** The parts that are asked again. */
export interface MissParts {
  readonly memory: Memory;
  readonly reader: Reader;
  readonly now: () => number;
  readonly likeness?: ReadRequest["likeness"];
  readonly scoreLines?: Embedder["scoreLines"];
}

/** How deep recall is searched for the rank of a memory that the reader was not given. */
export const deepest = 1000;
/** A memory may be dated this far from what it is of, in seconds: one decision. */
const nearSeconds = 30;
/** The share of an answer's own words that a text has to hold. */
const leastShare = 2 / 3;
const mostInstead = 5;

/**
 * Explains a miss.
 * @throws ConfigError `expected-missing` where it was not said what was wanted, `question-empty`; StoreError `task-unknown`
 * @throws DataError `stream-unknown`, `speaker-unknown`; EngineError as the reader
 */
export async function explainMiss(parts: MissParts, request: MissRequest): Promise<Miss> {
  const { memory, now, likeness, scoreLines } = parts;
  const asked = await askedOf(memory, request);
  const { question, streams, speakers, asOfSeconds, limit, signal } = asked;
  const how: AskOptions = {
    ...{ record: false, signal },
    ...(streams && { streams }),
    ...(speakers && { speakers }),
    ...(asOfSeconds !== undefined && { asOfSeconds }),
    ...(limit !== undefined && { limit }),
  };
  const given: Given[] = [];
  const tools = { memory, now, ...(likeness && { likeness }), ...(scoreLines && { scoreLines }) };
  const reader = watching(parts.reader, given);
  const answer = await answerQuestion(question, { ...tools, ...how, reader });
  const held = await heldIn(memory, asked);
  const wanted = wantedOf(asked, held, wordSpace);
  const miss = {
    ...{ question, expected: asked.expected ?? null, atSeconds: wanted.atSeconds, answer },
    ...{ perceived: null, decision: null, keptInstead: [], kept: null, gaps: gapsAt(wanted.atSeconds, held) },
    searched: {
      clips: held.clips.length,
      observed: held.lines.observed,
      entries: held.entries.length,
      recalled: Math.max(0, ...given.map(({ recalled }) => recalled.length)),
    },
  };
  const entries = wanted.entries();
  const deeper = async () => {
    const deep: Given[] = [];
    const silent = watching({ ...readsNothing, ...asksBack(parts.reader) }, deep);
    await answerQuestion(question, { ...tools, ...how, reader: silent, limit: deepest });
    return deep;
  };
  const [kept = null] = entries.length === 0 ? [] : await ranked(entries, given, parts.reader, deeper);
  if (wanted.isRight(answer))
    return { ...miss, outcome: "answered", reason: "The question is answered now.", kept };
  const verdict = kept
    ? whyNotAnswered(kept, miss, parts.reader, held)
    : wanted.line
      ? await whyNotKept(memory, wanted.line, held)
      : whyNeverPerceived(wanted, miss.gaps, held);
  return { ...miss, ...verdict };
}

/** Where it was lost, with what shows it. */
type Verdict = Pick<Miss, "outcome" | "reason"> & Partial<Miss>;

/** Kept: whether recall or the reader lost it. */
function whyNotAnswered(
  kept: KeptAnswer,
  { answer, searched }: Pick<Miss, "answer" | "searched">,
  { id, tokenBudget }: Reader,
  held: Held,
): Verdict {
  const { entry, rank, isFound, isShown } = kept;
  const { clip, policy, revision, writtenAtMs: decidedAtMs } = entry;
  const found = { kept, decision: { clip, policy, revision, decidedAtMs } };
  const where = `Kept as ${entry.id} ${momentIn(held, entry)} by ${revision}`;
  if (isFound && isShown) {
    const said = answer.abstained ? "declined" : `answered “${answer.option ?? answer.answer}”`;
    const reason = `${where} and found at rank ${rank}; the reader ${id} ${said}.`;
    return { ...found, outcome: "not-read", reason };
  }
  if (isFound) {
    const reason = `${where} and found at rank ${rank}, but the reader ${id} is shown ${tokenBudget} tokens at most, and it did not fit.`;
    return { ...found, outcome: "not-read", reason };
  }
  if (entry.closed) {
    const reason = `${where}, and not recalled because it was closed: ${entry.closed.reason}.`;
    return { ...found, outcome: "not-found", reason };
  }
  const place = rank === null ? `not among the first ${deepest}` : `at rank ${rank}`;
  const reason = `${where}, but recall gives the reader ${searched.recalled} memories for this question, and it is ${place}.`;
  return { ...found, outcome: "not-found", reason };
}

/** Perceived: whether the policy dropped it, or was not asked yet. */
async function whyNotKept(memory: Memory, line: PerceivedText, held: Held): Promise<Verdict> {
  const { decision, kept } = await decisionAbout(memory, line, held);
  const what = `Perceived ${momentIn(held, line)}: “${line.text}”${/[.!?…]$/.test(line.text) ? "" : "."}`;
  if (line.state === "stored") {
    if (!decision)
      return { outcome: "dropped", reason: `${what} Who decided about it is not kept.`, perceived: line };
    const day = new Date(decision.decidedAtMs).toISOString().slice(0, 16).replace("T", " ");
    const why = (decision.policy === "choice" && whyNoCandidate(line, held)) || ".";
    const others = kept.length === 1 ? "one other memory" : `${kept.length} other memories`;
    const instead =
      kept.length > 0 ? `It kept ${others} of that decision.` : "It kept nothing of that decision.";
    return {
      outcome: "dropped",
      reason: `${what} Dropped by ${decision.revision} on ${day} UTC${why} ${instead}`,
      ...{ perceived: line, decision, keptInstead: kept.slice(0, mostInstead) },
    };
  }
  const failure = held.clips.find(
    ({ stream, clip }) => stream === line.stream && clip === line.clip,
  )?.failure;
  const why = failure ? `${howFailed(failure)}: ${failure.message}` : "It waits to be decided.";
  return { outcome: "not-decided", reason: `${what} ${why}`, perceived: line };
}

const howFailed = ({ retryable }: Pick<ClipFailure, "retryable">) =>
  retryable ? "Its clip waits for another try" : "Its clip failed for good";

const momentIn = ({ clocks }: Held, { stream, startSeconds }: { stream: string; startSeconds: number }) =>
  `at ${formatMoment(startSeconds, clocks.get(stream) ?? { kind: "media" })} of ${stream}`;

interface Asked extends Omit<MissRequest, "question" | "task"> {
  readonly question: Question;
}

async function askedOf(memory: Memory, request: MissRequest): Promise<Asked> {
  const { task: id, question: given, ...rest } = request;
  const task = id === undefined ? null : await taskOf(memory, id);
  if (given === undefined && task === null)
    throw new ConfigError(
      "question-empty",
      "Expected a question or the id of one that was asked, got neither.",
    );
  const question = given === undefined ? task!.question : toQuestion(given);
  const correction = task?.feedback?.correction;
  return {
    ...(task?.asOfSeconds != null && { asOfSeconds: task.asOfSeconds }),
    ...(correction != null && { expected: correction }),
    ...rest,
    question,
  };
}

async function taskOf(memory: Memory, id: string): Promise<Task> {
  const task = (await memory.tasks()).find((one) => one.id === id);
  if (task) return task;
  throw new StoreError("task-unknown", `Expected the id of a question that was asked, got ${id}`);
}

/** What the reader was given in one look. */
type Given = Pick<ReadRequest, "recalled" | "rendered">;

/** A reader whose looks are kept. */
function watching(reader: Reader, given: Given[]): Reader {
  return {
    ...{ id: reader.id, tokenBudget: reader.tokenBudget, ...asksBack(reader) },
    read: (request) => {
      given.push({ recalled: request.recalled, rendered: request.rendered });
      return reader.read(request);
    },
  };
}

/** What of a reader decides how memory is looked through. */
const asksBack = (reader: Reader) => ({
  ...(reader.find && { find: reader.find.bind(reader) }),
  ...(reader.replaced && { replaced: reader.replaced.bind(reader) }),
});

/** Takes part in a search without a call of a model. */
const readsNothing: Reader = {
  ...{ id: "none", tokenBudget: 1 },
  read: async () => ({ answer: "", option: null, abstained: true, cited: [], cost: noCost }),
};

/** What is held of the streams that were asked. */
interface Held {
  readonly records: readonly StreamRecord[];
  readonly clocks: ReadonlyMap<string, Clock>;
  readonly clips: readonly ClipRecord[];
  readonly entries: readonly Entry[];
  readonly gaps: readonly Gap[];
  readonly observations: readonly Observation[];
  readonly lines: { readonly all: readonly PerceivedText[]; readonly observed: number };
}

async function heldIn(memory: Memory, { streams, asOfSeconds }: Asked): Promise<Held> {
  const records = (await memory.streams()).filter(({ id }) => streams?.includes(id) ?? true);
  const ids = records.map(({ id }) => id);
  const until = asOfSeconds === undefined ? {} : { asOfSeconds };
  const clips = await allOf(memory, "clips", { streams: ids });
  const states = new Map(clips.map(({ stream, clip, state }) => [`${stream} ${clip}`, state]));
  const observations: Observation[] = [];
  for (const id of ids) {
    const { pending } = await memory.progress(id, 1);
    observations.push(...(await memory.observations(id)), ...(await memory.observations(id, "failed")));
    observations.push(...pending);
  }
  const known = observations.filter(
    ({ endSeconds }) => endSeconds <= (asOfSeconds ?? Number.POSITIVE_INFINITY),
  );
  const all = known.flatMap((observation) =>
    sourceTexts(observation).map((text): PerceivedText => {
      const { stream, clip } = observation;
      return { ...text, stream, clip, state: states.get(`${stream} ${clip}`) ?? "perceived" };
    }),
  );
  return {
    ...{ records, clips, observations: known, lines: { all, observed: known.length } },
    clocks: new Map(records.map(({ id, clock }) => [id, clock])),
    entries: await allOf(memory, "entries", { streams: ids, includeClosed: true, ...until }),
    gaps: await memory.gaps({ streams: ids }),
  };
}

/** A whole list, page by page, so that others are answered in between. */
async function allOf<List extends "clips" | "entries">(
  memory: Memory,
  list: List,
  filter: PageFilters[List],
): Promise<Paged[List][]> {
  const all: Paged[List][] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = await memory.page(list, filter, { limit: 1000, ...(cursor && { cursor }) });
    all.push(...page.items);
    cursor = page.next;
    await turn();
  }
  return all;
}

/** What was wanted, as far as memory can tell it. */
interface Wanted {
  readonly atSeconds: number | null;
  /** The text that perception found of it; `null` where it found none. */
  readonly line: PerceivedText | null;
  /** Memories that hold it, equally well. */
  entries(): Entry[];
  isRight(answer: Answer): boolean;
}

/** @throws ConfigError `expected-missing` */
function wantedOf(asked: Asked, held: Held, words: WordSpace): Wanted {
  const { question } = asked;
  const option = question.options.find(
    ({ letter, text }) => letter === asked.expected || same(text, asked.expected ?? ""),
  );
  const expected = option?.text ?? asked.expected;
  const ofQuestion = new Set(words.stems(question.text));
  const stems = [...new Set(words.stems(expected ?? ""))];
  const own = stems.filter((stem) => !ofQuestion.has(stem));
  const needed = own.length > 0 ? own : stems;
  const moment =
    asked.atSeconds ?? (needed.length === 0 || isMoment(expected) ? momentOf(expected, held) : null);
  const sought = isMoment(expected) && moment !== null && asked.atSeconds === undefined ? [] : needed;
  if (moment === null && sought.length === 0)
    throw new ConfigError(
      "expected-missing",
      "Expected the right answer with a word that tells it, or the moment it was said or shown, got neither: --expected TEXT or --at TIME (`expected`, `atSeconds`)",
    );
  const near = (one: { startSeconds: number; endSeconds: number }, reach: number) =>
    moment === null || (one.startSeconds - reach <= moment && one.endSeconds + reach >= moment);
  /** How well a text tells some words, 0 for not; what it shares with the question decides between equals. */
  const tells = (text: string, of: readonly string[]): number => {
    const there = new Set(words.stems(text));
    const share = (some: readonly string[]) =>
      some.length === 0 ? 1 : some.filter((stem) => there.has(stem)).length / some.length;
    const told = share(of);
    return told < leastShare ? 0 : told + share([...ofQuestion]);
  };
  const best = <One>(some: readonly One[], worth: (one: One) => number): One[] => {
    const all = some.map((one) => ({ one, value: worth(one) })).filter(({ value }) => value > 0);
    const most = Math.max(...all.map(({ value }) => value));
    return all.filter(({ value }) => value > most - 1e-9).map(({ one }) => one);
  };
  const distance = ({ startSeconds, endSeconds }: PerceivedText) =>
    moment === null ? 0 : Math.max(0, startSeconds - moment, moment - endSeconds);
  const lines = best(
    held.lines.all.filter((line) => near(line, sought.length > 0 ? nearSeconds : 10)),
    // Of words that are not known, those said at the moment tell.
    (line) => tells(line.text, sought) - (sought.length > 0 ? 0 : distance(line) / 10),
  );
  const line = lines.at(-1) ?? null;
  const ofLine = sought.length > 0 || line === null ? sought : words.stems(line.text);
  const entries = () =>
    best(
      held.entries.filter((entry) => near(entry, nearSeconds) && (ofLine.length > 0 || near(entry, 0))),
      (entry) => tells(entry.text, ofLine),
    );
  return {
    ...{ atSeconds: moment, line, entries },
    isRight: (answer) => {
      if (answer.abstained) return false;
      if (option) return answer.option === option.letter;
      if (sought.length > 0) return tells(answer.answer, sought) > 0;
      return answer.citations.some((citation) => entries().some(({ id }) => id === citation.entry));
    },
  };
}

const same = (a: string, b: string) => a.trim().toLowerCase() === b.trim().toLowerCase();

/** Whether an answer is a time on a clock and nothing else. */
const isMoment = (expected: string | undefined) =>
  expected !== undefined && /^\W*(?:at |day ?\d+,? )?\d+(:\d\d){1,2}\W*$/i.test(expected);

function momentOf(expected: string | undefined, { records }: Held): number | null {
  for (const { clock } of records) {
    const seconds = parseMoment((expected ?? "").replace(/^\W*at /i, ""), clock);
    if (seconds !== null) return seconds;
  }
  return null;
}

const gapsAt = (atSeconds: number | null, { gaps }: Held): Gap[] =>
  gaps.filter(
    ({ startSeconds, endSeconds }) =>
      atSeconds !== null && startSeconds <= atSeconds && endSeconds > atSeconds,
  );

/** The memories that hold the answer with their ranks, the best first. */
async function ranked(
  entries: readonly Entry[],
  given: readonly Given[],
  { readsEntries = false }: Reader,
  deeper: () => Promise<readonly Given[]>,
): Promise<KeptAnswer[]> {
  const placeIn = (lists: readonly { readonly recalled: readonly RecalledEntry[] }[], id: string) => {
    const places = lists.map(({ recalled }) => recalled.findIndex(({ entry }) => entry.id === id));
    const found = places.filter((place) => place >= 0);
    return found.length === 0 ? null : Math.min(...found) + 1;
  };
  const isFoundAny = entries.some(({ id }) => placeIn(given, id) !== null);
  const deep = isFoundAny ? [] : await deeper();
  return entries
    .map((entry): KeptAnswer => {
      const place = placeIn(given, entry.id);
      return {
        ...{ entry, rank: place ?? placeIn(deep, entry.id), isFound: place !== null },
        isShown: readsEntries
          ? place !== null
          : given.some(({ rendered }) => rendered.includes(`[${entry.id}]`)),
      };
    })
    .sort(
      (a, b) =>
        Number(b.isFound) - Number(a.isFound) ||
        Number(b.isShown) - Number(a.isShown) ||
        (a.rank ?? Number.POSITIVE_INFINITY) - (b.rank ?? Number.POSITIVE_INFINITY),
    );
}

/** Who decided about a line, and what else that decision kept. */
async function decisionAbout(
  memory: Memory,
  { stream, clip }: PerceivedText,
  { entries }: Held,
): Promise<{ decision: ClipDecision | null; kept: Entry[] }> {
  const decisions = await memory.decisions(stream);
  const decision = decisions.findLast((one) => one.clip === clip) ?? null;
  if (decision === null) return { decision, kept: [] };
  const { revision, decidedAtMs } = decision;
  const clips = new Set(
    decisions
      .filter((one) => one.revision === revision && one.decidedAtMs === decidedAtMs)
      .map((one) => one.clip),
  );
  const own = entries.filter(
    (entry) => entry.stream === stream && entry.revision === revision && clips.has(entry.clip),
  );
  return { decision, kept: own };
}

/** The end of a sentence on a line that the choice policy never had on offer; `null` where it had. */
function whyNoCandidate(line: PerceivedText, { observations }: Held): string | null {
  const observation = observations.find(({ stream, clip }) => stream === line.stream && clip === line.clip);
  if (!observation) return null;
  const isOffered = candidatesOf([observation], wordSpace, new Set()).some(({ statement }) =>
    statement.sources.some(
      ({ text, startSeconds }) => text === line.text && startSeconds === line.startSeconds,
    ),
  );
  if (isOffered) return null;
  return line.kind === "screen"
    ? `, which could not trust it: it was read with a confidence of ${Math.round(line.confidence ?? 0)} in 100.`
    : ", which takes it for noise: it holds no word that tells something.";
}

const because = (outcome: MissOutcome, reason: string): Verdict => ({ outcome, reason });

function whyNeverPerceived({ atSeconds }: Wanted, gaps: readonly Gap[], held: Held): Verdict {
  const moment = ({ id, clock }: StreamRecord, seconds: number) => `${formatMoment(seconds, clock)} of ${id}`;
  if (atSeconds === null) {
    const { observed } = held.lines;
    const older = held.clips.length - observed;
    const none = `No text of the ${observed} clips whose observation is kept tells it`;
    const failed = held.clips.filter(({ failure }) => failure !== null && !failure.retryable).length;
    if (older > 0)
      return because(
        "unknown",
        `${none}, and of ${older} more the observation is no longer kept${failed > 0 ? ` (${failed} failed for good)` : ""}: say when it was, or give the words that were used.`,
      );
    const pictured = held.observations.filter(({ frames }) => frames.length > 0).length;
    const seen = pictured > 0 ? ` ${pictured} of them have pictures, in which it may have been seen.` : "";
    return because("never-perceived", `${none}, nor does any memory.${seen}`);
  }
  const [gap] = gaps;
  if (gap) return because("never-perceived", `${gap.stream} was not watched then: ${gap.detail}.`);
  const there = held.clips.filter((clip) => clip.startSeconds <= atSeconds && clip.endSeconds > atSeconds);
  if (there.length === 0) {
    const [record] = held.records;
    const when = record ? `at ${moment(record, atSeconds)}` : "then";
    return because("never-perceived", `Nothing was watched ${when}.`);
  }
  const observation = held.observations.find((one) =>
    there.some(({ stream, clip }) => one.stream === stream && one.clip === clip),
  );
  const record = held.records.find(({ id }) => id === there[0]!.stream)!;
  const clip = `clip ${there[0]!.clip} (${moment(record, there[0]!.startSeconds)})`;
  const { failure } = there[0]!;
  if (failure) {
    const how = failure.retryable ? "waits for another try" : "failed for good";
    return because("not-decided", `${clip[0]!.toUpperCase()}${clip.slice(1)} ${how}: ${failure.message}`);
  }
  if (!observation)
    return because(
      "unknown",
      `What perception made of ${clip} is no longer kept, and no memory of that time tells it.`,
    );
  const texts = sourceTexts(observation);
  const found =
    texts.length === 0
      ? "found no text there"
      : `found other text there: ${texts
          .slice(0, 3)
          .map(({ text }) => `“${text}”`)
          .join(", ")}`;
  const problems = observation.problems.length > 0 ? ` ${observation.problems.join(" ")}` : "";
  const senses = Object.entries(observation.tiers).map(([sense, tier]) => `${sense} by ${tier}`);
  return because(
    "never-perceived",
    `Of ${clip} perception ${found} (${senses.join(", ") || "no sense ran"}).${problems}`,
  );
}
