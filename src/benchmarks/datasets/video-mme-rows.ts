/** A row of Video-MME as a task, in each layout its files travel in. Each throws RowProblem for a row that cannot be read. */
import type { BenchmarkTask } from "../task.ts";
import {
  type Fields,
  letterOf,
  optionalText,
  optionsOf,
  RowProblem,
  shown,
  textField,
} from "./files/annotations.ts";
import { parsePythonList } from "./files/python-list.ts";

const optionCount = 4;

/** What tells a video's class from its length in seconds: it is no number. */
function durationClass(row: Fields): { group?: string } {
  const text = optionalText(row, "duration_category", "duration");
  return text !== null && /^(short|medium|long)$/i.test(text) ? { group: text.toLowerCase() } : {};
}

function task(
  facts: { id: string; stream: string; type: string; question: string; answer: string | null },
  options: readonly unknown[],
  form: "letter" | "text",
  row: Fields,
): BenchmarkTask {
  const lettered = optionsOf(options, optionCount);
  const answer = letterOf(facts.answer, lettered, form);
  return { ...facts, answer, askTime: "end", options: lettered, ...durationClass(row) };
}

export function officialTask(row: Fields, otherwiseId?: string): BenchmarkTask {
  const id = optionalText(row, "question_id") ?? otherwiseId ?? textField(row, "question_id");
  const facts = {
    id,
    stream: textField(row, "videoID"),
    type: textField(row, "task_type"),
    question: textField(row, "question"),
    answer: optionalText(row, "answer"),
  };
  return task(facts, listOf(row.options), "letter", row);
}

/** In the result template the video's own name may be missing; its link has it. */
export function templateTask(video: Fields, question: Fields): BenchmarkTask {
  const linked = /(?:v=|youtu\.be\/|shorts\/)([\w-]{11})/.exec(optionalText(video, "url") ?? "")?.[1];
  const facts = {
    id: textField(question, "question_id"),
    stream: optionalText(video, "videoID") ?? linked ?? textField(video, "video_id"),
    type: textField(question, "task_type"),
    question: textField(question, "question"),
    answer: optionalText(question, "answer"),
  };
  return task(facts, listOf(question.options), "letter", video);
}

/** Here `video_id` is the video's name, `duration` its seconds and the answer an option's text. */
export function conversationTask(video: Fields, question: Fields, place: number): BenchmarkTask {
  const stream = textField(video, "video_id");
  const facts = {
    id: optionalText(question, "question_id") ?? `${stream}-${place}`,
    stream,
    type: textField(question, "question_type"),
    question: textField(question, "question"),
    answer: optionalText(question, "answer"),
  };
  return task(facts, listOf(question.choices), "text", video);
}

export function tableTask(row: Fields, place: number): BenchmarkTask {
  const facts = {
    id: optionalText(row, "question_id") ?? optionalText(row, "index") ?? String(place),
    stream: textField(row, "videoID", "video"),
    type: textField(row, "task_type"),
    question: textField(row, "question"),
    answer: optionalText(row, "answer"),
  };
  return task(facts, listOf(row.candidates), "letter", row);
}

/** A whole prompt: an instruction, the question, four lettered lines, what to answer with. Read from its end. */
export function promptTask(row: Fields): BenchmarkTask {
  const { question, options } = splitPrompt(textField(row, "input"));
  const facts = {
    id: textField(row, "question_id"),
    stream: textField(row, "videoID"),
    type: textField(row, "task_category", "task_type"),
    question,
    answer: optionalText(row, "answer"),
  };
  return task(facts, options, "letter", row);
}

/** @throws RowProblem */
export function splitPrompt(input: string): { question: string; options: string[] } {
  const lines = input.split(/\r?\n/);
  const starts: number[] = [];
  let before = lines.length;
  for (const letter of ["D", "C", "B", "A"]) {
    const at = lines.findLastIndex(
      (line, i) => i < before && new RegExp(`^\\s*\\(?${letter}[.):]\\s`).test(line),
    );
    if (at < 0) throw new RowProblem(`expected four lettered lines in \`input\`, found no ${letter}`);
    starts.unshift(at);
    before = at;
  }
  const [first, ...rest] = starts as [number, number, number, number];
  const ends = [...rest, rest.at(-1)! + 1];
  const options = starts.map((start, i) =>
    lines
      .slice(start, ends[i])
      .join("\n")
      .replace(/^\s*\(?[A-D][.):]\s/, "")
      .trim(),
  );
  const question = lines.slice(1, first).join("\n").trim();
  if (question === "") throw new RowProblem("expected a question between the instruction and the options");
  return { question, options };
}

/** A list as such, or as Python or JSON prints it. @throws RowProblem */
function listOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  const printed = typeof value === "string" ? parsePythonList(value) : null;
  if (printed) return printed;
  throw new RowProblem(`expected a list of options, got ${shown(value)}`);
}
