/**
 * EgoLife's week of one wearer as texts: kept under a budget by one policy after the other, and asked.
 *
 * What is kept lies in a real store as the stream passes, and each question is answered at its moment by the shipped
 * recall and reader: they see the windows that were over by then. What is measured by its evidence (`evidence.ts`)
 * counts lines that started before the question, those of its own window too, which is decided at its end, 30 s later
 * at most.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { answerQuestion } from "../../../answer/answer.ts";
import { lexicalReader, localEmbedder, wordSpace as words } from "../../../engines/local/index.ts";
import type { Memory, MemoryRow } from "../../../memory/memory.ts";
import { openSqliteMemory } from "../../../memory/sqlite.ts";
import { turn } from "../../../util/async.ts";
import type { OwnRow } from "../../run/own-run.ts";
import { type Result, wholeMemory, withoutModel } from "../../run/results.ts";
import { questionOf } from "../../task.ts";
import { type Evidence, evidenceOf, measureEvidence } from "./evidence.ts";
import {
  type EgoLifeTextOptions,
  policiesAt,
  type TextWindow,
  type Week,
  type WeekPolicy,
} from "./policies.ts";
import type { EgoLifeText, WeekTask } from "./week.ts";

/** What one policy at one budget kept and answered. */
export interface WeekResults extends OwnRow {
  /** 1 for `all`. */
  readonly budget: number;
  /** Share of the tokens before the last question that it remembers then. */
  readonly share: number;
  /** By question, in the order they were asked; each with `EvidenceMeasures`. */
  readonly results: readonly Result[];
}

/** Runs every policy at every budget over the week: budget by budget, in the order of the policies, `all` with the first. */
export async function runEgoLifeText(
  text: Pick<EgoLifeText, "entries" | "questions" | "names">,
  options: EgoLifeTextOptions,
): Promise<{ readonly measured: readonly WeekResults[]; readonly tokens: number }> {
  const { policies, budgets, windowSeconds, step = (_, make) => make(), onProgress } = options;
  const { entries, questions } = text;
  const lines = entries.map(({ speaker, text: said }) => (speaker === null ? said : `${speaker}: ${said}`));
  const tokens = lines.map((line) => words.countTokens(line));
  const windows = windowsOf(entries, tokens, windowSeconds);
  const week: Week = { ...options, entries, questions, lines, tokens, windows };
  const evidence = evidenceOf(text, lines);
  const passed = sum(tokens.slice(0, countUntil(week, questions.at(-1)!.askTime)));
  const measured: WeekResults[] = [];
  for (const [k, budget] of budgets.entries()) {
    for (const policy of policies.filter((each) => each !== "all" || k === 0)) {
      for (const row of policiesAt(policy, policy === "all" ? 1 : budget, week)) {
        const name = policy === "all" ? policy : `${row.policy} at ${Number((100 * budget).toFixed(2))} %`;
        onProgress?.(name);
        const results = await step(name, () => askWeek(week, name, row, evidence));
        const share = results.at(-1)!.memory!.tokens / Math.max(1, passed);
        measured.push({ name, label: name, policy: row.policy, budget: row.budget, share, results });
      }
    }
  }
  return { measured, tokens: sum(tokens) };
}

/** A policy watches the week, and its memory is asked every question when it comes, from the windows that are over. */
async function askWeek(
  week: Week,
  name: string,
  { budget, forgets, watch }: WeekPolicy,
  evidence: readonly Evidence[],
): Promise<Result[]> {
  const { entries, tokens, windowSeconds, questions, signal } = week;
  const directory = await mkdtemp(join(tmpdir(), "taskmem-week-"));
  const memory = await openSqliteMemory(directory, { words, embedder: localEmbedder, now: () => 0 });
  const reader = lexicalReader({ words });
  const results: Result[] = [];
  const written: number[] = [];
  let unstored: MemoryRow[] = [];
  const ask = async (question: WeekTask) => {
    await turn(signal);
    if (unstored.length > 0) await memory.addRows(unstored, () => null);
    unstored = [];
    const place = results.length;
    const { id, stream, type, askTime, answer } = question;
    const until = countUntil(week, askTime);
    const oldest = forgets ? oldestOf(tokens, budget, until) : 0;
    const { option, recall } = await answerQuestion(questionOf(question), {
      memory: oldest === 0 ? memory : youngerThan(memory, entries[oldest]?.startSeconds ?? askTime),
      ...{ reader, now: () => 0, record: false, streams: [weekStream], asOfSeconds: askTime },
    });
    const held = new Set(written.filter((i) => i >= oldest && i < until));
    const recalled = recall.map(({ entry }) => Number(entry));
    results.push({
      ...{ row: name, task: id, stream, askTime, types: [type], place, policy: name, revisions: [] },
      memory: { id: name, entries: held.size, tokens: sum([...held].map((i) => tokens[i]!)), ...wholeMemory },
      outcome: option === null ? "abstained" : option === answer ? "right" : "wrong",
      ...{ answer: option, problem: null, ...withoutModel },
      measures: measureEvidence(evidence[place]!, held, recalled),
    });
  };
  try {
    await memory.addStream({
      ...{ id: weekStream, description: weekStream, clipSeconds: windowSeconds },
      ...{ clock: { kind: "day" }, fingerprint: null },
    });
    for await (const [{ observation }, kept] of watch()) {
      written.push(...kept);
      while (questions[results.length]!.askTime < observation.endSeconds) {
        await ask(questions[results.length]!);
        if (results.length === questions.length) return results;
      }
      unstored.push(...kept.map((place) => rowOf(week, place, observation.clip)));
    }
    while (results.length < questions.length) await ask(questions[results.length]!);
  } finally {
    await memory.close();
    await rm(directory, { recursive: true, force: true });
  }
  return results;
}

/** The name of the stream that a week is. */
const weekStream = "week";

function windowsOf(entries: Week["entries"], tokens: Week["tokens"], seconds: number): TextWindow[] {
  const groups = Map.groupBy(entries.keys(), (i) => Math.floor(entries[i]!.startSeconds / seconds));
  return [...groups].map(([clip, places]) => {
    const texts = places.map((i) => entries[i]!);
    return {
      places,
      tokens: sum(places.map((i) => tokens[i]!)),
      observation: {
        ...{ stream: weekStream, clip, startSeconds: clip * seconds, endSeconds: (clip + 1) * seconds },
        speech: texts.filter(({ kind }) => kind === "speech"),
        captions: texts.filter(({ kind }) => kind === "caption"),
        ...{ frames: [], screen: [], shots: [], people: [], tiers: {}, problems: [] },
      },
    };
  });
}

/** Number of entries that start no later than a moment. */
function countUntil({ entries }: Week, seconds: number): number {
  const later = entries.findIndex(({ startSeconds }) => startSeconds > seconds);
  return later < 0 ? entries.length : later;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** The first entry of the last share of the tokens before a place. */
function oldestOf(tokens: readonly number[], share: number, until: number): number {
  let forgotten = (1 - share) * sum(tokens.slice(0, until));
  let oldest = 0;
  while (forgotten > 0) forgotten -= tokens[oldest++]!;
  return oldest;
}

/** The memory without what started before a moment. */
const youngerThan = (memory: Memory, fromSeconds: number): Memory => ({
  ...memory,
  recall: (query) => memory.recall({ ...query, fromSeconds }),
});

/** An entry as a row of the store; its id is its place in the week. */
function rowOf({ entries, lines }: Week, place: number, clip: number): MemoryRow {
  const { startSeconds, speaker } = entries[place]!;
  const endSeconds = Math.max(startSeconds, entries[place]!.endSeconds);
  return {
    ...{ row: "entry", id: String(place).padStart(7, "0"), stream: weekStream, clip, kind: "episodic" },
    ...{ startSeconds, endSeconds, text: lines[place]!, writtenAtMs: 0, closed: null },
    ...{ speakers: speaker === null ? [] : [speaker], policy: "week", revision: "week" },
    evidence: { clips: [clip], startSeconds, endSeconds, frames: [], sources: [], tiers: {} },
  };
}
