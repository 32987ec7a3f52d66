/**
 * A judge that knows nothing but texts: of two memories the one that shares more words with the questions and their options.
 *
 * It knows neither what is true nor which option is right, and looks at no clip; so it grades nothing, and lets every memory
 * pass. It stands where a judge that knows a simulated world would make a figure look better than it is.
 */
import type { WordSpace } from "../engine.ts";
import type { Judge } from "./judge.ts";

/** Options of `questionWordsJudge`. */
export interface QuestionWordsJudgeOptions {
  readonly words: WordSpace;
}

/** A judge of relevance alone, by the words of memories and questions. */
export function questionWordsJudge({ words }: QuestionWordsJudgeOptions): Judge {
  return {
    id: `question-words@1:${words.id}`,
    quality: async () => ({
      ok: true,
      value: { correct: true, clean: true, rationale: "Neither truth nor repetition is looked at." },
    }),
    richness: async ({ memories }) => ({ ok: true, value: memories.map(() => 0) }),
    relevance: async ({ first, second, questions }) => {
      const asked = new Set(
        questions.flatMap(({ text, options }) =>
          [text, ...options.map((option) => option.text)].flatMap((each) => words.stems(each)),
        ),
      );
      const shared = (memory: string) =>
        [...new Set(words.stems(memory))].filter((stem) => asked.has(stem)).length;
      const more = shared(first) - shared(second);
      return { ok: true, value: more > 0 ? "first" : more < 0 ? "second" : "tie" };
    },
  };
}
