/** The contexts of a lesson: what was watched is shown to the policy again, and some of it is held out to try it on. */
import type { Observation } from "../../perception/observation.ts";
import { evenlySpaced } from "../../policy/pictures.ts";
import type { Context, Policy } from "../../policy/policy.ts";
import { withPictures } from "../../training/replay.ts";
import { type WatchAgainOptions, watchAgain } from "../watch-again.ts";

/** A context with the name that a run keeps it by. */
export interface NamedContext {
  readonly id: string;
  readonly context: Context;
}

/** The contexts of what was watched, in order. */
export interface LessonContexts {
  /** To train on. */
  readonly earlier: readonly NamedContext[];
  /** To try the adapter on. */
  readonly later: readonly NamedContext[];
  /** Clips that the engine refused permanently. */
  readonly refusedClips: number;
}

/** Options of `lessonContexts`. */
export interface LessonContextsOptions extends WatchAgainOptions {
  /** Most contexts to train on, and most to try the adapter on, evenly spaced over what was watched. */
  readonly contexts: number;
  readonly heldOut: number;
}

/**
 * The earlier two thirds of each stream, and the rest. Each context has the history that the policy itself gives it; one
 * about which it writes nothing is left out.
 * @throws EngineError `bad-request` as `watchAgain`
 */
export async function lessonContexts(
  base: Policy,
  streams: readonly (readonly Observation[])[],
  { contexts, heldOut, ...options }: LessonContextsOptions,
): Promise<LessonContexts> {
  const { decisions, refusedClips } = await watchAgain(base, streams.map(withPictures), options);
  const told = decisions.filter(({ action }) => action.statements.length > 0);
  const byStream = [...Map.groupBy(told, ({ stream }) => stream).values()].map((group) =>
    group.map(({ context, stream }) => ({ id: `${stream}-${context.observations[0]!.clip}`, context })),
  );
  const cut = (length: number) => Math.ceil((2 / 3) * length);
  return {
    earlier: evenlySpaced(
      byStream.flatMap((group) => group.slice(0, cut(group.length))),
      contexts,
    ),
    later: evenlySpaced(
      byStream.flatMap((group) => group.slice(cut(group.length))),
      heldOut,
    ),
    refusedClips,
  };
}
