/**
 * What a policy writes of a film, the memory that holds it, and how true and how new it is by the household's own
 * knowledge.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { localEmbedder, wordSpace } from "../../../engines/local/index.ts";
import { inMemoryStore } from "../../../memory/in-memory.ts";
import type { Memory, Statement } from "../../../memory/memory.ts";
import type { Policy } from "../../../policy/policy.ts";
import { readHouseholdMemory } from "../../../reward/household-judge.ts";
import { decisionsOf } from "../../../training/replay.ts";
import { makeDirectory } from "../../../util/directory.ts";
import { replaceFile } from "../../../util/replace-file.ts";
import { addTextStream, addTexts } from "../../run/kept-texts.ts";
import type { Memories } from "../../run/options.ts";
import { wholeMemory } from "../../run/results.ts";
import type { HouseholdFilm } from "./films.ts";

/** What a policy wrote of one film. */
export interface Written {
  readonly entries: readonly WrittenEntry[];
  readonly statements: readonly Statement[];
}

/** What a policy wrote at one decision. */
export interface WrittenEntry {
  readonly clips: readonly number[];
  /** In its own words. */
  readonly text: string;
  /** Lines of the stream, word for word: true of what was perceived. */
  readonly copied: readonly string[];
}

/** What a policy writes of a film it sees for the first time. */
export async function writtenOf(
  policy: Policy,
  { observations }: HouseholdFilm,
  signal: AbortSignal | undefined,
): Promise<Written> {
  const entries: WrittenEntry[] = [];
  const statements: Statement[] = [];
  for await (const { context, action } of decisionsOf(policy, observations, { signal })) {
    statements.push(...action.statements);
    // What somebody said is kept with the name in front.
    const isCopy = ({ text, sources }: Statement) =>
      sources.some((source) => text === source.text || text.endsWith(`: ${source.text}`));
    const textsOf = (some: readonly Statement[]) => some.map(({ text }) => text);
    entries.push({
      clips: context.observations.map(({ clip }) => clip),
      text: textsOf(action.statements.filter((statement) => !isCopy(statement))).join(" "),
      copied: textsOf(action.statements.filter(isCopy)),
    });
  }
  return { entries, statements };
}

/** What policies wrote of films, by the id of the memory: in a folder, for a run that is resumed. */
export interface WrittenFilms {
  get(id: string): Written | null;
  set(id: string, written: Written): void;
}

export function writtenFilms(folder: string): WrittenFilms {
  makeDirectory(folder);
  const known = new Map<string, Written>();
  const fileOf = (id: string) => join(folder, `${id}.json`);
  return {
    get: (id) => {
      if (!known.has(id) && existsSync(fileOf(id)))
        known.set(id, JSON.parse(readFileSync(fileOf(id), "utf8")));
      return known.get(id) ?? null;
    },
    set: (id, written) => {
      known.set(id, written);
      replaceFile(fileOf(id), JSON.stringify(written));
    },
  };
}

/** The memories of films, each watched once by one policy, whichever rows are answered from it. */
export function filmMemories(
  films: ReadonlyMap<string, HouseholdFilm>,
  written: WrittenFilms,
  countTokens: (text: string) => number,
): Memories {
  return {
    open: async ({ id, stream, parts }, _, { signal }) => {
      let memory: Memory | null = null;
      return {
        watchUntil: async () => {
          if (written.get(id) !== null) return;
          written.set(id, await writtenOf(parts[0]!.policy, films.get(stream)!, signal));
        },
        at: async () => {
          const { statements } = written.get(id)!;
          memory ??= await storeOf(stream, statements);
          const tokens = statements.reduce((sum, { text }) => sum + countTokens(text), 0);
          return { memory, held: { entries: statements.length, tokens, ...wholeMemory } };
        },
        close: async () => memory?.close(),
      };
    },
  };
}

async function storeOf(stream: string, statements: readonly Statement[]): Promise<Memory> {
  const memory = inMemoryStore({ words: wordSpace, embedder: localEmbedder, now: () => 0 });
  await addTextStream(memory, { id: stream, clipSeconds: 10, clock: { kind: "media" } });
  const texts = statements.map(({ clip, kind, startSeconds, endSeconds, text, speakers }, i) => ({
    ...{ id: String(i).padStart(5, "0"), clip, kind, startSeconds, endSeconds, text, speakers },
  }));
  await addTexts(memory, stream, texts);
  return memory;
}

/** Memories that a repetition is looked for in, at least: what a policy is shown of its own. */
const mostEntriesBefore = 4;

/** What was written, as figures. */
export interface EntryFigures {
  readonly tokensPerEntry: number;
  /** Statements an entry makes. */
  readonly factsPerEntry: number;
  /** Share of statements that are true, and that were made before. */
  readonly trueShare: number;
  readonly redundantShare: number;
  /** Share of entries that pass the quality checks: all true and nothing repeated. */
  readonly passing: number;
}

/** Figures of what was written, over the memories of each film that were asked about some kinds. */
export function entryFigures(
  films: readonly HouseholdFilm[],
  memories: readonly (readonly (Written | null)[])[],
  countTokens: (text: string) => number,
): EntryFigures {
  let [entries, tokens, sentences, wrong, repeated, passing] = [0, 0, 0, 0, 0, 0];
  for (const memory of memories) {
    for (const [i, { episode }] of films.entries()) {
      let entriesBefore: string[][] = [];
      for (const { clips, text, copied } of memory[i]?.entries ?? []) {
        const facts = clips.flatMap((clip) => episode.clips[clip]!.facts);
        const before = entriesBefore.flat();
        const reading = readHouseholdMemory(text, facts, before);
        const again = copied.filter((line, at) => before.includes(line) || copied.indexOf(line) < at).length;
        entries += 1;
        tokens += countTokens([text, ...copied].join(" "));
        sentences += reading.sentences + copied.length;
        wrong += reading.wrong.length;
        repeated += reading.repeated.length + again;
        const faults = reading.wrong.length + reading.repeated.length + again;
        passing += Number(faults === 0 && reading.told.length + copied.length > 0);
        entriesBefore = [...entriesBefore, [text, ...copied]].slice(-mostEntriesBefore);
      }
    }
  }
  const perEntry = (count: number) => count / Math.max(1, entries);
  const perSentence = (count: number) => count / Math.max(1, sentences);
  return {
    tokensPerEntry: perEntry(tokens),
    factsPerEntry: perEntry(sentences),
    trueShare: 1 - perSentence(wrong),
    redundantShare: perSentence(repeated),
    passing: perEntry(passing),
  };
}
