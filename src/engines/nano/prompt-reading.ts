/**
 * How nano finds its slots in a prompt made for models that read prose.
 *
 * It takes the frames of the decided clip, the clip's own lines of speech from the `stream` fence, each line of the
 * `earlier` fence (a memory of an earlier clip), and each line of the supplement, which ends the prompt. It reads only
 * words of its vocabulary. The marks that the prompt itself is made with show where each part is.
 */
import type { Part } from "../../engine.ts";
import { promptMarks as marks } from "../../policy/prompts.ts";
import type { Texts } from "./layout.ts";
import { encode, encodeContent, sentencesIn } from "./vocabulary.ts";

/** What nano reads from a prompt. */
export interface ReadPrompt extends Texts {
  readonly frames: readonly { readonly jpeg: Uint8Array }[];
}

/** A line of speech in the clip itself: who speaks, what is said. */
const ownSpeech = new RegExp(`^\\[(?!${marks.before})[^\\]]*\\] (.+?)${marks.says}(.*)$`);

/** The slots of a prompt; a slot that is not found is empty. */
export function readPrompt(parts: readonly Part[]): ReadPrompt {
  const text = parts.map((part) => (part.type === "text" ? part.text : "")).join("\n\n");
  const spoken = fenced(text, marks.stream).flatMap((line) => {
    const said = ownSpeech.exec(line);
    return said ? [[...encodeContent(said[1]!), ...encodeContent(said[2]!)]] : [];
  });
  const preceding = fenced(text, marks.earlier).flatMap((memory) => sentencesIn(encode(memory)));
  const supplement = text.split(`${marks.supplement}\n`)[1]?.split(`\n\n${marks.mistake}`)[0] ?? "";
  const wanted = supplement
    .split("\n")
    .map(encodeContent)
    .filter(({ length }) => length > 0);
  return { frames: ownFrames(parts), spoken, preceding, wanted };
}

/** The last run of frames, unless the line before it says that they are from before the clip. */
function ownFrames(parts: readonly Part[]): ReadPrompt["frames"] {
  const place = parts.findLastIndex(({ type }) => type === "video");
  const video = parts[place];
  if (video?.type !== "video") return [];
  const front = parts[place - 1];
  const line = front?.type === "text" ? front.text.split("\n").at(-1)! : "";
  return line.startsWith(marks.picturesBefore) ? [] : video.frames;
}

function fenced(text: string, name: string): string[] {
  const found = new RegExp(`^<${name}>\\n([^]*?)\\n</${name}>$`, "m").exec(text);
  return found ? found[1]!.split("\n") : [];
}
