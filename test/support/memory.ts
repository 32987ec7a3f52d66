/** Memories for tests: made in a folder that goes when the tests end, filled with small observations and decisions. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import Database from "better-sqlite3";
import { localEmbedder, wordSpace } from "../../src/engines/local/index.ts";
import { addChecksumFunctions } from "../../src/memory/checksums.ts";
import type { Decision, Memory, Receipt, Statement } from "../../src/memory/memory.ts";
import { openSqliteMemory, type SqliteMemoryOptions } from "../../src/memory/sqlite.ts";
import type { StoredMemory } from "../../src/memory/stored-memory.ts";
import type { Observation } from "../../src/perception/observation.ts";

/** A folder for one test file. */
export function temporaryFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `taskmem-${name}-`));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The database of a memory, to change it behind the memory's back. */
export function rawDatabase(directory: string): Database.Database {
  const raw = new Database(join(directory, "memory.db"));
  addChecksumFunctions(raw);
  return raw;
}

/** A memory whose wall clock counts calls, so that no two times are equal. */
export async function openTestMemory(
  directory: string,
  options: Partial<SqliteMemoryOptions> = {},
): Promise<StoredMemory> {
  let nowMs = 1_700_000_000_000;
  return openSqliteMemory(directory, {
    words: wordSpace,
    embedder: localEmbedder,
    now: () => nowMs++,
    ...options,
  });
}

export async function addTestStream(memory: Memory, id: string): Promise<void> {
  await memory.addStream({
    id,
    description: `${id}.mp4`,
    clipSeconds: 10,
    clock: { kind: "media" },
    fingerprint: `print-${id}`,
  });
}

/** Writes of a stream by its name, which whoever lost its lease may not make. */
export const leasedWrites = (
  memory: Memory,
  stream: string,
): Readonly<Record<string, () => Promise<unknown>>> => ({
  addObservation: () => memory.addObservation(observationOf(stream, 9)),
  failClip: () => memory.failClip(stream, 0, { code: "unusable", message: "No memory", retryable: false }),
  giveUpClips: () => memory.giveUpClips(stream, [0]),
  addGap: () =>
    memory.addGap({
      ...{ kind: "gap", stream, startSeconds: 30, endSeconds: 90, reason: "source-down", detail: "down" },
    }),
  keepFiles: () => memory.keepFiles(stream, []),
  keepLeftOut: () => memory.keepLeftOut(stream, [{ kind: "source", name: "camera", reason: "It was down." }]),
  endStream: () => memory.endStream(stream),
});

export function observationOf(stream: string, clip: number, parts: Partial<Observation> = {}): Observation {
  return {
    stream,
    clip,
    startSeconds: clip * 10,
    endSeconds: clip * 10 + 10,
    frames: [],
    speech: [],
    captions: [],
    screen: [],
    shots: [],
    people: [],
    tiers: { speech: "sidecar" },
    problems: [],
    ...parts,
  };
}

/** A frame a second into the clip; equal contents are the same picture. */
export function frameOf(clip: number, content: string): Observation["frames"][number] {
  return { atSeconds: clip * 10 + 1, width: 4, height: 3, jpeg: Buffer.from(content) };
}

export function statementOf(clip: number, text: string, parts: Partial<Statement> = {}): Statement {
  return {
    clip,
    kind: "episodic",
    startSeconds: clip * 10 + 1,
    endSeconds: clip * 10 + 3,
    text,
    speakers: [],
    sources: [],
    frameSeconds: [],
    ...parts,
  };
}

export function decisionOf(
  stream: string,
  statements: readonly Statement[],
  parts: Partial<Decision> = {},
): Decision {
  return {
    stream,
    clips: [...new Set(statements.map(({ clip }) => clip))],
    policy: "choice",
    revision: "choice@1",
    statements,
    stateChange: null,
    ...parts,
  };
}

/** Journals a clip and commits its texts as said by `speaker: text` lines; the stream must be known. */
export async function remember(
  memory: Memory,
  stream: string,
  clip: number,
  texts: readonly string[],
  parts: Partial<Observation> = {},
): Promise<Receipt> {
  await memory.addObservation(observationOf(stream, clip, parts));
  const frameSeconds = (parts.frames ?? []).map(({ atSeconds }) => atSeconds);
  const statements = texts.map((text, i) => {
    const speaker = /^(\p{L}+): /u.exec(text)?.[1];
    const sources = [
      {
        kind: "speech" as const,
        startSeconds: clip * 10 + i,
        endSeconds: clip * 10 + i + 1,
        text,
        speaker: speaker ?? null,
        confidence: null,
      },
    ];
    return statementOf(clip, text, {
      startSeconds: clip * 10 + i,
      endSeconds: clip * 10 + i + 1,
      speakers: speaker ? [speaker] : [],
      sources,
      frameSeconds,
    });
  });
  const words = new Map<string, number>();
  for (const text of texts) {
    for (const stem of new Set(wordSpace.stems(text))) words.set(stem, (words.get(stem) ?? 0) + 1);
  }
  return memory.commit({
    ...decisionOf(stream, statements),
    clips: [clip],
    stateChange: { value: { last: texts.at(-1) ?? "" }, documents: texts.length, words },
  });
}

/** Relative paths of all files below a folder whose bytes hold a text, in either case. */
export function filesHolding(folder: string, text: string): string[] {
  const wanted = text.toLowerCase();
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter(
      (path) =>
        path.toLowerCase().includes(wanted) || readFileSync(path, "latin1").toLowerCase().includes(wanted),
    )
    .map((path) => path.slice(folder.length + 1));
}
