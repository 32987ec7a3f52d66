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
