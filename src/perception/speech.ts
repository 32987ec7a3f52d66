/**
 * What was said in a clip: the source's subtitles, or, if it has none, what the transcriber hears.
 *
 * The transcriber gets one clip at a time, so a sentence cut by a clip's edge may become two utterances. The paper
 * transcribes overlapping windows instead, at several times the cost.
 */
import type { Transcriber } from "../engine.ts";
import type { Clip } from "../stream/clip.ts";
import type { Utterance } from "./observation.ts";

interface Hearing {
  readonly tier: string;
  readonly utterances: Utterance[];
}

/** Utterances of a clip and their tier; without subtitles, audio or transcriber the tier is `none`. */
export async function hear(
  clip: Clip,
  { transcriber, language }: { transcriber: Transcriber | null; language: string | null },
  signal?: AbortSignal,
): Promise<Hearing> {
  if (!transcriber || !clip.audio || clip.audio.samples.length === 0) return { tier: "none", utterances: [] };
  const segments = await transcriber.transcribe(clip.audio, {
    ...(language && { language }),
    ...(signal && { signal }),
  });
  const utterances = segments
    .filter(({ text }) => text.trim() !== "")
    .map(({ startSeconds, endSeconds, text, speaker }) => ({
      startSeconds,
      endSeconds,
      text: text.trim(),
      speaker,
    }));
  return { tier: transcriber.id, utterances };
}

/**
 * Joins rolling captions: a line that repeats and extends the one before replaces it, with its start. A line more than
 * a second later is a repetition and is kept.
 */
export function joinRolling(utterances: readonly Utterance[]): Utterance[] {
  const joined: Utterance[] = [];
  for (const next of utterances) {
    const last = joined.at(-1);
    const extendsLast =
      last !== undefined &&
      last.speaker === next.speaker &&
      next.startSeconds - last.endSeconds < 1 &&
      next.text.startsWith(last.text);
    if (extendsLast) joined[joined.length - 1] = { ...next, startSeconds: last.startSeconds };
    else joined.push(next);
  }
  return joined;
}
