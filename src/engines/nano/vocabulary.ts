/**
 * The words nano reads and writes: those of the household's language, the function words of its sentences, and marks.
 *
 * One token per word; a time is two (`17` and `:05`); a full stop and a comma are tokens of their own. The first word of a
 * sentence is a different token from the same word within a sentence, so that it alone decides the kind. A word that is
 * not in the list is left out when text is encoded.
 */
import {
  colours,
  devices,
  displayHours,
  displayMinutes,
  garments,
  hours,
  objects,
  people,
  places,
  rooms,
  topics,
  verbs,
} from "../../household/language.ts";

/** `pad` fills up lines and answers, `start` and `end` bound an answer, `none` stands for an empty strip or line. */
export const marks = ["<pad>", "<start>", "<end>", "<none>"] as const;
const functionWords = [
  ...["On", "Dressed", "Quote", "The", "Busy"],
  ...["the", "puts", "in", "a", "an", "is", "at", "shows", ",", "."],
];
/** First words of questions, which decide their kind. */
const questionWords = ["Where", "Which", "At", "What", "In"];

/** All tokens; a token's id is its place in the list, shape [V]. */
export const tokens: readonly string[] = [
  ...marks,
  ...functionWords,
  ...questionWords,
  ...people,
  ...objects,
  ...places,
  ...colours,
  ...garments,
  ...topics,
  ...hours,
  ...devices,
  ...displayHours,
  ...displayMinutes.map((minutes) => `:${minutes}`),
  ...Object.keys(verbs),
  ...rooms,
];
const ids: ReadonlyMap<string, number> = new Map(tokens.map((token, id) => [token, id]));

/** A token's id. @throws RangeError when there is no such token */
export function idOf(token: string): number {
  const id = ids.get(token);
  if (id === undefined) throw new RangeError(`Expected a token of nano's vocabulary, got "${token}"`);
  return id;
}

// Ids of the marks and of the full stop.
export const pad = idOf("<pad>");
export const start = idOf("<start>");
export const end = idOf("<end>");
export const none = idOf("<none>");
export const fullStop = idOf(".");

/** Token ids of a text, shape [T]; what is not in the vocabulary is left out. */
export function encode(text: string): number[] {
  return (text.match(/:\d\d|\w+|[.,]/g) ?? []).flatMap((word) => ids.get(word) ?? []);
}

/** Token ids of a text's question words and content words, shape [T]: what questions are told apart by. */
export function encodeContent(text: string): number[] {
  return contentOf(encode(text));
}

/** Token ids without marks and function words. */
export function contentOf(encoded: readonly number[]): number[] {
  return encoded.filter((id) => id >= marks.length + functionWords.length);
}

/** Token ids as sentences, each with its full stop; the rest after the last full stop is a sentence too. */
export function sentencesIn(encoded: readonly number[]): number[][] {
  const sentences: number[][] = [[]];
  for (const token of encoded) {
    sentences.at(-1)!.push(token);
    if (token === fullStop) sentences.push([]);
  }
  return sentences.filter(({ length }) => length > 0);
}

/** The text of token ids, marks left out: `encode` of a household sentence and back gives the sentence. */
export function decode(encoded: Iterable<number>): string {
  let text = "";
  for (const id of encoded) {
    if (id < marks.length) continue;
    const token = tokens[id]!;
    text += text === "" || /^[.,:]/.test(token) ? token : ` ${token}`;
  }
  return text;
}
