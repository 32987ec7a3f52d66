/** Voices of one clip: who speaks when in it, and what each voice is compared by across clips. */
import type { SpeakerFinder, SpokenTurn } from "../engine.ts";
import type { Audio } from "../stream/clip.ts";

/** A stretch of time, in seconds of the stream. */
export interface VoiceSpan {
  readonly startSeconds: number;
  readonly endSeconds: number;
}

/** One voice of a clip. */
export interface HeardVoice {
  /** When it speaks, in order. */
  readonly spans: readonly VoiceSpan[];
  /** What it is compared by, of unit length. */
  readonly vector: Float32Array;
}

/** The voices of a clip. */
export interface ClipVoices {
  /** Names the space of their vectors. */
  readonly space: string;
  readonly voices: readonly HeardVoice[];
}

/** Who speaks when, by the number of the voice. */
export const turnsOf = ({ voices }: ClipVoices): SpokenTurn[] =>
  voices.flatMap(({ spans }, voice) => spans.map((span) => ({ ...span, voice })));

/** How long spans last in all, in seconds. */
export const secondsOf = (spans: readonly VoiceSpan[]): number =>
  spans.reduce((sum, { startSeconds, endSeconds }) => sum + endSeconds - startSeconds, 0);

/**
 * The voices in stretches of speech.
 * @returns `null` from a finder whose voices cannot be compared across sounds
 * @throws EngineError
 */
export async function voicesIn(
  audio: Audio,
  stretches: readonly VoiceSpan[],
  speakers: SpeakerFinder,
  signal?: AbortSignal,
): Promise<ClipVoices | null> {
  if (!speakers.voices) return null;
  const { turns, vectors } = await speakers.voices(audio, stretches, signal);
  const voices = vectors.map((vector, voice) => ({
    vector,
    spans: turns
      .filter((turn) => turn.voice === voice)
      .map(({ startSeconds, endSeconds }) => ({ startSeconds, endSeconds })),
  }));
  return { space: speakers.id, voices };
}
