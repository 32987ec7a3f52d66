/** What was watched, or perceived of recorded sources, as videos to train on in Phase One. */
import { DataError } from "../errors.ts";
import type { Observation } from "../perception/observation.ts";
import type { Policy } from "../policy/policy.ts";
import type { TrainingVideo } from "./phase-one.ts";
import { decisionsOf, withPictures } from "./replay.ts";

/**
 * Endless videos: each stream once, then the first again. A history that the trained policy did not write is that of
 * `writer` about the same stream.
 * @param streams observations of each, in order; its clips are numbered from 0, those that lost their pictures left out
 * @throws DataError `nothing-watched` where no stream has a clip
 */
export function observedVideos(
  streams: readonly (readonly Observation[])[],
  writer: Policy,
): (n: number) => TrainingVideo {
  const videos = streams
    .map((observations) => withPictures(observations).map((observation, clip) => ({ ...observation, clip })))
    .filter((observations) => observations.length > 0)
    .map((observations) => videoOf(observations, writer));
  if (videos.length === 0)
    throw new DataError(
      "nothing-watched",
      "There is no clip to train on: name recorded sources, or watch some first",
    );
  return (n) => videos[n % videos.length]!;
}

function videoOf(observations: readonly Observation[], writer: Policy): TrainingVideo {
  let texts: Promise<ReadonlyMap<number, string>> | undefined;
  return {
    clips: observations.length,
    observe: async (clip) => observations[clip]!,
    async written(clip) {
      texts ??= writtenBy(writer, observations);
      return (await texts).get(clip) ?? "";
    },
  };
}

/** What a policy writes of each clip it keeps something of. */
async function writtenBy(writer: Policy, observations: readonly Observation[]): Promise<Map<number, string>> {
  const texts = new Map<number, string>();
  for await (const { action } of decisionsOf(writer, observations))
    for (const { clip, text } of action.statements)
      texts.set(clip, [texts.get(clip), text].filter((part) => part !== undefined).join(" "));
  return texts;
}
