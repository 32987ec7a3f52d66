/** What a request to forget describes, without a store: which texts, tasks and observations. */
import type { WordSpace } from "../engine.ts";
import type { Observation } from "../perception/observation.ts";
import type { Task } from "../tasks/task.ts";
import { isForgottenFloor } from "./floor.ts";
import { foldName, mentions, sameName } from "./names.ts";
import type { ForgetRequest, Gap, LeftOut, PackedObservation, SourceFile, StreamRecord } from "./records.ts";
import { withoutPath } from "./source-files.ts";

/** How many entries a report shows as a sample. */
export const sampleSize = 10;

/** Message of a failure whose own was removed. */
export const forgottenMessage = "The message was forgotten.";

/** Whether a request describes something with these texts and these names. */
export type Meant = (texts: readonly string[], names: readonly string[]) => boolean;

/** What a request removes. */
export interface Reach {
  readonly meant: Meant;
  /** Whether it is by stream or time alone: whole clips then go. */
  readonly bySpan: boolean;
  /** Whether it is by stream alone: the streams themselves then go too. */
  readonly wholeStreams: boolean;
  /** Whether it is about a person alone: their name is then removed from all counts. */
  readonly personOnly: boolean;
  /** Whether it is by person or query, so that decisions without an entry may be meant too. */
  readonly byText: boolean;
  /** Whether counts are taken back by who said them, and not whole clips at a time. */
  readonly bySpeaker: boolean;
}

/**
 * Checks that a request says what to forget.
 * @throws TypeError if it names nothing; RangeError for an empty name or a query without a content word
 */
export function assertSaysWhat(request: ForgetRequest, words: WordSpace): void {
  if (Object.values(request).every((given) => given === undefined)) {
    throw new TypeError(
      "The request to forget names nothing. Give streams, a span of time, a person, a query or entries.",
    );
  }
  const { person, query } = request;
  if (person !== undefined && foldName(person) === "") {
    throw new RangeError("Expected `person` to be a name, got an empty text");
  }
  if (query !== undefined && words.stems(query).length === 0) {
    throw new RangeError(
      `Expected \`query\` to hold a content word, got ${JSON.stringify(query)}: it would match nothing or everything`,
    );
  }
}

export function reachOf(request: ForgetRequest, words: WordSpace): Reach {
  const { streams, fromSeconds, toSeconds, person, query, entries } = request;
  const bySpan = [person, query, entries].every((given) => given === undefined);
  const byText = !bySpan && entries === undefined;
  return {
    meant: whatIsMeant(request, words),
    bySpan,
    wholeStreams: bySpan && streams !== undefined && fromSeconds === undefined && toSeconds === undefined,
    personOnly:
      person !== undefined &&
      [streams, fromSeconds, toSeconds, query, entries].every((given) => given === undefined),
    byText,
    // A name that is no word is counted nowhere, so what mentions it cannot be told by the counts.
    bySpeaker: byText && person !== undefined && words.stems(person).length > 0,
  };
}

function whatIsMeant({ person, query }: ForgetRequest, words: WordSpace): Meant {
  const name = person === undefined ? undefined : foldName(person);
  const stems = query === undefined ? undefined : words.stems(query);
  const holdsWords = (text: string) => {
    const held = new Set(words.stems(text));
    return stems!.every((stem) => held.has(stem));
  };
  return (texts, names) =>
    (name === undefined || [...texts, ...names].some((text) => mentions(text, name))) &&
    (stems === undefined || texts.some(holdsWords));
}

/** Stems of a person's name, in every spelling of it that some texts hold. */
export function nameStemsIn(person: string, texts: Iterable<string>, words: WordSpace): Set<string> {
  const parts = person.split(/\s+/);
  const stems = new Set(words.stems(person));
  for (const text of texts) {
    for (const [word] of text.matchAll(/[\p{L}\p{M}]+/gu))
      if (parts.some((part) => sameName(part, word))) for (const stem of words.stems(word)) stems.add(stem);
  }
  return stems;
}

/** Whether an observation shows what the request describes. */
export function isShown(
  { speech, captions, screen, people }: Observation | PackedObservation,
  meant: Meant,
): boolean {
  const said = [...speech, ...captions];
  const names = [...said.map(({ speaker }) => speaker ?? ""), ...people.map(({ name }) => name ?? "")];
  return meant(
    [...said, ...screen].map(({ text }) => text),
    names,
  );
}

/** Files of a stream whose names the request describes, without their names: they are known by their content. */
export function namelessFiles(
  stream: string,
  files: readonly SourceFile[],
  { streams }: ForgetRequest,
  { meant, byText }: Pick<Reach, "meant" | "byText">,
): SourceFile[] {
  if (!byText || !(streams?.includes(stream) ?? true)) return [];
  return files
    .filter(({ name }) => meant([name, wordsIn(name)], []))
    .map((file) => ({ ...withoutPath(file), name: "" }));
}

/** What is left of a stream's list of things left out: items whose words the request describes are removed. */
export function leftOutKept(
  { id, leftOut }: Pick<StreamRecord, "id" | "leftOut">,
  { streams }: ForgetRequest,
  { meant, byText }: Pick<Reach, "meant" | "byText">,
): readonly LeftOut[] {
  if (!byText || !(streams?.includes(id) ?? true)) return leftOut;
  return leftOut.filter(({ name, reason }) => !meant([name ?? "", wordsIn(name ?? ""), reason], []));
}

/**
 * Whether a task is removed: it cites a forgotten entry, is about a removed stream, or its text is what the request
 * describes.
 */
export function taskGoes(
  task: Task,
  request: ForgetRequest,
  { bySpan, byText, meant, wholeStreams }: Reach,
  entries: ReadonlySet<string>,
): boolean {
  const { streams } = request;
  return (
    task.citations.some((id) => entries.has(id) || (bySpan && isForgottenFloor(id, request))) ||
    (wholeStreams && task.stream !== null && streams!.includes(task.stream)) ||
    (byText && isOfStreams(task, streams) && meant(textsOf(task), []))
  );
}

const isOfStreams = (task: Task, streams: readonly string[] | undefined) =>
  streams === undefined || task.stream === null || streams.includes(task.stream);

const textsOf = ({ question, answer, feedback }: Task) => [
  question.text,
  ...question.options.map(({ text }) => text),
  answer,
  feedback?.correction ?? "",
];

/**
 * What a request cannot reach, one sentence each: copies elsewhere, names in the ids and paths of streams, details of
 * gaps, and questions that cannot be told from others.
 *
 * @param left what the memory holds afterwards
 */
export function outOfReach(
  { streams }: ForgetRequest,
  { meant, byText }: Pick<Reach, "meant" | "byText">,
  left: {
    readonly streams: readonly Pick<StreamRecord, "id" | "description">[];
    readonly gaps: readonly Pick<Gap, "stream" | "detail">[];
    readonly tasks: readonly Task[];
  },
): string[] {
  const isScope = (stream: string) => streams?.includes(stream) ?? true;
  const named = !byText
    ? []
    : left.streams.filter(
        ({ id, description }) => isScope(id) && meant([wordsIn(id), wordsIn(description)], []),
      );
  const gaps = !byText
    ? []
    : left.gaps.filter(({ stream, detail }) => isScope(stream) && meant([wordsIn(detail)], []));
  const open = left.tasks.filter((task) => task.citations.length === 0 && isOfStreams(task, streams));
  return [
    "Exports, backups, logs (TASKMEM_LOG) and the files that were watched are not touched: delete or change them yourself.",
    ...named.map(
      ({ id, description }) =>
        `The stream ${id} (${description}) is named so. Forget it with --stream ${JSON.stringify(id)}, and watch it under another name.`,
    ),
    ...(gaps.length > 0
      ? [
          `${gaps.length} gaps of ${[...new Set(gaps.map(({ stream }) => stream))].join(", ")} name it in their detail.`,
        ]
      : []),
    ...(open.length > 0
      ? [
          `${open.length} ${open.length === 1 ? "question cites" : "questions cite"} no memory, so it is unknown what ${open.length === 1 ? "it is" : "they are"} about: \`taskmem tasks\` lists them.`,
        ]
      : []),
  ];
}

/** A path or id as words: `2024_ann-kitchen.mp4` names Ann. */
const wordsIn = (text: string) => text.replace(/[^\p{L}\p{M}\p{N}]+|(?<=\p{Ll})(?=\p{Lu})/gu, " ");
