/**
 * Recorded media as a source: one file, or many files on one timeline.
 *
 * Files are placed by the clocks in their names or folders. A film of a camera whose name has none is placed by the date
 * in its container, and so is a file among others with clocks; any other file follows the rest, in the order in which it
 * was first seen.
 */
import { realpathSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { DataError } from "../../errors.ts";
import { sha256 } from "../../util/hash.ts";
import type { Clock } from "../../util/time.ts";
import type { Clip, LeftOut, Source, SourceFile } from "../clip.ts";
import type { FrameOptions, MediaInfo } from "../ffmpeg.ts";
import { lateTexts } from "../texts/late-texts.ts";
import { textsOf } from "../texts/media-texts.ts";
import { readBytes } from "./file-identity.ts";
import { FileMarks } from "./file-marks.ts";
import { freeId, type IdentifiedFile, recognise } from "./known-files.ts";
import { type Placing, placing } from "./placing.ts";
import { fileInput, probeFile } from "./probe-file.ts";
import { cutRecorded, type OpenedMedia, type TimedMedia } from "./recorded.ts";
import { cutTexts, type TextPiece } from "./text-source.ts";

/** How recorded media are cut, and which texts belong to them. */
export interface MediaSourceOptions {
  readonly id: string;
  readonly otherIds?: readonly string[];
  readonly description: string;
  readonly clipSeconds: number;
  readonly frames: FrameOptions;
  readonly languages: readonly string[];
  /** Subtitle file to use instead of those beside or inside the medium. */
  readonly subtitles?: string | undefined;
  /** What was left out of the files. @default nothing */
  readonly leftOut?: readonly LeftOut[];
  readonly signal?: AbortSignal | undefined;
}

/** One file as a source. @throws DataError if it or its subtitles cannot be read */
export async function fileSource(file: IdentifiedFile, options: MediaSourceOptions): Promise<Source> {
  const info = await probeFile(file.path, options.signal);
  const { texts, leftOut, used } = await textsOf(file.path, info, options);
  const opened = new Map([[file, { info, texts, used, leftOut: [] }]]);
  const about = { ...options, leftOut: [...(options.leftOut ?? []), ...leftOut] };
  const placed = placing([file], new Map([[file, info]]));
  const startSeconds = placed.startOf(file, placed.clock) ?? 0;
  return sourceOf([file], { placed, opened, infos: new Map() }, about, {
    endSeconds: info.durationSeconds === null ? null : startSeconds + info.durationSeconds,
    fingerprint: sha256(await readBytes(file.path, 0, headBytes)),
  });
}

/** Files on one timeline as a source. An unreadable file is a gap where its clock tells its place. */
export async function filesSource(
  files: readonly IdentifiedFile[],
  options: MediaSourceOptions,
): Promise<Source> {
  const infos = new Map<IdentifiedFile, MediaInfo>();
  for (const file of files) {
    if (file.clock !== null) continue;
    const info = await probeFile(file.path, options.signal).catch(onlyUnreadable);
    if (info) infos.set(file, info);
  }
  const placed = placing(files, infos);
  const lengths = files.map((file) => infos.get(file)?.durationSeconds ?? null);
  const isInARow = placed.clock.kind === "media" && lengths.every((seconds) => seconds !== null);
  return sourceOf(files, { placed, infos, opened: new Map() }, options, {
    endSeconds: isInARow ? lengths.reduce((sum, seconds) => sum + seconds, 0) : null,
    fingerprint: null,
  });
}

/** Length of a file in seconds, as its container says; `null` if it does not, or cannot be read. */
export async function lengthOf(file: IdentifiedFile, signal?: AbortSignal): Promise<number | null> {
  const info = await probeFile(file.path, signal).catch(onlyUnreadable);
  return info?.durationSeconds ?? null;
}

/** Bytes of the head that identified a file before identities were kept. */
const headBytes = 1 << 20;

const onlyUnreadable = (error: unknown): null => {
  if (error instanceof DataError) return null;
  throw error;
};

/** What is known of files before they are watched. */
interface Knowledge {
  readonly placed: Placing;
  readonly infos: ReadonlyMap<IdentifiedFile, MediaInfo>;
  readonly opened: ReadonlyMap<IdentifiedFile, OpenedMedia>;
}

function sourceOf(
  files: readonly IdentifiedFile[],
  knowledge: Knowledge,
  options: MediaSourceOptions,
  facts: Pick<Source, "endSeconds" | "fingerprint">,
): Source {
  const { id, otherIds = [], description, clipSeconds, frames, leftOut: found = [] } = options;
  const { placed } = knowledge;
  const leftOut: LeftOut[] = [...found, ...placed.leftOut];
  let marks = new FileMarks();
  return {
    ...{ id, otherIds, description, clipSeconds, live: false, clock: placed.clock, leftOut, ...facts },
    get files() {
      return marks.all();
    },
    holds: (known) => recognise(files, known).size > 0,
    async *open({ fromSeconds = 0, files: known = [], clock = placed.clock, signal } = {}) {
      const seen = recognise(files, known);
      marks = new FileMarks(
        [...seen].map(([file, mark]) => ({ ...mark, name: file.name, ...placeOf(file) })),
      );
      leftOut.splice(0, leftOut.length, ...found, ...placed.leftOut);
      const isResumed = known.length > 0;
      yield* cutRecorded(timedFiles(files, seen, known, { ...knowledge, clock, options }), {
        ...{ stream: id, clipSeconds, frames, signal, marks },
        fromSeconds: isResumed ? undefined : fromSeconds,
        watched: isResumed ? spansOf(known) : watchedBefore(fromSeconds),
        leaveOut: (...items) => void leftOut.push(...items),
      });
      const leaveOut = (item: LeftOut) => void leftOut.push(item);
      yield* lateClips(seen, known, marks, { options, leaveOut, signal });
    },
  };
}

/** Clips of what is new in texts beside files that were watched before. */
async function* lateClips(
  seen: ReadonlyMap<IdentifiedFile, SourceFile>,
  known: readonly SourceFile[],
  marks: FileMarks,
  how: {
    readonly options: MediaSourceOptions;
    readonly leaveOut: (item: LeftOut) => void;
    readonly signal: AbortSignal | undefined;
  },
): AsyncGenerator<Clip> {
  const { id, clipSeconds } = how.options;
  const late: TextPiece[] = [];
  const folders = new Map<string, Promise<readonly string[]>>();
  const namesIn = (folder: string) => {
    const names = folders.get(folder) ?? readdir(folder);
    folders.set(folder, names);
    return names;
  };
  for (const [{ path }, mark] of seen)
    late.push(...(await lateTexts(path, mark, known, how.options, how.leaveOut, namesIn)));
  for (const { mark, endSeconds } of late) {
    marks.begin(mark);
    marks.finish(mark.id, endSeconds, true);
  }
  for (const item of cutTexts(id, clipSeconds, late, spansOf(known), how.signal))
    if (item.kind === "clip" && item.cues.length > 0) yield { ...item, files: marks.at(item.endSeconds) };
}

/** The files that hold something new, with their places. */
function timedFiles(
  files: readonly IdentifiedFile[],
  seen: ReadonlyMap<IdentifiedFile, SourceFile>,
  known: readonly SourceFile[],
  how: Knowledge & { readonly clock: Clock; readonly options: MediaSourceOptions },
): TimedMedia[] {
  const ids = new Set(known.map(({ id }) => id));
  return files.flatMap((file) => {
    const mark = seen.get(file);
    const { name, bytes } = file;
    if (mark?.whole && mark.bytes === bytes) return [];
    const id = mark?.id ?? freeId(file.head.id, ids);
    ids.add(id);
    return {
      input: fileInput(file.path),
      startSeconds: mark?.startSeconds ?? how.placed.startOf(file, how.clock),
      mark: {
        ...{ id, name, bytes, ...placeOf(file) },
        ...{ watchedSeconds: mark?.watchedSeconds ?? 0, whole: mark?.whole ?? false },
      },
      load: (signal) => load(file, how, signal),
    } satisfies TimedMedia;
  });
}

/** Where a file lies; nothing where that cannot be told. */
function placeOf({ path }: IdentifiedFile): Pick<SourceFile, "path"> {
  try {
    return { path: realpathSync(path) };
  } catch {
    return {};
  }
}

async function load(
  file: IdentifiedFile,
  { opened, infos, options }: Knowledge & { readonly options: MediaSourceOptions },
  signal: AbortSignal | undefined,
): Promise<OpenedMedia> {
  const known = opened.get(file);
  if (known) return known;
  const info = infos.get(file) ?? (await probeFile(file.path, signal));
  try {
    return { info, ...(await textsOf(file.path, info, options)) };
  } catch (error) {
    // A text that cannot be read costs no picture.
    if (!(error instanceof DataError)) throw error;
    const { texts, used, leftOut } = await textsOf(null, info, options);
    return {
      ...{ info, texts, used },
      leftOut: [{ kind: "damaged", name: file.name, reason: error.message }, ...leftOut],
    };
  }
}

/** A run that kept no marks watched everything before a moment. */
export const watchedBefore = (fromSeconds: number) =>
  fromSeconds > 0 ? [{ startSeconds: 0, endSeconds: fromSeconds }] : [];

const spansOf = (files: readonly SourceFile[]) =>
  files
    .filter(({ watchedSeconds }) => watchedSeconds > 0)
    .map(({ startSeconds, watchedSeconds }) => ({ startSeconds, endSeconds: startSeconds + watchedSeconds }));

/** A readable id for a path: its last part, without extension. */
export function idOfPath(path: string): string {
  return basename(path).replace(/\.[^.]+$/, "") || basename(dirname(path));
}
