/** A task: a demand from the environment at a time. In question answering, a question. */
import { ConfigError } from "../errors.ts";

export interface Option {
  /** `A`, `B`, … */
  readonly letter: string;
  readonly text: string;
}

export interface Question {
  readonly text: string;
  /** Empty for a free-form question. */
  readonly options: readonly Option[];
}

/** A question as people give it: its text, or its text with the answers to choose from, whose letters may be left out. */
export type QuestionInput =
  | string
  | {
      readonly text: string;
      /** @default none: a free-form question */
      readonly options?: readonly (string | Option)[];
    };

/** A question that was asked, what memory answered, and what the user thought of it. */
export interface Task {
  readonly id: string;
  readonly askedAtMs: number;
  /** The moment of stream time it was asked as of, where the asker said. */
  readonly asOfSeconds: number | null;
  readonly stream: string | null;
  readonly question: Question;
  readonly answer: string;
  /** Letter of the option chosen, or `null`. */
  readonly option: string | null;
  readonly abstained: boolean;
  /** Ids of the entries cited. */
  readonly citations: readonly string[];
  readonly reader: string;
  readonly feedback: Feedback | null;
}

export interface Feedback {
  readonly atMs: number;
  readonly verdict: "right" | "wrong";
  /** The right answer where the user gave it. */
  readonly correction: string | null;
}

const mostOptions = 26;

/**
 * A question with all its parts; options without a letter get the one of their place.
 * @throws ConfigError for an empty question, a single option or more options than letters
 */
export function toQuestion(given: QuestionInput): Question {
  const { text, options = [] } = typeof given === "string" ? { text: given } : given;
  if (typeof text !== "string" || text.trim() === "")
    throw new ConfigError("question-empty", "Expected a question, got none.");
  if (options.length === 1)
    throw new ConfigError("options-few", "Expected at least two options to choose from, got one.");
  if (options.length > mostOptions) {
    throw new ConfigError(
      "options-many",
      `Expected at most ${mostOptions} options, one a letter, got ${options.length}.`,
    );
  }
  const lettered = letterOptions(
    options.map((option) => (typeof option === "string" ? option : option.text)),
  );
  return {
    text,
    options: options.map((option, i) => (typeof option === "string" ? lettered[i]! : option)),
  };
}

/** Options as letters: the i-th text gets the i-th capital letter. */
export function letterOptions(texts: readonly string[]): Option[] {
  return texts.map((text, i) => ({ letter: String.fromCharCode(65 + i), text }));
}
