/**
 * EgoLife's week of one wearer as texts: kept under a budget by one policy after the other, and asked.
 *
 * What is kept lies in a real store as the stream passes, and each question is answered at its moment by the shipped
 * recall and reader: they see the windows that were over by then. What is measured by its evidence (`evidence.ts`)
 * counts lines that started before the question, those of its own window too, which is decided at its end, 30 s later
 * at most.
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { lexicalReader, localEmbedder, wordSpace as words } from "../../../engines/local/index.ts";
import type { Memory, SourceText } from "../../../memory/memory.ts";
import { openSqliteMemory } from "../../../memory/sqlite.ts";
import type { Policy } from "../../../policy/policy.ts";
import { decisionsOf } from "../../../training/replay.ts";
import { inDirectory } from "../../../util/directory.ts";
import { wordingJudge } from "../../run/answer-judge.ts";
import { readerAnswerer } from "../../run/answerers.ts";
import { addTextStream, addTexts, type KeptText } from "../../run/kept-texts.ts";
import { runLoop } from "../../run/loop.ts";
import type { Memories } from "../../run/options.ts";
import type { OwnRow } from "../../run/own-report.ts";
import { planRun } from "../../run/plan.ts";
import { type Result, wholeMemory } from "../../run/results.ts";
import { evidenceOf, measureEvidence } from "./evidence.ts";
import { type EgoLifeTextOptions, rowsOf, type TextWindow, type Week, type WeekRow } from "./policies.ts";
import type { EgoLifeText } from "./week.ts";

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
  const { entries, questions } = text;
  const lines = entries.map(({ speaker, text: said }) => (speaker === null ? said : `${speaker}: ${said}`));
  const tokens = lines.map((line) => words.countTokens(line));
  const windows = windowsOf(entries, tokens, options.windowSeconds);
  const week: Week = { ...options, entries, questions, lines, tokens, windows };
  const rows = rowsOf(week);
  // A week is one stream, whoever its questions are put to.
  const stream = questions[0]!.stream;
  const tasks = questions.map((question) => ({ ...question, stream }));
  const results = await inDirectory(options.directory, async (directory) => {
    const found = await runLoop({
      ...{ ...options, directory, memories: weekMemories(week, text.names) },
      plan: planRun(rows, tasks, { environment: "stream" }),
      answerer: readerAnswerer(lexicalReader({ words }), { mode: "search" }),
      ...{ judge: wordingJudge(), votes: 1, concurrency: 1 },
    });
    await rm(join(directory, "memories"), { recursive: true, force: true });
    return found;
  });
  const passed = sum(tokens.slice(0, countUntil(week, questions.at(-1)!.askTime)));
  const measured = rows.map(({ name, label, policy, budget }) => {
    const own = results.filter(({ row }) => row === name);
    const share = own.at(-1)!.memory!.tokens / Math.max(1, passed);
    return { name, label, policy, budget, share, results: own };
  });
  return { measured, tokens: sum(tokens) };
}

/** Each row's memory is a store that is written as the week passes, from its start also where a run is resumed. */
function weekMemories(week: Week, names: EgoLifeText["names"]): Memories {
  const { entries, tokens, questions, windowSeconds: clipSeconds } = week;
  const evidence = evidenceOf({ ...week, names }, week.lines);
  const evidenceFor = new Map(questions.map(({ id }, i) => [id, evidence[i]!]));
  return {
    open: async ({ stream, parts, tasks }, place, { signal }) => {
      await rm(place, { recursive: true, force: true });
      const memory = await openSqliteMemory(place, { words, embedder: localEmbedder, now: () => 0 });
      const row = tasks[0]!.row as WeekRow;
      const decisions = keptOf(week, parts[0]!.policy, signal);
      const written: number[] = [];
      /** The window that is not over yet; `null` after the last. */
      let last: Kept | null | undefined;
      const decide = async () => {
        last = (await decisions.next()).value;
        written.push(...(last?.places ?? []));
      };
      await addTextStream(memory, { id: stream, clipSeconds, clock: { kind: "day" } });
      return {
        watchUntil: async (moment) => {
          const over: KeptText[] = [];
          if (last === undefined) await decide();
          while (last && (moment === "end" || last.endSeconds <= moment)) {
            const { clip, places } = last;
            over.push(...places.map((place) => textAt(week, place, clip)));
            await decide();
          }
          await addTexts(memory, stream, over);
        },
        at: async ({ id, askTime }) => {
          const until = countUntil(week, Number(askTime));
          const oldest = row.forgets ? oldestOf(tokens, row.budget, until) : 0;
          const held = new Set(written.filter((i) => i >= oldest && i < until));
          const from = entries[oldest]?.startSeconds ?? Number(askTime);
          return {
            memory: oldest === 0 ? memory : youngerThan(memory, from),
            held: { entries: held.size, tokens: sum([...held].map((i) => tokens[i]!)), ...wholeMemory },
            measure: (recalled) => measureEvidence(evidenceFor.get(id)!, held, recalled.map(Number)),
          };
        },
        close: async () => {
          await decisions.return(null);
          await memory.close();
        },
      };
    },
  };
}

/** What is kept of a window. */
interface Kept {
  readonly clip: number;
  readonly endSeconds: number;
  /** Places of entries, ascending. */
  readonly places: readonly number[];
}

/** A policy watches the week for the first time. */
async function* keptOf(
  { entries, windows }: Week,
  policy: Policy,
  signal: AbortSignal,
): AsyncGenerator<Kept, null> {
  const observations = [...windows.values()].map(({ observation }) => observation);
  for await (const { context, action } of decisionsOf(policy, observations, { signal })) {
    const { clip, endSeconds } = context.observations[0]!;
    const left = Map.groupBy(
      action.statements.map(({ sources: [source] }) => keyOf(source!)),
      String,
    );
    const places = windows.get(clip)!.places.filter((i) => left.get(keyOf(entries[i]!))?.pop());
    yield { clip, endSeconds, places };
  }
  return null;
}

type Line = Pick<SourceText, "kind" | "startSeconds" | "speaker" | "text">;
const keyOf = ({ kind, startSeconds, speaker, text }: Line) =>
  JSON.stringify([kind, startSeconds, speaker, text]);

function windowsOf(
  entries: Week["entries"],
  tokens: Week["tokens"],
  seconds: number,
): Map<number, TextWindow> {
  const groups = Map.groupBy(entries.keys(), (i) => Math.floor(entries[i]!.startSeconds / seconds));
  return new Map(
    [...groups].map(([clip, places]) => {
      const texts = places.map((i) => entries[i]!);
      const observation = {
        // The name seeds what is drawn of a window.
        ...{ stream: "week", clip, startSeconds: clip * seconds, endSeconds: (clip + 1) * seconds },
        speech: texts.filter(({ kind }) => kind === "speech"),
        captions: texts.filter(({ kind }) => kind === "caption"),
        ...{ frames: [], screen: [], shots: [], people: [], tiers: {}, problems: [] },
      };
      return [clip, { places, tokens: sum(places.map((i) => tokens[i]!)), observation }];
    }),
  );
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

/** An entry as the store keeps it; its id is its place in the week. */
function textAt({ entries, lines }: Week, place: number, clip: number): KeptText {
  const { startSeconds, endSeconds, speaker } = entries[place]!;
  return {
    ...{ id: String(place).padStart(7, "0"), clip, kind: "episodic", text: lines[place]! },
    ...{ startSeconds, endSeconds: Math.max(startSeconds, endSeconds) },
    speakers: speaker === null ? [] : [speaker],
  };
}
