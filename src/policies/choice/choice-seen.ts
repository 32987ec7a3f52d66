/**
 * Who is seen, as lines on offer: of each person whom the memory knows by face, `[person_3] is seen.`, which reads as the
 * person is called. Of one who is only heard, without known words, `[person_3] is heard.`
 *
 * Someone is told of on coming, again after an absence, and every five minutes while there.
 */
import type { SourceText, Statement } from "../../memory/memory.ts";
import type { Observation } from "../../perception/observation.ts";
import { keptSpeaker, type TaggedPerson } from "../../policy/window-people.ts";
import type { Line } from "./choice-heard.ts";

/** Of each person, by id: until when they were there, and when they were last told of. In seconds of the stream. */
export type SeenBefore = Readonly<
  Record<string, { readonly untilSeconds: number; readonly toldSeconds: number }>
>;

/** Who is seen again after this time has come back. Seconds. */
const absenceSeconds = 60;
/** Who stays is told of again after this time. Seconds. */
const againSeconds = 300;
/** A picture stands for this long. Seconds. */
const pictureSeconds = 1;

/** The lines of some clips. @param tags by which their people are called */
export function seenLines(
  observations: readonly Observation[],
  tags: readonly TaggedPerson[],
  before: SeenBefore,
): Line[] {
  return sightings(observations, tags)
    .filter(({ id, startSeconds }) => isNews(startSeconds, before[id]))
    .map(({ id, name, isHeard, startSeconds, endSeconds }) => {
      const text = `${name ?? keptSpeaker(id)} is ${isHeard ? "heard" : "seen"}.`;
      return {
        line: `${keptSpeaker(id)} is ${isHeard ? "heard" : "seen"}.`,
        source: { kind: "person", startSeconds, endSeconds, text, speaker: null, confidence: null },
      };
    });
}

/** Who was seen once these clips are decided about; `undefined` if no one was lately. */
export function seenAfter(
  observations: readonly Observation[],
  tags: readonly TaggedPerson[],
  before: SeenBefore = {},
  kept: readonly Statement[],
): SeenBefore | undefined {
  const now = Math.max(...observations.map(({ endSeconds }) => endSeconds));
  const after = new Map(Object.entries(before));
  for (const { id, startSeconds, endSeconds } of sightings(observations, tags)) {
    const isTold = kept.some(
      ({ text, sources }) =>
        text.startsWith(`${keptSpeaker(id)} is `) && sources.some(({ kind }) => kind === "person"),
    );
    const toldSeconds = isTold ? startSeconds : before[id]?.toldSeconds;
    // Who was not kept is news still.
    if (toldSeconds !== undefined) after.set(id, { untilSeconds: endSeconds, toldSeconds });
  }
  const lately = [...after].filter(([, { untilSeconds }]) => now - untilSeconds <= absenceSeconds);
  return lately.length === 0 ? undefined : Object.fromEntries(lately);
}

interface Sighting extends Pick<SourceText, "startSeconds" | "endSeconds"> {
  readonly id: string;
  readonly name: string | null;
  readonly isHeard: boolean;
}

/** From when to when each person is seen, or only heard, in the order they come. */
function sightings(observations: readonly Observation[], tags: readonly TaggedPerson[]): Sighting[] {
  const spoken = new Set(
    observations.flatMap(({ speech }) => speech.flatMap(({ speaker }) => speaker ?? [])),
  );
  return tags
    .flatMap(({ tag, id, name }): Sighting[] => {
      const own = observations.flatMap(({ people }) => people.filter((one) => one.id === tag));
      const seen = own.filter(({ heard }) => !heard);
      // What someone says tells of them already.
      const shown = seen.length > 0 ? seen : spoken.has(id) ? [] : own;
      const moments = shown.flatMap(({ atSeconds }) => atSeconds);
      if (moments.length === 0) return [];
      const endSeconds = Math.max(...moments) + pictureSeconds;
      return [{ id, name, isHeard: seen.length === 0, startSeconds: Math.min(...moments), endSeconds }];
    })
    .sort((a, b) => a.startSeconds - b.startSeconds);
}

const isNews = (startSeconds: number, last: SeenBefore[string] | undefined): boolean =>
  !last ||
  startSeconds - last.untilSeconds > absenceSeconds ||
  startSeconds - last.toldSeconds >= againSeconds;
