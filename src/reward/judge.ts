/**
 * The contract of every judge: it grades one memory, ranks a group, and compares two for some tasks.
 *
 * A failure is never a grade: every answer is a value or says why there is none, so that training can leave the group
 * out instead of learning from a zero.
 */
import type { Context } from "../policy/policy.ts";
import type { Question } from "../tasks/task.ts";

/** Why a judge gave no value. */
export interface JudgeFailure {
  readonly ok: false;
  /**
   * - `no-evidence`: nothing to compare the memory with: no texts, or no frames for a judge that sees
   * - `malformed`: the judge did not answer in the form asked for, after all attempts
   * - `timed-out`
   * - `too-long`: the engine's context does not hold what there is to judge
   * - `engine-failed`: the engine behind the judge failed or refused
   */
  readonly reason: "no-evidence" | "malformed" | "timed-out" | "too-long" | "engine-failed";
  /** One sentence for logs. */
  readonly message: string;
}

/** A value from a judge, or its failure. */
export type Judged<T> =
  | {
      readonly ok: true;
      readonly value: T;
      /** The reason, in a sentence or two, where the judge gives one. */
      readonly rationale?: string;
    }
  | JudgeFailure;

/** The grades of one memory. */
export interface QualityVerdict {
  /** True of the clip by what was seen, heard and read, and consistent with what was written before. */
  readonly correct: boolean;
  /** Repeats nothing, and is about the events: not about a video, a caption or its own grading. */
  readonly clean: boolean;
  /** The reason, in a sentence or two. */
  readonly rationale: string;
}

/** A memory to be graded. */
export interface QualityRequest {
  /** The clips it was written for, with what was written before them. */
  readonly context: Context;
  readonly memory: string;
  /** Aborts the request, which then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Memories to be compared by how much they tell. */
export interface RichnessRequest {
  readonly context: Context;
  /** Memories of the same clips, shape [V], two or more. */
  readonly memories: readonly string[];
  readonly signal?: AbortSignal;
}

/** Two memories to be compared by their use for some questions. */
export interface RelevanceRequest {
  readonly context: Context;
  readonly first: string;
  readonly second: string;
  /** Examples of what is asked, without their answers, which are not known yet. */
  readonly questions: readonly Question[];
  /**
   * Questions of other kinds: preferred is then the memory that helps `questions` more than it helps these. Without them
   * a lesson learns mostly what helps with any question. @default none
   */
  readonly others?: readonly Question[];
  readonly signal?: AbortSignal;
}

/** Which of two memories is preferred. */
export type Preference = "first" | "second" | "tie";

/** Grades and compares memories. A failure is part of the answer, never thrown. */
export interface Judge {
  /** Names the judge and its wording: grades of different ids are never mixed. */
  readonly id: string;
  /** Whether one memory is correct and clean. */
  quality(request: QualityRequest): Promise<Judged<QualityVerdict>>;
  /** How much each memory tells, repetitions not counted, shape [V]; only the order of the numbers counts. */
  richness(request: RichnessRequest): Promise<Judged<readonly number[]>>;
  /** Which of two is more useful for questions like these; one call asks in this order only. */
  relevance(request: RelevanceRequest): Promise<Judged<Preference>>;
}

/**
 * Which of two memories is preferred for some questions, asked in both orders. It prefers one only where both orders
 * agree, because judges lean to the one shown first. The second order is asked only where the first prefers one.
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
