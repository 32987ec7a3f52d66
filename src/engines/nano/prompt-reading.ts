/**
 * How nano finds its slots in a prompt made for models that read prose.
 *
 * It takes the first run of frames; the lines `… says: …` of the `stream` fence that are the clip's own; and the last
 * line of the `earlier` fence, which is what was written about the clip before. All other words it does not read.
 */
import type { Part } from "../../engine.ts";
import { earlierFence } from "../../policy/prompts.ts";
import { beforeSlots, speechSlots } from "./layout.ts";
import { encode } from "./vocabulary.ts";

export interface ReadPrompt {
  readonly frames: readonly { readonly jpeg: Uint8Array }[];
  /** Token ids of what is said, speaker and words line after line, without mark. */
  readonly spoken: readonly number[];
  /** Token ids of the preceding memory, without mark. */
  readonly preceding: readonly number[];
}

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
  const preceding = encode(fenced(text, earlierFence).at(-1) ?? "");
  return { frames: video?.frames ?? [], spoken, preceding: preceding.slice(0, beforeSlots - 1) };
}

function fenced(text: string, name: string): string[] {
  const found = new RegExp(`^<${name}>\\n([^]*?)\\n</${name}>$`, "m").exec(text);
  return found ? found[1]!.split("\n") : [];
}
