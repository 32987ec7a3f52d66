/**
 * What is heard without words, as lines on offer: at most one a decision for speech and one for other sound, and only
 * where nothing said is known.
 *
 * Sound that lasts is told of when it begins. Speech that continues is told of again every five minutes, so that a long
 * talk leaves a trace in time without a line for each clip; how much of each minute is speech is in the floor.
 */
import type { SourceText, Statement } from "../../memory/memory.ts";
import type { Observation } from "../../perception/observation.ts";
import { heardName, heardOverall, heardText } from "../../perception/speech-heard.ts";

/** Of each kind: until when it was heard, and when it was last told of. In seconds of the stream. */
export type HeardBefore = {
  readonly [Kind in "speech" | "sound"]?: { readonly untilSeconds: number; readonly toldSeconds: number };
};

/** Silence of this length, or something else heard, ends what lasts. */
const pauseSeconds = 30;
/** Speech that continues is told of again after this time. */
const againSeconds = 300;

/** A line, and what it rests on: the length is no word that would make it rare. */
export interface Line {
  readonly line: string;
  readonly source: SourceText;
}

/** The lines of some clips. */
export function heardLines(observations: readonly Observation[], before: HeardBefore): Line[] {
  if (observations.some(({ speech }) => speech.length > 0)) return [];
  return overall(observations)
    .filter(({ kind, startSeconds }) => isNews(kind, startSeconds, before))
    .map((heard) => {
      const { startSeconds, endSeconds } = heard;
      const text = `${heardName(heard).replace(/,$/, "")}.`;
      const source = {
        kind: "sound" as const,
        startSeconds,
        endSeconds,
        text,
        speaker: null,
        confidence: null,
      };
      return { line: heardText(heard), source };
    });
}

/** What was heard once these clips are decided about; `undefined` if nothing ever was. */
export function heardAfter(
  observations: readonly Observation[],
  before: HeardBefore | undefined,
  kept: readonly Statement[],
): HeardBefore | undefined {
  const heard = overall(observations);
  if (heard.length === 0) return before;
  const toldOf = (startSeconds: number) =>
    kept.some(({ sources }) =>
      sources.some((source) => source.kind === "sound" && source.startSeconds === startSeconds),
    );
  const after = { ...before };
  for (const { kind, startSeconds, endSeconds } of heard) {
    const told = toldOf(startSeconds) ? startSeconds : before?.[kind]?.toldSeconds;
    // What was not kept is news still.
    if (told !== undefined) after[kind] = { untilSeconds: endSeconds, toldSeconds: told };
  }
  return after;
}

const overall = (observations: readonly Observation[]) =>
  heardOverall(
    observations.flatMap(({ heard = [] }) => heard),
    Math.max(...observations.map(({ endSeconds }) => endSeconds)),
  );

function isNews(kind: "speech" | "sound", startSeconds: number, before: HeardBefore): boolean {
  const last = before[kind];
  if (!last || startSeconds - last.untilSeconds > pauseSeconds) return true;
  return kind === "speech" && startSeconds - last.toldSeconds >= againSeconds;
}
