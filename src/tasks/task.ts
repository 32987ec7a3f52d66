/** Tasks: a task is a demand from the environment at a time; in question answering, a question. */
import { ConfigError } from "../errors.ts";

/** An option of a multiple-choice question. */
export interface Option {
  /** `A`, `B`, … */
  readonly letter: string;
  readonly text: string;
}

/** A question: free-form, or with options to choose from. */
export interface Question {
  readonly text: string;
  /** Options to choose from; empty for a free-form question. */
  readonly options: readonly Option[];
}

/** A question as callers give it: a text, or a text with options, whose letters may be left out. */
export type QuestionInput =
  | string
  | {
      readonly text: string;
      /** Options to choose from. @default none: a free-form question */
      readonly options?: readonly (string | Option)[];
    };

/** A question that was asked, its answer, and feedback on the answer. */
export interface Task {
  readonly id: string;
  readonly askedAtMs: number;
  /** The moment of stream time it was asked as of, or `null`. */
  readonly asOfSeconds: number | null;
  readonly stream: string | null;
  readonly question: Question;
  readonly answer: string;
  /** Letter of the chosen option, or `null`. */
  readonly option: string | null;
  readonly abstained: boolean;
  /** Ids of the cited entries. */
  readonly citations: readonly string[];
  readonly reader: string;
  readonly feedback: Feedback | null;
}

/** What a user says about an answer. */
export interface Feedback {
  readonly atMs: number;
  readonly verdict: "right" | "wrong";
  /** The right answer, if the user gave it. */
  readonly correction: string | null;
}

const mostOptions = 26;

/**
 * A question with all its parts; options without a letter get the letter of their place.
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

/** `reader` of a task that was recorded without an answer. */
export const notAnswered = "nobody";

/** Options with letters: the i-th text gets the i-th capital letter. */
export function letterOptions(texts: readonly string[]): Option[] {
  return texts.map((text, i) => ({ letter: String.fromCharCode(65 + i), text }));
}
