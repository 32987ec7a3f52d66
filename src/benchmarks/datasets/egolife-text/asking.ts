/**
 * A memory of the week as the product has it: lines are kept in a real store as the stream passes, and each question is
 * answered at its moment by the shipped recall and reader, from what the store holds then.
 *
 * Memories that differ only in what they have forgotten share one store: an answer sees what is young enough for it.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { answerQuestion } from "../../../answer/answer.ts";
import type { WordSpace } from "../../../engine.ts";
import { lexicalReader, localEmbedder } from "../../../engines/local/index.ts";
import type { Memory, MemoryRow } from "../../../memory/memory.ts";
import { openSqliteMemory } from "../../../memory/sqlite.ts";
import { turn } from "../../../util/async.ts";
import { type Corpus, type TextWindow, weekStream } from "./corpus.ts";
import type { TextQuestion } from "./week.ts";

export interface AskedAnswer {
  /** Letter of the chosen option, `null` where the reader abstained. */
  readonly option: string | null;
  /** Entries that were recalled, best first. */
  readonly recalled: readonly number[];
}

export interface AskingOptions {
  readonly corpus: Corpus;
  readonly windows: readonly TextWindow[];
  readonly windowSeconds: number;
  /** In the order they are asked. */
  readonly questions: readonly TextQuestion[];
  readonly words: WordSpace;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Answers questions from what is kept of the windows that were over when each was asked.
 * @param kept 1 for entries that are kept, shape [N]
 * @param asked places of the questions, ascending
 * @param oldest for each of some memories, by the place of a question, the first entry it has not forgotten by then
 * @returns the answers of each of these memories, in the order of `asked`
 */
export async function askWeek(
  { corpus, windows, windowSeconds, questions, words, signal }: AskingOptions,
  kept: Uint8Array,
  asked: readonly number[],
  oldest: readonly (readonly number[])[],
): Promise<AskedAnswer[][]> {
  const directory = await mkdtemp(join(tmpdir(), "taskmem-week-"));
  const memory = await openSqliteMemory(directory, { words, embedder: localEmbedder, now: () => 0 });
  const reader = lexicalReader({ words });
  const answers: AskedAnswer[][] = oldest.map(() => []);
  try {
    await memory.addStream({
      ...{ id: weekStream, description: weekStream, clipSeconds: windowSeconds },
      ...{ clock: { kind: "day" }, fingerprint: null },
    });
    let next = 0;
    for (const question of asked) {
      await turn(signal);
      const { question: text, askedSeconds } = questions[question]!;
      const from = next;
      while (next < windows.length && windows[next]!.observation.endSeconds <= askedSeconds) next += 1;
      const rows = windows.slice(from, next).flatMap((window) => rowsOf(corpus, window, kept));
      if (rows.length > 0) await memory.addRows(rows, () => null);
      for (const [k, oldestAt] of oldest.entries()) {
        const { option, recall } = await answerQuestion(text, {
          memory: youngerThan(memory, corpus, oldestAt[question]!),
          ...{ reader, now: () => 0, record: false, streams: [weekStream], asOfSeconds: askedSeconds },
        });
        answers[k]!.push({ option, recalled: recall.map(({ entry }) => Number(entry)) });
      }
    }
  } finally {
    await memory.close();
    await rm(directory, { recursive: true, force: true });
  }
  return answers;
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
