/**
 * What was said in a clip: the source's subtitles, or, if it has none, what the transcriber hears.
 *
 * An endpoint gets one clip at a time, so a sentence cut by a clip's edge may become two utterances. A local recogniser
 * gets stretches of speech: what somebody says at the end of a clip is heard up to a pause in the next one, and belongs
 * to the clip it begins in. Departure from the paper's released code (`voice_process_lm`), which borrows sound back from
 * the clip before and transcribes it again: a clip here is decided once, so it looks ahead instead.
 */
import type { TranscribedSegment, Transcriber, VoiceFinder } from "../engine.ts";
import type { Audio, Clip } from "../stream/clip.ts";
import type { Utterance } from "./observation.ts";
import type { SoundAhead } from "./speech-ahead.ts";
import { samplesPerSecond } from "./speech-like.ts";

interface Hearing {
  readonly tier: string;
  readonly utterances: Utterance[];
}

/** What hears: `voice` for a recogniser that takes stretches of speech. */
export interface Ears {
  readonly transcriber: Transcriber | null;
  readonly language: string | null;
  readonly voice?: VoiceFinder | null;
}

/**
 * Utterances of a clip and their tier; without subtitles, audio or transcriber the tier is `none`.
 * @param ahead the sound behind the clip, and how far an earlier clip was heard. @default none
 */
export async function hear(
  clip: Clip,
  { transcriber, language, voice = null }: Ears,
  signal?: AbortSignal,
  ahead?: SoundAhead,
): Promise<Hearing> {
  if (!transcriber || !clip.audio || clip.audio.samples.length === 0) return { tier: "none", utterances: [] };
  const options = { ...(language && { language }), ...(signal && { signal }) };
  const ask = (audio: Audio) => transcriber.transcribe(audio, options);
  const { mostSeconds } = transcriber;
  const segments =
    voice && mostSeconds !== undefined
      ? await bySpeech(clip.audio, { ask, voice, mostSeconds, signal, ahead })
      : await ask(clip.audio);
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

type Span = Pick<Audio, "startSeconds"> & { readonly endSeconds: number };

interface BySpeech {
  readonly ask: (audio: Audio) => Promise<TranscribedSegment[]>;
  readonly voice: VoiceFinder;
  readonly mostSeconds: number;
  readonly signal: AbortSignal | undefined;
  readonly ahead: SoundAhead | undefined;
}

/** Speech that ends closer to the end of a clip than this may continue in the next. Seconds. */
const edgeSeconds = 0.6;
/** A pause at which what continues in the next clip is cut. Seconds. */
const cutSeconds = 0.3;
/** Stretches of speech with a shorter pause between them are heard together. Seconds. */
const pauseSeconds = 1.5;
/** Sound that is heard before and behind a stretch. Seconds. */
const marginSeconds = 0.2;
/** A sentence that begins this much before a clip ends begins in the next. Seconds. */
const leastSeconds = 0.1;

async function bySpeech(
  own: Audio,
  { ask, voice, mostSeconds, signal, ahead }: BySpeech,
): Promise<TranscribedSegment[]> {
  const endSeconds = endOf(own);
  const from = Math.max(own.startSeconds, ahead?.saidUntilSeconds ?? own.startSeconds);
  let audio = partOf(own, from, endSeconds);
  let stretches: readonly Span[] = await voice.find(audio, signal);
  const last = stretches.at(-1);
  if (last && endSeconds - last.endSeconds < edgeSeconds) {
    const next = (await ahead?.next()) ?? null;
    if (next) {
      audio = joinedAudio(audio, next);
      stretches = withinPause(await voice.find(audio, signal), endSeconds);
    }
  }
  const segments: TranscribedSegment[] = [...(ahead?.said ?? [])];
  for (const { startSeconds, endSeconds: to } of together(stretches, mostSeconds - 2 * marginSeconds))
    segments.push(...(await ask(partOf(audio, startSeconds - marginSeconds, to + marginSeconds))));
  if (!ahead) return segments;
  ahead.saidUntilSeconds = Math.max(from, ...stretches.map((stretch) => stretch.endSeconds));
  const cut = segments.at(-1);
  // Without a pause up to the end of the next clip, the last sentence may be cut there: the next clip hears it whole.
  if (cut && cut.startSeconds >= endSeconds && endOf(audio) - ahead.saidUntilSeconds < edgeSeconds) {
    segments.pop();
    ahead.saidUntilSeconds = cut.startSeconds - leastSeconds / 2;
  }
  const belongsHere = ({ startSeconds }: TranscribedSegment) => startSeconds < endSeconds - leastSeconds;
  ahead.said = segments.filter((segment) => !belongsHere(segment));
  return segments.filter(belongsHere);
}

/** The stretches up to the first pause behind a moment, or the end of the last one that begins before it. */
function withinPause(stretches: readonly Span[], seconds: number): Span[] {
  const kept: Span[] = [];
  for (const [i, stretch] of stretches.entries()) {
    if (stretch.startSeconds >= seconds && kept.length === 0) break;
    kept.push(stretch);
    const pause = (stretches[i + 1]?.startSeconds ?? Number.POSITIVE_INFINITY) - stretch.endSeconds;
    if (stretch.endSeconds >= seconds - cutSeconds && pause >= cutSeconds) break;
  }
  return kept;
}

/** Stretches with short pauses between them as one, none longer than `most` seconds. */
function together(stretches: readonly Span[], most: number): Span[] {
  const joined: Span[] = [];
  for (const { startSeconds, endSeconds } of stretches) {
    const last = joined.at(-1);
    if (last && startSeconds - last.endSeconds <= pauseSeconds && endSeconds - last.startSeconds <= most)
      joined[joined.length - 1] = { startSeconds: last.startSeconds, endSeconds };
    else joined.push({ startSeconds, endSeconds });
  }
  return joined.flatMap((span) => inParts(span, most));
}

function inParts({ startSeconds, endSeconds }: Span, most: number): Span[] {
  const count = Math.ceil((endSeconds - startSeconds) / most);
  const length = (endSeconds - startSeconds) / count;
  return Array.from({ length: count }, (_, i) => ({
    startSeconds: startSeconds + i * length,
    endSeconds: startSeconds + (i + 1) * length,
  }));
}

const endOf = ({ startSeconds, samples }: Audio) => startSeconds + samples.length / samplesPerSecond;

function partOf(audio: Audio, fromSeconds: number, toSeconds: number): Audio {
  const place = (seconds: number) =>
    Math.min(
      audio.samples.length,
      Math.max(0, Math.round((seconds - audio.startSeconds) * samplesPerSecond)),
    );
  const [from, to] = [place(fromSeconds), place(toSeconds)];
  return {
    startSeconds: audio.startSeconds + from / samplesPerSecond,
    samples: audio.samples.slice(from, Math.max(from, to)),
  };
}

function joinedAudio(first: Audio, second: Audio): Audio {
  const samples = new Int16Array(first.samples.length + second.samples.length);
  samples.set(first.samples);
  samples.set(second.samples, first.samples.length);
  return { startSeconds: first.startSeconds, samples };
}
