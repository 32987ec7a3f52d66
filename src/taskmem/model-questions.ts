/** Questions with one right answer, which tell what a model can do: obey, fill a form, see. */
import type { AnswerSchema, Completion, GenerateRequest, Model, Part } from "../engine.ts";
import { requireProgram, runProgram } from "../util/program.ts";

/** A question, and how its answer is judged. */
export interface Question<Verdict extends string> {
  readonly parts: readonly Part[];
  readonly schema?: AnswerSchema;
  /** Tokens that a direct answer needs at most. */
  readonly tokens: number;
  readonly judge: (answer: Completion) => Verdict;
}

/** Puts a question to a model, greedily; where it thinks first, as it samples by itself, and with more room. */
export async function putQuestion(
  model: Model,
  { parts, schema, tokens }: Question<string>,
  { thinks, signal }: { readonly thinks: boolean; readonly signal?: AbortSignal | undefined },
): Promise<Completion> {
  const { completions } = await model.generate({
    parts,
    ...(schema && { schema }),
    // Thinking models loop when they are greedy.
    sampling: thinks ? { maxTokens: thinkingTokens } : { maxTokens: tokens, temperature: 0 },
    ...(signal && { signal }),
  } satisfies GenerateRequest);
  return completions[0]!;
}

/** Room for the thinking about such a question. */
export const thinkingTokens = 2048;

/** Whether an answer was thought about first, apart from it or in tags. */
export function isThinking({ text, thinking }: Completion): boolean {
  return (thinking ?? "").trim() !== "" || /<think>/.test(text);
}

/** A text without what was thought in tags. */
function said(text: string): string {
  return text.replace(/^[\s\S]*<\/think>/, "").trim();
}

const word = "blue";
const wordAssignment = `Answer with one word and nothing else: ${word}`;

/**
 * Whether it says the word it is told to say.
 *
 * `continues`: it writes the question or a chat template's marks, or does not stop, as a model does that was trained on
 * texts only, or that is asked without its template. `other`: it answers something else.
 */
export const wordQuestion: Question<"obeys" | "continues" | "other"> = {
  parts: [{ type: "text", text: wordAssignment }],
  tokens: 64,
  judge: ({ text, finish }) => {
    const answer = said(text);
    if (finish === "length" || answer.includes(wordAssignment) || /<\|\w+\|>|<\w+_of_turn>/.test(answer))
      return "continues";
    return new RegExp(`^\\W*${word}\\W*$`, "i").test(answer) ? "obeys" : "other";
  },
};

const formAssignment =
  'Mara wears a green coat. Jonas wears a brown coat. Answer with the JSON object {"colour": "..."}: what is the colour of the coat that Mara wears?';

/** Whether it fills a form, and rightly. `unreadable`: what it wrote is not that JSON object. */
export function formQuestion(jsonSchema: boolean): Question<"right" | "wrong" | "unreadable"> {
  return {
    parts: [{ type: "text", text: formAssignment }],
    ...(jsonSchema && { schema: stringsSchema(["colour"]) }),
    tokens: 128,
    judge: ({ text }) => {
      const colour = stringsIn(said(text))?.colour;
      if (colour === undefined) return "unreadable";
      return /\bgreen\b/i.test(colour) && !/brown/i.test(colour) ? "right" : "wrong";
    },
  };
}

const pictureAssignment =
  'The upper half of this picture has one colour, and the lower half another. Answer with the JSON object {"upper": "...", "lower": "..."}: which colours are they?';

/** Whether it sees what a picture of two colours shows. @param jpeg as `pictureOfTwoColours` makes it */
export function pictureQuestion(
  jpeg: Uint8Array,
  jsonSchema: boolean,
): Question<"sees" | "invents" | "unreadable"> {
  return {
    parts: [
      { type: "video", frames: [{ atSeconds: 0, jpeg }] },
      { type: "text", text: pictureAssignment },
    ],
    ...(jsonSchema && { schema: stringsSchema(["upper", "lower"]) }),
    tokens: 128,
    judge: ({ text }) => {
      const { upper, lower } = stringsIn(said(text)) ?? {};
      if (upper === undefined || lower === undefined) return "unreadable";
      return /\bred\b/i.test(upper) && /\bblue\b/i.test(lower) ? "sees" : "invents";
    },
  };
}

/** A JPEG whose upper half is red and whose lower half is blue. @throws ConfigError `program-missing` */
export async function pictureOfTwoColours(
  { width, height }: { readonly width: number; readonly height: number },
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const picture = `color=red:s=${width}x${height},drawbox=y=ih/2:w=iw:h=ih/2:color=blue:t=fill`;
  const { stdout } = await runProgram(
    requireProgram("ffmpeg"),
    ["-v", "error", "-f", "lavfi", "-i", picture, "-frames:v", "1", "-f", "image2pipe", "-c:v", "mjpeg", "-"],
    { signal },
  );
  return stdout;
}

function stringsSchema(names: readonly string[]): AnswerSchema {
  const properties = Object.fromEntries(names.map((name) => [name, { type: "string", maxLength: 40 }]));
  return {
    name: "answer",
    schema: { type: "object", properties, required: names, additionalProperties: false },
  };
}

/** The texts of a JSON object, which may stand in other text; `null` where there is none. */
function stringsIn(text: string): Readonly<Record<string, string>> | null {
  try {
    const object: unknown = JSON.parse(/\{[\s\S]*\}/.exec(text)?.[0] ?? "");
    if (typeof object !== "object" || object === null) return null;
    return Object.fromEntries(Object.entries(object).filter(([, value]) => typeof value === "string"));
  } catch {
    return null;
  }
}
