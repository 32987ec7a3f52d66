/**
 * How many tokens a prompt takes, estimated before it is sent: for the budget, and for the room that its answer has.
 *
 * The estimate goes by characters and by the pictures' sizes. What a server reports corrects it: a text's length once a
 * prompt of text alone was counted, a picture's once one with pictures was.
 */
import type { GenerateRequest, Part } from "../../engine.ts";

/** Estimates prompts of one model, and learns from those that were counted. */
export interface PromptMeter {
  /** Estimated tokens of a request's prompt. */
  estimate(request: Pick<GenerateRequest, "system" | "parts">): number;
  /** Corrects the estimate by a prompt's real length in tokens. */
  learn(request: Pick<GenerateRequest, "system" | "parts">, promptTokens: number): void;
}

/** Below this an estimate says too little about the next prompt. */
const fewestTokensToLearnFrom = 50;

/** A meter that has counted nothing yet. */
export function promptMeter(): PromptMeter {
  let textScale = 1;
  let pictureScale = 1;
  return {
    estimate: (request) => {
      const { text, pictures } = sizeOf(request);
      return Math.ceil(text * textScale + pictures * pictureScale);
    },
    learn: (request, promptTokens) => {
      const { text, pictures } = sizeOf(request);
      if (pictures === 0) {
        if (text >= fewestTokensToLearnFrom) textScale = promptTokens / text;
      } else if (pictures >= fewestTokensToLearnFrom) {
        pictureScale = Math.max(0, promptTokens - text * textScale) / pictures;
      }
    },
  };
}

/** Estimated tokens of text and of pictures. */
function sizeOf({ system = "", parts }: Pick<GenerateRequest, "system" | "parts">) {
  const texts = parts.flatMap((part) => (part.type === "text" ? [part.text] : []));
  return {
    text: [system, ...texts].reduce((sum, text) => sum + textTokens(text), 0),
    pictures: parts.reduce((sum, part) => sum + picturesIn(part) * tokensPerPicture, 0),
  };
}

/** Four characters of an alphabet are a token, and one of a script of syllables or words. */
function textTokens(text: string): number {
  const wide = text.match(/[\u2e80-\ud7ff\uf900-\uffef]/g)?.length ?? 0;
  return (text.length - wide) / 4 + wide;
}

const tokensPerPicture = 300;

function picturesIn(part: Part): number {
  if (part.type === "text") return 0;
  return part.type === "image" ? 1 : part.frames.length;
}
