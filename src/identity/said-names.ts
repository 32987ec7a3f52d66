/**
 * Names that speech gives to a face which alone is in the picture for all of a line: what somebody says of themselves ("my
 * name is Jack"), and the speaker whom a subtitle names ("Jack: …"). Evidence for a suggestion, never more: the one who speaks
 * may be behind the camera.
 */
import type { FaceTrack } from "../perception/faces.ts";
import type { Utterance } from "../perception/observation.ts";

/** Names that a line or two gave to a face. */
export interface SaidNames {
  /** Said of themselves. */
  readonly own: readonly string[];
  /** The speakers of lines of a second or more. */
  readonly speakers: readonly string[];
}

/** Farther beyond a line a picture does not belong to it, in seconds: they are about a second apart. */
const beyondSeconds = 0.5;
const leastSeconds = 1;

const word = "\\p{Lu}[\\p{Ll}\\p{M}'’-]+";
const name = `(?<name>${word}(?: ${word})?)`;
/** Words before a name, each language's own. */
const introductions = [
  "[Mm]y name is|[Mm]y name['’]s|I am called|[Cc]all me",
  "[Ii]ch heiße|[Mm]ein Name ist",
  "[Jj]e m['’]appelle",
  "[Mm]e llamo|[Mm]i nombre es",
  "[Mm]i chiamo",
  "(?<loose>I am|I['’]m)",
].join("|");
const introduction = new RegExp(`(?<!\\p{L})(?:${introductions}),? ${name}(?![\\p{L}’'])`, "u");
/** "I am German" is no name. */
const noName = /(?:ican|[dglnrst]ian|ish|ese|German|French|Dutch|Greek|Swiss|Sorry|Sure)$/;
const nameLike = /^\p{Lu}[\p{L}\p{M}'’.-]*(?: \p{Lu}[\p{L}\p{M}'’.-]*){0,2}$/u;

export function saidNames(
  { atSeconds }: Pick<FaceTrack, "atSeconds">,
  speech: readonly Utterance[],
  aloneSeconds: readonly number[],
): SaidNames {
  const alone = atSeconds.filter((at) => aloneSeconds.includes(at));
  const beside = speech.filter(({ startSeconds, endSeconds }) => {
    const there = alone.filter(
      (at) => at >= startSeconds - beyondSeconds && at <= endSeconds + beyondSeconds,
    );
    return there.length >= Math.floor(endSeconds - startSeconds + 2 * beyondSeconds);
  });
  const lasting = beside.filter(({ startSeconds, endSeconds }) => endSeconds - startSeconds >= leastSeconds);
  return {
    own: distinct(beside.flatMap(({ text }) => ownName(text) ?? [])),
    speakers: distinct(
      lasting.flatMap(({ speaker }) => (speaker && nameLike.test(speaker) ? [speaker] : [])),
    ),
  };
}

function ownName(text: string): string | null {
  const { name, loose } = introduction.exec(text)?.groups ?? {};
  return name === undefined || (loose !== undefined && noName.test(name)) ? null : name;
}

const distinct = (names: readonly string[]) => [...new Set(names)];
