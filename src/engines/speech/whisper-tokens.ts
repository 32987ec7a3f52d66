/** Whisper's tokens: which of them have a meaning of their own, and the text of the others. */
import { DataError } from "../../errors.ts";

/** The tokens of a model. */
export interface WhisperTokens {
  /** Ends a text. */
  readonly end: number;
  /** What a text begins with, so that it is transcribed with times. `language` counts for models of many languages. */
  start(language: string | null): number[];
  /** Whether it knows more than English. */
  readonly multilingual: boolean;
  /** Languages by their tags, with their tokens; of a model of English alone, that. */
  readonly languages: ReadonlyMap<string, number>;
  /** Says that nothing is spoken. */
  readonly noSpeech: number;
  /** `<|0.00|>`; each token after it is a fiftieth of a second later. */
  readonly firstTime: number;
  /** The text of tokens that have one. */
  textOf(ids: readonly number[]): string;
}

/** Seconds from one token of time to the next. */
export const timeStep = 0.02;

/** Reads a vocabulary, a token a line. @throws DataError `weights-broken` for one without Whisper's own tokens */
export function whisperTokens(vocabulary: string): WhisperTokens {
  const lines = vocabulary.replace(/\n$/, "").split("\n");
  const places = new Map(lines.map((line, id) => [line, id]));
  const token = (...names: string[]): number => {
    for (const name of names) if (places.has(`<|${name}|>`)) return places.get(`<|${name}|>`)!;
    throw new DataError("weights-broken", `The speech model's vocabulary has no token <|${names[0]}|>`);
  };
  const [end, begin, transcribe] = [token("endoftext"), token("startoftranscript"), token("transcribe")];
  const noSpeech = token("nospeech", "nocaptions");
  const firstTime = token("0.00");
  const named = lines.flatMap((line, id) => {
    const [, tag] = /^<\|([a-z]{2,3})\|>$/.exec(line) ?? [];
    return tag && id > begin && id < transcribe ? [[tag, id] as const] : [];
  });
  // The models of English alone begin a token earlier, and have the others without a use for them.
  const multilingual = begin > 50_257;
  return {
    ...{ end, noSpeech, firstTime, multilingual },
    languages: new Map(multilingual ? named : named.filter(([tag]) => tag === "en")),
    start: (language) =>
      multilingual ? [begin, token(language?.toLowerCase().split("-")[0] ?? "en"), transcribe] : [begin],
    textOf: (ids) =>
      Buffer.from(
        ids.filter((id) => id < end).flatMap((id) => [...(lines[id] ?? "")].map((letter) => byteOf(letter))),
      ).toString("utf8"),
  };
}

/** GPT-2 writes bytes that print as themselves, and the others as letters from U+0100 on. */
const byLetter = new Map<string, number>();
for (let byte = 0, next = 256; byte < 256; byte++) {
  const prints = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  byLetter.set(String.fromCharCode(prints ? byte : next++), byte);
}
const byteOf = (letter: string) => byLetter.get(letter) ?? 32;
