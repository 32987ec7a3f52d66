/**
 * Texts as a source: transcripts and captions on one timeline, cut like any other source, without pictures.
 *
 * Files whose names all carry a clock are placed by it. Otherwise all files start at 0: they are layers of one
 * recording, such as a transcript and its captions.
 */
import { basename } from "node:path";
import { sha256 } from "../util/hash.ts";
import type { Clock } from "../util/time.ts";
import type { Clip, Cue, Gap, LeftOut, OpenOptions, Source } from "./clip.ts";
import { ClipCutter } from "./clip-cutter.ts";
import { placeByNames } from "./clock-names.ts";
import type { Subtitles } from "./subtitles.ts";
import { readTexts, type TextOptions, unreadTexts } from "./texts.ts";

/** A shorter time without text between two files is silence; a longer one is a gap. Seconds. */
const leastGapSeconds = 300;

interface Span {
  readonly startSeconds: number;
  endSeconds: number;
}

/** How texts are read and cut. */
export interface TextSourceOptions extends TextOptions {
  readonly id: string;
  readonly description: string;
  readonly clipSeconds: number;
  /** What was left out of the files. @default nothing */
  readonly leftOut?: readonly LeftOut[];
}

/** Text files as one source. @throws DataError if a file cannot be read */
export async function textSource(paths: readonly string[], options: TextSourceOptions): Promise<Source> {
  const { id, description, clipSeconds } = options;
  const { clock, placed } = placeByNames(paths) ?? {
    clock: { kind: "media" } as Clock,
    placed: paths.map((path) => ({ path, startSeconds: 0 })),
  };
  const layers: Subtitles[] = [];
  const spans: Span[] = [];
  for (const { path, startSeconds: offset } of placed) {
    const read = await readTexts(path, options);
    const shifted = read.cues.map((cue) => ({
      ...cue,
      startSeconds: cue.startSeconds + offset,
      endSeconds: cue.endSeconds + offset,
    }));
    layers.push({ cues: shifted, problems: read.problems });
    const endSeconds = shifted.reduce((end, cue) => Math.max(end, cue.endSeconds), offset);
    const last = spans.at(-1);
    if (last && offset - last.endSeconds < leastGapSeconds)
      last.endSeconds = Math.max(last.endSeconds, endSeconds);
    else spans.push({ startSeconds: offset, endSeconds });
  }
  const cues = layers.flatMap((layer) => layer.cues).sort((a, b) => a.startSeconds - b.startSeconds);
  const [first] = cues;
  const identity = [basename(placed[0]?.path ?? ""), first?.startSeconds ?? null, first?.text ?? null];
  return {
    id,
    description,
    live: false,
    clock,
    clipSeconds,
    endSeconds: spans.at(-1)?.endSeconds ?? 0,
    fingerprint: sha256(JSON.stringify(identity)),
    leftOut: [...(options.leftOut ?? []), ...layers.flatMap(({ problems }) => unreadTexts(problems))],
    open: (openOptions) => cutTexts(id, clipSeconds, spans, cues, openOptions),
  };
}

async function* cutTexts(
  stream: string,
  clipSeconds: number,
  spans: readonly Span[],
  cues: readonly Cue[],
  { fromSeconds = 0, signal }: OpenOptions = {},
): AsyncGenerator<Clip | Gap> {
  const cutter = new ClipCutter(stream, clipSeconds, fromSeconds);
  let next = 0;
  for (const span of spans) {
    cutter.begin(span.startSeconds);
    for (let at = span.startSeconds; at < span.endSeconds; ) {
      signal?.throwIfAborted();
      at = Math.min(span.endSeconds, (Math.floor(at / clipSeconds + 1e-9) + 1) * clipSeconds);
      for (; next < cues.length && cues[next]!.startSeconds < at; next++) cutter.addCue(cues[next]!);
      cutter.advance(at);
      yield* cutter.take();
    }
  }
  cutter.close();
  yield* cutter.take();
}
