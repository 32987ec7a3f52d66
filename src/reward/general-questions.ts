/** Questions about anything: what a lesson's own questions are told apart from. */
import type { Question } from "../tasks/task.ts";

const texts = [
  "Who was there?",
  "Where did it happen?",
  "When did they leave?",
  "What did they talk about?",
  "What did she say about him?",
  "What did he do next?",
  "What was she wearing?",
  "What did they eat?",
  "What was on the screen?",
  "Which device did he use?",
  "How much did it cost?",
  "How many people came?",
  "Why did she laugh?",
  "What are they planning for tomorrow?",
  "Who is her brother?",
  "What does he like?",
  "Where did she put it?",
  "What colour was it?",
  "What music was played?",
  "Which animal was it?",
  "How did they get there?",
  "What went wrong?",
  "Who was on the phone?",
  "What was written on it?",
];

/** A fixed pool over many kinds of question, so that any one kind is a small part of it. */
export const generalQuestions: readonly Question[] = texts.map((text) => ({ text, options: [] }));
