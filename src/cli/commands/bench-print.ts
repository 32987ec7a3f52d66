/** What `bench` prints about a run: what was found, how it goes, and the table of one on videos at its end. */
import { mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { recordingsOf } from "../../benchmarks/datasets/egotempo.ts";
import type { Following } from "../../benchmarks/run/options.ts";
import type { Retried } from "../../benchmarks/run/results.ts";
import type { RunSummary } from "../../benchmarks/run/summary.ts";
import type { LoadedBenchmark, SkippedRow } from "../../benchmarks/task.ts";
import type { Output } from "../output.ts";

/** Most rows and streams that are named one by one. */
const mostListed = 10;

/** What was found of a benchmark, and what was not. */
export function printLoaded(output: Output, loaded: LoadedBenchmark): void {
  const { benchmark, layout, files, rows, tasks, skipped, missing, notes, streams } = loaded;
  output.object({
    event: "bench-loaded",
    ...{ benchmark, layout, files, rows, skipped, missing, notes },
    tasks: tasks.length,
    streams: streams.size,
  });
  const names = files.map((path) => basename(path));
  const listed = names.length > 3 ? `${names.slice(0, 3).join(", ")} and others` : names.join(", ");
  output.note(
    `${benchmark}: ${layout} in ${listed}, ${tasks.length} of ${rows} questions, ${streams.size} of ${streams.size + missing.length} videos${textsFound(loaded)}`,
  );
  for (const note of notes) output.note(`  ${note}`);
  printSkipped(output, skipped);
  if (missing.length > 0) {
    const more = missing.length > mostListed ? ` and ${missing.length - mostListed} more` : "";
    output.note(`  no video of ${missing.slice(0, mostListed).join(", ")}${more}`);
  }
}

/** Rows that were left out. */
export function printSkipped(output: Output, skipped: readonly SkippedRow[]): void {
  for (const { file, row, reason } of skipped.slice(0, mostListed))
    output.note(`  skipped ${file} row ${row}: ${reason}`);
  if (skipped.length > mostListed)
    output.note(`  skipped ${skipped.length - mostListed} more; run.json lists them`);
}

function textsFound({ streams }: LoadedBenchmark): string {
  const found = [...streams.values()];
  const subtitled = found.filter(({ subtitles }) => subtitles !== null).length;
  const hours = found.reduce((sum, { transcripts = [] }) => sum + transcripts.length, 0);
  return [
    subtitled > 0 ? `, ${subtitled} with subtitles` : "",
    hours > 0 ? `, transcripts of ${hours} hours` : "",
  ].join("");
}

/** Writes the ids that the Ego4D downloader takes. */
export function listRecordings(output: Output, directory: string, { missing }: LoadedBenchmark): void {
  const recordings = recordingsOf(missing);
  if (recordings.length === 0) return;
  mkdirSync(directory, { recursive: true });
  const path = join(directory, "missing-recordings.txt");
  writeFileSync(path, `${recordings.join("\n")}\n`);
  output.note(`  ${recordings.length} Ego4D recordings are missing; their ids are in ${path}`);
}

/** Tells how a run goes, as objects and to people. */
export function following(output: Output): Following {
  return {
    onResume: ({ done, again, reasons }) => {
      output.object({ event: "bench-resume", done, again, reasons });
      const tried = again === 0 ? "" : `; ${again} questions are tried again: ${reasonsText(reasons)}`;
      output.note(`resumed: ${done} results kept${tried}`);
    },
    onProgress: ({ row, done, total, outcome }) => {
      output.progress(`${done} of ${total}: ${row} ${outcome}`);
      output.object({ event: "bench-answer", row, done, total, outcome });
    },
  };
}

/** Why questions are tried again, in words. */
function reasonsText(reasons: Readonly<Record<Retried, number>>): string {
  const words: Record<Retried, string> = {
    missed: "with missing clips",
    unheard: "with missing speech",
    unreadable: "with an unreadable video",
    answerer: "without an answer",
    judge: "without a grade",
  };
  return (Object.entries(reasons) as [Retried, number][])
    .filter(([, count]) => count > 0)
    .map(([reason, count]) => `${count} ${words[reason]}`)
    .join(", ");
}

const percent = (share: number | null) =>
  share === null ? "    –" : `${(100 * share).toFixed(1).padStart(5)}`;

/** The table of a run, and what can be tried again. */
export function printSummary(output: Output, summary: RunSummary): void {
  const { rows, againstBase, missingRows, counts, unreadable } = summary;
  output.text(
    "",
    output.bold(`${counts.used} questions      accuracy  coverage  precision   errors  tokens kept`),
  );
  for (const [name, { label, overall, tokens }] of Object.entries(rows)) {
    const { accuracy, coverage, precision, errors } = overall;
    const against = againstBase[name];
    const line = `${label.padEnd(28)} ${percent(accuracy)}     ${percent(coverage)}      ${percent(precision)}   ${String(errors).padStart(6)}  ${tokens.toFixed(0).padStart(11)}`;
    const test = against
      ? output.dim(
          `   ${signed(100 * against.difference)} to base, p ${against.p < 0.001 ? "< 0.001" : against.p.toFixed(3)}`,
        )
      : "";
    output.text(line + test);
  }
  for (const [name, why] of Object.entries(missingRows)) output.text(output.dim(`${name}: ${why}`));
  const broken = Object.entries(unreadable);
  for (const [stream, why] of broken.slice(0, mostListed)) output.text(`${stream} could not be read: ${why}`);
  if (broken.length > mostListed)
    output.text(`${broken.length - mostListed} more could not be read; summary.json lists them`);
  for (const { label, clips, retried } of Object.values(rows)) {
    const reasons = reasonsText(retried);
    if (reasons !== "") output.text(`${label}: --resume tries questions again: ${reasons}`);
    if (clips.missed > 0)
      output.text(`${label}: the engine failed at ${clips.missed} clips; --resume retries them`);
    if (clips.unheard > 0)
      output.text(`${label}: the transcriber failed at ${clips.unheard} clips; --resume retries them`);
    if (clips.lost > 0)
      output.text(
        `${label}: ${clips.lost} clips have no memory: they were refused, or nothing usable was written`,
      );
  }
}

const signed = (points: number) => `${points < 0 ? "−" : "+"}${Math.abs(points).toFixed(1)}`;
