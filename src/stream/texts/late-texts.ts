/**
 * Texts beside a medium that came, or grew, after it was watched. What is new in them is read into the clips that are
 * there already.
 *
 * Which texts a medium was watched with is kept as marks among those of the files. Where it was watched with a text of
 * what is said, another such text is not read: it would say the same again.
 */
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { DataError } from "../../errors.ts";
import { sha256 } from "../../util/hash.ts";
import type { Cue, LeftOut, SourceFile } from "../clip.ts";
import { shifted, type TextPiece, withoutWatched } from "../files/text-source.ts";
import { filesBeside, type MediaTextOptions, type UsedText } from "./media-texts.ts";
import { inOrder } from "./text-candidates.ts";
import { readTexts } from "./texts.ts";

/** The mark of a text that is read as far as its medium is. */
export function textMark(medium: SourceFile, { isSpeech, name, bytes }: UsedText): SourceFile {
  const id = `${idsOf(medium, isSpeech)}.${sha256(name).slice(0, 20)}`;
  return { id, name, startSeconds: medium.startSeconds, watchedSeconds: 0, bytes, whole: true };
}

const idsOf = ({ id }: SourceFile, isSpeech: boolean) =>
  `text.${isSpeech ? "said" : "beside"}.${sha256(id).slice(0, 20)}`;

/**
 * What is new in the texts beside a medium, of the time in which it was watched.
 * @param known all marks of the stream
 * @param leaveOut takes a text that cannot be read
 * @param namesIn names of the files in a folder, which is read once for many media. @default it is read
 */
export async function lateTexts(
  path: string,
  medium: SourceFile,
  known: readonly SourceFile[],
  { languages, subtitles }: MediaTextOptions,
  leaveOut: (item: LeftOut) => void,
  namesIn?: (folder: string) => Promise<readonly string[]>,
): Promise<TextPiece[]> {
  const beside = await filesBeside(path, namesIn);
  const marks = new Map(known.map((mark) => [mark.id, mark]));
  let hasSpeech = subtitles !== undefined || known.some(({ id }) => id.startsWith(`${idsOf(medium, true)}.`));
  const texts = [
    ...inOrder(beside.speech, languages).map(({ from }) => ({
      place: (from as { path: string }).path,
      isSpeech: true,
    })),
    ...beside.others.map((place) => ({ place, isSpeech: false })),
  ];
  const pieces: TextPiece[] = [];
  for (const { place, isSpeech } of texts) {
    const { size: bytes } = await stat(place);
    const now = textMark(medium, { isSpeech, name: basename(place), bytes });
    const before = marks.get(now.id);
    if (isSpeech && hasSpeech && before === undefined) continue;
    if (before && (before.bytes > bytes || (before.whole && before.bytes === bytes))) continue;
    const cues = await cuesSince(place, before?.whole ? before.bytes : 0, bytes, languages).catch((error) => {
      if (!(error instanceof DataError)) throw error;
      leaveOut({ kind: "text", name: basename(place), reason: error.message });
      return null;
    });
    if (cues === null) continue;
    const from = before && !before.whole ? before.watchedSeconds : 0;
    const late = cues.filter(({ startSeconds: at }) => at >= from && at < medium.watchedSeconds);
    if (isSpeech && cues.length > 0) hasSpeech = true;
    const onTimeline = late.map((cue) => shifted(cue, medium.startSeconds));
    const mark = { ...now, watchedSeconds: from, whole: false };
    pieces.push({ mark, cues: onTimeline, spans: onTimeline, endSeconds: medium.watchedSeconds });
  }
  return pieces;
}

/** The cues of a text, without those that its first bytes held. */
async function cuesSince(
  path: string,
  before: number,
  bytes: number,
  languages: readonly string[],
): Promise<Cue[]> {
  const options = { origin: "sidecar", languages } as const;
  const now = await readTexts(path, { ...options, firstBytes: bytes, bytesRead: before || undefined });
  if (before === 0) return [...now.cues];
  const earlier = await readTexts(path, { ...options, firstBytes: before });
  return withoutWatched(now.cues, earlier.cues);
}
