/**
 * What is heard without words: where somebody speaks, where there is sound without speech, and where there is silence.
 *
 * Speech is what a net that finds voices says; sound is what is louder than silence and not speech. Music and noise are
 * not told apart: that takes another net. Nor is singing from speech, where the net hears a voice in it.
 */
import type { SpeakerFinder, VoiceFinder } from "../engine.ts";
import type { Audio } from "../stream/clip.ts";
import { isSilent, leastTalkSeconds, lengthText } from "./look-text.ts";
import type { Heard } from "./observation.ts";
import { levelOf, samplesPerSecond } from "./speech-like.ts";

type Span = Pick<Heard, "startSeconds" | "endSeconds">;

/** A pause within what somebody says is no longer than this. Seconds. */
const pauseSeconds = 1;
/** Sound without speech is told of from this length on. Seconds. */
const leastSoundSeconds = 3;

/** What is heard in a clip's sound, in time order. @throws EngineError */
export async function heardIn(audio: Audio, voice: VoiceFinder, signal?: AbortSignal): Promise<Heard[]> {
  const found = await voice.find(audio, signal);
  const [from, to] = [audio.startSeconds, audio.startSeconds + audio.samples.length / samplesPerSecond];
  // A short piece at the edge may be part of what the next clip holds.
  const touches = ({ startSeconds, endSeconds }: Span) =>
    startSeconds - from < pauseSeconds || to - endSeconds < pauseSeconds;
  const talk = joined(found, pauseSeconds).filter(
    (span) => touches(span) || lengthOf(span) >= leastTalkSeconds,
  );
  const sound = between(talk, from, to).flatMap((gap) => loudParts(audio, gap));
  return [
    ...talk.map((span) => ({ kind: "speech" as const, ...span })),
    ...sound.map((span) => ({ kind: "sound" as const, ...span })),
  ].sort((a, b) => a.startSeconds - b.startSeconds);
}

/** What is heard over several clips: of one kind, from its first stretch to its last. */
export interface HeardOverall extends Heard {
  /** How long it is heard within that span. */
  readonly seconds: number;
  readonly stretches: number;
  /** The most voices that speak in turn in one of them; 1 where none are told apart. */
  readonly voices: number;
  /** Whether it is heard up to the end, so that it may last longer. */
  readonly lasts: boolean;
}

/**
 * Stretches of speech with how many voices speak in them in turn. A voice counts from two seconds on: one that says less
 * may be a part of another's.
 * @throws EngineError
 */
export async function withVoices(
  heard: readonly Heard[],
  audio: Audio,
  speakers: SpeakerFinder,
  signal?: AbortSignal,
): Promise<Heard[]> {
  const talk = heard.filter(({ kind }) => kind === "speech");
  if (talk.reduce((sum, span) => sum + lengthOf(span), 0) < 2 * leastVoiceSeconds) return [...heard];
  const turns = await speakers.turns(audio, talk, signal);
  return heard.map((one) => {
    if (one.kind !== "speech") return one;
    const seconds = new Map<number, number>();
    for (const turn of turns)
      if (turn.startSeconds < one.endSeconds && turn.endSeconds > one.startSeconds)
        seconds.set(turn.voice, (seconds.get(turn.voice) ?? 0) + lengthOf(turn));
    const voices = [...seconds.values()].filter((sum) => sum >= leastVoiceSeconds).length;
    return voices > 1 ? { ...one, voices } : one;
  });
}

/** A voice is heard for this long at least. Seconds. */
const leastVoiceSeconds = 2;

/**
 * What is heard over several clips, as one span of each kind that is long enough to tell of.
 * @param untilSeconds where the last clip ends
 */
export function heardOverall(heard: readonly Heard[], untilSeconds: number): HeardOverall[] {
  return (["speech", "sound"] as const).flatMap((kind) => {
    const least = kind === "speech" ? leastTalkSeconds : leastSoundSeconds;
    const own = joined(
      heard.filter((one) => one.kind === kind),
      pauseSeconds,
    ).filter((span) => lengthOf(span) >= least);
    const [first, last] = [own[0], own.at(-1)];
    if (!first || !last) return [];
    const voices = Math.max(1, ...heard.flatMap((one) => (one.kind === kind ? (one.voices ?? 1) : [])));
    const seconds = own.reduce((sum, span) => sum + lengthOf(span), 0);
    const span = { startSeconds: first.startSeconds, endSeconds: last.endSeconds };
    const lasts = untilSeconds - last.endSeconds <= pauseSeconds;
    return [{ kind, ...span, seconds, stretches: own.length, voices, lasts }];
  });
}

/** What is heard, without how long. */
export function heardName({ kind, voices }: Pick<HeardOverall, "kind" | "voices">): string {
  if (kind === "sound") return "Music or noise is heard, and no speech";
  // The number itself is not sure enough to be told.
  return voices === 1 ? "Somebody speaks" : "More than one person speaks, in turn,";
}

/** What is heard, as a sentence. */
export function heardText(heard: HeardOverall): string {
  if (heard.kind === "sound") return `${heardName(heard)}.`;
  const often = heard.stretches === 1 ? "" : `, ${heard.stretches} times`;
  return `${heardName(heard)} for ${heard.lasts ? "at least " : ""}${lengthText(heard.seconds)}${often}.`;
}

const lengthOf = ({ startSeconds, endSeconds }: Span) => endSeconds - startSeconds;

/** Spans that are no farther apart than a pause, as one. @param spans in time order */
function joined(spans: readonly Span[], pause: number): Span[] {
  const found: Span[] = [];
  for (const { startSeconds, endSeconds } of spans) {
    const last = found.at(-1);
    if (last && startSeconds - last.endSeconds <= pause)
      found[found.length - 1] = { startSeconds: last.startSeconds, endSeconds };
    else found.push({ startSeconds, endSeconds });
  }
  return found;
}

/** What lies between spans. */
function between(spans: readonly Span[], from: number, to: number): Span[] {
  const starts = [from, ...spans.map(({ endSeconds }) => endSeconds)];
  const ends = [...spans.map(({ startSeconds }) => startSeconds), to];
  return starts
    .map((startSeconds, i) => ({ startSeconds, endSeconds: ends[i]! }))
    .filter((span) => lengthOf(span) > 0);
}

/** The parts of a span that are louder than silence, by the second; short ones in its middle are left out. */
function loudParts({ startSeconds: origin, samples }: Audio, { startSeconds, endSeconds }: Span): Span[] {
  const parts: Span[] = [];
  for (let at = startSeconds; at < endSeconds; at += 1) {
    const to = Math.min(endSeconds, at + 1);
    const place = (seconds: number) => Math.round((seconds - origin) * samplesPerSecond);
    const levelDb = levelOf(samples, place(at), place(to));
    if (!isSilent({ levelDb })) parts.push({ startSeconds: at, endSeconds: to });
  }
  const [first, last] = [origin, origin + samples.length / samplesPerSecond];
  return joined(parts, 0.01).filter(
    (span) =>
      lengthOf(span) >= leastSoundSeconds ||
      span.startSeconds === first ||
      Math.abs(span.endSeconds - last) < 0.01,
  );
}
