/** A made-up week written in the layout of EgoLife's files. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { formatSeconds } from "../../../../util/time.ts";
import type { Span } from "../../../task.ts";
import type { TextEntry } from "../../files/transcripts.ts";
import type { WeekTask } from "../week.ts";
import { type MadeUpWeek, wearer } from "./made-up-week.ts";

const day = 86_400;
const hour = 3600;

/** `HHMMSS` of a moment's day. */
function clockOf(seconds: number): string {
  return formatSeconds(seconds % day).replaceAll(":", "");
}

function dayName(seconds: number): string {
  return `DAY${Math.floor(seconds / day) + 1}`;
}

/** A row as EgoLifeQA has it; the Chinese twins say the same with 问 before it. */
export function qaRow({ id, type, askTime, question, options, answer, keywords, evidence }: WeekTask) {
  const [{ startSeconds: target }] = evidence as [Span];
  const choices = options.flatMap(({ letter, text }) => [
    [`choice_${letter.toLowerCase()}`, text],
    [`choice_${letter.toLowerCase()}_chinese`, text],
  ]);
  return {
    ID: id.replace(`${wearer}-`, ""),
    query_time: { date: dayName(askTime), time: `${clockOf(askTime)}00` },
    type,
    question,
    question_chinese: `问${question}`,
    ...(Object.fromEntries(choices) as Record<string, string>),
    answer,
    target_time: { date: dayName(target), time: `${clockOf(target)}00` },
    keywords,
  };
}

/** Writes the tree below `root`. @param moreRows rows added after those of the questions, as they are */
export function writeEgoLife(
  root: string,
  { entries, questions }: MadeUpWeek,
  moreRows: readonly unknown[] = [],
): void {
  write(
    join(root, "EgoLifeQA", `EgoLifeQA_${wearer}.json`),
    JSON.stringify([...questions.map(qaRow), ...moreRows]),
  );
  const hours = Map.groupBy(entries, ({ startSeconds }) => Math.floor(startSeconds / hour));
  for (const [index, members] of hours) {
    const start = index * hour;
    const stem = `${wearer}_${dayName(start)}_${clockOf(start)}00`;
    const inHour = (kind: TextEntry["kind"]) => members.filter((entry) => entry.kind === kind);
    const captions = join(root, "EgoLifeCap", "DenseCaption");
    write(
      join(root, "EgoLifeCap", "Transcript", wearer, dayName(start), `${stem}.srt`),
      srt(inHour("speech"), start, ({ speaker, text }) => [`${speaker}: 说${text}`, `${speaker}: ${text}`]),
    );
    write(
      join(captions, wearer, dayName(start), `${stem}.srt`),
      srt(inHour("caption"), start, ({ text }) => [`看${text}`]),
    );
    write(
      join(captions, "translated", `${stem}.jsonl`),
      inHour("caption")
        .map(({ startSeconds, endSeconds, text }, i) =>
          JSON.stringify({
            custom_id: `${i + 1}-${wearer}-${dayName(start)}-${clockOf(startSeconds)}-${clockOf(endSeconds)}`,
            translated_text: text,
          }),
        )
        .join("\n"),
    );
  }
}

function srt(
  entries: readonly TextEntry[],
  start: number,
  linesOf: (entry: TextEntry) => readonly string[],
): string {
  const at = (seconds: number) => `${formatSeconds(seconds - start)},000`;
  return entries
    .map((entry, i) =>
      [i + 1, `${at(entry.startSeconds)} --> ${at(entry.endSeconds)}`, ...linesOf(entry), ""].join("\n"),
    )
    .join("\n");
}

function write(path: string, content: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}
