/**
 * How nano finds its slots in a prompt made for models that read prose.
 *
 * It takes the first run of frames; the lines `… says: …` of the `stream` fence that are the clip's own; the lines of the
 * `earlier` fence, each a memory of a clip before, the latest that fit; and of the supplement, which ends the prompt, the
 * words it knows. All other words it does not read.
 */
import type { Part } from "../../engine.ts";
import { earlierFence } from "../../policy/prompts.ts";
import { latestMemories, speechSlots, type Texts } from "./layout.ts";
import { encode, encodeContent } from "./vocabulary.ts";

export interface ReadPrompt extends Texts {
  readonly frames: readonly { readonly jpeg: Uint8Array }[];
}

/** What stands in front of the supplement in the policy's prompt, and of what may follow it. */
const supplementOpening = "as to content and not to form:\n";
const mistakeOpening = "\n\nYou have answered before:";

/** The slots of a prompt; a slot that is not found is empty. Lines of speech that do not fit are left out whole. */
export function readPrompt(parts: readonly Part[]): ReadPrompt {
  const text = parts.map((part) => (part.type === "text" ? part.text : "")).join("\n\n");
  const video = parts.find((part) => part.type === "video");
  const spoken: number[] = [];
  for (const line of fenced(text, "stream")) {
    const said = /^\[(?!before)[^\]]*\] (.+?) says: (.*)$/.exec(line);
    if (!said) continue;
    const words = [...encode(said[1]!), ...encode(said[2]!)];
    if (spoken.length + words.length < speechSlots) spoken.push(...words);
  }
  const preceding = latestMemories(fenced(text, earlierFence).map(encode));
  const supplement = text.split(supplementOpening)[1]?.split(mistakeOpening)[0] ?? "";
  const wanted = encodeContent(supplement);
  return { frames: video?.frames ?? [], spoken, preceding, wanted };
}

function fenced(text: string, name: string): string[] {
  const found = new RegExp(`^<${name}>\\n([^]*?)\\n</${name}>$`, "m").exec(text);
  return found ? found[1]!.split("\n") : [];
}
