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
  /** To choose a strength on. */
  readonly between: readonly NamedContext[];
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
  /** Most contexts to choose a strength on; 0 leaves more to train on. @default 0 */
  readonly tried?: number;
}

/**
 * The earlier two thirds of each stream, of which the last quarter is for choosing a strength, and the rest. Each context has the history that the policy itself gives it; one
 * about which it writes nothing is left out.
 * @throws EngineError `bad-request` as `watchAgain`
 */
export async function lessonContexts(
  base: Policy,
  streams: readonly (readonly Observation[])[],
  { contexts, heldOut, tried = 0, ...options }: LessonContextsOptions,
): Promise<LessonContexts> {
  const { decisions, refusedClips } = await watchAgain(base, streams.map(withPictures), options);
  const told = decisions.filter(({ action }) => action.statements.length > 0);
  const byStream = [...Map.groupBy(told, ({ stream }) => stream).values()].map((group) =>
    group.map(({ context, stream }) => ({ id: `${stream}-${context.observations[0]!.clip}`, context })),
  );
  const part = (from: number, to: number, most: number) =>
    evenlySpaced(
      byStream.flatMap((group) => group.slice(Math.ceil(from * group.length), Math.ceil(to * group.length))),
      most,
    );
  const trained = tried > 0 ? 1 / 2 : 2 / 3;
  return {
    earlier: part(0, trained, contexts),
    between: tried > 0 ? part(trained, 2 / 3, tried) : [],
    later: part(2 / 3, 1, heldOut),
    refusedClips,
  };
}
