/**
 * A judge that asks a model. For correctness it shows what the policy was shown, pictures of the window included; for
 * everything else text alone.
 *
 * An unusable verdict is asked for again, a few times, and so is a call that may work later; after that it is a
 * failure with its reason. Verdicts are cached by the hash of everything the model was shown; failures are not.
 */

import PQueue from "p-queue";
import type { EngineCache, Model, ModelCapabilities, Sampling } from "../engine.ts";
import { EngineError } from "../errors.ts";
import { sourceTexts } from "../perception/observation.ts";
import { checkPictureLimits, type PictureLimits } from "../policy/pictures.ts";
import { sha256 } from "../util/hash.ts";
import { seededRandom, shuffle } from "../util/random.ts";
import type {
  Judge,
  Judged,
  JudgeFailure,
  Preference,
  QualityRequest,
  QualityVerdict,
  RelevanceRequest,
  RichnessRequest,
} from "./judge.ts";
import { parsePreference, parseRanking, parseRationale, parseVerdict } from "./parse-verdict.ts";
import {
  cleannessPrompt,
  correctnessPrompt,
  type JudgePrompt,
  judgeInstructions,
  relevancePrompt,
  richnessPrompt,
} from "./prompts.ts";

/** Options of `modelJudge`. The limits of pictures are those of the policy whose memories are judged. */
export interface ModelJudgeOptions extends PictureLimits {
  readonly model: Model;
  /** Simultaneous calls, from 1 up. @default 4 */
  readonly concurrency?: number;
  /** Longest a call may take, in ms. @default as long as the model lets it */
  readonly timeoutMs?: number;
  /** Attempts at a verdict before it counts as failed, from 1 up. @default 3 */
  readonly attempts?: number;
  /** Keeps verdicts. @default one of this judge's own, in memory */
  readonly cache?: EngineCache;
  /** Overrides the defaults: greedy at first, temperature 0.7 after that; 2048 tokens at most. */
  readonly sampling?: Sampling;
}

/** Raised whenever the prompts or the way they are asked change. */
const version = 3;

/** A judge that asks `model`. @throws RangeError for options out of range */
export function modelJudge(options: ModelJudgeOptions): Judge {
  const { model, concurrency = 4, timeoutMs, attempts = 3, cache = new Map(), sampling = {} } = options;
  for (const [name, value] of Object.entries({ concurrency, timeoutMs, attempts })) {
    if (value === undefined) continue;
    if (!Number.isInteger(value) || value < 1) {
      throw new RangeError(`Expected \`${name}\` to be an integer from 1 up, got ${value}`);
    }
  }
  const { framesPerClip, pictureTokens, tokensPerFrame } = options;
  const pictures = { framesPerClip, pictureTokens, tokensPerFrame };
  checkPictureLimits(pictures);
  const id = `model@${version}:${model.id}`;
  const queue = new PQueue({ concurrency });
  const setup: Setup = { id, model, pictures, queue, timeoutMs, attempts, cache, sampling };
  return {
    id,
    quality: (request) => quality(setup, request),
    richness: (request) => richness(setup, request),
    relevance: (request) => relevance(setup, request),
  };
}

interface Setup extends Required<Pick<ModelJudgeOptions, "model" | "attempts" | "cache" | "sampling">> {
  readonly timeoutMs: number | undefined;
  readonly id: string;
  readonly pictures: PictureLimits;
  readonly queue: PQueue;
}

async function quality(setup: Setup, request: QualityRequest): Promise<Judged<QualityVerdict>> {
  const { context, memory, signal } = request;
  if (memory.trim() === "") {
    return { ok: true, value: { correct: false, clean: true, rationale: "It is empty." } };
  }
  const sight = await attempt(setup, signal, (stop) => setup.model.capabilities(stop));
  if (!sight.ok) return failureOf(sight);
  const sees = sight.value.images || sight.value.video;
  const hasTexts = context.observations.some((observation) => sourceTexts(observation).length > 0);
  const hasFrames = context.observations.some(({ frames }) => frames.length > 0);
  if (!hasTexts && !(sees && hasFrames)) return noEvidence;
  const [correct, clean] = await Promise.all([
    correctness(setup, request, sees ? setup.pictures : null),
    ask(setup, cleannessPrompt(context, memory), signal, (text) => parseVerdict(text, "clean")),
  ]);
  if (!correct.ok) return correct;
  if (!clean.ok) return clean;
  const rationale = [correct.value.rationale, clean.value.rationale].filter(Boolean).join(" ");
  return { ok: true, value: { correct: correct.value.pass, clean: clean.value.pass, rationale } };
}

/**
 * Whether a memory is correct about its clip. Where the model's context does not hold the window, half of the earlier
 * clips at a time are left out, the oldest first; never anything of the clip, of which a verdict would be wrong.
 */
async function correctness(
  setup: Setup,
  { context, memory, signal }: QualityRequest,
  pictures: PictureLimits | null,
): Promise<Judged<{ readonly pass: boolean; readonly rationale: string }>> {
  const { observations } = context.recent;
  for (let kept = observations.length; ; kept = Math.floor(kept / 2)) {
    const recent = { ...context.recent, observations: observations.slice(observations.length - kept) };
    const prompt = correctnessPrompt({ ...context, recent }, memory, pictures);
    const verdict = await ask(setup, prompt, signal, (text) => parseVerdict(text, "correct"));
    if (verdict.ok || verdict.reason !== "too-long" || kept === 0) return verdict;
  }
}

const noEvidence: JudgeFailure = {
  ok: false,
  reason: "no-evidence",
  message: "The clip has nothing that this judge can see, hear or read.",
};

async function richness(setup: Setup, request: RichnessRequest): Promise<Judged<readonly number[]>> {
  const { context, memories, signal } = request;
  // Equal texts are shown once, in an order that says nothing about who wrote them.
  const distinct = [...new Set(memories)].sort();
  if (distinct.length < 2) return { ok: true, value: memories.map(() => 0) };
  const shown = shuffle(seededRandom(sha256(JSON.stringify(distinct))), distinct);
  const ranking = await ask(setup, richnessPrompt(context, shown), signal, (text) =>
    parseRanking(text, shown.length),
  );
  if (!ranking.ok) return ranking;
  const value = memories.map((memory) => -ranking.value.indexOf(shown.indexOf(memory) + 1));
  return { ...ranking, value };
}

async function relevance(setup: Setup, request: RelevanceRequest): Promise<Judged<Preference>> {
  const { context, first, second, questions, others, signal } = request;
  if (first === second || questions.length === 0) return { ok: true, value: "tie" };
  return ask(setup, relevancePrompt(context, first, second, questions, others), signal, parsePreference);
}

/** A usable answer to a prompt: from the cache, or asked for up to `attempts` times. */
async function ask<T>(
  setup: Setup,
  prompt: JudgePrompt,
  signal: AbortSignal | undefined,
  read: (text: string) => T | null,
): Promise<Judged<T>> {
  const { id, model, queue, attempts, cache, sampling } = setup;
  const asked = Object.keys(sampling).length === 0 ? id : `${id} ${JSON.stringify(sampling)}`;
  const key = contentHash(asked, prompt);
  const kept = (await cache.get(key)) ?? "";
  const known = read(kept);
  if (known !== null) return judged(known, kept);
  const can = await attempt(setup, signal, (stop) => model.capabilities(stop));
  if (!can.ok) return failureOf(can);
  for (let turn = 1; ; turn++) {
    const answer = await queue.add(() => askOnce(setup, prompt, can.value, turn, signal));
    const verdict = answer.ok ? read(answer.value) : null;
    if (answer.ok && verdict !== null) {
      await cache.set(key, answer.value);
      return judged(verdict, answer.value);
    }
    if (answer.ok && turn >= attempts) return malformed(answer.value);
    if (!answer.ok && (!answer.mayWorkLater || turn >= attempts)) return failureOf(answer);
  }
}

function judged<T>(value: T, text: string): Judged<T> {
  const rationale = parseRationale(text);
  return { ok: true, value, ...(rationale !== "" && { rationale }) };
}

/** What the model writes. */
function askOnce(
  setup: Setup,
  { parts, schema }: JudgePrompt,
  can: ModelCapabilities,
  turn: number,
  signal: AbortSignal | undefined,
): Promise<Attempted<string>> {
  return attempt(setup, signal, async (stop) => {
    const { completions } = await setup.model.generate({
      system: judgeInstructions,
      parts,
      // The second attempt must not repeat the first.
      sampling: { temperature: turn === 1 ? 0 : 0.7, maxTokens: 2048, ...setup.sampling },
      ...(can.jsonSchema && { schema }),
      signal: stop,
    });
    return completions[0]?.text ?? "";
  });
}

function malformed(text: string): JudgeFailure {
  return {
    ok: false,
    reason: "malformed",
    message: `The verdict is not the JSON object asked for: ${JSON.stringify(text.slice(0, 200))}.`,
  };
}

function failureOf({ ok, reason, message }: JudgeFailure): JudgeFailure {
  return { ok, reason, message };
}

type Attempted<T> =
  | { readonly ok: true; readonly value: T }
  | (JudgeFailure & { readonly mayWorkLater: boolean });

/**
 * Runs a call within the time limit, even one that ignores its signal.
 * @throws the caller's reason where the caller aborted, and any error that is no failure of an engine
 */
async function attempt<T>(
  { timeoutMs, model }: Setup,
  signal: AbortSignal | undefined,
  call: (stop: AbortSignal) => Promise<T>,
): Promise<Attempted<T>> {
  signal?.throwIfAborted();
  const limit = new AbortController();
  const timer = timeoutMs === undefined ? undefined : setTimeout(() => limit.abort(), timeoutMs);
  const stop = signal ? AbortSignal.any([signal, limit.signal]) : limit.signal;
  const stopped = new Promise<never>((_, reject) => {
    stop.addEventListener("abort", () => reject(stop.reason), { once: true });
  });
  try {
    return { ok: true, value: await Promise.race([call(stop), stopped]) };
  } catch (error) {
    signal?.throwIfAborted();
    if (limit.signal.aborted) {
      const message = `${model.id} gave no verdict within ${timeoutMs} ms.`;
      return { ok: false, reason: "timed-out", message, mayWorkLater: false };
    }
    if (!(error instanceof EngineError)) throw error;
    const reason = error.code === "context-overflow" ? "too-long" : "engine-failed";
    return { ok: false, reason, message: error.message, mayWorkLater: error.isRetryable };
  } finally {
    clearTimeout(timer);
  }
}

/** A name for everything a model is shown: frames by their hash. */
function contentHash(judge: string, { parts, schema }: JudgePrompt): string {
  const shown = parts.map((part) => {
    if (part.type === "text") return part.text;
    if (part.type === "image") return sha256(part.bytes);
    return part.frames.map(({ jpeg }) => sha256(jpeg));
  });
  return sha256(JSON.stringify([judge, judgeInstructions, shown, schema]));
}
