/**
 * Plain transcripts with times: `[00:01:02] Ana: text`, `00:01 text`, `Ana (00:01): text`, a time on a line of its own
 * before what was said then.
 */
import { mostShownSeconds, type OpenText, secondsOf, type TimedText, type TimedTexts } from "./timed-text.ts";

const clock = String.raw`\d{1,3}:\d{2}(?::\d{2})?(?:[.,]\d{1,3})?`;
/** A time in front, perhaps with its end: `[00:01 - 00:03]`, `00:01:`, `(1:02:03) –`. */
const timeFirst = new RegExp(
  String.raw`^\s{0,8}[[(<]?(${clock})(?:\s{0,2}(?:-{1,2}>?|–|—|to)\s{0,2}(${clock}))?[\])>]?\s{0,2}[:–—-]?\s{0,4}(?=\S|$)(?!\d)`,
);
/** A name and then a time: `Ana [00:01]: text`, `Speaker 1  00:01:02`, `Ana: [00:01] text`. */
const nameFirst = new RegExp(
  String.raw`^\s{0,8}(\p{L}[^:[\]()]{0,38}?)(?::\s{0,4}(?=[[(])|\s{1,4})[[(]?(${clock})[\])]?\s{0,2}:?\s{0,4}(?=\S|$)`,
  "u",
);

/** Lettered speed of speech, by which a text without an end gets one. Letters a second. */
const lettersPerSecond = 15;
/** Longest time that a line is taken to be spoken. Seconds. */
const mostSpokenSeconds = 60;

/** Texts of a plain transcript; `null` if less than half of its paragraphs have a time. */
export function parseTranscript(text: string): TimedTexts | null {
  const texts: (OpenText & { text: string })[] = [];
  let untimed = 0;
  let isContinued = false;
  for (const line of text.split(/\r\n|\r|\n/)) {
    const head = line.slice(0, 100);
    const [timed, start, end] = timeFirst.exec(head) ?? [];
    const [named, name, at] = timed === undefined ? (nameFirst.exec(head) ?? []) : [];
    const startSeconds = secondsOf(start ?? at ?? "");
    if (startSeconds !== null) {
      const said = line.slice((timed ?? named!).length);
      const speaker = name?.replace(/\s*[–—-]$/u, "").trim();
      texts.push({ startSeconds, endSeconds: secondsOf(end ?? ""), text: said, ...(speaker && { speaker }) });
      isContinued = true;
    } else if (line.trim() === "") isContinued &&= texts.at(-1)?.text.trim() === "";
    else if (isContinued)
      texts[texts.length - 1] = { ...texts.at(-1)!, text: `${texts.at(-1)!.text}\n${line}` };
    else untimed += 1;
  }
  if (texts.length === 0 || untimed > texts.length || !isRising(texts)) return null;
  return { texts: spoken(texts.filter((each) => each.text.trim() !== "")), problems: [] };
}

/** Times of a transcript rise; those of a schedule or a list of scores do not. */
function isRising(texts: readonly OpenText[]): boolean {
  let falls = 0;
  for (let i = 1; i < texts.length; i++) if (texts[i]!.startSeconds < texts[i - 1]!.startSeconds) falls += 1;
  return falls <= texts.length / 10;
}

/** Each text until the next begins, but no longer than it takes to say. */
function spoken(texts: readonly OpenText[]): TimedText[] {
  return texts.map((each, i) => {
    const longest = Math.min(
      mostSpokenSeconds,
      Math.max(mostShownSeconds, each.text.length / lettersPerSecond),
    );
    const next = texts[i + 1]?.startSeconds ?? Number.POSITIVE_INFINITY;
    const latest = each.startSeconds + longest;
    return {
      ...each,
      endSeconds: each.endSeconds ?? (next > each.startSeconds ? Math.min(latest, next) : latest),
    };
  });
}
