/**
 * How nano finds its slots in a prompt made for models that read prose.
 *
 * It takes the first run of frames; the lines `… says: …` of the `stream` fence that are the clip's own; the lines of the
 * `earlier` fence, each a memory of a clip before; and of the supplement, which ends the prompt, each line. Of all these
 * it knows only words of its vocabulary; all other words it does not read.
 */
import type { Part } from "../../engine.ts";
import { earlierFence } from "../../policy/prompts.ts";
import type { Texts } from "./layout.ts";
import { encode, encodeContent, sentencesIn } from "./vocabulary.ts";

export interface ReadPrompt extends Texts {
  readonly frames: readonly { readonly jpeg: Uint8Array }[];
}

/** What stands in front of the supplement in the policy's prompt, and of what may follow it. */
const supplementOpening = "as to content and not to form:\n";
const mistakeOpening = "\n\nYou have answered before:";

/** The slots of a prompt; a slot that is not found is empty. */
export function readPrompt(parts: readonly Part[]): ReadPrompt {
  const text = parts.map((part) => (part.type === "text" ? part.text : "")).join("\n\n");
  const video = parts.find((part) => part.type === "video");
  const spoken = fenced(text, "stream").flatMap((line) => {
    const said = /^\[(?!before)[^\]]*\] (.+?) says: (.*)$/.exec(line);
    return said ? [[...encodeContent(said[1]!), ...encodeContent(said[2]!)]] : [];
  });
  const preceding = fenced(text, earlierFence).flatMap((memory) => sentencesIn(encode(memory)));
  const supplement = text.split(supplementOpening)[1]?.split(mistakeOpening)[0] ?? "";
  const wanted = supplement
    .split("\n")
    .map(encodeContent)
    .filter(({ length }) => length > 0);
  return { frames: video?.frames ?? [], spoken, preceding, wanted };
}

function fenced(text: string, name: string): string[] {
  const found = new RegExp(`^<${name}>\\n([^]*?)\\n</${name}>$`, "m").exec(text);
  return found ? found[1]!.split("\n") : [];
}
