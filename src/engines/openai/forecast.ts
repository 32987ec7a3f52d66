/**
 * How many tokens a prompt takes, estimated before it is sent: for the budget, and for the room that its answer has.
 *
 * The estimate goes by characters and by the pictures' sizes. What a server reports corrects it: a text's length once a
 * prompt of text alone was counted, a picture's once one with pictures was.
 */
import type { Completion, GenerateRequest } from "../../engine.ts";
import { pictureTokens, presetNamed, presetOfModel } from "../../presets/presets.ts";
import { jpegSize } from "../../stream/jpeg.ts";
import type { ChatAnswer } from "./chat.ts";
import { type Picture, picturesIn } from "./pictures.ts";
import type { Use } from "./prices.ts";

/** Estimates prompts of one model, and learns from those that were counted. */
export interface PromptMeter {
  /** Estimated tokens of a request's prompt. */
  estimate(request: Pick<GenerateRequest, "system" | "parts">): number;
  /** Corrects the estimate by a prompt's real length in tokens. */
  learn(request: Pick<GenerateRequest, "system" | "parts">, promptTokens: number): void;
}

/** Below this an estimate says too little about the next prompt. */
const fewestTokensToLearnFrom = 50;

/** A meter that has counted nothing yet: pictures are estimated as the family of the model's name takes them. */
export function promptMeter(model: string): PromptMeter {
  const tokensOf = pictureEstimate(model);
  let textScale = 1;
  let pictureScale = 1;
  const sizeOf = ({ system = "", parts }: Pick<GenerateRequest, "system" | "parts">) => {
    const texts = parts.flatMap((part) => (part.type === "text" ? [part.text] : []));
    return {
      text: [system, ...texts].reduce((sum, text) => sum + textTokens(text), 0),
      pictures: picturesIn(parts).reduce((sum, picture) => sum + tokensOf(picture), 0),
    };
  };
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

/** Four characters of an alphabet are a token, and one of a script of syllables or words. */
function textTokens(text: string): number {
  const wide = text.match(/[\u2e80-\ud7ff\uf900-\uffef]/g)?.length ?? 0;
  return (text.length - wide) / 4 + wide;
}

/** Of a picture whose size is not known: about 448 × 252 pixels. */
const unknownSize = { width: 448, height: 252 };
/** Where the family is not known: a token for every 28 × 28 pixels. */
const unknownFamily = { picture: { side: 28 } };

/** Tokens of a picture, by the model's family and the picture's size. */
function pictureEstimate(model: string): (picture: Picture) => number {
  const preset = presetNamed(presetOfModel(model));
  const family = preset?.picture ? preset : unknownFamily;
  return ({ bytes }) => pictureTokens(family, jpegSize(bytes) ?? unknownSize)!;
}

/** A rough forecast of a call, for the budget: of an answer, 200 tokens. */
export function forecastUse({ n = 1, sampling }: GenerateRequest, promptTokens: number): Use {
  return { promptTokens, completionTokens: n * Math.min(200, sampling?.maxTokens ?? 200) };
}

/**
 * Tokens of all completions as reported. Of several, some servers report the first alone: then the estimate by length is
 * far higher, and counts.
 */
export function completionTokensOf({ completions, completionTokens: reported }: ChatAnswer): number {
  const lengthOf = ({ text, thinking }: Completion) => text.length + (thinking?.length ?? 0);
  const estimate = Math.ceil(completions.reduce((sum, completion) => sum + lengthOf(completion), 0) / 4);
  if (reported === null) return estimate;
  return completions.length > 1 && estimate > 1.4 * reported ? estimate : reported;
}
