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
import { lexicalReader, localEmbedder } from "../../../engines/local/index.ts";
import type { Memory, MemoryRow } from "../../../memory/memory.ts";
import { openSqliteMemory } from "../../../memory/sqlite.ts";
import { turn } from "../../../util/async.ts";
import { type Result, wholeMemory, withoutModel } from "../../run/results.ts";
import { questionOf } from "../../task.ts";
import { type Corpus, countUntil, createCorpus, runningSums, type TextWindow, weekStream } from "./corpus.ts";
import { type Evidence, evidenceOf, hasStrict, measureEvidence } from "./evidence.ts";
import {
  type EgoLifeTextHooks,
  type EgoLifeTextOptions,
  policiesAt,
  type Remembering,
  type WeekMemory,
} from "./policies.ts";
import type { EgoLifeText } from "./week.ts";

/** What one policy at one budget kept and answered. */
export interface WeekResults {
  /** Of its row. */
  readonly name: string;
  readonly policy: string;
  /** 1 for `all`. */
  readonly budget: number;
  /** Share of the tokens before the last question that it remembers then. */
  readonly share: number;
  /** By question, in the order they were asked; each with `EvidenceMeasures`. */
  readonly results: readonly Result[];
}

/** What was measured on a week of texts. */
export interface EgoLifeTextRun {
  /** Budget by budget, in the order of the policies; `all` with the first. */
  readonly measured: readonly WeekResults[];
  /** Questions with any evidence in the text, and with strict evidence. */
  readonly answerable: number;
  readonly strictlyAnswerable: number;
  readonly windows: number;
  readonly tokens: number;
}

/** Runs every policy at every budget over the week. */
export async function runEgoLifeText(
  { entries, questions }: Pick<EgoLifeText, "entries" | "questions">,
  options: EgoLifeTextOptions,
  hooks: EgoLifeTextHooks,
): Promise<EgoLifeTextRun> {
  const { policies, budgets } = options;
  const { names, weights = null, step = (_, make) => make(), onProgress } = hooks;
  const corpus = createCorpus(entries, hooks.words, options.windowSeconds);
  const evidence = questions.map((asked) => evidenceOf(corpus, asked, names));
  const until = questions.map(({ askTime }) => countUntil(entries, askTime));
  const week: Week = { ...options, ...hooks, weights, corpus, questions, evidence, until };
  const tokensUntil = runningSums(corpus.tokens);
  const rows = budgets.flatMap((budget, k) =>
    policies.flatMap((name) => {
      if (name !== "all") return policiesAt(name, budget, week);
      return k === 0 ? policiesAt(name, 1, week) : [];
    }),
  );
  const measured: WeekResults[] = [];
  for (const { policy, budget, remember } of rows) {
    const name = policy === "all" ? policy : `${policy} at ${Number((100 * budget).toFixed(2))} %`;
    onProgress?.(name);
    const results = await step(name, async () => {
      const ofMemories: Result[][] = [];
      for (const memory of await remember()) ofMemories.push(await askWeek(week, name, memory));
      return ofMemories.flat().sort((a, b) => a.place - b.place);
    });
    const share = results.at(-1)!.memory!.tokens / Math.max(1, tokensUntil[until.at(-1)!]!);
    measured.push({ name, policy, budget, share, results });
  }
  return {
    measured,
    answerable: evidence.filter(({ size }) => size > 0).length,
    strictlyAnswerable: evidence.filter(hasStrict).length,
    windows: corpus.windows.length,
    tokens: tokensUntil.at(-1)!,
  };
}

interface Week extends Remembering {
  /** By question. */
  readonly evidence: readonly Evidence[];
  /** By question: entries that start no later. */
  readonly until: readonly number[];
}

/** Asks a memory its questions, each from what is kept of the windows that were over when it was asked. */
async function askWeek(week: Week, row: string, { kept, asked, from }: WeekMemory): Promise<Result[]> {
  const { corpus, questions, evidence, until, signal } = week;
  const { windows, windowSeconds, words } = corpus;
  const entriesKept = runningSums(kept);
  const tokensKept = runningSums(corpus.tokens.map((tokens, i) => kept[i]! * tokens));
  const directory = await mkdtemp(join(tmpdir(), "taskmem-week-"));
  const memory = await openSqliteMemory(directory, { words, embedder: localEmbedder, now: () => 0 });
  const reader = lexicalReader({ words });
  const results: Result[] = [];
  try {
    await memory.addStream({
      ...{ id: weekStream, description: weekStream, clipSeconds: windowSeconds },
      ...{ clock: { kind: "day" }, fingerprint: null },
    });
    let next = 0;
    for (const place of asked) {
      await turn(signal);
      const question = questions[place]!;
      const { id, stream, type, askTime, answer } = question;
      const first = next;
      while (next < windows.length && windows[next]!.observation.endSeconds <= askTime) next += 1;
      const rows = windows.slice(first, next).flatMap((window) => rowsOf(corpus, window, kept));
      if (rows.length > 0) await memory.addRows(rows, () => null);
      const oldest = from?.[place] ?? 0;
      const { option, recall } = await answerQuestion(questionOf(question), {
        memory: youngerThan(memory, corpus, oldest),
        ...{ reader, now: () => 0, record: false, streams: [weekStream], asOfSeconds: askTime },
      });
      const isKept = (entry: number) => entry >= oldest && kept[entry] === 1;
      const recalled = recall.map(({ entry }) => Number(entry));
      const held = (sums: Float64Array) => sums[until[place]!]! - sums[oldest]!;
      results.push({
        ...{ row, task: id, stream, askTime, types: [type], place, policy: row, revisions: [] },
        memory: { id: row, entries: held(entriesKept), tokens: held(tokensKept), ...wholeMemory },
        outcome: option === null ? "abstained" : option === answer ? "right" : "wrong",
        ...{ answer: option, problem: null, ...withoutModel },
        measures: measureEvidence(evidence[place]!, isKept, recalled),
      });
    }
  } finally {
    await memory.close();
    await rm(directory, { recursive: true, force: true });
  }
  return results;
}

/** The memory without what started before an entry. */
function youngerThan(memory: Memory, { entries }: Corpus, oldest: number): Memory {
  if (oldest === 0) return memory;
  const fromSeconds = entries[oldest]?.startSeconds ?? Number.POSITIVE_INFINITY;
  return { ...memory, recall: (query) => memory.recall({ ...query, fromSeconds }) };
}

/** What is kept of a window as rows of the store; an entry's id is its place in the week. */
function rowsOf({ entries, lines }: Corpus, { entries: members, observation }: TextWindow, kept: Uint8Array) {
  return members
    .filter((i) => kept[i])
    .map((i): MemoryRow => {
      const { startSeconds, speaker } = entries[i]!;
      const endSeconds = Math.max(startSeconds, entries[i]!.endSeconds);
      return {
        ...{ row: "entry", id: String(i).padStart(7, "0"), stream: weekStream, clip: observation.clip },
        ...{ kind: "episodic", startSeconds, endSeconds, text: lines[i]!, writtenAtMs: 0, closed: null },
        ...{ speakers: speaker === null ? [] : [speaker], policy: "week", revision: "week" },
        evidence: {
          ...{ clips: [observation.clip], startSeconds, endSeconds },
          ...{ frames: [], sources: [], tiers: {} },
        },
      };
    });
}
