/**
 * Texts as a source: transcripts and captions on one timeline, cut like any other source, without pictures.
 *
 * Files whose names carry a clock are placed by it. Without any clock all files start at 0: they are layers of one
 * recording, such as a transcript and its captions. A text may still be written: what is new in it since it was last
 * read is told from what its first bytes held then.
 */
import { basename, extname } from "node:path";
import { DataError } from "../../errors.ts";
import { sha256 } from "../../util/hash.ts";
import type { Clock } from "../../util/time.ts";
import type { Clip, Cue, Gap, LeftOut, OpenOptions, Source, SourceFile } from "../clip.ts";
import { ClipCutter } from "../clip-cutter.ts";
import { holesIn, joined, type Span } from "../spans.ts";
import { ambiguousExtensions } from "../texts/subtitles.ts";
import { readTexts, type TextOptions, unreadTexts } from "../texts/texts.ts";
import { FileMarks } from "./file-marks.ts";
import { freeId, type IdentifiedFile, recognise } from "./known-files.ts";
import { placing } from "./placing.ts";

/** A shorter time without text between two files is silence; a longer one is a gap. Seconds. */
const leastSilentGapSeconds = 300;

/** How texts are read and cut. */
export interface TextSourceOptions extends TextOptions {
  readonly id: string;
  readonly otherIds?: readonly string[];
  readonly description: string;
  readonly clipSeconds: number;
  /** Whether a file that cannot be read costs no other: as in a folder. */
  readonly isFolder: boolean;
  /** What was left out of the files. @default nothing */
  readonly leftOut?: readonly LeftOut[];
}

/** A text with its cues, in its own time. */
interface ReadText {
  readonly file: IdentifiedFile;
  readonly cues: readonly Cue[];
}

/** Text files as one source. @throws DataError if none of them, or one that was named, cannot be read */
export async function textSource(
  files: readonly IdentifiedFile[],
  options: TextSourceOptions,
): Promise<Source> {
  const { id, otherIds = [], description, clipSeconds } = options;
  const { texts, leftOut } = await readAll(files, options);
  const own = texts.map(({ file }) => file);
  const placed = placing(own);
  const startsOn = (clock: Clock) => startsOf(texts, (file) => placed.startOf(file, clock));
  const ends = [...startsOn(placed.clock)].map(([text, start]) => start + lengthOf(text.cues));
  let marks = new FileMarks();
  return {
    ...{ id, otherIds, description, clipSeconds, live: false, clock: placed.clock },
    endSeconds: ends.reduce((a, b) => Math.max(a, b), 0),
    fingerprint: options.isFolder ? null : fingerprintOf(texts, startsOn(placed.clock)),
    leftOut: [...(options.leftOut ?? []), ...placed.leftOut, ...leftOut],
    get files() {
      return marks.all();
    },
    holds: (known) => recognise(own, known).size > 0,
    async *open({ fromSeconds = 0, files: known = [], clock = placed.clock, signal }: OpenOptions = {}) {
      const seen = recognise(own, known);
      marks = new FileMarks([...seen].map(([{ name }, mark]) => ({ ...mark, name })));
      const legacySeconds = known.length === 0 ? fromSeconds : 0;
      const before = { seen, known, starts: startsOn(clock), fromSeconds: legacySeconds };
      const pieces = await newPieces(texts, before, options);
      for (const { mark } of pieces) marks.begin(mark);
      for (const { mark, endSeconds } of pieces) marks.finish(mark.id, endSeconds, true);
      const watched = [
        ...known.filter(({ watchedSeconds }) => watchedSeconds > 0).map(spanOf),
        ...(known.length === 0 && fromSeconds > 0 ? [{ startSeconds: 0, endSeconds: fromSeconds }] : []),
      ];
      for (const item of cutTexts(id, clipSeconds, pieces, watched, signal))
        yield item.kind === "clip" ? { ...item, files: marks.at(item.endSeconds) } : item;
    },
  };
}

async function readAll(
  files: readonly IdentifiedFile[],
  options: TextSourceOptions,
): Promise<{ readonly texts: readonly ReadText[]; readonly leftOut: readonly LeftOut[] }> {
  const texts: ReadText[] = [];
  const leftOut: LeftOut[] = [];
  let failure: DataError | undefined;
  for (const file of files) {
    try {
      const { cues, problems } = await readTexts(file.path, {
        ...options,
        firstBytes: file.bytes || undefined,
      });
      texts.push({ file, cues });
      leftOut.push(...unreadTexts(problems));
    } catch (error) {
      if (!(error instanceof DataError) || !options.isFolder) throw error;
      failure ??= error;
      const kind = ambiguousExtensions.has(extname(file.name).toLowerCase()) ? "file" : "damaged";
      leftOut.push({ kind, name: file.name, reason: error.message });
    }
  }
  if (texts.length === 0 && failure) throw failure;
  return { texts, leftOut };
}

/** Where texts start: by their clocks; texts without one start at 0 if there is no clock, otherwise after the others. */
function startsOf(
  texts: readonly ReadText[],
  startOf: (file: IdentifiedFile) => number | null,
): Map<ReadText, number> {
  const clocked = texts.flatMap((text) => {
    const start = startOf(text.file);
    return start === null ? [] : [[text, start] as const];
  });
  const starts = new Map(clocked);
  let end = clocked.reduce((last, [text, start]) => Math.max(last, start + lengthOf(text.cues)), 0);
  for (const text of texts) {
    if (starts.has(text)) continue;
    starts.set(text, end);
    if (clocked.length > 0) end += lengthOf(text.cues);
  }
  return starts;
}

const lengthOf = (cues: readonly Cue[]) => cues.reduce((end, { endSeconds }) => Math.max(end, endSeconds), 0);

/** What identified texts before the marks of their files were kept. */
function fingerprintOf(texts: readonly ReadText[], starts: ReadonlyMap<ReadText, number>): string {
  const cues = texts.flatMap((text) =>
    text.cues.map((cue) => ({ ...cue, startSeconds: cue.startSeconds + starts.get(text)! })),
  );
  const first = cues.sort((a, b) => a.startSeconds - b.startSeconds)[0];
  const [firstText] = texts.toSorted((a, b) => starts.get(a)! - starts.get(b)!);
  const name = basename(firstText?.file.path ?? "");
  return sha256(JSON.stringify([name, first?.startSeconds ?? null, first?.text ?? null]));
}

/** What is new in a text, on the stream's timeline, and the mark from which it is read. */
export interface TextPiece {
  readonly mark: SourceFile;
  readonly cues: readonly Cue[];
  /** Time that no run has watched yet, and that of cues which came later. */
  readonly spans: readonly Span[];
  /** Length of the text. */
  readonly endSeconds: number;
}

async function newPieces(
  texts: readonly ReadText[],
  before: {
    readonly seen: ReadonlyMap<IdentifiedFile, SourceFile>;
    readonly known: readonly SourceFile[];
    readonly starts: ReadonlyMap<ReadText, number>;
    readonly fromSeconds: number;
  },
  options: TextSourceOptions,
): Promise<TextPiece[]> {
  const ids = new Set(before.known.map(({ id }) => id));
  const pieces: TextPiece[] = [];
  for (const text of texts) {
    const { file } = text;
    const seen = before.seen.get(file);
    if (seen?.whole && seen.bytes === file.bytes) continue;
    const id = seen?.id ?? freeId(file.head.id, ids);
    ids.add(id);
    const startSeconds = seen?.startSeconds ?? before.starts.get(text)!;
    const legacy = startSeconds < 0 ? 0 : Math.max(0, before.fromSeconds - startSeconds);
    const watchedSeconds = seen?.watchedSeconds ?? legacy;
    const cues = await newCues(text, seen, watchedSeconds, options);
    const endSeconds = Math.max(watchedSeconds, lengthOf(text.cues));
    const late = cues.filter((cue) => cue.startSeconds < watchedSeconds);
    const rest = endSeconds > watchedSeconds ? [{ startSeconds: watchedSeconds, endSeconds }] : [];
    pieces.push({
      mark: { id, name: file.name, startSeconds, watchedSeconds, bytes: file.bytes, whole: false },
      cues: cues.map((cue) => shifted(cue, startSeconds)),
      spans: [...late, ...rest].map((span) => shifted(span, startSeconds)),
      endSeconds,
    });
  }
  return pieces;
}

/** The cues of a text that were not watched: those after its mark, and those that it did not hold then. */
async function newCues(
  { file, cues }: ReadText,
  seen: SourceFile | undefined,
  watchedSeconds: number,
  options: TextOptions,
): Promise<Cue[]> {
  const grew = seen !== undefined && seen.bytes < file.bytes;
  const read = (bytes: object) => readTexts(file.path, { ...options, ...bytes }).catch(none);
  const earlier = grew ? await read({ firstBytes: seen.bytes }) : { cues };
  const now = grew ? await read({ firstBytes: file.bytes, bytesRead: seen.bytes }) : { cues };
  return withoutWatched(
    now.cues,
    earlier.cues.filter((cue) => seen?.whole || cue.startSeconds < watchedSeconds),
  );
}

/** Cues without those that were watched; one that comes twice is watched twice. */
export function withoutWatched(cues: readonly Cue[], watched: readonly Cue[]): Cue[] {
  const keyOf = (cue: Cue) =>
    JSON.stringify([cue.startSeconds, cue.endSeconds, cue.text, cue.speaker, cue.kind]);
  const left = new Map<string, number>();
  for (const cue of watched) left.set(keyOf(cue), (left.get(keyOf(cue)) ?? 0) + 1);
  return cues.filter((cue) => {
    const times = left.get(keyOf(cue)) ?? 0;
    left.set(keyOf(cue), times - 1);
    return times <= 0;
  });
}

const none = (error: unknown): { cues: readonly Cue[] } => {
  if (error instanceof DataError) return { cues: [] };
  throw error;
};

export const shifted = <Timed extends Span>(item: Timed, seconds: number): Timed => ({
  ...item,
  startSeconds: item.startSeconds + seconds,
  endSeconds: item.endSeconds + seconds,
});

const spanOf = ({ startSeconds, watchedSeconds }: SourceFile): Span => ({
  startSeconds,
  endSeconds: startSeconds + watchedSeconds,
});

/**
 * Clips of texts, and the gaps between them.
 * @param watched what earlier runs watched: only where something is new in it does it give clips
 */
export function* cutTexts(
  stream: string,
  clipSeconds: number,
  pieces: readonly TextPiece[],
  watched: readonly Span[],
  signal: AbortSignal | undefined,
): Generator<Clip | Gap> {
  const cues = pieces.flatMap((piece) => piece.cues).sort((a, b) => a.startSeconds - b.startSeconds);
  const spans = joined(
    pieces.flatMap((piece) => piece.spans),
    leastSilentGapSeconds,
  );
  const covered = joined([...watched, ...spans], leastSilentGapSeconds);
  const known = joined(watched, leastSilentGapSeconds);
  const isNew = (item: Clip | Gap) =>
    item.kind === "gap" || item.cues.length > 0 || holesIn(item, known, 1e-3).length > 0;
  const cutter = new ClipCutter(stream, clipSeconds, undefined, covered);
  let next = 0;
  for (const span of spans) {
    cutter.begin(span.startSeconds);
    for (let at = span.startSeconds; at < span.endSeconds; ) {
      signal?.throwIfAborted();
      at = Math.min(span.endSeconds, (Math.floor(at / clipSeconds + 1e-9) + 1) * clipSeconds);
      for (; next < cues.length && cues[next]!.startSeconds < at; next++) cutter.addCue(cues[next]!);
      cutter.advance(at);
      yield* cutter.take().filter(isNew);
    }
  }
  cutter.close();
  yield* cutter.take().filter(isNew);
}
