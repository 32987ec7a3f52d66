/** Which sights and sounds of a stream nothing looked at or listened to, and what would. */
import type { LeftOut } from "../stream/clip.ts";
import type { Look } from "./look.ts";
import { isSilent, lengthText, mayHoldSpeech, soundText } from "./look-text.ts";
import type { Perceptors } from "./perceive.ts";

/**
 * What no sense perceived of a stream.
 * @param look of the whole stream
 * @param seconds its length
 * @param seesPictures whether the policy looks at pictures
 */
export function unsensed(
  look: Look,
  seconds: number,
  {
    transcriber,
    screenReader,
    lacksForVoice = null,
    lacksForSpeech = null,
    lacksForVoices = null,
    lacksForText = null,
    leftOut = [],
  }: Perceptors,
  seesPictures: boolean,
): LeftOut[] {
  const { sound, picture, lines } = look;
  const items: LeftOut[] = [];
  const holdsNoSpeech = sound?.byVoice === true && !mayHoldSpeech(sound);
  if (sound && !isSilent(sound) && !holdsNoSpeech && transcriber === null && lines.said === 0) {
    const here = lacksForSpeech ? ` To transcribe English here: ${lacksForSpeech}` : "";
    const voice =
      here === "" && !sound.byVoice && lacksForVoice
        ? ` To find where somebody speaks: ${lacksForVoice}`
        : "";
    items.push({
      ...{ kind: "sound", name: null },
      reason: `What is heard (${lengthText(sound.seconds)} of ${soundText(sound)}) was not transcribed, and there are no subtitles. Name a transcriber with --transcribe-base-url and --transcribe-model, or put subtitles beside the file.${here}${voice}`,
    });
  }
  if (sound && !isSilent(sound) && !holdsNoSpeech && lacksForVoices)
    items.push({
      ...{ kind: "sound", name: null },
      reason: `People were not told apart by their voices. To do it: ${lacksForVoices}`,
    });
  if (picture && !seesPictures) {
    const read =
      lines.read > 0
        ? "only the text in them was read"
        : screenReader
          ? "and no text was found in them"
          : "and the text in them was not read";
    items.push({
      ...{ kind: "picture", name: null },
      reason: `No model looked at the pictures (${lengthText(seconds)}), ${read}. Name a model with --base-url and --model.`,
    });
  }
  if (picture && screenReader && lacksForText && lines.read > 0)
    items.push({
      ...{ kind: "text", name: null },
      reason: `Text in the pictures was read by ${screenReader.id}, which misses small and coloured print. To read more of it: ${lacksForText}`,
    });
  if (look.late)
    items.push({
      ...{ kind: "picture", name: null },
      reason: `The senses were slower than the stream: for ${lengthText(look.late.seconds)} they looked at as few as one of ${look.late.every} pictures. Turn off one that is not needed (--no-screen-text, --no-transcribe), or watch with more processors.`,
    });
  for (const problem of look.problems)
    items.push({
      ...{
        kind: /^(?:speech|voices|speakers)\b/.test(problem)
          ? "sound"
          : /^(?:faces|pictures)\b/.test(problem)
            ? "picture"
            : "text",
        name: null,
      },
      reason: `A sense failed on some clips, which are kept without it (${problem}). To perceive them again, forget the stream and watch it again.`,
    });
  return picture ? [...items, ...leftOut] : items;
}
