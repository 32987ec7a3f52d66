/**
 * The contract every judge meets: what a memory is worth, as grades of one memory, of a group, of two for some tasks.
 *
 * A failure is never a grade: every answer is either a value or says why there is none, so that training
 * can leave the group out instead of learning from a zero.
 */
import type { Context } from "../policy/policy.ts";
import type { Question } from "../tasks/task.ts";

export interface JudgeFailure {
  readonly ok: false;
  /**
   * - `no-evidence`: there is nothing to hold the memory against, no texts, or no frames for a judge that sees
   * - `malformed`: what the judge answered is not what was asked for, after all tries
   * - `timed-out`
   * - `engine-failed`: the engine behind the judge failed or refused
   */
  readonly reason: "no-evidence" | "malformed" | "timed-out" | "engine-failed";
  /** One sentence for logs. */
  readonly message: string;
}

export type Judged<T> =
  | {
      readonly ok: true;
      readonly value: T;
      /** Why, in a sentence or two, where the judge says so. */
      readonly rationale?: string;
    }
  | JudgeFailure;

export interface QualityVerdict {
  /** True of the clip by what was seen, heard and read, and fitting what was written before. */
  readonly correct: boolean;
  /** Repeats nothing, and is about the events: not about a video, a caption or its own grading. */
  readonly clean: boolean;
  /** Why, in a sentence or two. */
  readonly rationale: string;
}

export interface QualityRequest {
  /** The clips it was written for, with what was written before them. */
  readonly context: Context;
  readonly memory: string;
  /** Rejects with its reason. */
  readonly signal?: AbortSignal;
}

export interface RichnessRequest {
  readonly context: Context;
  /** Memories of the same clips, shape [V], two or more. */
  readonly memories: readonly string[];
  readonly signal?: AbortSignal;
}

export interface RelevanceRequest {
  readonly context: Context;
  readonly first: string;
  readonly second: string;
  /** Examples of what is asked. Their answers are not shown: they are not known yet. */
  readonly questions: readonly Question[];
  readonly signal?: AbortSignal;
}

export type Preference = "first" | "second" | "tie";

export interface Judge {
  /** Names the judge and the wording it judges by: grades of different ids are never mixed. */
  readonly id: string;
  quality(request: QualityRequest): Promise<Judged<QualityVerdict>>;
  /** How much each memory tells that no other words of it do, shape [V]; only the order of the numbers counts. */
  richness(request: RichnessRequest): Promise<Judged<readonly number[]>>;
  /** Which of two is more useful for questions like these, asked in this order only. */
  relevance(request: RelevanceRequest): Promise<Judged<Preference>>;
}

/**
 * Which of two memories is preferred for some questions, asked in both orders: a preference only where both agree, for
 * judges lean to the one they are shown first. The second order is asked only where the first prefers one.
 */
export async function preferenceInBothOrders(
  judge: Pick<Judge, "relevance">,
  request: RelevanceRequest,
): Promise<Judged<Preference>> {
  const forward = await judge.relevance(request);
  if (!forward.ok || forward.value === "tie") return forward;
  const backward = await judge.relevance({ ...request, first: request.second, second: request.first });
  if (!backward.ok) return backward;
  const agreed = forward.value === swapped(backward.value);
  const reasons = [forward.rationale, backward.rationale].filter((reason) => reason !== undefined);
  return {
    ok: true,
    value: agreed ? forward.value : "tie",
    ...(reasons.length > 0 && { rationale: reasons.join(" ") }),
  };
}

function swapped(preference: Preference): Preference {
  return preference === "tie" ? "tie" : preference === "first" ? "second" : "first";
}
