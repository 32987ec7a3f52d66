/** A task: a demand from the environment at a time. In question answering, a question. */

/** A possible answer of a multiple-choice question. */
export interface Option {
  /** `A`, `B`, … */
  readonly letter: string;
  readonly text: string;
}

/** A question, open or multiple choice. */
export interface Question {
  readonly text: string;
  /** Empty for a free-form question. */
  readonly options: readonly Option[];
}

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

/** What a user said of an answer. */
export interface Feedback {
  readonly atMs: number;
  readonly verdict: "right" | "wrong";
  /** The right answer where the user gave it. */
  readonly correction: string | null;
}

/** Reader of a task that was recorded without an answer. */
export const notAnswered = "nobody";

/** Options as letters: the i-th text gets the i-th capital letter. */
export function letterOptions(texts: readonly string[]): Option[] {
  return texts.map((text, i) => ({ letter: String.fromCharCode(65 + i), text }));
}
