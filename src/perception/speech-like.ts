/**
 * How loud sound is, and how much of it sounds like speech, without a recogniser: energy, modulation and pitch.
 *
 * Speech comes in syllables: its energy rises and falls a few times a second, by far more than that of music, engines or
 * wind; its vowels have a pitch of a voice, which glides; and its vowels and consonants cross zero at very different
 * rates. A second counts as speech-like if it has all three. Singing may pass, a whisper does not, and no word is
 * understood.
 */

/** What sound is like. */
export interface SoundLook {
  /** Seconds of sound. */
  readonly seconds: number;
  /** Mean power in dB below full scale: 0 is the loudest, −100 is digital silence. */
  readonly levelDb: number;
  /** How many of the seconds sound like speech. */
  readonly speechSeconds: number;
  /** Whether a net that finds voices told them, rather than how the sound is like. @default likeness */
  readonly byVoice?: true;
}

/** Samples of a second of sound. */
export const samplesPerSecond = 16_000;
/** Length of a frame in samples: 20 ms. */
const frameLength = 320;
const framesPerSecond = samplesPerSecond / frameLength;
/** The level of silence. */
const silenceDb = -100;
/** Quieter seconds are not looked at: nothing in them is understood. */
const leastLevelDb = -55;

/** A frame: its level, how often it crosses zero, and the pitch of its voice. */
interface Frame {
  readonly db: number;
  /** Share of neighbouring samples with different signs, 0 to 1. */
  readonly crossings: number;
  /** Period of the pitch in samples, or 0 for a frame without one. */
  readonly period: number;
}

/** What 16 kHz mono samples are like. */
export function listenTo(samples: Int16Array): SoundLook {
  const frames: Frame[] = [];
  for (let at = 0; at + frameLength <= samples.length; at += frameLength) frames.push(frameAt(samples, at));
  let speechFrames = 0;
  // Windows of a second, each of which decides about the half second in its middle.
  const step = framesPerSecond / 2;
  for (let at = 0; at < frames.length; at += step) {
    const from = Math.max(0, Math.min(at - step / 2, frames.length - framesPerSecond));
    if (isSpeechLike(frames.slice(from, from + framesPerSecond)))
      speechFrames += Math.min(step, frames.length - at);
  }
  return {
    seconds: samples.length / samplesPerSecond,
    levelDb: levelOf(samples, 0, samples.length),
    speechSeconds: speechFrames / framesPerSecond,
  };
}

/** Mean power of samples in dB below full scale. */
export function levelOf(samples: Int16Array, from: number, to: number): number {
  let sum = 0;
  for (let i = from; i < to; i++) sum += samples[i]! ** 2;
  const power = sum / Math.max(1, to - from) / 32_768 ** 2;
  return power === 0 ? silenceDb : Math.max(silenceDb, 10 * Math.log10(power));
}

function frameAt(samples: Int16Array, at: number): Frame {
  const db = levelOf(samples, at, at + frameLength);
  let crossings = 0;
  for (let i = at + 1; i < at + frameLength; i++)
    if (samples[i]! >= 0 !== samples[i - 1]! >= 0) crossings += 1;
  const period = db < leastLevelDb ? 0 : periodAt(samples, at);
  return { db, crossings: crossings / (frameLength - 1), period };
}

/** Voices have pitches between these, in Hz. */
const pitches = { lowest: 70, highest: 400 };
/** A voice repeats itself at its pitch at least this well, 0 to 1. */
const leastLikeness = 0.6;
/** Pitch is looked for at a quarter of the rate, over two frames, into which the longest period fits twice. */
const every = 4;

/** Period of the voice in samples by autocorrelation, or 0 if there is none. */
function periodAt(samples: Int16Array, at: number): number {
  const slow = new Float64Array(Math.floor(Math.min(2 * frameLength, samples.length - at) / every));
  for (let i = 0; i < slow.length; i++) {
    const k = at + i * every;
    slow[i] = samples[k]! + samples[k + 1]! + samples[k + 2]! + samples[k + 3]!;
  }
  const rate = samplesPerSecond / every;
  let best = 0;
  let period = 0;
  for (let lag = Math.floor(rate / pitches.highest); lag <= rate / pitches.lowest; lag++) {
    let product = 0;
    let [a, b] = [1e-9, 1e-9];
    for (let i = 0; i + lag < slow.length; i++) {
      product += slow[i]! * slow[i + lag]!;
      a += slow[i]! ** 2;
      b += slow[i + lag]! ** 2;
    }
    const likeness = product / Math.sqrt(a * b);
    // Multiples of the period fit as well: the shortest is the pitch.
    if (likeness > best + 0.02) [best, period] = [likeness, lag];
  }
  return best >= leastLikeness ? period * every : 0;
}

/** The pitch of a voice changes by less from frame to frame, as a ratio: that of noise leaps. */
const smoothPitch = 1.14;

/** Whether about a second of frames sounds like speech. */
function isSpeechLike(frames: readonly Frame[]): boolean {
  if (frames.length < framesPerSecond / 2) return false;
  const loudest = frames.reduce((most, { db }) => Math.max(most, db), silenceDb);
  if (loudest < leastLevelDb) return false;
  const joins = (a: Frame, b: Frame | undefined) =>
    b !== undefined && b.period > 0 && Math.max(a.period / b.period, b.period / a.period) < smoothPitch;
  const voiced = frames.filter(
    (frame, i) =>
      frame.period > 0 &&
      frame.db > loudest - 25 &&
      (joins(frame, frames[i - 1]) || joins(frame, frames[i + 1])),
  );
  const heard = frames.filter(({ db }) => db > loudest - 30);
  const voicedShare = voiced.length / frames.length;
  return (
    spread(frames.map(({ db }) => Math.max(db, loudest - 40))) >= 4 &&
    voicedShare >= 0.15 &&
    voicedShare <= 0.95 &&
    spread(voiced.map(({ period }) => Math.log(period))) >= 0.015 &&
    spread(heard.map(({ crossings }) => crossings)) >= 0.02
  );
}

/** Standard deviation; 0 of nothing. */
function spread(values: readonly number[]): number {
  const n = Math.max(1, values.length);
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / n);
}
