/**
 * What Whisper writes of up to 30 s of sound, token by token, the likeliest each time, with its rules for times: they come
 * in pairs, never go back, and a time is taken where all times together are likelier than any word (openai/whisper,
 * `decoding.py`, `ApplyTimestampRules`).
 */
import { timeStep, type WhisperTokens } from "./whisper-tokens.ts";

/** A sentence or so, in seconds from where the sound begins. */
export interface WrittenSegment {
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly text: string;
}

/** What was written. */
export interface Written {
  readonly segments: readonly WrittenSegment[];
  /** Mean log-probability of a token. */
  readonly meanLogprob: number;
  /** How likely it is that nothing is spoken, 0 to 1. */
  readonly noSpeech: number;
  /** Whether it began to repeat itself, as a model does that hears no words. */
  readonly loops: boolean;
}

/** Scores of the next token, given one more; the first call begins. */
export type Step = (token: number) => Promise<Float32Array>;

/** How a text is written. */
export interface WriteOptions {
  readonly tokens: WhisperTokens;
  readonly language: string | null;
  /** Tokens that are never written, and those that a text does not begin with. */
  readonly suppressed: readonly number[];
  readonly suppressedFirst: readonly number[];
  /** Length of the sound in seconds: no time is later. */
  readonly seconds: number;
  readonly mostTokens: number;
}

/** The first time is no later than this. Seconds. */
const latestFirstTime = 1;

/** Writes down what is said. @throws what a step throws */
export async function write(step: Step, options: WriteOptions): Promise<Written> {
  const { tokens, suppressed, suppressedFirst, seconds, mostTokens } = options;
  const start = tokens.start(options.language);
  let scores = await step(start[0]!);
  const noSpeech = Math.exp(logSoftmaxAt(scores, tokens.noSpeech));
  for (const token of start.slice(1)) scores = await step(token);
  const written: number[] = [];
  let logprobs = 0;
  const latest = tokens.firstTime + Math.ceil(seconds / timeStep);
  while (written.length < mostTokens) {
    for (const token of suppressed) scores[token] = -Infinity;
    if (written.length === 0) for (const token of suppressedFirst) scores[token] = -Infinity;
    forbid(scores, written, tokens, latest);
    const token = likeliest(scores, tokens.firstTime);
    logprobs += logSoftmaxAt(scores, token);
    if (token === tokens.end) break;
    written.push(token);
    if (isLooping(written)) break;
    scores = await step(token);
  }
  const loops = isLooping(written);
  return {
    loops,
    segments: segmentsOf(written, tokens, seconds),
    meanLogprob: logprobs / (written.length + 1),
    noSpeech,
  };
}

/** Takes what the rules of times forbid out of the scores. */
function forbid(
  scores: Float32Array,
  written: readonly number[],
  { firstTime, end, noSpeech }: WhisperTokens,
  latest: number,
): void {
  // Tokens of a task, of languages and the like are no text.
  scores.fill(-Infinity, end + 1, firstTime);
  scores[noSpeech] = -Infinity;
  scores.fill(-Infinity, latest + 1);
  if (written.length === 0) {
    scores.fill(-Infinity, 0, firstTime);
    scores.fill(-Infinity, firstTime + latestFirstTime / timeStep + 1);
    return;
  }
  const isTime = (token: number | undefined) => token !== undefined && token >= firstTime;
  const [last, before] = [written.at(-1), written.at(-2)];
  if (isTime(last)) {
    // After a pair, or the first time, comes text; after the end of a segment, the beginning of the next or the end.
    if (before === undefined || isTime(before)) scores.fill(-Infinity, firstTime);
    else scores.fill(-Infinity, 0, end);
  }
  const times = written.filter(isTime);
  const lastTime = times.at(-1);
  if (lastTime === undefined) return;
  // A segment has a length; only the next may begin where it ends.
  const least = isTime(last) && !isTime(before) && written.length > 1 ? lastTime : lastTime + 1;
  scores.fill(-Infinity, firstTime, Math.max(firstTime, least));
}

/** The likeliest token; a time where all times together are likelier than any text. */
function likeliest(scores: Float32Array, firstTime: number): number {
  const text = best(scores, 0, firstTime);
  const time = best(scores, firstTime, scores.length);
  if (scores[time] === -Infinity) return text;
  let sum = 0;
  for (let i = firstTime; i < scores.length; i++) sum += Math.exp(scores[i]! - scores[time]!);
  return scores[time]! + Math.log(sum) > scores[text]! ? time : text;
}

function best(scores: Float32Array, from: number, to: number): number {
  let top = from;
  for (let i = from + 1; i < to; i++) if (scores[i]! > scores[top]!) top = i;
  return top;
}

function logSoftmaxAt(scores: Float32Array, token: number): number {
  const top = scores[best(scores, 0, scores.length)]!;
  let sum = 0;
  for (const score of scores) sum += Math.exp(score - top);
  return scores[token]! - top - Math.log(sum);
}

/** Whether the last tokens say the same three times. */
function isLooping(written: readonly number[]): boolean {
  for (let length = 4; length <= 16; length++) {
    const [last, before, first] = [1, 2, 3].map((times) =>
      written.slice(-times * length, written.length - (times - 1) * length).join(),
    );
    if (written.length >= 3 * length && last === before && before === first) return true;
  }
  return false;
}

/** Text between two times is a segment; one without an end lasts to the end of the sound. */
function segmentsOf(written: readonly number[], tokens: WhisperTokens, seconds: number): WrittenSegment[] {
  const segments: WrittenSegment[] = [];
  let startSeconds = 0;
  let text: number[] = [];
  const close = (endSeconds: number) => {
    const said = tokens.textOf(text).trim();
    if (said !== "") segments.push({ startSeconds, endSeconds: Math.min(seconds, endSeconds), text: said });
    text = [];
  };
  for (const token of written) {
    if (token < tokens.firstTime) {
      text.push(token);
      continue;
    }
    const at = (token - tokens.firstTime) * timeStep;
    close(at);
    startSeconds = at;
  }
  close(seconds);
  return segments;
}
