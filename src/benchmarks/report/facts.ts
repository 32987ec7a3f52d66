/** What a run was: its settings, what was left out and what went wrong, and what differs from the paper. */
import { costText } from "../../engine.ts";
import { clipsWithout, countRetried } from "../run/results.ts";
import { differencesFromPaper } from "./paper.ts";
import type { ReportedRun, VideoRun } from "./read-run.ts";

export function differences({ run, results }: ReportedRun): string[] {
  if ("own" in run) return [...run.own.differences];
  const { benchmark, counts, answerer, judge, config, protocol } = run;
  return differencesFromPaper(benchmark, {
    used: counts.used,
    answerer: answerer.id,
    votes: answerer.votes,
    judge: judge.id,
    writer:
      config.policy === "model"
        ? `the model ${config.model.writes}`
        : "the choice policy, which needs no model",
    lessons: lessonsOf(config),
    order: protocol.order === "official" ? "official" : `shuffled (seed ${protocol.order.seed})`,
    updates: protocol.updates,
    oracle: protocol.oracle !== false,
    open: results.some(({ judgement }) => judgement !== null),
  });
}

export function facts(reported: ReportedRun): [string, string][] {
  const { run, finished, results } = reported;
  return [
    ["state", finished ? "finished" : `unfinished: ${results.length} results so far`],
    ...("own" in run ? ownFacts(run.used, run.config) : videoFacts(run, reported)),
    ["settings", run.hash.slice(0, 12)],
    ...run.notes.map((note): [string, string] => ["note", note]),
    ...run.skipped
      .slice(0, 20)
      .map(({ file, row, reason }): [string, string] => [`${file} row ${row}`, reason]),
  ];
}

/** How TaskMem learnt, as the run's settings say; `null` where it counted words. */
function lessonsOf({ lessons }: Readonly<Record<string, unknown>>) {
  return (lessons as { policy: string; judge: string | null } | undefined) ?? null;
}

function ownFacts(used: number, config: Readonly<Record<string, unknown>>): [string, string][] {
  const shown = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));
  return [
    ["questions", `${used}`],
    ...Object.entries(config).map(([name, value]): [string, string] => [name, shown(value)]),
  ];
}

function videoFacts(run: VideoRun, { results, cost }: ReportedRun): [string, string][] {
  const { counts, annotations, answerer, judge, layout } = run;
  const { missed, unheard, lost } = clipsWithout(results);
  const withoutMemory = `${missed} that the engine failed at: --resume writes them; ${lost} for good: refused, or nothing usable was written`;
  const withoutSpeech = `${unheard} that the transcriber failed at: --resume writes them again`;
  const { answerer: unanswered, judge: ungraded } = countRetried(results);
  const withoutGrade = `${unanswered} that the answerer failed at, ${ungraded} that the judge failed at: errors here, --resume tries them again`;
  const cut = results.filter(({ leftOut }) => leftOut > 0).length;
  const fact = (isThere: number, name: string, value: string): [string, string][] =>
    isThere > 0 ? [[name, value]] : [];
  return [
    ["command", run.command],
    [
      "questions",
      `${counts.used} used of ${counts.rows} rows: ${counts.skipped} could not be used, ${counts.withoutMaterial} have no video here${counts.used + counts.skipped + counts.withoutMaterial < counts.rows ? ", the others are past the limit" : ""}`,
    ],
    [
      "annotations",
      `${layout}: ${annotations.map(({ name, sha256 }) => `${name} ${sha256.slice(0, 12)}`).join(", ")}`,
    ],
    [
      "answerer",
      `${answerer.id}, prompt ${answerer.prompt.slice(0, 12)}, ${answerer.votes === 1 ? "one answer" : `${answerer.votes} votes`}; shown ${answerer.recall}`,
    ],
    ...fact(cut, "memory shown", `not all of it in ${cut} of ${results.length} answers: it did not fit`),
    ["judge of open answers", `${judge.id}, prompt ${judge.prompt.slice(0, 12)}`],
    ["rows", run.rows.map(({ name, revision }) => `${name}: ${revision}`).join("; ")],
    ...Object.entries(run.missingRows).map(([name, why]): [string, string] => [
      "row not run",
      `${name}: ${why}`,
    ]),
    ["cost", cost.calls === 0 ? "no model was called" : `${costText(cost)}, repeated work included`],
    ...fact(missed + lost, "clips without a memory", withoutMemory),
    ...fact(unheard, "clips without their speech", withoutSpeech),
    ...fact(unanswered + ungraded, "questions", withoutGrade),
  ];
}
